package experiment

import (
	"fmt"
	"math"
	"slices"

	"largestep/data"
	"largestep/train/run"
	"largestep/train/schedule"
)

func decayLabel(eta, at float64) string { return fmt.Sprintf("η = %g, decay at %g %%", eta, 100*at) }

// constantAndDecayed are a small constant step size and a large one that is
// divided by a factor of its own at each of decayFractions.
func constantAndDecayed(c run.Config, small, large float64, factors [3]float64, prefix string) []curve {
	list := []curve{newCurve(fmt.Sprintf("%sη = %g", prefix, small), c, schedule.Constant(small))}
	for i, at := range decayFractions {
		list = append(list, newCurve(prefix+decayLabel(large, at), c, decayed(large, factors[i], at)))
	}
	return list
}

func newCurve(label string, c run.Config, s schedule.Schedule) curve {
	c.Schedule = s
	return curve{label: label, config: c}
}

func diagonalCurves(c run.Config) []curve {
	return constantAndDecayed(c, 0.25, 0.282, [3]float64{4.8, 3.4, 1.5}, "")
}

func diagonalGDCurves(c run.Config) []curve {
	c.TrainSize, c.Dims = 40, 100
	gd := c
	gd.Sampling, gd.Batch = data.Full, gd.TrainSize
	list := constantAndDecayed(gd, 2, 3.53, [3]float64{4.8, 3.4, 1.5}, "GD, ")
	for i := range list {
		list[i].family = "GD"
	}
	// The paper's 0.272 diverges for almost every order of the examples.
	for _, eta := range []float64{0.272, 0.269} {
		sgd := newCurve("SGD, "+decayLabel(eta, 0.5), c, decayed(eta, 20, 0.5))
		sgd.family = "SGD"
		list = append(list, sgd)
	}
	return list
}

// figureNoise is so small that SGD comes within 1e-10 of the optimum in the
// figure's 40,000 steps: with k independent examples nothing can come closer
// than about noise²·d/k.
const figureNoise = 1e-4

func leastSquaresCurves(c run.Config) []curve {
	c.Noise = figureNoise
	return methodCurves(0.3, 0.02)(c)
}

// methodCurves compare gradient descent with SGD, with and without replacement,
// at equal numbers of gradients of single examples.
func methodCurves(full, one float64) func(c run.Config) []curve {
	return func(c run.Config) []curve {
		const epochs = 400
		c.MaxSteps = epochs * c.TrainSize
		gd := c
		gd.Sampling, gd.Batch, gd.MaxSteps = data.Full, gd.TrainSize, epochs
		list := []curve{newCurve(fmt.Sprintf("gradient descent, η = %g", full), gd, schedule.Constant(full))}
		for _, how := range []struct {
			sampling data.Sampling
			name     string
		}{{data.WithReplacement, "with"}, {data.Shuffle, "without"}} {
			c.Sampling = how.sampling
			label := fmt.Sprintf("SGD %s replacement, η = %g", how.name, one)
			list = append(list, newCurve(label, c, schedule.Constant(one)), newCurve(label+", decayed", c, halved(one)))
		}
		for i := range list {
			list[i].family = list[i].label
		}
		return list
	}
}

// halvings of a step size are enough for the noise that is left to fall below
// what has not been fitted yet.
const halvings = 10

// halved keeps a step size for 30 % of the training, then halves it again and
// again, in stages of equal length.
func halved(eta float64) schedule.Schedule {
	s := schedule.Schedule{Phases: []schedule.Phase{{Name: "large", StepSize: eta}}}
	for i := range halvings {
		eta /= 2
		s.Phases = append(s.Phases, schedule.Phase{Name: "small", Start: 0.3 + 0.7*float64(i)/halvings, StepSize: eta})
	}
	return s
}

// relu1DCurves warm η up to η(1 + (400f − 1)·t/T) until the decay at f.
func relu1DCurves(c run.Config) []curve {
	var list []curve
	for _, d := range []struct{ at, factor float64 }{{0.02, 2.5}, {0.5, 3}} {
		list = append(list, newCurve(fmt.Sprintf("decay at %g %%", 100*d.at), c, warmed(0.0002, float64(400*d.at)-1, 1, d.factor, d.at)))
	}
	return list
}

func teacher2Curves(c run.Config) []curve {
	return constantAndDecayed(c, 0.13, 0.455, [3]float64{2, 4, 5}, "")
}

// teacher3Curves warm η up to η(1 + 5·√(t/T)) until the decay.
func teacher3Curves(c run.Config) []curve {
	list := []curve{newCurve("η = 0.011", c, schedule.Constant(0.011))}
	for i, factor := range []float64{3.5, 2.5, 5} {
		at := decayFractions[i]
		list = append(list, newCurve(decayLabel(0.04, at), c, warmed(0.04, 5, 0.5, factor, at)))
	}
	return list
}

// warmed grows eta to eta·(1 + gain·(t/T)^power) until the fraction at, and
// divides what it has become by factor.
func warmed(eta, gain, power, factor, at float64) schedule.Schedule {
	s := decayed(eta, 1, at).With(schedule.Power(gain, power))
	s.Phases[1].StepSize = eta * (1 + float64(gain*math.Pow(at, power))) / factor
	return s
}

// descent is gradient descent whose sharpness is recorded.
func descent(c run.Config, steps int) run.Config {
	c.Sampling, c.Batch, c.MaxSteps = data.Full, c.TrainSize, steps
	c.Measures = append(slices.Clone(c.Measures), "sharpness", "batch_sharpness")
	return c
}

func descentCurves(c run.Config) (list []curve) {
	for _, eta := range []float64{0.25, 0.3} {
		list = append(list, newCurve(fmt.Sprintf("η = %g", eta), descent(c, 20_000), schedule.Constant(eta)))
		list[len(list)-1].family = list[len(list)-1].label
	}
	return list
}

// momentumCurves have about the same limit of stability with and without momentum.
func momentumCurves(c run.Config) (list []curve) {
	gd := descent(c, 20_000)
	sgd := gd
	sgd.Sampling, sgd.Batch, sgd.MaxSteps = data.Shuffle, 5, 40_000
	for _, s := range []struct {
		name      string
		of        run.Config
		eta, beta float64
	}{{"GD", gd, 0.3, 0}, {"GD", gd, 0.45, 0.5}, {"SGD", sgd, 0.2, 0}, {"SGD", sgd, 0.1, 0.5}} {
		s.of.Momentum = s.beta
		list = append(list, newCurve(fmt.Sprintf("%s, η = %g, momentum %g", s.name, s.eta, s.beta), s.of, schedule.Constant(s.eta)))
		list[len(list)-1].family = list[len(list)-1].label
	}
	return list
}
