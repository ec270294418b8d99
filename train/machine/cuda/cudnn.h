// cuDNN, loaded at run time: the part of its interface that is in both version 8
// and version 9 (cudnn_cnn_infer_v8.h and cudnn_cnn_train_v8.h, cudnn_cnn_v9.h).

#include <stddef.h>

typedef void *cudnn_object;

// One convolution, with everything that its three kernels need.
typedef struct {
    int n, c, h, w;         // of x
    int k, size, p, q;      // output channels, filter size, height and width of y
    int stride, pad;
    int half;               // bfloat16 in memory
    int math;               // cudnnMathType_t
} largestep_conv_shape;

typedef struct {
    cudnn_object x, y, filter, conv;
} largestep_conv;

enum largestep_pass { LARGESTEP_FORWARD, LARGESTEP_BACKWARD_DATA, LARGESTEP_BACKWARD_FILTER };

// An algorithm as cuDNN's search reports it: cudnnConvolutionFwdAlgoPerf_t,
// ...BwdDataAlgoPerf_t and ...BwdFilterAlgoPerf_t, which lie alike.
typedef struct {
    int algo, status;
    float time; // milliseconds
    size_t memory;
    int determinism, math;
    int reserved[3];
} largestep_algorithm;

// largestep_cudnn_load loads the library; it returns NULL, or why not. A library
// that was loaded before stays.
const char *largestep_cudnn_load(const char *file);

// These return cudnnStatus_t, 0 for success.
int largestep_cudnn_create(cudnn_object *handle, void *stream);
int largestep_cudnn_destroy(cudnn_object handle);
int largestep_conv_create(largestep_conv *c, const largestep_conv_shape *s);
void largestep_conv_destroy(largestep_conv *c);
int largestep_conv_math(largestep_conv *c, int math);

// largestep_conv_search lists the algorithms of a pass, the fastest first. With
// measure it runs each on memory of its own.
int largestep_conv_search(cudnn_object handle, const largestep_conv *c, enum largestep_pass pass, int measure,
                          int wanted, int *returned, largestep_algorithm *found);

// largestep_conv_run: y = x * w, dx = dy * w or dw = dy * x, the operands in this
// order; beta 1 adds to the result.
int largestep_conv_run(cudnn_object handle, const largestep_conv *c, enum largestep_pass pass, int algo,
                       unsigned long long out, unsigned long long first, unsigned long long second,
                       unsigned long long workspace, size_t bytes, float beta);

size_t largestep_cudnn_version(void);
const char *largestep_cudnn_error(int status);
