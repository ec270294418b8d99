package schedule

import (
	"fmt"
	"math"
)

// Exponential is the paper's growth of the large step size (appendix on
// ResNets): by the factor in each hundredth of the training.
func Exponential(factor float64) Rule { return Rule{exponential.name, []float64{factor}} }

// Power is the warm-up of the paper's ReLU networks: η(1 + gain·(t/T)^power) at
// the step t of T.
func Power(gain, exponent float64) Rule { return Rule{power.name, []float64{gain, exponent}} }

var exponential = rule{
	name: "exp", parameters: []string{"FACTOR"}, about: "grows by the factor in each hundredth of the training",
	check: func(p []float64) error {
		if w := p[0]; !(w > 0.5 && w < 2) {
			return fmt.Errorf("warm-up factor %g: want the growth over a hundredth of the training, such as 1.05", w)
		}
		return nil
	},
	factor: func(at moment, p []float64) float64 {
		return math.Pow(p[0], 100*float64(at.step)/float64(at.total))
	},
}

var power = rule{
	name: "power", parameters: []string{"GAIN", "POWER"}, about: "η(1 + GAIN·(t/T)^POWER), t of the training's T steps",
	check: func(p []float64) error {
		if !(p[0] > -1 && p[1] > 0) {
			return fmt.Errorf("warm-up by 1 + %g·(t/T)^%g: want a gain above −1, and a positive power", p[0], p[1])
		}
		return nil
	},
	factor: func(at moment, p []float64) float64 {
		return 1 + float64(p[0]*math.Pow(float64(at.step)/float64(at.total), p[1]))
	},
}

// linear takes the first of n steps with η/n, the last with η.
var linear = rule{
	name: "linear", about: "rises from 0 to η over the phase",
	factor: func(at moment, _ []float64) float64 { return float64(at.step+1) / float64(at.steps) },
}
