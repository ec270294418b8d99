// cuDNN, loaded at run time: the part of its graph interface that versions 8 and
// 9 share (cudnn_backend.h of version 8, cudnn_graph.h of version 9).

#include <stddef.h>
#include <stdint.h>

typedef void *cudnn_object;

// What plans are for: the GPU of a handle or, without one, a GPU that is only
// described.
typedef struct {
    cudnn_object handle, device;
} largestep_target;

enum largestep_pass { LARGESTEP_FORWARD, LARGESTEP_BACKWARD_DATA, LARGESTEP_BACKWARD_FILTER };

// One kernel of a convolution.
typedef struct {
    enum largestep_pass pass;
    int n, c, h, w;       // of x
    int k, size, p, q;    // output channels, filter size, height and width of y
    int stride, pad;
    int half;             // bfloat16
    int accumulate;       // add to the result
    int statistics;       // of the forward pass, sum over each channel of y the results and their squares
} largestep_kernel;

// The operation graph of a kernel, and the descriptors that it is made of, each
// after those that it refers to.
typedef struct {
    cudnn_object graph, parts[16];
    int count; // of parts
} largestep_graph;

// An engine with its parameters, as cuDNN's heuristics propose it.
#define LARGESTEP_KNOBS 64 // of an engine at most; version 9 knows 44 types
typedef struct {
    cudnn_object config;
    unsigned notes;     // bits of cudnnBackendNumericalNote_t
    unsigned behaviors; // bits of cudnnBackendBehaviorNote_t
    int64_t engine;     // its number
    int knobs;          // its parameters: types, in any order, with values
    int types[LARGESTEP_KNOBS];
    int64_t values[LARGESTEP_KNOBS];
} largestep_proposal;

typedef struct {
    cudnn_object plan;
    int64_t workspace; // bytes
} largestep_plan;

// largestep_cudnn_load loads the library for a driver of CUDA's major version, 0
// if that is not known; it returns NULL, or why not. A library that was loaded
// before stays.
const char *largestep_cudnn_load(const char *file, int driver);
size_t largestep_cudnn_version(void);

// largestep_cudnn_error is the name of a status; more is what the last call that
// failed said about it, where the library can tell.
const char *largestep_cudnn_error(int status, char *more, size_t bytes);

// These return cudnnStatus_t, 0 for success.
int largestep_cudnn_create(cudnn_object *handle, void *stream);
int largestep_cudnn_destroy(cudnn_object handle);

// largestep_device describes a GPU in cuDNN's JSON (since version 9.11).
int largestep_device(cudnn_object *device, const char *json);

// largestep_describe makes the graph of a kernel; after an error too,
// largestep_forget gives back what there is of it.
int largestep_describe(largestep_graph *g, const largestep_target *t, const largestep_kernel *k);
void largestep_forget(largestep_graph *g);

// largestep_propose asks heuristics (cudnnBackendHeurMode_t) for n proposals, the
// best first.
#define LARGESTEP_PROPOSALS 64
int largestep_propose(const largestep_target *t, cudnn_object graph, int mode, largestep_proposal found[LARGESTEP_PROPOSALS], int *n);

// largestep_finish makes a plan of a proposal, which has to outlive it.
int largestep_finish(const largestep_target *t, cudnn_object config, largestep_plan *p);
void largestep_destroy(cudnn_object descriptor);

// largestep_execute queues a plan: y = x * w, dx = dy * w or dw = dy * x, the
// addresses in this order, and with statistics those of the sums and the sums of
// squares, in float; count is 3 or 5.
int largestep_execute(cudnn_object handle, cudnn_object plan, int count, const uint64_t addresses[], uint64_t workspace);
