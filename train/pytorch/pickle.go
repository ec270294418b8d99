package pytorch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// maxOps is the largest number of opcodes in a pickle: each may allocate some 100
// bytes. A tensor takes 35.
const maxOps = 1 << 22

// The opcodes that torch.load(weights_only=True) knows, and what protocols 3 to 5
// have instead of them; see Python's pickletools.
const (
	opMark            = '('
	opStop            = '.'
	opAppend          = 'a'
	opAppends         = 'e'
	opBinBytes        = 'B'
	opBinFloat        = 'G'
	opBinGet          = 'h'
	opBinInt          = 'J'
	opBinInt1         = 'K'
	opBinInt2         = 'M'
	opBinPersID       = 'Q'
	opBinPut          = 'q'
	opBinUnicode      = 'X'
	opBuild           = 'b'
	opEmptyDict       = '}'
	opEmptyList       = ']'
	opEmptyTuple      = ')'
	opGlobal          = 'c'
	opLongBinGet      = 'j'
	opLongBinPut      = 'r'
	opNone            = 'N'
	opReduce          = 'R'
	opSetItem         = 's'
	opSetItems        = 'u'
	opShortBinBytes   = 'C'
	opShortBinString  = 'U'
	opTuple           = 't'
	opProto           = 0x80
	opNewObj          = 0x81
	opTuple1          = 0x85
	opTuple2          = 0x86
	opTuple3          = 0x87
	opNewTrue         = 0x88
	opNewFalse        = 0x89
	opLong1           = 0x8a
	opShortBinUnicode = 0x8c
	opEmptySet        = 0x8f
	opAddItems        = 0x90
	opFrozenSet       = 0x91
	opStackGlobal     = 0x93
	opMemoize         = 0x94
	opFrame           = 0x95
	opByteArray8      = 0x96
)

// The values a pickle builds are nil, bool, int64, float64, string and these.
type (
	tuple []any

	// dict keeps its items in their order, with the values of equal keys.
	dict struct{ keys, values []any }

	// class is a class or function on the closed list, as "module.name".
	class string

	// object is something of which only the class matters: lists, bytes, and
	// what training programs put beside the weights.
	object struct{ class class }
)

// unpickler is the machine that a pickle is a program for. The first error stays.
type unpickler struct {
	in    []byte
	at    int // the next byte's index
	stack []any
	marks []int // heights of the stack
	memo  map[uint32]any
	err   error
}

// unpickle returns the value of a pickle.
func unpickle(in []byte) (any, error) {
	u := &unpickler{in: in, memo: map[uint32]any{}}
	for range maxOps {
		start := u.at
		op := u.byte()
		if op == opStop && u.err == nil {
			if v := u.pop(); u.err == nil {
				return v, nil
			}
		}
		u.do(op)
		if u.err != nil {
			return nil, fmt.Errorf("byte %d: %w", start, u.err)
		}
	}
	return nil, fmt.Errorf("more than %d opcodes", maxOps)
}

// do executes an opcode with its arguments.
func (u *unpickler) do(op byte) {
	switch op {
	case opProto:
		if version := u.byte(); version < 2 || version > 5 {
			u.fail("pickle protocol %d, want 2 to 5", version)
		}
	case opFrame:
		u.bytes(8)
	case opMark:
		u.marks = append(u.marks, len(u.stack))
	case opGlobal:
		u.global(u.line(), u.line())
	case opStackGlobal:
		name, _ := u.pop().(string)
		module, _ := u.pop().(string)
		u.global(module, name)
	case opReduce, opNewObj:
		args, ok := u.pop().(tuple)
		callee, isClass := u.pop().(class)
		if !ok || !isClass {
			u.fail("a call of what is no class, or without arguments")
			return
		}
		u.pushResult(call(callee, args))
	case opBuild: // attributes, such as a state_dict's _metadata, do not matter
		u.pop()
		switch u.top().(type) {
		case *dict, *object, *tensor:
		default:
			u.fail("attributes of %s", describe(u.top()))
		}
	case opBinPersID:
		u.pushResult(newStorage(u.pop()))
	default:
		if !u.doMemo(op) && !u.doContainer(op) && !u.doScalar(op) {
			u.fail("opcode %q (0x%02x), which a file of weights does not need", op, op)
		}
	}
}

func (u *unpickler) doMemo(op byte) bool {
	switch op {
	case opBinPut:
		u.memo[uint32(u.byte())] = u.top()
	case opLongBinPut:
		u.memo[u.uint32()] = u.top()
	case opMemoize:
		u.memo[uint32(len(u.memo))] = u.top()
	case opBinGet:
		u.get(uint32(u.byte()))
	case opLongBinGet:
		u.get(u.uint32())
	default:
		return false
	}
	return true
}

func (u *unpickler) doContainer(op byte) bool {
	switch op {
	case opEmptyTuple:
		u.push(tuple(nil))
	case opTuple1, opTuple2, opTuple3:
		n := int(op-opTuple1) + 1
		t := make(tuple, n)
		for i := range t {
			t[n-1-i] = u.pop()
		}
		u.push(t)
	case opTuple:
		u.push(tuple(slices.Clone(u.popMark())))
	case opEmptyList:
		u.push(&object{"list"})
	case opEmptySet:
		u.push(&object{"set"})
	case opFrozenSet:
		u.popMark()
		u.push(&object{"frozenset"})
	case opAppend:
		u.pop()
		u.extend()
	case opAppends, opAddItems:
		u.popMark()
		u.extend()
	case opEmptyDict:
		u.push(&dict{})
	case opSetItem:
		value, key := u.pop(), u.pop()
		u.setItems([]any{key, value})
	case opSetItems:
		u.setItems(u.popMark())
	default:
		return false
	}
	return true
}

func (u *unpickler) doScalar(op byte) bool {
	switch op {
	case opNone:
		u.push(nil)
	case opNewTrue, opNewFalse:
		u.push(op == opNewTrue)
	case opBinInt:
		u.push(int64(int32(u.uint32())))
	case opBinInt1:
		u.push(int64(u.byte()))
	case opBinInt2:
		u.push(int64(binary.LittleEndian.Uint16(u.bytes(2))))
	case opLong1:
		u.push(long(u.bytes(uint64(u.byte()))))
	case opBinFloat:
		u.push(math.Float64frombits(binary.BigEndian.Uint64(u.bytes(8))))
	case opBinUnicode:
		u.push(u.text(uint64(u.uint32())))
	case opShortBinUnicode:
		u.push(u.text(uint64(u.byte())))
	case opBinBytes:
		u.bytes(uint64(u.uint32()))
		u.push(&object{"bytes"})
	case opByteArray8:
		u.bytes(u.uint64())
		u.push(&object{"bytearray"})
	case opShortBinBytes, opShortBinString:
		u.bytes(uint64(u.byte()))
		u.push(&object{"bytes"})
	default:
		return false
	}
	return true
}

func (u *unpickler) fail(format string, args ...any) {
	if u.err == nil {
		u.err = fmt.Errorf(format, args...)
	}
}

// bytes takes n bytes of the pickle; after its end, zeros, at most the eight that
// a number has.
func (u *unpickler) bytes(n uint64) []byte {
	if n > uint64(len(u.in)-u.at) {
		u.fail("the pickle ends early: truncated?")
		u.at = len(u.in)
		return make([]byte, min(n, 8))
	}
	b := u.in[u.at : u.at+int(n)]
	u.at += int(n)
	return b
}

func (u *unpickler) byte() byte     { return u.bytes(1)[0] }
func (u *unpickler) uint32() uint32 { return binary.LittleEndian.Uint32(u.bytes(4)) }
func (u *unpickler) uint64() uint64 { return binary.LittleEndian.Uint64(u.bytes(8)) }

func (u *unpickler) text(n uint64) string {
	b := u.bytes(n)
	if !utf8.Valid(b) {
		u.fail("a string that is not UTF-8")
	}
	return string(b)
}

// line takes the text up to the end of a line.
func (u *unpickler) line() string {
	n := bytes.IndexByte(u.in[u.at:], '\n')
	if n < 0 {
		u.fail("the pickle ends early: truncated?")
		return ""
	}
	return string(u.bytes(uint64(n) + 1)[:n])
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

func (u *unpickler) pushResult(v any, err error) {
	if u.err == nil {
		u.err = err
	}
	u.push(v)
}

// floor is the height of the stack that the last mark protects.
func (u *unpickler) floor() int {
	if len(u.marks) == 0 {
		return 0
	}
	return u.marks[len(u.marks)-1]
}

func (u *unpickler) pop() any {
	v := u.top()
	if u.err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v
}

func (u *unpickler) top() any {
	if len(u.stack) <= u.floor() {
		u.fail("takes from an empty stack")
		return nil
	}
	return u.stack[len(u.stack)-1]
}

// popMark takes what lies above the last mark; it is valid until the next push.
func (u *unpickler) popMark() []any {
	if len(u.marks) == 0 {
		u.fail("no mark")
		return nil
	}
	at := u.floor()
	u.marks = u.marks[:len(u.marks)-1]
	items := u.stack[at:]
	u.stack = u.stack[:at]
	return items
}

func (u *unpickler) get(i uint32) {
	v, ok := u.memo[i]
	if !ok {
		u.fail("memo %d is not there", i)
	}
	u.push(v)
}

// extend appends to a list, of which the items do not matter.
func (u *unpickler) extend() {
	if _, ok := u.top().(*object); !ok {
		u.fail("appends to %s", describe(u.top()))
	}
}

// setItems puts keys and values, in turn, into a dictionary.
func (u *unpickler) setItems(items []any) {
	if len(items)%2 != 0 {
		u.fail("a key without a value")
		return
	}
	switch d := u.top().(type) {
	case *object: // a class of a dictionary
	case *dict:
		for i := 0; i < len(items); i += 2 {
			d.keys, d.values = append(d.keys, items[i]), append(d.values, items[i+1])
		}
	default:
		u.fail("items of %s", describe(d))
	}
}

// long is a two's complement number of any length, little-endian; larger ones
// than int64 do not matter.
func long(b []byte) any {
	if len(b) > 8 {
		return &object{"int"}
	}
	var n int64
	for i, x := range b {
		n |= int64(x) << (8 * i)
	}
	if k := len(b); k > 0 && k < 8 && b[k-1] >= 0x80 {
		n -= 1 << (8 * k)
	}
	return n
}

func (u *unpickler) global(module, name string) {
	if u.err != nil {
		return
	}
	c, err := findClass(module, name)
	u.pushResult(c, err)
}
