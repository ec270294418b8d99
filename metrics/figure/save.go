package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"largestep/metrics/atomicfile"
)

// In dots per inch.
const (
	pngResolution   = 200
	smallResolution = 100
)

// formats are those that a figure can be drawn in.
var formats = []string{".png", ".svg", ".pdf"}

// Files are the files of a figure in a folder, of each format.
func Files(dir, name string) []string {
	var files []string
	for _, format := range formats {
		files = append(files, filepath.Join(dir, name+format))
	}
	return files
}

// checkFile tells whether a figure can be drawn into a file of this name.
func checkFile(file string) error {
	if slices.Contains(formats, extension(file)) {
		return nil
	}
	return fmt.Errorf("%s: cannot draw that format: name a .png, .svg or .pdf file", file)
}

func extension(file string) string { return strings.ToLower(filepath.Ext(file)) }

// canvas makes one for a file that checkFile approved.
func canvas(file string, width, height vg.Length) vg.CanvasWriterTo {
	switch extension(file) {
	case ".svg":
		return vgsvg.New(width, height)
	case ".pdf":
		return pdfCanvas{vgpdf.New(width, height)}
	}
	return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(pngResolution))}
}

// pdfCanvas corrects translucent colours, which vgpdf takes to be without the
// factor of their opacity.
type pdfCanvas struct{ *vgpdf.Canvas }

func (c pdfCanvas) SetColor(clr color.Color) { c.Canvas.SetColor(straight{clr}) }

type straight struct{ color.Color }

func (s straight) RGBA() (r, g, b, a uint32) {
	c := color.NRGBA64Model.Convert(s.Color).(color.NRGBA64)
	return uint32(c.R), uint32(c.G), uint32(c.B), uint32(c.A)
}

func (f figure) save(files []string) error {
	if err := f.check(); err != nil {
		return err
	}
	for _, column := range f.Columns {
		if err := f.checkRange(column, f.YRange); err != nil {
			return err
		}
	}
	return save(f.size, f.draw, files)
}

// picture is the figure as a small PNG.
func (f figure) picture() ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	width, height := f.size()
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(smallResolution))}
	f.draw(draw.New(c))
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	return b.Bytes(), err
}

// save draws a picture of the given size into all files.
func save(size func() (width, height vg.Length), picture func(draw.Canvas), files []string) error {
	for _, file := range files {
		if err := checkFile(file); err != nil {
			return err
		}
	}
	width, height := size()
	for _, file := range files {
		c := canvas(file, width, height)
		picture(draw.New(c))
		err := atomicfile.Write(file, func(w io.Writer) error {
			_, err := c.WriteTo(w)
			return err
		})
		if err != nil {
			return fmt.Errorf("drawing: %w", err)
		}
	}
	return nil
}
