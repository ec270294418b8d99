package figure

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"largestep/metrics/record"
)

// scheduleLabels tell runs apart by their schedules, or if that is not enough
// by all that differs.
func scheduleLabels(runs []*record.Run) []string {
	labels := make([]string, len(runs))
	for i, r := range runs {
		labels[i] = r.Config.Schedule
	}
	if distinct(labels) {
		return labels
	}
	return differenceLabels(runs)
}

// schedules are those of the runs as a legend says them, exactly where that says
// the same of two that differ.
func schedules(runs []*record.Run) []string {
	exact := map[string]string{}
	ambiguous := map[string]bool{}
	for _, r := range runs {
		c := r.Config
		if other, ok := exact[c.Schedule]; ok && other != c.Exact {
			ambiguous[c.Schedule] = true
		}
		exact[c.Schedule] = c.Exact
	}
	labels := make([]string, len(runs))
	for i, r := range runs {
		labels[i] = r.Config.Schedule
		if ambiguous[labels[i]] {
			labels[i] = r.Config.Exact
		}
	}
	return labels
}

func plain(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// stateLabel tells what a reader must know of a run that did not finish.
func stateLabel(r *record.Run) string {
	epoch := r.Status.Epoch
	if n := len(r.Rows); n > 0 && r.Status.State != record.Diverged {
		epoch = r.Rows[n-1].Epoch
	}
	switch at := strconv.FormatFloat(epoch, 'g', 3, 64); {
	case r.Status.State == record.Finished:
		return ""
	case r.Status.State == record.Diverged:
		return "diverged at epoch " + at
	case len(r.Rows) == 0:
		return "no evaluation yet"
	default:
		return "unfinished: epoch " + at + " of " + plain(r.Config.Epochs)
	}
}

// differenceLabels name the options in which runs differ, and where that is not
// enough the engines, and the runs themselves.
func differenceLabels(runs []*record.Run, except ...string) []string {
	if len(runs) == 1 {
		return []string{runs[0].Config.Schedule}
	}
	options := make([]map[string]string, len(runs))
	for i, schedule := range schedules(runs) {
		options[i] = flatten(runs[i].Config, except...)
		options[i]["schedule"] = schedule
	}
	labels := differences(options)
	if distinct(labels) {
		return labels
	}
	for i, r := range runs {
		options[i]["engine"] = r.Config.Engine
	}
	if labels = differences(options); distinct(labels) {
		return labels
	}
	for i, name := range names(runs) {
		if labels[i] == "" {
			labels[i] = name
		} else {
			labels[i] += " – " + name
		}
	}
	return labels
}

// differences describe each of the options that are not the same for all.
func differences(options []map[string]string) []string {
	keys := differing(options)
	labels := make([]string, len(options))
	for i, o := range options {
		var parts []string
		for _, k := range keys {
			if v, ok := o[k]; ok {
				parts = append(parts, describe(k, v))
			}
		}
		labels[i] = strings.Join(parts, ", ")
	}
	return labels
}

// families are what runs differ in beside their schedules.
func families(runs []*record.Run, except ...string) []string {
	var options []map[string]string
	for _, r := range runs {
		options = append(options, flatten(r.Config, except...))
	}
	return differences(options)
}

// names are those of the runs' folders, with their paths if need be.
func names(runs []*record.Run) []string {
	list := make([]string, len(runs))
	for i, r := range runs {
		list[i] = filepath.Base(r.Dir)
	}
	if !distinct(list) {
		for i, r := range runs {
			list[i] = r.Dir
		}
	}
	return list
}

// differing returns the keys whose values are not the same in all maps, the net
// and the schedule first.
func differing(options []map[string]string) []string {
	count := map[string]int{} // of the maps that have a key with the first one's value
	for _, o := range options {
		for k, v := range o {
			if first, ok := options[0][k]; ok && first == v {
				count[k]++
			} else if !ok {
				count[k] = 0
			}
		}
	}
	var keys []string
	for k, n := range count {
		if n < len(options) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		first := []string{"schedule", "net"}
		return cmp.Or(slices.Index(first, b)-slices.Index(first, a), strings.Compare(a, b))
	})
	return keys
}

// distinct reports whether all labels differ and none is empty.
func distinct(labels []string) bool {
	seen := map[string]bool{}
	for _, l := range labels {
		if l == "" || seen[l] {
			return false
		}
		seen[l] = true
	}
	return true
}

// choices are the options but for those that tell of the records of a run.
func choices(c record.Config) map[string]any {
	options := maps.Clone(c.Options)
	for _, k := range c.Recording {
		delete(options, k)
	}
	return options
}

// flatten returns a configuration's choices but for the schedule, as text.
func flatten(c record.Config, except ...string) map[string]string {
	flat := map[string]string{}
	for k, v := range choices(c) {
		if k == "schedule" || slices.Contains(except, k) || k == "dataset" && c.Dataset == c.Net || // of a small problem
			k == "epochs" && c.Steps > 0 { // which follow from the steps
			continue
		}
		key := strings.ReplaceAll(k, "_", " ")
		switch v := v.(type) {
		case string:
			flat[key] = v
			if runes := []rune(v); len(runes) > 24 { // a fingerprint
				flat[key] = string(runes[:8]) + "…"
			}
		case json.Number:
			flat[key] = short(v)
		case bool:
			flat[key] = fmt.Sprint(v)
		case []any:
			flat[key] = strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]")
		}
	}
	return flat
}

// short rounds what is no integer.
func short(n json.Number) string {
	if v, err := n.Float64(); err == nil && strings.ContainsAny(n.String(), ".eE") {
		return plain(v)
	}
	return n.String()
}

// describe is "seed 3", "augment" or "no augment".
func describe(key, value string) string {
	switch {
	case key == "schedule", key == "net":
		return value
	case value == "true":
		return key
	case value == "false":
		return "no " + key
	}
	return key + " " + value
}

// commonTitle names the net and the data set, as far as all runs share them.
func commonTitle(runs []*record.Run) string {
	var parts []string
	for _, title := range []func(record.Config) string{record.Config.TitleOfNet, record.Config.TitleOfDataset} {
		common := ""
		for i, r := range runs {
			if v := title(r.Config); i == 0 || v == common {
				common = v
			} else {
				common = ""
				break
			}
		}
		if common != "" && !slices.Contains(parts, common) { // a small problem's data have its name
			parts = append(parts, common)
		}
	}
	return strings.Join(parts, " on ")
}
