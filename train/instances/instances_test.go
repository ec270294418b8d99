package instances

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// The paper's data, to the bit: SHA-256 of the arrays that the authors' code
// drew, little-endian, the first 2d test inputs; and of the labels that NumPy
// 2.4.6 and 1.24.4 with OpenBLAS give for them as inputs @ theta.
func TestDiagonalChecksums(t *testing.T) {
	for size, want := range map[DiagonalSize][6]string{
		DiagonalSGD: {
			"41bb48704b62a204245705cf652851f7a458b7d0b44d415b57d18c3288d5b42d",
			"0eebaa34594ffca41cd83a5f54f2f9458cda3cce48ad5a86abd2dfbf1c807277",
			"299f05a861218d62fe65707879fa328b4f764a60d83b3bd905cc097da72fc0ba",
			"7dfb1c25f0a80ec2e42bc6ff17a113b2d1f0714cdca5d9775ca9149b65f028ff",
			"56697580d774ca2d35bf71917a554fbd2587cb65fefdaed05ad772c833fa4594",
			"6c23e3c5233b6f37b339645077448068e83a951a329c8309bf3815795de6417d",
		},
		DiagonalGD: {
			"dcd40223cc3b5b0144b428e62fd17f7482c88fb8daaa9278707ea30e6903e992",
			"939eed6d55c5cae3e563f7822760d314a6386bcda82b5a772455481dabdad291",
			"80a19a070af4337bcfa8ab55ebd122f5603258710a213f16057ee5f035af7249",
			"6df396c0b5b3102e93afc1c5f07065066e40fffced15ba21a869eb995fe97ddf",
			"6ff31143ff7c8c184aa0fb9f94f89a96da62630b292d5fb2f4a1b8374f05977c",
			"8268450f7b4f7f0eb3673c6e016569ae6ff888f2273a2960795f227d373c36fb",
		},
	} {
		p, err := Diagonal(Paper, size, 7)
		if err != nil {
			t.Fatal(err)
		}
		got := [6]string{
			checksum(t, p.Train.Inputs), checksum(t, p.Test.Inputs[:2*size.D*size.D]),
			checksum(t, p.Teacher[0].Values), checksum(t, p.Order),
			checksum(t, p.Train.Labels), checksum(t, p.Test.Labels),
		}
		for i, what := range []string{"inputs", "test inputs", "theta", "order", "labels", "test labels"} {
			if got[i] != want[i] {
				t.Errorf("%v: SHA-256 of the %s is %s, want %s", size, what, got[i], want[i])
			}
		}
	}
}

func checksum(t *testing.T, x any) string {
	h := sha256.New()
	if err := binary.Write(h, binary.LittleEndian, x); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// all builds every problem that has a paper's instance.
var all = map[string]func(Kind, uint32) (*Problem, error){
	"diagonal":  func(k Kind, seed uint32) (*Problem, error) { return Diagonal(k, DiagonalGD, seed) },
	"relu-1d":   ReLU1D,
	"teacher-2": Teacher2,
	"teacher-3": Teacher3,
}

// A random instance has the sizes, names and shapes of the paper's, depends on
// the seed, and on nothing else.
func TestRandomLikePaper(t *testing.T) {
	for name, problem := range all {
		paper, err := problem(Paper, 0)
		if err != nil {
			t.Fatal(err)
		}
		a, err := problem(Random, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outline(a), outline(paper); got != want {
			t.Errorf("%s: random instance has\n%s\nthe paper's\n%s", name, got, want)
		}
		again, _ := problem(Random, 1)
		other, _ := problem(Random, 2)
		if !reflect.DeepEqual(a, again) || reflect.DeepEqual(a, other) {
			t.Errorf("%s: the seed does not decide the instance", name)
		}
		if len(paper.Order) < 10_000 || a.Order != nil {
			t.Errorf("%s: orders of %d and %d steps, want the paper's alone", name, len(paper.Order), len(a.Order))
		}
	}
}

func outline(p *Problem) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d×%d, test %d×%d\n", p.Train.N, p.Train.D, p.Test.N, p.Test.D)
	for _, w := range p.Teacher {
		fmt.Fprintln(&b, "teacher", w.Name, w.Shape)
	}
	for _, w := range p.Student {
		fmt.Fprintln(&b, "student", w.Name, w.Shape)
	}
	return b.String()
}

// The formula of the 12 points gives the paper's, which are float32.
func TestReLU1DPoints(t *testing.T) {
	p, err := ReLU1D(Paper, 0)
	if err != nil {
		t.Fatal(err)
	}
	e := Points1D()
	for i := range e.Labels {
		if float32(e.Inputs[i]) != float32(p.Train.Inputs[i]) || float32(e.Labels[i]) != float32(p.Train.Labels[i]) {
			t.Errorf("point %d is (%v, %v), the paper's (%v, %v)", i, e.Inputs[i], e.Labels[i], p.Train.Inputs[i], p.Train.Labels[i])
		}
	}
}

// The embedded teachers give the embedded labels.
func TestTeachers(t *testing.T) {
	for name, problem := range map[string]func(Kind, uint32) (*Problem, error){"teacher-2": Teacher2, "teacher-3": Teacher3} {
		p, err := problem(Paper, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []Examples{p.Train, p.Test} {
			again := taught(e.Inputs, e.D, p.Teacher)
			for i, y := range e.Labels {
				if !(math.Abs(again.Labels[i]-y) <= 5e-7) {
					t.Fatalf("%s: label %d is %v, the teacher's output %v", name, i, y, again.Labels[i])
				}
				if x := e.Inputs[i*e.D : (i+1)*e.D]; !(math.Abs(norm(x)-1) <= 5e-7) {
					t.Fatalf("%s: input %d has norm %v, want 1", name, i, norm(x))
				}
			}
		}
	}
}

func TestLeastSquares(t *testing.T) {
	p, err := LeastSquares(20, 7, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, y := range p.Train.Labels {
		if want := dot(p.Train.Inputs[i*7:(i+1)*7], p.Teacher[0].Values); !(math.Abs(y-want) <= 1e-15) {
			t.Errorf("without noise, label %d is %v, want %v", i, y, want)
		}
	}
	noisy, err := LeastSquares(2000, 7, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	square := 0.0
	for i, y := range noisy.Train.Labels {
		r := y - dot(noisy.Train.Inputs[i*7:(i+1)*7], noisy.Teacher[0].Values)
		square += r * r / 2000
	}
	if sd := math.Sqrt(square); !(math.Abs(sd-0.5) <= 0.04) {
		t.Errorf("noise of deviation %v, want 0.5", sd)
	}
}

func TestTwoClasses(t *testing.T) {
	p, err := TwoClasses(2001, 5, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	mean := map[float64]float64{}
	for i, y := range p.Train.Labels {
		mean[y] += dot(p.Train.Inputs[i*5:(i+1)*5], p.Teacher[0].Values) / 1000
	}
	if len(mean) != 2 || !(math.Abs(mean[1]-1.5) <= 0.15) || !(math.Abs(mean[-1]+1.5) <= 0.15) {
		t.Errorf("mean along the direction, for each label: %v; want ±1.5", mean)
	}
}

func TestBadInput(t *testing.T) {
	diagonal := func(k Kind, n, d, r int) error {
		p, err := Diagonal(k, DiagonalSize{n, d, r}, 0)
		if p != nil && err != nil {
			t.Error("an error and a problem")
		}
		return err
	}
	squares := func(n, d int, noise float64) error { _, err := LeastSquares(n, d, noise, 0); return err }
	classes := func(n, d int, separation float64) error { _, err := TwoClasses(n, d, separation, 0); return err }
	kind := func(name string) error { _, err := ParseKind(name); return err }
	for want, err := range map[string]error{
		"n = 1 examples: want at least 2":              diagonal(Random, 1, 5, 2),
		"n = -3 examples":                              squares(-3, 5, 0),
		"d = 0 inputs: want at least 1":                diagonal(Random, 4, 0, 0),
		"d = -1 inputs":                                classes(4, -1, 1),
		"r = 6 relevant inputs: want 1 to d = 5":       diagonal(Random, 4, 5, 6),
		"r = 0 relevant":                               diagonal(Random, 4, 5, 0),
		"the paper's instances have {80 200 20}":       diagonal(Paper, 80, 100, 20),
		"at most 134217728 numbers":                    squares(1<<40, 1<<40, 0),
		"d = 1099511627776 inputs: at most":            classes(2, 1<<40, 0),
		"noise NaN: want a number from 0 on":           squares(4, 2, math.NaN()),
		"noise -1":                                     squares(4, 2, -1),
		"has the label +Inf: want a finite number":     squares(4, 2, math.MaxFloat64),
		"separation +Inf: want a number from 0 on":     classes(4, 2, math.Inf(1)),
		`unknown instance "papers": choose one of pap`: kind("papers"),
		"C = 0: want a positive number":                CheckC(0),
		"C = NaN":                                      CheckC(math.NaN()),
		"C = +Inf":                                     CheckC(math.Inf(1)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if err := CheckC(1); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	for want, spoil := range map[string]func(*Problem){
		"n = 1 examples": func(p *Problem) { p.Train.N = 1 },
		"d = 0 inputs":   func(p *Problem) { p.Train.D = 0 },
		"training set: 19 inputs and 10 labels, want 10×2": func(p *Problem) { p.Train.Inputs = p.Train.Inputs[1:] },
		"training set: example 3 has NaN as input 1":       func(p *Problem) { p.Train.Inputs[7] = math.NaN() },
		"test set: example 4 has the label -Inf":           func(p *Problem) { p.Test.Labels[4] = math.Inf(-1) },
		"test inputs of 1 numbers, training inputs of 2":   func(p *Problem) { p.Test.D, p.Test.N, p.Test.Labels = 1, 2000, make([]float64, 2000) },
		"weight: element 1 is +Inf":                        func(p *Problem) { p.Student[0].Values[1] = math.Inf(1) },
		"weight: 2 numbers for the shape [1 3]":            func(p *Problem) { p.Teacher[0].Shape = []int{1, 3} },
		"order: step 1 takes example 10 of 10":             func(p *Problem) { p.Order = []int32{0, 10} },
		"order: step 0 takes example -1 of 10":             func(p *Problem) { p.Order = []int32{-1} },
	} {
		p, err := LeastSquares(10, 2, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		spoil(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
