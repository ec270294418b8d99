package trainer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gorgonia.org/tensor"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/nets/op"
	"largestep/train/run"
)

// trainer is a training under way.
type trainer struct {
	Options
	*descent
	meter   Meter
	records *run.Records
	run.Position
	started    time.Time // of this process, less the seconds of earlier ones
	lastSaved  time.Time
	saved      int // step of the latest checkpoint
	lastReport time.Time
	lastLoss   float64
	shorter    *run.Config // what the run was before it was made longer; nil if it was not
	warnings   []string    // that the log is to have
	logged     int         // steps whose losses were taken over
	noted      int         // choices of the engine that the log has
}

func newTrainer(o Options, shorter *run.Config) (*trainer, error) {
	t := &trainer{Options: o, shorter: shorter}
	if err := t.build(); err != nil {
		return nil, err
	}
	if err := t.initialize(); err != nil {
		return nil, err
	}
	if known := t.Init != "" || t.Config.InitSHA256 == ""; known {
		if err := t.meter.Begin(); err != nil {
			return nil, err
		}
	}
	warning, err := t.restore()
	if err != nil {
		return nil, err
	}
	if warning != "" {
		t.warn(warning)
	}
	for _, damage := range run.DamagedParameters(t.Dir, phasePrefix, epochPrefix) { // which nothing reads from here on
		t.warn(damage.Error())
	}
	t.noteKernels()
	return t, nil
}

// noteKernels notes what computes, and warns where that is something else than
// before.
func (t *trainer) noteKernels() {
	name := kernels(t.Engine, t.Problem.Dtype())
	if n := len(t.Kernels); n > 0 && t.Kernels[n-1] != name {
		t.warn(fmt.Sprintf("computed by %s so far, and by %s from step %d on: the bits will not be those of either alone",
			strings.Join(t.Kernels, ", "), name, t.Step))
	}
	if !slices.Contains(t.Kernels, name) {
		t.Kernels = append(t.Kernels, name)
	}
}

// kernels names what an engine computes with: two runs have the same bits only if it
// is the same.
func kernels(e op.Engine, dtype tensor.Dtype) string {
	if e, ok := e.(interface{ Kernels(tensor.Dtype) string }); ok {
		return e.Kernels(dtype)
	}
	return e.Name() + ", " + e.Device()
}

// warn tells whoever watches.
func (t *trainer) warn(text string) {
	t.warnings = append(t.warnings, text)
	if t.Hooks.Warn != nil {
		t.Hooks.Warn(text)
	}
}

// openRecords opens the record files to go on from the checkpoint.
func (t *trainer) openRecords() (err error) {
	t.records, err = run.OpenRecords(t.Dir, t.Problem.Columns(), t.Config, t.Sizes)
	return err
}

// build makes the graphs and brings the examples to the engine.
func (t *trainer) build() (err error) {
	if t.descent, err = newDescent(t.Engine, t.Problem, &t.Config, t.Init); err != nil {
		return err
	}
	if t.meter, err = t.Problem.Meter(t.vars); err != nil {
		return err
	}
	return t.Problem.Upload(t.vars)
}

// train runs the loop and leaves its end in the run folder: the records first,
// the status last.
func (t *trainer) train(ctx context.Context) (record.Status, error) {
	err := t.run(ctx)
	if errors.Is(err, ErrInterrupted) {
		err = cmp.Or(t.interrupt(), err)
	}
	state := record.Finished
	switch {
	case errors.Is(err, errDiverged):
		state = record.Diverged
	case errors.Is(err, ErrInterrupted):
		state = record.Interrupted
	case err != nil:
		return record.Status{}, t.fail(err)
	}
	if state == record.Diverged {
		err = t.diverge(ctx)
		if errors.Is(err, ErrInterrupted) {
			state = record.Interrupted
		} else if err != nil {
			return record.Status{}, t.fail(err)
		}
	}
	status, err := t.end(ctx, state)
	if errors.Is(err, ErrInterrupted) {
		state = record.Interrupted
		status, err = t.end(ctx, state)
	}
	if err != nil {
		return record.Status{}, t.fail(err)
	}
	t.records.Log.Printf("%s at step %d %s", state, status.Step, status.Message)
	if err := t.records.Close(); err != nil {
		return record.Status{}, err
	}
	if state == record.Interrupted {
		err = ErrInterrupted
	}
	return status, err
}

// fail leaves the error in the run folder, as far as that can still be written
// to, and returns it.
func (t *trainer) fail(err error) error {
	if t.records.Log != nil {
		t.records.Log.Printf("failed: %v", err)
		t.records.Close()
	}
	t.status(record.Failed, err.Error())
	return err
}

func (t *trainer) run(ctx context.Context) error {
	now := time.Now()
	t.started = now.Add(-time.Duration(t.Seconds * float64(time.Second)))
	t.lastReport, t.lastSaved = now, now
	for _, text := range t.warnings {
		t.records.Log.Printf("%s", text)
	}
	t.records.Log.Printf("step %d of %d on %s, %s", t.Step, t.Config.Steps(), t.Engine.Name(), t.Engine.Device())
	if len(t.changes) > 0 {
		t.records.Log.Printf("%s: %s", t.Init, strings.Join(t.changes, "; "))
	}
	if t.Hooks.Start != nil {
		t.Hooks.Start(t.Config, t.Step)
	}
	if err := t.status(record.Running, ""); err != nil {
		return err
	}
	return t.loop(ctx)
}

// end leaves plateaus, the end of the events, and the state in the run folder, whose
// other records are complete.
func (t *trainer) end(ctx context.Context, s record.State) (record.Status, error) {
	if s == record.Interrupted {
		return t.write(record.Status{State: s, Step: t.saved, Epoch: t.epoch(t.saved)})
	}
	if err := run.Settle(t.Dir, t.Keep, t.Config.Momentum != 0); err != nil {
		return record.Status{}, err
	}
	err := run.RecordPlateaus(ctx, t.Dir, s, untaught(t.Problem))
	if errors.Is(err, context.Canceled) {
		return record.Status{}, ErrInterrupted
	}
	if err != nil {
		return record.Status{}, err
	}
	status := record.Status{State: s, Step: t.Step, Epoch: t.epoch(t.Step)}
	if d := t.Diverged; d != nil {
		status = record.Status{State: s, Step: d.Step, Epoch: t.epoch(d.Step), Message: d.Message}
	}
	if err := t.records.End(status, t.picture(status)); err != nil {
		return record.Status{}, err
	}
	return t.write(status)
}

// picture is that of the run's curves, for its events; nil if there is nothing to draw.
func (t *trainer) picture(status record.Status) []byte {
	r, err := run.Open(t.Dir)
	if err != nil {
		t.records.Log.Printf("no picture of the curves: %v", err)
		return nil
	}
	r.Status = status
	picture, err := figure.Picture([]*record.Run{r}, figure.Options{})
	if err != nil {
		t.records.Log.Printf("no picture of the curves: %v", err)
		return nil
	}
	return picture
}

// endAgain ends a training that was killed after its last checkpoint.
func (t *trainer) endAgain(ctx context.Context, s record.State) (status record.Status, err error) {
	if t.records, err = run.OpenEnd(t.Dir, t.Problem.Columns(), t.Config); err != nil {
		return status, err
	}
	if status, err = t.end(ctx, s); err != nil && !errors.Is(err, ErrInterrupted) {
		return status, t.fail(err)
	}
	return status, errors.Join(err, t.records.Close())
}

func (t *trainer) write(s record.Status) (record.Status, error) {
	return s, record.WriteStatus(t.Dir, s)
}

// untaught is the cross-entropy of a net that knows no class from another; other
// problems have their initial loss alone to compare with.
func untaught(p Problem) float64 {
	if c, ok := p.(Classification); ok {
		return math.Log(float64(c.Classes()))
	}
	return math.Inf(1)
}

func (t *trainer) status(s record.State, message string) error {
	return record.WriteStatus(t.Dir, record.Status{State: s, Step: t.Step, Epoch: t.epoch(t.Step), Message: message})
}

func (t *trainer) epoch(step int) float64 { return float64(step) / float64(t.Config.StepsPerEpoch()) }

// finite tells whether a number is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
