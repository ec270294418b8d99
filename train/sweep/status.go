package sweep

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"largestep/metrics/record"
	"largestep/train/run"
)

// silence is how long a run that is said to be trained may be without a sign of
// life before it is told.
const silence = 10 * time.Minute

// Status writes how the runs stand, and how many of each state there are.
func (s *Sweep) Status(w io.Writer, dir string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	counts := map[string]int{}
	order := []string{"finished", "diverged", "running", "interrupted", "failed", "not begun"}
	runs := s.Runs()
	for _, r := range runs {
		state, about := r.stand(dir)
		counts[state]++
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Name, state, about)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	text := fmt.Sprintf("\n%d runs:", len(runs))
	for _, state := range order {
		if n := counts[state]; n > 0 {
			text += fmt.Sprintf(" %d %s", n, state)
		}
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// stand is the state of a run, and what there is to say of it.
func (r Run) stand(dir string) (state, about string) {
	path := filepath.Join(dir, r.Name)
	config, err := run.ReadConfig(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "not begun", ""
	}
	if err != nil {
		return "failed", err.Error()
	}
	status, err := record.ReadStatus(path)
	if err != nil {
		return "failed", err.Error()
	}
	about = status.Message
	if status.State != record.Finished && status.State != record.Diverged {
		about = fmt.Sprintf("step %d of %d %s", status.Step, config.Steps(), status.Message)
	}
	if info, err := os.Stat(filepath.Join(path, record.TableFile)); status.State == record.Running && err == nil && time.Since(info.ModTime()) > silence {
		about += fmt.Sprintf("; no row for %v: killed?", time.Since(info.ModTime()).Round(time.Minute))
	}
	return string(status.State), about
}
