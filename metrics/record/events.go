package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A scalar is one point of a TensorBoard chart. Charts whose tags share the
// part before the slash are grouped.
type scalar struct {
	tag   string
	value float64
}

// An EventWriter appends summaries to a TensorBoard event file: a TFRecord file
// (https://www.tensorflow.org/tutorials/load_data/tfrecord) of Event messages
// (tensorflow/core/util/event.proto).
type EventWriter struct{ *appender }

// CreateEvents makes an event file in the folder, named after the time and the
// host as TensorBoard wants it.
func CreateEvents(dir string, now time.Time) (*EventWriter, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	a, err := create(filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.%s", now.Unix(), host)))
	if err != nil {
		return nil, err
	}
	return startEvents(a, now)
}

// ResumeEvents opens an event file to go on after its first size bytes, as
// Sync returned them, and cuts off the rest. A size of 0 starts over.
func ResumeEvents(path string, size int64, now time.Time) (*EventWriter, error) {
	a, err := resume(path, size, "", func(r *io.SectionReader) error { return checkRecords(r) })
	if err != nil {
		return nil, err
	}
	return startEvents(a, now)
}

func startEvents(a *appender, now time.Time) (*EventWriter, error) {
	e := &EventWriter{a}
	if a.size > 0 {
		return e, nil
	}
	err := e.record(appendBytes(appendWallTime(nil, now), 3, []byte("brain.Event:2"))) // Event.file_version
	if err == nil {
		err = e.flush()
	}
	if err != nil {
		a.f.Close()
		return nil, err
	}
	return e, nil
}

// Name is the file's name without its folder, for a checkpoint to note.
func (e *EventWriter) Name() string { return filepath.Base(e.f.Name()) }

// scalars appends one event.
func (e *EventWriter) scalars(step int, now time.Time, scalars ...scalar) error {
	var list [][]byte
	for _, s := range scalars {
		list = append(list, scalarValue(s))
	}
	return e.values(step, now, list...)
}

// Row appends the numbers of an evaluation; net names the elements of r.Own. A
// value that there is not, such as the mini-batch loss before the first step or
// the test error of a regression, is NaN in a table, and has no point in a chart.
func (e *EventWriter) Row(r Row, net []string, now time.Time) error {
	if len(net) != len(r.Own) {
		return fmt.Errorf("%s: a row with %d values for the net's %d columns", e.f.Name(), len(r.Own), len(net))
	}
	scalars := []scalar{
		{"loss/batch", r.BatchLoss}, {"loss/train", r.TrainLoss}, {"loss/test", r.TestLoss},
		{"error/train", r.TrainError}, {"error/test", r.TestError},
		{"schedule/step_size", r.StepSize}, {"schedule/epoch", r.Epoch},
		{"speed/images_per_second", r.ImagesPerSecond},
	}
	for i, name := range net {
		scalars = append(scalars, scalar{tag(name), r.Own[i]})
	}
	if diverged := math.IsNaN(r.TrainLoss); !diverged {
		scalars = slices.DeleteFunc(scalars, func(s scalar) bool { return math.IsNaN(s.value) })
	}
	return e.scalars(r.Step, now, scalars...)
}

// tag groups numbered columns: active_3 becomes active/3.
func tag(column string) string {
	stem := strings.TrimRight(column, "0123456789")
	if group, ok := strings.CutSuffix(stem, "_"); ok && group != "" && stem != column {
		return group + "/" + column[len(stem):]
	}
	return column
}

// record appends a TFRecord: length, its CRC, the data, their CRC.
func (e *EventWriter) record(data []byte) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(b))
	b = append(b, data...)
	return e.write(binary.LittleEndian.AppendUint32(b, maskedCRC(data)))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC is TFRecord's checksum: CRC-32C rotated right by 15, plus a
// constant.
func maskedCRC(b []byte) uint32 { return masked(crc32.Checksum(b, castagnoli)) }

func masked(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }

// checkRecords approves a file of whole TFRecords.
func checkRecords(r io.Reader) error {
	for offset := int64(0); ; {
		var frame [12]byte
		if _, err := io.ReadFull(r, frame[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return errors.New("no record ends at the checkpoint's size: the file was changed since")
		}
		if binary.LittleEndian.Uint32(frame[8:]) != maskedCRC(frame[:8]) {
			return fmt.Errorf("wrong checksum at byte %d: not an event file?", offset)
		}
		length := binary.LittleEndian.Uint64(frame[:])
		if length > 1<<30 {
			return fmt.Errorf("record of %d bytes at byte %d: not an event file?", length, offset)
		}
		crc := crc32.New(castagnoli)
		var sum [4]byte
		n, _ := io.CopyN(crc, r, int64(length))
		if _, err := io.ReadFull(r, sum[:]); n != int64(length) || err != nil {
			return errors.New("no record ends at the checkpoint's size: the file was changed since")
		}
		if binary.LittleEndian.Uint32(sum[:]) != masked(crc.Sum32()) {
			return fmt.Errorf("wrong checksum of the record at byte %d: the file was damaged", offset)
		}
		offset += 12 + int64(length) + 4
	}
}
