//go:build gpu

#include "cudnn.h"

#include <dlfcn.h>
#include <string.h>

// Values of cuDNN's enumerations, the same in versions 8 and 9.
enum {
    CROSS_CORRELATION = 1, // cudnnConvolutionMode_t
    NHWC = 1,              // cudnnTensorFormat_t
    FLOAT = 0,             // cudnnDataType_t
    BFLOAT16 = 9,
};

// The functions, in the order of cudnn_v9.h's parts graph, ops and cnn.
static size_t (*GetVersion)(void);
static const char *(*GetErrorString)(int);
static int (*Create)(cudnn_object *);
static int (*Destroy)(cudnn_object);
static int (*SetStream)(cudnn_object, void *);
static int (*CreateTensorDescriptor)(cudnn_object *);
static int (*SetTensor4dDescriptor)(cudnn_object, int format, int type, int n, int c, int h, int w);
static int (*DestroyTensorDescriptor)(cudnn_object);
static int (*CreateFilterDescriptor)(cudnn_object *);
static int (*SetFilter4dDescriptor)(cudnn_object, int type, int format, int k, int c, int h, int w);
static int (*DestroyFilterDescriptor)(cudnn_object);
static int (*CreateConvolutionDescriptor)(cudnn_object *);
static int (*SetConvolution2dDescriptor)(cudnn_object, int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w, int mode, int compute);
static int (*SetConvolutionMathType)(cudnn_object, int);
static int (*DestroyConvolutionDescriptor)(cudnn_object);

// A search takes the descriptors of both operands around that of the
// convolution, and then the result's.
typedef int search(cudnn_object handle, cudnn_object a, cudnn_object b, cudnn_object conv, cudnn_object out,
                   int wanted, int *returned, largestep_algorithm *found);
static search *FindConvolutionForwardAlgorithm, *GetConvolutionForwardAlgorithm_v7;
static search *FindConvolutionBackwardDataAlgorithm, *GetConvolutionBackwardDataAlgorithm_v7;
static search *FindConvolutionBackwardFilterAlgorithm, *GetConvolutionBackwardFilterAlgorithm_v7;

typedef int convolution(cudnn_object handle, const void *alpha, cudnn_object a, const void *a_data, cudnn_object b, const void *b_data,
                        cudnn_object conv, int algo, void *workspace, size_t bytes, const void *beta, cudnn_object out, void *out_data);
static convolution *ConvolutionForward, *ConvolutionBackwardData, *ConvolutionBackwardFilter;

#define FUNCTIONS(F)                                                                                                  \
    F(GetVersion) F(GetErrorString) F(Create) F(Destroy) F(SetStream)                                                 \
    F(CreateTensorDescriptor) F(SetTensor4dDescriptor) F(DestroyTensorDescriptor)                                     \
    F(CreateFilterDescriptor) F(SetFilter4dDescriptor) F(DestroyFilterDescriptor)                                     \
    F(CreateConvolutionDescriptor) F(SetConvolution2dDescriptor) F(SetConvolutionMathType)                            \
    F(DestroyConvolutionDescriptor) F(FindConvolutionForwardAlgorithm) F(GetConvolutionForwardAlgorithm_v7)           \
    F(FindConvolutionBackwardDataAlgorithm) F(GetConvolutionBackwardDataAlgorithm_v7)                                 \
    F(FindConvolutionBackwardFilterAlgorithm) F(GetConvolutionBackwardFilterAlgorithm_v7)                             \
    F(ConvolutionForward) F(ConvolutionBackwardData) F(ConvolutionBackwardFilter)

const char *largestep_cudnn_load(const char *file) {
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
    library = l;
    return NULL;
}

size_t largestep_cudnn_version(void) { return GetVersion(); }
const char *largestep_cudnn_error(int status) { return GetErrorString(status); }

int largestep_cudnn_create(cudnn_object *handle, void *stream) {
    int status = Create(handle);
    return status ? status : SetStream(*handle, stream);
}

int largestep_cudnn_destroy(cudnn_object handle) { return Destroy(handle); }

int largestep_conv_create(largestep_conv *c, const largestep_conv_shape *s) {
    const int type = s->half ? BFLOAT16 : FLOAT;
    int status;
    memset(c, 0, sizeof *c);
    if ((status = CreateTensorDescriptor(&c->x)) || (status = SetTensor4dDescriptor(c->x, NHWC, type, s->n, s->c, s->h, s->w)) ||
        (status = CreateTensorDescriptor(&c->y)) || (status = SetTensor4dDescriptor(c->y, NHWC, type, s->n, s->k, s->p, s->q)) ||
        (status = CreateFilterDescriptor(&c->filter)) || (status = SetFilter4dDescriptor(c->filter, type, NHWC, s->k, s->c, s->size, s->size)) ||
        (status = CreateConvolutionDescriptor(&c->conv)) ||
        (status = SetConvolution2dDescriptor(c->conv, s->pad, s->pad, s->stride, s->stride, 1, 1, CROSS_CORRELATION, FLOAT)) ||
        (status = SetConvolutionMathType(c->conv, s->math)))
        largestep_conv_destroy(c);
    return status;
}

void largestep_conv_destroy(largestep_conv *c) {
    if (c->x) DestroyTensorDescriptor(c->x);
    if (c->y) DestroyTensorDescriptor(c->y);
    if (c->filter) DestroyFilterDescriptor(c->filter);
    if (c->conv) DestroyConvolutionDescriptor(c->conv);
    memset(c, 0, sizeof *c);
}

int largestep_conv_math(largestep_conv *c, int math) { return SetConvolutionMathType(c->conv, math); }

int largestep_conv_search(cudnn_object handle, const largestep_conv *c, enum largestep_pass pass, int measure,
                          int wanted, int *returned, largestep_algorithm *found) {
    search *f;
    switch (pass) {
    case LARGESTEP_FORWARD:
        f = measure ? FindConvolutionForwardAlgorithm : GetConvolutionForwardAlgorithm_v7;
        return f(handle, c->x, c->filter, c->conv, c->y, wanted, returned, found);
    case LARGESTEP_BACKWARD_DATA:
        f = measure ? FindConvolutionBackwardDataAlgorithm : GetConvolutionBackwardDataAlgorithm_v7;
        return f(handle, c->filter, c->y, c->conv, c->x, wanted, returned, found);
    default:
        f = measure ? FindConvolutionBackwardFilterAlgorithm : GetConvolutionBackwardFilterAlgorithm_v7;
        return f(handle, c->x, c->y, c->conv, c->filter, wanted, returned, found);
    }
}

int largestep_conv_run(cudnn_object handle, const largestep_conv *c, enum largestep_pass pass, int algo,
                       unsigned long long out, unsigned long long first, unsigned long long second,
                       unsigned long long workspace, size_t bytes, float beta) {
    const float one = 1; // scaling factors are float for bfloat16 and float tensors
    void *a = (void *)first, *b = (void *)second, *space = (void *)workspace, *result = (void *)out;
    switch (pass) {
    case LARGESTEP_FORWARD: // y, x, w
        return ConvolutionForward(handle, &one, c->x, a, c->filter, b, c->conv, algo, space, bytes, &beta, c->y, result);
    case LARGESTEP_BACKWARD_DATA: // dx, dy, w: cuDNN wants w first
        return ConvolutionBackwardData(handle, &one, c->filter, b, c->y, a, c->conv, algo, space, bytes, &beta, c->x, result);
    default: // dw, dy, x: cuDNN wants x first
        return ConvolutionBackwardFilter(handle, &one, c->x, b, c->y, a, c->conv, algo, space, bytes, &beta, c->filter, result);
    }
}
