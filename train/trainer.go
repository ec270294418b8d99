package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"largestep/data"
	"largestep/metrics"
	"largestep/metrics/atomicfile"
	"largestep/train/machine"
	"largestep/train/safetensors"
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
	records *records
	progress
	started    time.Time // of this process, less the seconds of earlier ones
	lastSaved  time.Time
	lastReport time.Time
	lastLoss   float64
	logged     int      // steps whose losses were taken over
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

// tidy removes what a kill may have left: temporary files, and velocities of
// older checkpoints.
func (t *trainer) tidy() error {
	if err := atomicfile.Clean(t.Dir); err != nil {
		return err
	}
	return removeVelocities(t.Dir, t.Velocity)
}

// openRecords opens the record files to go on from the checkpoint.
func (t *trainer) openRecords() (err error) {
	t.records, err = openRecords(t.Dir, t.Problem.Columns(), t.Config.LogSteps, t.Records)
	return err
}

// build makes the graphs and brings the examples to the engine.
func (t *trainer) build() error {
	t.vars = machine.NewVariables(t.Engine)
	var err error
	if t.step, err = NewStep(t.vars, t.Problem, t.Config.stepOptions()); err != nil {
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
	p, ok, err := loadCheckpoint(t.Dir, t.vars, t.step.Model, t.Config.Momentum != 0)
	if err != nil {
		return err
	}
	if !ok {
		if err := checkNeverSaved(t.Dir); err != nil {
			return err
		}
	}
	if !ok && t.Init == "" && t.Config.Init != "" {
		return errors.New("the run was killed before its first checkpoint: give the file of initial parameters again, with --init")
	}
	if p.Step < 0 || p.Step > t.Config.Steps() {
		return fmt.Errorf("%s: step %d of a training of %d", filepath.Join(t.Dir, checkpointFile), p.Step, t.Config.Steps())
	}
	if ok {
		t.progress = p
		t.logged = p.Step
	}
	return nil
}

// initialize takes the initial parameters from the seed, or from the file.
func (t *trainer) initialize() error {
	if t.Init == "" {
		return t.step.Initialize(t.Config.Seed)
	}
	tensors, _, err := safetensors.ReadFile(t.Init)
	if err != nil {
		return err
	}
	if err := importParameters(t.vars, t.step.Model.Variables, tensors); err != nil {
		return fmt.Errorf("%s: %w", t.Init, err)
	}
	return nil
}

// errDiverged ends the loop when a loss is not finite.
var errDiverged = errors.New("the loss is not finite")

// train runs the loop and leaves its end in the run folder: the records first,
// the status last.
func (t *trainer) train(ctx context.Context) (metrics.Status, error) {
	err := t.run(ctx)
	state, message := metrics.Finished, ""
	switch {
	case errors.Is(err, errDiverged):
		state, message = metrics.Diverged, fmt.Sprintf("loss %g at step %d", t.lastLoss, t.Step)
	case errors.Is(err, ErrInterrupted):
		state = metrics.Interrupted
	case err != nil:
		return metrics.Status{}, t.fail(err)
	}
	t.records.log.Printf("%s at step %d %s", state, t.Step, message)
	if err := t.records.close(); err != nil {
		return metrics.Status{}, err
	}
	status, err := t.end(state, message)
	if err == nil && state == metrics.Interrupted {
		err = ErrInterrupted
	}
	return status, err
}

// fail leaves the error in the run folder, as far as that can still be written
// to, and returns it.
func (t *trainer) fail(err error) error {
	t.records.log.Printf("failed: %v", err)
	t.records.close()
	t.status(metrics.Failed, err.Error())
	return err
}

func (t *trainer) run(ctx context.Context) error {
	now := time.Now()
	t.started = now.Add(-time.Duration(t.Seconds * float64(time.Second)))
	t.lastReport = now
	t.records.log.Printf("step %d of %d on %s, %s", t.Step, t.Config.Steps(), t.Engine.Name(), t.Engine.Device())
	if t.Hooks.Start != nil {
		t.Hooks.Start(t.Config, t.Step)
	}
	if err := t.status(metrics.Running, ""); err != nil {
		return err
	}
	return t.loop(ctx)
}

// end leaves plateaus and state in the run folder, whose other records are
// complete.
func (t *trainer) end(s metrics.State, message string) (metrics.Status, error) {
	if s != metrics.Interrupted {
		if err := recordPlateaus(t.Dir, s, untaught(t.Problem)); err != nil {
			return metrics.Status{}, err
		}
	}
	status := metrics.Status{State: s, Step: t.Step, Epoch: t.epoch(), Message: message}
	return status, metrics.WriteStatus(t.Dir, status)
}

// untaught is the cross-entropy of a net that knows no class from another; other
// problems have their initial loss alone to compare with.
func untaught(p Problem) float64 {
	if c, ok := p.(Classification); ok {
		return math.Log(float64(c.Classes()))
	}
	return math.Inf(1)
}

func (t *trainer) status(s metrics.State, message string) error {
	return metrics.WriteStatus(t.Dir, metrics.Status{State: s, Step: t.Step, Epoch: t.epoch(), Message: message})
}

func (t *trainer) epoch() float64 { return float64(t.Step) / float64(t.Config.stepsPerEpoch()) }

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
			if err := savePhase(t.Dir, k, t.vars, t.step.Model, t.Step); err != nil {
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
		if t.Step == total || t.Step%t.Config.stepsPerEvaluation() == 0 {
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
	schedule := t.Config.schedule()
	for k := 1; k < len(schedule.Phases); k++ {
		if schedule.startStep(k, t.Config.Steps()) == t.Step {
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
	perEpoch := c.stepsPerEpoch()
	epoch, within := t.Step/perEpoch, t.Step%perEpoch
	images := c.StepExamples()
	index := t.examples(epoch, within, images)
	batch := MiniBatch{Index: index}
	if c.Augment {
		batch.Window = data.Augmentation(c.Seed, epoch, within, images)
	}
	schedule := c.schedule()
	if c.LabelNoise > 0 {
		batch.LabelNoise = make([]float64, images) // none
		if schedule.Phase(t.Step, c.Steps()) == 0 {
			batch.LabelNoise = data.LabelNoise(c.Seed, epoch, within, images, c.LabelNoise)
		}
	}
	start := time.Now()
	eta := schedule.StepSize(t.Step, c.Steps())
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
		if t.records.steps != nil {
			err := t.records.steps.Append(metrics.StepRow{
				Step: t.logged, Epoch: float64(t.logged) / float64(c.stepsPerEpoch()),
				StepSize: c.schedule().StepSize(t.logged, c.Steps()), BatchLoss: loss,
			})
			if err != nil {
				return err
			}
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
	if err := t.records.row(row); err != nil {
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
		return t.status(metrics.Running, "")
	}
	return nil
}

func (t *trainer) measure() (metrics.Row, error) {
	m, err := t.meter.Measure()
	if err != nil {
		return metrics.Row{}, err
	}
	if !finite(m.TrainLoss) { // no feature is positive then, nor sparse
		for i := range m.Net {
			m.Net[i] = math.NaN()
		}
	}
	c := &t.Config
	last := max(t.Step-1, 0)
	schedule := c.schedule()
	return metrics.Row{
		Epoch: t.epoch(), Step: t.Step,
		Phase:    schedule.Phases[schedule.Phase(last, c.Steps())].Name,
		StepSize: schedule.StepSize(last, c.Steps()), BatchLoss: t.LossSum / float64(t.LossCount),
		TrainLoss: m.TrainLoss, TrainError: m.TrainError, TestLoss: m.TestLoss, TestError: m.TestError,
		Net: m.Net, ImagesPerSecond: t.speed(), Seconds: time.Since(t.started).Seconds(),
	}, nil
}

func (t *trainer) save() error {
	var err error
	if t.Records, err = t.records.sync(); err != nil {
		return err
	}
	t.Seconds = time.Since(t.started).Seconds()
	p := t.progress
	if t.Step == t.Config.Steps() { // nothing goes on from it: no times, so that its bytes are the training's alone
		p = progress{Step: t.Step}
	}
	metadata := map[string]string{"net": t.Config.Net, "dataset": t.Config.Dataset}
	err = saveCheckpoint(t.Dir, t.vars, t.step.Model, t.Config.Momentum != 0, metadata, p)
	t.lastSaved = time.Now()
	return err
}
