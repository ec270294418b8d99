package cuda

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/tensor"
	"largestep/nets/op"
)

func specOf(kind op.Kind, shape ...int) op.Spec {
	return op.Spec{Kind: kind, Dtype: tensor.Float32, Shape: shape}
}

func TestLayoutIsChannelsLast(t *testing.T) {
	// x[n][c][h][w] = 1000n + 100c + 10h + w
	host := make([]float32, 2*3*2*2)
	for i := range host {
		host[i] = float32(1000*(i/12) + 100*(i/4%3) + 10*(i/2%2) + i%2)
	}
	l, ok := layoutOf(specOf(op.Activation, 2, 3, 2, 2), FP32)
	if !ok || l.rows != 8 || l.columns != 8 {
		t.Fatalf("layout %+v", l)
	}
	memory := make([]byte, bytesOf(specOf(op.Activation, 2, 3, 2, 2), FP32))
	l.encode(memory, host)
	for row := range 8 {
		n, h, w := row/4, row/2%2, row%2
		for c := range 8 {
			want := float32(0)
			if c < 3 {
				want = float32(1000*n + 100*c + 10*h + w)
			}
			if got := math.Float32frombits(get32(memory[4*(row*8+c):])); got != want {
				t.Errorf("row %d, channel %d: %g, want %g", row, c, got, want)
			}
		}
	}
}

func TestEncodeAndDecode(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range []Precision{FP32, TF32, BF16} {
		for _, s := range []op.Spec{
			specOf(op.Activation, 1, 1, 1, 1), specOf(op.Activation, 3, 17, 5, 4), specOf(op.Activation, 2, 8, 3, 3),
			specOf(op.Filter, 1, 1, 1, 1), specOf(op.Filter, 5, 3, 3, 3), specOf(op.Filter, 16, 9, 1, 1),
			specOf(op.FilterGradient, 5, 3, 3, 3),
		} {
			l, ok := layoutOf(s, p)
			if !ok {
				t.Fatalf("%v has no layout", s)
			}
			host := make([]float32, s.Len())
			for i := range host {
				host[i] = fromBF16(toBF16(float32(rng.NormFloat64()))) // exact in all formats
			}
			memory, back := make([]byte, bytesOf(s, p)), make([]float32, s.Len())
			l.encode(memory, host)
			l.decode(back, memory)
			if !slices.Equal(host, back) {
				t.Errorf("%s %v: decoded %v, want %v", p, s, back, host)
			}
			if !l.copy {
				continue
			}
			halves := layout{outer: l.outer, channels: l.channels, area: l.area, columns: l.columns, elements: l.elements, half: true}
			halves.decode(back, memory[copyOffset(l.elements):])
			if !slices.Equal(host, back) {
				t.Errorf("%s %v: the copy is %v, want %v", p, s, back, host)
			}
		}
	}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct {
		s    op.Spec
		p    Precision
		want int
	}{
		{specOf(op.Plain, 3, 5), BF16, 60},
		{specOf(op.Plain), FP32, 4},
		{op.Spec{Kind: op.Plain, Dtype: tensor.Uint8, Shape: tensor.Shape{7, 3, 2, 2}}, BF16, 84},
		{op.Spec{Kind: op.Activation, Dtype: tensor.Float64, Shape: tensor.Shape{1, 3, 2, 2}}, BF16, 96},
		{specOf(op.Activation, 2, 3, 4, 5), FP32, 2 * 8 * 4 * 5 * 4},
		{specOf(op.Activation, 2, 3, 4, 5), BF16, 2 * 8 * 4 * 5 * 2},
		{specOf(op.Filter, 10, 3, 3, 3), TF32, 16 * 8 * 9 * 4},
		{specOf(op.Filter, 10, 3, 3, 3), BF16, 16*8*9*4 + 16*8*9*2},
		{specOf(op.Filter, 1, 1, 1, 1), BF16, 256 + 64*2},
		{specOf(op.FilterGradient, 10, 3, 3, 3), TF32, 16 * 8 * 9 * 4},
		{specOf(op.FilterGradient, 10, 3, 3, 3), BF16, 16 * 8 * 9 * 2},
	} {
		if got := bytesOf(c.s, c.p); got != c.want {
			t.Errorf("%v of kind %d in %s: %d bytes, want %d", c.s, c.s.Kind, c.p, got, c.want)
		}
	}
}

func TestBF16(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		x    float32
		want uint16
	}{
		{0, 0}, {1, 0x3f80}, {-2, 0xc000}, {inf, 0x7f80}, {-inf, 0xff80},
		{math.Float32frombits(0x3f808000), 0x3f80}, // half-way: to even
		{math.Float32frombits(0x3f818000), 0x3f82},
		{math.Float32frombits(0x3f808001), 0x3f81},
		{math.MaxFloat32, 0x7f80}, // rounds up to infinity
	} {
		if got := toBF16(c.x); got != c.want {
			t.Errorf("toBF16(%g) = %#x, want %#x", c.x, got, c.want)
		}
	}
	if x := fromBF16(toBF16(math.Float32frombits(0x7f800001))); x == x {
		t.Errorf("a NaN became %g", x)
	}
}

func FuzzBF16(f *testing.F) {
	f.Add(uint32(0x3f80ffff))
	f.Add(uint32(0x7f7fffff))
	f.Fuzz(func(t *testing.T, bits uint32) {
		x := math.Float32frombits(bits)
		y := fromBF16(toBF16(x))
		if x != x {
			if y == y {
				t.Errorf("a NaN became %g", y)
			}
			return
		}
		// 8 bits of mantissa: within half of 2⁻⁷ of the power of two below, or an
		// infinity for what is half a step above the largest.
		if math.Abs(float64(x)) < 3.3e38 && math.Abs(float64(y)-float64(x)) > math.Max(math.Abs(float64(x))/256, 0x1p-134) {
			t.Errorf("%g became %g", x, y)
		}
	})
}
