// Package record keeps the records of a run: one row per evaluation in
// metrics.csv, the mini-batch losses in steps.csv, histograms in histograms.csv,
// all of them for TensorBoard, the plateaus of the loss, the configuration, the state, and a
// log, all in one folder, of which OpenRun makes a Run. Tables and event files
// only grow; a checkpoint notes their sizes, and a run that goes on from it cuts
// off what came later.
package record

import (
	"fmt"
	"slices"
	"strings"
)

// The files of a run folder. The TensorBoard file's name is made by
// CreateEvents.
const (
	ConfigFile     = "config.json"
	TableFile      = "metrics.csv"
	StepsFile      = "steps.csv"
	HistogramsFile = "histograms.csv"
	PlateausFile   = "plateaus.json"
	StatusFile     = "status.json"
	LogFile        = "log.txt"
)

// A Row is one evaluation. Losses are means over examples, in nats for
// cross-entropy; errors are fractions from 0 to 1.
type Row struct {
	Epoch           float64 // passes over the training set, may be fractional
	Step            int     // updates so far
	Phase           string  // of the schedule, "large" for instance
	StepSize        float64
	BatchLoss       float64 // mean of the mini-batch losses since the last row
	TrainLoss       float64 // in evaluation mode, as the following ones
	TrainError      float64
	TestLoss        float64
	TestError       float64
	Own             []float64 // the problem's own columns, the active shares for instance
	ImagesPerSecond float64
	Seconds         float64 // training time so far
}

// A Table is the content of metrics.csv. Own names the problem's own columns, one
// for each element of a Row's Own, such as active_1 to active_5.
type Table struct {
	Own  []string
	Rows []Row
}

var (
	headColumns = []string{"epoch", "step", "phase", "step_size", "batch_loss",
		"train_loss", "train_error", "test_loss", "test_error"}
	tailColumns = []string{"images_per_second", "seconds"}
)

func columns(net []string) []string { return slices.Concat(headColumns, net, tailColumns) }

// losses are the fields of the columns step_size to test_error.
func (r *Row) losses() []*float64 {
	return []*float64{&r.StepSize, &r.BatchLoss, &r.TrainLoss, &r.TrainError, &r.TestLoss, &r.TestError}
}

// Value returns the number in a column; ok is false where there is none of
// that name or it is not numeric.
func (t *Table) Value(row int, column string) (v float64, ok bool) {
	r := &t.Rows[row]
	switch column {
	case "epoch":
		return r.Epoch, true
	case "step":
		return float64(r.Step), true
	case "images_per_second":
		return r.ImagesPerSecond, true
	case "seconds":
		return r.Seconds, true
	}
	const first = 3 // headColumns[first] is step_size
	if i := slices.Index(headColumns, column); i >= first {
		return *r.losses()[i-first], true
	}
	if i := slices.Index(t.Own, column); i >= 0 {
		return r.Own[i], true
	}
	return 0, false
}

// Columns are the numeric ones, rows or not.
func (t *Table) Columns() []string {
	return slices.DeleteFunc(columns(t.Own), func(name string) bool { return name == "phase" })
}

// IsFunction tells whether a column holds a value of the function of one variable that
// a net has learnt.
func IsFunction(column string) bool { return strings.HasPrefix(column, "h(") }

// checkColumns refuses names that the file could not hold or that would be
// ambiguous in it.
func checkColumns(net []string) error {
	all := columns(net)
	for i, name := range all {
		if err := checkText("column", name); err != nil {
			return err
		}
		if name == "" {
			return fmt.Errorf("a column has no name")
		}
		if slices.Index(all, name) != i {
			return fmt.Errorf("two columns are named %q", name)
		}
	}
	return nil
}

func checkText(what, s string) error {
	if strings.ContainsAny(s, ",\"\r\n") {
		return fmt.Errorf("%s %q: no commas, quotes or line breaks", what, s)
	}
	return nil
}
