package record

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"
	"time"
)

// node is a field of a protobuf message of which nothing is known but its bytes.
type node struct {
	number uint64
	bytes  []byte
}

// message is all fields of one, by their numbers.
func message(t *testing.T, b []byte) map[int][]node {
	t.Helper()
	all := map[int][]node{}
	check(t, fields(b, func(field int, v uint64, sub []byte) error {
		all[field] = append(all[field], node{v, sub})
		return nil
	}))
	return all
}

// within follows field numbers, each of which occurs once.
func within(t *testing.T, b []byte, path ...int) node {
	t.Helper()
	last := node{bytes: b}
	for _, field := range path {
		found := message(t, last.bytes)[field]
		if len(found) != 1 {
			t.Fatalf("field %d of %v occurs %d times in %q", field, path, len(found), last.bytes)
		}
		last = found[0]
	}
	return last
}

// summaries are the Summary.Values of a file's events, by their tags.
func summaries(t *testing.T, path string) map[string][]byte {
	t.Helper()
	of := map[string][]byte{}
	for b := []byte(fileBytes(t, path)); len(b) > 0; {
		n := binary.LittleEndian.Uint64(b)
		for _, summary := range message(t, b[12:12+n])[5] {
			for _, value := range message(t, summary.bytes)[1] {
				of[string(within(t, value.bytes, 1).bytes)] = value.bytes
			}
		}
		b = b[16+n:]
	}
	return of
}

func double(n node) float64 { return math.Float64frombits(n.number) }

// The numbers of the fields are those of tensorboard/plugins/hparams/plugin_data.proto,
// of google/protobuf/struct.proto, and of TensorFlow's summary.proto and tensor.proto.
func TestBeginAndEnd(t *testing.T) {
	start := time.Unix(1700000000, 0)
	w, err := CreateEvents(t.TempDir(), start)
	check(t, err)
	check(t, w.Begin(map[string]Setting{"step_size": 0.5, "net": "relu", "augment": false}, "the config", start))
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	img.Set(1, 1, color.White)
	var picture bytes.Buffer
	check(t, png.Encode(&picture, img))
	check(t, w.End(7, Diverged, picture.Bytes(), start.Add(time.Minute)))
	if err := w.End(7, Finished, []byte("no PNG"), start); err == nil {
		t.Error("a picture that is none: no error")
	}
	check(t, w.Close())
	of := summaries(t, w.f.Name())

	begin := of["_hparams_/session_start_info"]
	if plugin := within(t, begin, 9, 1, 1).bytes; string(plugin) != "hparams" {
		t.Errorf("plugin %q", plugin)
	}
	info := within(t, begin, 9, 1, 2, 3).bytes
	if at := double(within(t, info, 5)); at != 1.7e9 {
		t.Errorf("start at %g", at)
	}
	settings := map[string][]byte{}
	for _, entry := range message(t, info)[1] {
		settings[string(within(t, entry.bytes, 1).bytes)] = within(t, entry.bytes, 2).bytes
	}
	if v := double(within(t, settings["step_size"], 2)); v != 0.5 || len(settings) != 3 {
		t.Errorf("step_size %g of %d settings", v, len(settings))
	}
	if v := within(t, settings["net"], 3).bytes; string(v) != "relu" {
		t.Errorf("net %q", v)
	}
	if v := within(t, settings["augment"], 4).number; v != 0 {
		t.Errorf("augment %d", v)
	}

	end := within(t, of["_hparams_/session_end_info"], 9, 1, 2, 4).bytes
	if status, at := within(t, end, 1).number, double(within(t, end, 2)); status != 2 || at != 1.7e9+60 {
		t.Errorf("end: status %d at %g", status, at)
	}
	if text := within(t, of["config"], 8, 8).bytes; string(text) != "the config" {
		t.Errorf("text %q", text)
	}
	if plugin := within(t, of["config"], 9, 1, 1).bytes; string(plugin) != "text" {
		t.Errorf("plugin of the text: %q", plugin)
	}
	curves := within(t, of["curves"], 4).bytes
	if height, width := within(t, curves, 1).number, within(t, curves, 2).number; height != 2 || width != 3 {
		t.Errorf("a picture of %d×%d", width, height)
	}
	if !bytes.Equal(within(t, curves, 4).bytes, picture.Bytes()) {
		t.Error("another picture")
	}
}

func TestHistogramEvents(t *testing.T) {
	w, err := CreateEvents(t.TempDir(), time.Unix(1700000000, 0))
	check(t, err)
	h, ok := NewHistogram("weights/w", []float64{-1, 0, 0, 2})
	if !ok {
		t.Fatal("not made")
	}
	check(t, w.Histograms(3, []Histogram{h}, time.Now()))
	check(t, w.Histograms(4, nil, time.Now()))
	check(t, w.Close())
	histo := within(t, summaries(t, w.f.Name())["weights/w"], 5).bytes
	for field, want := range map[int]float64{1: -1, 2: 2, 3: 4, 4: 1, 5: 5} {
		if got := double(within(t, histo, field)); got != want {
			t.Errorf("field %d: %g, want %g", field, got, want)
		}
	}
	limits, counts := within(t, histo, 6).bytes, within(t, histo, 7).bytes
	if len(limits) != 8*HistogramBins || len(counts) != len(limits) {
		t.Fatalf("%d and %d bytes", len(limits), len(counts))
	}
	at := func(b []byte, k int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b[8*k:])) }
	if at(limits, 0) != -0.9 || at(limits, HistogramBins-1) != 2 {
		t.Errorf("limits from %g to %g", at(limits, 0), at(limits, HistogramBins-1))
	}
	for k, want := range map[int]float64{0: 1, 5: 0, 10: 2, 29: 1} { // 0 is at the lower end of bin 10
		if at(counts, k) != want {
			t.Errorf("bin %d: %g, want %g", k, at(counts, k), want)
		}
	}
}
