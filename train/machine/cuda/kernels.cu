// The kernels of the CUDA engine. Package op's Reference defines what each
// computes.
//
// An activation is a matrix of rows, the pixels of all images, by channels,
// which are padded with zeros to a multiple of 8 (layout.go): a thread moves 8
// channels at once. The suffix of a kernel's name is the number format of
// activations; everything else is float32, sums over many terms are float64.

#include "batchnorm.cuh"
#include "vector.cuh"

// ---------------------------------------------------------------- layers

// A thread for 8 channels of an image.
template <typename T>
__device__ void average_pool(float* y, const T* x, int images, int area, int channels, int padded) {
    const int vectors = padded / 8;
    for (size_t i = first(); i < (size_t)images * vectors; i += step()) {
        const size_t image = i / vectors;
        const int channel = i % vectors * 8;
        Eight sum = {};
        for (int p = 0; p < area; p++) {
            const Eight e = load8(x + (image * area + p) * padded + channel);
#pragma unroll
            for (int k = 0; k < 8; k++) sum.v[k] += e.v[k];
        }
        for (int k = 0; k < 8 && channel + k < channels; k++) y[image * channels + channel + k] = sum.v[k] / area;
    }
}

template <typename T>
__device__ void average_pool_grad(T* dx, const float* dy, int images, int area, int channels, int padded) {
    const int vectors = padded / 8;
    for (size_t i = first(); i < (size_t)images * area * vectors; i += step()) {
        const size_t image = i / vectors / area;
        Eight e = channels8(dy + image * channels, i % vectors * 8, channels);
#pragma unroll
        for (int k = 0; k < 8; k++) e.v[k] /= area;
        store8(dx + i * 8, e);
    }
}

// A block for an element of y.
extern "C" __global__ void linear(float* y, const float* x, const float* w, const float* b, int in, int out) {
    const size_t n = blockIdx.y, o = blockIdx.x;
    double sum = 0;
    for (int i = threadIdx.x; i < in; i += THREADS) sum += x[n * in + i] * w[o * in + i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) y[n * out + o] = (float)(sum + b[o]);
}

extern "C" __global__ void linear_grad_x(float* dx, const float* dy, const float* w, int images, int in, int out) {
    for (size_t at = first(); at < (size_t)images * in; at += step()) {
        const size_t n = at / in, i = at % in;
        float sum = 0;
        for (int o = 0; o < out; o++) sum += dy[n * out + o] * w[o * (size_t)in + i];
        dx[at] = sum;
    }
}

// Blocks of 32 inputs by 8 parts of the images; blockIdx.y is the class. The
// input after the last stands for the bias: it is 1 for every image.
extern "C" __global__ void linear_grad_w(float* dw, float* db, const float* dy, const float* x, int images, int in, int out) {
    __shared__ float sums[8][32];
    const size_t i = blockIdx.x * 32 + threadIdx.x, o = blockIdx.y;
    float sum = 0;
    if (i <= in) {
#pragma unroll 8
        for (size_t n = threadIdx.y; n < images; n += 8) sum += dy[n * out + o] * (i < in ? x[n * in + i] : 1);
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0 || i > in) return;
    for (int k = 1; k < 8; k++) sum += sums[k][threadIdx.x];
    if (i < in) {
        if (dw) dw[o * in + i] = sum;
    } else if (db) {
        db[o] = sum;
    }
}

// ---------------------------------------------------------------- loss

struct Softmax {
    float top, sum; // of exp(z − top)
    // log_loss is log Σ exp(z) − z, NaN if any is.
    __device__ double log_loss(float z) const { return (double)top + log((double)sum) - z; }
};

__device__ inline Softmax softmax(const float* z, int classes) {
    Softmax s = {z[0], 0};
    for (int k = 1; k < classes; k++) s.top = fmaxf(s.top, z[k]);
    for (int k = 0; k < classes; k++) s.sum += expf(z[k] - s.top);
    return s;
}

// One block.
extern "C" __global__ void cross_entropy(float* loss, const float* logits, const int* labels, int images, int classes) {
    double sum = 0;
    for (int n = threadIdx.x; n < images; n += THREADS) {
        const float* z = logits + n * (size_t)classes;
        sum += softmax(z, classes).log_loss(z[labels[n]]);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) *loss = (float)(sum / images);
}

extern "C" __global__ void cross_entropy_grad(float* dlogits, const float* dloss, const float* logits, const int* labels, int images, int classes) {
    const float scale = *dloss / images;
    for (size_t n = first(); n < images; n += step()) {
        const float* z = logits + n * classes;
        const Softmax s = softmax(z, classes);
        for (int k = 0; k < classes; k++) {
            dlogits[n * classes + k] = (expf(z[k] - s.top) / s.sum - (k == labels[n] ? 1 : 0)) * scale;
        }
    }
}

// One block: sum of losses, errors, images. Logits with a NaN are an error.
extern "C" __global__ void score(double* totals, const float* logits, const int* labels, int images, int classes) {
    double loss = 0, errors = 0, count = 0;
    for (int n = threadIdx.x; n < images; n += THREADS) {
        if (labels[n] < 0) continue;
        const float* z = logits + n * (size_t)classes;
        loss += softmax(z, classes).log_loss(z[labels[n]]);
        int best = 0;
        bool nan = z[0] != z[0];
        for (int k = 1; k < classes; k++) {
            nan |= z[k] != z[k];
            if (z[k] > z[best]) best = k;
        }
        errors += nan || best != labels[n];
        count++;
    }
    loss = block_sum(loss);
    errors = block_sum(errors);
    count = block_sum(count);
    if (threadIdx.x == 0) totals[0] += loss, totals[1] += errors, totals[2] += count;
}

// blockIdx.y is the image, of size elements whatever the layout: padding is 0.
template <typename T>
__device__ void positives(double* total, const T* x, const int* labels, int size) {
    if (labels[blockIdx.y] < 0) return;
    double count = 0;
    for (size_t i = first(); i < size; i += step()) count += widen(x[blockIdx.y * (size_t)size + i]) > 0;
    count = block_sum(count);
    if (threadIdx.x == 0) atomicAdd(total, count); // exact, so in any order
}

// A thread for 8 units of an image; x has area pixels of columns numbers, and
// unit u is channel u / area of pixel u % area; −1 is the constant 1.
template <typename X, typename T>
__device__ void select_units(T* z, const X* x, const int* units, const int* labels, int images, int area, int columns, int count, int padded) {
    const int vectors = padded / 8;
    for (size_t i = first(); i < (size_t)images * vectors; i += step()) {
        const size_t image = i / vectors;
        const int at = i % vectors * 8;
        Eight e = {};
        for (int k = 0; k < 8 && at + k < count && labels[image] >= 0; k++) {
            const int unit = units[at + k];
            e.v[k] = unit < 0 ? 1 : widen(x[(image * area + unit % area) * columns + unit / area]);
        }
        store8(z + i * 8, e);
    }
}

// The same for a matrix, which is float32.
template <typename T>
__device__ void select_plain(T* z, const float* x, const int* units, const int* labels, int images, int area, int columns, int count, int padded) {
    select_units(z, x, units, labels, images, area, columns, count, padded);
}

// A thread for a unit.
template <typename T>
__device__ void count_positive(double* total, const T* z, int images, int count, int padded) {
    for (size_t u = first(); u < count; u += step()) {
        int positive = 0;
        for (size_t n = 0; n < images; n++) positive += widen(z[n * padded + u]) > 0;
        total[u] += positive;
    }
}

// dw = dyᵀ x, where a map is one pixel, of rows and columns channels (Gram
// matrices of features): exact products, which tensor cores would round. Blocks
// of SIDE × SIDE.
constexpr int SIDE = 16;

template <typename T>
__device__ void dense_grad(float* dw, bf16* copy, const T* dy, const T* x, int images, int rows, int columns) {
    __shared__ float a[SIDE][SIDE], b[SIDE][SIDE];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int across = blockIdx.y * SIDE + tx, row = blockIdx.y * SIDE + ty, column = blockIdx.x * SIDE + tx;
    float sum = 0;
    for (int at = 0; at < images; at += SIDE) {
        const size_t n = at + ty;
        a[ty][tx] = n < images && across < rows ? widen(dy[n * rows + across]) : 0;
        b[ty][tx] = n < images && column < columns ? widen(x[n * columns + column]) : 0;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < SIDE; i++) sum += a[i][ty] * b[i][tx];
        __syncthreads();
    }
    if (row < rows && column < columns) put(dw, copy, (size_t)row * columns + column, sum);
}

// ---------------------------------------------------------------- training

// A thread for 8 channels of a pixel: bytes of planes become rows of channels.
template <typename T>
__device__ void gather(T* x, int* y, const unsigned char* images, const unsigned char* labels, const int* index, const int* window,
                       int batch, int channels, int height, int width, int padded, int pad) {
    const int vectors = padded / 8, area = height * width;
    for (size_t at = first(); at < (size_t)batch * area * vectors; at += step()) {
        const int vector = at % vectors, pixel = at / vectors % area;
        const size_t n = at / vectors / area;
        const int image = index[n];
        if (vector == 0 && pixel == 0) y[n] = image < 0 ? -1 : labels[image];
        int row = pixel / width, column = pixel % width;
        if (window) {
            if (window[3 * n + 2] == 1) column = width - 1 - column;
            row += window[3 * n] - pad;
            column += window[3 * n + 1] - pad;
        }
        const bool inside = image >= 0 && row >= 0 && row < height && column >= 0 && column < width;
        Eight e = {};
        if (inside) {
            for (int k = 0; k < 8 && vector * 8 + k < channels; k++) {
                e.v[k] = images[((size_t)image * channels + vector * 8 + k) * area + row * width + column] / 255.0f;
            }
        }
        store8(x + at * 8, e);
    }
}

// Update is a parameter of n numbers with its bf16 copy, if it has one, its
// velocity, if there is momentum, and its gradient.
struct Update {
    float* w;
    bf16* copy;
    float* v;
    const float* grad;
    size_t n;
};

// descend: g = grad + λw; v = μv + g; w −= η·v.
__device__ inline void descend(float& w, float& v, float grad, float rate, float momentum, float decay) {
    v = momentum * v + (grad + decay * w);
    w -= rate * v;
}

// blockIdx.y is the parameter.
extern "C" __global__ void sgd(const Update* updates, const float* eta, float momentum, float decay) {
    const Update u = updates[blockIdx.y];
    const float rate = *eta;
    const size_t whole = u.n / 8 * 8;
    for (size_t i = first() * 8; i < whole; i += step() * 8) {
        Eight w = load8(u.w + i), v = {};
        const Eight g = load8(u.grad + i);
        if (u.v) v = load8(u.v + i);
#pragma unroll
        for (int k = 0; k < 8; k++) descend(w.v[k], v.v[k], g.v[k], rate, momentum, decay);
        store8(u.w + i, w);
        if (u.copy) store8(u.copy + i, w);
        if (u.v) store8(u.v + i, v);
    }
    for (size_t i = whole + first(); i < u.n; i += step()) {
        float w = u.w[i], v = u.v ? u.v[i] : 0;
        descend(w, v, u.grad[i], rate, momentum, decay);
        put(u.w, u.copy, i, w);
        if (u.v) u.v[i] = v;
    }
}

extern "C" __global__ void accumulate(float* sum, bf16* copy, const float* x, const float* decay, size_t n, float scale) {
    const float beta = *decay;
    for (size_t i = first(); i < n; i += step()) {
        float s = scale * x[i];
        if (beta != 0) s += beta * sum[i]; // 0·NaN is not 0
        put(sum, copy, i, s);
    }
}

extern "C" __global__ void add(float* z, bf16* copy, const float* x, const float* y, size_t n) {
    for (size_t i = first(); i < n; i += step()) put(z, copy, i, x[i] + y[i]);
}

// n activations, a multiple of 8.
template <typename T>
__device__ void add_activations(T* z, const T* x, const T* y, size_t n) {
    for (size_t i = first() * 8; i < n; i += step() * 8) {
        Eight a = load8(x + i);
        const Eight b = load8(y + i);
#pragma unroll
        for (int k = 0; k < 8; k++) a.v[k] += b.v[k];
        store8(z + i, a);
    }
}

// n numbers, a multiple of 8: float32 from bf16.
extern "C" __global__ void to_float(float* y, const bf16* x, size_t n) {
    for (size_t i = first() * 8; i < n; i += step() * 8) store8(y + i, load8(x + i));
}

extern "C" __global__ void record(double* log, const float* loss, const int* position) { log[*position] = *loss; }

// Each template once per number format.
#define BOTH(name, parameters, arguments, bounds)                                        \
    extern "C" __global__ void bounds name##_fp32 parameters(float) { name arguments; } \
    extern "C" __global__ void bounds name##_bf16 parameters(bf16) { name arguments; }

#define TILED __launch_bounds__(LANES * DEPTH, 2) // two blocks fit on a multiprocessor
#define FLAT __launch_bounds__(THREADS)

#define P(T) (const T* x, float* mean, float* inv_std, float* running_mean, float* running_var, float2* partial, unsigned* arrivals, int rows, int channels, int padded, double epsilon, double momentum)
BOTH(norm_statistics, P, (x, mean, inv_std, running_mean, running_var, partial, arrivals, rows, channels, padded, epsilon, momentum), TILED)
#undef P
#define P(T) (T* y, const T* x, const T* residual, const float* gamma, const float* beta, const float* mean, const float* spread, int running, int rows, int channels, int padded, float epsilon, int relu)
BOTH(norm_apply, P, (y, x, residual, gamma, beta, mean, spread, running, rows, channels, padded, epsilon, relu), TILED)
#undef P
#define P(T) (T* dresidual, float* dgamma, float* dbeta, const T* dy, const T* x, const T* y, const float* mean, const float* inv_std, float2* partial, unsigned* arrivals, int rows, int channels, int padded)
BOTH(norm_sums, P, (dresidual, dgamma, dbeta, dy, x, y, mean, inv_std, partial, arrivals, rows, channels, padded), TILED)
#undef P
#define P(T) (T* dx, const T* dy, const T* x, const T* y, const float* gamma, const float* mean, const float* inv_std, const float* dgamma, const float* dbeta, int rows, int channels, int padded)
BOTH(norm_grad, P, (dx, dy, x, y, gamma, mean, inv_std, dgamma, dbeta, rows, channels, padded), TILED)
#undef P
#define P(T) (float* y, const T* x, int images, int area, int channels, int padded)
BOTH(average_pool, P, (y, x, images, area, channels, padded), FLAT)
#undef P
#define P(T) (T* dx, const float* dy, int images, int area, int channels, int padded)
BOTH(average_pool_grad, P, (dx, dy, images, area, channels, padded), FLAT)
#undef P
#define P(T) (double* total, const T* x, const int* labels, int size)
BOTH(positives, P, (total, x, labels, size), FLAT)
#undef P
#define P(T) (T* x, int* y, const unsigned char* images, const unsigned char* labels, const int* index, const int* window, int batch, int channels, int height, int width, int padded, int pad)
BOTH(gather, P, (x, y, images, labels, index, window, batch, channels, height, width, padded, pad), FLAT)
#undef P
#define P(T) (T* z, const T* x, const int* units, const int* labels, int images, int area, int columns, int count, int padded)
BOTH(select_units, P, (z, x, units, labels, images, area, columns, count, padded), FLAT)
#undef P
#define P(T) (T* z, const float* x, const int* units, const int* labels, int images, int area, int columns, int count, int padded)
BOTH(select_plain, P, (z, x, units, labels, images, area, columns, count, padded), FLAT)
#undef P
#define P(T) (float* dw, bf16* copy, const T* dy, const T* x, int images, int rows, int columns)
BOTH(dense_grad, P, (dw, copy, dy, x, images, rows, columns), FLAT)
#undef P
#define P(T) (double* total, const T* z, int images, int count, int padded)
BOTH(count_positive, P, (total, z, images, count, padded), FLAT)
#undef P
#define P(T) (T* z, const T* x, const T* y, size_t n)
BOTH(add_activations, P, (z, x, y, n), FLAT)
#undef P
