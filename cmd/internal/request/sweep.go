package request

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/train/catalog"
	"largestep/train/experiment"
	"largestep/train/settings"
	"largestep/train/shell"
	"largestep/train/sweep"
)

// Lists is what the flags of "sweep train NET" ask for: those of a training, each a
// list, or lists in a file.
type Lists struct {
	entry catalog.Problem
	flags []*pflag.Flag
	file  string
	seeds int
}

// single are the settings of which a sweep has one.
var single = []string{"dataset", "data", "precision"}

// NewLists is a request for a sweep of a problem.
func NewLists(p catalog.Problem) *Lists { return &Lists{entry: p} }

// Add adds the flags to a command's, which has those of the engine: they are no
// settings of a sweep.
func (l *Lists) Add(f *pflag.FlagSet) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	New(l.entry, flags.Training...).AddTraining(all)
	all.VisitAll(func(one *pflag.Flag) {
		if f.Lookup(one.Name) == nil { // else of the engine
			listed := *one
			listed.Value, listed.Changed = &list{flag: one.Name, of: one.Value.Type()}, false
			if !slices.Contains(single, one.Name) {
				listed.Usage += "; or a list"
			}
			f.AddFlag(&listed)
			l.flags = append(l.flags, &listed)
		}
	})
	f.StringVar(&l.file, "config", "", "file of settings, in which lists are axes; flags win")
	f.IntVar(&l.seeds, "seeds", 0, "runs of each setting, with seeds from --seed on (default 1)")
}

// list is a flag of several values.
type list struct {
	flag, of string
	values   []string
}

// whole are flags whose values have commas of their own.
var whole = []string{"phases", "widths", "measure"}

func (l *list) String() string { return strings.Join(l.values, ",") }
func (l *list) Type() string   { return l.of }

// Several tells that values may have commas between them.
func (l *list) Several() bool { return !slices.Contains(whole, l.flag) }

func (l *list) Set(text string) error {
	values := []string{text}
	if !slices.Contains(whole, l.flag) {
		values = strings.Split(text, ",")
	}
	for _, v := range values {
		if v = strings.TrimSpace(v); v == "" {
			return errors.New("want values between the commas")
		}
		l.values = append(l.values, v)
	}
	return nil
}

// Sweep is what flags and file say.
func (l *Lists) Sweep(f *pflag.FlagSet) (*sweep.Sweep, error) {
	var axes []settings.Axis
	var typed []string
	for _, flag := range l.flags {
		if !f.Changed(flag.Name) {
			continue
		}
		typed = append(typed, flag.Name)
		var axis settings.Axis
		for _, v := range flag.Value.(*list).values {
			axis = append(axis, settings.Point{{Name: flags.Option(flag.Name), Value: v}})
		}
		if len(axis) > 1 && slices.Contains(single, flag.Name) {
			return nil, usage.Errorf("--%s: a sweep has one", flag.Name)
		}
		axes = append(axes, axis)
	}
	if l.file != "" {
		file, err := settings.Read(l.file, knownOptions())
		if err != nil {
			return nil, err
		}
		if file.Net != "" && file.Net != l.entry.Name {
			return nil, usage.Errorf("%s is of %s, not of %s", l.file, file.Net, l.entry.Name)
		}
		if !f.Changed("seeds") && !f.Changed("seed") {
			l.seeds = file.Seeds
		}
		more, err := l.without(file, &fromFile{path: l.file, typed: typed})
		if err != nil {
			return nil, err
		}
		axes = append(axes, more...)
	}
	if f.Changed("seeds") && l.seeds < 1 {
		return nil, fmt.Errorf("%d seeds: want 1 or more", l.seeds)
	}
	return sweep.New(l.entry.Name, axes, l.seeds)
}

// ofEngine are the options of what computes, which is no setting of a sweep.
var ofEngine = []string{"engine", "device", "threads"}

// without are the axes of a file that no flag overrules.
func (l *Lists) without(file *settings.File, o *fromFile) (axes []settings.Axis, err error) {
	if err := o.apart(file); err != nil {
		return nil, err
	}
	overruled := o.overruled()
	for _, axis := range file.Axes {
		var rest, gone []string
		names := axis.Names()
		if flag := o.changing(); flag != "" && slices.Contains(names, "phases") && (len(axis) > 1 || !slices.Contains(overruled, "phases")) {
			return nil, usage.Errorf("%s: a sweep cannot change its phases by --%s: list schedules with --phases", file.Path, flag)
		}
		for _, name := range names {
			if slices.Contains(overruled, flags.Of(name)) || file.Recorded && !flags.Takes(l.entry, flags.Of(name)) || slices.Contains(ofEngine, name) {
				gone = append(gone, name)
			} else {
				rest = append(rest, name)
			}
		}
		if len(gone) > 0 && len(rest) > 0 {
			return nil, fmt.Errorf("%s: %s goes together with %s: a flag cannot overrule one of them", file.Path, gone[0], rest[0])
		}
		if len(axis) > 1 && len(rest) > 0 && slices.Contains(single, rest[0]) {
			return nil, fmt.Errorf("%s: %s: a sweep has one", file.Path, rest[0])
		}
		if len(gone) == 0 {
			axes = append(axes, axis)
		}
	}
	return axes, nil
}

// Elsewhere are the flags given that say how a run of a sweep is trained in another process.
func Elsewhere(f *pflag.FlagSet) (given []string) {
	for _, name := range []string{"engine", "device", "threads", "checkpoint-every"} {
		if f.Changed(name) {
			given = append(given, fmt.Sprintf("--%s=%s", name, f.Lookup(name).Value))
		}
	}
	return given
}

// Command is the command line that trains a run of a sweep in its folder below dir, with
// more flags, which are no settings.
func Command(s *sweep.Sweep, r sweep.Run, dir string, more []string) string {
	words := append([]string{"largestep", "train", s.Net}, more...)
	for _, x := range r.Settings {
		words = append(words, "--"+flags.Of(x.Name)+"="+shell.Word(x.Value))
	}
	return strings.Join(append(words, "--out", shell.Word(filepath.Join(dir, r.Name))), " ")
}

// Sweeping is how the runs of a sweep are trained.
type Sweeping struct {
	Engine flags.Engine
	Jobs   flags.Jobs
	Save   time.Duration // least time between checkpoints
}

// Resolve makes an experiment of a sweep in a folder, without engines. Which engine
// its settings suit is known without one where a job is submitted for another machine.
func (o *Sweeping) Resolve(s *sweep.Sweep, dir string, out io.Writer) (*experiment.Experiment, error) {
	e, _, err := o.resolve(s, dir, out, o.Engine.Name != "cuda")
	return e, err
}

// Open is Resolve, and opens the engines, a job on each.
func (o *Sweeping) Open(s *sweep.Sweep, dir string, out io.Writer) (*experiment.Experiment, error) {
	e, place, err := o.resolve(s, dir, out, true)
	if err != nil {
		return nil, err
	}
	precision := e.Settings[0].Runs[0].Config.Precision // of which a sweep has one
	if e.Engines, err = o.Jobs.Open(&o.Engine, e.Problem, precision); err != nil {
		return nil, err
	}
	e.CheckpointEvery = max(o.Save, time.Nanosecond)
	e.Environment = o.Engine.Environment(e.Engines[0], place, 0)
	return e, nil
}

func (o *Sweeping) resolve(s *sweep.Sweep, dir string, out io.Writer, here bool) (*experiment.Experiment, data.Place, error) {
	p, err := catalog.Find(s.Net)
	if err != nil {
		return nil, data.Place{}, err
	}
	r := resolver{entry: p, engine: o.Engine.Name, out: out}
	if here {
		chosen, err := o.Engine.Choose(p)
		if err != nil {
			return nil, data.Place{}, err
		}
		r.engine = chosen.Name
	}
	e, err := s.Experiment(dir, p, r.run)
	return e, r.place, err
}

// resolver makes runs of the settings of a sweep.
type resolver struct {
	entry  catalog.Problem
	engine string    // its name
	out    io.Writer // is told, once, where the data are
	place  data.Place
	sets   map[data.Part]*data.Dataset
}

// run makes a run of settings as flags would.
func (r *resolver) run(point settings.Point) (made experiment.Run, err error) {
	q := New(r.entry, flags.Training...)
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	q.AddTraining(f)
	for _, s := range point {
		name := flags.Of(s.Name)
		if !flags.Takes(r.entry, name) {
			return made, fmt.Errorf("%s means nothing to %s", s.Name, r.entry.Name)
		}
		if err := f.Set(name, s.Value); err != nil {
			return made, usage.ExplainValue(err)
		}
	}
	if err := q.check(f); err != nil {
		return made, err
	}
	if err := q.resolve(f, r.out, r.engine); err != nil {
		return made, err
	}
	r.out, r.place = io.Discard, q.place // it has been said
	if err := q.validate(); err != nil {
		return made, err
	}
	made.Config = q.Config
	if q.Init != "" {
		if made.Init, err = filepath.Abs(q.Init); err != nil {
			return made, err
		}
	}
	if r.entry.Reads() {
		if made.Data, err = r.load(q); err != nil {
			return made, err
		}
		made.Config.Dataset = made.Data.Name
	}
	if q.Config.Schedule.OfEdge {
		if err := r.entry.CheckEdge(q.Config); err != nil {
			return made, err
		}
		made = made.OfEdge(r.entry.EdgeSteps(&q.Config))
	}
	return made, nil
}

// load brings the images of a run, which others may share.
func (r *resolver) load(q *Request) (set *data.Dataset, err error) {
	part := q.part()
	if r.sets[part] != nil {
		return r.sets[part], nil
	}
	if set, err = q.place.LoadPart(part); err != nil {
		return nil, err
	}
	if r.sets == nil {
		r.sets = map[data.Part]*data.Dataset{}
	}
	r.sets[part] = set
	return set, nil
}
