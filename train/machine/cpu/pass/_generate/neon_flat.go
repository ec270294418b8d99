package main

// along emits a loop over vectors of equal length, a step at a time. body emits
// the work on one machine vector, the k-th of its step; load and store reach the
// vectors named.
func (n neon) along(names []string, body func(load, store func(v int, name string), k int)) {
	pointers := map[string]int{}
	for i, name := range names {
		pointers[name] = 1 + i
		n.Load(n.Parameter(name).Base(), 1+i)
	}
	n.Load(n.Parameter(names[0]).Len(), 0)
	n.Label("loop")
	n.Do("SUBS $%d, R0, R0", step/4)
	n.Do("BLT end")
	for k := range step / neonWidth {
		body(
			func(v int, name string) { n.Do("FMOVQ %d(R%d), F%d", k*neonWidth, pointers[name], v) },
			func(v int, name string) { n.Do("FMOVQ F%d, %d(R%d)", v, k*neonWidth, pointers[name]) },
			k)
	}
	for i := range names {
		n.Do("ADD $%d, R%d, R%d", step, 1+i, 1+i)
	}
	n.Do("B loop")
	n.Label("end")
}

func (n neon) elementwise() {
	const a, b, c = 29, 30, 31
	scalars := []string{"a", "b", "c"}
	kernel := func(name string, vectors []string, body func(load, store func(v int, name string), w, x, y int)) {
		n.text(name, "func(dst, x, y []float32, a, b, c float32)")
		for i, p := range scalars {
			n.Broadcast(p, a+i)
		}
		n.along(vectors, func(load, store func(int, string), k int) { body(load, store, 3*k, 3*k+1, 3*k+2) })
		n.Do("RET")
	}
	kernel("add", []string{"dst", "x", "y"}, func(load, store func(int, string), _, x, y int) {
		load(x, "x")
		load(y, "y")
		n.Fadd(x, x, y)
		store(x, "dst")
	})
	kernel("larger", []string{"dst", "x", "y"}, func(load, store func(int, string), _, x, y int) {
		load(x, "x")
		load(y, "y")
		n.Fmax(x, x, y)
		store(x, "dst")
	})
	kernel("scale", []string{"dst", "x"}, func(load, store func(int, string), _, x, _ int) {
		load(x, "x")
		n.Fmul(x, x, a)
		store(x, "dst")
	})
	kernel("accumulate", []string{"dst", "x"}, func(load, store func(int, string), w, x, _ int) {
		load(w, "dst")
		load(x, "x")
		n.Fmul(w, w, b)
		n.Fmla(w, x, a)
		store(w, "dst")
	})
	kernel("descend", []string{"dst", "x"}, func(load, store func(int, string), w, x, _ int) {
		load(w, "dst")
		load(x, "x")
		n.Fmla(x, w, b)
		n.Fmls(w, x, a)
		store(w, "dst")
	})
	kernel("descendMomentum", []string{"dst", "x", "y"}, func(load, store func(int, string), w, x, y int) {
		load(w, "dst")
		load(x, "x")
		load(y, "y")
		n.Fmla(x, w, b)
		n.Fmla(x, y, c)
		store(x, "y")
		n.Fmls(w, x, a)
		store(w, "dst")
	})
}

func (n neon) route() {
	n.text("route", "func(dx, rest, x, y []float32)")
	n.along([]string{"dx", "rest", "x", "y"}, func(load, store func(int, string), k int) {
		x, y, rest, isNumber := 4*k, 4*k+1, 4*k+2, 4*k+3
		load(x, "x")
		load(y, "y")
		load(rest, "rest")
		n.Fcmeq(isNumber, x, x)
		n.Fcmeq(y, x, y)
		n.Bic(y, isNumber, y) // where rest stays
		n.Bic(x, rest, y)
		n.Bic(rest, rest, x)
		store(x, "dx")
		store(rest, "rest")
	})
	n.Do("RET")
}

func (n neon) dot() {
	n.text("dot", "func(x, y []float32) float32")
	const x, y, sums = 0, 4, 16
	for k := range 4 {
		n.Zero(sums + k)
	}
	n.along([]string{"x", "y"}, func(load, _ func(int, string), k int) {
		load(x+k, "x")
		load(y+k, "y")
		n.Fmla(sums+k, x+k, y+k)
	})
	n.Fadd(sums, sums, sums+2)
	n.Fadd(sums+1, sums+1, sums+3)
	n.Fadd(sums, sums, sums+1)
	n.Faddp(sums, sums, sums)
	n.Faddp(sums, sums, sums)
	n.Do("FMOVS F%d, %s", sums, n.Result())
	n.Do("RET")
}

func (n neon) countPositive() {
	n.text("countPositive", "func(x []float32) int64")
	const x, counts = 0, 16
	for k := range 4 {
		n.Zero(counts + k)
	}
	n.along([]string{"x"}, func(load, _ func(int, string), k int) {
		load(x+k, "x")
		n.FcmgtZero(x+k, x+k) // −1 where positive
		n.Do("VSUB V%d.S4, V%d.S4, V%d.S4", x+k, counts+k, counts+k)
	})
	for k := 1; k < 4; k++ {
		n.Do("VADD V%d.S4, V%d.S4, V%d.S4", counts+k, counts, counts)
	}
	n.Do("VADDV V%d.S4, V%d", counts, counts)
	n.Do("VMOV V%d.S[0], R0", counts)
	n.Do("MOVD R0, %s", n.Result())
	n.Do("RET")
}

func (n neon) addWide() {
	n.text("addWide", "func(dst []float64, x []float32)")
	n.Load(n.Parameter("dst").Base(), 1)
	n.Load(n.Parameter("x").Base(), 2)
	n.Load(n.Parameter("x").Len(), 0)
	n.Label("loop")
	n.Do("SUBS $4, R0, R0")
	n.Do("BLT end")
	n.Do("FMOVQ.P 16(R2), F0")
	n.Do("VLD1 (R1), [V1.D2, V2.D2]")
	n.Fcvtl(3, 0)
	n.Fcvtl2(4, 0)
	n.FaddWide(1, 1, 3)
	n.FaddWide(2, 2, 4)
	n.Do("VST1.P [V1.D2, V2.D2], 32(R1)")
	n.Do("B loop")
	n.Label("end")
	n.Do("RET")
}
