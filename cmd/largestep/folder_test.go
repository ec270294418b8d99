package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The same settings again are told how to go on, and other ones have a folder of their
// own.
func TestTheSameAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	same := "train svm --steps 10 --sampling full"
	for _, args := range []string{same, "train svm --steps 10"} {
		succeed(t, strings.Fields(args)...)
	}
	bad{same, 1, "holds a run: go on with largestep train svm --resume --out"}.test(t)
	o := try(strings.Fields(same)...)
	command := regexp.MustCompile(`go on with largestep (.*), or`).FindStringSubmatch(o.stderr)
	succeed(t, strings.Fields(command[1])...)
}

// What is said to go on can be pasted into a shell, and goes on as it was.
func TestGoOnAfterInterruption(t *testing.T) {
	t.Chdir(t.TempDir())
	o := runContext(interruptAfter(3), tiny("it's mine", "--threads", "1", "--checkpoint-every", "1h")...)
	want := `go on with largestep train resnet18 --resume --out 'it'\''s mine' --threads 1 --checkpoint-every 1h0m0s` + "\n"
	if !strings.HasSuffix(o.stderr, want) {
		t.Errorf("it says %q, want %q at the end", o.stderr, want)
	}
	succeed(t, strings.Fields("train relu --steps 10 --out start")...)
	o = runContext(interruptAfter(3), strings.Fields("train relu --steps 1000000 --eval-steps 100 --init start/checkpoint.safetensors --out fork")...)
	if want := "--out fork --init start/checkpoint.safetensors\n"; !strings.HasSuffix(o.stderr, want) {
		t.Errorf("it says %q, want %q at the end", o.stderr, want)
	}
}

// The folder is looked at before the search for the edge.
func TestFolderBeforeSearch(t *testing.T) {
	enterFixture(t)
	bad{"train svm --step-size 0.9edge --out done", 1, "done holds a run"}.test(t)
	bad{"train svm --step-size 0.9edge --out full", 1, "full is not empty"}.test(t)
}

// A folder's name is no pattern: runs in exp[1] and exp* leave those in exp1 alone.
func TestFolderNamesAreNoPatterns(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "exp1/events.out.tfevents.1.host", "TensorBoard's")
	writeFile(t, "exp1/velocity-1.safetensors", "a checkpoint's")
	for _, out := range []string{"exp[1]", "exp*", "exp?", `exp\1`} {
		succeed(t, tiny(out, "--momentum", "0.9", "--checkpoint-every", "0")...)
		if len(find(t, out, "events.out.tfevents.")) != 1 || len(find(t, out, "velocity-")) > 1 {
			t.Errorf("%s: %v, %v", out, find(t, out, "events.out.tfevents."), find(t, out, "velocity-"))
		}
	}
	if events, velocity := find(t, "exp1", "events"), find(t, "exp1", "velocity"); len(events) != 1 || len(velocity) != 1 {
		t.Errorf("left in exp1: %v, %v", events, velocity)
	}
}

// find lists the files of a folder whose names begin so.
func find(t *testing.T, dir, prefix string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names
}

// What a user has set up as links stays: the folder or file that a link leads to
// is filled, or made.
func TestLinksStay(t *testing.T) {
	enterFixture(t)
	check(t, os.Mkdir("real", 0o777))
	for link, target := range map[string]string{"runs-link": "real", "dangling": "made", "figure.png": "far.png", "set-link": "set-real"} {
		if err := os.Symlink(target, link); err != nil {
			t.Skip(err)
		}
	}
	succeed(t, strings.Fields("train svm --steps 10 --out runs-link")...)
	succeed(t, strings.Fields("train svm --steps 10 --out dangling")...)
	succeed(t, strings.Fields("plot done -o figure.png")...)
	succeed(t, strings.Fields("import pngs --data set-link")...)
	for link, file := range map[string]string{"runs-link": "real/metrics.csv", "dangling": "made/metrics.csv", "figure.png": "far.png", "set-link": "set-real/test_batch.bin"} {
		if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Errorf("%s is no link any more: %v", link, err)
		}
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: %v", file, err)
		}
	}
}
