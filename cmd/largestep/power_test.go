package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A disk is what a training's system calls have made of a folder: what programs see,
// and of that, what is sure to be there after the power has failed. As in a journaling
// file system the changes of names are kept in their order, up to some point behind
// the last sync of a folder; what was written to a file may be there or not until that
// file is synced.
type disk struct {
	root   string
	names  names // as programs see them
	change []func(names)
	sure   int // changes of names
	offset map[string]int
	append map[string]bool // by descriptor
}

type names map[string]*file

type file struct {
	data, synced []byte
	folder       bool
}

func newDisk(root string) *disk {
	return &disk{root: root, names: names{root: {folder: true}}, offset: map[string]int{}, append: map[string]bool{}}
}

func (d *disk) rename(f func(names)) {
	f(d.names)
	d.change = append(d.change, f)
}

// call is one line of strace -y -xx.
type call struct {
	name   string
	args   []string // strings decoded, descriptors as NUMBER<PATH>
	result string
}

var descriptor = regexp.MustCompile(`^(-?\d+|AT_FDCWD)<(.*)>$`)

func (d *disk) path(arg string) (fd, path string) {
	if m := descriptor.FindStringSubmatch(arg); m != nil {
		return m[1], strings.TrimSuffix(m[2], "(deleted)")
	}
	return arg, ""
}

// at is the path of two arguments such as those of openat.
func (d *disk) at(folder, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	_, dir := d.path(folder)
	return filepath.Join(dir, name)
}

func (d *disk) within(path string) bool { return strings.HasPrefix(path, d.root+"/") }

// do follows a call that succeeded.
func (d *disk) do(t *testing.T, c call) {
	t.Helper()
	if strings.HasPrefix(c.result, "-1") || c.result == "?" {
		return
	}
	switch c.name {
	case "openat":
		d.open(d.at(c.args[0], c.args[1]), c)
	case "write", "pwrite64", "ftruncate", "lseek", "fsync", "fdatasync":
		d.onFile(t, c)
	case "mkdirat":
		d.make(d.at(c.args[0], c.args[1]), &file{folder: true})
	case "unlinkat":
		path := d.at(c.args[0], c.args[1])
		d.rename(func(n names) { delete(n, path) })
	case "renameat", "renameat2", "linkat":
		from, to, keep := d.at(c.args[0], c.args[1]), d.at(c.args[2], c.args[3]), c.name == "linkat"
		d.rename(func(n names) {
			if f := n[from]; f != nil {
				n[to] = f
				if !keep {
					delete(n, from)
				}
			}
		})
	default:
		t.Fatalf("a call that is not followed: %s", c.name)
	}
}

func (d *disk) make(path string, f *file) {
	if d.within(path) {
		d.rename(func(n names) { n[path] = f })
	}
}

func (d *disk) open(path string, c call) {
	fd, _ := d.path(c.result)
	d.offset[fd], d.append[fd] = 0, strings.Contains(c.args[2], "O_APPEND")
	if !d.within(path) {
		return
	}
	if d.names[path] == nil && strings.Contains(c.args[2], "O_CREAT") {
		d.make(path, &file{})
	}
	if f := d.names[path]; f != nil && strings.Contains(c.args[2], "O_TRUNC") {
		f.data = nil
	}
}

func (d *disk) onFile(t *testing.T, c call) {
	fd, path := d.path(c.args[0])
	f := d.names[path]
	if f == nil {
		return
	}
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		return n
	}
	switch c.name {
	case "fsync", "fdatasync":
		if f.folder {
			d.sure = len(d.change)
		} else {
			f.synced = slices.Clone(f.data)
		}
	case "lseek":
		d.offset[fd] = number(c.result)
	case "ftruncate":
		f.data = resized(f.data, number(c.args[1]))
	case "write":
		at := d.offset[fd]
		if d.append[fd] {
			at = len(f.data)
		}
		f.put(c.args[1][:number(c.result)], at)
		d.offset[fd] = at + number(c.result)
	case "pwrite64":
		f.put(c.args[1][:number(c.result)], number(c.args[3]))
	}
}

func (f *file) put(text string, at int) {
	f.data = resized(f.data, max(len(f.data), at+len(text)))
	copy(f.data[at:], text)
}

func resized(b []byte, n int) []byte {
	return append(slices.Clone(b[:min(n, len(b))]), make([]byte, n-min(n, len(b)))...)
}

// fail makes dir what may be there when the power fails now.
func (d *disk) fail(t *testing.T, rng *rand.Rand, dir string) {
	left := names{d.root: {folder: true}}
	for _, f := range d.change[:d.sure+rng.IntN(len(d.change)-d.sure+1)] {
		f(left)
	}
	paths := make([]string, 0, len(left))
	for path := range left {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		to := filepath.Join(dir, strings.TrimPrefix(path, d.root))
		if left[path].folder {
			check(t, os.MkdirAll(to, 0o777))
		} else {
			check(t, os.WriteFile(to, left[path].left(rng), 0o666))
		}
	}
}

// left is what there may be of a file: what was synced, all, a part, or a part and
// zeros.
func (f *file) left(rng *rand.Rand) []byte {
	if slices.Equal(f.data, f.synced) {
		return f.synced
	}
	switch rng.IntN(4) {
	case 0:
		return f.synced
	case 1:
		return f.data
	}
	part := slices.Clone(f.data)
	if n := len(f.synced); n < len(part) {
		part = part[:n+rng.IntN(len(part)-n+1)]
	}
	if rng.IntN(2) == 0 {
		return resized(part, len(f.data))
	}
	return part
}

// calls reads what strace wrote; a call counts when it returns.
func calls(t *testing.T, log string) (list []call) {
	f, err := os.Open(log)
	check(t, err)
	defer f.Close()
	begun := map[string]string{} // by thread
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<30)
	for s.Scan() {
		thread, text, _ := strings.Cut(s.Text(), " ")
		text = strings.TrimSpace(text)
		if before, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			begun[thread] = before
			continue
		}
		if strings.HasPrefix(text, "<... ") {
			_, rest, _ := strings.Cut(text, " resumed>")
			text = begun[thread] + rest
		}
		if c, ok := parseCall(t, text); ok {
			list = append(list, c)
		}
	}
	check(t, s.Err())
	return list
}

var returned = regexp.MustCompile(`^(\w+)\((.*)\) += (.*)$`)

func parseCall(t *testing.T, text string) (c call, ok bool) {
	m := returned.FindStringSubmatch(text)
	if m == nil { // a signal, an exit
		return c, false
	}
	args := m[2]
	c.name, c.result = m[1], m[3]
	if c.name != "openat" { // whose result is a descriptor
		c.result, _, _ = strings.Cut(c.result, " ")
	}
	for _, arg := range strings.Split(args, ", ") {
		c.args = append(c.args, decoded(t, arg))
	}
	return c, true
}

// decoded turns "\x61\x62" into ab, there and in the path of a descriptor.
func decoded(t *testing.T, arg string) string {
	return escaped.ReplaceAllStringFunc(strings.ReplaceAll(arg, `"`, ""), func(s string) string {
		b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
		check(t, err)
		return string(b)
	})
}

var escaped = regexp.MustCompile(`(\\x[0-9a-f]{2})+`)

// The power fails at random instants: the run, begun again on what may be left, ends
// the same.
func TestAttackByPowerFailures(t *testing.T) {
	if *powers == 0 {
		t.Skip("-powers says how many")
	}
	strace := findStrace(t)
	bin := program(t)
	rng := attackRandom(t)
	t.Chdir(t.TempDir())
	root, err := os.Getwd()
	check(t, err)
	options := func(dir string) []string {
		return tiny(dir, "--momentum", "0.9", "--log-steps", "--checkpoint-every", "0", "--epochs", "3", "--decay-at", "0.5", "--resume", "--threads", "1")
	}
	check(t, os.Mkdir("disk", 0o777))
	cmd := exec.Command(strace, append([]string{"-f", "-qq", "-y", "-xx", "-s", "100000000", "-o", "log", "-e",
		"trace=openat,write,pwrite64,ftruncate,lseek,fsync,fdatasync,mkdirat,unlinkat,renameat,renameat2,linkat,copy_file_range,sendfile,pwritev,writev,truncate",
		bin}, options("disk/run")...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	succeed(t, options("whole")...)
	list := calls(t, "log")
	begun := map[bool]int{}
	for n := range *powers {
		d, stop := newDisk(root+"/disk"), rng.IntN(len(list)+1)
		for _, c := range list[:stop] {
			d.do(t, c)
		}
		dir := fmt.Sprintf("left-%d", n)
		d.fail(t, rng, dir)
		before := tree(t, dir)
		o := try(options(dir + "/run")...)
		if o.code != 0 {
			t.Fatalf("after %d of %d calls, with %v left: status %d: %s", stop, len(list), sizes(before), o.code, o.stderr)
		}
		begun[before[dir+"/run/checkpoint.safetensors"] != ""]++
		sameEnd(t, "whole", dir+"/run")
		if t.Failed() {
			t.Fatalf("after %d of %d calls, with %v left", stop, len(list), sizes(before))
		}
		check(t, os.RemoveAll(dir))
	}
	t.Logf("of %d power failures %d left a checkpoint", *powers, begun[true])
}

func sizes(files map[string]string) map[string]int {
	list := map[string]int{}
	for name, text := range files {
		list[name] = len(text)
	}
	return list
}
