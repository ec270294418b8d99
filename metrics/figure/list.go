package figure

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"

	"largestep/metrics/record"
)

// List writes a line for each run: its folder, state, net, what tells it from the
// others of that net, where it is, its last losses and test error, and the time that
// it took.
func List(w io.Writer, runs []*record.Run) error {
	what := map[*record.Run]string{}
	for _, same := range byNet(runs) {
		if len(same) == 1 {
			what[same[0]] = same[0].Config.Schedule
			continue
		}
		options := make([]map[string]string, len(same))
		for i, schedule := range schedules(same) {
			options[i] = flatten(same[i].Config)
			options[i]["schedule"] = schedule
		}
		for i, label := range differences(options) {
			what[same[i]] = label
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, columnSpace, ' ', 0)
	fmt.Fprintln(table, "run\tstate\tnet\tdiffers in\tepoch\ttrain loss\ttest loss\ttest error (%)\ttime")
	for _, r := range runs {
		cells := []string{none, none, none, none, none}
		if n := len(r.Rows); n > 0 {
			last := &r.Rows[n-1]
			took := time.Duration(last.Seconds * float64(time.Second))
			cells = []string{plain(last.Epoch), valueText(last.TrainLoss, 1), valueText(last.TestLoss, 1), valueText(last.TestError, 100), shortTime(took)}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s of %s\t%s\t%s\t%s\t%s\n", r.Dir, r.Status.State, r.Config.Net, what[r], cells[0], plain(r.Config.Epochs), cells[1], cells[2], cells[3], cells[4])
	}
	return table.Flush()
}

// byNet parts runs by their nets.
func byNet(runs []*record.Run) (parts map[string][]*record.Run) {
	parts = map[string][]*record.Run{}
	for _, r := range runs {
		parts[r.Config.Net] = append(parts[r.Config.Net], r)
	}
	return parts
}

func valueText(v, factor float64) string {
	if math.IsNaN(v) {
		return none
	}
	return strconv.FormatFloat(v*factor, 'g', 3, 64)
}

// shortTime is a time to the second, below that to a tenth.
func shortTime(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
