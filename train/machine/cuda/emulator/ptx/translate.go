package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// types are those of PTX in C++.
var types = map[string]string{
	"u8": "uint8_t", "b8": "uint8_t", "u16": "uint16_t", "s16": "int16_t", "b16": "uint16_t",
	"u32": "uint32_t", "s32": "int32_t", "b32": "uint32_t", "u64": "uint64_t", "s64": "int64_t", "b64": "uint64_t",
	"f32": "float", "f64": "double", "pred": "bool",
}

// sizes are those of types in memory, in bytes.
var sizes = map[string]int{
	"u8": 1, "b8": 1, "u16": 2, "s16": 2, "b16": 2, "u32": 4, "s32": 4, "b32": 4, "f32": 4, "u64": 8, "s64": 8, "b64": 8, "f64": 8,
}

// forms are the instructions that compute a register from operands: t is one of
// the instruction's type, n a number of bits, p a predicate.
var forms = map[string]string{
	"add": "tt", "sub": "tt", "mul": "tt", "mul.lo": "tt", "mul.hi": "tt", "mul.wide": "tt", "mad.lo": "ttt", "fma.rn": "ttt", "fma.rm": "ttt",
	"div": "tt", "div.rn": "tt", "rem": "tt", "min": "tt", "max": "tt", "neg": "t", "abs": "t",
	"and": "tt", "or": "tt", "xor": "tt", "not": "t", "shl": "tn", "shr": "tn", "selp": "ttp",
	"rcp.rn": "t", "rcp.approx.ftz": "t", "sqrt.rn": "t", "ex2.approx.ftz": "t", "cvta.to.global": "t",
}

// comparisons are those of setp; with u at the end they hold for a NaN too.
var comparisons = words("eq ne lt le gt ge equ neu ltu leu gtu geu num nan")

// conversions are the forms of cvt, without its types, and what kinds of numbers
// they are for.
var conversions = map[string]*regexp.Regexp{
	"":    regexp.MustCompile(`^([us]\d+ [us]\d+|f64 f32)$`),
	"rn":  regexp.MustCompile(`^(f\d+ [us]\d+|f32 f64)$`),
	"sat": regexp.MustCompile(`^f32 f32$`),
}

// special are registers with a thread's place.
var special = map[string]string{
	"%tid.x": "threadIdx.x", "%tid.y": "threadIdx.y", "%ctaid.x": "blockIdx.x", "%ctaid.y": "blockIdx.y",
	"%ntid.x": "blockDim.x", "%ntid.y": "blockDim.y", "%nctaid.x": "gridDim.x", "%nctaid.y": "gridDim.y",
}

func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// translate writes the kernels in C++. They take turns in one piece of shared
// memory.
func translate(w io.Writer, kernels []kernel) error {
	bytes := 1
	for _, k := range kernels {
		bytes = max(bytes, k.declared())
	}
	fmt.Fprintf(w, "#define SHARED_BYTES %d\n#include \"ptx.h\"\n", bytes)
	for i := range kernels {
		if err := kernels[i].write(w); err != nil {
			return err
		}
	}
	return nil
}

func (k *kernel) write(w io.Writer) error {
	var parameters []string
	for _, p := range k.parameters {
		t, ok := types[p.kind]
		if !ok {
			return fmt.Errorf(" kernel %s: a parameter of type %s", k.name, p.kind)
		}
		parameters = append(parameters, t+" "+p.name)
	}
	fmt.Fprintf(w, "\nvoid %s(%s) {\n", k.name, strings.Join(parameters, ", "))
	for _, r := range k.registers {
		r.declare(w)
	}
	fmt.Fprintf(w, "\tenter(%d);\n", k.declared())
	for _, s := range k.body {
		text, err := k.statement(s)
		if err != nil {
			return fmt.Errorf("%d: kernel %s: %s %s: %w", s.line, k.name, s.opcode, strings.Join(s.operands, ", "), err)
		}
		fmt.Fprintf(w, "\t%s\n", text)
	}
	fmt.Fprintln(w, "}")
	return nil
}

// declare makes registers variables, which begin with nothing that makes sense.
func (r registers) declare(w io.Writer) {
	if r.count == 0 {
		fmt.Fprintf(w, "\tuint64_t %s = NOTHING;\n", r.prefix)
	}
	for i := range r.count {
		if r.predicate {
			fmt.Fprintf(w, "\tbool %s%d = false;\n", r.prefix, i)
		} else {
			fmt.Fprintf(w, "\tuint64_t %s%d = NOTHING;\n", r.prefix, i)
		}
	}
}

func (k *kernel) statement(s statement) (string, error) {
	if s.label != "" {
		return s.label + ":;", nil
	}
	text, err := k.instruction(s)
	if s.guard != "" {
		text = fmt.Sprintf("if (%s) { %s }", strings.Replace(s.guard, "%", "", 1), text)
	}
	return text, err
}

var errUnknown = fmt.Errorf("an instruction, or a form of one, that is not known here")

// instruction translates one without its guard.
func (k *kernel) instruction(s statement) (string, error) {
	o := s.operands
	switch s.opcode {
	case "bra", "bra.uni":
		return "goto " + strings.TrimPrefix(o[0], "$") + ";", nil
	case "ret":
		return "return;", nil
	case "bar.sync":
		return "barrier();", nil
	case "membar.gl":
		return ";", nil // all blocks run on one thread
	case "nanosleep.u32":
		return "__nanosleep(0);", nil
	case "cvt.rn.bf16x2.f32":
		return k.compute(o, "bits(pack_bf16(%s))", "f32", "tt")
	}
	dot := strings.LastIndex(s.opcode, ".")
	if dot < 0 {
		return "", errUnknown
	}
	opcode, kind := s.opcode[:dot], s.opcode[dot+1:]
	name, modifiers, _ := strings.Cut(opcode, ".")
	if _, ok := types[kind]; !ok {
		return "", errUnknown
	}
	switch name {
	case "mov":
		return k.move(o, kind)
	case "ld", "st":
		return k.access(s, name, words(strings.ReplaceAll(modifiers, ".", " ")), kind)
	case "atom":
		return k.atomic(s, modifiers, kind)
	case "setp":
		if !comparisons[modifiers] {
			return "", errUnknown
		}
		return k.compute(o, fmt.Sprintf("compare_%s<%s>(%%s)", modifiers, types[kind]), kind, "tt")
	case "cvt":
		return k.convert(o, modifiers, kind)
	}
	form, ok := forms[opcode]
	if !ok {
		return "", errUnknown
	}
	call := fmt.Sprintf("op_%s<%s>(%%s)", strings.ReplaceAll(opcode, ".", "_"), types[kind])
	if kind != "pred" {
		call = "bits(" + call + ")"
	}
	return k.compute(o, call, kind, form)
}

// compute assigns a call on operands of a form to the first operand.
func (k *kernel) compute(operands []string, call, kind, form string) (string, error) {
	if len(operands) != len(form)+1 {
		return "", fmt.Errorf("%d operands, want %d", len(operands), len(form)+1)
	}
	var arguments []string
	for i, c := range form {
		a, err := k.value(operands[i+1], map[rune]string{'t': kind, 'n': "u32", 'p': "pred"}[c])
		if err != nil {
			return "", err
		}
		arguments = append(arguments, a)
	}
	to, err := k.register(operands[0])
	return fmt.Sprintf("%s = %s;", to, fmt.Sprintf(call, strings.Join(arguments, ", "))), err
}

// register is the variable of a register that was declared.
func (k *kernel) register(operand string) (string, error) {
	name, ok := strings.CutPrefix(operand, "%")
	prefix := strings.TrimRight(name, "0123456789")
	if !ok || !slices.ContainsFunc(k.registers, func(r registers) bool { return r.prefix == prefix && (r.count > 0) == (name != prefix) }) {
		return "", fmt.Errorf("%q is no register", operand)
	}
	return name, nil
}

var (
	integer  = regexp.MustCompile(`^-?\d+$`)
	float32s = regexp.MustCompile(`^0f[0-9A-Fa-f]{8}$`)
	float64s = regexp.MustCompile(`^0d[0-9A-Fa-f]{16}$`)
)

// value is an operand as a number of a type.
func (k *kernel) value(operand, kind string) (string, error) {
	t := types[kind]
	if variable, ok := special[operand]; ok {
		return variable, nil
	}
	if operand == k.launch && sizes[kind] >= 4 {
		return fmt.Sprintf("%s(%d)", t, k.declared()), nil
	}
	if at, ok := k.shared[operand]; ok && sizes[kind] >= 4 {
		return fmt.Sprintf("%s(%d)", t, at), nil
	}
	switch {
	case integer.MatchString(operand):
		return fmt.Sprintf("%s(%sLL)", t, operand), nil
	case float32s.MatchString(operand) && sizes[kind] == 4, float64s.MatchString(operand) && sizes[kind] == 8:
		return fmt.Sprintf("as<%s>(0x%sull)", t, operand[2:]), nil
	}
	r, err := k.register(operand)
	if kind == "pred" {
		return r, err
	}
	return fmt.Sprintf("as<%s>(%s)", t, r), err
}

// move copies a register, or takes it apart, or puts two together.
func (k *kernel) move(o []string, kind string) (string, error) {
	if len(o) != 2 {
		return "", errUnknown
	}
	half := fmt.Sprintf("uint%d_t", 4*sizes[kind])
	if list, ok := k.vector(o[0], 2); ok {
		from, err := k.register(o[1])
		return fmt.Sprintf("{ const uint64_t whole = %s; %s = %s(whole); %s = %s(whole >> %d); }",
			from, list[0], half, list[1], half, 4*sizes[kind]), err
	}
	if list, ok := k.vector(o[1], 2); ok {
		to, err := k.register(o[0])
		return fmt.Sprintf("%s = uint64_t(as<%s>(%s)) | uint64_t(as<%s>(%s)) << %d;", to, half, list[0], half, list[1], 4*sizes[kind]), err
	}
	call := "bits<" + types[kind] + ">(%s)"
	if kind == "pred" {
		call = "%s"
	}
	return k.compute(o, call, kind, "t")
}

// vector lists the variables of n registers in braces.
func (k *kernel) vector(operand string, n int) (list []string, ok bool) {
	inside, open := strings.CutPrefix(operand, "{")
	if !open {
		return nil, false
	}
	for _, r := range split(strings.TrimSuffix(inside, "}")) {
		name, err := k.register(r)
		if err != nil {
			return nil, false
		}
		list = append(list, name)
	}
	return list, len(list) == n
}

func (k *kernel) convert(o []string, modifiers, from string) (string, error) {
	i := strings.LastIndex(modifiers, ".")
	rounding, to := modifiers[:max(i, 0)], modifiers[i+1:]
	if kinds := conversions[rounding]; kinds == nil || types[to] == "" || !kinds.MatchString(to+" "+from) {
		return "", errUnknown
	}
	if rounding == "sat" {
		return k.compute(o, "bits(saturate(%s))", from, "t")
	}
	return k.compute(o, fmt.Sprintf("bits(%s(%%s))", types[to]), from, "t")
}

var (
	placePattern     = regexp.MustCompile(`^\[(%?\w+)(?:\+(-?\d+))?\]$`)
	parameterOperand = regexp.MustCompile(`^\[(\w+)\]$`)
)

// access loads or stores a number, or a vector of them.
func (k *kernel) access(s statement, name string, modifiers map[string]bool, kind string) (string, error) {
	if len(s.operands) != 2 {
		return "", errUnknown
	}
	data, place := s.operands[0], s.operands[1]
	if name == "st" {
		data, place = place, data
	}
	if modifiers["param"] {
		m := parameterOperand.FindStringSubmatch(place)
		if m == nil || name != "ld" || len(modifiers) > 1 {
			return "", errUnknown
		}
		to, err := k.register(data)
		return fmt.Sprintf("%s = bits(%s(%s));", to, types[kind], m[1]), err
	}
	n := 1
	space := "global_memory"
	for m := range modifiers {
		switch m {
		case "global", "nc", "cg", "cs", "volatile": // caches do not matter here
		case "shared":
			space = "shared_memory"
		case "v2":
			n = 2
		case "v4":
			n = 4
		default:
			return "", errUnknown
		}
	}
	list := []string{data}
	if n > 1 {
		list = split(strings.Trim(data, "{}"))
	}
	if len(list) != n {
		return "", errUnknown
	}
	at, err := k.place64(place)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("{ char* at = %s(%s, %d, %t, __func__, %d); ", space, at, n*sizes[kind], name == "st", s.line)
	for i, item := range list {
		if name == "ld" {
			to, err := k.register(item)
			if err != nil {
				return "", err
			}
			text += fmt.Sprintf("%s = load<%s>(at + %d); ", to, types[kind], i*sizes[kind])
			continue
		}
		value, err := k.value(item, kind)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("store<%s>(at + %d, %s); ", types[kind], i*sizes[kind], value)
	}
	return text + "}", nil
}

// place64 is the address in brackets.
func (k *kernel) place64(operand string) (string, error) {
	m := placePattern.FindStringSubmatch(operand)
	if m == nil {
		return "", fmt.Errorf("%q is no place in memory", operand)
	}
	base, err := k.value(m[1], "u64")
	if m[2] == "" {
		m[2] = "0"
	}
	return fmt.Sprintf("%s + (%sLL)", base, m[2]), err
}

// atomic is an atomic operation on memory of the device.
func (k *kernel) atomic(s statement, modifiers, kind string) (string, error) {
	if what := modifiers + "." + kind; what != "global.inc.u32" && what != "global.add.u32" && what != "global.add.f64" || len(s.operands) != 3 {
		return "", errUnknown
	}
	at, err := k.place64(s.operands[1])
	if err != nil {
		return "", err
	}
	value, err := k.value(s.operands[2], kind)
	if err != nil {
		return "", err
	}
	to, err := k.register(s.operands[0])
	return fmt.Sprintf("%s = bits(atomic_%s((%s*)global_memory(%s, %d, true, __func__, %d), %s));",
		to, strings.TrimPrefix(modifiers, "global."), types[kind], at, sizes[kind], s.line, value), err
}
