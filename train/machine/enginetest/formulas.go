package enginetest

import (
	"math"

	"largestep/nets/op"
)

// values are the inputs of a case by name.
type values map[string][]float64

// formula gives the outputs of a case and then its gradients, each after the
// textbook and without any code of package op: two engines that share a kernel
// share its faults.
type formula func(in values) [][]float64

// grid is the matrix of f(i, j), row-major.
func grid(rows, columns int, f func(i, j int) float64) []float64 {
	m := make([]float64, 0, rows*columns)
	for i := range rows {
		for j := range columns {
			m = append(m, f(i, j))
		}
	}
	return m
}

// sum is Σ f(i) over i < n.
func sum(n int, f func(i int) float64) float64 {
	s := 0.0
	for i := range n {
		s += f(i)
	}
	return s
}

// each is f of every element of x.
func each(x []float64, f func(i int, x float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(i, v)
	}
	return y
}

// softmax of a row of logits that are small enough for exp.
func softmax(logits []float64) []float64 {
	total := sum(len(logits), func(k int) float64 { return math.Exp(logits[k]) })
	return each(logits, func(_ int, z float64) float64 { return math.Exp(z) / total })
}

func crossEntropyFormula(n, classes int) formula {
	return func(in values) [][]float64 {
		row := func(i int) []float64 { return softmax(in["logits"][i*classes : (i+1)*classes]) }
		label := func(i int) int { return int(in["labels"][i]) }
		loss := sum(n, func(i int) float64 { return -math.Log(row(i)[label(i)]) }) / float64(n)
		grad := grid(n, classes, func(i, k int) float64 {
			if k == label(i) {
				return (row(i)[k] - 1) / float64(n)
			}
			return row(i)[k] / float64(n)
		})
		return [][]float64{{loss}, grad}
	}
}

func scoreFormula(n, classes int) formula {
	return func(in values) [][]float64 {
		total := in["totals"]
		for i := range n {
			label := int(in["labels"][i])
			if label < 0 {
				continue
			}
			p := softmax(in["logits"][i*classes : (i+1)*classes])
			total[0] -= math.Log(p[label])
			for k := range p {
				if p[k] > p[label] {
					total[1]++
					break
				}
			}
			total[2]++
		}
		return [][]float64{total}
	}
}

func recordFormula(in values) [][]float64 {
	in["log"][int(in["position"][0])] = in["loss"][0]
	return [][]float64{in["log"]}
}

// gatherFormula is that of square images.
func gatherFormula(side int, how op.Gathering) formula {
	return func(in values) [][]float64 {
		var x, labels []float64
		for n, image := range in["index"] {
			label := -1.0
			if image >= 0 {
				label = in["labels"][int(image)]
			}
			labels = append(labels, label)
			for c := range channels {
				mean, std := how.Mean[c], how.Std[c]
				if std == 0 { // no normalisation
					std = 1
				}
				x = append(x, grid(side, side, func(row, column int) float64 {
					if window, ok := in["window"]; ok {
						if window[3*n+2] == 1 {
							column = side - 1 - column
						}
						row, column = row+int(window[3*n])-how.Pad, column+int(window[3*n+1])-how.Pad
					}
					black := -float64(mean) / float64(std)
					if image < 0 || row < 0 || row >= side || column < 0 || column >= side {
						return black
					}
					return in["images"][((int(image)*channels+c)*side+row)*side+column]/255/float64(std) + black
				})...)
			}
		}
		return [][]float64{x, labels}
	}
}

func rowsFormula(d int) formula {
	return func(in values) [][]float64 {
		at := func(i int) int { return int(in["index"][i]) }
		n := len(in["index"])
		return [][]float64{
			grid(n, d, func(i, j int) float64 { return in["xs"][at(i)*d+j] }),
			grid(n, 1, func(i, _ int) float64 { return in["ys"][at(i)] }),
		}
	}
}

// productFormula: y = x wᵀ, dx = r w, dw = rᵀ x.
func productFormula(n, inputs, outputs int) formula {
	return func(in values) [][]float64 {
		x, w, r := in["x"], in["w"], in["r"]
		return [][]float64{
			grid(n, outputs, func(i, o int) float64 {
				return sum(inputs, func(k int) float64 { return x[i*inputs+k] * w[o*inputs+k] })
			}),
			grid(n, inputs, func(i, k int) float64 {
				return sum(outputs, func(o int) float64 { return r[i*outputs+o] * w[o*inputs+k] })
			}),
			grid(outputs, inputs, func(o, k int) float64 {
				return sum(n, func(i int) float64 { return r[i*outputs+o] * x[i*inputs+k] })
			}),
		}
	}
}

func multiplyFormula(in values) [][]float64 {
	x, y, r := in["x"], in["y"], in["r"]
	return [][]float64{
		each(x, func(i int, x float64) float64 { return x * y[i] }),
		each(y, func(i int, y float64) float64 { return r[i] * y }),
		each(x, func(i int, x float64) float64 { return r[i] * x }),
	}
}

func reluFormula(in values) [][]float64 {
	return [][]float64{
		each(in["x"], func(_ int, x float64) float64 { return max(x, 0) }),
		each(in["x"], func(i int, x float64) float64 {
			if x > 0 {
				return in["r"][i]
			}
			return 0
		}),
	}
}

// lossFormula is the loss of an example and its derivative by the prediction.
func lossFormula(l op.Loss, h, y float64) (loss, slope float64) {
	switch l.Kind {
	case op.Squared:
		loss, slope = (h-y)*(h-y), 2*(h-y)
	case op.Hinge:
		if y*h < 1 {
			loss, slope = 1-y*h, -y
		}
	case op.Logistic:
		loss, slope = math.Log(1+math.Exp(-y*h)), -y/(1+math.Exp(y*h))
	case op.Prediction:
		loss, slope = h, 1
	}
	return l.Scale * loss, l.Scale * slope
}

func meanLossFormula(l op.Loss) formula {
	return func(in values) [][]float64 {
		h, y := in["h"], in["y"]
		n := float64(len(y))
		loss := sum(len(y), func(i int) float64 { v, _ := lossFormula(l, h[i], y[i]); return v / n })
		return [][]float64{{loss}, each(h, func(i int, h float64) float64 {
			_, slope := lossFormula(l, h, y[i])
			return slope / n
		})}
	}
}

// regularisedFormula: mean loss of x wᵀ plus ‖w‖²/2.
func regularisedFormula(l op.Loss) formula {
	return func(in values) [][]float64 {
		x, w, y := in["x"], in["w"], in["y"]
		n, d := len(y), len(w)
		example := func(i int) (loss, slope float64) {
			return lossFormula(l, sum(d, func(k int) float64 { return x[i*d+k] * w[k] }), y[i])
		}
		total := sum(n, func(i int) float64 { loss, _ := example(i); return loss / float64(n) })
		total += sum(d, func(k int) float64 { return w[k] * w[k] / 2 })
		return [][]float64{{total}, each(w, func(k int, w float64) float64 {
			return w + sum(n, func(i int) float64 { _, slope := example(i); return slope * x[i*d+k] / float64(n) })
		})}
	}
}
