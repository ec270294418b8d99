// An emulation of cuDNN's graph interface on the emulated driver, as far as
// convolutions of NHWC tensors and KRSC filters of float or bfloat16 go, alone or
// with the sums over each channel of their results and of the squares, computed by
// plain loops. It proposes engines as the real library does: some too
// inexact or too large, whose results are NaN, and some that turn out not to work.

#include "device.h"
#include "stream.h"
#include "backend.h"

#include <optional>

namespace {

struct Handle { Stream* stream; };

enum Note { TENSOR_CORE = 0, REDUCED_PRECISION = 2, NONDETERMINISTIC = 4, WINOGRAD_13 = 8 };
enum Behavior { RUNTIME_COMPILATION = 0 };

struct Engine {
    std::vector<int> notes;
    int64_t workspace;
    double milliseconds;
    bool plan, execute, usable; // whether it works, and computes what is wanted
    std::vector<int> behaviors = {};
};

const Engine engines[] = {
    {{TENSOR_CORE, NONDETERMINISTIC}, 0, 0.1, true, true, false},
    {{TENSOR_CORE}, int64_t(1) << 40, 0.1, true, true, false},
    {{TENSOR_CORE, REDUCED_PRECISION}, 0, 0.1, true, true, false},
    {{TENSOR_CORE}, 131, 3, true, true, true},
    {{TENSOR_CORE}, 4099, 2, true, true, true}, // the one to choose
    {{}, 70, 5, true, true, true},
    {{TENSOR_CORE}, 0, 1, false, true, false},
    {{TENSOR_CORE}, 0, 1, true, false, false},
    {{WINOGRAD_13}, 0, 0.1, true, true, false},
    {{TENSOR_CORE}, 0, 0.1, true, true, true, {RUNTIME_COMPILATION}}, // fast, but takes long to plan
    {{TENSOR_CORE}, 67, 0.2, true, true, true, {RUNTIME_COMPILATION}},
};

// Only engines that are compiled do more than a convolution.
std::vector<int> proposals(int mode, bool more) {
    if (more) return mode == 3 ? std::vector<int>{10, 9} : std::vector<int>{};
    switch (mode) {
    case 3: return {0, 1, 2, 3, 4, 5, 7, 9};
    case 1: return {6, 3};
    default: return {8, 5};
    }
}

struct Tensor {
    int64_t id, alignment;
    int type;
    bool is_virtual; // not in memory
    std::vector<int64_t> n; // dimensions N, C, H, W

    explicit Tensor(const Descriptor& d)
        : id(d.one<int64_t>(906)), alignment(d.one<int64_t>(900)), type(d.one<int>(901)), is_virtual(d.values.count(907) && d.one<char>(907)),
          n(d.all<int64_t>(902)) {}
    size_t elements() const { return n[0] * n[1] * n[2] * n[3]; }
    size_t bytes() const { return elements() * (type ? 2 : 4); }
};

int check_tensor(const Descriptor& d) {
    const Tensor t(d);
    for (int64_t n : t.n)
        if (n < 1) return refuse(BAD_PARAM, "tensor: a dimension is not positive");
    const std::vector<int64_t> last = {t.n[1] * t.n[2] * t.n[3], 1, t.n[1] * t.n[3], t.n[1]};
    if (d.all<int64_t>(903) != last) return refuse(NOT_SUPPORTED, "tensor: the channels are not last");
    if (t.type != 0 && t.type != 9) return refuse(NOT_SUPPORTED, "tensor: neither float nor bfloat16");
    if (t.alignment != 16 || t.n[1] % 8) return refuse(NOT_SUPPORTED, "tensor: not aligned for vectors");
    return SUCCESS;
}

// Convolution is an operation: its tensors by their parts in it.
struct Convolution {
    Kind kind;
    float beta;
    Tensor x, w, y;
    int64_t stride, pad;

    explicit Convolution(const Descriptor& d)
        : kind(d.kind), beta(d.one<float>(first(d) + 1)), x(d.child(first(d) + 4)), w(d.child(first(d) + 3)), y(d.child(first(d) + 5)),
          stride(d.child(first(d) + 2).one<int64_t>(103)), pad(d.child(first(d) + 2).one<int64_t>(105)) {}
    static int first(const Descriptor& d) { return d.kind == FORWARD ? 700 : d.kind == BWD_DATA ? 706 : 712; }

    const Tensor& out() const { return kind == FORWARD ? y : kind == BWD_DATA ? x : w; }
    const Tensor& a() const { return kind == BWD_DATA ? y : x; }
    const Tensor& b() const { return kind == BWD_FILTER ? y : w; }
};

int check_convolution(const Descriptor& d) {
    const std::vector<int64_t> none = {1, 1}, strides = d.all<int64_t>(103), pads = d.all<int64_t>(105);
    if (d.one<int>(100) != 0 || d.one<int>(101) != 1 || d.one<int64_t>(106) != 2 || d.all<int64_t>(102) != none || strides[0] != strides[1] ||
        pads[0] != pads[1] || pads != d.all<int64_t>(104))
        return refuse(NOT_SUPPORTED, "convolution: no square cross-correlation in float");
    return SUCCESS;
}

int check_operation(const Descriptor& d) {
    const Convolution c(d);
    bool fits = c.x.n[0] == c.y.n[0] && c.x.n[1] == c.w.n[1] && c.y.n[1] == c.w.n[0];
    for (int i : {2, 3}) fits = fits && c.y.n[i] == (c.x.n[i] + 2 * c.pad - c.w.n[i]) / c.stride + 1;
    if (!fits) return refuse(BAD_PARAM, "operation: the shapes are not those of a convolution");
    if (c.x.id == c.w.id || c.x.id == c.y.id || c.w.id == c.y.id) return refuse(BAD_PARAM, "operation: two tensors with one identifier");
    if (d.one<float>(Convolution::first(d)) != 1 || (c.beta != 0 && c.beta != 1)) return refuse(NOT_SUPPORTED, "operation: alpha or beta");
    if (c.a().type != c.b().type || (c.out().type != c.a().type && !c.out().is_virtual)) return refuse(NOT_SUPPORTED, "operation: tensors of two types");
    return SUCCESS;
}

// Statistics are what a graph computes of its convolution's exact result, which is
// then kept rounded.
struct Statistics {
    Tensor kept, sum, squares;

    Statistics(const Descriptor& keep, const Descriptor& add) : kept(keep.child(753)), sum(add.child(773)), squares(add.child(774)) {}
};

// check_graph takes a convolution, or one whose virtual result of float goes to an
// identity and to statistics.
int check_graph(const Descriptor& d) {
    const auto list = d.children(801);
    for (const Descriptor* o : list)
        if (o == list[0] ? o->kind == APPLY_POINTWISE || o->kind == STATISTICS : o->kind == FORWARD || o->kind == BWD_DATA || o->kind == BWD_FILTER)
            return refuse(NOT_SUPPORTED, "graph: not one convolution, which comes first");
    const Convolution c(*list[0]);
    if (list.size() == 1) return c.x.is_virtual || c.w.is_virtual || c.y.is_virtual ? refuse(NOT_SUPPORTED, "graph: a tensor is nowhere") : SUCCESS;
    if (list.size() != 3 || c.kind != FORWARD || c.beta != 0 || list[1]->kind != APPLY_POINTWISE || list[2]->kind != STATISTICS)
        return refuse(NOT_SUPPORTED, "graph: not a forward convolution, an identity and statistics");
    const Statistics s(*list[1], *list[2]);
    const Tensor from(list[1]->child(751)), of(list[2]->child(772));
    const std::vector<int64_t> channels = {1, c.y.n[1], 1, 1};
    if (!c.y.is_virtual || c.y.type != 0 || from.id != c.y.id || of.id != c.y.id || list[1]->child(750).one<int>(0) != 21 || list[2]->one<int>(770) != 0)
        return refuse(NOT_SUPPORTED, "graph: the identity and the statistics are not of the convolution's virtual result");
    if (s.kept.n != c.y.n || s.kept.type != c.x.type || s.sum.n != channels || s.squares.n != channels || s.sum.type != 0 || s.squares.type != 0)
        return refuse(BAD_PARAM, "graph: results of another shape or type");
    return SUCCESS;
}

float at(const void* p, int type, size_t i) {
    return type == 0 ? ((const float*)p)[i] : __uint_as_float((unsigned)((const uint16_t*)p)[i] << 16);
}

void put(void* p, int type, size_t i, float x) {
    if (type == 0) ((float*)p)[i] = x;
    else ((uint16_t*)p)[i] = round_bf16(x);
}

// operand is what the multiplier sees: float on tensor cores has ten bits of
// mantissa.
std::vector<float> operand(const Tensor& t, const void* p, bool tensor_core) {
    std::vector<float> v(t.elements());
    for (size_t i = 0; i < v.size(); i++) {
        v[i] = at(p, t.type, i);
        if (t.type == 0 && tensor_core) v[i] = __uint_as_float((__float_as_uint(v[i]) + 0x1000) & ~0x1fffu);
    }
    return v;
}

// each calls f with the first elements of the channels that meet.
template <typename F> void each(const Convolution& c, F f) {
    const auto &x = c.x.n, &w = c.w.n, &y = c.y.n;
    for (int64_t n = 0; n < y[0]; n++)
        for (int64_t oh = 0; oh < y[2]; oh++)
            for (int64_t ow = 0; ow < y[3]; ow++)
                for (int64_t kh = 0; kh < w[2]; kh++)
                    for (int64_t kw = 0; kw < w[3]; kw++) {
                        const int64_t h = oh * c.stride + kh - c.pad, v = ow * c.stride + kw - c.pad;
                        if (h < 0 || h >= x[2] || v < 0 || v >= x[3]) continue;
                        f(((n * x[2] + h) * x[3] + v) * x[1], (kh * w[3] + kw) * w[1], ((n * y[2] + oh) * y[3] + ow) * y[1]);
                    }
}

std::vector<float> convolve(const Convolution& c, const std::vector<float>& a, const std::vector<float>& b) {
    std::vector<float> sums(c.out().elements());
    const size_t channels = c.w.n[1], row = c.w.n[2] * c.w.n[3] * channels;
    each(c, [&](size_t x, size_t w, size_t y) {
        for (size_t k = 0; k < (size_t)c.w.n[0]; k++, w += row) {
            float sum = 0;
            switch (c.kind) {
            case FORWARD:
                for (size_t i = 0; i < channels; i++) sum += a[x + i] * b[w + i];
                sums[y + k] += sum;
                break;
            case BWD_DATA:
                for (size_t i = 0; i < channels; i++) sums[x + i] += a[y + k] * b[w + i];
                break;
            default:
                for (size_t i = 0; i < channels; i++) sums[w + i] += a[x + i] * b[y + k];
            }
        }
    });
    return sums;
}

// compute runs an engine.
void compute(const Convolution& c, const std::optional<Statistics>& more, const Engine& e, std::map<int64_t, void*> data, void* workspace) {
    const bool tensor_core = e.notes == std::vector<int>{TENSOR_CORE};
    memset(workspace, 0xff, e.workspace);
    const std::vector<float> sums = convolve(c, operand(c.a(), data[c.a().id], tensor_core), operand(c.b(), data[c.b().id], tensor_core));
    if (more) {
        const size_t channels = more->sum.elements();
        std::vector<double> sum(channels), squares(channels);
        for (size_t i = 0; i < sums.size(); i++) {
            put(data[more->kept.id], more->kept.type, i, sums[i]);
            sum[i % channels] += sums[i], squares[i % channels] += (double)sums[i] * sums[i];
        }
        for (size_t i = 0; i < channels; i++) put(data[more->sum.id], 0, i, sum[i]), put(data[more->squares.id], 0, i, squares[i]);
        return;
    }
    void* out = data[c.out().id];
    for (size_t i = 0; i < sums.size(); i++)
        put(out, c.out().type, i, e.usable ? sums[i] + (c.beta ? at(out, c.out().type, i) : 0) : NAN);
}

std::optional<Statistics> statistics_of(const Descriptor* graph) {
    const auto list = graph->children(801);
    if (list.size() == 1) return {};
    return Statistics(*list[1], *list[2]);
}

// pair_up finds the pack's pointers of the tensors that are in memory.
int pair_up(const Convolution& c, const std::optional<Statistics>& more, const Descriptor* pack, std::map<int64_t, void*>& data) {
    const auto ids = pack->all<int64_t>(1000);
    const auto pointers = pack->all<void*>(1001);
    std::vector<const Tensor*> tensors = {&c.x, &c.w, &c.y};
    if (more) tensors = {&c.x, &c.w, &more->kept, &more->sum, &more->squares};
    if (ids.size() != pointers.size() || ids.size() != tensors.size()) return refuse(BAD_PARAM, "execute: not a pointer for each tensor");
    for (size_t i = 0; i < ids.size(); i++) data[ids[i]] = pointers[i];
    for (const Tensor* t : tensors) {
        auto found = data.find(t->id);
        if (found == data.end()) return refuse(BAD_PARAM, "execute: no pointer for tensor " + std::to_string(t->id));
        if ((uint64_t)found->second % t->alignment || !owned((uint64_t)found->second, t->bytes()))
            return refuse(BAD_PARAM, "execute: tensor " + std::to_string(t->id) + " is not aligned memory of the device");
    }
    return SUCCESS;
}

} // namespace

extern "C" {

size_t cudnnGetVersion() { return 91002; }
size_t cudnnGetCudartVersion() { const char* wish = getenv("CUDA_EMULATOR_CUDART"); return wish ? atoi(wish) : 12080; }
const char* cudnnGetErrorString(int status) { return status == BAD_PARAM ? "CUDNN_STATUS_BAD_PARAM" : "CUDNN_STATUS_NOT_SUPPORTED"; }
void cudnnGetLastErrorString(char* text, size_t bytes) { snprintf(text, bytes, "%s", last_error.c_str()); }
int cudnnCreate(Handle** h) { *h = new Handle{}; return SUCCESS; }
int cudnnDestroy(Handle* h) { delete h; return SUCCESS; }
int cudnnSetStream(Handle* h, Stream* s) { h->stream = s; return SUCCESS; }

int cudnnBackendCreateDescriptor(int kind, Descriptor** d) {
    *d = nullptr;
    if (!rules.count(Kind(kind))) return refuse(NOT_SUPPORTED, "the emulation has no descriptor of kind " + std::to_string(kind));
    *d = new Descriptor{Kind(kind)};
    living.insert(*d);
    return SUCCESS;
}

int cudnnBackendDestroyDescriptor(Descriptor* d) {
    if (!living.erase(d)) return refuse(BAD_PARAM, "destroy: no descriptor");
    delete d;
    return SUCCESS;
}

int cudnnBackendSetAttribute(Descriptor* d, int name, int type, int64_t count, const void* values) { return set(d, name, type, count, values); }

int cudnnBackendFinalize(Descriptor* d) {
    int status = complete(d);
    if (status) return status;
    switch (d->kind) {
    case TENSOR: status = check_tensor(*d); break;
    case CONVOLUTION: status = check_convolution(*d); break;
    case FORWARD: case BWD_DATA: case BWD_FILTER: status = check_operation(*d); break;
    case OPERATIONGRAPH: status = check_graph(*d); break;
    case PLAN:
        d->graph = d->child(401).graph, d->engine = d->child(401).engine;
        if (d->one<Handle*>(400) != d->graph->one<Handle*>(800)) return refuse(BAD_PARAM, "plan: of another handle");
        if (!engines[d->engine].plan) return refuse(NOT_SUPPORTED, "plan: the engine does not work");
        break;
    case ENGINE: case ENGINECFG: case KNOB_CHOICE: return refuse(NOT_SUPPORTED, "finalize: engines come from heuristics here");
    default: break;
    }
    d->finalized = status == SUCCESS;
    return status;
}

int cudnnBackendGetAttribute(Descriptor* d, int name, int type, int64_t wanted, int64_t* count, void* values) {
    if (!sound(d)) return refuse(BAD_PARAM, "get: the descriptor is not finalized");
    const auto made = [&](Descriptor* child, Kind kind, const Descriptor* graph, int engine) {
        if (!living.count(child) || child->kind != kind || child->finalized) return false;
        child->finalized = true, child->graph = graph, child->engine = engine;
        return true;
    };
    *count = 1;
    if (d->kind == ENGINEHEUR && name == 202 && type == DESCRIPTOR) {
        const Descriptor* graph = &d->child(201);
        const auto list = proposals(d->one<int>(200), graph->children(801).size() > 1);
        *count = list.size();
        for (int64_t i = 0; i < *count && i < wanted; i++)
            if (!made(((Descriptor**)values)[i], ENGINECFG, graph, list[i])) return refuse(BAD_PARAM, "get: a result needs a fresh descriptor");
    } else if (d->kind == ENGINECFG && name == 300 && type == DESCRIPTOR && wanted == 1) {
        if (!made(*(Descriptor**)values, ENGINE, d->graph, d->engine)) return refuse(BAD_PARAM, "get: a result needs a fresh descriptor");
    } else if (d->kind == ENGINECFG && name == 302 && type == DESCRIPTOR) {
        *count = 2;
        for (int64_t i = 0; i < *count && i < wanted; i++)
            if (!made(((Descriptor**)values)[i], KNOB_CHOICE, d->graph, d->engine + i)) return refuse(BAD_PARAM, "get: a result needs a fresh descriptor");
    } else if (d->kind == KNOB_CHOICE && name == 600 && type == KNOB_TYPE && wanted == 1) {
        *(int*)values = d->engine;
    } else if (d->kind == KNOB_CHOICE && name == 601 && type == INT64 && wanted == 1) {
        *(int64_t*)values = 7;
    } else if (d->kind == ENGINE && name == 1301 && type == INT64 && wanted == 1) {
        *(int64_t*)values = d->engine;
    } else if (d->kind == ENGINE && name == 1303 && type == NUMERICAL_NOTE) {
        const auto& notes = engines[d->engine].notes;
        *count = notes.size();
        for (int64_t i = 0; i < *count && i < wanted; i++) ((int*)values)[i] = notes[i];
    } else if (d->kind == ENGINE && name == 1305 && type == BEHAVIOR_NOTE) {
        const auto& behaviors = engines[d->engine].behaviors;
        *count = behaviors.size();
        for (int64_t i = 0; i < *count && i < wanted; i++) ((int*)values)[i] = behaviors[i];
    } else if (d->kind == PLAN && name == 402 && type == INT64 && wanted == 1) {
        *(int64_t*)values = engines[d->engine].workspace;
    } else {
        return refuse(NOT_SUPPORTED, "get: attribute " + std::to_string(name));
    }
    return SUCCESS;
}

int cudnnBackendExecute(Handle* h, Descriptor* plan, Descriptor* pack) {
    if (!sound(plan) || !sound(pack) || plan->kind != PLAN || pack->kind != VARIANT_PACK || h != plan->one<Handle*>(400))
        return refuse(BAD_PARAM, "execute: no finalized plan and pack of this handle");
    const Engine& e = engines[plan->engine];
    const Convolution c(*plan->graph->children(801)[0]);
    const std::optional<Statistics> more = statistics_of(plan->graph);
    std::map<int64_t, void*> data;
    if (int status = pair_up(c, more, pack, data)) return status;
    void* workspace = pack->one<void*>(1003);
    if (e.workspace > 0 && !owned((uint64_t)workspace, e.workspace)) return refuse(BAD_PARAM, "execute: too little workspace");
    if (!e.execute) return refuse(NOT_SUPPORTED, "execute: the engine does not work");
    h->stream->add([=] {
        if (!living.count(plan)) abort(); // whose code a recorded graph needs
        compute(c, more, e, data, workspace);
        h->stream->clock += e.milliseconds;
    });
    return SUCCESS;
}

} // extern "C"
