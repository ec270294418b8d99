package trainer

import (
	"context"
	"math"
	"time"

	"largestep/train/machine"
)

// MiniBatch is what a step is taken on.
type MiniBatch struct {
	Index      []int32   // of the training examples, StepOptions.Batch for each of the Parts
	Window     []int32   // data.Augmentation of images; nil for none
	LabelNoise []float64 // added to the targets; nil for none
	Labels     []int32   // of images, in the place of their own, of a problem with label noise
	// Noise are standard normal numbers for StepOptions.Noise, Step.NoiseLen of them;
	// nil for no noise.
	Noise []float64
	// Curvature says that the step is to measure that along its gradient, gᵀHg/‖g‖²,
	// for Step.Curvature.
	Curvature bool
}

// Run takes one step of the step size eta.
func (s *Step) Run(b MiniBatch, eta float64) error { return s.Try(context.Background(), b, eta) }

// slowPart is how long a part may take that is not interrupted.
var slowPart = time.Second // tests take less

// Try is Run, but for a context that ends before the step is taken: then the error
// is ErrInterrupted, and the next call goes on with the part at which this one was
// interrupted.
func (s *Step) Try(ctx context.Context, b MiniBatch, eta float64) error {
	if err := s.vars.SetFloats(varStepSize, []float64{eta}); err != nil {
		return err
	}
	if s.noise != nil {
		if err := s.noise.set(b.Noise); err != nil {
			return err
		}
	}
	for s.done < s.opts.Parts {
		if s.done > 0 && ended(ctx) {
			return ErrInterrupted
		}
		if err := s.runPart(ctx, b, eta); err != nil {
			return err
		}
		s.done++
	}
	s.done = 0
	switch {
	case b.Curvature:
		return s.look.update.RunAll()
	case s.update != nil:
		return s.update.RunAll()
	}
	return nil
}

// Curvature is gᵀHg/‖g‖² of the latest step that measured it, from the loss at
// θ − ηg; NaN if that is not finite. H and g are of the mini-batch's loss, without
// weight decay.
func (s *Step) Curvature() float64 {
	if s.look == nil {
		return math.NaN()
	}
	return s.look.curvature
}

// ended tells whether a context has ended that says so by its channel.
func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

func (s *Step) runPart(ctx context.Context, b MiniBatch, eta float64) error {
	if err := s.prepare(s.done, b); err != nil {
		return err
	}
	start, run := time.Now(), (*machine.Machine).RunAll
	if !s.quick { // it costs copies of what it changes
		var all machine.Transaction
		run = func(m *machine.Machine) error { return all.Run(ctx, m) }
	}
	if err := s.compute(run, b.Curvature, eta); err != nil {
		return err
	}
	s.quick = time.Since(start) < slowPart
	s.written++
	return nil
}

// compute runs the machines of a part.
func (s *Step) compute(each func(*machine.Machine) error, curvature bool, eta float64) error {
	if curvature {
		return s.look.run(each, eta)
	}
	if err := each(s.descend); err != nil || s.ascent == nil {
		return err
	}
	return s.ascent.run(each)
}

// prepare sets the inputs of a part.
func (s *Step) prepare(part int, b MiniBatch) error {
	if s.written == logCapacity {
		if err := s.readLog(); err != nil {
			return err
		}
	}
	at, n := part*s.opts.Batch, s.opts.Batch
	if err := s.vars.Set(varIndex, b.Index[at:at+n]); err != nil {
		return err
	}
	if b.Window != nil {
		if err := s.vars.Set(VarWindow, b.Window[3*at:3*(at+n)]); err != nil {
			return err
		}
	}
	if b.LabelNoise != nil {
		if err := s.vars.SetFloats(VarLabelNoise, b.LabelNoise[at:at+n]); err != nil {
			return err
		}
	}
	if b.Labels != nil {
		if err := s.vars.Set(VarLabels, b.Labels[at:at+n]); err != nil {
			return err
		}
	}
	if err := s.vars.Set(varPosition, []int32{int32(s.written)}); err != nil {
		return err
	}
	if s.update != nil || s.look != nil {
		decay := 1.0
		if part == 0 {
			decay = 0
		}
		if err := s.vars.SetFloats(varDecay, []float64{decay}); err != nil {
			return err
		}
	}
	return nil
}
