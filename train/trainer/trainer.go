package trainer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/metrics/record"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/run"
	"largestep/train/safetensors"
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
	saved      int // step of the latest checkpoint
	lastReport time.Time
	lastLoss   float64
	shorter    *run.Config // what the run was before it was made longer; nil if it was not
	changes    []string    // to the file of initial parameters
	warnings   []string    // that the log is to have
	logged     int         // steps whose losses were taken over
	noted      int         // choices of the engine that the log has
	order      struct {    // of the examples of an epoch
		epoch int
		index []int32
	}
}

func newTrainer(o Options, shorter *run.Config) (*trainer, error) {
	t := &trainer{Options: o, shorter: shorter}
	if err := t.build(); err != nil {
		return nil, err
	}
	if err := t.initialize(); err != nil {
		return nil, err
	}
	if known := t.Init != "" || t.Config.Init == ""; known {
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

// Parameters that stay have names that begin so.
const (
	phasePrefix = "phase-" // and the number of the phase that ended, counted from 1
	epochPrefix = "epoch-" // and the number of epochs trained
)

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

// restore fills the parameters from the run's checkpoint, if there is one; else they
// are the initial ones.
func (t *trainer) restore() (warning string, err error) {
	c, warning, err := run.LoadCheckpoint(t.Dir, t.Config.Momentum != 0)
	if err != nil {
		return "", err
	}
	if c == nil {
		if t.Init == "" && t.Config.Init != "" {
			return "", ErrInitialParameters
		}
		t.Position, t.logged = run.Position{Due: true}, 0
		t.step.startOver()
		return "", t.step.clearVelocities()
	}
	path := filepath.Join(t.Dir, run.CheckpointFile)
	if err := c.Belongs(t.Config, t.shorter); err != nil {
		return "", fmt.Errorf("%s %w", path, err)
	}
	if c.Step < 0 || c.Step > t.Config.Steps() {
		return "", fmt.Errorf("%s: step %d of a training of %d", path, c.Step, t.Config.Steps())
	}
	if err := t.load(c); err != nil {
		return "", err
	}
	t.Position, t.logged, t.saved = c.Position, c.Step, c.Step
	return warning, nil
}

// ErrInitialParameters is returned where a run that began from a file was killed
// before its first checkpoint, and nobody says where that file is.
var ErrInitialParameters = errors.New("the run was killed before its first checkpoint: its file of initial parameters is needed again")

// load fills the engine from a checkpoint.
func (t *trainer) load(c *run.Checkpoint) error {
	if err := weights.Import(t.vars, t.step.Model.Variables, c.Parameters); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(t.Dir, run.CheckpointFile), err)
	}
	var velocities, underWay []safetensors.Tensor
	for _, v := range c.Velocities {
		if strings.HasPrefix(v.Name, sumPrefix) {
			underWay = append(underWay, v)
		} else {
			velocities = append(velocities, v)
		}
	}
	err := t.step.goOn(c.Part, underWay)
	if err == nil && t.Config.Momentum != 0 {
		err = weights.Fill(t.vars, velocityNames(t.step.Model.Variables), velocities)
	}
	if err != nil {
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

// end leaves plateaus and state in the run folder, whose other records are
// complete.
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
	if d := t.Diverged; d != nil {
		return t.write(record.Status{State: s, Step: d.Step, Epoch: t.epoch(d.Step), Message: d.Message})
	}
	return t.write(record.Status{State: s, Step: t.Step, Epoch: t.epoch(t.Step)})
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

// loop takes all steps, evaluating before the first and after each EvalEvery
// epochs and the last.
func (t *trainer) loop(ctx context.Context) error {
	t.passBranches()
	for {
		if err := t.keepParameters(); err != nil {
			return err
		}
		if t.Due {
			if err := t.evaluate(ctx); err != nil {
				return err
			}
		}
		if t.Step == t.Config.Steps() {
			return nil
		}
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		if err := t.branch(); err != nil {
			return err
		}
		if err := t.takeStep(ctx); err != nil {
			return err
		}
		if time.Since(t.lastReport) > reportEvery {
			if err := t.wait(); err != nil {
				return err
			}
		}
		if !t.Due && time.Since(t.lastSaved) >= t.CheckpointEvery { // else the evaluation does
			if err := t.checkpoint(); err != nil {
				return err
			}
		}
	}
}

// keepParameters saves the parameters where a phase has ended, and after the epochs
// that are asked for.
func (t *trainer) keepParameters() error {
	if t.Part > 0 {
		return nil
	}
	names := t.ended()
	if every := t.SaveEvery * t.Config.StepsPerEpoch(); every > 0 && t.Step > 0 && t.Step%every == 0 {
		names = append(names, fmt.Sprint(epochPrefix, t.Step/t.Config.StepsPerEpoch()))
	}
	if len(names) == 0 {
		return nil
	}
	if err := t.wait(); err != nil { // which tells whether it has diverged
		return err
	}
	parameters, err := weights.Export(t.vars, t.step.Model.Variables, t.Step)
	if err != nil || !allFinite(parameters) { // the next loss is not finite, then
		return err
	}
	for _, name := range names {
		if err := run.SaveParameters(t.Dir, name, parameters, t.metadata()); err != nil {
			return err
		}
	}
	return nil
}

// ended names the phases, counted from 1, that end before the next step: several
// if some have no steps.
func (t *trainer) ended() (phases []string) {
	schedule := t.Config.Schedule
	for k := 1; k < len(schedule.Phases); k++ {
		if schedule.Start(k, t.Config.Steps()) == t.Step {
			phases = append(phases, fmt.Sprint(phasePrefix, k))
		}
	}
	return phases
}

// interrupt saves the very step, or part of one, at which the context ended.
func (t *trainer) interrupt() error {
	if err := t.report(); err != nil {
		return err
	}
	return t.save()
}

// takeStep takes a step, or the rest of one.
func (t *trainer) takeStep(ctx context.Context) error {
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
	err := t.step.Try(ctx, batch, eta)
	t.Training += time.Since(start).Seconds()
	t.Part = t.step.done
	if err != nil {
		return err
	}
	t.Step++
	t.Images += images
	t.Due = t.Step == c.Steps() || t.Step%c.StepsPerEvaluation() == 0
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
			t.Step, t.Part = t.logged-1, 0
			t.Diverged = &run.Divergence{Step: t.logged, Message: lossAt(loss, t.logged)}
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

func lossAt(loss float64, step int) string { return fmt.Sprintf("loss %g at step %d", loss, step) }

// evaluate records a row and, when it is time or the end, a checkpoint.
func (t *trainer) evaluate(ctx context.Context) error {
	if err := t.wait(); err != nil {
		return err
	}
	row, err := t.measure(ctx)
	if err != nil {
		return err
	}
	t.note()
	if err := t.records.Row(row); err != nil {
		return err
	}
	t.LossSum, t.LossCount, t.Training, t.Images, t.Due = 0, 0, 0, 0, false
	if t.Hooks.Row != nil {
		t.Hooks.Row(row)
	}
	if !finite(row.TrainLoss) {
		t.Diverged = &run.Divergence{Step: t.Step, Message: lossAt(row.TrainLoss, t.Step)}
		return errDiverged
	}
	if t.Step == 0 || t.Step == t.Config.Steps() || time.Since(t.lastSaved) >= t.CheckpointEvery {
		return t.checkpoint()
	}
	return nil
}

// checkpoint saves the step at which the training is, and says so.
func (t *trainer) checkpoint() error {
	if err := t.report(); err != nil {
		return err
	}
	if err := t.save(); err != nil {
		return err
	}
	return t.status(record.Running, "")
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

func (t *trainer) measure(ctx context.Context) (record.Row, error) {
	c := &t.Config
	last := max(t.Step-1, 0)
	t.vars.Until(ctx)
	m, err := t.meter.Measure(c.StepSize(last))
	t.vars.Until(context.Background())
	if err != nil {
		return record.Row{}, err
	}
	if !finite(m.TrainLoss) { // no feature is positive then, nor sparse
		for i := range m.Net {
			m.Net[i] = math.NaN()
		}
	}
	if !finite(m.TrainLoss) { // a net that computes nothing is wrong about nothing
		m.TrainError = math.NaN()
	}
	if !finite(m.TestLoss) {
		m.TestError = math.NaN()
	}
	return record.Row{
		Epoch: t.epoch(t.Step), Step: t.Step,
		Phase:    c.Schedule.Phases[c.Phase(last)].Name,
		StepSize: c.StepSize(last), BatchLoss: t.LossSum / float64(t.LossCount),
		TrainLoss: m.TrainLoss, TrainError: m.TrainError, TestLoss: m.TestLoss, TestError: m.TestError,
		Net: m.Net, ImagesPerSecond: t.speed(), Seconds: time.Since(t.started).Seconds(),
	}, nil
}

// save makes a checkpoint of the step at which the training is, whose losses have
// been taken over. A state that is not finite, from which nothing could go on, is
// not saved: the one before stays.
func (t *trainer) save() (err error) {
	if t.Records, err = t.records.Sync(); err != nil {
		return err
	}
	t.Seconds = time.Since(t.started).Seconds()
	c, err := t.state()
	if err != nil || !c.finite() || !finite(t.LossSum) {
		return err
	}
	if t.Step == t.Config.Steps() && !t.Due { // nothing goes on from it: no times, so that its bytes are the training's alone
		c.Position = run.Position{Step: t.Step, Kernels: t.Kernels}
	}
	t.lastSaved, t.saved = time.Now(), t.Step
	return t.keep(c)
}

// keep makes a state the run's latest checkpoint.
func (t *trainer) keep(c state) error {
	return c.Save(t.Dir, max(t.Keep, 1), t.metadata())
}

// state is what a checkpoint has.
type state struct{ run.Checkpoint }

func (t *trainer) state() (s state, err error) {
	s.Position, s.Config = t.Position, &t.Config
	if s.Parameters, err = weights.Export(t.vars, t.step.Model.Variables, t.Step); err != nil {
		return s, err
	}
	if t.Config.Momentum != 0 {
		for _, name := range velocityNames(t.step.Model.Variables) {
			v, err := weights.Download(t.vars, name)
			if err != nil {
				return s, err
			}
			s.Velocities = append(s.Velocities, v)
		}
	}
	underWay, err := t.step.underWay()
	s.Velocities = append(s.Velocities, underWay...)
	return s, err
}

// metadata tell other programs, and evaluations, what the parameters are of.
func (t *trainer) metadata() map[string]string {
	m := map[string]string{"net": t.Config.Net, "dataset": t.Config.Dataset}
	if p, ok := t.Problem.(Described); ok {
		maps.Copy(m, p.Metadata())
	}
	return m
}

func (s state) finite() bool { return allFinite(s.Parameters) && allFinite(s.Velocities) }

// allFinite tells whether tensors of numbers hold no NaN and no infinity.
func allFinite(list []safetensors.Tensor) bool {
	for _, t := range list {
		if x, err := t.Float64s(); err == nil && slices.ContainsFunc(x, func(v float64) bool { return !finite(v) }) {
			return false
		}
	}
	return true
}

func stepOptions(c *run.Config) StepOptions {
	return StepOptions{Batch: c.Batch, Parts: c.Parts(), SGD: op.SGD{Momentum: c.Momentum, WeightDecay: c.WeightDecay}}
}

// finite tells whether a number is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
