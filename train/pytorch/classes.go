package pytorch

import (
	"fmt"
	"strings"

	"largestep/train/safetensors"
)

// storageClasses are the classes of storages and the formats of their elements;
// an untyped one counts bytes.
var storageClasses = map[class]string{
	"torch.FloatStorage":            "float32",
	"torch.DoubleStorage":           "float64",
	"torch.HalfStorage":             "float16",
	"torch.BFloat16Storage":         "bfloat16",
	"torch.LongStorage":             "int64",
	"torch.IntStorage":              "int32",
	"torch.ShortStorage":            "int16",
	"torch.CharStorage":             "int8",
	"torch.ByteStorage":             "uint8",
	"torch.BoolStorage":             "bool",
	"torch.ComplexFloatStorage":     "complex64",
	"torch.ComplexDoubleStorage":    "complex128",
	"torch.storage.UntypedStorage":  untyped,
	"torch.storage._UntypedStorage": untyped, // PyTorch 1.11 to 1.13
}

const untyped = "bytes"

const (
	orderedDict class = "collections.OrderedDict"
	torchSize   class = "torch.Size"
)

// formats are the number formats that are read.
var formats = map[string]safetensors.DType{
	"float32":  safetensors.F32,
	"float64":  safetensors.F64,
	"float16":  safetensors.F16,
	"bfloat16": safetensors.BF16,
	"int64":    safetensors.I64,
}

// dtypes are the names of PyTorch's other formats, which occur beside weights.
var dtypes = set("torch.", `int32 int16 int8 uint8 uint16 uint32 uint64 bool complex32 complex64 complex128
	float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu`)

// rebuilders are the functions that make tensors, by the number of arguments that
// they need.
var rebuilders = map[class]struct {
	needs int
	call  func(args tuple) (any, error)
}{
	"torch._utils._rebuild_tensor_v2":            {6, rebuildTensor},
	"torch._utils._rebuild_tensor_v3":            {7, rebuildTyped},
	"torch._utils._rebuild_parameter":            {1, rebuildParameter},
	"torch._utils._rebuild_parameter_with_state": {1, rebuildParameter},
}

// rebuildSubclass makes a tensor that has attributes of its own, such as a Buffer:
// of a rebuilder, a class, the rebuilder's arguments, and the attributes.
const rebuildSubclass = "torch._tensor._rebuild_from_type_v2"

// inert are the classes and functions that training programs, Lightning before
// all, need for what they put beside the weights, which is not read: a call makes
// an object that does nothing. (Functions that call others, such as getattr or
// functools.partial, stay out all the same.)
var inert = merge(
	set("builtins.", "bool bytearray complex dict float frozenset int list object range set slice str tuple"),
	set("collections.", "Counter defaultdict deque"),
	set("", `_codecs.encode argparse.Namespace copyreg._reconstructor typing.Any torch.device torch.Tensor
		torch.nn.parameter.Parameter torch.nn.parameter.Buffer torch.serialization._get_layout`),
	set("datetime.", "date datetime timedelta timezone"),
	set("pathlib.", "Path PosixPath WindowsPath PurePosixPath PureWindowsPath"),
	set("pathlib._local.", "Path PosixPath WindowsPath PurePosixPath PureWindowsPath"), // Python 3.13
	set("numpy.", "dtype ndarray"),
	set("numpy.core.", "multiarray.scalar multiarray._reconstruct numeric._frombuffer"),
	set("numpy._core.", "multiarray.scalar multiarray._reconstruct numeric._frombuffer"), // NumPy 2
	set("pytorch_lightning.", "utilities.parsing.AttributeDict"),
	set("lightning.pytorch.", "utilities.parsing.AttributeDict"),
	set("lightning_fabric.", "utilities.data.AttributeDict"),
	set("lightning.fabric.", "utilities.data.AttributeDict"),
	set("omegaconf.", `dictconfig.DictConfig listconfig.ListConfig base.Metadata base.ContainerMetadata nodes.AnyNode
		nodes.BooleanNode nodes.FloatNode nodes.IntegerNode nodes.StringNode nodes.PathNode`),
)

// python2 are the names in protocol 2 of what Python 3 calls otherwise.
var python2 = map[string]string{
	"__builtin__.long": "builtins.int", "__builtin__.unicode": "builtins.str", "__builtin__.xrange": "builtins.range",
	"copy_reg._reconstructor": "copyreg._reconstructor",
}

// findClass is the class or function of this name, if it is on the closed list.
func findClass(module, name string) (class, error) {
	full := module + "." + name
	if now, ok := python2[full]; ok {
		full = now
	} else if builtin, ok := strings.CutPrefix(full, "__builtin__."); ok {
		full = "builtins." + builtin
	}
	strange := func(r rune) bool { return r <= ' ' || r > '~' }
	if module == "" || name == "" || len(full) > 200 || strings.ContainsFunc(full, strange) {
		return "", fmt.Errorf("needs %.200q: not the name of a class", full)
	}
	c := class(full)
	_, storage := storageClasses[c]
	_, rebuilds := rebuilders[c]
	_, format := formats[strings.TrimPrefix(full, "torch.")]
	if storage || rebuilds || format || dtypes[c] || inert[c] || c == rebuildSubclass || c == orderedDict || c == torchSize {
		return c, nil
	}
	return "", fmt.Errorf("needs %s: not read, since only weights are: save model.state_dict()", c)
}

// call is the result of a call of a class or function on the closed list.
func call(c class, args tuple) (any, error) {
	switch {
	case c == orderedDict && len(args) == 0:
		return &dict{}, nil
	case c == torchSize && len(args) == 1:
		if shape, ok := args[0].(tuple); ok {
			return shape, nil
		}
	case inert[c]:
		return &object{c}, nil
	}
	if c == rebuildSubclass && len(args) >= 3 {
		inner, _ := args[0].(class)
		c, args = inner, tupleOf(args[2])
	}
	if f, ok := rebuilders[c]; ok && len(args) >= f.needs {
		return f.call(args)
	}
	return nil, fmt.Errorf("%s with %d arguments: not read", c, len(args))
}

func rebuildParameter(args tuple) (any, error) {
	if t, ok := args[0].(*tensor); ok {
		return t, nil
	}
	return nil, fmt.Errorf("a parameter of %s", describe(args[0]))
}

func tupleOf(v any) tuple {
	t, _ := v.(tuple)
	return t
}

// describe names a value's type as Python does.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64:
		return "an int"
	case float64:
		return "a float"
	case string:
		return "a str"
	case tuple:
		return "a tuple"
	case *dict:
		return "a dict"
	case *storage:
		return "a storage"
	case *tensor:
		return "a tensor"
	case class:
		return "the class " + string(v)
	case *object:
		return "a " + strings.TrimPrefix(string(v.class), "builtins.")
	}
	panic(fmt.Sprintf("a pickle does not build %T", v))
}

// set is the set of the names, separated by spaces, each after the prefix.
func set(prefix, names string) map[class]bool {
	s := map[class]bool{}
	for _, name := range strings.Fields(names) {
		s[class(prefix+name)] = true
	}
	return s
}

func merge(sets ...map[class]bool) map[class]bool {
	all := map[class]bool{}
	for _, s := range sets {
		for name := range s {
			all[name] = true
		}
	}
	return all
}
