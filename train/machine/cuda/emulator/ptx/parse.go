package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// kernel is an entry function.
type kernel struct {
	name       string
	parameters []variable
	registers  []registers
	shared     map[string]int // places of variables in the shared memory of a block
	bytes      int            // of that
	module     []shared       // those outside the kernels
	launch     string         // the memory that a launch gives to a block, behind that
	body       []statement
}

type variable struct{ kind, name string }

// shared is a variable in shared memory that any kernel may use, and takes room in
// those that do.
type shared struct {
	name             string
	alignment, bytes int
}

// registers are count of them, prefix0, prefix1, …; without a count it is one.
type registers struct {
	prefix    string
	count     int
	predicate bool
}

// statement is a label or an instruction.
type statement struct {
	line     int
	label    string
	guard    string // a predicate register, with ! before it if that is negated
	opcode   string
	operands []string
}

var (
	entryPattern       = regexp.MustCompile(`^\.visible \.entry (\w+)\($`)
	parameterPattern   = regexp.MustCompile(`^\.param \.(\w+) (\w+),?$`)
	registerPattern    = regexp.MustCompile(`^\.reg \.(\w+)\s+(%\w+?)(?:<(\d+)>)?;$`)
	sharedPattern      = regexp.MustCompile(`^\.shared \.align (\d+) \.[bu]8 (\w+)(?:\[(\d+)\])?;$`)
	ignoredPattern     = regexp.MustCompile(`^(\.version .*|\.target .*|\.address_size 64|\.maxntid .*|\.minnctapersm .*|\.pragma .*|[{})]|)$`)
	launchPattern      = regexp.MustCompile(`^\.extern \.shared \.align 16 \.b8 (\w+)\[\];$`)
	labelPattern       = regexp.MustCompile(`^\$(\w+):$`)
	instructionPattern = regexp.MustCompile(`^(?:@(!?%\w+) )?\s*([a-z][\w.]*)\s*(.*);$`)
)

// parse reads a module as nvcc writes it, a statement a line.
func parse(source string) ([]kernel, error) {
	var list []kernel
	module := kernel{name: "none"} // what lies outside all: variables
	for i, line := range strings.Split(source, "\n") {
		line, _, _ = strings.Cut(line, "//")
		line = strings.TrimSpace(line)
		if m := entryPattern.FindStringSubmatch(line); m != nil {
			list = append(list, kernel{name: m[1], shared: map[string]int{}, module: module.module, launch: module.launch})
			continue
		}
		if ignoredPattern.MatchString(line) {
			continue
		}
		k := &module
		if len(list) > 0 {
			k = &list[len(list)-1]
		}
		if err := k.read(i+1, line); err != nil {
			return nil, fmt.Errorf("%d: kernel %s: %w", i+1, k.name, err)
		}
	}
	return list, nil
}

// read takes a line of a kernel.
func (k *kernel) read(number int, line string) error {
	if m := parameterPattern.FindStringSubmatch(line); m != nil {
		k.parameters = append(k.parameters, variable{m[1], m[2]})
	} else if m := registerPattern.FindStringSubmatch(line); m != nil {
		k.addRegisters(m[1], strings.TrimPrefix(m[2], "%"), m[3])
	} else if m := sharedPattern.FindStringSubmatch(line); m != nil {
		v := shared{m[2], number32(m[1]), max(1, number32(m[3]))}
		if k.shared == nil {
			k.module = append(k.module, v)
		} else {
			k.place(v)
		}
	} else if m := launchPattern.FindStringSubmatch(line); m != nil {
		k.launch = m[1]
	} else if m := labelPattern.FindStringSubmatch(line); m != nil {
		k.body = append(k.body, statement{line: number, label: m[1]})
	} else if m := instructionPattern.FindStringSubmatch(line); m != nil {
		for _, v := range k.module {
			if _, ok := k.shared[v.name]; !ok && strings.Contains(m[3], v.name) {
				k.place(v)
			}
		}
		k.body = append(k.body, statement{line: number, guard: m[1], opcode: m[2], operands: split(m[3])})
	} else {
		return fmt.Errorf("%q is not understood", line)
	}
	return nil
}

// addRegisters declares registers once: those of inner scopes share names.
func (k *kernel) addRegisters(kind, prefix, count string) {
	for _, r := range k.registers {
		if r.prefix == prefix {
			return
		}
	}
	k.registers = append(k.registers, registers{prefix, number32(count), kind == "pred"})
}

// place gives a variable its place in shared memory.
func (k *kernel) place(v shared) {
	at := (k.bytes + v.alignment - 1) / v.alignment * v.alignment
	k.shared[v.name], k.bytes = at, at+v.bytes
}

// declared is how much shared memory a kernel has of its own, to the place of what
// the launch gives.
func (k *kernel) declared() int { return (k.bytes + 15) / 16 * 16 }

// number32 is what the patterns let through as a number; 0 for nothing.
func number32(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// split separates operands at commas outside brackets.
func split(operands string) (list []string) {
	depth, start := 0, 0
	for i, c := range operands {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, strings.TrimSpace(operands[start:i]))
				start = i + 1
			}
		}
	}
	if last := strings.TrimSpace(operands[start:]); last != "" {
		list = append(list, last)
	}
	return list
}
