//go:build gpu

package cuda

// #include <stdlib.h>
// #include "cudnn.h"
import "C"

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// Values of cudnnBackendHeurMode_t.
const (
	heuristicsB        = 1
	heuristicsFallback = 2
	heuristicsA        = 3
)

// measured is how many plans of a graph are measured at most. For a convolution
// of ResNet-18 in bfloat16 cuDNN 9.19 proposes 47 to 77, of up to ten engines.
const measured = 32

// plan is a way in which cuDNN computes a kernel.
type plan struct {
	config
	execution, description C.cudnn_object
	workspace              int
	notes                  uint32
	milliseconds           float64 // 0 if it was not measured
}

func (p plan) destroy() {
	C.largestep_destroy(p.execution)
	C.largestep_destroy(p.description)
}

func (p plan) String() string { return fmt.Sprintf("%v, %d bytes of workspace", p.config, p.workspace) }

// planner asks cuDNN for plans.
type planner struct {
	target    C.largestep_target
	precision Precision
	limit     int // of a plan's workspace, in bytes
	most      int // plans of a kernel
	graphs    []*C.largestep_graph
	refused   func(k C.largestep_kernel, c config, err error) // is told of proposals that give no plan
}

// close gives the graphs back, after their plans.
func (r *planner) close() {
	for _, g := range r.graphs {
		C.largestep_forget(g)
	}
	C.largestep_destroy(r.target.device)
}

// plans lists ways to compute a kernel, the best first by cuDNN's heuristics; if
// the one that was chosen before can be had, that one alone.
func (r *planner) plans(k C.largestep_kernel, before config) ([]plan, error) {
	g := new(C.largestep_graph)
	r.graphs = append(r.graphs, g)
	if err := cudnnError("describe a convolution", C.largestep_describe(g, &r.target, &k)); err != nil {
		return nil, err
	}
	configs, found, first := r.propose(g)
	defer func() {
		for _, c := range configs {
			C.largestep_destroy(c)
		}
	}()
	tries := rounds(found[heuristicsA], found[heuristicsB], found[heuristicsFallback], r.precision)
	for _, round := range append([][]proposal{again(tries, before)}, tries...) {
		list, err := r.finish(k, configs, round)
		if len(list) > 0 {
			return list, nil
		}
		first = cmp.Or(first, err)
	}
	return nil, noPlan(len(configs), r.limit, first)
}

// again is the proposal of a config that was chosen before, if there still is one.
func again(rounds [][]proposal, before config) []proposal {
	for _, p := range slices.Concat(rounds...) {
		if p.config == before {
			return []proposal{p}
		}
	}
	return nil
}

// propose asks all heuristics for configs; found lists them by mode, with their
// places in configs. It returns the first error too: one of the modes is enough.
func (r *planner) propose(g *C.largestep_graph) (configs []C.cudnn_object, found [4][]proposal, first error) {
	for _, mode := range []int{heuristicsA, heuristicsB, heuristicsFallback} {
		var list [C.LARGESTEP_PROPOSALS]C.largestep_proposal
		var n C.int
		err := cudnnError("ask for engines", C.largestep_propose(&r.target, g.graph, C.int(mode), &list[0], &n))
		first = cmp.Or(first, err)
		for _, p := range list[:n] {
			found[mode] = append(found[mode], proposal{len(configs), uint32(p.notes), uint32(p.behaviors), config{int64(p.engine), spellKnobs(&p)}})
			configs = append(configs, p.config)
		}
	}
	return configs, found, first
}

// spellKnobs lists the parameters of a proposal in the order of their types.
func spellKnobs(p *C.largestep_proposal) string {
	order := make([]int, p.knobs)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(p.types[a] - p.types[b]) })
	words := make([]string, len(order))
	for i, k := range order {
		words[i] = fmt.Sprintf("%d=%d", p.types[k], p.values[k])
	}
	return strings.Join(words, " ")
}

// finish makes plans of proposals and takes their configs; first is the first
// error.
func (r *planner) finish(k C.largestep_kernel, configs []C.cudnn_object, round []proposal) (list []plan, first error) {
	for _, c := range round {
		if len(list) == r.most {
			break
		}
		p, err := r.finishOne(configs[c.id])
		if err != nil {
			first = cmp.Or(first, fmt.Errorf("%v: %w", c.config, err))
			if r.refused != nil {
				r.refused(k, c.config, err)
			}
			continue
		}
		list = append(list, plan{config: c.config, execution: p.plan, description: configs[c.id], workspace: int(p.workspace), notes: c.notes})
		configs[c.id] = nil
	}
	return list, first
}

func (r *planner) finishOne(description C.cudnn_object) (p C.largestep_plan, err error) {
	if err := cudnnError("make a plan", C.largestep_finish(&r.target, description, &p)); err != nil {
		return p, err
	}
	if int(p.workspace) > r.limit {
		C.largestep_destroy(p.plan)
		return p, fmt.Errorf("it needs %d bytes", int(p.workspace))
	}
	return p, nil
}

// describedPlanner makes plans for a GPU that is only described, in cuDNN's JSON,
// and need not be there. Version 9.11 or later can do that.
func describedPlanner(json string, p Precision, limit int) (*planner, error) {
	r := &planner{precision: p, limit: limit, most: measured}
	text := C.CString(json)
	defer C.free(unsafe.Pointer(text))
	return r, cudnnError("describe a device", C.largestep_device(&r.target.device, text))
}
