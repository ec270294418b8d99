package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"largestep/metrics"
	"largestep/metrics/atomicfile"
	"largestep/metrics/figure"
	"largestep/nets/op"
	"largestep/train"
	"largestep/train/instances"
	"largestep/train/paper"
)

// smallFigureOptions are the flags of figures of small problems.
type smallFigureOptions struct {
	figures  []paper.SmallFigure // that the command makes, one or several
	instance string
	seeds    int // 0 for as many as suit
	out      string
	engine   engineOptions
}

func newFigureSmall(name string, figures []paper.SmallFigure) *cobra.Command {
	o := smallFigureOptions{figures: figures, instance: string(figures[0].Instance)}
	about := ""
	for _, f := range figures {
		about += fmt.Sprintf("%[1]s.png, %[1]s.svg and %[1]s.pdf: %s.\n", f.Name, f.About)
	}
	example := fmt.Sprintf("  largestep figure %[1]s\n  largestep figure %[1]s --seeds 3 --out figures/try", name)
	out := fmt.Sprintf("folder of the figure and its runs (default figures/%s", name)
	if figures[0].Instance == instances.Paper {
		about += aboutInstances
		example += fmt.Sprintf("\n  largestep figure %s --instance random", name)
		out += fmt.Sprintf(", of random instances figures/%s-random", name)
	}
	cmd := &cobra.Command{
		Use:   name,
		Short: figures[0].About,
		Long: fmt.Sprintf(`Draws %s
Every setting is run from several seeds; curves are medians, with a band between
the quartiles. The final numbers are in a .txt and a .csv of the same name.`, about),
		Example: example,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("seeds") {
				if err := checkSeeds(o.seeds); err != nil {
					return err
				}
			}
			return o.run(cmd)
		},
	}
	f := cmd.Flags()
	if figures[0].Instance == instances.Paper {
		f.StringVar(&o.instance, "instance", o.instance, "the paper's own instance, or random ones (paper, random)")
	}
	f.IntVar(&o.seeds, "seeds", 0, fmt.Sprintf("runs of each setting (default %s)", defaultSeeds(figures[0])))
	f.StringVar(&o.out, "out", "", out+")")
	o.engine.addFlags(f)
	return cmd
}

// aboutInstances is for problems of which there is the paper's own instance.
const aboutInstances = `
On the paper's instance seeds change the order of the examples, seed 0 being the
paper's own, and the paper's numbers stand beside ours. On random instances they
change everything, and step sizes are relative to the edge of divergence of each;
as divergence is not monotone, some below it may still diverge.
`

// defaultSeeds says how many runs there are where nobody asks for a number.
func defaultSeeds(f paper.SmallFigure) string {
	own, random := f.RunsOf(f.Instance), f.RunsOf(instances.Random)
	if own == random {
		return fmt.Sprint(own)
	}
	return fmt.Sprintf("%d, of random instances %d", own, random)
}

// commandsOfSmall are the figures of small problems by the commands that make
// them, in order.
func commandsOfSmall() (names []string, figures map[string][]paper.SmallFigure) {
	figures = map[string][]paper.SmallFigure{}
	for _, f := range paper.SmallFigures {
		name := f.Name
		if f.Command != "" {
			name = f.Command
		}
		if figures[name] == nil {
			names = append(names, name)
		}
		figures[name] = append(figures[name], f)
	}
	return names, figures
}

func (o *smallFigureOptions) run(cmd *cobra.Command) error {
	kind, err := instances.ParseKind(o.instance)
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = filepath.Join("figures", cmd.Name())
		if kind != o.figures[0].Instance {
			o.out += "-" + o.instance
		}
	}
	for _, f := range o.figures {
		made := smallFigure{SmallFigure: f, instance: kind, seeds: o.seeds, out: o.out, engine: o.engine, edges: map[string]float64{}}
		if o.seeds == 0 {
			made.seeds = f.RunsOf(kind)
		}
		if len(o.figures) > 1 {
			made.out = filepath.Join(o.out, f.Name)
		}
		if err := checkFigureFolder(made.out, f.Net(), string(kind)); err != nil {
			return err
		}
		if err := made.run(cmd); err != nil {
			return err
		}
	}
	return nil
}

// smallFigure is a figure of one small problem in the making.
type smallFigure struct {
	paper.SmallFigure
	instance instances.Kind
	seeds    int
	out      string
	engine   engineOptions
	edges    map[string]float64 // of divergence, by the keys of paper.Run
}

func (o *smallFigure) run(cmd *cobra.Command) error {
	settings, err := o.settings(cmd)
	if err != nil {
		return err
	}
	engine, err := o.engine.openFor(o.Net())
	if err != nil {
		return err
	}
	defer engine.Close()
	groups, err := o.trainings(cmd, engine, settings)
	if err != nil {
		return err
	}
	return o.draw(cmd, groups)
}

// trainings makes the runs of all settings.
func (o *smallFigure) trainings(cmd *cobra.Command, e op.Engine, settings []paper.Setting) ([]figure.Group, error) {
	groups := make([]figure.Group, len(settings))
	runs, total := make([][]paper.Run, len(settings)), 0
	for i, s := range settings {
		groups[i].Label, groups[i].Family, runs[i] = s.Label, s.Family, s.Runs(o.seeds)
		total += len(runs[i])
	}
	done := 0
	for i := range groups {
		for _, r := range runs[i] {
			done++
			run, err := o.train(cmd, e, r, fmt.Sprintf("%d/%d %s", done, total, r.Name))
			if err != nil {
				return nil, err
			}
			groups[i].Runs = append(groups[i].Runs, run)
		}
	}
	return groups, nil
}

// settings are the figure's, in the precision asked for.
func (o *smallFigure) settings(cmd *cobra.Command) ([]paper.Setting, error) {
	settings, err := o.Settings(o.instance)
	if err != nil || !cmd.Flags().Changed("precision") {
		return settings, err
	}
	for i := range settings {
		settings[i].Config.Precision = o.engine.precision
	}
	return settings, train.CheckPrecision(o.Net(), o.engine.precision)
}

func (o *smallFigure) train(cmd *cobra.Command, e op.Engine, r paper.Run, label string) (*metrics.Run, error) {
	dir := filepath.Join(o.out, r.Name)
	edge := 0.0
	if r.IsRelative() {
		var err error
		if edge, err = o.edge(cmd, e, r, dir); err != nil {
			return nil, err
		}
		r = r.At(edge)
	}
	problem, err := paper.Problem(&r.Config)
	if err != nil {
		return nil, err
	}
	t := training{
		out: cmd.ErrOrStderr(), progress: cmd.ErrOrStderr(), again: "the same command", quiet: true,
		options: train.Options{
			Config: r.Config, Environment: environment(e, o.engine, "", edge), Dir: dir,
			Resume: true, Problem: problem, Engine: e, CheckpointEvery: 30 * time.Second,
		},
	}
	if err := t.run(cmd.Context(), label); err != nil {
		return nil, err
	}
	return metrics.OpenRun(dir)
}

// edge is that of a run: the one noted when the run began, or else searched for,
// once for all runs that share it.
func (o *smallFigure) edge(cmd *cobra.Command, e op.Engine, r paper.Run, dir string) (float64, error) {
	search, key := r.Edge()
	if begun, err := train.ReadConfig(dir); err == nil && begun.Environment.Edge > 0 {
		o.edges[key] = begun.Environment.Edge
	}
	if edge, ok := o.edges[key]; ok {
		return edge, nil
	}
	problem, err := paper.Problem(&search.Config)
	if err != nil {
		return 0, err
	}
	search.Engine, search.Problem = e, problem
	fmt.Fprintf(cmd.ErrOrStderr(), "searching for the edge of divergence: %s, %s\n", o.Net(), key)
	o.edges[key], err = findEdge(cmd, search)
	return o.edges[key], err
}

func (o *smallFigure) draw(cmd *cobra.Command, groups []figure.Group) error {
	options := figure.Options{Columns: o.Columns, Title: o.Title(o.instance), X: figure.Steps}
	if o.Cost {
		options.X = figure.GradientEvaluations(o.Examples())
	}
	if err := figure.Groups(groups, options, o.files(o.Name)...); err != nil {
		return err
	}
	if slices.ContainsFunc(groups[0].Runs[0].Net, paper.IsFunctionColumn) {
		if err := figure.Functions(paper.Fits(groups), o.Title(o.instance), o.files(o.Name+"-functions")...); err != nil {
			return err
		}
	}
	var table bytes.Buffer
	if err := o.table(&table, groups); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(o.out, o.Name+".txt"), table.Bytes()); err != nil {
		return err
	}
	if err := figure.SaveCSV(filepath.Join(o.out, o.Name+".csv"), groups, o.Columns); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s\nfigure: %s (.svg, .pdf)\n", table.String(), o.files(o.Name)[0])
	return nil
}

// table writes the final numbers, those of the paper's own order of the examples
// apart, and the plateaus.
func (o *smallFigure) table(w *bytes.Buffer, groups []figure.Group) error {
	references := o.References(o.instance, o.seeds == 1)
	if err := figure.Table(w, groups, o.Columns, references...); err != nil {
		return err
	}
	if len(references) > 0 && o.seeds > 1 {
		own := slices.Clone(groups)
		for i := range own {
			own[i].Runs = own[i].Runs[:1]
		}
		fmt.Fprintf(w, "\nIn the paper's own order of the examples:\n")
		if err := figure.Table(w, own, o.Columns, o.References(o.instance, true)...); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(references, func(r figure.Reference) bool { return r.Label == paper.Again }) {
		fmt.Fprintf(w, "\n%s: the authors' code, run again.\n", paper.Again)
	}
	return figure.Plateaus(w, groups, o.Columns)
}

func (o *smallFigure) files(name string) []string {
	var files []string
	for _, ext := range []string{".png", ".svg", ".pdf"} {
		files = append(files, filepath.Join(o.out, name+ext))
	}
	return files
}
