package trainer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/run"
	"largestep/train/weights"
)

// reportEvery is how often the host asks the engine for losses between rows: to
// show them, and to find divergence.
const reportEvery = 300 * time.Millisecond

// trainer is a training under way.
type trainer struct {
	Options
	vars    *machine.Variables
	step    *Step
	meter   Meter
	records *run.Records
	run.Position
	started    time.Time // of this process, less the seconds of earlier ones
	lastSaved  time.Time
	lastReport time.Time
	lastLoss   float64
	changes    []string // to the file of initial parameters
	logged     int      // steps whose losses were taken over
	noted      int      // choices of the engine that the log has
	order      struct { // of the examples of an epoch
		epoch int
		index []int32
	}
}

func newTrainer(o Options) (*trainer, error) {
	t := &trainer{Options: o}
	if err := t.build(); err != nil {
		return nil, err
	}
	return t, t.restore()
}

// openRecords opens the record files to go on from the checkpoint.
func (t *trainer) openRecords() (err error) {
	t.records, err = run.OpenRecords(t.Dir, t.Problem.Columns(), t.Config.LogSteps, t.Records)
	return err
}

// build makes the graphs and brings the examples to the engine.
func (t *trainer) build() error {
	t.vars = machine.NewVariables(t.Engine)
	var err error
	if t.step, err = NewStep(t.vars, t.Problem, stepOptions(&t.Config)); err != nil {
		return err
	}
	if t.meter, err = t.Problem.Meter(t.vars); err != nil {
		return err
	}
	return t.Problem.Upload(t.vars)
}

// restore fills the parameters: with the initial ones, then, if there is one,
// from the run's checkpoint.
func (t *trainer) restore() error {
	if err := t.initialize(); err != nil {
		return err
	}
	if known := t.Init != "" || t.Config.Init == ""; known {
		if err := t.meter.Begin(); err != nil {
			return err
		}
	}
	c, err := run.LoadCheckpoint(t.Dir, t.Config.Momentum != 0)
	if err != nil {
		return err
	}
	if c == nil {
		if t.Init == "" && t.Config.Init != "" {
			return ErrInitialParameters
		}
		return nil
	}
	if c.Step < 0 || c.Step > t.Config.Steps() {
		return fmt.Errorf("%s: step %d of a training of %d", filepath.Join(t.Dir, run.CheckpointFile), c.Step, t.Config.Steps())
	}
	if err := t.load(c); err != nil {
		return err
	}
	t.Position, t.logged = c.Position, c.Step
	return nil
}

// ErrInitialParameters is returned where a run that began from a file was killed
// before its first checkpoint, and nobody says where that file is.
var ErrInitialParameters = errors.New("the run was killed before its first checkpoint: its file of initial parameters is needed again")

// load fills the engine from a checkpoint.
func (t *trainer) load(c *run.Checkpoint) error {
	if err := weights.Import(t.vars, t.step.Model.Variables, c.Parameters); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(t.Dir, run.CheckpointFile), err)
	}
	if t.Config.Momentum == 0 {
		return nil
	}
	if err := weights.Fill(t.vars, velocityNames(t.step.Model.Variables), c.Velocities); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(t.Dir, c.Velocity), err)
	}
	return nil
}

func velocityNames(variables []*nets.Variable) []string {
	var names []string
	for _, v := range variables {
		if v.Trained {
			names = append(names, velocityPrefix+v.Name)
		}
	}
	return names
}

// initialize takes the initial parameters from the seed, or from the file.
func (t *trainer) initialize() error {
	if t.Init == "" {
		return t.step.Initialize(t.Config.Seed)
	}
	file, err := weights.ReadFile(t.Init)
	if err != nil {
		return err
	}
	t.changes = file.Changes
	if err := weights.Import(t.vars, t.step.Model.Variables, file.Tensors); err != nil {
		return fmt.Errorf("%s: %w", t.Init, err)
	}
	return nil
}

// errDiverged ends the loop when a loss is not finite.
var errDiverged = errors.New("the loss is not finite")

// train runs the loop and leaves its end in the run folder: the records first,
// the status last.
func (t *trainer) train(ctx context.Context) (record.Status, error) {
	err := t.run(ctx)
	state, message := record.Finished, ""
	switch {
	case errors.Is(err, errDiverged):
		state, message = record.Diverged, fmt.Sprintf("loss %g at step %d", t.lastLoss, t.Step)
	case errors.Is(err, ErrInterrupted):
		state = record.Interrupted
	case err != nil:
		return record.Status{}, t.fail(err)
	}
	t.records.Log.Printf("%s at step %d %s", state, t.Step, message)
	if err := t.records.Close(); err != nil {
		return record.Status{}, err
	}
	status, err := t.end(state, message)
	if err == nil && state == record.Interrupted {
		err = ErrInterrupted
	}
	return status, err
}

// fail leaves the error in the run folder, as far as that can still be written
// to, and returns it.
func (t *trainer) fail(err error) error {
	t.records.Log.Printf("failed: %v", err)
	t.records.Close()
	t.status(record.Failed, err.Error())
	return err
}

func (t *trainer) run(ctx context.Context) error {
	now := time.Now()
	t.started = now.Add(-time.Duration(t.Seconds * float64(time.Second)))
	t.lastReport = now
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

// end leaves plateaus and state in the run folder, whose other records are
// complete.
func (t *trainer) end(s record.State, message string) (record.Status, error) {
	if s != record.Interrupted {
		if err := run.RecordPlateaus(t.Dir, s, untaught(t.Problem)); err != nil {
			return record.Status{}, err
		}
	}
	status := record.Status{State: s, Step: t.Step, Epoch: t.epoch(), Message: message}
	return status, record.WriteStatus(t.Dir, status)
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
	return record.WriteStatus(t.Dir, record.Status{State: s, Step: t.Step, Epoch: t.epoch(), Message: message})
}

func (t *trainer) epoch() float64 { return float64(t.Step) / float64(t.Config.StepsPerEpoch()) }

// loop takes all steps, evaluating before the first and after each EvalEvery
// epochs and the last.
func (t *trainer) loop(ctx context.Context) error {
	total := t.Config.Steps()
	if t.Step == 0 && t.Records.Table == 0 { // else the checkpoint came after the row
		if err := t.evaluate(); err != nil {
			return err
		}
	}
	for t.Step < total {
		if ctx.Err() != nil {
			return t.interrupt()
		}
		for _, k := range t.ended() {
			if err := t.savePhase(k); err != nil {
				return err
			}
		}
		if err := t.takeStep(); err != nil {
			return err
		}
		if time.Since(t.lastReport) > reportEvery {
			if err := t.wait(); err != nil {
				return err
			}
		}
		if t.Step == total || t.Step%t.Config.StepsPerEvaluation() == 0 {
			if err := t.evaluate(); err != nil {
				return err
			}
		}
	}
	return nil
}

// ended lists the phases, counted from 1, that end before the next step: several
// if some have no steps.
func (t *trainer) ended() (phases []int) {
	schedule := t.Config.Schedule
	for k := 1; k < len(schedule.Phases); k++ {
		if schedule.Start(k, t.Config.Steps()) == t.Step {
			phases = append(phases, k)
		}
	}
	return phases
}

// interrupt saves the very step at which the context ended.
func (t *trainer) interrupt() error {
	if err := t.report(); err != nil {
		return err
	}
	return cmp.Or(t.save(), ErrInterrupted)
}

func (t *trainer) takeStep() error {
	c := &t.Config
	perEpoch := c.StepsPerEpoch()
	epoch, within := t.Step/perEpoch, t.Step%perEpoch
	images := c.StepExamples()
	index := t.examples(epoch, within, images)
	batch := MiniBatch{Index: index}
	if c.Augment {
		batch.Window = data.Augmentation(c.Seed, epoch, within, images)
	}
	if c.LabelNoise > 0 {
		batch.LabelNoise = make([]float64, images) // none
		if c.Phase(t.Step) == 0 {
			batch.LabelNoise = data.LabelNoise(c.Seed, epoch, within, images, c.LabelNoise)
		}
	}
	start := time.Now()
	eta := c.StepSize(t.Step)
	if err := t.step.Run(batch, eta); err != nil {
		return err
	}
	t.Step++
	t.Images += images
	t.Training += time.Since(start).Seconds()
	return nil
}

// examples lists the n examples of a step.
func (t *trainer) examples(epoch, within, n int) []int32 {
	if t.Config.Order != "" {
		return t.Problem.(Ordered).Order()[t.Step*n : (t.Step+1)*n]
	}
	if t.order.epoch != epoch || t.order.index == nil {
		t.order.epoch = epoch
		t.order.index = data.Order(t.Config.Seed, epoch, t.Config.TrainSize, t.Config.Sampling)
	}
	return t.order.index[within*n : (within+1)*n]
}

// wait is report, counted as training: it is what the engine still had to do.
func (t *trainer) wait() error {
	start := time.Now()
	err := t.report()
	t.Training += time.Since(start).Seconds()
	return err
}

// report waits for the engine, takes the losses over and tells whoever watches.
func (t *trainer) report() error {
	losses, err := t.step.Losses()
	if err != nil {
		return err
	}
	c := &t.Config
	for _, loss := range losses {
		err := t.records.Step(record.StepRow{
			Step: t.logged, Epoch: float64(t.logged) / float64(c.StepsPerEpoch()), StepSize: c.StepSize(t.logged), BatchLoss: loss,
		})
		if err != nil {
			return err
		}
		t.lastLoss = loss
		t.logged++
		if !finite(loss) {
			t.Step = t.logged
			return errDiverged
		}
		t.LossSum += loss
		t.LossCount++
	}
	t.lastReport = time.Now()
	if t.Hooks.Step != nil {
		t.Hooks.Step(Progress{Step: t.Step, Steps: c.Steps(), Loss: t.lastLoss, ImagesPerSecond: t.speed()})
	}
	return nil
}

func (t *trainer) speed() float64 {
	if t.Training == 0 {
		return 0
	}
	return float64(t.Images) / t.Training
}

// evaluate records a row and, when it is time or the end, a checkpoint.
func (t *trainer) evaluate() error {
	if err := t.wait(); err != nil {
		return err
	}
	row, err := t.measure()
	if err != nil {
		return err
	}
	t.note()
	if err := t.records.Row(row); err != nil {
		return err
	}
	t.LossSum, t.LossCount, t.Training, t.Images = 0, 0, 0, 0
	if t.Hooks.Row != nil {
		t.Hooks.Row(row)
	}
	if !finite(row.TrainLoss) {
		t.lastLoss = row.TrainLoss
		return errDiverged
	}
	if t.Step == 0 || t.Step == t.Config.Steps() || time.Since(t.lastSaved) >= t.CheckpointEvery {
		if err := t.save(); err != nil {
			return err
		}
		return t.status(record.Running, "")
	}
	return nil
}

// note leaves in the log how the engine computes, as far as it has chosen since
// the last note.
func (t *trainer) note() {
	if e, ok := t.Engine.(interface{ Chosen() []string }); ok {
		all := e.Chosen()
		for _, choice := range all[t.noted:] {
			t.records.Log.Printf("%s", choice)
		}
		t.noted = len(all)
	}
}

func (t *trainer) measure() (record.Row, error) {
	m, err := t.meter.Measure()
	if err != nil {
		return record.Row{}, err
	}
	if !finite(m.TrainLoss) { // no feature is positive then, nor sparse
		for i := range m.Net {
			m.Net[i] = math.NaN()
		}
	}
	c := &t.Config
	last := max(t.Step-1, 0)
	return record.Row{
		Epoch: t.epoch(), Step: t.Step,
		Phase:    c.Schedule.Phases[c.Phase(last)].Name,
		StepSize: c.StepSize(last), BatchLoss: t.LossSum / float64(t.LossCount),
		TrainLoss: m.TrainLoss, TrainError: m.TrainError, TestLoss: m.TestLoss, TestError: m.TestError,
		Net: m.Net, ImagesPerSecond: t.speed(), Seconds: time.Since(t.started).Seconds(),
	}, nil
}

func (t *trainer) save() error {
	var err error
	if t.Records, err = t.records.Sync(); err != nil {
		return err
	}
	t.Seconds = time.Since(t.started).Seconds()
	c := run.Checkpoint{Position: t.Position}
	if t.Step == t.Config.Steps() { // nothing goes on from it: no times, so that its bytes are the training's alone
		c.Position = run.Position{Step: t.Step}
	}
	if c.Parameters, err = weights.Export(t.vars, t.step.Model.Variables, t.Step); err != nil {
		return err
	}
	if t.Config.Momentum != 0 {
		for _, name := range velocityNames(t.step.Model.Variables) {
			v, err := weights.Download(t.vars, name)
			if err != nil {
				return err
			}
			c.Velocities = append(c.Velocities, v)
		}
	}
	err = c.Save(t.Dir, map[string]string{"net": t.Config.Net, "dataset": t.Config.Dataset})
	t.lastSaved = time.Now()
	return err
}

// savePhase keeps the parameters with which phase k, counted from 1, ended.
func (t *trainer) savePhase(k int) error {
	parameters, err := weights.Export(t.vars, t.step.Model.Variables, t.Step)
	if err != nil {
		return err
	}
	return run.SavePhase(t.Dir, k, parameters)
}

func stepOptions(c *run.Config) StepOptions {
	return StepOptions{Batch: c.Batch, Parts: c.Parts(), SGD: op.SGD{Momentum: c.Momentum, WeightDecay: c.WeightDecay}}
}

// finite tells whether a number is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
