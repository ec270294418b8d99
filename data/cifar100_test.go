package data

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// coarseBatch is batch as CIFAR-100 has it, with a coarse label before the fine
// one.
func coarseBatch(n, classes int) []byte {
	var b []byte
	for record := range slicesOf(batch(n, classes), 3073) {
		b = append(append(b, 19), record...)
	}
	return b
}

func slicesOf(b []byte, size int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 && yield(b[:size]) {
			b = b[size:]
		}
	}
}

// cifar100Archive is a set of 30 + 10 images of three classes as the official
// archive has it.
func cifar100Archive(t testing.TB) *archive {
	a := newArchive(t).add(tar.Header{Name: "cifar-100-binary/", Typeflag: tar.TypeDir}, nil)
	a.file("cifar-100-binary/train.bin", coarseBatch(30, 3))
	a.file("cifar-100-binary/test.bin", coarseBatch(10, 3))
	a.file("cifar-100-binary/coarse_label_names.txt", []byte("pets\nbirds\n"))
	return a.file("cifar-100-binary/fine_label_names.txt", []byte("cat\ndog\nowl\n"))
}

func TestFetchCIFAR100(t *testing.T) {
	useCache(t)
	content := cifar100Archive(t).gz()
	from := writeArchive(t, content)
	sum := md5.Sum(content)
	o := FetchOptions{From: from, MD5: hex.EncodeToString(sum[:])}
	for range 2 { // the second finds it done
		if err := Fetch(t.Context(), cifar100, o); err != nil {
			t.Fatal(err)
		}
	}
	home, _ := cifar100.Home()
	wantOnly(t, home, "coarse_label_names.txt", "fine_label_names.txt", sourceFile, "test.bin", "train.bin")
	p, err := Find("cifar100 (unofficial archive)", "")
	if err != nil || p.Dir != home {
		t.Fatalf("%+v, %v", p, err)
	}
	d, err := p.Load(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := batch(30, 3)
	for i := range 30 {
		record := want[i*3073 : (i+1)*3073]
		if d.Train.Labels[i] != int32(record[0]) || !bytes.Equal(d.Train.Image(i), record[1:]) {
			t.Fatalf("record %d differs", i)
		}
	}
	if strings.Join(d.Train.Classes, " ") != "cat dog owl" || d.Test.Len() != 10 {
		t.Errorf("%d test images of %v", d.Test.Len(), d.Train.Classes)
	}
	_, err = Find("cifar100", "")
	wantError(t, err, `holds the data set "cifar100 (unofficial archive)", not "cifar100"`)
	if _, err := FindIn(""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("taken for CIFAR-10: %v", err)
	}
}

func TestFetchCIFAR100Refuses(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"CIFAR-10":  {setArchive(t).gz(), "no train.bin and no other file"},
		"bad label": {newArchive(t).file("train.bin", coarseBatch(5, 5)).file("test.bin", coarseBatch(4, 4)).file("fine_label_names.txt", []byte("a\nb\nc\nd\n")).gz(), "train.bin: label 4 in record 4"},
		"cut":       {newArchive(t).file("train.bin", coarseBatch(5, 5)[1:]).file("test.bin", coarseBatch(4, 4)).file("fine_label_names.txt", []byte("a\nb\nc\nd\ne\n")).gz(), "train.bin: 15369 bytes, want 12296"},
		"no names":  {newArchive(t).file("train.bin", coarseBatch(5, 5)).file("test.bin", coarseBatch(4, 4)).gz(), "fine_label_names.txt is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Fetch(t.Context(), cifar100, FetchOptions{From: writeArchive(t, c.content), Dir: filepath.Join(t.TempDir(), "set"), SHA256: sha(c.content)})
			wantError(t, err, c.want)
		})
	}
	err := Fetch(t.Context(), cifar100, FetchOptions{From: writeArchive(t, cifar100Archive(t).gz()), Dir: filepath.Join(t.TempDir(), "set")})
	wantError(t, err, "want 03b5dce01913d631647c71ecec9e9cb8")
}

// writeOfficialCIFAR100 makes a set with the official files' names and sizes, of
// zeros.
func writeOfficialCIFAR100(t testing.TB, dir string) {
	t.Helper()
	writeFile(t, filepath.Join(dir, "fine_label_names.txt"), []byte(strings.Repeat("x\n", 100)))
	for name, size := range map[string]int64{"train.bin": 153_700_000, "test.bin": 30_740_000} {
		path := filepath.Join(dir, name)
		writeFile(t, path, nil)
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
}

// Both sets are found in a folder that has the folders of their archives.
func TestFindBothOfficialSets(t *testing.T) {
	dir := t.TempDir()
	writeOfficial(t, filepath.Join(dir, "cifar-10-batches-bin"))
	writeOfficialCIFAR100(t, filepath.Join(dir, "cifar-100-binary"))
	for name, folder := range map[string]string{"cifar10": "cifar-10-batches-bin", "cifar100": "cifar-100-binary"} {
		for _, in := range []string{dir, filepath.Join(dir, folder)} {
			p, err := Find(name, in)
			if err != nil || p.Name != name || p.Dir != filepath.Join(dir, folder) || p.Train != 50_000 || p.Test != 10_000 {
				t.Errorf("%s in %s: %+v, %v", name, in, p, err)
			}
		}
	}
	_, err := Find("cifar100", filepath.Join(dir, "cifar-10-batches-bin"))
	wantError(t, err, `holds the data set "cifar10", not "cifar100"`)
	if p, err := FindIn(dir); err != nil || p.Name != "cifar10" {
		t.Errorf("of both %q is the one that nobody asks for: %v", p.Name, err)
	}
	os.Truncate(filepath.Join(dir, "cifar-100-binary", "train.bin"), 153_699_999)
	_, err = Find("cifar100", dir)
	wantError(t, err, "train.bin: 153699999 bytes, want 153700000", "truncated download?")
	wantUnusable(t, err, Truncated, "cifar100")
	_, err = Find("cifar100", filepath.Join(dir, "none"))
	wantError(t, err, "none")
	wantUnusable(t, err, Absent, "cifar100")
}

func TestMistakenForCIFAR100(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "cifar-100-python", "train"), nil)
	_, err := Find("cifar100", dir)
	wantError(t, err, "the Python version of CIFAR-100")
	wantUnusable(t, err, OtherVersion, "cifar100")
}

func TestLoadOfficialCIFAR100(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 180 MB")
	}
	dir := t.TempDir()
	writeOfficialCIFAR100(t, dir)
	f, err := os.OpenFile(filepath.Join(dir, "train.bin"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{19, 99, 1, 2, 3}, 30_005*3074); err != nil {
		t.Fatal(err)
	}
	f.Close()
	d, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "cifar100" || d.Train.Len() != 50_000 || d.Test.Len() != 10_000 || len(d.Train.Classes) != 100 {
		t.Errorf("%q, %d, %d images of %d classes", d.Name, d.Train.Len(), d.Test.Len(), len(d.Train.Classes))
	}
	if i := 30_005; d.Train.Labels[i] != 99 || d.Train.Image(i)[2] != 3 {
		t.Errorf("record %d: label %d, pixels %d", i, d.Train.Labels[i], d.Train.Image(i)[:3])
	}
}
