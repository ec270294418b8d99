package record

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var active = []string{"active_1", "active_2"}

// rows are n evaluations with values that are hard to print.
func rows(n int) []Row {
	hard := []float64{0.1, math.Pi, 5e-324, math.MaxFloat64, math.Copysign(0, -1), 1.0 / 3, math.NaN(), math.Inf(1), math.Inf(-1)}
	at := 0
	next := func() float64 { at++; return hard[at%len(hard)] }
	var all []Row
	for i := range n {
		all = append(all, Row{
			Epoch: float64(i) / 3, Step: 65 * i, Phase: "large", StepSize: next(), BatchLoss: next(),
			TrainLoss: next(), TrainError: next(), TestLoss: next(), TestError: next(),
			Own: []float64{next(), next()}, ImagesPerSecond: next(), Seconds: next(),
		})
	}
	return all
}

// same compares with NaN equal to NaN, and bit for bit.
func same(a, b any) bool { return fmt.Sprintf("%x", a) == fmt.Sprintf("%x", b) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fileBytes(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	check(t, err)
	return string(b)
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil || !strings.Contains(err.Error(), want):
		t.Errorf("error %v, want %q", err, want)
	case strings.Contains(err.Error(), "\n"):
		t.Errorf("error of several lines: %q", err)
	}
}

func TestTableRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), TableFile)
	w, err := ResumeTable(path, active, 0, "")
	check(t, err)
	want := rows(20)
	for _, r := range want {
		check(t, w.Append(r))
	}
	check(t, w.Close())
	got, err := ReadTable(path)
	check(t, err)
	if !same(got.Rows, want) || !same(got.Own, active) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	header, _, _ := strings.Cut(fileBytes(t, path), "\n")
	if header != "epoch,step,phase,step_size,batch_loss,train_loss,train_error,test_loss,test_error,active_1,active_2,images_per_second,seconds" {
		t.Errorf("header %q", header)
	}
}

func TestRowsAreVisibleAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), TableFile)
	w, err := ResumeTable(path, active, 0, "")
	check(t, err)
	defer w.Close()
	check(t, w.Append(rows(1)[0]))
	if got, err := ReadTable(path); err != nil || len(got.Rows) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestValue(t *testing.T) {
	table := Table{active, []Row{{Epoch: 1, Step: 2, Phase: "large", StepSize: 3, BatchLoss: 4, TrainLoss: 5,
		TrainError: 6, TestLoss: 7, TestError: 8, Own: []float64{9, 10}, ImagesPerSecond: 11, Seconds: 12}}}
	want := 1.0
	for _, name := range table.Columns() {
		if v, ok := table.Value(0, name); !ok || v != want {
			t.Errorf("%s: got %v, %v, want %v", name, v, ok, want)
		}
		want++
	}
	if want != 13 {
		t.Errorf("%g numeric columns, want 12", want-1)
	}
	for _, name := range []string{"phase", "active_3"} {
		if _, ok := table.Value(0, name); ok {
			t.Errorf("there is a number in %s", name)
		}
	}
}

// A run that is cut at any byte after its checkpoint, and goes on from there,
// leaves the file that it would have left without.
func TestResumeAfterACutAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, TableFile)
	all := rows(6)
	w, err := ResumeTable(path, active, 0, "")
	check(t, err)
	var size int64
	for i, r := range all {
		check(t, w.Append(r))
		if i == 2 {
			size, err = w.Sync()
			check(t, err)
		}
	}
	check(t, w.Close())
	want := fileBytes(t, path)
	for n := range len(want) + 1 {
		check(t, os.WriteFile(path, []byte(want[:n]), 0o666))
		_, err := ReadTable(path)
		check(t, err) // while it is cut
		w, err := ResumeTable(path, active, size, "")
		if n < int(size) {
			wantError(t, err, fmt.Sprintf("%s: %d bytes, but the checkpoint was taken at %d", path, n, size))
			if got := fileBytes(t, path); got != want[:n] {
				t.Fatalf("cut at %d: a failed resume changed the file", n)
			}
			continue
		}
		check(t, err)
		for _, r := range all[3:] {
			check(t, w.Append(r))
		}
		check(t, w.Close())
		if got := fileBytes(t, path); got != want {
			t.Fatalf("cut at %d: got\n%s\nwant\n%s", n, got, want)
		}
	}
}

// A run goes on with tables that an editor has saved in its own way, and leaves
// them as if none had.
func TestResumeAfterAnEditor(t *testing.T) {
	dir := t.TempDir()
	table, steps := filepath.Join(dir, TableFile), filepath.Join(dir, StepsFile)
	write := func(tableSize, stepsSize int64, rows []Row) (int64, int64) {
		w, err := ResumeTable(table, active, tableSize, "")
		check(t, err)
		s, err := ResumeSteps(steps, stepsSize, "")
		check(t, err)
		for _, r := range rows {
			check(t, w.Append(r))
			check(t, s.Append(StepRow{Step: r.Step, BatchLoss: r.Epoch}))
		}
		tableSize, err = w.Sync()
		check(t, err)
		stepsSize, err = s.Sync()
		check(t, err)
		check(t, w.Close())
		check(t, s.Close())
		return tableSize, stepsSize
	}
	all := rows(6)
	tableSize, stepsSize := write(0, 0, all[:3])
	before := []string{fileBytes(t, table), fileBytes(t, steps)}
	write(tableSize, stepsSize, all[3:])
	want := []string{fileBytes(t, table), fileBytes(t, steps)}
	for name, edit := range map[string]func(string) string{
		"CR LF":           func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"byte order mark": func(s string) string { return "\ufeff" + s },
		"both":            func(s string) string { return "\ufeff" + strings.ReplaceAll(s, "\n", "\r\n") },
	} {
		check(t, os.WriteFile(table, []byte(edit(before[0])), 0o666))
		check(t, os.WriteFile(steps, []byte(edit(before[1])), 0o666))
		write(tableSize, stepsSize, all[3:])
		if got := []string{fileBytes(t, table), fileBytes(t, steps)}; !same(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestResumeFromTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), TableFile)
	for _, before := range []string{"", "epo", "anything\nelse\n"} {
		check(t, os.WriteFile(path, []byte(before), 0o666))
		w, err := ResumeTable(path, active, 0, "")
		check(t, err)
		check(t, w.Append(rows(1)[0]))
		check(t, w.Close())
		if got, err := ReadTable(path); err != nil || len(got.Rows) != 1 {
			t.Errorf("after %q: %v, %v", before, got, err)
		}
	}
	check(t, os.Remove(path))
	w, err := ResumeTable(path, active, 0, "")
	check(t, err)
	check(t, w.Close())
}

func TestTablesAreGuarded(t *testing.T) {
	path := filepath.Join(t.TempDir(), TableFile)
	w, err := ResumeTable(path, active, 0, "")
	check(t, err)
	good := rows(1)[0]
	bad := good
	bad.Own = nil
	wantError(t, w.Append(bad), "0 values for the net's 2 columns")
	bad = good
	bad.Phase = "a,b"
	wantError(t, w.Append(bad), "phase")
	check(t, w.Append(good))
	size, err := w.Sync()
	check(t, err)
	check(t, w.Close())
	wantError(t, w.Append(good), "closed")

	_, err = ResumeTable(path, active[:1], size, "")
	wantError(t, err, "the columns are not")
	_, err = ResumeTable(path, active, size-1, "")
	wantError(t, err, "no row ends")
	_, err = ResumeTable(path, active, -1, "")
	wantError(t, err, "checkpoint")
	_, err = ResumeTable(path+"x", active, size, "")
	wantError(t, err, TableFile+"x: no such file or directory, but the checkpoint was taken at")
	for _, net := range [][]string{{"a,b"}, {"epoch"}, {"a", "a"}, {""}} {
		_, err = ResumeTable(path+"y", net, 0, "")
		wantError(t, err, "column")
	}
}

func TestReadersSayWhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.csv")
	head := headerLine(columns(nil))
	for _, c := range []struct{ content, want string }{
		{"epoch,step\n", ":1: the columns are not"},
		{head + "0,0,p,1,1,1,1,1,1,1\n", ":2: 10 columns, want 11"},
		{head + "0,0,p,1,1,1,1,1,1,1,1\n0,0,p,1,1,x,1,1,1,1,1\n", `:3: train_loss: "x" is not a number`},
		{head + "NaN,0,p,1,1,1,1,1,1,1,1\n", `:2: epoch: "NaN" is not a finite number`},
		{head + "0,-1,p,1,1,1,1,1,1,1,1\n", `:2: step: "-1" is not an integer`},
		{head + "0,7,p,1,1,1,1,1,1,1,1\n0,6,p,1,1,1,1,1,1,1,1\n", ":3: step 6 after step 7"},
		{strings.Replace(head, "images", "epoch,images", 1), `:1: two columns are named "epoch"`},
	} {
		check(t, os.WriteFile(path, []byte(c.content), 0o666))
		_, err := ReadTable(path)
		wantError(t, err, path+c.want)
	}
	check(t, os.WriteFile(path, []byte("step,epoch,step_size,batch_loss\n1,2,3,four\n"), 0o666))
	_, err := ReadSteps(path)
	wantError(t, err, path+`:2: batch_loss: "four" is not a number`)
	_, err = ReadTable(path)
	wantError(t, err, path+":1: the columns are not")
	for _, edited := range []string{"\r\n", "\n"} {
		check(t, os.WriteFile(path, []byte("\ufeff"+strings.ReplaceAll(head+"0,0,p,1,1,1,1,1,1,1,1\n", "\n", edited)), 0o666))
		if got, err := ReadTable(path); err != nil || got.Rows[0].Seconds != 1 {
			t.Errorf("byte order mark, lines end in %q: %v, %v", edited, got, err)
		}
	}
}

func TestSteps(t *testing.T) {
	path := filepath.Join(t.TempDir(), StepsFile)
	w, err := ResumeSteps(path, 0, "")
	check(t, err)
	var want []StepRow
	for i := range 3000 {
		r := StepRow{Step: i, Epoch: float64(i) / 195, StepSize: 1.5, BatchLoss: math.Exp(float64(-i))}
		if i == 2999 {
			r.BatchLoss = math.NaN()
		}
		want = append(want, r)
		check(t, w.Append(r))
	}
	size, err := w.Sync()
	check(t, err)
	check(t, w.Append(StepRow{Step: 3000}))
	check(t, w.Close())
	w, err = ResumeSteps(path, size, "")
	check(t, err)
	check(t, w.Close())
	got, err := ReadSteps(path)
	check(t, err)
	if !same(got, want) {
		t.Errorf("got %d rows, want %d", len(got), len(want))
	}
}

// A table that is read is written again as one that reads the same.
func FuzzReadTable(f *testing.F) {
	head := headerLine(columns(active))
	f.Add([]byte(head))
	f.Add([]byte(head + "0.5,1,large,0.7,NaN,+Inf,-Inf,0,1e-300,.5,1,1000,2\n1"))
	f.Add([]byte(headerLine(stepColumns) + "1,2,3,4\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		parseSteps("f", b)
		table, err := parseTable("f", b)
		if err != nil {
			if rest, ok := strings.CutPrefix(err.Error(), "f:"); !ok || strings.Contains(rest, "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		if table.Own == nil {
			return // not even a header
		}
		again := []byte(headerLine(columns(table.Own)))
		for i := range table.Rows {
			again = appendRow(again, &table.Rows[i])
		}
		got, err := parseTable("again", again)
		check(t, err)
		if !same(*got, *table) {
			t.Errorf("%v became %v", table, got)
		}
	})
}
