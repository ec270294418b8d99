package data

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// batch returns n records whose labels count up modulo classes and whose pixels
// follow from their number.
func batch(n, classes int) []byte {
	var b []byte
	for i := range n {
		b = append(b, byte(i%classes))
		for p := range imageBytes(32) {
			b = append(b, byte(i*7+p*3+p/1024))
		}
	}
	return b
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeSet makes a sound imported set of 30 training and 10 test images.
func writeSet(t testing.TB, dir string) {
	t.Helper()
	writeFile(t, filepath.Join(dir, cifar10.layout.trainFile(0)), batch(30, 3))
	writeFile(t, filepath.Join(dir, cifar10.layout.test), batch(10, 3))
	writeFile(t, filepath.Join(dir, cifar10.layout.classes), []byte("cat\ndog\nowl\n\n"))
	src, _ := json.Marshal(source{Name: "pets", From: "pets.tar", Train: 30, Test: 10})
	writeFile(t, filepath.Join(dir, sourceFile), src)
}

// writeOfficial makes a set with the official files' names and sizes (sparse:
// every label and pixel is 0).
func writeOfficial(t testing.TB, dir string) {
	t.Helper()
	writeFile(t, filepath.Join(dir, cifar10.layout.classes), []byte("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"))
	for _, f := range append(cifar10.layout.trainFiles(50_000), recordFile{cifar10.layout.test, 10_000}) {
		path := filepath.Join(dir, f.name)
		writeFile(t, path, nil)
		if err := os.Truncate(path, 30_730_000); err != nil {
			t.Fatal(err)
		}
	}
}

// wantError checks for a one-line error that contains every one of the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not contain %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error has several lines: %q", err)
	}
}

// wantUnusable wants to be told what there is in the place of a set.
func wantUnusable(t *testing.T, err error, is State, set string) {
	t.Helper()
	var u *Unusable
	if !errors.As(err, &u) || u.Is != is || u.Set != set {
		t.Errorf("%+v, want state %d of %s: %v", u, is, set, err)
	}
}

func TestLoadOfficial(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 180 MB")
	}
	dir := t.TempDir()
	writeOfficial(t, dir)
	f, err := os.OpenFile(filepath.Join(dir, cifar10.layout.trainFile(3)), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{7, 1, 2, 3}, 5*3073); err != nil {
		t.Fatal(err)
	}
	f.Close()
	d, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "cifar10" || d.Train.Len() != 50_000 || d.Test.Len() != 10_000 || len(d.Train.Classes) != 10 {
		t.Errorf("%q, %d, %d images of %d classes", d.Name, d.Train.Len(), d.Test.Len(), len(d.Train.Classes))
	}
	if i := 30_005; d.Train.Labels[i] != 7 || d.Train.Image(i)[2] != 3 || len(d.Train.Image(i)) != 3072 {
		t.Errorf("record %d: label %d, pixels %d", i, d.Train.Labels[i], d.Train.Image(i)[:3])
	}
}

func TestLoadImported(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, dir)
	d, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "pets" || d.Train.Len() != 30 || d.Test.Len() != 10 || strings.Join(d.Test.Classes, " ") != "cat dog owl" {
		t.Errorf("%q, %d, %d images of %v", d.Name, d.Train.Len(), d.Test.Len(), d.Test.Classes)
	}
	want := batch(30, 3)
	for i := range 30 {
		record := want[i*3073 : (i+1)*3073]
		if d.Train.Labels[i] != int32(record[0]) || string(d.Train.Image(i)) != string(record[1:]) {
			t.Fatalf("record %d differs", i)
		}
	}
}

func TestLoadDamaged(t *testing.T) {
	badLabel := batch(30, 3)
	badLabel[4*3073] = 3
	for name, c := range map[string]struct {
		file    string
		content []byte // nil removes the file
		want    []string
	}{
		"missing batch":   {cifar10.layout.trainFile(0), nil, []string{"data_batch_1.bin is missing", "import"}},
		"missing test":    {cifar10.layout.test, nil, []string{"test_batch.bin is missing"}},
		"missing classes": {cifar10.layout.classes, nil, []string{"batches.meta.txt is missing"}},
		"missing source":  {sourceFile, nil, []string{"data_batch_1.bin: 92190 bytes, want 30730000", "truncated download?"}},
		"truncated":       {cifar10.layout.trainFile(0), badLabel[:len(badLabel)-1], []string{"data_batch_1.bin: 92189 bytes, want 92190"}},
		"padded":          {cifar10.layout.test, append(batch(10, 3), 0), []string{"test_batch.bin: 30731 bytes, want 30730"}},
		"empty":           {cifar10.layout.test, []byte{}, []string{"test_batch.bin: 0 bytes"}},
		"bad label":       {cifar10.layout.trainFile(0), badLabel, []string{"data_batch_1.bin: label 3 in record 4, want 0 to 2"}},
		"no classes":      {cifar10.layout.classes, []byte("\n \n"), []string{"batches.meta.txt: 0 class names"}},
		"many classes":    {cifar10.layout.classes, []byte(strings.Repeat("x\n", 257)), []string{"257 class names, want 1 to 256"}},
		"huge classes":    {cifar10.layout.classes, make([]byte, 1<<20), []string{"batches.meta.txt", "at most"}},
		"other classes":   {sourceFile, []byte(`{"name":"x","train":30,"test":10,"classes":4}`), []string{"batches.meta.txt: 3 class names, want 4"}},
		"other side":      {sourceFile, []byte(`{"name":"x","train":30,"test":10,"side":31}`), []string{"data_batch_1.bin: 92190 bytes, want 86520"}},
		"huge side":       {sourceFile, []byte(`{"name":"x","train":30,"test":10,"side":65}`), []string{"images of 65×65 pixels, want at most 64×64"}},
		"negative side":   {sourceFile, []byte(`{"name":"x","train":30,"test":10,"side":-1}`), []string{"images of -1×-1"}},
		"absurd classes":  {sourceFile, []byte(`{"name":"x","train":30,"test":10,"classes":1001}`), []string{"1001 classes, want at most 1000"}},
		"unknown layout":  {sourceFile, []byte(`{"name":"x","train":30,"test":10,"layout":"made-up"}`), []string{`layout of "made-up"`}},
		"bad source":      {sourceFile, []byte("{"), []string{"source.json"}},
		"no counts":       {sourceFile, []byte(`{"name":"x"}`), []string{"source.json", "0 training"}},
		"absurd count":    {sourceFile, []byte(`{"name":"x","train":1000000000,"test":1}`), []string{"source.json", "1000000000"}},
		"false name":      {sourceFile, []byte(`{"name":"cifar10","train":30,"test":10}`), []string{"source.json", "cifar10"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeSet(t, dir)
			path := filepath.Join(dir, c.file)
			if c.content == nil {
				os.Remove(path)
			} else {
				writeFile(t, path, c.content)
			}
			_, err := Load(dir)
			wantError(t, err, c.want...)
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a damaged set counts as absent: %v", err)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Run("no folder", func(t *testing.T) {
		_, err := Load(filepath.Join(t.TempDir(), "none"))
		wantError(t, err, "none")
		wantUnusable(t, err, Absent, "cifar10")
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		writeFile(t, path, nil)
		_, err := Load(path)
		wantError(t, err, "not a folder")
	})
	t.Run("official but cut", func(t *testing.T) {
		dir := t.TempDir()
		writeOfficial(t, dir)
		os.Truncate(filepath.Join(dir, cifar10.layout.trainFile(2)), 30_729_999)
		_, err := Load(dir)
		wantError(t, err, "data_batch_3.bin: 30729999 bytes, want 30730000", "truncated download?")
		wantUnusable(t, err, Truncated, "cifar10")
	})
}

// useCache makes an empty cache for the test.
func useCache(t *testing.T) {
	t.Helper()
	cache := t.TempDir()
	for _, v := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(v, cache)
	}
}

// Earlier programs put what they imported into the folder of CIFAR-10.
func TestFind(t *testing.T) {
	useCache(t)
	if _, err := FindIn(""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty cache: %v, want fs.ErrNotExist", err)
	}
	dir, err := cifar10.Home()
	if err != nil {
		t.Fatal(err)
	}
	writeSet(t, dir)
	for _, in := range []string{"", dir, filepath.Dir(dir)} {
		if got, err := FindIn(in); got.Dir != dir || err != nil {
			t.Errorf("FindIn(%q) = %q, %v, want %q", in, got.Dir, err, dir)
		}
		if got, err := Find("pets", in); got.Dir != dir || got.Name != "pets" || err != nil {
			t.Errorf("Find(pets, %q) = %+v, %v, want %q", in, got, err, dir)
		}
		_, err := Find(NameCIFAR10, in)
		wantError(t, err, `holds the data set "pets", not "cifar10": ask for it by its name`)
	}
	d, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Summarize(dir); err != nil || got.Name != d.Name || got.Train != d.Train.Len() || got.Test != d.Test.Len() {
		t.Errorf("summary %+v, %v of %q with %d and %d images", got, err, d.Name, d.Train.Len(), d.Test.Len())
	}
	os.Remove(filepath.Join(dir, cifar10.layout.test))
	if _, err := FindIn(""); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("damaged: %v, want an error that is not fs.ErrNotExist", err)
	}
}

func TestSubset(t *testing.T) {
	im := MadeUp(1, 5, 1).Train
	s, err := im.Subset(3)
	if err != nil || s.Len() != 3 || len(s.Pixels) != 3*imageBytes(32) {
		t.Fatalf("%v, %v", s, err)
	}
	s.Labels = append(s.Labels, 99) // must not reach im
	if im.Labels[3] == 99 {
		t.Error("appending to a subset changed the whole")
	}
	for _, n := range []int{-1, 0, 6} {
		_, err := im.Subset(n)
		wantError(t, err, "of a set of 5: choose 1 to 5")
	}
}

func TestFingerprint(t *testing.T) {
	im := &Images{Side: 32, Labels: []int32{'a'}, Pixels: []byte("bc")}
	// printf abc | sha256sum
	if got, want := im.Fingerprint(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	im.Classes = make([]string, 257)
	im.Labels, im.Pixels = []int32{'b'<<8 + 'a'}, []byte("c")
	if got, want := im.Fingerprint(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("of labels of two bytes: %s, want %s", got, want)
	}
}

// FuzzLoad gives Load arbitrary files; what it accepts must be a
// consistent data set.
func FuzzLoad(f *testing.F) {
	src := []byte(`{"name":"x","train":2,"test":1}`)
	f.Add(src, []byte("cat\ndog\n"), batch(2, 2), batch(1, 1))
	f.Add(src, []byte("cat\n"), batch(2, 2), batch(1, 1))
	f.Add(src, []byte("\xff\x00\r\ncat"), batch(2, 2), batch(1, 1)[1:])
	f.Add([]byte(`{"name":"x","train":2,"test":1,"side":1,"classes":257}`), []byte(strings.Repeat("c\n", 257)), []byte{0, 1, 1, 2, 3, 1, 0, 1, 2, 3}, []byte{2, 0, 4, 5, 6})
	f.Add([]byte(`{"name":"x","train":10001,"test":-1}`), []byte(""), []byte{}, []byte{})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src, meta, train, test []byte) {
		writeFile(t, filepath.Join(dir, sourceFile), src)
		writeFile(t, filepath.Join(dir, cifar10.layout.classes), meta)
		writeFile(t, filepath.Join(dir, cifar10.layout.trainFile(0)), train)
		writeFile(t, filepath.Join(dir, cifar10.layout.test), test)
		d, err := Load(dir)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has several lines: %q", err)
			}
			return
		}
		for _, im := range []*Images{d.Train, d.Test} {
			if im.Len() < 1 || len(im.Pixels) != im.Len()*3*im.Side*im.Side || im.Side < 1 || im.Side > MaxSide || len(im.Classes) > maxClasses {
				t.Fatalf("%d labels, %d pixels, %d classes", im.Len(), len(im.Pixels), len(im.Classes))
			}
			for _, l := range im.Labels {
				if int(l) >= len(im.Classes) {
					t.Fatalf("label %d of %d classes", l, len(im.Classes))
				}
			}
		}
	})
}

// What people have for other programs is called by its name.
func TestMistakenForASet(t *testing.T) {
	archive := setArchive(t).gz()
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string
		is    State // -1 for none
	}{
		"Python":            {map[string][]byte{"set/data_batch_1": nil, "set/batches.meta": nil}, `the Python version of CIFAR-10, which is not read here`, OtherVersion},
		"torchvision's":     {map[string][]byte{"set/cifar-10-batches-py/data_batch_1": nil}, "the Python version", OtherVersion},
		"Matlab":            {map[string][]byte{"set/data_batch_1.mat": nil}, "the Matlab version", OtherVersion},
		"images":            {map[string][]byte{"set/train/cat/1.png": nil, "set/test/cat/1.png": nil}, "holds folders of images", Pictures},
		"archive":           {map[string][]byte{"set": archive}, "is an archive", Packed},
		"file":              {map[string][]byte{"set": []byte("x")}, "is not a folder", -1},
		"empty":             {map[string][]byte{"set/.x/x": nil}, "data_batch_1.bin is missing", Truncated},
		"damaged, official": {map[string][]byte{"set/data_batch_2.bin": nil}, "data_batch_1.bin is missing: truncated download?", Truncated},
	} {
		dir := t.TempDir()
		for file, content := range c.files {
			writeFile(t, filepath.Join(dir, file), content)
		}
		_, err := FindIn(filepath.Join(dir, "set"))
		t.Run(name, func(t *testing.T) {
			wantError(t, err, filepath.Join(dir, "set"), c.want)
			if c.is >= 0 {
				wantUnusable(t, err, c.is, "cifar10")
			}
		})
	}
	empty := t.TempDir()
	_, err := FindIn(empty)
	wantError(t, err, empty+" is empty")
	wantUnusable(t, err, Empty, "cifar10")
}
