// An emulation of cuDNN's convolutions on the emulated driver: plain loops over
// NHWC tensors and KRSC filters of float or bfloat16. It refuses descriptors
// that do not fit together, and workspace that is too small.

#include "device.h"
#include "stream.h"

Index threadIdx, blockIdx, blockDim, gridDim;

namespace {

enum { SUCCESS = 0, BAD_PARAM = 2000, NOT_SUPPORTED = 3000 };
enum { FMA_MATH = 3, TENSOR_OP_MATH = 1, DETERMINISTIC_ALGO = 1, WORKSPACE = 4096 };

struct Tensor { int format, type, n, c, h, w; };
struct Filter { int type, format, k, c, h, w; };
struct Conv { int pad[2], stride[2], dilation[2], mode, compute, math; };
struct Handle { Stream* stream; };

struct Algorithm {
    int algo, status;
    float time;
    size_t memory;
    int determinism, math, reserved[3];
};

float at(const void* p, int type, size_t i) {
    return type == 0 ? ((const float*)p)[i] : __uint_as_float((unsigned)((const uint16_t*)p)[i] << 16);
}

void put(void* p, int type, size_t i, float x) {
    if (type == 0) ((float*)p)[i] = x;
    else ((uint16_t*)p)[i] = round_bf16(x);
}

// operand is what the multiplier sees: with TF32, ten bits of mantissa.
std::vector<float> operand(const void* p, int type, size_t n, int math) {
    std::vector<float> v(n);
    for (size_t i = 0; i < n; i++) {
        v[i] = at(p, type, i);
        if (type == 0 && math == TENSOR_OP_MATH) v[i] = __uint_as_float((__float_as_uint(v[i]) + 0x1000) & ~0x1fffu);
    }
    return v;
}

size_t size(const Tensor& t) { return (size_t)t.n * t.c * t.h * t.w; }
size_t size(const Filter& f) { return (size_t)f.k * f.c * f.h * f.w; }

bool fits(const Tensor& x, const Filter& w, const Conv& c, const Tensor& y) {
    const int p = (x.h + 2 * c.pad[0] - w.h) / c.stride[0] + 1, q = (x.w + 2 * c.pad[1] - w.w) / c.stride[1] + 1;
    return x.format == 1 && w.format == 1 && y.format == 1 && x.type == w.type && x.type == y.type && (x.type == 0 || x.type == 9) &&
           c.mode == 1 && c.compute == 0 && c.dilation[0] == 1 && c.dilation[1] == 1 && c.stride[0] == c.stride[1] && c.pad[0] == c.pad[1] &&
           x.c == w.c && y.c == w.k && x.n == y.n && y.h == p && y.w == q && x.c % 8 == 0 && y.c % 8 == 0;
}

// each calls f with the first elements of the channels that meet.
template <typename F> void each(const Tensor& x, const Filter& w, const Conv& c, const Tensor& y, F f) {
    for (int n = 0; n < y.n; n++)
        for (int oh = 0; oh < y.h; oh++)
            for (int ow = 0; ow < y.w; ow++)
                for (int kh = 0; kh < w.h; kh++)
                    for (int kw = 0; kw < w.w; kw++) {
                        const int h = oh * c.stride[0] + kh - c.pad[0], v = ow * c.stride[1] + kw - c.pad[1];
                        if (h < 0 || h >= x.h || v < 0 || v >= x.w) continue;
                        f((((size_t)n * x.h + h) * x.w + v) * x.c, ((size_t)kh * w.w + kw) * w.c, (((size_t)n * y.h + oh) * y.w + ow) * y.c);
                    }
}

int find(Handle* h, bool good, int wanted, int* returned, Algorithm* found) {
    if (!good || h->stream->capturing || wanted < 2) return BAD_PARAM;
    found[0] = {0, SUCCESS, 1, 0, 0, TENSOR_OP_MATH, {}};
    found[1] = {DETERMINISTIC_ALGO, SUCCESS, 2, WORKSPACE, 1, TENSOR_OP_MATH, {}};
    *returned = 2;
    return SUCCESS;
}

// run queues a convolution: compute adds to sums, one for each element of out.
template <typename F> int run(Handle* h, bool good, int algo, void* workspace, size_t bytes, const float* alpha, const float* beta,
                              void* out, int type, size_t n, F compute) {
    if (!good || *alpha != 1 || algo != DETERMINISTIC_ALGO || bytes < WORKSPACE || !workspace || !out) return BAD_PARAM;
    const float keep = *beta;
    h->stream->add([=] {
        memset(workspace, 0xff, bytes);
        std::vector<float> sums(n);
        compute(sums.data());
        for (size_t i = 0; i < n; i++) put(out, type, i, sums[i] + (keep ? keep * at(out, type, i) : 0));
    });
    return SUCCESS;
}

} // namespace

extern "C" {

size_t cudnnGetVersion() { return 91000; }
const char* cudnnGetErrorString(int status) { return status == BAD_PARAM ? "CUDNN_STATUS_BAD_PARAM" : "CUDNN_STATUS_NOT_SUPPORTED"; }
int cudnnCreate(Handle** h) { *h = new Handle{}; return SUCCESS; }
int cudnnDestroy(Handle* h) { delete h; return SUCCESS; }
int cudnnSetStream(Handle* h, Stream* s) { h->stream = s; return SUCCESS; }
int cudnnCreateTensorDescriptor(Tensor** t) { *t = new Tensor{}; return SUCCESS; }
int cudnnSetTensor4dDescriptor(Tensor* t, int format, int type, int n, int c, int h, int w) { *t = {format, type, n, c, h, w}; return SUCCESS; }
int cudnnDestroyTensorDescriptor(Tensor* t) { delete t; return SUCCESS; }
int cudnnCreateFilterDescriptor(Filter** f) { *f = new Filter{}; return SUCCESS; }
int cudnnSetFilter4dDescriptor(Filter* f, int type, int format, int k, int c, int h, int w) { *f = {type, format, k, c, h, w}; return SUCCESS; }
int cudnnDestroyFilterDescriptor(Filter* f) { delete f; return SUCCESS; }
int cudnnCreateConvolutionDescriptor(Conv** c) { *c = new Conv{}; return SUCCESS; }
int cudnnSetConvolution2dDescriptor(Conv* c, int ph, int pw, int u, int v, int dh, int dw, int mode, int compute) {
    *c = {{ph, pw}, {u, v}, {dh, dw}, mode, compute, 0};
    return SUCCESS;
}
int cudnnSetConvolutionMathType(Conv* c, int math) { c->math = math; return SUCCESS; }
int cudnnDestroyConvolutionDescriptor(Conv* c) { delete c; return SUCCESS; }

int cudnnFindConvolutionForwardAlgorithm(Handle* h, Tensor* x, Filter* w, Conv* c, Tensor* y, int wanted, int* n, Algorithm* a) {
    return find(h, fits(*x, *w, *c, *y), wanted, n, a);
}
int cudnnFindConvolutionBackwardDataAlgorithm(Handle* h, Filter* w, Tensor* y, Conv* c, Tensor* x, int wanted, int* n, Algorithm* a) {
    return find(h, fits(*x, *w, *c, *y), wanted, n, a);
}
int cudnnFindConvolutionBackwardFilterAlgorithm(Handle* h, Tensor* x, Tensor* y, Conv* c, Filter* w, int wanted, int* n, Algorithm* a) {
    return find(h, fits(*x, *w, *c, *y), wanted, n, a);
}
int cudnnGetConvolutionForwardAlgorithm_v7(Handle* h, Tensor* x, Filter* w, Conv* c, Tensor* y, int wanted, int* n, Algorithm* a) {
    return find(h, fits(*x, *w, *c, *y), wanted, n, a);
}
int cudnnGetConvolutionBackwardDataAlgorithm_v7(Handle* h, Filter* w, Tensor* y, Conv* c, Tensor* x, int wanted, int* n, Algorithm* a) {
    return find(h, fits(*x, *w, *c, *y), wanted, n, a);
}
int cudnnGetConvolutionBackwardFilterAlgorithm_v7(Handle* h, Tensor* x, Tensor* y, Conv* c, Filter* w, int wanted, int* n, Algorithm* a) {
    return find(h, fits(*x, *w, *c, *y), wanted, n, a);
}

int cudnnConvolutionForward(Handle* h, const float* alpha, Tensor* xd, const void* x, Filter* wd, const void* w, Conv* cd, int algo,
                            void* space, size_t bytes, const float* beta, Tensor* yd, void* y) {
    const Tensor xt = *xd, yt = *yd;
    const Filter f = *wd;
    const Conv c = *cd;
    return run(h, fits(xt, f, c, yt), algo, space, bytes, alpha, beta, y, yt.type, size(yt), [=](float* sums) {
        const auto a = operand(x, xt.type, size(xt), c.math), b = operand(w, f.type, size(f), c.math);
        each(xt, f, c, yt, [&](size_t xi, size_t wi, size_t yi) {
            for (int k = 0; k < f.k; k++) {
                const float* row = &b[(size_t)k * f.h * f.w * f.c + wi];
                float sum = 0;
                for (int i = 0; i < f.c; i++) sum += a[xi + i] * row[i];
                sums[yi + k] += sum;
            }
        });
    });
}

int cudnnConvolutionBackwardData(Handle* h, const float* alpha, Filter* wd, const void* w, Tensor* yd, const void* dy, Conv* cd, int algo,
                                 void* space, size_t bytes, const float* beta, Tensor* xd, void* dx) {
    const Tensor xt = *xd, yt = *yd;
    const Filter f = *wd;
    const Conv c = *cd;
    return run(h, fits(xt, f, c, yt), algo, space, bytes, alpha, beta, dx, xt.type, size(xt), [=](float* sums) {
        const auto a = operand(dy, yt.type, size(yt), c.math), b = operand(w, f.type, size(f), c.math);
        each(xt, f, c, yt, [&](size_t xi, size_t wi, size_t yi) {
            for (int k = 0; k < f.k; k++) {
                const float* row = &b[(size_t)k * f.h * f.w * f.c + wi];
                for (int i = 0; i < f.c; i++) sums[xi + i] += a[yi + k] * row[i];
            }
        });
    });
}

int cudnnConvolutionBackwardFilter(Handle* h, const float* alpha, Tensor* xd, const void* x, Tensor* yd, const void* dy, Conv* cd, int algo,
                                   void* space, size_t bytes, const float* beta, Filter* wd, void* dw) {
    const Tensor xt = *xd, yt = *yd;
    const Filter f = *wd;
    const Conv c = *cd;
    return run(h, fits(xt, f, c, yt), algo, space, bytes, alpha, beta, dw, f.type, size(f), [=](float* sums) {
        const auto a = operand(x, xt.type, size(xt), c.math), b = operand(dy, yt.type, size(yt), c.math);
        each(xt, f, c, yt, [&](size_t xi, size_t wi, size_t yi) {
            for (int k = 0; k < f.k; k++) {
                float* row = &sums[(size_t)k * f.h * f.w * f.c + wi];
                for (int i = 0; i < f.c; i++) row[i] += b[yi + k] * a[xi + i];
            }
        });
    });
}

} // extern "C"
