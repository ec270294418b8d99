package main

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// The units of a layer are active on as many examples, in the mean, as the layer's
// column says, and the weights have the norm that theirs says.
func TestHistograms(t *testing.T) {
	t.Chdir(t.TempDir())
	for net, args := range map[string][]string{
		"resnet18": tiny("resnet18", "--histograms", "--measure", "parameter_norm"),
		"relu":     strings.Fields("train relu --steps 60 --eval-steps 20 --widths 7,5 --histograms --out relu"),
	} {
		t.Run(net, func(t *testing.T) {
			succeed(t, args...)
			columns, rows := table(t, net+"/metrics.csv")
			number := func(cells []string, i int) float64 {
				v, err := strconv.ParseFloat(cells[i], 64)
				check(t, err)
				return v
			}
			of := map[string]map[string][]string{} // histograms, by step and name
			_, histograms := table(t, net+"/histograms.csv")
			for _, h := range histograms {
				if of[h[0]] == nil {
					of[h[0]] = map[string][]string{}
				}
				of[h[0]][h[1]] = h
			}
			if len(of) != len(rows) {
				t.Errorf("histograms of %d rows, want %d", len(of), len(rows))
			}
			for _, row := range rows {
				step, squares, layers := row[1], 0.0, 0
				for name, h := range of[step] {
					if strings.HasPrefix(name, "weights/") {
						squares += number(h, 4)
					}
				}
				for i, column := range columns {
					layer, ok := strings.CutPrefix(column, "active_")
					if column == "parameter_norm" && math.Abs(math.Sqrt(squares)-number(row, i)) > 1e-9*number(row, i) {
						t.Errorf("step %s: norm %g, want %g", step, math.Sqrt(squares), number(row, i))
					}
					if !ok {
						continue
					}
					layers++
					h := of[step]["activity/"+layer]
					if got, want := number(h, 3)/number(h, 2), number(row, i); math.Abs(got-want) > 1e-9 {
						t.Errorf("step %s: the units of layer %s are active on %g of the examples, want %g", step, layer, got, want)
					}
				}
				if layers == 0 {
					t.Error("no layers")
				}
			}
		})
	}
}
