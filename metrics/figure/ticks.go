package figure

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// linearTicks labels multiples of 1, 2 or 5 times a power of ten, about five
// of them, with one short tick between two.
type linearTicks struct{}

func (linearTicks) Ticks(low, high float64) []plot.Tick {
	step := math.Pow10(int(math.Floor(math.Log10((high - low) / 2))))
	for i := 0; (high-low)/step > 6 && i < 3; i++ {
		step *= []float64{2, 2.5, 2}[i]
	}
	var ticks []plot.Tick
	first := math.Ceil(low / step * 2)
	for i := range 20 {
		half := first + float64(i)
		t := plot.Tick{Value: half * step / 2}
		if !(t.Value <= high+step*1e-9) {
			break
		}
		if math.Mod(half, 2) == 0 {
			t.Label = number(t.Value + 0) // not −0
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// number prints a tick without the noise of its last bits, with a true minus, and
// from a million up and below 10⁻⁴ with a power of ten.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'g', 10, 64)
	if exact, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(exact) >= 1e6 {
		text = strconv.FormatFloat(exact, 'e', -1, 64)
	}
	mantissa, exponent, ok := strings.Cut(text, "e")
	mantissa = strings.Replace(mantissa, "-", "−", 1)
	if e, err := strconv.Atoi(exponent); ok && err == nil {
		return mantissa + "·10" + superscript(e)
	}
	return mantissa
}

// logTicks labels powers of ten, or where fewer than two are in sight 1, 2 and
// 5 times them, or all multiples if there are fewer than two of those. Where even
// these are few it labels what a linear axis would.
type logTicks struct{}

func (logTicks) Ticks(low, high float64) []plot.Tick {
	first := int(math.Floor(math.Log10(low)))
	last := int(math.Ceil(math.Log10(high)))
	labelled := func(multiples ...int) (n int) {
		for e := first; e <= last; e++ {
			for _, m := range multiples {
				if v := float64(m) * math.Pow10(e); low <= v && v <= high {
					n++
				}
			}
		}
		return n
	}
	multiples := []int{1, 2, 3, 4, 5, 6, 7, 8, 9}
	if labelled(1) >= 2 {
		multiples = multiples[:1]
	} else if labelled(1, 2, 5) >= 2 {
		multiples = []int{1, 2, 5}
	} else if labelled(multiples...) < 3 {
		return linearTicks{}.Ticks(low, high)
	}
	every := (last-first)/8 + 1 // label every second, third, … power of a long axis
	var ticks []plot.Tick
	for e := first; e <= last; e++ {
		for m := 1; m < 10; m++ {
			t := plot.Tick{Value: float64(m) * math.Pow10(e)}
			if t.Value < low || t.Value > high || (every > 1 && m > 1) {
				continue
			}
			for _, l := range multiples {
				if m == l && e%every == 0 {
					t.Label = logLabel(m, e, len(multiples) > 1)
				}
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// logLabel is 10⁻³, or 0.002 where plain numbers stay short.
func logLabel(m, e int, plain bool) string {
	if plain && -4 < e && e < 4 {
		return number(float64(m) * math.Pow10(e))
	}
	power := "10" + superscript(e)
	if m > 1 {
		return strconv.Itoa(m) + "·" + power
	}
	return power
}

func superscript(n int) string {
	var b strings.Builder
	for _, r := range strconv.Itoa(n) {
		if r == '-' {
			b.WriteRune('⁻')
		} else {
			b.WriteRune([]rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[r-'0'])
		}
	}
	return b.String()
}
