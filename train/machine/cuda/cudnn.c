//go:build gpu

#define _GNU_SOURCE // for dladdr

#include "cudnn.h"

#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

// Values of cuDNN's enumerations, the same in versions 8 and 9.
enum { // cudnnDataType_t
    FLOAT = 0,
    BFLOAT16 = 9,
};
enum { // cudnnBackendAttributeType_t
    HANDLE = 0,
    DATA_TYPE = 1,
    BOOLEAN = 2,
    INT64 = 3,
    REAL = 4,
    POINTER = 6,
    CONVOLUTION_MODE = 7,
    HEURISTIC = 8,
    KNOB_TYPE = 9,
    NUMERICAL_NOTE = 11,
    POINTWISE_MODE = 14,
    DESCRIPTOR = 15,
    STATISTICS_MODE = 16,
    BEHAVIOR_NOTE = 19,
    CHARACTER = 24,
};
enum { // cudnnBackendDescriptorType_t
    POINTWISE = 0,
    CONVOLUTION = 1,
    ENGINE = 2,
    ENGINE_CONFIG = 3,
    HEURISTICS = 4,
    PLAN = 5,
    KNOB = 7,
    FORWARD = 10,
    BACKWARD_FILTER = 11,
    BACKWARD_DATA = 12,
    APPLY_POINTWISE = 13,
    STATISTICS = 14,
    GRAPH = 15,
    VARIANT_PACK = 16,
    TENSOR = 17,
    DEVICE = 38,
};
enum { // cudnnBackendAttributeName_t
    POINTWISE_OF_MODE = 0,
    POINTWISE_COMPUTE_TYPE = 1,
    CONVOLUTION_COMPUTE_TYPE = 100,
    CONVOLUTION_CONVOLUTION_MODE = 101,
    CONVOLUTION_DILATIONS = 102,
    CONVOLUTION_STRIDES = 103,
    CONVOLUTION_POST_PADDINGS = 104,
    CONVOLUTION_PRE_PADDINGS = 105,
    CONVOLUTION_SPATIAL_DIMENSIONS = 106,
    HEURISTICS_MODE = 200,
    HEURISTICS_GRAPH = 201,
    HEURISTICS_RESULTS = 202,
    HEURISTICS_DEVICE = 204,
    CONFIG_ENGINE = 300,
    CONFIG_KNOBS = 302,
    PLAN_HANDLE = 400,
    PLAN_CONFIG = 401,
    PLAN_WORKSPACE_SIZE = 402,
    PLAN_DEVICE = 407,
    KNOB_OF_TYPE = 600,
    KNOB_VALUE = 601,
    FORWARD_ALPHA = 700, // and from here beta, convolution, w, x and y
    BACKWARD_DATA_ALPHA = 706,
    BACKWARD_FILTER_ALPHA = 712,
    APPLY_POINTWISE_HOW = 750,
    APPLY_POINTWISE_X = 751,
    APPLY_POINTWISE_Y = 753,
    STATISTICS_OF_MODE = 770,
    STATISTICS_COMPUTE_TYPE = 771,
    STATISTICS_X = 772,
    STATISTICS_SUM = 773,
    STATISTICS_SQUARES = 774,
    GRAPH_HANDLE = 800,
    GRAPH_OPERATIONS = 801,
    TENSOR_ALIGNMENT = 900,
    TENSOR_TYPE = 901,
    TENSOR_DIMENSIONS = 902,
    TENSOR_STRIDES = 903,
    TENSOR_ID = 906,
    TENSOR_VIRTUAL = 907,
    PACK_IDS = 1000,
    PACK_POINTERS = 1001,
    PACK_WORKSPACE = 1003,
    ENGINE_NUMBER = 1301,
    ENGINE_NUMERICAL_NOTE = 1303,
    ENGINE_BEHAVIOR_NOTE = 1305,
    DEVICE_JSON = 2702,
};
enum {
    CROSS_CORRELATION = 1, // cudnnConvolutionMode_t
    IDENTITY = 21,         // cudnnPointwiseMode_t
    SUM_AND_SQUARES = 0,   // cudnnGenStatsMode_t
    MOST_NOTES = 32,       // of an engine and kind; version 9 knows 10
    ALIGNMENT = 16,        // of operands, in bytes; tensors lie at multiples of 256
};

static size_t (*GetVersion)(void);
static const char *(*GetErrorString)(int);
static void (*GetLastErrorString)(char *, size_t); // since version 9
static int (*Create)(cudnn_object *);
static int (*Destroy)(cudnn_object);
static int (*SetStream)(cudnn_object, void *);
static int (*BackendCreateDescriptor)(int, cudnn_object *);
static int (*BackendDestroyDescriptor)(cudnn_object);
static int (*BackendSetAttribute)(cudnn_object, int name, int type, int64_t count, const void *);
static int (*BackendGetAttribute)(cudnn_object, int name, int type, int64_t wanted, int64_t *count, void *);
static int (*BackendFinalize)(cudnn_object);
static int (*BackendExecute)(cudnn_object handle, cudnn_object plan, cudnn_object pack);

#define FUNCTIONS(F)                                                                                  \
    F(GetVersion) F(GetErrorString) F(Create) F(Destroy) F(SetStream) F(BackendCreateDescriptor)      \
    F(BackendDestroyDescriptor) F(BackendSetAttribute) F(BackendGetAttribute) F(BackendFinalize)      \
    F(BackendExecute)

// The folder of a library that was loaded, without the slash at its end.
typedef struct {
    const char *path;
    int length;
} folder;

// open_beside opens what a pattern names: beside the library, or where Python's
// wheels have it, the newest in a folder of CUDA's major version.
static void *open_beside(folder at, const char *wheel, int major, const char *pattern) {
    char places[3][32] = {"/"}, path[PATH_MAX];
    snprintf(places[1], sizeof places[1], "/../../%s/lib/", wheel);
    snprintf(places[2], sizeof places[2], "/../../cu%d/lib/", major);
    void *library = NULL;
    for (int i = 0; i < 3 && !library; i++) {
        glob_t found;
        snprintf(path, sizeof path, "%.*s%s%s", at.length, at.path, places[i], pattern);
        if (glob(path, 0, NULL, &found)) continue;
        for (size_t k = 0; k < found.gl_pathc; k++) {
            void *l = dlopen(found.gl_pathv[k], RTLD_NOW);
            if (l) library = l;
        }
        globfree(&found);
    }
    return library;
}

// prepare loads what belongs to the library: cuBLAS, without which cuDNN would
// abort the process, and what its run-time compiler reads, which the compiler finds
// on the system's paths only. It returns NULL, or why that fails.
static const char *prepare(void *library, int driver) {
    static char why[100];
    char name[48];
    size_t (*runtime)(void);
    Dl_info file;
    *(void **)&runtime = dlsym(library, "cudnnGetCudartVersion");
    if (!runtime || !dladdr(*(void **)&runtime, &file) || !strchr(file.dli_fname, '/')) return NULL;
    const folder at = {file.dli_fname, (int)(strrchr(file.dli_fname, '/') - file.dli_fname)};
    const int major = (int)(runtime() / 1000);
    if (driver && major > driver) {
        snprintf(why, sizeof why, "it is for CUDA %d, the driver for %d", major, driver);
        return why;
    }
    snprintf(name, sizeof name, "libnvrtc-builtins.so.%d.*", major);
    open_beside(at, "cuda_nvrtc", major, name); // without it the compiled engines are out of reach, the others are not
    snprintf(name, sizeof name, "libcublasLt.so.%d", major);
    if (dlopen(name, RTLD_NOW) || open_beside(at, "cublas", major, name)) return NULL;
    snprintf(why, sizeof why, "it needs libcublasLt.so.%d: install cuBLAS (nvidia-cublas)", major);
    return why;
}

const char *largestep_cudnn_load(const char *file, int driver) {
    static void *library;
    if (library) return NULL;
    void *l = dlopen(file, RTLD_NOW);
    if (!l) return dlerror();
#define FIND(name)                                          \
    if (!(*(void **)&name = dlsym(l, "cudnn" #name))) {     \
        dlclose(l);                                         \
        return "it has no function cudnn" #name;            \
    }
    FUNCTIONS(FIND)
    const char *why = prepare(l, driver);
    if (why) {
        dlclose(l);
        return why;
    }
    *(void **)&GetLastErrorString = dlsym(l, "cudnnGetLastErrorString");
    library = l;
    return NULL;
}

size_t largestep_cudnn_version(void) { return GetVersion(); }

const char *largestep_cudnn_error(int status, char *more, size_t bytes) {
    *more = 0;
    if (GetLastErrorString) GetLastErrorString(more, bytes);
    return GetErrorString(status);
}

int largestep_cudnn_create(cudnn_object *handle, void *stream) {
    int status = Create(handle);
    return status ? status : SetStream(*handle, stream);
}

int largestep_cudnn_destroy(cudnn_object handle) { return Destroy(handle); }

// attribute is one of a descriptor; one without values is left out.
typedef struct {
    int name, type;
    int64_t count;
    const void *values;
} attribute;

static int build(cudnn_object *d, int kind, const attribute *a, size_t n) {
    int status = BackendCreateDescriptor(kind, d);
    for (; n && !status; a++, n--)
        if (a->values) status = BackendSetAttribute(*d, a->name, a->type, a->count, a->values);
    return status ? status : BackendFinalize(*d);
}

#define BUILD(d, kind, ...) \
    build(d, kind, (const attribute[]){__VA_ARGS__}, sizeof((const attribute[]){__VA_ARGS__}) / sizeof(attribute))

// given is an optional descriptor as the value of an attribute.
static const cudnn_object *given(const cudnn_object *d) { return *d ? d : NULL; }

void largestep_destroy(cudnn_object d) {
    if (d) BackendDestroyDescriptor(d);
}

int largestep_device(cudnn_object *device, const char *json) {
    *device = NULL;
    return BUILD(device, DEVICE, {DEVICE_JSON, CHARACTER, (int64_t)strlen(json) + 1, json});
}

// part finds room for another descriptor of a graph.
static cudnn_object *part(largestep_graph *g) { return &g->parts[g->count++]; }

#define PART(g, d, kind, ...)                \
    cudnn_object *d = part(g);               \
    if ((status = BUILD(d, kind, __VA_ARGS__))) return status;

// tensor describes one with the channels last; a virtual one is not in memory.
static int tensor(cudnn_object *d, int64_t id, int half, char virtual, int64_t n, int64_t c, int64_t h, int64_t w) {
    const int type = half ? BFLOAT16 : FLOAT;
    const int64_t alignment = ALIGNMENT, dimensions[] = {n, c, h, w}, strides[] = {h * w * c, 1, w * c, c};
    return BUILD(d, TENSOR, {TENSOR_ID, INT64, 1, &id}, {TENSOR_TYPE, DATA_TYPE, 1, &type},
                 {TENSOR_DIMENSIONS, INT64, 4, dimensions}, {TENSOR_STRIDES, INT64, 4, strides},
                 {TENSOR_ALIGNMENT, INT64, 1, &alignment}, {TENSOR_VIRTUAL, BOOLEAN, 1, virtual ? &virtual : NULL});
}

static int convolution(cudnn_object *d, int64_t stride, int64_t pad) {
    const int mode = CROSS_CORRELATION, type = FLOAT;
    const int64_t rank = 2, strides[] = {stride, stride}, pads[] = {pad, pad}, dilations[] = {1, 1};
    return BUILD(d, CONVOLUTION, {CONVOLUTION_COMPUTE_TYPE, DATA_TYPE, 1, &type},
                 {CONVOLUTION_CONVOLUTION_MODE, CONVOLUTION_MODE, 1, &mode}, {CONVOLUTION_SPATIAL_DIMENSIONS, INT64, 1, &rank},
                 {CONVOLUTION_STRIDES, INT64, 2, strides}, {CONVOLUTION_DILATIONS, INT64, 2, dilations},
                 {CONVOLUTION_PRE_PADDINGS, INT64, 2, pads}, {CONVOLUTION_POST_PADDINGS, INT64, 2, pads});
}

// The tensors' identifiers, in the order of execute's addresses, and that of the
// convolution's result before it is rounded.
enum { OUT = 1, FIRST, SECOND, SUM, SQUARES, EXACT };

static const struct {
    int kind, attributes, x, w, y;
} passes[] = {
    [LARGESTEP_FORWARD] = {FORWARD, FORWARD_ALPHA, FIRST, SECOND, OUT},
    [LARGESTEP_BACKWARD_DATA] = {BACKWARD_DATA, BACKWARD_DATA_ALPHA, OUT, SECOND, FIRST},
    [LARGESTEP_BACKWARD_FILTER] = {BACKWARD_FILTER, BACKWARD_FILTER_ALPHA, SECOND, OUT, FIRST},
};

// statistics adds to operations, after the convolution, what keeps its exact
// result, and what sums it and its squares over each channel. The identity is
// there because a result that the convolution writes itself goes to older engines
// (cuDNN 9.28).
static int statistics(largestep_graph *g, const largestep_kernel *k, cudnn_object exact, cudnn_object y, cudnn_object operations[2]) {
    const int identity = IDENTITY, mode = SUM_AND_SQUARES, type = FLOAT;
    cudnn_object *sum = part(g), *squares = part(g);
    int status;
    if ((status = tensor(sum, SUM, 0, 0, 1, k->k, 1, 1)) || (status = tensor(squares, SQUARES, 0, 0, 1, k->k, 1, 1))) return status;
    PART(g, how, POINTWISE, {POINTWISE_OF_MODE, POINTWISE_MODE, 1, &identity}, {POINTWISE_COMPUTE_TYPE, DATA_TYPE, 1, &type})
    PART(g, keep, APPLY_POINTWISE, {APPLY_POINTWISE_HOW, DESCRIPTOR, 1, how}, {APPLY_POINTWISE_X, DESCRIPTOR, 1, &exact},
         {APPLY_POINTWISE_Y, DESCRIPTOR, 1, &y})
    PART(g, add, STATISTICS, {STATISTICS_OF_MODE, STATISTICS_MODE, 1, &mode}, {STATISTICS_COMPUTE_TYPE, DATA_TYPE, 1, &type},
         {STATISTICS_X, DESCRIPTOR, 1, &exact}, {STATISTICS_SUM, DESCRIPTOR, 1, sum}, {STATISTICS_SQUARES, DESCRIPTOR, 1, squares})
    operations[0] = *keep, operations[1] = *add;
    return 0;
}

int largestep_describe(largestep_graph *g, const largestep_target *t, const largestep_kernel *k) {
    const int ids[] = {passes[k->pass].x, passes[k->pass].w, passes[k->pass].y}, a = passes[k->pass].attributes;
    const float alpha = 1, beta = k->accumulate;
    cudnn_object operations[3];
    int status;
    memset(g, 0, sizeof *g);
    cudnn_object *x = part(g), *w = part(g), *y = part(g), *conv = part(g), *result = y;
    if ((status = tensor(x, ids[0], k->half, 0, k->n, k->c, k->h, k->w)) || (status = tensor(w, ids[1], k->half, 0, k->k, k->c, k->size, k->size)) ||
        (status = tensor(y, ids[2], k->half, 0, k->n, k->k, k->p, k->q)) || (status = convolution(conv, k->stride, k->pad)))
        return status;
    if (k->statistics && (status = tensor(result = part(g), EXACT, 0, 1, k->n, k->k, k->p, k->q))) return status;
    PART(g, operation, passes[k->pass].kind, {a, REAL, 1, &alpha}, {a + 1, REAL, 1, &beta}, {a + 2, DESCRIPTOR, 1, conv},
         {a + 3, DESCRIPTOR, 1, w}, {a + 4, DESCRIPTOR, 1, x}, {a + 5, DESCRIPTOR, 1, result})
    operations[0] = *operation;
    if (k->statistics && (status = statistics(g, k, *result, *y, operations + 1))) return status;
    return BUILD(&g->graph, GRAPH, {GRAPH_HANDLE, HANDLE, 1, given(&t->handle)},
                 {GRAPH_OPERATIONS, DESCRIPTOR, k->statistics ? 3 : 1, operations});
}

void largestep_forget(largestep_graph *g) {
    largestep_destroy(g->graph);
    while (g->count) largestep_destroy(g->parts[--g->count]);
    memset(g, 0, sizeof *g);
}

// notes reads what cuDNN says of an engine, as bits.
static int notes(cudnn_object engine, int name, int type, unsigned *bits) {
    int found[MOST_NOTES];
    int64_t n = 0;
    int status = BackendGetAttribute(engine, name, type, MOST_NOTES, &n, found);
    *bits = 0;
    for (int64_t i = 0; i < n && i < MOST_NOTES && !status; i++) *bits |= 1u << (found[i] & 31);
    return status;
}

// engine reads which engine a config is of, what cuDNN says of the numbers that
// it computes, and how it behaves.
static int engine(largestep_proposal *p) {
    cudnn_object engine = NULL;
    int64_t one;
    int status = BackendCreateDescriptor(ENGINE, &engine);
    if (!status) status = BackendGetAttribute(p->config, CONFIG_ENGINE, DESCRIPTOR, 1, &one, &engine);
    if (!status) status = BackendGetAttribute(engine, ENGINE_NUMBER, INT64, 1, &one, &p->engine);
    if (!status) status = notes(engine, ENGINE_NUMERICAL_NOTE, NUMERICAL_NOTE, &p->notes);
    if (!status) notes(engine, ENGINE_BEHAVIOR_NOTE, BEHAVIOR_NOTE, &p->behaviors); // of which early versions know nothing
    largestep_destroy(engine);
    return status;
}

// knobs reads the parameters of a config.
static int knobs(largestep_proposal *p) {
    cudnn_object list[LARGESTEP_KNOBS] = {NULL};
    int64_t n = 0, one;
    int status = 0;
    for (int i = 0; i < LARGESTEP_KNOBS && !status; i++) status = BackendCreateDescriptor(KNOB, &list[i]);
    if (!status) status = BackendGetAttribute(p->config, CONFIG_KNOBS, DESCRIPTOR, LARGESTEP_KNOBS, &n, list);
    p->knobs = (int)(n < LARGESTEP_KNOBS ? n : LARGESTEP_KNOBS);
    for (int i = 0; i < p->knobs && !status; i++) {
        status = BackendGetAttribute(list[i], KNOB_OF_TYPE, KNOB_TYPE, 1, &one, &p->types[i]);
        if (!status) status = BackendGetAttribute(list[i], KNOB_VALUE, INT64, 1, &one, &p->values[i]);
    }
    for (int i = 0; i < LARGESTEP_KNOBS; i++) largestep_destroy(list[i]);
    return status;
}

int largestep_propose(const largestep_target *t, cudnn_object graph, int mode, largestep_proposal found[LARGESTEP_PROPOSALS], int *n) {
    cudnn_object heuristics = NULL, configs[LARGESTEP_PROPOSALS] = {NULL};
    int64_t count = 0;
    int status = BUILD(&heuristics, HEURISTICS, {HEURISTICS_GRAPH, DESCRIPTOR, 1, &graph}, {HEURISTICS_MODE, HEURISTIC, 1, &mode},
                       {HEURISTICS_DEVICE, DESCRIPTOR, 1, given(&t->device)});
    for (int i = 0; i < LARGESTEP_PROPOSALS && !status; i++) status = BackendCreateDescriptor(ENGINE_CONFIG, &configs[i]);
    if (!status) status = BackendGetAttribute(heuristics, HEURISTICS_RESULTS, DESCRIPTOR, LARGESTEP_PROPOSALS, &count, configs);
    *n = 0;
    for (int i = 0; i < LARGESTEP_PROPOSALS; i++) {
        largestep_proposal p = {.config = configs[i]};
        if (!status && i < count && !engine(&p) && !knobs(&p))
            found[(*n)++] = p;
        else
            largestep_destroy(p.config);
    }
    largestep_destroy(heuristics);
    return status;
}

int largestep_finish(const largestep_target *t, cudnn_object config, largestep_plan *p) {
    int64_t one;
    p->plan = NULL;
    int status = BUILD(&p->plan, PLAN, {PLAN_HANDLE, HANDLE, 1, given(&t->handle)}, {PLAN_CONFIG, DESCRIPTOR, 1, &config},
                       {PLAN_DEVICE, DESCRIPTOR, 1, given(&t->device)});
    if (!status) status = BackendGetAttribute(p->plan, PLAN_WORKSPACE_SIZE, INT64, 1, &one, &p->workspace);
    if (!status) return 0;
    largestep_destroy(p->plan);
    p->plan = NULL;
    return status;
}

int largestep_execute(cudnn_object handle, cudnn_object plan, int count, const uint64_t addresses[], uint64_t workspace) {
    const int64_t ids[] = {OUT, FIRST, SECOND, SUM, SQUARES};
    cudnn_object pack = NULL;
    int status = BUILD(&pack, VARIANT_PACK, {PACK_IDS, INT64, count, ids}, {PACK_POINTERS, POINTER, count, addresses},
                       {PACK_WORKSPACE, POINTER, 1, &workspace});
    if (!status) status = BackendExecute(handle, plan, pack);
    largestep_destroy(pack);
    return status;
}
