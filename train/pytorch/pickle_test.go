package pytorch

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

// Values that are more than PyTorch writes, each with protocol and STOP added.
func TestUnpickle(t *testing.T) {
	for program, want := range map[string]any{
		"N":                 nil,
		"\x88":              true,
		"\x89":              false,
		"J\xfe\xff\xff\xff": int64(-2),
		"K\xff":             int64(255),
		"M\x01\x02":         int64(0x201),
		"\x8a\x00":          int64(0),
		"\x8a\x01\xff":      int64(-1),
		"\x8a\x02\xff\x00":  int64(255),
		"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80":     int64(-1 << 63),
		"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01": &object{"int"},
		"G\x3f\xf8\x00\x00\x00\x00\x00\x00":            1.5,
		"X\x03\x00\x00\x00\xc3\xa9t":                   "ét",
		"\x8c\x01a":                                    "a",
		"C\x01\xff":                                    &object{"bytes"},
		"U\x01\xff":                                    &object{"bytes"},
		"B\x01\x00\x00\x00\xff":                        &object{"bytes"},
		"\x96\x01\x00\x00\x00\x00\x00\x00\x00\xff":     &object{"bytearray"},
		")":                      tuple(nil),
		"K\x01\x85":              tuple{int64(1)},
		"K\x01K\x02\x86":         tuple{int64(1), int64(2)},
		"K\x01K\x02K\x03\x87":    tuple{int64(1), int64(2), int64(3)},
		"(K\x01(K\x02tt":         tuple{int64(1), tuple{int64(2)}},
		"]K\x01a(K\x02e":         &object{"list"},
		"\x8f(K\x02\x90":         &object{"set"},
		"(K\x02\x91":             &object{"frozenset"},
		"}K\x01K\x02s(NNK\x01Nu": &dict{[]any{int64(1), nil, int64(1)}, []any{int64(2), nil, nil}},
		"K\x05q\x07Nh\x07\x86":   tuple{nil, int64(5)},
		"K\x05r\x00\x00\x00\x01Nj\x00\x00\x00\x01\x86": tuple{nil, int64(5)},
		"K\x05\x94K\x06\x94h\x00\x87":                  tuple{int64(5), int64(6), int64(5)},
		"ctorch\nfloat16\n":                            class("torch.float16"),
		"\x8c\x05torch\x8c\x05int64\x93":               class("torch.int64"),
		"ctorch\nSize\n(K\x02K\x03t\x85R":              tuple{int64(2), int64(3)},
		"ccollections\nOrderedDict\n)R}K\x01Nsb":       &dict{},
		"c__builtin__\nset\n]\x85R":                    &object{"builtins.set"},
		"c__builtin__\nlong\nK\x05\x85R":               &object{"builtins.int"},
		"cargparse\nNamespace\n)\x81}b":                &object{"argparse.Namespace"},
	} {
		got, err := unpickle([]byte("\x80\x02" + program + "."))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, error %v, want %#v", program, got, err, want)
		}
	}
}

func TestUnpickleRefuses(t *testing.T) {
	for program, says := range map[string]string{
		"cos\nsystem\n.": "byte 2: needs os.system: not read",
		"cposix\nsystem\n(X\x02\x00\x00\x00lstR.":  "needs posix.system",
		"c__builtin__\neval\n.":                    "needs builtins.eval",
		"c__builtin__\napply\n.":                   "needs builtins.apply",
		"ccopy_reg\nadd_extension\n.":              "needs copy_reg.add_extension",
		"cbuiltins\ngetattr\n.":                    "needs builtins.getattr",
		"ctorch\nload\n.":                          "needs torch.load",
		"\x8c\x02os\x8c\x06system\x93.":            "needs os.system",
		"\x8c\x05torch\x8c\x0eSize.__class__\x93.": "Size.__class__",
		"ctorch\nSize\x1b[2J\n.":                   `"torch.Size\x1b[2J"`,
		"NN\x93.":                                  `needs ".": not the name of a class`,
		"(ios\nsystem\n.":                          "opcode 'i'",
		"(cos\nsystem\no.":                         "needs os.system",
		"\x82\x01.":                                "0x82",
		"Vtext\n.":                                 "opcode 'V'",
		"Pkey\n.":                                  "opcode 'P'",
		"\x80\x01.":                                "protocol 1",
		"\x80\x06.":                                "protocol 6",
		"":                                         "ends early",
		"N":                                        "ends early",
		".":                                        "empty stack",
		"(.":                                       "empty stack",
		"N(.":                                      "empty stack",
		"N(0.":                                     "opcode '0'",
		"K":                                        "ends early",
		"\x96\xff\xff\xff\xff\xff\xff\xff\xffabc.": "ends early",
		"X\xff\xff\xff\xffabc.":                    "ends early",
		"X\x01\x00\x00\x00\xff.":                   "UTF-8",
		"ctorch\nSize":                             "ends early",
		"t.":                                       "no mark",
		"u.":                                       "no mark",
		"}(Nu.":                                    "a key without a value",
		"N(NNu.":                                   "items of None",
		"NNa.":                                     "appends to None",
		"NNs.":                                     "empty stack",
		"h\x00.":                                   "memo 0",
		"q\x00.":                                   "empty stack",
		"NNb.":                                     "attributes of None",
		"NR.":                                      "empty stack",
		"N)R.":                                     "a call of what is no class",
		"ctorch\nSize\nNR.":                        "without arguments",
		"ctorch\nSize\n)R.":                        "torch.Size with 0 arguments",
		"ctorch\nfloat32\n)R.":                     "torch.float32 with 0 arguments",
		"ctorch._utils\n_rebuild_parameter\nN\x85R.":                      "a parameter of None",
		"ctorch._utils\n_rebuild_tensor_v2\nN\x85R.":                      "1 arguments",
		"ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.":                   "a tensor of None",
		"ctorch._utils\n_rebuild_tensor_v3\n(NNNNNNNtR.":                  "a tensor of None in the format None",
		"ctorch._tensor\n_rebuild_from_type_v2\n(NNNtR.":                  "arguments: not read",
		"ctorch._tensor\n_rebuild_from_type_v2\nq\x00(h\x00N(h\x00N)ttR.": "arguments: not read",
		"NQ.":                              "a persistent id that is not of a storage",
		"(X\x07\x00\x00\x00storageNNNNtQ.": "a storage without class",
	} {
		got, err := unpickle([]byte("\x80\x02" + program))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %#v, error %v, want %q in it", program, got, err, says)
		}
	}
}

// A pickle's number of opcodes is bounded, and a dictionary may hold itself.
func TestUnpickleIsBounded(t *testing.T) {
	if _, err := unpickle([]byte(strings.Repeat("]", maxOps+1))); err == nil || !strings.Contains(err.Error(), "opcodes") {
		t.Errorf("error %v", err)
	}
	cycle := strings.Repeat("X\x05\x00\x00\x00modelh\x00", 1000)
	root, err := unpickle([]byte("}q\x00(" + cycle + "u."))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := findStateDict(root); err == nil || !strings.Contains(err.Error(), "no tensors") {
		t.Errorf("error %v", err)
	}
}

// pickled is a pickle of {"": tensor} with numbers of a test's choice.
func pickled(elements, offset int64, shape, strides []int) []byte {
	return pickledTimes(1, elements, offset, shape, strides)
}

// pickledTimes has n such tensors, which share the storage.
func pickledTimes(n int, elements, offset int64, shape, strides []int) []byte {
	p := &pickler{}
	p.Write([]byte{opProto, 2, opEmptyDict})
	for i := range n {
		p.text(strings.Repeat("x", i))
		p.global("torch._utils", "_rebuild_tensor_v2")
		p.Write([]byte{opMark, opMark})
		p.text("storage")
		p.global("torch", "FloatStorage")
		p.text("0")
		p.text("cpu")
		p.integer(elements)
		p.Write([]byte{opTuple, opBinPersID})
		p.integer(offset)
		p.integers(shape)
		p.integers(strides)
		p.WriteByte(opNewFalse)
		p.emptyDict()
		p.Write([]byte{opTuple, opReduce, opSetItem})
	}
	p.WriteByte(opStop)
	return p.Bytes()
}

func FuzzPickle(f *testing.F) {
	for name := range expectations(f) {
		b := fixture(f, name)
		a, err := openArchive(strings.NewReader(string(b)), int64(len(b)))
		if err != nil {
			f.Fatal(err)
		}
		p, err := a.pickle()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Add(pickled(6, 0, []int{2, 3}, []int{3, 1}))
	f.Add(pickled(6, 1, []int{2, 2}, []int{1, 2}))
	f.Add(binary.LittleEndian.AppendUint32([]byte("X"), 1<<31))
	f.Fuzz(func(t *testing.T, pickle []byte) { testRead(t, of(t, pickle)) })
}
