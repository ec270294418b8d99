//go:build gpu

package cuda

// #include <stdlib.h>
// #include "cudnn.h"
import "C"

import (
	"fmt"
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
	execution, config C.cudnn_object
	workspace         int
	notes             uint32
}

func (p plan) destroy() {
	C.largestep_destroy(p.execution)
	C.largestep_destroy(p.config)
}

// planner asks cuDNN for plans.
type planner struct {
	target    C.largestep_target
	precision Precision
	limit     int // of a plan's workspace, in bytes
	most      int // plans of a kernel
	graphs    []*C.largestep_graph
}

// close gives the graphs back, after their plans.
func (r *planner) close() {
	for _, g := range r.graphs {
		C.largestep_forget(g)
	}
	C.largestep_destroy(r.target.device)
}

// plans lists ways to compute a kernel, the best first by cuDNN's heuristics.
func (r *planner) plans(k C.largestep_kernel) ([]plan, error) {
	g := new(C.largestep_graph)
	r.graphs = append(r.graphs, g)
	if err := cudnnError("describe a convolution", C.largestep_describe(g, &r.target, &k)); err != nil {
		return nil, err
	}
	configs, found, refused := r.propose(g)
	defer func() {
		for _, c := range configs {
			C.largestep_destroy(c)
		}
	}()
	for _, round := range rounds(found[heuristicsA], found[heuristicsB], found[heuristicsFallback], r.precision) {
		list, err := r.finish(configs, round)
		if len(list) > 0 {
			return list, nil
		}
		if err != nil {
			refused = err
		}
	}
	return nil, noPlan(len(configs), r.limit, refused)
}

// propose asks all heuristics for configs; found lists them by mode, with their
// places in configs.
func (r *planner) propose(g *C.largestep_graph) (configs []C.cudnn_object, found [4][]proposal, refused error) {
	for _, mode := range []int{heuristicsA, heuristicsB, heuristicsFallback} {
		var list [C.LARGESTEP_PROPOSALS]C.largestep_proposal
		var n C.int
		if err := cudnnError("ask for engines", C.largestep_propose(&r.target, g.graph, C.int(mode), &list[0], &n)); err != nil {
			refused = err
		}
		for _, p := range list[:n] {
			found[mode] = append(found[mode], proposal{len(configs), uint32(p.notes), int64(p.engine), uint64(p.knobs)})
			configs = append(configs, p.config)
		}
	}
	return configs, found, refused
}

// finish makes plans of proposals and takes their configs.
func (r *planner) finish(configs []C.cudnn_object, round []proposal) (list []plan, refused error) {
	for _, c := range round {
		if len(list) == r.most {
			break
		}
		var p C.largestep_plan
		err := cudnnError("make a plan", C.largestep_finish(&r.target, configs[c.id], &p))
		switch {
		case err != nil:
			refused = err
		case int(p.workspace) > r.limit:
			C.largestep_destroy(p.plan)
			refused = fmt.Errorf("the last needs %d MB", int(p.workspace)>>20)
		default:
			list = append(list, plan{execution: p.plan, config: configs[c.id], workspace: int(p.workspace), notes: c.notes})
			configs[c.id] = nil
		}
	}
	return list, refused
}

// describedPlanner makes plans for a GPU that is only described, in cuDNN's JSON,
// and need not be there. Version 9.11 or later can do that.
func describedPlanner(json string, p Precision, limit int) (*planner, error) {
	r := &planner{precision: p, limit: limit, most: measured}
	text := C.CString(json)
	defer C.free(unsafe.Pointer(text))
	return r, cudnnError("describe a device", C.largestep_device(&r.target.device, text))
}
