package figure

import "largestep/metrics"

// Schedules draws columns of runs that differ in their schedules, as Main does.
// The setting, which may be empty, is added to the title.
func Schedules(runs []*metrics.Run, columns []string, setting string, files ...string) error {
	title := commonTitle(runs)
	if setting != "" {
		title += ", " + setting
	}
	return Groups(each(runs, scheduleLabels(runs)), Options{Columns: columns, Title: title}, files...)
}
