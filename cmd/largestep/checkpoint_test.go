package main

import (
	"bytes"
	"context"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// interrupting ends a context once anything is printed.
type interrupting struct {
	bytes.Buffer
	end func()
}

func (w *interrupting) Write(b []byte) (int, error) {
	w.end()
	return w.Buffer.Write(b)
}

// endAt ends a context once there is a file of the pattern.
func endAt(ctx context.Context, pattern string, end func()) {
	for ctx.Err() == nil {
		if files, _ := filepath.Glob(pattern); len(files) > 0 {
			end()
		}
		time.Sleep(time.Millisecond)
	}
}

// What looks at images with a checkpoint ends at once, and leaves no file.
func TestInterruptedOnCheckpoint(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("a", "--width", "16", "--epochs", "1")...)
	before := tree(t, ".")
	for _, args := range []string{
		"hessian a/checkpoint.safetensors --images 2000 --tolerance 1e-9",
		"hessian a/checkpoint.safetensors --images 2000 --mode evaluation --products 1",
		"features a/checkpoint.safetensors --images 4000 --layer 1 -o z --labels y",
		"features a/checkpoint.safetensors --images 4000 --train --logits z",
		"eval a/checkpoint.safetensors --test-size 4000 --logits z",
	} {
		ctx, end := context.WithCancel(context.Background())
		out, stderr := interrupting{end: end}, bytes.Buffer{}
		go endAt(ctx, ".z.*", end)
		code := execute(ctx, strings.Fields(args), &out, &stderr)
		end()
		if code != exitInterrupted || stderr.String() != "largestep: interrupted\n" || strings.Contains(out.String(), "eigenvalue 1") || strings.Contains(out.String(), "z:") {
			t.Errorf("%s: status %d, %s%s", args, code, out.String(), stderr.String())
		}
		if d := differences(before, tree(t, ".")); d != nil {
			t.Errorf("%s: %v", args, d)
		}
		if o := runContext(ctx, strings.Fields(args)...); o.code != exitInterrupted || o.stderr != "largestep: interrupted\n" || o.stdout != "" {
			t.Errorf("%s, interrupted before: status %d, %s%s", args, o.code, o.stdout, o.stderr)
		}
	}
}

// The Hessian is that of the loss that the run descended, whichever images it chose.
func TestImagesOfTheRun(t *testing.T) {
	t.Chdir(t.TempDir())
	files := binarySet()
	content := []byte(files["data_batch_1.bin"])
	for i := 0; i < len(content); i += recordBytes {
		content[i] = byte(i * 10 / len(content)) // sorted by class
	}
	files["data_batch_1.bin"] = string(content)
	writeSet(t, "set", files)
	files["source.json"] = strings.ReplaceAll(files["source.json"], "stripes", "others")
	writeSet(t, "others", files)
	for subset, how := range map[string]string{"first": "", "balanced": " (--subset balanced)", "random": " (--subset random --seed 3)"} {
		succeed(t, strings.Fields("train resnet18 --data set --width 4 --train-size 20 --batch 10 --epochs 2 --step-size 0.01 --seed 3 --measure sharpness --out "+subset+" --subset "+subset)...)
		path, trained := subset+"/checkpoint.safetensors", "the 20 of stripes that the run trained on"+how
		table := rows(t, subset)
		if got, want := sharpness(t, path, trained), table[len(table)-1]["sharpness"]; !(math.Abs(got-want) <= 1e-3*want) {
			t.Errorf("%s: eigenvalue %g, recorded %g", subset, got, want)
		}
		sharpness(t, path, "the first 10 of "+trained, "--images", "19", "--tolerance", "0.5")
		sharpness(t, path, trained+", and 10 others of the set", "--images", "30", "--tolerance", "0.5")
		sharpness(t, path, "the first 40 of the training set of others", "--data", "others", "--tolerance", "0.5")
		own, more := trainLabels(t, path), trainLabels(t, path, "--images", "30")
		if len(own) != 20 || len(more) != 30 || !slices.Equal(own, more[:20]) {
			t.Errorf("%s: labels %v, and of more images %v", subset, own, more)
		}
		if out := succeed(t, "features", path, "--labels", "y.npy"); !strings.HasPrefix(out, "images: the first 20 of the test set of stripes\n") {
			t.Errorf("%s: %s", subset, out)
		}
	}
	writeFile(t, "alone.safetensors", readFile(t, "random/checkpoint.safetensors"))
	sharpness(t, "alone.safetensors", "the first 40 of the training set of stripes", "--data", "set", "--batch", "10", "--tolerance", "0.5")
	bad{"hessian first/checkpoint.safetensors --images 41", 1, "41 images wanted of a set of 40"}.test(t)
	bad{"hessian first/checkpoint.safetensors --batch 21", 1, "mini-batches of 21 of 20 examples"}.test(t)
}

// sharpness is the largest eigenvalue that hessian prints; it must say that it looks
// at these images.
func sharpness(t *testing.T, path, images string, more ...string) float64 {
	t.Helper()
	out := succeed(t, append([]string{"hessian", path, "--trace-vectors", "0"}, more...)...)
	found := regexp.MustCompile(`\nimages: (.*)\neigenvalue 1: (\S+),`).FindStringSubmatch(out)
	if found == nil || found[1] != images {
		t.Fatalf("%s %v: it says %q, want %q", path, more, out, images)
	}
	return number(t, found[2])
}

// trainLabels are those of the images that features looks at.
func trainLabels(t *testing.T, path string, more ...string) []int32 {
	t.Helper()
	succeed(t, append([]string{"features", path, "--train", "--labels", "y.npy"}, more...)...)
	_, labels := readArray[int32](t, "y.npy")
	return labels
}
