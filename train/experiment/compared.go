package experiment

import (
	"encoding/json"
	"reflect"
	"slices"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/instances"
	"largestep/train/published"
	"largestep/train/run"
)

// Compared are the published numbers to set beside a run, if its settings are those of
// a figure at one of its scales: references of one group, the run's.
func Compared(r *record.Run) []record.Reference {
	var refs []record.Reference
	add := func(ref record.Reference, setting int) {
		if setting < len(ref.Finals) && !slices.ContainsFunc(refs, func(other record.Reference) bool { return other.Label == ref.Label }) {
			ref.Finals = ref.Finals[setting : setting+1]
			refs = append(refs, ref)
		}
	}
	for _, f := range imageFigures {
		if r.Config.Net != f.Problem().Name || f.Runs != f.Name {
			continue
		}
		for _, scale := range catalog.Scales {
			if i := f.settingOf(r, scale); i >= 0 {
				add(f.compared(scale, data.Place{Set: data.SetNamed(r.Config.Dataset)}), i)
			}
		}
	}
	for _, f := range smallFigures {
		if r.Config.Net != f.net || r.Config.Options["instance"] != string(instances.Paper) {
			continue
		}
		if i := f.settingOf(r); i >= 0 {
			for _, ref := range published.Small(f.Name, false) {
				add(ref, i)
			}
		}
	}
	return refs
}

// settingOf is which of the figure's settings at a scale a run has, or −1.
func (f ImageFigure) settingOf(r *record.Run, scale catalog.Scale) int {
	base := scale.Config(r.Config.Net)
	base.Dataset = r.Config.Dataset
	f.setting(&base)
	settings, err := f.settings(base, f.StepSizes(scale), 0, 1)
	if err != nil {
		return -1
	}
	return slices.IndexFunc(settings, func(s Setting) bool { return sameSetting(s.Runs[0].Config, r) })
}

func (f SmallFigure) settingOf(r *record.Run) int {
	list, err := f.settled(instances.Paper, "")
	if err != nil {
		return -1
	}
	return slices.IndexFunc(list, func(c curve) bool { return sameSetting(c.config, r) })
}

// sameSetting tells whether a run has a config but for its seed, for its number format,
// and for what it records.
func sameSetting(c run.Config, r *record.Run) bool {
	if c.Schedule.Exact() != r.Config.Exact { // at once for most
		return false
	}
	b, err := json.Marshal(c)
	var want, is map[string]any
	if err == nil {
		err = json.Unmarshal(b, &want)
	}
	if err == nil {
		b, err = json.Marshal(r.Config.Options)
	}
	if err == nil {
		err = json.Unmarshal(b, &is)
	}
	if err != nil {
		return false
	}
	for _, free := range append([]string{"seed", "order", "precision"}, run.Recording...) {
		delete(want, free)
		delete(is, free)
	}
	return reflect.DeepEqual(want, is)
}
