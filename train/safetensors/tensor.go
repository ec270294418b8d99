package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// DType names a number format as the file's header does.
type DType string

// The number formats that have conversions here; the format knows a few more,
// which are read and written as bytes.
const (
	U8   DType = "U8"
	I32  DType = "I32"
	I64  DType = "I64"
	F16  DType = "F16"  // IEEE 754 binary16
	BF16 DType = "BF16" // the upper half of an F32
	F32  DType = "F32"
	F64  DType = "F64"
)

var sizes = map[DType]int{
	"BOOL": 1, U8: 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
	"U16": 2, "I16": 2, F16: 2, BF16: 2,
	"U32": 4, I32: 4, F32: 4,
	"U64": 8, I64: 8, F64: 8, "C64": 8,
}

// Size is the number of bytes of an element, 0 for an unknown format.
func (d DType) Size() int { return sizes[d] }

// A Tensor is a named array. Data holds its elements in row-major order,
// little-endian. A scalar's Shape is empty.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// FromFloat32 makes an F32 tensor. The shape is checked by Write.
func FromFloat32(name string, shape []int, x []float32) Tensor {
	data := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	return Tensor{name, F32, shape, data}
}

// FromFloat64 makes an F64 tensor. The shape is checked by Write.
func FromFloat64(name string, shape []int, x []float64) Tensor {
	data := make([]byte, 8*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint64(data[8*i:], math.Float64bits(v))
	}
	return Tensor{name, F64, shape, data}
}

// FromInt64 makes an I64 tensor. The shape is checked by Write.
func FromInt64(name string, shape []int, x []int64) Tensor {
	data := make([]byte, 8*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint64(data[8*i:], uint64(v))
	}
	return Tensor{name, I64, shape, data}
}

// Float32s returns the elements of an F32, F16 or BF16 tensor, exactly.
func (t Tensor) Float32s() ([]float32, error) {
	var at func(i int) float32
	switch t.DType {
	case F32:
		at = func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:])) }
	case F16:
		at = func(i int) float32 { return float16(binary.LittleEndian.Uint16(t.Data[2*i:])) }
	case BF16:
		at = func(i int) float32 {
			return math.Float32frombits(uint32(binary.LittleEndian.Uint16(t.Data[2*i:])) << 16)
		}
	default:
		return nil, t.notConvertible("F32, F16 or BF16")
	}
	return decode(t, at), nil
}

// Float64s returns the elements of a tensor of any floating-point format that
// Float32s takes, or F64, exactly.
func (t Tensor) Float64s() ([]float64, error) {
	if t.DType == F64 {
		return decode(t, func(i int) float64 {
			return math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}), nil
	}
	narrow, err := t.Float32s()
	if err != nil {
		return nil, t.notConvertible("F64, F32, F16 or BF16")
	}
	wide := make([]float64, len(narrow))
	for i, v := range narrow {
		wide[i] = float64(v)
	}
	return wide, nil
}

// Int64s returns the elements of an I64, I32 or U8 tensor.
func (t Tensor) Int64s() ([]int64, error) {
	var at func(i int) int64
	switch t.DType {
	case I64:
		at = func(i int) int64 { return int64(binary.LittleEndian.Uint64(t.Data[8*i:])) }
	case I32:
		at = func(i int) int64 { return int64(int32(binary.LittleEndian.Uint32(t.Data[4*i:]))) }
	case U8:
		at = func(i int) int64 { return int64(t.Data[i]) }
	default:
		return nil, t.notConvertible("I64, I32 or U8")
	}
	return decode(t, at), nil
}

func decode[T any](t Tensor, at func(i int) T) []T {
	x := make([]T, len(t.Data)/t.DType.Size())
	for i := range x {
		x[i] = at(i)
	}
	return x
}

func (t Tensor) notConvertible(want string) error {
	return fmt.Errorf("tensor %q: is %s, want %s", t.Name, t.DType, want)
}

// float16 widens IEEE 754 binary16: 1 sign bit, 5 exponent bits of bias 15,
// 10 fraction bits.
func float16(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h) & 0x3ff
	switch exponent {
	case 0: // zero or subnormal: fraction · 2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)/(1<<24)))
	case 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
