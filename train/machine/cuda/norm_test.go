//go:build gpu

package cuda

import (
	"testing"

	"largestep/nets/op"
)

// The backward pass finds the ReLU's mask from x again, and must find that of
// the forward pass even where what the ReLU saw is only rounding: two of three
// values here lie beside the mean, the third on it. With dy = 1, dβ counts.
func TestMaskFollowsOutput(t *testing.T) {
	for _, p := range []Precision{FP32, BF16} {
		t.Run(string(p), func(t *testing.T) {
			const images, channels, side = 7, 24, 6
			e := open(t, p)
			b := op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1, ReLU: true}
			place := func(s op.Spec, value func(i int) float32) op.Tensor {
				a, err := e.Alloc(e.Bytes(s))
				if err != nil {
					t.Fatal(err)
				}
				host := make([]float32, s.Len())
				for i := range host {
					host[i] = value(i)
				}
				if err := e.Upload(e.Place(a, 0, s), host); err != nil {
					t.Fatal(err)
				}
				return e.Place(a, 0, s)
			}
			one := func(int) float32 { return 1 }
			activation, vector := specOf(op.Activation, images, channels, side, side), specOf(op.Plain, channels)
			x := place(activation, func(i int) float32 { return float32(i%3+1) * float32(1+i/(side*side)%channels) })
			dy, gamma := place(activation, one), place(vector, func(c int) float32 { return 0.3 + float32(c) })
			beta := place(vector, func(int) float32 { return 0 })
			y, dx := place(activation, one), place(activation, one)
			mean, invStd, dgamma, dbeta := place(vector, one), place(vector, one), place(vector, one), place(vector, one)
			e.BatchNorm(b, op.BatchNormResults{Y: y, Mean: mean, InvStd: invStd}, x, gamma, beta, op.Tensor{})
			e.BatchNormBackward(b, op.BatchNormGradients{X: dx, Gamma: dgamma, Beta: dbeta}, dy, x, y, gamma, beta, mean, invStd)
			out, got := make([]float32, activation.Len()), make([]float32, channels)
			if err := e.Download(out, y); err != nil {
				t.Fatal(err)
			}
			if err := e.Download(got, dbeta); err != nil {
				t.Fatal(err)
			}
			want := make([]float32, channels)
			for i, v := range out {
				if v > 0 {
					want[i/(side*side)%channels]++
				}
			}
			for c := range want {
				if got[c] != want[c] {
					t.Errorf("channel %d: %g gradients pass, %g outputs are positive", c, got[c], want[c])
				}
			}
		})
	}
}
