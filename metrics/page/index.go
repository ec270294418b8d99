package page

import (
	"fmt"
	"image/color"
	"maps"
	"math"
	"slices"
	"strings"

	"largestep/metrics/figure"
	"largestep/metrics/record"
)

// Index is the document that tells of all runs but for their numbers.
type Index struct {
	Title    string   `json:"title"`
	Program  string   `json:"program"`
	Live     bool     `json:"live"`
	Revision int      `json:"revision"`
	Problems []string `json:"problems"`
	Nets     []Net    `json:"nets"`
}

// Net are the runs of one.
type Net struct {
	Name       string            `json:"name"`
	Title      string            `json:"title"`
	Main       []string          `json:"main"` // columns of which the list of runs shows the last values
	Quantities []Quantity        `json:"quantities"`
	Runs       []Head            `json:"runs"`
	Groupings  []Grouping        `json:"groupings"`
	Varying    []string          `json:"varying"` // settings in which the runs differ
	Common     map[string]string `json:"common"`  // those that all share
}

// Quantity is a column of which there is a chart.
type Quantity struct {
	Column  string  `json:"column"`
	Label   string  `json:"label"`
	Section string  `json:"section"` // of charts
	Log     bool    `json:"log"`
	Factor  float64 `json:"factor"`
}

// Head is what the index tells of a run. Places on the horizontal axis are three: by
// epochs, steps and seconds.
type Head struct {
	ID       string     `json:"id"`
	Label    string     `json:"label"` // what tells it from the others
	State    string     `json:"state"`
	Revision int        `json:"revision"`
	Epoch    number     `json:"epoch"`
	Epochs   number     `json:"epochs"`
	Seconds  number     `json:"seconds"`
	Last     []number   `json:"last"`     // of the main columns
	Values   []string   `json:"values"`   // of the settings that vary
	Phases   []Phase    `json:"phases"`   // of the step size
	End      []number   `json:"end"`      // of the training as planned
	PerStep  []number   `json:"perStep"`  // how much of the axis a step takes
	Plateau  []int      `json:"plateau"`  // steps between which the loss stood still while the step size was large; or null
	Searched bool       `json:"searched"` // for plateaus
	Beside   []Numbered `json:"beside"`
}

// Phase begins at a fraction of the training.
type Phase struct {
	Start    number `json:"start"`
	StepSize number `json:"stepSize"`
	Large    bool   `json:"large"`
}

// Numbered are published final values, by columns.
type Numbered struct {
	Label  string            `json:"label"`
	Values map[string]number `json:"values"`
}

// Grouping is a way to part runs; Groups hold the runs' places in the list.
type Grouping struct {
	Name   string  `json:"name"`
	Groups []Group `json:"groups"`
}

// Group has one colour, on white and on black.
type Group struct {
	Label  string    `json:"label"`
	Light  string    `json:"light"`
	Dark   string    `json:"dark"`
	Dashes []float64 `json:"dashes"`
	Runs   []int     `json:"runs"`
}

// Index makes the document.
func (s *Snapshot) Index() Index {
	x := Index{Title: s.Title, Program: s.Program, Live: s.Live, Revision: s.Revision, Problems: s.Problems, Nets: []Net{}}
	for _, n := range s.all() {
		x.Nets = append(x.Nets, n.describe())
	}
	return x
}

func (n *netRuns) describe() Net {
	runs := n.runs()
	options, varying, common := n.settings()
	d := Net{Name: n.name, Title: figure.Title(runs), Main: figure.MainColumns(runs), Varying: varying, Common: common}
	for _, section := range []string{training, measures, ""} {
		for _, q := range n.quantities {
			if in := n.section(q); in == section || section == "" && in != training && in != measures {
				d.Quantities = append(d.Quantities, Quantity{q.Column, q.Label, in, q.Log, q.Factor})
			}
		}
	}
	slices.SortStableFunc(d.Quantities, func(a, b Quantity) int { return n.rank(a, d.Main) - n.rank(b, d.Main) })
	place := map[*record.Run]int{}
	for i, e := range n.entries {
		place[e.Run] = i
		h := e.head(d.Main)
		for _, name := range varying {
			h.Values = append(h.Values, options[i][name])
		}
		d.Runs = append(d.Runs, h)
	}
	for _, g := range n.groupings {
		d.Groupings = append(d.Groupings, g.describe(place))
	}
	for _, g := range n.groupings[len(n.groupings)-1].groups { // each run
		d.Runs[place[g.Runs[0]]].Label = g.Label
	}
	return d
}

// The sections of charts that there always are.
const (
	training = "Training"
	measures = "Measures"
	speed    = "Speed"
)

// section is that of a chart: numbered columns, such as the features' of each layer, have
// one of their own.
func (n *netRuns) section(q figure.Quantity) string {
	if q.Column == "images_per_second" {
		return speed
	}
	if !slices.ContainsFunc(n.entries, func(e *Entry) bool { return slices.Contains(e.Run.Own, q.Column) }) {
		return training
	}
	if stem, _, numbered := strings.Cut(q.Label, ", "); numbered {
		return stem
	}
	return measures
}

// rank orders charts: the main columns, the others of every training, the features, the
// rest.
func (n *netRuns) rank(q Quantity, main []string) int {
	switch i := slices.Index(main, q.Column); {
	case i >= 0:
		return i
	case q.Column == "step_size":
		return len(main) + 1
	case q.Section == training:
		return len(main)
	case q.Section == measures:
		return len(main) + 3
	case q.Section == speed:
		return len(main) + 4
	}
	return len(main) + 2
}

// settings are the runs' as text, the names of those that vary, seeds and engines
// last, and those that all share.
func (n *netRuns) settings() (options []map[string]string, varying []string, common map[string]string) {
	options, varying = figure.OptionsOf(n.runs())
	common = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(options[0])) {
		same := !slices.ContainsFunc(options, func(o map[string]string) bool { return o[name] != options[0][name] })
		if same {
			common[name] = options[0][name]
		} else if slices.Contains([]string{"seed", "order", "engine"}, name) {
			varying = append(varying, name)
		}
	}
	if varying == nil {
		varying = []string{}
	}
	return options, varying, common
}

func (e *Entry) head(main []string) Head {
	r := e.Run
	h := Head{ID: e.ID, State: string(r.Status.State), Revision: e.Revision, Searched: r.Plateaus != nil, Epoch: number(r.Status.Epoch), Epochs: number(r.Config.Epochs),
		Values: []string{}, Phases: []Phase{}, Beside: []Numbered{}}
	n := len(r.Rows)
	if n > 0 {
		h.Epoch, h.Seconds = number(r.Rows[n-1].Epoch), number(r.Rows[n-1].Seconds)
	}
	for _, column := range main {
		v, ok := none, false
		if n > 0 {
			v, ok = r.Value(n-1, column)
		}
		if !ok {
			v = none
		}
		h.Last = append(h.Last, number(v))
	}
	for _, axis := range axes {
		end, perStep := axis.Extent(r)
		h.End, h.PerStep = append(h.End, number(end)), append(h.PerStep, number(perStep))
	}
	for i, p := range r.Config.Phases {
		h.Phases = append(h.Phases, Phase{number(p.Start), number(p.StepSize), i == figure.LargePhase(r.Config)})
	}
	if p, ok := figure.LargePlateau(r); ok {
		h.Plateau = []int{p.Start, p.End}
	}
	for _, ref := range e.Published {
		b := Numbered{Label: ref.Label, Values: map[string]number{}}
		for column, v := range ref.Finals[0] {
			b.Values[column] = number(v)
		}
		h.Beside = append(h.Beside, b)
	}
	return h
}

// axes are what curves are drawn over.
var axes = []figure.Axis{{}, figure.Steps, figure.Seconds}

func (g grouping) describe(place map[*record.Run]int) Grouping {
	d := Grouping{Name: g.name}
	for i, look := range figure.Looks(g.groups) {
		group := Group{Label: g.groups[i].Label, Light: hex(look.Color), Dark: hex(onDark(look.Color)), Dashes: []float64{}}
		for _, length := range look.Dashes {
			group.Dashes = append(group.Dashes, float64(length))
		}
		for _, r := range g.groups[i].Runs {
			group.Runs = append(group.Runs, place[r])
		}
		d.Groups = append(d.Groups, group)
	}
	return d
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// onDark is a colour for a dark page: the hue stays, and what stands out from white, being
// dark, stands out from black, being light.
func onDark(c color.RGBA) color.RGBA {
	high, low := float64(max(c.R, c.G, c.B)), float64(min(c.R, c.G, c.B))
	darkness := 1 - (high+low)/510
	brightness, white := 0.6+0.4*darkness, 0.55*darkness
	shift := func(v uint8) uint8 {
		full := 1.0 // of the brightest colour of this hue
		if high > 0 {
			full = float64(v) / high
		}
		return uint8(math.Round(255 * brightness * (full*(1-white) + white)))
	}
	return color.RGBA{shift(c.R), shift(c.G), shift(c.B), 0xff}
}
