package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// module is a kernel k with 64 numbers to write to, on which all tests run.
func module(body ...string) string {
	return `.version 7.8
.target sm_80
.address_size 64
.extern .shared .align 16 .b8 room[];
.visible .entry k(
	.param .u64 k_param_0
)
{
	.reg .pred 	%p<4>;
	.reg .b16 	%rs<4>;
	.reg .f32 	%f<8>;
	.reg .b32 	%r<8>;
	.reg .f64 	%fd<4>;
	.reg .b64 	%rd<8>;
	.shared .align 4 .b8 sums[16];

	ld.param.u64 	%rd1, [k_param_0];
	cvta.to.global.u64 	%rd2, %rd1;
` + strings.Join(body, "\n") + "\n\tret;\n\n}\n"
}

func translated(t *testing.T, source string) (string, error) {
	t.Helper()
	kernels, err := parse(source)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = translate(&out, kernels)
	return out.String(), err
}

func TestCommittedKernelsTranslate(t *testing.T) {
	source, err := os.ReadFile("../../kernels.ptx")
	if err != nil {
		t.Fatal(err)
	}
	text, err := translated(t, string(source))
	if err != nil {
		t.Fatal(err)
	}
	entries := regexp.MustCompile(`\.entry (\w+)`).FindAllStringSubmatch(string(source), -1)
	if len(entries) < 30 {
		t.Fatalf("only %d kernels", len(entries))
	}
	for _, e := range entries {
		if !strings.Contains(text, "void "+e[1]+"(") {
			t.Errorf("no function for %s", e[1])
		}
	}
}

// What is not known is refused by its name, place and kernel.
func TestRefuses(t *testing.T) {
	for _, line := range []string{
		"\tadd.f16 	%rs1, %rs2, %rs3;", "\tadd.rz.f32 	%f1, %f2, %f3;", "\tadd.f32 	%f1, %f2;", "\tsin.approx.f32 	%f1, %f2;",
		"\tld.local.f32 	%f1, [%rd2];", "\tld.relaxed.gpu.global.f32 	%f1, [%rd2];", "\tld.global.v4.f32 	{%f1, %f2}, [%rd2];",
		"\tld.global.f32 	%f1, [%rd2+%r1];", "\tst.param.b32 	[k_param_0], %r1;", "\tcvt.rzi.s32.f32 	%r1, %f1;", "\tcvt.s32.f32 	%r1, %f1;",
		"\tsetp.hi.u32 	%p1, %r1, %r2;", "\tatom.global.add.f32 	%f1, [%rd2], %f2;", "\tmov.u32 	%r1, %laneid;", "\tmov.u32 	%r1, nowhere;",
		"\tshfl.sync.bfly.b32 	%r1, %r2, 1, 31, -1;", "\tcall.uni (retval0), f, (param0);", "\texit;", "\tadd.f32 	%f1, %f2, 1.5;",
	} {
		_, err := translated(t, module(line))
		opcode := strings.Fields(line)[0]
		if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(opcode, ";")) || !strings.Contains(err.Error(), "19: kernel k: ") {
			t.Errorf("%s: error %v, want one that names it and line 19 of kernel k", line, err)
		}
	}
	for _, line := range []string{"add.f32 %f1", ".local .align 8 .b8 stack[8];", "label:"} {
		if _, err := translated(t, module(line)); err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%s: error %v", line, err)
		}
	}
}

// execute runs a kernel in a block of two threads, one after the other, and gives
// what they wrote, as numbers of 32 bits, or what was wrong.
func execute(t *testing.T, body ...string) (numbers []string, wrong string) {
	t.Helper()
	compiler, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("no g++")
	}
	text, err := translated(t, module(body...))
	if err != nil {
		t.Fatal(err)
	}
	memory := "nullptr" // that the launch gives
	if strings.Contains(strings.Join(body, ""), "room") {
		memory = "room"
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "program")
	source := `#include "device.h"
` + text + `
Index threadIdx, blockIdx, blockDim, gridDim;
unsigned slot;
alignas(16) char room[16], *launch_memory = ` + memory + `;
void __syncthreads() {}
void __nanosleep(unsigned) {}
int main() {
	alignas(16) static uint32_t numbers[64];
	blockDim = {2, 1, 1};
	for (threadIdx.x = 0; threadIdx.x < 2; threadIdx.x++) k((uint64_t)numbers);
	for (uint32_t x : numbers) printf("%x ", x);
}`
	if err := os.WriteFile(program+".cpp", []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-std=c++17", "-I..", "-I.", "-ffp-contract=off", "-o", program, program+".cpp").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(program).CombinedOutput()
	if err != nil {
		return nil, string(out)
	}
	return strings.Fields(string(out)), ""
}

func TestInstructions(t *testing.T) {
	var body, want []string
	result := func(number string, lines ...string) { // the next result, in %r1
		for _, l := range lines {
			if !strings.HasSuffix(l, ":") {
				l = "\t" + l + ";"
			}
			body = append(body, l)
		}
		body = append(body, fmt.Sprintf("\tst.global.u32 	[%%rd2+%d], %%r1;", 4*len(want)))
		want = append(want, number)
	}
	result("fffffffe", "mov.u32 %r2, -1", "add.s32 %r1, %r2, %r2")
	result("80000000", "mov.u32 %r2, 2147483647", "add.s32 %r1, %r2, 1") // overflow
	result("1", "mov.u32 %r2, -7", "div.s32 %r3, %r2, 3", "rem.s32 %r4, %r2, 3", "sub.s32 %r1, %r4, %r3")
	result("55555553", "mov.u32 %r2, -7", "div.u32 %r1, %r2, 3")
	result("ffffffff", "mov.u32 %r2, -7", "mul.wide.s32 %rd3, %r2, 3", "shr.u64 %rd4, %rd3, 32", "cvt.u32.u64 %r1, %rd4")
	result("2", "mov.u32 %r2, -7", "mul.wide.u32 %rd3, %r2, 3", "shr.u64 %rd4, %rd3, 32", "cvt.u32.u64 %r1, %rd4")
	result("2", "mul.hi.u32 %r1, %r2, 3")
	result("ffffffff", "mul.hi.s32 %r1, %r2, 3")
	result("7", "abs.s32 %r1, %r2")
	result("0", "mov.u32 %r2, 1", "mov.u32 %r3, 32", "shl.b32 %r1, %r2, %r3")
	result("ffffffff", "mov.u32 %r2, -8", "mov.u32 %r3, 40", "shr.s32 %r1, %r2, %r3")
	result("1fffffff", "mov.u32 %r2, -8", "shr.u32 %r1, %r2, 3")
	result("ffffffff", "mov.u32 %r2, -1", "cvt.s64.s32 %rd3, %r2", "shr.u64 %rd4, %rd3, 32", "cvt.u32.u64 %r1, %rd4")
	result("0", "mov.u32 %r2, -1", "cvt.u64.u32 %rd3, %r2", "shr.u64 %rd4, %rd3, 32", "cvt.u32.u64 %r1, %rd4")
	result("16", "mov.u32 %r2, 4", "mad.lo.s32 %r1, %r2, 5, 2")
	result("40490fdb", "mov.f32 %f1, 0f40490FDB", "mov.b32 %r1, %f1")
	result("3f800001", "mov.f32 %f1, 0f3F800000", "mov.f32 %f2, 0f33C00000", "fma.rn.f32 %f3, %f1, %f1, %f2", "mov.b32 %r1, %f3")
	result("3f800000", "fma.rm.f32 %f3, %f1, %f1, %f2", "mov.b32 %r1, %f3") // 1 + 1.5·2⁻²⁴, down
	result("3eaaaaab", "mov.f32 %f2, 0f40400000", "div.rn.f32 %f3, %f1, %f2", "mov.b32 %r1, %f3")
	result("3fb504f3", "mov.f32 %f2, 0f40000000", "sqrt.rn.f32 %f3, %f2", "mov.b32 %r1, %f3")
	result("0", "mov.f32 %f4, 0f7FC00000", "cvt.sat.f32.f32 %f3, %f4", "mov.b32 %r1, %f3")
	result("3f800000", "max.f32 %f3, %f4, %f1", "mov.b32 %r1, %f3") // not the NaN
	result("0", "setp.ne.f32 %p1, %f4, %f4", "selp.u32 %r1, 1, 0, %p1")
	result("1", "setp.neu.f32 %p1, %f4, %f4", "selp.u32 %r1, 1, 0, %p1")
	result("1", "setp.gtu.f32 %p1, %f4, %f1", "selp.u32 %r1, 1, 0, %p1")
	result("0", "setp.gt.f32 %p1, %f4, %f1", "selp.u32 %r1, 1, 0, %p1")
	result("1", "mov.u32 %r2, -1", "setp.lt.s32 %p1, %r2, 0", "setp.lt.u32 %p2, %r2, 0", "xor.pred %p3, %p1, %p2", "selp.u32 %r1, 1, 0, %p3")
	result("40003f80", "mov.f32 %f2, 0f40000000", "cvt.rn.bf16x2.f32 %r1, %f2, %f1")
	result("40000000", "mov.b64 %rd3, {%r1, %r2}", "mov.f64 %fd1, 0d4000000000000000", "mov.b64 {%r3, %r1}, %fd1")
	result("3f800000", "cvt.rn.f64.s32 %fd1, 1", "cvt.rn.f32.f64 %f3, %fd1", "mov.b32 %r1, %f3")
	result("7", "mov.u32 %r1, 7", "setp.eq.s32 %p1, %r1, 7", "@!%p1 mov.u32 %r1, 8")
	result("8", "@%p1 mov.u32 %r1, 8")
	result("9", "mov.u32 %r1, 9", "bra.uni $L_1", "mov.u32 %r1, 10", "$L_1:")
	result("80000000", "ld.global.nc.v2.u32 {%r2, %r1}, [%rd2]") // the second result
	result("fe", "mov.u32 %r2, -2", "st.global.u8 [%rd2+252], %r2", "ld.global.u8 %r1, [%rd2+252]")
	result("1", "mov.u32 %r3, 255", "atom.global.inc.u32 %r1, [%rd2+248], %r3") // of the second thread
	result("3", "mov.u32 %r3, 3", "atom.global.add.u32 %r4, [%rd2+244], %r3", "ld.volatile.global.u32 %r1, [%rd2+244]", "sub.s32 %r1, %r1, %r4", "nanosleep.u32 %r3")
	result("4e", "mov.u32 %r2, %tid.x", "add.s32 %r3, %r2, 77", "shl.b32 %r2, %r2, 2", "mov.u32 %r4, room", "add.s32 %r4, %r4, %r2",
		"st.shared.u32 [%r4+8], %r3", "ld.shared.u32 %r1, [%r4+8]") // in what the launch gives
	got, wrong := execute(t, body...)
	if wrong != "" {
		t.Fatal(wrong)
	}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("result %d is %s, want %s", i, got[i], w)
		}
	}
}

// Threads share memory between barriers.
func TestChecksOfMemory(t *testing.T) {
	const own = "\tmov.u32 %r1, %tid.x;\n\tshl.b32 %r2, %r1, 2;\n\tmov.u32 %r3, sums;\n\tadd.s32 %r4, %r3, %r2;\n"
	const write, writeFirst, readFirst, barrier = "\tst.shared.u32 [%r4], %r1;", "\tst.shared.u32 [sums], %r1;", "\tld.shared.u32 %r5, [sums];", "\tbar.sync 0;"
	for name, c := range map[string]struct {
		body []string
		want string // "" if all is well
	}{
		"own":                         {[]string{own, write, "\tld.shared.u32 %r5, [%r4];"}, ""},
		"what another wrote before":   {[]string{own, write, barrier, readFirst}, ""},
		"what another writes":         {[]string{own, write, readFirst}, "a thread reads what another writes"},
		"one writes what others read": {[]string{own, write, barrier, "\tsetp.eq.s32 %p1, %r1, 1;\n\t@!%p1 ld.shared.u32 %r5, [sums];\n\t@%p1 st.shared.u32 [sums], %r1;"}, "a thread writes what another reads"},
		"two write":                   {[]string{own, writeFirst}, "two threads write"},
		"nobody wrote":                {[]string{readFirst}, "what was not written is read"},
		"beyond":                      {[]string{"\tst.shared.u32 [sums+16], %r1;"}, "an access beyond shared memory at 0x10"},
		"odd in shared memory":        {[]string{"\tst.shared.u32 [sums+2], %r1;"}, "an access that is not aligned at 0x2"},
		"odd":                         {[]string{"\tld.global.f32 %f1, [%rd2+2];"}, "an access that is not aligned"},
		"odd for a vector":            {[]string{"\tld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd2+8];"}, "an access that is not aligned"},
	} {
		t.Run(name, func(t *testing.T) {
			_, wrong := execute(t, c.body...)
			if c.want == "" && wrong != "" || c.want != "" && (!strings.Contains(wrong, c.want) || !strings.Contains(wrong, "kernel k, line ")) {
				t.Errorf("got %q, want %q", wrong, c.want)
			}
		})
	}
}
