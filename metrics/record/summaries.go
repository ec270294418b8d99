package record

import (
	"bytes"
	"encoding/binary"
	"image/png"
	"maps"
	"math"
	"slices"
	"time"
)

// What TensorBoard shows beside scalars: messages of
// tensorflow/core/framework/summary.proto, and of the plugins' own.

// Tags of a run's events.
const (
	tagConfig       = "config"    // text
	tagCurves       = "curves"    // an image
	tagStepLoss     = "loss/step" // of each step
	tagSessionStart = "_hparams_/session_start_info"
	tagSessionEnd   = "_hparams_/session_end_info"
)

// A Setting is a value of a hyperparameter: a float64, a string or a bool.
type Setting any

// Begin appends what is known before the first step: the settings, of which
// TensorBoard makes a row of its table of hyperparameters, and a text. No summary
// says which columns the table has: TensorBoard takes the union over its runs then,
// instead of the columns of one of them.
func (e *EventWriter) Begin(settings map[string]Setting, text string, now time.Time) error {
	var info []byte
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		entry := appendBytes(nil, 1, []byte(name))
		info = appendBytes(info, 1, appendBytes(entry, 2, settingValue(settings[name]))) // SessionStartInfo.hparams
	}
	info = appendDouble(info, 5, seconds(now)) // start_time_secs
	const sessionStart = 3                     // of HParamsPluginData
	return e.values(0, now,
		pluginValue(tagSessionStart, "hparams", appendBytes(nil, sessionStart, info), nullTensor),
		pluginValue(tagConfig, "text", nil, stringTensor(text)))
}

// End appends how a run ended, and a picture of its curves, a PNG, if there is one.
func (e *EventWriter) End(step int, state State, picture []byte, now time.Time) error {
	const success, failure = 1, 2 // of the plugin's Status
	status := uint64(success)
	if state != Finished {
		status = failure
	}
	info := appendUint(nil, 1, status)
	info = appendDouble(info, 2, seconds(now)) // end_time_secs
	const sessionEnd = 4                       // of HParamsPluginData
	list := [][]byte{pluginValue(tagSessionEnd, "hparams", appendBytes(nil, sessionEnd, info), nullTensor)}
	if picture != nil {
		image, err := imageValue(tagCurves, picture)
		if err != nil {
			return err
		}
		list = append(list, image)
	}
	return e.values(step, now, list...)
}

// Histograms appends those of a row.
func (e *EventWriter) Histograms(step int, list []Histogram, now time.Time) error {
	if len(list) == 0 {
		return nil
	}
	var all [][]byte
	for i := range list {
		all = append(all, list[i].value())
	}
	return e.values(step, now, all...)
}

// StepLoss appends the loss of a step, to a buffer until the next row or Sync.
func (e *EventWriter) StepLoss(r StepRow, now time.Time) error {
	return e.record(eventOf(r.Step, now, scalarValue(scalar{tagStepLoss, r.BatchLoss})))
}

// values appends one event of several Summary.Values, visible at once.
func (e *EventWriter) values(step int, now time.Time, list ...[]byte) error {
	if err := e.record(eventOf(step, now, list...)); err != nil {
		return err
	}
	return e.flush()
}

func eventOf(step int, now time.Time, values ...[]byte) []byte {
	var summary []byte
	for _, v := range values {
		summary = appendBytes(summary, 1, v) // Summary.value
	}
	event := appendUint(appendWallTime(nil, now), 2, uint64(step)) // Event.step
	return appendBytes(event, 5, summary)                          // Event.summary
}

// scalarValue keeps a float32, as TensorBoard does. All NaNs have the same bits.
func scalarValue(s scalar) []byte {
	bits := math.Float32bits(float32(s.value))
	if math.IsNaN(s.value) {
		bits = math.Float32bits(float32(math.NaN()))
	}
	value := append(appendBytes(nil, 1, []byte(s.tag)), 2<<3|5) // Value.tag, Value.simple_value
	return binary.LittleEndian.AppendUint32(value, bits)
}

// pluginValue is a Value for a plugin: with its content, and a TensorProto.
func pluginValue(tag, plugin string, content, tensor []byte) []byte {
	data := appendBytes(nil, 1, []byte(plugin)) // PluginData.plugin_name
	if content != nil {
		data = appendBytes(data, 2, content)
	}
	value := appendBytes(nil, 1, []byte(tag))
	value = appendBytes(value, 8, tensor)                   // Value.tensor
	return appendBytes(value, 9, appendBytes(nil, 1, data)) // Value.metadata, its plugin_data
}

// nullTensor is a TensorProto of DT_FLOAT, shape (0).
var nullTensor = appendBytes(appendUint(nil, 1, 1), 2, appendBytes(nil, 2, nil))

// stringTensor is a TensorProto of DT_STRING, a scalar.
func stringTensor(text string) []byte {
	return appendBytes(appendBytes(appendUint(nil, 1, 7), 2, nil), 8, []byte(text))
}

// settingValue is a google.protobuf.Value.
func settingValue(v Setting) []byte {
	switch v := v.(type) {
	case float64:
		return appendDouble(nil, 2, v)
	case string:
		return appendBytes(nil, 3, []byte(v))
	case bool:
		if v {
			return appendUint(nil, 4, 1)
		}
		return appendUint(nil, 4, 0)
	}
	return appendUint(nil, 1, 0) // null
}

// imageValue is a Value with a PNG.
func imageValue(tag string, picture []byte) ([]byte, error) {
	size, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	const rgba = 4
	image := appendUint(appendUint(appendUint(nil, 1, uint64(size.Height)), 2, uint64(size.Width)), 3, rgba)
	return appendBytes(appendBytes(nil, 1, []byte(tag)), 4, appendBytes(image, 4, picture)), nil // Value.image
}

// value is a Value with a HistogramProto.
func (h *Histogram) value() []byte {
	var limits, counts []byte
	for k, n := range h.Bins {
		limits = binary.LittleEndian.AppendUint64(limits, math.Float64bits(h.edge(k+1)))
		counts = binary.LittleEndian.AppendUint64(counts, math.Float64bits(float64(n)))
	}
	var b []byte
	for i, v := range []float64{h.Low, h.High, float64(h.Count), h.Sum, h.Squares} {
		b = appendDouble(b, i+1, v)
	}
	b = appendBytes(appendBytes(b, 6, limits), 7, counts)
	return appendBytes(appendBytes(nil, 1, []byte(h.Name)), 5, b) // Value.histo
}

func appendWallTime(b []byte, t time.Time) []byte { return appendDouble(b, 1, seconds(t)) } // Event.wall_time

// seconds are those since 1970.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// The fields of a protobuf message: https://protobuf.dev/programming-guides/encoding

func appendUint(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(append(b, byte(field<<3)), v)
}

func appendDouble(b []byte, field int, v float64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, byte(field<<3|1)), math.Float64bits(v))
}

func appendBytes(b []byte, field int, data []byte) []byte {
	b = binary.AppendUvarint(append(b, byte(field<<3|2)), uint64(len(data)))
	return append(b, data...)
}
