package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/train/safetensors"
)

// exitInterrupted is the exit status after Ctrl-C.
const exitInterrupted = 130

// environ is the user's environment, with the caches of the Go command.
var environ = os.Environ()

// No test may find, or leave, anything in the user's cache folder.
func TestMain(m *testing.M) {
	cache, err := os.MkdirTemp("", "largestep-test-")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		os.Setenv(name, cache)
	}
	code := m.Run()
	os.RemoveAll(cache)
	os.Exit(code)
}

// outcome is what a command leaves beside files.
type outcome struct {
	code           int
	stdout, stderr string
}

func try(args ...string) outcome { return runContext(context.Background(), args...) }

// runContext runs a command; a panic has the status -1.
func runContext(ctx context.Context, args ...string) (o outcome) {
	var stdout, stderr bytes.Buffer
	defer func() {
		if p := recover(); p != nil {
			o = outcome{-1, stdout.String(), fmt.Sprintf("%spanic: %v\n", stderr.String(), p)}
		}
	}()
	code := execute(ctx, args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// succeed runs a command that must end with status 0 and returns what it printed.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	o := try(args...)
	if o.code != 0 {
		t.Fatalf("largestep %s: status %d: %s", strings.Join(args, " "), o.code, o.stderr)
	}
	return o.stdout
}

// tiny is a training of 8 steps; later flags overrule.
func tiny(out string, more ...string) []string {
	return append([]string{"train", "resnet18", "--dataset", "made-up", "--width", "4", "--train-size", "64",
		"--test-size", "32", "--batch", "16", "--epochs", "2", "--out", out}, more...)
}

// interruption is a context that ends once it has been asked n times.
type interruption struct {
	context.Context
	left int
}

func interruptAfter(n int) *interruption { return &interruption{context.Background(), n} }

func (c *interruption) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	check(t, err)
	return string(b)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o777))
	check(t, os.WriteFile(path, []byte(content), 0o666))
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	check(t, os.CopyFS(to, os.DirFS(from)))
}

// tree is the content of all files below a folder; folders end in a slash.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			files[path+"/"] = ""
		default:
			files[path] = readFile(t, path)
		}
		return nil
	}))
	return files
}

// differences names the files in which two trees differ.
func differences(a, b map[string]string) []string {
	var names []string
	for name := range maps.Keys(a) {
		if _, ok := b[name]; !ok {
			names = append(names, name+" is gone")
		} else if a[name] != b[name] {
			names = append(names, name+" is changed")
		}
	}
	for name := range maps.Keys(b) {
		if _, ok := a[name]; !ok {
			names = append(names, name+" is new")
		}
	}
	slices.Sort(names)
	return names
}

// table reads a CSV file: its columns' names, and its rows.
func table(t *testing.T, path string) (columns []string, rows [][]string) {
	t.Helper()
	for i, line := range strings.Split(strings.TrimSuffix(readFile(t, path), "\n"), "\n") {
		cells := strings.Split(line, ",")
		if i == 0 {
			columns = cells
			continue
		}
		if len(cells) != len(columns) {
			t.Fatalf("%s: row %d has %d cells, %d columns", path, i, len(cells), len(columns))
		}
		rows = append(rows, cells)
	}
	return columns, rows
}

// status is the state in a run's status.json, and the step.
func status(t *testing.T, dir string) (state string, step int) {
	t.Helper()
	var s struct {
		State string
		Step  int
	}
	check(t, json.Unmarshal([]byte(readFile(t, filepath.Join(dir, "status.json"))), &s))
	return s.State, s.Step
}

// final is all of a finished run that must not depend on how it was interrupted:
// the records but for the columns that are times, the checkpoint, and the events for
// TensorBoard but for their times.
func final(t *testing.T, dir string) map[string]string {
	t.Helper()
	f := map[string]string{}
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.Name() == "metrics.csv":
			columns, rows := table(t, path)
			for _, cells := range append(rows, columns) {
				f[e.Name()] += strings.Join(cells[:len(cells)-2], ",") + "\n"
			}
		case strings.HasPrefix(e.Name(), "events.out.tfevents."):
			f["events"] += timeless(t, readFile(t, path))
		case e.Name() == "log.txt":
			f[e.Name()] = ""
		case e.Name() == "config.json":
			f[e.Name()] = strings.Split(readFile(t, path), `"environment"`)[0]
		default:
			f[e.Name()] = readFile(t, path)
		}
	}
	return f
}

// timeless are the records of an event file without their times, with which each
// begins, and without the speed.
func timeless(t *testing.T, file string) string {
	t.Helper()
	speed := []byte("speed/images_per_second\x15") // and a float32
	var all strings.Builder
	for b := []byte(file); len(b) > 0; {
		length := binary.LittleEndian.Uint64(b)
		record := b[12 : 12+length]
		record = bytes.ReplaceAll(record, record[1:9], make([]byte, 8))
		if i := bytes.Index(record, speed); i >= 0 {
			clear(record[i+len(speed):][:4])
		}
		all.Write(record)
		b = b[12+length+4:]
	}
	return all.String()
}

// tensors is a safetensors file without its metadata.
func tensors(t *testing.T, path string) string {
	t.Helper()
	list, _, err := safetensors.ReadFile(path)
	check(t, err)
	var b bytes.Buffer
	check(t, safetensors.Write(&b, list, nil))
	return b.String()
}

// spoil rewrites a safetensors file, metadata and all, after changing its tensors.
func spoil(t *testing.T, from, to string, change func([]safetensors.Tensor) []safetensors.Tensor) {
	t.Helper()
	list, metadata, err := safetensors.ReadFile(from)
	check(t, err)
	delete(metadata, safetensors.ChecksumKey)
	var b bytes.Buffer
	check(t, safetensors.Write(&b, change(list), metadata))
	writeFile(t, to, b.String())
}

// withFirst puts a number at the beginning of a tensor of the name.
func withFirst(list []safetensors.Tensor, name string, x float32) []safetensors.Tensor {
	for i := range list {
		if list[i].Name == name {
			data := slices.Clone(list[i].Data)
			binary.LittleEndian.PutUint32(data, math.Float32bits(x))
			list[i].Data = data
		}
	}
	return list
}

// withNaN puts a NaN into the middle of a tensor.
func withNaN(list []safetensors.Tensor) []safetensors.Tensor {
	data := slices.Clone(list[3].Data)
	binary.LittleEndian.PutUint32(data[len(data)/8*4:], 0x7fc00000)
	list[3].Data = data
	return list
}
