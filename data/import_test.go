package data

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// picture is an image whose pixels all differ with k.
func picture(k, width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{uint8(k), uint8(8 * x), uint8(8*y + k), 255})
		}
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// writeArchive writes an archive and returns its path.
func writeArchive(t testing.TB, content []byte) string {
	path := filepath.Join(t.TempDir(), "pets.tar.gz")
	writeFile(t, path, content)
	return path
}

// importTo is Import, of which the error matters.
func importTo(ctx context.Context, from string, o ImportOptions) error {
	_, err := Import(ctx, from, o)
	return err
}

func importSet(t *testing.T, from string) *Dataset {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "set")
	if err := importTo(t.Context(), from, ImportOptions{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, filepath.Dir(dir), "set")
	d, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// first returns the first pixel, which picture makes the picture's number.
func first(im *Images) []uint8 {
	var numbers []uint8
	for i := range im.Len() {
		numbers = append(numbers, im.Image(i)[0])
	}
	return numbers
}

func TestImportArchive(t *testing.T) {
	for _, prefix := range []string{"", "./", "my/pets/"} {
		a := newArchive(t)
		a.add(tar.Header{Name: prefix + "train/", Typeflag: tar.TypeDir}, nil)
		for k, class := range []string{"owl", "cat", "owl", "dog", "cat"} {
			a.file(fmt.Sprintf("%strain/%s/%d.PNG", prefix, class, k), pngOf(t, picture(k, 32, 32)))
		}
		a.file(prefix+"test/dog/a.jpeg", jpegOf(t, picture(9, 32, 32)))
		a.file(prefix+"train/cat/.hidden", []byte("x"))
		a.file(prefix+"train/.DS_Store/x.txt", []byte("x"))
		a.file(prefix+"README.md", []byte("x"))
		a.file(prefix+"train/notes.txt", []byte("x"))
		a.file(prefix+"val/cat/1.png", []byte("x"))
		d := importSet(t, writeArchive(t, a.gz()))
		if d.Name != "pets" || !slices.Equal(d.Train.Classes, []string{"cat", "dog", "owl"}) {
			t.Errorf("%q of %v", d.Name, d.Train.Classes)
		}
		if !slices.Equal(first(d.Train), []uint8{0, 1, 2, 3, 4}) || !slices.Equal(d.Train.Labels, []int32{2, 0, 2, 1, 0}) {
			t.Errorf("prefix %q: images %v, labels %v: not the archive's order", prefix, first(d.Train), d.Train.Labels)
		}
		want := picture(3, 32, 32)
		for i := range 32 * 32 {
			c := want.RGBAAt(i%32, i/32)
			px := d.Train.Image(3)
			if px[i] != c.R || px[1024+i] != c.G || px[2048+i] != c.B {
				t.Fatalf("pixel %d: %d %d %d, want %v", i, px[i], px[1024+i], px[2048+i], c)
			}
		}
		if d.Test.Len() != 1 || d.Test.Labels[0] != 1 {
			t.Errorf("test labels %v", d.Test.Labels)
		}
	}
}

// Every kind of image gives the bytes that its At method does.
func TestImportImageKinds(t *testing.T) {
	src := picture(3, 32, 32)
	gray, gray16 := image.NewGray(src.Rect), image.NewGray16(src.Rect)
	alpha, paletted := image.NewNRGBA(src.Rect), image.NewPaletted(src.Rect, color.Palette{color.White, color.Black, color.RGBA{9, 99, 200, 255}, color.Transparent})
	for i := range 32 * 32 {
		x, y := i%32, i/32
		gray.Set(x, y, src.At(x, y))
		gray16.Set(x, y, color.Gray16{uint16(i * 61)})
		alpha.Set(x, y, color.NRGBA{uint8(i), uint8(x), uint8(y), 255})
		paletted.SetColorIndex(x, y, uint8(i%3))
	}
	for name, b := range map[string][]byte{
		"gray": pngOf(t, gray), "gray16": pngOf(t, gray16), "alpha": pngOf(t, alpha), "paletted": pngOf(t, paletted),
		"jpeg": jpegOf(t, src), "gray jpeg": jpegOf(t, gray),
	} {
		pixels, err := decode(bytes.NewReader(b), 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			img, _ = jpeg.Decode(bytes.NewReader(b))
		}
		for i := range 32 * 32 {
			r, g, b, _ := img.At(i%32, i/32).RGBA()
			if pixels[i] != uint8(r>>8) || pixels[1024+i] != uint8(g>>8) || pixels[2048+i] != uint8(b>>8) {
				t.Errorf("%s: pixel %d: %d %d %d, want %d %d %d", name, i, pixels[i], pixels[1024+i], pixels[2048+i], r>>8, g>>8, b>>8)
				break
			}
		}
	}
}

// Transparent pixels have no colour of their own: blended onto black they would
// be what nobody saw.
func TestImportTransparent(t *testing.T) {
	rect := image.Rect(0, 0, 32, 32)
	hole, faint := image.NewNRGBA(rect), image.NewNRGBA(rect)
	paletted := image.NewPaletted(rect, color.Palette{color.White, color.Transparent})
	paletted.SetColorIndex(0, 31, 1)
	for i := range 32 * 32 {
		x, y := i%32, i/32
		hole.Set(x, y, color.NRGBA{0, 0, 0, uint8(255 * min(x, 1))})
		faint.Set(x, y, color.NRGBA{uint8(i), uint8(x), uint8(y), uint8(254 + min(y, 1))})
	}
	for want, img := range map[string]image.Image{"pixel (0, 0)": hole, "pixel (0, 0) ": faint, "pixel (0, 31)": paletted} {
		_, err := decode(bytes.NewReader(pngOf(t, img)), 32)
		wantError(t, err, want, "is transparent", "background")
	}
}

// exif is the EXIF data of an image of this orientation.
func exif(orientation byte, order binary.AppendByteOrder) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00*\x00\x00\x00\x08")
	}
	b = order.AppendUint16(b, 1)      // entries
	b = order.AppendUint16(b, 0x0112) // Orientation
	b = order.AppendUint16(b, 3)      // a 16-bit number
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, uint16(orientation))
	return append(b, 0, 0, 0, 0, 0, 0)
}

// withExif adds EXIF data to a JPEG or PNG image.
func withExif(img, exif []byte) []byte {
	if bytes.HasPrefix(img, []byte("\x89PNG")) {
		chunk := append([]byte("eXIf"), exif...)
		b := binary.BigEndian.AppendUint32(bytes.Clone(img[:33]), uint32(len(exif))) // after IHDR
		b = binary.BigEndian.AppendUint32(append(b, chunk...), crc32.ChecksumIEEE(chunk))
		return append(b, img[33:]...)
	}
	segment := append([]byte("Exif\x00\x00"), exif...)
	b := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(len(segment)+2))
	return append(append(b, segment...), img[2:]...)
}

// An image is seen with its first row and its first column where EXIF's standard
// says of its orientation (section 4.6.4 A).
func TestImportOrientation(t *testing.T) {
	src := image.NewRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(src, src.Rect, image.NewUniform(color.Black), image.Point{}, draw.Src)
	draw.Draw(src, image.Rect(0, 0, 32, 8), image.NewUniform(color.RGBA{255, 0, 0, 255}), image.Point{}, draw.Over)
	draw.Draw(src, image.Rect(0, 8, 8, 32), image.NewUniform(color.RGBA{0, 255, 0, 255}), image.Point{}, draw.Over)
	sides := map[string]int{"top": 4*32 + 16, "bottom": 27*32 + 16, "left": 16*32 + 4, "right": 16*32 + 27} // pixels
	for orientation, seen := range map[byte][2]string{
		1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, img := range [][]byte{pngOf(t, src), jpegOf(t, src)} {
				pixels, err := decode(bytes.NewReader(withExif(img, exif(orientation, order))), 32)
				if err != nil {
					t.Errorf("%d: %v", orientation, err)
					continue
				}
				red, green := pixels[:32*32], pixels[32*32:2*32*32]
				if red[sides[seen[0]]] < 150 || green[sides[seen[1]]] < 150 {
					t.Errorf("orientation %d, %v: the first row is not at the %s, or the first column not at the %s", orientation, order, seen[0], seen[1])
				}
			}
		}
	}
	_, err := decode(bytes.NewReader(withExif(jpegOf(t, src), exif(9, binary.LittleEndian))), 32)
	wantError(t, err, "EXIF data", "orientation 9")
}

// What other packages have registered with package image is not tried.
func TestImportTriesNoOtherFormat(t *testing.T) {
	const magic = "II*\x00 registered"
	tried := false
	image.RegisterFormat("trap", magic,
		func(io.Reader) (image.Image, error) { tried = true; return picture(0, 32, 32), nil },
		func(io.Reader) (image.Config, error) {
			tried = true
			return image.Config{Width: 32, Height: 32}, nil
		})
	_, err := decode(strings.NewReader(magic), 32)
	wantError(t, err, "neither a JPEG nor a PNG")
	if tried {
		t.Error("tried")
	}
}

// fairness returns how far the classes' counts among the first n labels are
// from equal, in standard deviations of chi-squared.
func fairness(labels []int32, classes, n int) float64 {
	counts := make([]int, classes)
	for _, l := range labels[:n] {
		counts[l]++
	}
	return chiSquared(counts)
}

func TestImportOrder(t *testing.T) {
	dir := t.TempDir()
	a := newArchive(t)
	img := pngOf(t, picture(0, 32, 32))
	for _, split := range []string{"train", "test"} {
		for class := range 5 {
			for i := range 60 {
				path := fmt.Sprintf("%s/class%d/%04d.png", split, class, i)
				writeFile(t, filepath.Join(dir, path), img)
				a.file(path, img)
			}
		}
	}
	writeFile(t, filepath.Join(dir, "train", "stray.jpg"), nil)
	folder, sorted := importSet(t, dir), importSet(t, writeArchive(t, a.tar()))
	if folder.Name != filepath.Base(dir) {
		t.Errorf("name %q", folder.Name)
	}
	for name, labels := range map[string][]int32{"folder": folder.Train.Labels, "sorted archive": sorted.Train.Labels, "test": folder.Test.Labels} {
		if len(labels) != 300 {
			t.Errorf("%s: %d images", name, len(labels))
		}
		for _, n := range []int{50, 150} {
			if z := fairness(labels, 5, n); !(math.Abs(z) <= 3.5) {
				t.Errorf("%s: the first %d images are no fair sample (%.1f)", name, n, z)
			}
		}
	}
	if !slices.Equal(folder.Train.Labels, sorted.Train.Labels) {
		t.Error("a folder and its archive give different orders")
	}
	if slices.Equal(folder.Train.Labels, folder.Test.Labels) {
		t.Error("train and test have the same order")
	}
}

// Images may have any size, and labels two bytes.
func TestImportOfAnySize(t *testing.T) {
	for _, c := range []struct{ side, classes, labelBytes int }{{1, 2, 1}, {7, 256, 1}, {48, 3, 1}, {64, 257, 2}, {8, 1000, 2}} {
		a := newArchive(t)
		var want []byte                // of data_batch_1.bin
		for i := range 2 * c.classes { // not class by class, so that they stay in order
			k := (i*7 + 3) % c.classes // which goes through all classes
			img := picture(k, c.side, c.side)
			a.file(fmt.Sprintf("train/class%04d/%d.png", k, i), pngOf(t, img))
			want = append(want, byte(k))
			if c.labelBytes == 2 {
				want = append(want, byte(k>>8))
			}
			for plane := range 3 {
				for p := range c.side * c.side {
					color := img.RGBAAt(p%c.side, p/c.side)
					want = append(want, []byte{color.R, color.G, color.B}[plane])
				}
			}
		}
		a.file("test/class0001/1.png", pngOf(t, picture(5, c.side, c.side)))
		dir := filepath.Join(t.TempDir(), "set")
		if err := importTo(t.Context(), writeArchive(t, a.gz()), ImportOptions{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "data_batch_1.bin")); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%+v: %d bytes, want %d others: %v", c, len(got), len(want), err)
		}
		d, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if d.Train.Side != c.side || len(d.Train.Classes) != c.classes || d.Test.Labels[0] != 1 {
			t.Errorf("%+v: side %d, %d classes, label %d", c, d.Train.Side, len(d.Train.Classes), d.Test.Labels[0])
		}
		record := c.labelBytes + 3*c.side*c.side
		for i, l := range d.Train.Labels {
			if int(l) != (i*7+3)%c.classes || !bytes.Equal(d.Train.Image(i), want[i*record+c.labelBytes:(i+1)*record]) {
				t.Fatalf("%+v: image %d: label %d, or other pixels", c, i, l)
			}
		}
	}
}

// An import that names no folder has one of its own, where its name finds it.
func TestImportIntoTheCache(t *testing.T) {
	useCache(t)
	for _, name := range []string{"pets", "my pets/2024", "..", "c:\\pets"} {
		dir, err := Import(t.Context(), writeArchive(t, smallest(t).gz()), ImportOptions{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		home, _ := cifar10.Home()
		if filepath.Dir(dir) != filepath.Dir(home) || dir == home {
			t.Errorf("%q is in %s", name, dir)
		}
		p, err := Find(name, "")
		if err != nil || p.Dir != dir || p.Name != name || p.Train != 1 || p.Test != 1 {
			t.Errorf("%q: %+v, %v, want it in %s", name, p, err, dir)
		}
		if _, err := Find(name, filepath.Dir(dir)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"cifar-10-batches-bin", "CIFAR-10-batches-bin"} {
		err := importTo(t.Context(), writeArchive(t, smallest(t).gz()), ImportOptions{Name: name})
		wantError(t, err, name, "the folder of CIFAR-10")
	}
	if _, err := FindIn(""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an import is taken for CIFAR-10: %v", err)
	}
}

// More than 10,000 training images go to several files.
func TestImportBatchFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 60 MB")
	}
	a := newArchive(t)
	images := [][]byte{pngOf(t, picture(1, 32, 32)), pngOf(t, picture(2, 32, 32))}
	for i := range 10_003 {
		a.file(fmt.Sprintf("train/%c/%d.png", 'a'+i%2, i), images[i%2])
	}
	a.file("test/a/0.png", images[0])
	dir := filepath.Join(t.TempDir(), "set")
	var done, total int64
	err := importTo(t.Context(), writeArchive(t, a.tar()), ImportOptions{Dir: dir, Name: "big", Progress: func(d, n int64) { done, total = d, n }})
	if err != nil {
		t.Fatal(err)
	}
	if done != 10_004 || total != 10_004 {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	wantOnly(t, dir, cifar10.layout.classes, cifar10.layout.trainFile(0), cifar10.layout.trainFile(1), sourceFile, cifar10.layout.test)
	d, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range d.Train.Labels {
		if int(l) != i%2 || int32(d.Train.Image(i)[0]) != l+1 {
			t.Fatalf("image %d: label %d, pixel %d", i, l, d.Train.Image(i)[0])
		}
	}
}

// smallest is an archive of as few images as a set can have.
func smallest(t *testing.T) *archive {
	img := pngOf(t, picture(0, 32, 32))
	return newArchive(t).file("train/cat/1.png", img).file("test/cat/1.png", img)
}

func TestImportRefusesArchives(t *testing.T) {
	img := pngOf(t, picture(0, 32, 32))
	good := func() *archive { return smallest(t) }
	var animated bytes.Buffer
	gif.Encode(&animated, picture(0, 32, 32), nil)
	many := good()
	for i := range 1000 {
		many.file(fmt.Sprintf("train/class%d/1.png", i), img)
	}
	bomb := pngOf(t, picture(0, 32, 32))
	copy(bomb[16:24], []byte{0, 1, 0, 0, 0, 1, 0, 0}) // 65536×65536, the header's checksum is wrong now
	for name, c := range map[string]struct {
		content []byte
		want    []string
	}{
		"size":           {good().file("train/cat/2.jpg", jpegOf(t, picture(0, 33, 32))).gz(), []string{"train/cat/2.jpg", "33×32 pixels, want 32×32 as the first image has"}},
		"no square":      {newArchive(t).file("train/cat/1.png", pngOf(t, picture(0, 48, 32))).file("test/cat/1.png", img).gz(), []string{"train/cat/1.png", "48×32 pixels, want squares of at most 64×64"}},
		"too large":      {newArchive(t).file("train/cat/1.png", pngOf(t, picture(0, 65, 65))).file("test/cat/1.png", img).gz(), []string{"65×65 pixels, want squares of at most 64×64"}},
		"bomb":           {good().file("train/cat/2.png", bomb).gz(), []string{"train/cat/2.png"}},
		"cut image":      {good().file("train/cat/2.png", img[:len(img)/2]).gz(), []string{"train/cat/2.png"}},
		"no image":       {good().file("train/cat/2.png", []byte("hello")).gz(), []string{"train/cat/2.png", "neither a JPEG nor a PNG"}},
		"empty image":    {good().file("train/cat/2.png", nil).gz(), []string{"train/cat/2.png"}},
		"gif inside":     {good().file("train/cat/2.png", animated.Bytes()).gz(), []string{"train/cat/2.png"}},
		"long image":     {good().file("train/cat/2.png", make([]byte, 1<<20+1)).gz(), []string{"train/cat/2.png", "more than 1048576 bytes"}},
		"other file":     {good().file("train/cat/2.gif", animated.Bytes()).gz(), []string{"train/cat/2.gif is neither .jpg"}},
		"1,001 classes":  {many.gz(), []string{"1001 classes", "at most 1000"}},
		"unknown class":  {good().file("test/dog/1.png", img).gz(), []string{"test/dog/1.png", `"dog" has no images in train`}},
		"odd class":      {good().file("train/a\nb/1.png", img).gz(), []string{"no proper path"}},
		"long class":     {good().file("train/"+strings.Repeat("x", 81)+"/1.png", img).gz(), []string{"class name", "printable"}},
		"no test":        {newArchive(t).file("train/cat/1.png", img).gz(), []string{"0 images at test/CLASS/"}},
		"nothing":        {newArchive(t).file("a/b.png", img).gz(), []string{"0 images at train/CLASS/"}},
		"two sets":       {good().file("b/train/cat/1.png", img).gz(), []string{"not in the same folder"}},
		"folder":         {good().file("train/cat/more/2.png", img).gz(), []string{`"train/cat/more" is a folder within a class`}},
		"twice":          {good().file("train/cat/1.png", img).gz(), []string{"train/cat/1.png is in it twice"}},
		"leads outside":  {good().file("../train/cat/2.png", img).gz(), []string{"leads outside"}},
		"link":           {good().add(tar.Header{Name: "train/cat/2.png", Linkname: "1.png", Typeflag: tar.TypeSymlink}, nil).gz(), []string{"link or a device"}},
		"cut archive":    {good().tar()[:1500], []string{"unexpected EOF"}},
		"not an archive": {[]byte("nothing"), []string{"not a sound tar or tar.gz"}},
		"zip":            {[]byte("PK\x03\x04 zip"), []string{"a zip archive, want .tar or .tar.gz: unpack it"}},
		"xz":             {[]byte("\xfd7zXZ\x00..."), []string{"compressed with xz, want .tar or .tar.gz"}},
		"bzip2":          {[]byte("BZh91AY&SY"), []string{"compressed with bzip2, want .tar or .tar.gz"}},
		"web page":       {[]byte("\ufeff<!DOCTYPE html>"), []string{"a web page, want"}},
		"gzip's sum":     {flipped(good().gz(), len(good().gz())-8), []string{"gzip: invalid checksum"}},
		"holes":          {good().sparse("train/cat/2.png", 100).gz(), []string{"train/cat/2.png", "a file with holes"}},
		"webp inside":    {good().file("train/cat/2.png", []byte("RIFF....WEBP")).gz(), []string{"neither a JPEG nor a PNG"}},
		"LFS pointer":    {good().file("train/cat/2.png", []byte("version https://git-lfs.github.com/spec/v1\n")).gz(), []string{"train/cat/2.png", "a pointer of Git LFS"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := importTo(t.Context(), writeArchive(t, c.content), ImportOptions{Dir: filepath.Join(dir, "set")})
			wantError(t, err, append(c.want, "pets.tar.gz")...)
			wantOnly(t, dir)
		})
	}
}

func TestImportRefuses(t *testing.T) {
	from := writeArchive(t, smallest(t).gz())
	t.Run("name", func(t *testing.T) {
		for _, name := range []string{"cifar10", "made-up", "two\nlines", " x", strings.Repeat("x", 100)} {
			err := importTo(t.Context(), from, ImportOptions{Dir: filepath.Join(t.TempDir(), "set"), Name: name})
			wantError(t, err, "name ")
		}
	})
	t.Run("missing source", func(t *testing.T) {
		err := importTo(t.Context(), filepath.Join(t.TempDir(), "none"), ImportOptions{Dir: filepath.Join(t.TempDir(), "set")})
		wantError(t, err, "none")
	})
	t.Run("target holds a set", func(t *testing.T) {
		dir := t.TempDir()
		writeSet(t, dir)
		before, _ := Load(dir)
		wantError(t, importTo(t.Context(), from, ImportOptions{Dir: dir}), `already holds a data set, "pets"`)
		if after, err := Load(dir); err != nil || after.Train.Fingerprint() != before.Train.Fingerprint() {
			t.Error("the old set was touched")
		}
	})
}

func TestImportRefusesFolders(t *testing.T) {
	img, small := pngOf(t, picture(0, 32, 32)), pngOf(t, picture(0, 16, 16))
	for want, files := range map[string]map[string][]byte{
		"want images at train/CLASS/ and test/CLASS/": {"train/cat/1.png": img},
		"test/cat/1.png: 32×32 pixels, want 16×16":    {"train/cat/1.png": small, "test/cat/1.png": img},
		"train/cat/readme.txt is neither .jpg":        {"train/cat/1.png": img, "test/cat/1.png": img, "train/cat/readme.txt": nil},
		`"test/cat/a" is a folder within a class`:     {"train/cat/1.png": img, "test/cat/1.png": img, "test/cat/a/b/2.png": img},
	} {
		dir := t.TempDir()
		for name, content := range files {
			writeFile(t, filepath.Join(dir, name), content)
		}
		wantError(t, importTo(t.Context(), dir, ImportOptions{Dir: filepath.Join(t.TempDir(), "set")}), want)
	}
}

func TestImportCancelled(t *testing.T) {
	img := pngOf(t, picture(0, 32, 32))
	folder := t.TempDir()
	a := newArchive(t)
	for _, p := range []string{"train/cat/1.png", "train/dog/1.png", "train/cat/2.png", "test/cat/1.png"} {
		writeFile(t, filepath.Join(folder, p), img)
		a.file(p, img)
	}
	for _, from := range []string{folder, writeArchive(t, a.tar())} {
		ctx, cancel := context.WithCancel(t.Context())
		dir := t.TempDir()
		err := importTo(ctx, from, ImportOptions{Dir: filepath.Join(dir, "set"), Progress: func(done, total int64) { cancel() }})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		wantOnly(t, dir)
		cancel()
	}
}

// An image that is gone before its turn leaves no hole in the set.
func TestImportOfAVanishingImage(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	for _, p := range []string{"train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "test/dog/1.png"} {
		writeFile(t, filepath.Join(folder, p), pngOf(t, picture(0, 32, 32)))
	}
	set := filepath.Join(dir, "set")
	unlock, err := lock(t.Context(), set, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = importTo(t.Context(), folder, ImportOptions{Dir: set, Waiting: func(string) { // when all images are listed
		os.Remove(filepath.Join(folder, "test/dog/1.png"))
		unlock()
	}})
	wantError(t, err, "test/dog/1.png: the source has changed during the import")
	wantOnly(t, dir)
}

// A draft of a process that was killed long ago is cleared away, one that may
// be in use is not.
func TestStaleDrafts(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "set")
	old, err := newDraft(target)
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(old.dir, long, long); err != nil {
		t.Fatal(err)
	}
	current, err := newDraft(target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newDraft(target); err != nil {
		t.Fatal(err)
	}
	if isFolder(old.dir) || !isFolder(current.dir) {
		t.Errorf("old draft there: %v, current draft there: %v", isFolder(old.dir), isFolder(current.dir))
	}
}

// The set's folder may have any name; the drafts of another are none of its own.
func TestOddFolderNames(t *testing.T) {
	dir := t.TempDir()
	others, err := newDraft(filepath.Join(dir, "set1"))
	if err != nil {
		t.Fatal(err)
	}
	stale, err := newDraft(filepath.Join(dir, "set[1]"))
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * staleAfter)
	for _, d := range []*draft{others, stale} {
		if err := os.Chtimes(d.dir, long, long); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"set[1]", "set?", "set*", `set\1`} {
		if err := importTo(t.Context(), writeArchive(t, smallest(t).gz()), ImportOptions{Dir: filepath.Join(dir, name)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Load(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if !isFolder(others.dir) {
		t.Error("the draft of set1 is gone")
	}
	if isFolder(stale.dir) {
		t.Error("the stale draft of set[1] is left")
	}
}

// FuzzDecode decodes arbitrary bytes as an image.
func FuzzDecode(f *testing.F) {
	for _, img := range [][]byte{pngOf(f, picture(0, 32, 32)), jpegOf(f, picture(0, 32, 32))} {
		f.Add(img)
		f.Add(withExif(img, exif(6, binary.LittleEndian)))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		pixels, err := decode(bytes.NewReader(content), 0)
		if most := imageBytes(MaxSide); len(pixels) > most {
			t.Errorf("%d bytes, want at most %d", len(pixels), most)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error has several lines: %q", err)
		}
	})
}

// FuzzImport imports arbitrary archives: an error or a sound set.
func FuzzImport(f *testing.F) {
	img := pngOf(f, picture(0, 32, 32))
	good := func() *archive {
		return newArchive(f).file("train/cat/1.png", img).file("test/cat/1.png", img)
	}
	f.Add(good().tar())
	f.Add(good().gz())
	f.Add(good().file("train/dog/1.jpg", jpegOf(f, picture(0, 32, 32))).tar())
	f.Add(good().file("../train/dog/1.jpg", nil).tar())
	dir := f.TempDir()
	from, target := filepath.Join(dir, "a.tar"), filepath.Join(dir, "set")
	f.Fuzz(func(t *testing.T, content []byte) {
		writeFile(t, from, content)
		os.RemoveAll(target)
		if err := importTo(t.Context(), from, ImportOptions{Dir: target}); err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has several lines: %q", err)
			}
			wantOnly(t, dir, "a.tar")
			return
		}
		wantOnly(t, dir, "a.tar", "set")
		if _, err := Load(target); err != nil {
			t.Error(err)
		}
	})
}
