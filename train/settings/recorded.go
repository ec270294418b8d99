package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"largestep/train/run"
)

// recorded reads the config.json of a run, which says more than options: the
// program's version, and numbers that follow from others.
func (r *reader) recorded(b []byte, entries []entry) error {
	file, err := run.ParseConfig(b)
	if err != nil {
		return fmt.Errorf(" %w", err)
	}
	if slices.ContainsFunc(entries, func(e entry) bool { return e.name == formatKey }) { // else an older program's, with other names
		if err := checkNames(entries); err != nil {
			return err
		}
	}
	r.Recorded, r.Net, r.Init = true, file.Net, file.Config.InitSHA256
	c, env := file.Config, file.Environment
	b, err = json.Marshal(c)
	if err != nil {
		return err
	}
	var values yaml.Node
	if err := yaml.Unmarshal(b, &values); err != nil {
		return err
	}
	options, err := mapping(values.Content[0])
	if err != nil {
		return err
	}
	without := []string{netKey, "init_sha256"}
	if c.MaxSteps > 0 { // which the epochs follow from
		without = append(without, "epochs")
	}
	if c.EvalSteps > 0 {
		without = append(without, "eval_every")
	}
	for _, e := range options {
		if slices.Contains(without, e.name) {
			continue
		}
		p, err := point(e.name, e.value)
		if err != nil {
			return err
		}
		r.Axes = append(r.Axes, Axis{p})
	}
	add := func(name, value string) {
		if value != "" {
			r.Axes = append(r.Axes, Axis{{{name, value}}})
		}
	}
	if len(c.Measures) == 0 {
		add("measures", "none")
	}
	add("init", env.Init)
	add("engine", env.Engine)
	if _, err := os.Stat(env.DataDir); err == nil {
		add("data", env.DataDir)
	}
	return nil
}

// checkNames refuses what a run's config.json does not have.
func checkNames(entries []entry) error {
	names := []string{formatKey, environmentKey}
	config := reflect.TypeFor[run.Config]()
	for i := range config.NumField() {
		name, _, _ := strings.Cut(config.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.name) {
			return at(e.key, "%w", unknown(e.name, names))
		}
	}
	return nil
}
