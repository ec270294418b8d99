package main

import (
	"os"
	"strings"
	"testing"
)

func TestRunsTableAndPlot(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("sweep train least-squares --steps 60 --step-size 0.01,0.02 --batch 1,2 --seeds 2 --out s")...)
	succeed(t, strings.Fields("train svm --steps 20 --out a/b/c")...)
	out := succeed(t, "runs", ".")
	if strings.Count(out, "finished") != 9 || !strings.Contains(out, "a/b/c") || !strings.Contains(out, "η = 0.01, batch 2, seed 1") {
		t.Errorf("runs: %s", out)
	}
	writeFile(t, "s/batch=1,step-size=0.01,seed=0/metrics.csv", "broken\n")
	if o := try("runs", "s"); o.code != 0 || strings.Count(o.stdout, "finished") != 7 || !strings.Contains(o.stderr, "metrics.csv:1:") {
		t.Errorf("with a damaged run: %d, %s%s", o.code, o.stdout, o.stderr)
	}
	check(t, os.RemoveAll("s/batch=1,step-size=0.01,seed=0"))
	succeed(t, "table", "s", "-o", "t.csv", "-o", "t.md", "-o", "t.tex", "-o", "t.txt", "--by", "batch", "--columns", "train_loss,gap")
	if columns, rows := table(t, "t.csv"); strings.Join(columns[:5], ",") != "batch,runs,diverged,unfinished,train_loss" || len(rows) != 2 || rows[0][1] != "3" {
		t.Errorf("table: %v, %v", columns, rows)
	}
	for _, args := range []string{
		"", "--x step --x-range 10,50", "--x seconds", "--linear --smooth 5", "--log --y-range 1e-3,1 --size 4x3", "--median",
		"--label s/batch=2,step-size=0.01,seed=0=first", "--heatmap step_size,batch --value gap", "--heatmap batch,step_size", "--scatter train_loss,gap",
	} {
		succeed(t, append([]string{"plot", "s", "-o", "p.png", "-o", "p.svg"}, strings.Fields(args)...)...)
		isPicture(t, "p.png")
		isPicture(t, "p.svg")
	}
	once := succeed(t, "table", "s")
	if twice := succeed(t, "table", "s", "s/../s", "s/batch=2,step-size=0.01,seed=0"); twice != once {
		t.Errorf("runs that are named twice: %s, named once: %s", twice, once)
	}
	for args, want := range map[string]string{
		"plot s -o p.png --x epochs":                                    "choose epoch, step or seconds",
		"plot s -o p.png --x-range 5":                                   "want two numbers, the lower first",
		"plot s -o p.png --x-range 5,2":                                 "want two numbers, the lower first",
		"plot s -o p.png --log --y-range 0,2":                           "train_loss from 0 to 2: its axis is logarithmic, and begins above 0: give --linear",
		"plot s -o p.png --y-range 0,1":                                 "its axis is logarithmic",
		"plot s -o p.png --log --scatter train_loss,gap --x-range=-1,1": "its axis is logarithmic",
		"plot s -o s/batch=2,step-size=0.01,seed=0/metrics.csv":         "is a file of a run: name another",
		"table s -o s/batch=2,step-size=0.01,seed=0/metrics.csv":        "is a file of a run: name another",
		"report s -o s/batch=2,step-size=0.01,seed=0/status.json":       "is a file of a run: name another",
		"plot s -o p.png --log --linear":                                "choose one",
		"plot s -o p.png --size 4":                                      "--size 4: want width and height",
		"plot s -o p.png --size 1x1":                                    "leaves no room for 2 panels",
		"plot s -o p.png --smooth -1":                                   "want 0 or more",
		"plot s -o p.png --label x":                                     "want RUN=TEXT",
		"plot s -o p.png --label x=y":                                   "no run x among those",
		"plot s -o p.png --heatmap batch":                               "want two options",
		"plot s -o p.png --heatmap batch,size":                          `no run has an option "size"`,
		"plot s -o p.png --scatter gap,l0":                              `no run has a column "l0"`,
		"plot s -o p.png --value gap":                                   "--value is of --heatmap",
		"table s --by bach":                                             `no run has an option "bach"`,
		"table s -o t.xls":                                              "choose .txt, .md, .csv or .tex",
		"table":                                                         "no run folders",
		"runs none":                                                     "none: no such file",
		"runs s/batch=1,step-size=0.02,seed=0/x":                        "no such file",
	} {
		if o := try(strings.Fields(args)...); o.code == 0 || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: status %d, %s, want %s", args, o.code, o.stderr, want)
		}
	}
}
