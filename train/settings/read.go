package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"largestep/train/schedule"
)

// mostBytes is more than any file of settings has.
const mostBytes = 1 << 20

// The names of what is no option.
const (
	netKey         = "net"
	seedsKey       = "seeds"
	zipKey         = "zip"
	formatKey      = "format"
	environmentKey = "environment"
)

// lists are the options whose values are lists themselves.
var lists = []string{"widths", "measures"}

// Read reads a file of settings. Options that are not known are refused.
func Read(path string, known []string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > mostBytes {
		return nil, fmt.Errorf("%s: more than %d bytes: not a file of settings", path, mostBytes)
	}
	return parse(path, b, known)
}

func parse(path string, b []byte, known []string) (*File, error) {
	r := &reader{File: File{Path: path}, known: known}
	if json.Valid(b) { // YAML has no tabs
		var spaced bytes.Buffer
		json.Indent(&spaced, b, "", " ")
		b = spaced.Bytes()
	}
	var document yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	err := d.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: no settings: write some as \"batch: 64\", a line each", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.Join(strings.Fields(err.Error()), " "))
	}
	if d.Decode(new(yaml.Node)) != io.EOF {
		return nil, fmt.Errorf("%s: several documents: want one", path)
	}
	entries, err := mapping(document.Content[0])
	recorded := func(e entry) bool { return e.name == environmentKey || e.name == formatKey }
	if err == nil && slices.ContainsFunc(entries, recorded) {
		err = r.recorded(b, entries)
	} else if err == nil {
		err = r.all(entries)
	}
	if err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	return &r.File, nil
}

// reader is a file of which some has been read.
type reader struct {
	File
	known []string
	seen  map[string]int // the lines of options
}

// at says on which line something is wrong.
func at(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf(":%d: %w", n.Line, fmt.Errorf(format, args...))
}

// entry is a line of a mapping.
type entry struct {
	name       string // with underscores
	key, value *yaml.Node
}

// mapping are the entries of a mapping, each name once.
func mapping(n *yaml.Node) (entries []entry, err error) {
	if n.Kind != yaml.MappingNode {
		return nil, at(n, "want options and their values, such as \"batch: 64\"")
	}
	for i := 0; i < len(n.Content); i += 2 {
		e := entry{strings.ReplaceAll(n.Content[i].Value, "-", "_"), n.Content[i], n.Content[i+1]}
		if e.key.Kind != yaml.ScalarNode || e.key.Tag == "!!merge" {
			return nil, at(e.key, "want the name of an option")
		}
		if k := slices.IndexFunc(entries, func(o entry) bool { return o.name == e.name }); k >= 0 {
			return nil, at(e.key, "%s is there twice, on line %d too: leave one out", e.name, entries[k].key.Line)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// all reads the options of a file that somebody wrote.
func (r *reader) all(entries []entry) error {
	for _, e := range entries {
		if err := r.entry(e); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entry(e entry) (err error) {
	switch e.name {
	case netKey:
		r.Net, err = scalar(e.value)
		return err
	case seedsKey:
		if r.Seeds, err = strconv.Atoi(e.value.Value); err != nil || r.Seeds < 1 {
			return at(e.value, "seeds %s: want their number, 1 or more; a list is of seed", e.value.Value)
		}
		return r.once(entry{"seed", e.key, e.value})
	case zipKey:
		return r.zips(e.value)
	}
	axis, err := r.axis(e)
	if err == nil {
		r.Axes = append(r.Axes, axis)
	}
	return err
}

// once refuses an option that has been set elsewhere in the file, or is unknown.
func (r *reader) once(e entry) error {
	if !slices.Contains(r.known, e.name) {
		return at(e.key, "%w", unknown(e.name, append([]string{netKey, seedsKey, zipKey}, r.known...)))
	}
	if line, ok := r.seen[e.name]; ok {
		return at(e.key, "%s is there twice, on line %d too: leave one out", e.name, line)
	}
	if r.seen == nil {
		r.seen = map[string]int{}
	}
	r.seen[e.name] = e.key.Line
	return nil
}

// axis reads the values of an option.
func (r *reader) axis(e entry) (axis Axis, err error) {
	if err := r.once(e); err != nil {
		return nil, err
	}
	values := []*yaml.Node{e.value}
	if e.value.Kind == yaml.SequenceNode && !isList(e.name, e.value) {
		values = e.value.Content
	}
	if len(values) == 0 {
		return nil, at(e.value, "%s: an empty list: no run would have any: give it a value, or leave it out", e.name)
	}
	for _, v := range values {
		p, err := point(e.name, v)
		if err != nil {
			return nil, err
		}
		for _, s := range p {
			if !slices.Contains(r.known, s.Name) {
				return nil, at(v, "%w", unknown(s.Name, r.known))
			}
		}
		if slices.ContainsFunc(axis, func(o Point) bool { return slices.Equal(o, p) }) {
			return nil, at(v, "%s: %s is there twice: leave one out", e.name, p[0].Value)
		}
		axis = append(axis, p)
	}
	return axis, nil
}

// isList tells whether a sequence is one value, of an option whose values are
// lists.
func isList(name string, n *yaml.Node) bool {
	return slices.Contains(lists, name) && (len(n.Content) == 0 || n.Content[0].Kind == yaml.ScalarNode)
}

// point reads one value. A schedule may be one as config.json has it, or options
// that make one.
func point(name string, n *yaml.Node) (Point, error) {
	switch {
	case n.Kind == yaml.SequenceNode && slices.Contains(lists, name):
		var parts []string
		for _, c := range n.Content {
			text, err := scalar(c)
			if err != nil {
				return nil, err
			}
			parts = append(parts, text)
		}
		return Point{{name, strings.Join(parts, ",")}}, nil
	case n.Kind == yaml.MappingNode && name == "schedule":
		return schedulePoint(n)
	}
	text, err := scalar(n)
	return Point{{name, text}}, err
}

func scalar(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", at(n, "want a number or a word")
	}
	return n.Value, nil
}

func schedulePoint(n *yaml.Node) (Point, error) {
	entries, err := mapping(n)
	if err != nil {
		return nil, err
	}
	var p Point
	for _, e := range entries {
		if e.name == "phases" && e.value.Kind == yaml.SequenceNode {
			exact, err := phases(n)
			return Point{{"phases", exact}}, err
		}
		text, err := scalar(e.value)
		if err != nil {
			return nil, err
		}
		p = append(p, Setting{e.name, text})
	}
	if len(p) == 0 {
		return nil, at(n, "an empty schedule: give it a step_size, for instance")
	}
	return p, nil
}

// phases is a schedule of config.json as text.
func phases(n *yaml.Node) (string, error) {
	var plain any
	if err := n.Decode(&plain); err != nil {
		return "", at(n, "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
	b, err := json.Marshal(plain)
	if err != nil {
		return "", at(n, "schedule: %w", err)
	}
	var s schedule.Schedule
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return "", at(n, "schedule: %w", err)
	}
	if err := s.Validate(); err != nil {
		return "", at(n, "schedule: %w", err)
	}
	again, err := schedule.Parse(s.Exact())
	if err != nil || again.Exact() != s.Exact() {
		return "", at(n, "schedule: a phase's name has a character that phases cannot have")
	}
	return s.Exact(), nil
}

// zips reads groups of axes that go together: the first values of all, the second
// ones, and so on.
func (r *reader) zips(n *yaml.Node) error {
	groups := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		groups = n.Content
	}
	for _, g := range groups {
		entries, err := mapping(g)
		if err != nil {
			return err
		}
		var together Axis
		for i, e := range entries {
			axis, err := r.axis(e)
			switch {
			case err != nil:
				return err
			case i == 0:
				together = axis
				continue
			case len(axis) != len(together):
				return at(e.value, "zip: %d values of %s, %d of %s: want as many", len(axis), e.name, len(together), entries[0].name)
			}
			for k := range together {
				together[k] = append(together[k], axis[k]...)
			}
		}
		if len(together) == 0 {
			return at(g, "zip: nothing goes together")
		}
		r.Axes = append(r.Axes, together)
	}
	return nil
}
