package cuda

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// use is what a plan is chosen for: with another, another may be the fastest.
type use struct {
	card, cudnn string
	precision   Precision
	kernel      string
}

// choices are the plans chosen so far. They are kept in a file, so that every
// process computes with the same, and searches once only.
type choices struct {
	sync.Mutex
	path string // "" for no file
	of   map[use]config
}

// choicesVariable is the environment variable that names the file of choices.
const choicesVariable = "LARGESTEP_CUDA_PLANS"

// choicesPath is the file of choices, "" if there is no place for it.
func choicesPath() string {
	if path := os.Getenv(choicesVariable); path != "" {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "largestep", "cuda-plans.tsv")
}

// read are the choices of this process, by their files.
var read sync.Map // of string to *choices

// choicesIn are the choices of a file, which need not be there yet. What is not a
// choice in it, such as a line that was cut off, counts for nothing.
func choicesIn(path string) *choices {
	if c, ok := read.Load(path); ok {
		return c.(*choices)
	}
	c := &choices{path: path, of: map[use]config{}}
	text, _ := os.ReadFile(path) // what cannot be read is chosen again
	for line := range strings.Lines(string(text)) {
		if u, chosen, ok := parseChoice(line); ok {
			c.of[u] = chosen // the last counts
		}
	}
	shared, _ := read.LoadOrStore(path, c)
	return shared.(*choices)
}

func parseChoice(line string) (u use, c config, ok bool) {
	line, whole := strings.CutSuffix(line, "\n")
	w := strings.Split(line, "\t")
	if !whole || len(w) != 6 {
		return u, c, false
	}
	engine, err := strconv.ParseInt(w[4], 10, 64)
	return use{w[0], w[1], Precision(w[2]), w[3]}, config{engine, w[5]}, err == nil
}

// find gives the choice for a use; a config without an engine if there is none.
func (c *choices) find(u use) config {
	c.Lock()
	defer c.Unlock()
	if chosen, ok := c.of[u]; ok {
		return chosen
	}
	return config{engine: -1}
}

// keep notes a choice, in the file too if that can be written.
func (c *choices) keep(u use, chosen config) {
	c.Lock()
	defer c.Unlock()
	if was, ok := c.of[u]; ok && was == chosen {
		return
	}
	c.of[u] = chosen
	if c.path == "" || os.MkdirAll(filepath.Dir(c.path), 0o777) != nil {
		return
	}
	f, err := os.OpenFile(c.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return
	}
	defer f.Close()
	// One write, so that lines of several processes do not mix.
	fmt.Fprintf(f, "%s\t%s\t%s\t%s\t%d\t%s\n", u.card, u.cudnn, u.precision, u.kernel, chosen.engine, chosen.knobs)
}
