package experiment

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"largestep/metrics/record"
	"largestep/train/run"
	"largestep/train/schedule"
)

// jobs are the runs, with those that they begin as. Runs that differ in their
// schedules alone, and take the same steps before these part, make a tree: each
// but the first begins with a copy of the state of an earlier one, that with which
// it shares most.
func (e *Experiment) jobs() []*job {
	var jobs []*job
	trees := map[string][]*job{}
	steps := sharedSteps{}
	for i, r := range e.runs() {
		j := &job{Run: r, number: i, dir: filepath.Join(e.Dir, r.Name)}
		jobs = append(jobs, j)
		status, err := record.ReadStatus(j.dir)
		if err == nil && (status.State == record.Finished || status.State == record.Diverged) {
			continue
		}
		tree := j.tree()
		if !begun(j.dir) {
			for _, o := range trees[tree] {
				if s := steps.of(o, j); s > j.shared && o.at() <= s {
					j.origin, j.shared = o, s
				}
			}
		}
		trees[tree] = append(trees[tree], j)
	}
	return jobs
}

// at is the step at which a run stands.
func (j *job) at() int {
	status, err := record.ReadStatus(j.dir)
	if err != nil {
		return 0
	}
	return status.Step
}

// tree names the runs that may share a beginning: those of equal settings but for
// the schedule, of which the first step is equal.
func (j *job) tree() string {
	c := j.scaled().Config
	first := c.StepSize(0)
	c.Schedule = schedule.Schedule{}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // a config can be written
	}
	unit := ""
	if j.relative != nil {
		unit = fmt.Sprintf("%+v", j.relative.unit)
	}
	return fmt.Sprintf("%s %s %p %x %s", b, j.Init, j.Data, first, unit)
}

// scaled is the run as if the edge of divergence were at 1.
func (j *job) scaled() Run {
	if j.relative != nil {
		return j.Run.at(1)
	}
	return j.Run
}

// sharedSteps remembers how many steps schedules share, as runs of many seeds have
// the same.
type sharedSteps map[string]int

// of is how many steps two runs of a tree share; at least one is left to each.
func (m sharedSteps) of(a, b *job) int {
	x, y := a.scaled().Config, b.scaled().Config
	key := fmt.Sprintf("%s|%s|%d", x.Schedule.Exact(), y.Schedule.Exact(), x.Steps())
	if s, ok := m[key]; ok {
		return s
	}
	m[key] = min(run.Shared(x, y), x.Steps()-1)
	return m[key]
}

// left is how many steps jobs have to take.
func left(jobs []*job) (steps int) {
	for _, j := range jobs {
		status, err := record.ReadStatus(j.dir)
		switch {
		case err == nil && (status.State == record.Finished || status.State == record.Diverged):
		case j.origin != nil:
			steps += j.Config.Steps() - j.shared
		default:
			steps += j.Config.Steps() - status.Step
		}
	}
	return steps
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
