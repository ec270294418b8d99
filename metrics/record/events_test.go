package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// event is a decoded Event message.
type event struct {
	wall    float64
	step    int
	version string
	scalars map[string]float32
}

// crc32c works bit by bit, with the reflected polynomial 0x82f63b78.
func crc32c(b []byte) uint32 {
	crc := ^uint32(0)
	for _, v := range b {
		crc ^= uint32(v)
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0x82f63b78
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}

func unmask(crc uint32) uint32 {
	crc -= 0xa282ead8
	return crc>>17 | crc<<15
}

// decodeEvents reads an event file by the formats' descriptions alone.
func decodeEvents(b []byte) ([]event, error) {
	var events []event
	for len(b) > 0 {
		if len(b) < 16 || crc32c(b[:8]) != unmask(binary.LittleEndian.Uint32(b[8:])) {
			return nil, fmt.Errorf("event %d: bad length", len(events))
		}
		n := binary.LittleEndian.Uint64(b)
		if uint64(len(b)-16) < n {
			return nil, fmt.Errorf("event %d: cut", len(events))
		}
		data, sum := b[12:12+n], b[12+n:16+n]
		if crc32c(data) != unmask(binary.LittleEndian.Uint32(sum)) {
			return nil, fmt.Errorf("event %d: bad data", len(events))
		}
		var e event
		err := fields(data, func(field int, v uint64, sub []byte) error {
			switch field {
			case 1:
				e.wall = math.Float64frombits(v)
			case 2:
				e.step = int(v)
			case 3:
				e.version = string(sub)
			case 5:
				e.scalars = map[string]float32{}
				return fields(sub, func(_ int, _ uint64, value []byte) error {
					var tag string
					return fields(value, func(field int, v uint64, sub []byte) error {
						if field == 1 {
							tag = string(sub)
						} else {
							e.scalars[tag] = math.Float32frombits(uint32(v))
						}
						return nil
					})
				})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		events = append(events, e)
		b = b[16+n:]
	}
	return events, nil
}

// fields calls f for each field of a protobuf message.
func fields(b []byte, f func(field int, v uint64, sub []byte) error) error {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		b = b[n:]
		var v uint64
		var sub []byte
		switch key & 7 {
		case 0:
			v, n = binary.Uvarint(b)
		case 1:
			v, n = binary.LittleEndian.Uint64(b), 8
		case 2:
			length, m := binary.Uvarint(b)
			sub, n = b[m:m+int(length)], m+int(length)
		case 5:
			v, n = uint64(binary.LittleEndian.Uint32(b)), 4
		default:
			return fmt.Errorf("wire type %d", key&7)
		}
		if err := f(int(key>>3), v, sub); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func TestEvents(t *testing.T) {
	start := time.Unix(1700000000, 250e6)
	w, err := CreateEvents(t.TempDir(), start)
	check(t, err)
	if !strings.HasPrefix(w.Name(), "events.out.tfevents.1700000000.") {
		t.Errorf("name %s", w.Name())
	}
	check(t, w.scalars(300, start.Add(time.Second), scalar{"loss/batch", 0.5}, scalar{strings.Repeat("x", 300), math.NaN()}))
	check(t, w.Row(Row{Step: 1 << 40, TestError: 0.25, Own: []float64{0.75, 1}}, []string{"active_1", "rank"}, start))
	wantError(t, w.Row(Row{}, []string{"active_1"}, start), "0 values for the net's 1 columns")
	size, err := w.Sync()
	check(t, err)
	path := w.f.Name()
	check(t, w.Close())
	b := fileBytes(t, path)
	if int64(len(b)) != size {
		t.Errorf("%d bytes, Sync said %d", len(b), size)
	}
	events, err := decodeEvents([]byte(b))
	check(t, err)
	if len(events) != 3 || events[0].version != "brain.Event:2" || events[0].wall != 1700000000.25 {
		t.Fatalf("events %v", events)
	}
	if e := events[1]; e.step != 300 || e.wall != 1700000001.25 || e.scalars["loss/batch"] != 0.5 || len(e.scalars) != 2 {
		t.Errorf("scalars %v", e)
	}
	if e := events[2]; e.step != 1<<40 || e.scalars["error/test"] != 0.25 || e.scalars["active/1"] != 0.75 || e.scalars["rank"] != 1 {
		t.Errorf("row %v", e)
	}
}

// What a row has no value of has no point in a chart; what diverged has.
func TestEventsLeaveOutWhatThereIsNot(t *testing.T) {
	w, err := CreateEvents(t.TempDir(), time.Unix(1700000000, 0))
	check(t, err)
	nan := math.NaN()
	check(t, w.Row(Row{BatchLoss: nan, TrainLoss: 2.3, TestLoss: 2.4, TestError: nan, Own: []float64{nan, 1}}, []string{"gap", "rank"}, time.Now()))
	check(t, w.Row(Row{BatchLoss: nan, TrainLoss: nan}, nil, time.Now()))
	path := w.f.Name()
	check(t, w.Close())
	events, err := decodeEvents([]byte(fileBytes(t, path)))
	check(t, err)
	first, diverged := events[1].scalars, events[2].scalars
	for tag, want := range map[string]bool{"loss/batch": false, "loss/train": true, "loss/test": true, "error/test": false, "gap": false, "rank": true} {
		if _, has := first[tag]; has != want {
			t.Errorf("%s is there: %v", tag, has)
		}
	}
	if v, has := diverged["loss/batch"]; !has || v == v {
		t.Errorf("diverged: loss/batch is %v", v)
	}
}

func TestEventsResumeAfterACutAnywhere(t *testing.T) {
	now := time.Unix(1700000000, 0)
	w, err := CreateEvents(t.TempDir(), now)
	check(t, err)
	path := w.f.Name()
	check(t, w.scalars(1, now, scalar{"a", 1}))
	size, err := w.Sync()
	check(t, err)
	check(t, w.scalars(2, now, scalar{"a", 2}))
	check(t, w.Close())
	want := fileBytes(t, path)
	for n := int(size); n <= len(want); n++ {
		check(t, os.WriteFile(path, []byte(want[:n]), 0o666))
		w, err := ResumeEvents(path, size, now)
		check(t, err)
		check(t, w.scalars(2, now, scalar{"a", 2}))
		check(t, w.Close())
		if fileBytes(t, path) != want {
			t.Fatalf("cut at %d: another file", n)
		}
	}
	for n := int64(1); n < size; n++ {
		if _, err := ResumeEvents(path, n, now); err == nil && n != firstRecord(want) {
			t.Errorf("size %d: no error", n)
			check(t, os.WriteFile(path, []byte(want), 0o666))
		}
	}
	check(t, os.WriteFile(path, []byte(want[:size-1]), 0o666))
	_, err = ResumeEvents(path, size, now)
	wantError(t, err, "checkpoint was taken at")
	check(t, os.WriteFile(path, bytes.Repeat([]byte{'x'}, 100), 0o666))
	_, err = ResumeEvents(path, 100, now)
	wantError(t, err, "wrong checksum at byte 0")
	w, err = ResumeEvents(path, 0, now)
	check(t, err)
	check(t, w.Close())
	if events, err := decodeEvents([]byte(fileBytes(t, path))); err != nil || len(events) != 1 {
		t.Errorf("started over: %v, %v", events, err)
	}
}

func firstRecord(file string) int64 { return int64(binary.LittleEndian.Uint64([]byte(file))) + 16 }

func TestTag(t *testing.T) {
	for column, want := range map[string]string{"active_1": "active/1", "active_12": "active/12", "l0": "l0", "rank": "rank", "_1": "_1", "a_b": "a_b", "7": "7"} {
		if got := tag(column); got != want {
			t.Errorf("%s: got %s, want %s", column, got, want)
		}
	}
}

func FuzzCheckRecords(f *testing.F) {
	frame := binary.LittleEndian.AppendUint64(nil, 1)
	frame = binary.LittleEndian.AppendUint32(frame, maskedCRC(frame))
	f.Add(append(frame, "x1234"...))
	f.Fuzz(func(t *testing.T, b []byte) { checkRecords(bytes.NewReader(b)) })
}

func TestWriteErrorStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), StepsFile)
	w, err := ResumeSteps(path, 0, "")
	check(t, err)
	w.f.Close() // the disk goes away
	for range 1000 {
		err = w.Append(StepRow{})
	}
	if err == nil {
		t.Error("Append: no error")
	}
	if _, err := w.Sync(); err == nil {
		t.Error("Sync: no error")
	}
	if err := w.Close(); err == nil {
		t.Error("Close: no error")
	}
}
