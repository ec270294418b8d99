// Package completion tells shells what the flags and arguments of commands may be.
package completion

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/help"
	"largestep/data"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/sweep"
)

// Add completes all commands: a flag by its name, an argument by what the usage calls
// it. It is for a program that a shell asks: cobra never forgets a flag that it
// completes.
func Add(root *cobra.Command) {
	complete(root)
	completeHelp(root)
}

func complete(cmd *cobra.Command) {
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		of, known := flagCompletions[flag.Name]
		if !known {
			return
		}
		list, ok := flag.Value.(interface{ Several() bool }) // of a sweep
		if ok && list.Several() || slices.Contains(listFlags, flag.Name) {
			of = afterComma(of)
		}
		if err := cmd.RegisterFlagCompletionFunc(flag.Name, of); err != nil {
			panic(err)
		}
	})
	for _, sub := range cmd.Commands() {
		complete(sub)
	}
	if cmd.HasSubCommands() || cmd.ValidArgsFunction != nil {
		return
	}
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	if words := strings.Fields(cmd.Use); len(words) > 1 {
		if of, known := argumentCompletions[strings.Trim(words[1], "[]")]; known {
			cmd.ValidArgsFunction = of
		}
	}
}

// completeHelp lets help offer its topics, too.
func completeHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	helper, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err)
	}
	commands := helper.ValidArgsFunction
	helper.ValidArgsFunction = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		list, directive := commands(cmd, args, toComplete)
		for _, topic := range help.Topics() {
			if len(args) == 0 {
				list = append(list, topic.Use+"\t"+topic.Short)
			}
		}
		return list, directive
	}
}

var argumentCompletions = map[string]cobra.CompletionFunc{
	"RUN…":       completeRuns,
	"CHECKPOINT": firstOnly(completeCheckpoints),
	"SET":        firstOnly(words(func() []string { return namesOf(data.Fetchable()) })),
	"NET":        firstOnly(words(netNames)), // of bench; others have subcommands
	"DIR":        firstOnly(completeFolders),
	"FOLDER|ARCHIVE": firstOnly(func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}),
}

// listFlags are those whose values have commas between them.
var listFlags = []string{"columns", "scatter", "by", "heatmap", "measure"}

var flagCompletions = map[string]cobra.CompletionFunc{
	"batch": noWords, "c": noWords, "checkpoint-every": noWords, "decay-at": noWords, "dims": noWords, "epochs": noWords, "eval-every": noWords,
	"seed": noWords, "seeds": noWords, "step-size": noWords, "steps": noWords, "threads": noWords, "width": noWords, "momentum": noWords,
	"by":           completeOptions,
	"columns":      completeColumns,
	"config":       completeSettings,
	"data":         folders,
	"dataset":      words(func() []string { return append(append(namesOf(data.Sets), data.Kept()...), "auto") }),
	"engine":       words(func() []string { return []string{"auto", "cpu", "cuda"} }),
	"heatmap":      completeOptions,
	"init":         completeCheckpoints,
	"instance":     words(func() []string { return []string{"paper", "random"} }),
	"measure":      completeMeasures,
	"measure-mode": words(func() []string { return []string{"training", "evaluation"} }),
	"mode":         words(func() []string { return []string{"training", "evaluation"} }),
	"normalize":    words(func() []string { return append([]string{"none"}, namesOf(data.Fetchable())...) }),
	"on":           words(func() []string { return []string{"slurm"} }),
	"order":        words(func() []string { return []string{"paper"} }),
	"out":          folders,
	"precision":    words(func() []string { return []string{"fp32", "tf32", "bf16", "fp64"} }),
	"preset":       words(catalog.ScaleNames),
	"sampling":     words(samplings),
	"scatter":      completeColumns,
	"schedule":     completeSchedules,
	"subset":       words(subsets),
	"value":        completeColumns,
	"x":            words(func() []string { return []string{"epoch", "step", "seconds"} }),
}

// words completes to names, which are found out when they are asked for.
func words(names func() []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		list := names()
		slices.Sort(list)
		return slices.Compact(list), cobra.ShellCompDirectiveNoFileComp
	}
}

// noWords is for numbers: no file has their names.
func noWords(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// firstOnly completes the first argument alone.
func firstOnly(of cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return of(cmd, args, toComplete)
	}
}

// afterComma completes the last of several values.
func afterComma(of cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		i := strings.LastIndex(toComplete, ",") + 1
		found, directive := of(cmd, args, toComplete[i:])
		before := strings.Split(toComplete[:i], ",")
		var list []string
		for _, value := range found {
			if name, _, _ := strings.Cut(value, "\t"); !slices.Contains(before, name) {
				list = append(list, toComplete[:i]+value)
			}
		}
		return list, directive | cobra.ShellCompDirectiveNoSpace
	}
}

func namesOf(sets []data.Set) (names []string) {
	for _, s := range sets {
		names = append(names, s.Name)
	}
	return names
}

func netNames() (names []string) {
	for _, p := range catalog.Problems {
		names = append(names, p.Name)
	}
	return names
}

func samplings() (names []string) {
	for _, s := range data.Samplings {
		names = append(names, string(s))
	}
	return names
}

// completeSchedules has each rule, and a colon where it has parameters.
func completeSchedules(*cobra.Command, []string, string) (list []string, _ cobra.ShellCompDirective) {
	for line := range strings.SplitSeq(schedule.Rules(), "\n") {
		form, about, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, parameters := strings.Cut(form, ":")
		if parameters {
			name += ":"
		}
		list = append(list, name+"\t"+strings.TrimSpace(about))
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeMeasures has those of the command's NET.
func completeMeasures(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	list := []string{"none"}
	p, err := catalog.Find(cmd.Name())
	for _, m := range catalog.Measures {
		if err != nil || m.Of(p) {
			list = append(list, m.Name+"\t"+m.About)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeColumns has those of the runs on the command line, or those that all have.
func completeColumns(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	list := new(record.Table).Columns()
	for _, r := range readRuns(args) {
		for _, column := range r.Columns() {
			if !slices.Contains(list, column) {
				list = append(list, column)
			}
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeOptions has the settings of the runs on the command line.
func completeOptions(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	names := map[string]bool{"step_size": true, "decay_at": true, "schedule": true}
	for _, r := range readRuns(args) {
		for name := range r.Config.Options {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), cobra.ShellCompDirectiveNoFileComp
}

// readRuns reads those of some runs that can be read.
func readRuns(args []string) (runs []*record.Run) {
	for _, arg := range args {
		if list, _, err := catalog.FindRuns(arg); err == nil {
			runs = append(runs, list...)
		}
	}
	return runs
}

// completeRuns has run folders, and folders of some.
func completeRuns(_ *cobra.Command, args []string, toComplete string) (list []string, _ cobra.ShellCompDirective) {
	all, within := foldersWith(toComplete, record.ConfigFile)
	for _, dir := range within {
		list = append(list, dir+"\truns")
	}
	for _, dir := range all {
		list = append(list, dir+"\t"+aboutRun(dir))
	}
	list = slices.DeleteFunc(list, func(c string) bool { name, _, _ := strings.Cut(c, "\t"); return slices.Contains(args, name) })
	if len(list) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	slices.Sort(list)
	return list, cobra.ShellCompDirectiveNoFileComp
}

func aboutRun(dir string) string {
	file, err := run.ReadConfig(dir)
	if err != nil {
		return "cannot be read"
	}
	status, err := record.ReadStatus(dir)
	if err != nil {
		return file.Net
	}
	return file.Net + ", " + string(status.State)
}

// completeFolders has sweeps, of a command of sweep; else folders of runs.
func completeFolders(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if !cmd.HasParent() || cmd.Parent().Name() != "sweep" {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	sweeps, _ := foldersWith(toComplete, sweep.File)
	if len(sweeps) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return sweeps, cobra.ShellCompDirectiveNoFileComp
}

// completeCheckpoints has the files of parameters in run folders; where there are none,
// any file.
func completeCheckpoints(_ *cobra.Command, _ []string, toComplete string) (list []string, _ cobra.ShellCompDirective) {
	dirs, _ := foldersWith(filepath.ToSlash(toComplete), record.ConfigFile)
	if i := strings.LastIndex(toComplete, "/"); i >= 0 {
		dirs = append(dirs, toComplete[:i])
	}
	for _, dir := range dirs {
		files, _ := filepath.Glob(filepath.Join(asPattern(dir), "*.safetensors"))
		for _, file := range files {
			if path := dir + "/" + filepath.Base(file); strings.HasPrefix(path, toComplete) && !strings.HasPrefix(filepath.Base(file), "velocity-") {
				list = append(list, path)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list), cobra.ShellCompDirectiveDefault
}

// completeSettings has the settings of runs, and files that may be such.
func completeSettings(_ *cobra.Command, _ []string, toComplete string) (list []string, _ cobra.ShellCompDirective) {
	dirs, _ := foldersWith(toComplete, record.ConfigFile)
	for _, dir := range dirs {
		list = append(list, dir+"/"+record.ConfigFile)
	}
	for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
		files, _ := filepath.Glob(asPattern(toComplete) + pattern)
		list = append(list, files...)
	}
	if len(list) == 0 {
		return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
	}
	slices.Sort(list)
	return slices.Compact(list), cobra.ShellCompDirectiveDefault
}

// asPattern is a name as a pattern.
func asPattern(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

// How far folders are looked for: a shell waits meanwhile.
const (
	deepest   = 3
	mostNames = 10_000
)

// foldersWith finds the folders that hold a file, and those that hold such folders,
// whose names begin so.
func foldersWith(begin, file string) (all, within []string) {
	dir := begin[:strings.LastIndex(begin, "/")+1] // as it is written: "./" too
	top := dir
	if top == "" {
		top = "."
	}
	n := 0
	filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(top, path)
		if n++; err != nil || relErr != nil || n > mostNames {
			return fs.SkipDir
		}
		if !d.IsDir() || rel == "." {
			return nil
		}
		name := dir + filepath.ToSlash(rel)
		if !strings.HasPrefix(name, begin) || strings.HasPrefix(d.Name(), ".") || strings.Count(rel, string(filepath.Separator)) >= deepest {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, file)); err != nil {
			return nil
		}
		all = append(all, name)
		if parent := strings.TrimSuffix(name, "/"+d.Name()); parent != name && strings.HasPrefix(parent, begin) && !slices.Contains(within, parent) {
			within = append(within, parent)
		}
		return fs.SkipDir
	})
	return all, within
}

func subsets() (names []string) {
	for _, c := range data.Choices {
		names = append(names, c.String())
	}
	return names
}
