package figure

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"largestep/metrics"
)

// scheduleLabels tell runs apart by their schedules, or if that is not enough
// by all that differs.
func scheduleLabels(runs []*metrics.Run) []string {
	labels := make([]string, len(runs))
	for i, r := range runs {
		labels[i] = schedule(r.Config)
	}
	if distinct(labels) {
		return labels
	}
	return differenceLabels(runs)
}

// schedule is "η = 0.7, decay at 30 %", for instance.
func schedule(c metrics.Config) string {
	stepSize := c.StepSize
	if len(c.Phases) > 0 {
		stepSize = c.Phases[0].StepSize
	}
	label := "η = " + plain(stepSize)
	if len(c.Phases) < 2 {
		return label
	}
	if c.DecayAt > 0 {
		return label + ", decay at " + percent(c.DecayAt)
	}
	for i, p := range c.Phases[1:] {
		if last := len(c.Phases) - 2; last > 2 && 0 < i && i < last { // too many to name
			if i == 1 {
				label += ", …"
			}
			continue
		}
		label += fmt.Sprintf(", %s from %s", plain(p.StepSize), percent(p.Start))
	}
	return label
}

func plain(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

func percent(fraction float64) string { return strconv.FormatFloat(100*fraction, 'g', 3, 64) + " %" }

// stateLabel tells what a reader must know of a run that did not finish.
func stateLabel(r *metrics.Run) string {
	epoch := r.Status.Epoch
	if n := len(r.Rows); n > 0 && r.Status.State != metrics.Diverged {
		epoch = r.Rows[n-1].Epoch
	}
	switch at := strconv.FormatFloat(epoch, 'g', 3, 64); {
	case r.Status.State == metrics.Finished:
		return ""
	case r.Status.State == metrics.Diverged:
		return "diverged at epoch " + at
	case len(r.Rows) == 0:
		return "no evaluation yet"
	default:
		return "unfinished: epoch " + at + " of " + plain(r.Config.Epochs)
	}
}

// differenceLabels name the options in which runs differ, and where that is not
// enough the engines, and the runs themselves.
func differenceLabels(runs []*metrics.Run, except ...string) []string {
	if len(runs) == 1 {
		return []string{schedule(runs[0].Config)}
	}
	options := make([]map[string]string, len(runs))
	for i, r := range runs {
		options[i] = flatten(r.Config, except...)
	}
	labels := differences(options)
	if distinct(labels) {
		return labels
	}
	for i, r := range runs {
		options[i]["engine"] = r.Config.Environment.Engine
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
func families(runs []*metrics.Run, except ...string) []string {
	var options []map[string]string
	for _, r := range runs {
		o := flatten(r.Config, except...)
		maps.DeleteFunc(o, func(key, _ string) bool { return key == "schedule" || strings.HasPrefix(key, "warmup") })
		options = append(options, o)
	}
	return differences(options)
}

// names are those of the runs' folders, with their paths if need be.
func names(runs []*metrics.Run) []string {
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
	var keys []string
	for _, o := range options {
		for k := range o {
			if slices.Contains(keys, k) {
				continue
			}
			for _, other := range options {
				if v, ok := other[k]; !ok || v != o[k] {
					keys = append(keys, k)
					break
				}
			}
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
	for i, l := range labels {
		if l == "" || slices.Index(labels, l) != i {
			return false
		}
	}
	return true
}

// choices are the entries of config.json but for those that tell of the
// circumstances and the records of a run.
func choices(c metrics.Config) map[string]any {
	var options map[string]any
	d := json.NewDecoder(bytes.NewReader(c.Raw))
	d.UseNumber()
	if d.Decode(&options) != nil { // a Run made by hand may have no Raw
		return map[string]any{"schedule": schedule(c)}
	}
	for _, k := range []string{"environment", "log_steps", "eval_every", "eval_steps", "sparsity"} {
		delete(options, k)
	}
	return options
}

// scheduled are the choices that make up the schedule.
var scheduled = []string{"schedule", "step_size", "decay_at", "phases"}

// flatten returns a configuration's choices as text, with the schedule as one.
func flatten(c metrics.Config, except ...string) map[string]string {
	flat := map[string]string{"schedule": schedule(c)}
	for k, v := range choices(c) {
		if slices.Contains(scheduled, k) || slices.Contains(except, k) || k == "dataset" && c.Dataset == c.Net { // of a small problem
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
	case key == "schedule":
		return value
	case key == "net":
		return properName(value)
	case value == "true":
		return key
	case value == "false":
		return "no " + key
	}
	return key + " " + value
}

// commonTitle names the net and the data set, as far as all runs share them.
func commonTitle(runs []*metrics.Run) string {
	var parts []string
	for _, field := range []func(metrics.Config) string{
		func(c metrics.Config) string { return c.Net },
		func(c metrics.Config) string { return c.Dataset },
	} {
		common := ""
		for i, r := range runs {
			if v := field(r.Config); i == 0 || v == common {
				common = v
			} else {
				common = ""
				break
			}
		}
		if common != "" && !slices.Contains(parts, properName(common)) { // a small problem's data have its name
			parts = append(parts, properName(common))
		}
	}
	return strings.Join(parts, " on ")
}

func properName(s string) string {
	switch s {
	case "resnet18":
		return "ResNet-18"
	case "cifar10":
		return "CIFAR-10"
	case "made-up":
		return "made-up images"
	case "least-squares":
		return "Least squares"
	case "svm":
		return "Support vector machine"
	case "logistic":
		return "Logistic regression"
	case "diagonal":
		return "Diagonal linear network"
	case "relu":
		return "ReLU network"
	}
	return s
}
