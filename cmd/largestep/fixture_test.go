package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/train/safetensors"
)

// The sizes of the small set in the layout of CIFAR-10.
const (
	setTrain    = 40
	setTest     = 20
	recordBytes = 1 + 3*32*32
)

// writePNGs makes images in folders, as import wants them: n of a part, in ten
// classes.
func writePNGs(t *testing.T, dir, part string, n int) {
	t.Helper()
	writePNGsOf(t, dir, part, n, 10, 32)
}

// writePNGsOf is writePNGs of so many classes, and of another size.
func writePNGsOf(t *testing.T, dir, part string, n, classes, side int) {
	t.Helper()
	for i := range n {
		img := image.NewNRGBA(image.Rect(0, 0, side, side))
		for p := range side * side {
			img.Set(p%side, p/side, color.NRGBA{uint8(7 * i), uint8(p), uint8(i * p), 255})
		}
		var b bytes.Buffer
		check(t, png.Encode(&b, img))
		writeFile(t, filepath.Join(dir, part, fmt.Sprintf("class%d", i%classes), fmt.Sprintf("%d.png", i)), b.String())
	}
}

// binarySet is the files of a small set in the layout of CIFAR-10.
func binarySet() map[string]string {
	records := func(n int) string {
		var b bytes.Buffer
		for i := range n {
			b.WriteByte(byte(i % 10))
			for p := range recordBytes - 1 {
				b.WriteByte(byte(i*p + p>>5))
			}
		}
		return b.String()
	}
	meta := ""
	for i := range 10 {
		meta += fmt.Sprintf("class%d\n", i)
	}
	return map[string]string{
		"data_batch_1.bin": records(setTrain), "test_batch.bin": records(setTest), "batches.meta.txt": meta,
		"source.json": fmt.Sprintf(`{"name": "stripes", "train": %d, "test": %d}`, setTrain, setTest),
	}
}

func writeSet(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), content)
	}
}

// writeArchive makes a tar.gz of files in the given folder, in the order of their
// names, and returns its MD5.
func writeArchive(t *testing.T, path, folder string, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		check(t, w.WriteHeader(&tar.Header{Name: folder + name, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := w.Write([]byte(files[name]))
		check(t, err)
	}
	check(t, w.Close())
	check(t, z.Close())
	writeFile(t, path, b.String())
	sum := md5.Sum(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// fixture is a folder with all that commands can get wrong: made once, copied
// for every test, which goes there.
var fixture string

func enterFixture(t *testing.T) {
	t.Helper()
	if fixture == "" {
		dir, err := os.MkdirTemp(os.Getenv("HOME"), "fixture-")
		check(t, err)
		t.Chdir(dir)
		makeFixture(t)
		fixture = dir
	}
	dir := t.TempDir()
	copyDir(t, fixture, dir)
	t.Chdir(dir)
}

func makeFixture(t *testing.T) {
	t.Helper()
	succeed(t, tiny("done", "--log-steps")...)
	if o := runContext(interruptAfter(6), tiny("half", "--momentum", "0.9", "--augment", "--log-steps", "--checkpoint-every", "0")...); o.code != exitInterrupted {
		t.Fatalf("status %d: %s", o.code, o.stderr)
	}
	removeGlob(t, "half/checkpoint-5.safetensors") // what is wrong with the latest is to be told
	removeGlob(t, "half/velocity-5.safetensors")
	good := "done/checkpoint.safetensors"
	spoil(t, good, "bad/nan.safetensors", withNaN)
	spoil(t, good, "bad/variance.safetensors", func(l []safetensors.Tensor) []safetensors.Tensor {
		return withFirst(l, "layer2.0.bn1.running_var", -1)
	})
	spoil(t, good, "bad/missing.safetensors", func(l []safetensors.Tensor) []safetensors.Tensor { return l[1:] })
	spoil(t, good, "bad/more.safetensors", func(l []safetensors.Tensor) []safetensors.Tensor {
		return append(l, safetensors.FromFloat32("extra.weight", []int{1}, []float32{1}))
	})
	spoil(t, good, "bad/net.safetensors", func([]safetensors.Tensor) []safetensors.Tensor {
		return []safetensors.Tensor{safetensors.FromFloat32("layer.weight", []int{1}, []float32{1})}
	})
	succeed(t, tiny("w5", "--width", "5", "--epochs", "1")...)
	check(t, os.Rename("w5/checkpoint.safetensors", "bad/width.safetensors"))
	check(t, os.RemoveAll("w5"))
	content := readFile(t, good)
	writeFile(t, "bad/cut.safetensors", content[:len(content)-7])
	writeFile(t, "bad/cut-header.safetensors", content[:100])
	writeFile(t, "bad/text.safetensors", strings.Repeat("not a checkpoint\n", 100))
	writeFile(t, "bad/empty.safetensors", "")
	makeSets(t)
	writeFile(t, "full/letter.txt", "Dear Reader")
}

// makeSets makes data sets and archives, sound and damaged.
func makeSets(t *testing.T) {
	t.Helper()
	files := binarySet()
	writeSet(t, "set", files)
	writeArchive(t, "set.tar.gz", "cifar-10-batches-bin/", files)
	archive := readFile(t, "set.tar.gz")
	writeFile(t, "cut.tar.gz", archive[:len(archive)/2])
	for name, change := range map[string]func(map[string]string){
		"truncated": func(f map[string]string) { f["data_batch_1.bin"] = f["data_batch_1.bin"][:recordBytes*setTrain-1] },
		"padded":    func(f map[string]string) { f["test_batch.bin"] += "x" },
		"label":     func(f map[string]string) { f["data_batch_1.bin"] = "\x0a" + f["data_batch_1.bin"][1:] },
		"no-test":   func(f map[string]string) { delete(f, "test_batch.bin") },
		"no-meta":   func(f map[string]string) { delete(f, "batches.meta.txt") },
		"no-json":   func(f map[string]string) { f["source.json"] = "{" },
		"official":  func(f map[string]string) { delete(f, "source.json") },
	} {
		files := binarySet()
		change(files)
		writeSet(t, "sets/"+name, files)
	}
	files["../evil.bin"] = "x"
	writeArchive(t, "outside.tar.gz", "", files)
	writePNGs(t, "pngs", "train", 20)
	writePNGs(t, "pngs", "test", 10)
	writeFile(t, "no-pngs/train/a/readme.txt", "no image")
	writeFile(t, "bad-png/train/a/0.png", "no image")
	writeFile(t, "bad-png/test/a/0.png", "no image")
}

func md5Of(t *testing.T, path string) string {
	t.Helper()
	sum := md5.Sum([]byte(readFile(t, path)))
	return hex.EncodeToString(sum[:])
}

// removeGlob removes the files of a pattern; there must be one.
func removeGlob(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	check(t, err)
	if len(files) == 0 {
		t.Fatalf("no file %s", pattern)
	}
	for _, f := range files {
		check(t, os.Remove(f))
	}
}
