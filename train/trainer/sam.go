package trainer

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/train/machine"
)

// ascent makes the gradient of a step that of sharpness-aware minimisation (Foret,
// Kleiner, Mobahi and Neyshabur 2021): it moves the parameters from θ, of whose
// mini-batch the gradient g has been summed, to θ + ρ g/‖g‖, and sums the gradient of
// the same mini-batch there. Batch norm takes the mini-batch's statistics both times,
// but its running ones follow the first pass alone, as does the loss that is
// recorded. Weight decay is no part of g.
type ascent struct {
	*displacement
	rho   float64
	again *machine.Machine
}

func newAscent(vars *machine.Variables, p Problem, o StepOptions) (*ascent, error) {
	m := nets.NewModel(p.Dtype(), true)
	loss, err := p.Loss(m, m.Input(varIndex, tensor.Int32, o.Batch))
	if err != nil {
		return nil, err
	}
	grads, err := gorgonia.Grad(loss, m.Parameters()...)
	if err != nil {
		return nil, err
	}
	a := &ascent{rho: o.SAM}
	if a.displacement, err = newDisplacement(vars, m.Dtype, m.Parameters()); err != nil {
		return nil, err
	}
	sums, err := accumulate(m, grads, 1)
	if err != nil {
		return nil, err
	}
	a.again, err = machine.New(vars, sums...)
	return a, err
}

// run replaces the summed gradient by running machines.
func (a *ascent) run(each func(*machine.Machine) error) error {
	square, err := a.gradientSquare()
	if err != nil {
		return err
	}
	distance := 0.0 // where the loss is flat
	if square != 0 {
		distance = a.rho / math.Sqrt(square)
	}
	if err := a.move(each, distance); err != nil {
		return err
	}
	return each(a.again)
}
