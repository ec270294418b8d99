package record

import (
	"fmt"
	"strconv"
	"strings"
)

// A TableWriter appends rows to metrics.csv.
type TableWriter struct {
	*appender
	net int
}

// ResumeTable opens the file to go on after its first size bytes, as Sync
// returned them, and cuts off the rest. A size of 0 starts over. It is an
// error if the file is shorter, has other columns, no row ends at size, or its Sum
// was another, if that is given.
func ResumeTable(path string, net []string, size int64, sum string) (*TableWriter, error) {
	if err := checkColumns(net); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	a, err := resumeLines(path, size, sum, headerLine(columns(net)))
	if err != nil {
		return nil, err
	}
	return startTable(a, net)
}

func startTable(a *appender, net []string) (*TableWriter, error) {
	if err := startLines(a, headerLine(columns(net))); err != nil {
		return nil, err
	}
	return &TableWriter{a, len(net)}, nil
}

// Append writes a row, visible to readers at once, durable after Sync. A row
// that does not fit the table is refused and leaves the table usable.
func (t *TableWriter) Append(r Row) error {
	if len(r.Own) != t.net {
		return fmt.Errorf("%s: a row with %d values for the net's %d columns", t.f.Name(), len(r.Own), t.net)
	}
	if err := checkText("phase", r.Phase); err != nil {
		return fmt.Errorf("%s: %w", t.f.Name(), err)
	}
	if err := t.write(appendRow(nil, &r)); err != nil {
		return err
	}
	return t.flush()
}

func appendRow(b []byte, r *Row) []byte {
	b = appendFloat(b, r.Epoch)
	b = strconv.AppendInt(append(b, ','), int64(r.Step), 10)
	b = append(append(b, ','), r.Phase...)
	for _, v := range r.losses() {
		b = appendFloat(append(b, ','), *v)
	}
	for _, v := range r.Own {
		b = appendFloat(append(b, ','), v)
	}
	b = appendFloat(append(b, ','), r.ImagesPerSecond)
	b = appendFloat(append(b, ','), r.Seconds)
	return append(b, '\n')
}

// A StepRow is one update.
type StepRow struct {
	Step      int
	Epoch     float64
	StepSize  float64
	BatchLoss float64 // of the mini-batch, before the update
}

var stepColumns = []string{"step", "epoch", "step_size", "batch_loss"}

// A StepsWriter appends rows to steps.csv.
type StepsWriter struct{ *appender }

// ResumeSteps opens the file to go on after its first size bytes, as
// ResumeTable does.
func ResumeSteps(path string, size int64, sum string) (*StepsWriter, error) {
	a, err := resumeLines(path, size, sum, headerLine(stepColumns))
	if err != nil {
		return nil, err
	}
	return &StepsWriter{a}, startLines(a, headerLine(stepColumns))
}

// Append writes a row, to a buffer until it is full or Sync is called.
func (s *StepsWriter) Append(r StepRow) error {
	b := strconv.AppendInt(nil, int64(r.Step), 10)
	for _, v := range []float64{r.Epoch, r.StepSize, r.BatchLoss} {
		b = appendFloat(append(b, ','), v)
	}
	return s.write(append(b, '\n'))
}

// appendFloat uses the fewest digits from which a float64 comes back exactly.
func appendFloat(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'g', -1, 64) }

func headerLine(columns []string) string { return strings.Join(columns, ",") + "\n" }

func resumeLines(path string, size int64, sum, header string) (*appender, error) {
	if err := restoreLines(path); err != nil {
		return nil, err
	}
	return resume(path, size, sum, checkLines(header))
}

func startLines(a *appender, header string) error {
	if a.size > 0 {
		return nil
	}
	err := a.write([]byte(header))
	if err == nil {
		err = a.flush()
	}
	if err != nil {
		a.f.Close()
	}
	return err
}
