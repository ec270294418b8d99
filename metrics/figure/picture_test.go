package figure

import (
	"bytes"
	"image/png"
	"math"
	"testing"

	"largestep/metrics/record"
)

// A picture is the same each time, half as large as a file's, and of a run without
// numbers there is none.
func TestPicture(t *testing.T) {
	runs := []*record.Run{run(1.5, 0.3, 100)}
	picture, err := Picture(runs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[any]bool{}
	for x := range img.Bounds().Dx() {
		for y := range img.Bounds().Dy() {
			colours[img.At(x, y)] = true
		}
	}
	if w := img.Bounds().Dx(); w != 690 || len(colours) < 20 || len(picture) > 60_000 {
		t.Errorf("%d pixels wide, %d colours, %d bytes", w, len(colours), len(picture))
	}
	if again, err := Picture(runs, Options{}); err != nil || !bytes.Equal(again, picture) {
		t.Errorf("another picture: %v", err)
	}
	runs[0].Rows = runs[0].Rows[:1]
	runs[0].Rows[0].TrainLoss, runs[0].Rows[0].TestError, runs[0].Rows[0].TestLoss = math.NaN(), math.NaN(), math.NaN()
	if _, err := Picture(runs, Options{}); err == nil {
		t.Error("of no numbers: no error")
	}
}
