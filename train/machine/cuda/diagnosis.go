//go:build gpu

package cuda

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The environment variables that help to find a fault, or choose what is tried,
// beside syncVariable.
const (
	fuseVariable  = "LARGESTEP_CUDA_FUSE"
	eagerVariable = "LARGESTEP_CUDA_EAGER"
	logVariable   = "LARGESTEP_CUDA_LOG"
)

// diagnosis is what those variables ask for.
type diagnosis struct {
	eager bool // nothing is recorded and replayed
	sync  bool // each kernel is waited for; then nothing can be recorded
	tries tries
	log   *planLog
}

// tries are the alternatives to kernels apart that are measured beside them.
type tries struct {
	statistics bool // of a batch norm, with the convolution before it
	norm       bool // batch norm as one kernel
}

// usual leaves out what takes half a minute to compile, and on an H100 gains under
// 1 % of a step.
var usual = tries{norm: true}

// parseTries reads 1 for all, 0 for none, or a list of names.
func parseTries(text string) (t tries, err error) {
	names := map[string]*bool{"statistics": &t.statistics, "norm": &t.norm}
	if all, err := strconv.ParseBool(text); err == nil {
		for _, flag := range names {
			*flag = all
		}
		return t, nil
	}
	for _, name := range strings.Split(text, ",") {
		flag, ok := names[name]
		if !ok {
			return t, fmt.Errorf("%s=%s: want 1, 0, or some of %s, with commas", fuseVariable, text, strings.Join(slices.Sorted(maps.Keys(names)), ","))
		}
		*flag = true
	}
	return t, nil
}

func newDiagnosis() (d diagnosis, err error) {
	for _, v := range []struct {
		name string
		flag *bool
	}{{eagerVariable, &d.eager}, {syncVariable, &d.sync}} {
		if text := os.Getenv(v.name); text != "" {
			if *v.flag, err = strconv.ParseBool(text); err != nil {
				return d, fmt.Errorf("%s=%s: want 1 or 0", v.name, text)
			}
		}
	}
	d.tries = usual
	if text := os.Getenv(fuseVariable); text != "" {
		if d.tries, err = parseTries(text); err != nil {
			return d, err
		}
	}
	d.eager = d.eager || d.sync
	if path := os.Getenv(logVariable); path != "" {
		if d.log, err = openPlanLog(path); err != nil {
			return d, fmt.Errorf("%s: %w", logVariable, err)
		}
	}
	return d, nil
}

func (d *diagnosis) close() {
	if d.log != nil {
		d.log.file.Close()
	}
}

// planLog is a table of tried plans, a line each, with tabs between the columns.
type planLog struct {
	sync.Mutex
	file *os.File
}

const planLogHeader = "card\tprecision\tkernel\tengine\tknobs\tworkspace\tms\toutcome\n"

// openPlanLog goes on with a file that is there.
func openPlanLog(path string) (*planLog, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	l := &planLog{file: f}
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		_, err = f.WriteString(planLogHeader)
		return l, err
	}
	return l, nil
}

// write adds a line. That it cannot be written stops no training.
func (l *planLog) write(u use, c config, workspace int, milliseconds float64, outcome string) {
	l.Lock()
	defer l.Unlock()
	fmt.Fprintln(l.file, strings.Join([]string{
		u.card, string(u.precision), u.kernel, strconv.FormatInt(c.engine, 10), c.knobs, strconv.Itoa(workspace),
		strconv.FormatFloat(milliseconds, 'g', 4, 64), outcome,
	}, "\t"))
}
