// The kernels of the CUDA engine. Package op's Reference defines what each
// computes.
//
// An activation is a matrix of rows, the pixels of all images, by channels,
// which are padded with zeros to a multiple of 8 (layout.go): a thread moves 8
// channels at once. The suffix of a kernel's name is the number format of
// activations; everything else is float32, and sums over many terms are float64
// in the end.

#include "batchnorm.cuh"
#include "cooperative.cuh"
#include "vector.cuh"

// ---------------------------------------------------------------- layers

// A thread for 8 channels of an image.
template <typename T>
__device__ void average_pool(float* y, const T* x, int images, int area, int channels, int padded) {
    const unsigned vectors = padded / 8;
    for (unsigned i = first(); i < images * vectors; i += step()) {
        const size_t image = i / vectors;
        const int channel = i % vectors * 8;
        Eight sum = {};
#pragma unroll 8
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
    const unsigned vectors = padded / 8;
    for (unsigned i = first(); i < images * area * vectors; i += step()) {
        const size_t image = i / vectors / area;
        Eight e = channels8(dy + image * channels, i % vectors * 8, channels);
#pragma unroll
        for (int k = 0; k < 8; k++) e.v[k] /= area;
        store8(dx + (size_t)i * 8, e);
    }
}

// The sizes of a max pool's x and y, without images and channels, and its windows.
struct Windows {
    int height, width, out_height, out_width, size, stride;
    // reaches tells whether x is where the pool's gradient may go: at the largest.
    __device__ static bool reaches(float x, float largest) { return x == largest || x != x; }
};

// A thread for 8 channels of a pixel of y.
template <typename T>
__device__ void max_pool(T* y, const T* x, int images, int padded, Windows p) {
    const unsigned vectors = padded / 8, pixels = images * p.out_height * p.out_width;
    for (unsigned i = first(); i < pixels * vectors; i += step()) {
        const unsigned pixel = i / vectors;
        const size_t image = pixel / p.out_width / p.out_height;
        const int row = pixel / p.out_width % p.out_height * p.stride, column = pixel % p.out_width * p.stride;
        Eight top;
        for (int h = row; h < row + p.size; h++) {
            for (int w = column; w < column + p.size; w++) {
                const Eight e = load8(x + ((image * p.height + h) * p.width + w) * padded + i % vectors * 8);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    if ((h == row && w == column) || e.v[k] > top.v[k] || e.v[k] != e.v[k]) top.v[k] = e.v[k];
                }
            }
        }
        store8(y + (size_t)i * 8, top);
    }
}

// A thread for 8 channels of a pixel of x, which looks at the windows that it is in.
template <typename T>
__device__ void max_pool_grad(T* dx, const T* dy, const T* x, const T* y, int images, int padded, Windows p) {
    const unsigned vectors = padded / 8, pixels = images * p.height * p.width;
    for (unsigned i = first(); i < pixels * vectors; i += step()) {
        const unsigned pixel = i / vectors, channel = i % vectors * 8;
        const size_t image = pixel / p.width / p.height;
        const int row = pixel / p.width % p.height, column = pixel % p.width;
        const Eight here = load8(x + (size_t)i * 8);
        Eight sum = {};
        for (int r = row < p.size ? 0 : (row - p.size) / p.stride + 1; r < p.out_height && r * p.stride <= row; r++) {
            for (int c = column < p.size ? 0 : (column - p.size) / p.stride + 1; c < p.out_width && c * p.stride <= column; c++) {
                const size_t at = ((image * p.out_height + r) * p.out_width + c) * padded + channel;
                const Eight largest = load8(y + at), grad = load8(dy + at);
                bool taken[8] = {};
                for (int h = r * p.stride; h <= row; h++) {
                    for (int w = c * p.stride; w < (h < row ? c * p.stride + p.size : column); w++) {
                        const Eight before = load8(x + ((image * p.height + h) * p.width + w) * padded + channel);
#pragma unroll
                        for (int k = 0; k < 8; k++) taken[k] |= p.reaches(before.v[k], largest.v[k]);
                    }
                }
#pragma unroll
                for (int k = 0; k < 8; k++) sum.v[k] += !taken[k] && p.reaches(here.v[k], largest.v[k]) ? grad.v[k] : 0;
            }
        }
        store8(dx + (size_t)i * 8, sum);
    }
}

// Blocks of 32 parts of a sum by 8 images; blockIdx.x is the class.
extern "C" __global__ void linear(float* y, const float* x, const float* w, const float* b, int images, int in, int out) {
    __shared__ double sums[8][32];
    const size_t n = blockIdx.y * 8 + threadIdx.y, o = blockIdx.x;
    double sum = 0;
    if (n < images) {
#pragma unroll 4
        for (int i = threadIdx.x; i < in; i += 32) sum += x[n * in + i] * w[o * in + i];
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x > 0 || n >= images) return;
    for (int k = 1; k < 32; k++) sum += sums[threadIdx.y][k];
    y[n * out + o] = (float)(b ? sum + b[o] : sum);
}

extern "C" __global__ void linear_grad_x(float* dx, const float* dy, const float* w, int images, int in, int out) {
    for (unsigned at = first(); at < (unsigned)images * in; at += step()) {
        const size_t n = at / in, i = at % in;
        float sum = 0;
#pragma unroll 5
        for (int o = 0; o < out; o++) sum += dy[n * out + o] * w[o * (size_t)in + i];
        dx[at] = sum;
    }
}

// Blocks of 32 inputs by 8 parts of the images; blockIdx.y is the class. The
// input after the last stands for the bias: it is 1 for every image.
extern "C" __global__ void linear_grad_w(float* dw, float* db, const float* dy, const float* x, int images, int in, int out) {
    __shared__ float sums[8][32];
    const int i = blockIdx.x * 32 + threadIdx.x, o = blockIdx.y;
    float sum = 0;
    if (i <= in) {
#pragma unroll 8
        for (int n = threadIdx.y; n < images; n += 8) sum += dy[(size_t)n * out + o] * (i < in ? x[(size_t)n * in + i] : 1);
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0 || i > in) return;
    for (int k = 1; k < 8; k++) sum += sums[k][threadIdx.x];
    if (i < in) {
        if (dw) dw[(size_t)o * in + i] = sum;
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
    x += blockIdx.y * (size_t)size;
    const int whole = size % 8 == 0 ? size : 0, stride = step(); // in vectors, if all images are
    int count = 0;
#pragma unroll 4
    for (int i = first() * 8; i < whole; i += stride * 8) {
        const Eight e = load8(x + i);
#pragma unroll
        for (int k = 0; k < 8; k++) count += e.v[k] > 0;
    }
    for (int i = whole + first(); i < size; i += stride) count += widen(x[i]) > 0;
    const double sum = block_sum(count);
    if (threadIdx.x == 0) atomicAdd(total, sum); // exact, so in any order
}

// A thread for 8 units of an image; x has area pixels of columns numbers, and
// unit u is channel u / area of pixel u % area; −1 is the constant 1.
template <typename X, typename T>
__device__ void select_units(T* z, const X* x, const int* units, const int* labels, int images, int area, int columns, int count, int padded) {
    const unsigned vectors = padded / 8;
    for (unsigned i = first(); i < images * vectors; i += step()) {
        const size_t image = i / vectors;
        const int at = i % vectors * 8;
        Eight e = {};
        for (int k = 0; k < 8 && at + k < count && labels[image] >= 0; k++) {
            const int unit = units[at + k];
            e.v[k] = unit < 0 ? 1 : widen(x[(image * area + unit % area) * columns + unit / area]);
        }
        store8(z + (size_t)i * 8, e);
    }
}

// The same for a matrix, which is float32.
template <typename T>
__device__ void select_plain(T* z, const float* x, const int* units, const int* labels, int images, int area, int columns, int count, int padded) {
    select_units(z, x, units, labels, images, area, columns, count, padded);
}

// Blocks of 32 units by 8 parts of the images.
template <typename T>
__device__ void count_positive(double* total, const T* z, int images, int count, int padded) {
    __shared__ int counts[8][32];
    const int u = blockIdx.x * 32 + threadIdx.x;
    int positive = 0;
    if (u < count) {
#pragma unroll 8
        for (int n = threadIdx.y; n < images; n += 8) positive += widen(z[(size_t)n * padded + u]) > 0;
    }
    counts[threadIdx.y][threadIdx.x] = positive;
    __syncthreads();
    if (threadIdx.y > 0 || u >= count) return;
    for (int k = 1; k < 8; k++) positive += counts[k][threadIdx.x];
    total[u] += positive;
}

// dw = dyᵀ x, where a map is one pixel, of rows and columns channels (Gram
// matrices of features): exact products, which tensor cores would round. Blocks
// of SIDE × SIDE threads take turns at squares of GRAM × GRAM; a thread has 4 × 4
// of one.
constexpr int SIDE = 16, GRAM = 4 * SIDE;

template <typename T>
__device__ void dense_grad(float* dw, bf16* copy, const T* dy, const T* x, int images, int rows, int columns) {
    __shared__ float4 a[SIDE][SIDE], b[SIDE][SIDE]; // SIDE images by GRAM channels
    const int thread = threadIdx.y * SIDE + threadIdx.x, vectors = GRAM / 8, across = (columns + GRAM - 1) / GRAM;
    const int squares = across * ((rows + GRAM - 1) / GRAM);
    // Half of the threads fetch a, half b, 8 channels of an image each.
    const bool left = thread < SIDE * vectors;
    const int image = thread / vectors % SIDE, vector = thread % vectors, width = left ? rows : columns;
    float* place = (float*)&(left ? a : b)[image][vector * 2];
    for (int square = blockIdx.y * gridDim.x + blockIdx.x; square < squares; square += gridDim.x * gridDim.y) {
        const int row = square / across * GRAM, column = square % across * GRAM, channel = (left ? row : column) + vector * 8;
        float sum[4][4] = {};
        for (int n = 0; n < images; n += SIDE) {
            Eight e = {};
            if (n + image < images && channel < width) e = load8((left ? dy : x) + (size_t)(n + image) * width + channel);
            store8(place, e);
            __syncthreads();
#pragma unroll
            for (int k = 0; k < SIDE; k++) {
                const float4 p = a[k][threadIdx.y], q = b[k][threadIdx.x];
                const float u[4] = {p.x, p.y, p.z, p.w}, v[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
                for (int i = 0; i < 16; i++) sum[i / 4][i % 4] += u[i / 4] * v[i % 4];
            }
            __syncthreads();
        }
#pragma unroll
        for (int i = 0; i < 16; i++) {
            const int r = row + threadIdx.y * 4 + i / 4, c = column + threadIdx.x * 4 + i % 4;
            if (r < rows && c < columns) put(dw, copy, (size_t)r * columns + c, sum[i / 4][i % 4]);
        }
    }
}

// ---------------------------------------------------------------- training

// Normalization is that of the first three channels; others are left as they are.
struct Normalization {
    float mean[3], std[3];
};

// A thread for 8 channels of a pixel: bytes of planes become rows of channels.
template <typename T>
__device__ void gather(T* x, int* y, const unsigned char* images, const int* labels, const int* index, const int* window,
                       int batch, int channels, int height, int width, int padded, int pad, Normalization n) {
    const unsigned vectors = padded / 8, area = height * width;
    for (unsigned at = first(); at < batch * area * vectors; at += step()) {
        const int vector = at % vectors, pixel = at / vectors % area;
        const size_t i = at / vectors / area;
        const int image = index[i];
        if (vector == 0 && pixel == 0) y[i] = image < 0 ? -1 : labels[image];
        int row = pixel / width, column = pixel % width;
        if (window) {
            if (window[3 * i + 2] == 1) column = width - 1 - column;
            row += window[3 * i] - pad;
            column += window[3 * i + 1] - pad;
        }
        const bool inside = image >= 0 && row >= 0 && row < height && column >= 0 && column < width;
        Eight e = {};
#pragma unroll
        for (int k = 0; k < 8; k++) {
            if (vector * 8 + k >= channels) break;
            if (inside) e.v[k] = images[((size_t)image * channels + vector * 8 + k) * area + row * width + column] / 255.0f;
            if (vector == 0 && k < 3) e.v[k] = (e.v[k] - n.mean[k]) / n.std[k];
        }
        store8(x + (size_t)at * 8, e);
    }
}

// Update is a piece of a parameter, of n numbers, with its bf16 copy, if it has
// one, its velocity, if there is momentum, and its gradient, which may be bf16.
struct Update {
    float* w;
    bf16* copy;
    float* v;
    const void* grad;
    int n, half;
};

// descend: g = grad + λw; v = μv + g; w −= η·v.
__device__ inline void descend(float& w, float& v, float grad, float rate, float momentum, float decay) {
    v = momentum * v + (grad + decay * w);
    w -= rate * v;
}

// A block for a piece.
extern "C" __global__ void sgd(const Update* updates, const float* eta, float momentum, float decay) {
    const Update u = updates[blockIdx.x];
    const float rate = *eta;
    const float* grad = (const float*)u.grad;
    const bf16* grad16 = (const bf16*)u.grad;
    const int n = u.n, whole = n / 8 * 8;
    for (int i = threadIdx.x * 8; i < whole; i += THREADS * 8) {
        Eight w = load8(u.w + i), v = {};
        const Eight g = u.half ? load8(grad16 + i) : load8(grad + i);
        if (u.v) v = load8(u.v + i);
#pragma unroll
        for (int k = 0; k < 8; k++) descend(w.v[k], v.v[k], g.v[k], rate, momentum, decay);
        store8(u.w + i, w);
        if (u.copy) store8(u.copy + i, w);
        if (u.v) store8(u.v + i, v);
    }
    for (int i = whole + threadIdx.x; i < n; i += THREADS) {
        float w = u.w[i], v = u.v ? u.v[i] : 0;
        descend(w, v, u.half ? widen(grad16[i]) : grad[i], rate, momentum, decay);
        put(u.w, u.copy, i, w);
        if (u.v) u.v[i] = v;
    }
}

extern "C" __global__ void accumulate(float* sum, bf16* copy, const void* x, int half, const float* decay, size_t n, float scale) {
    const float beta = *decay;
    for (size_t i = first(); i < n; i += step()) {
        float s = scale * (half ? widen(((const bf16*)x)[i]) : ((const float*)x)[i]);
        if (beta != 0) s += beta * sum[i]; // 0·NaN is not 0
        put(sum, copy, i, s);
    }
}

extern "C" __global__ void add(float* z, bf16* copy, const float* x, const float* y, size_t n) {
    for (size_t i = first(); i < n; i += step()) put(z, copy, i, x[i] + y[i]);
}

// n activations, or elements of filters' gradients, a multiple of 8.
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

extern "C" __global__ void record(double* log, const float* loss, const int* position) { log[*position] = *loss; }

// ---------------------------------------------------------------- tangents

#include "tangent.cuh"

// Each template once per number format.
#define BOTH(name, parameters, arguments, bounds)                                        \
    extern "C" __global__ void bounds name##_fp32 parameters(float) { name arguments; } \
    extern "C" __global__ void bounds name##_bf16 parameters(bf16) { name arguments; }

#define TILED __launch_bounds__(LANES * DEPTH, 2) // two blocks fit on a multiprocessor
#define ALONE __launch_bounds__(LANES * DEPTH, 1)
#define FLAT __launch_bounds__(THREADS)

#define P(T) (const T* x, float* mean, float* inv_std, float* running_mean, float* running_var, float2* partial, unsigned* arrivals, int rows, int channels, int padded, double epsilon, double momentum)
BOTH(norm_statistics, P, (x, mean, inv_std, running_mean, running_var, partial, arrivals, rows, channels, padded, epsilon, momentum), TILED)
#undef P
#define P(T) (T* y, const T* x, const T* residual, const float* gamma, const float* beta, const float* mean, const float* spread, int running, int rows, int channels, int padded, float epsilon, int relu)
BOTH(norm_apply, P, (y, x, residual, gamma, beta, mean, spread, running, rows, channels, padded, epsilon, relu), TILED)
#undef P
#define P(T) (T* y, const T* x, const T* residual, const float* gamma, const float* beta, float* mean, float* inv_std, float* running_mean, float* running_var, const float* sum, const float* squares, int rows, int channels, int padded, double epsilon, double momentum, int relu)
BOTH(norm_finish, P, (y, x, residual, gamma, beta, mean, inv_std, running_mean, running_var, sum, squares, rows, channels, padded, epsilon, momentum, relu), TILED)
#undef P
#define P(T) (T* dresidual, float* dgamma, float* dbeta, const T* dy, const T* x, const T* y, const float* gamma, const float* beta, const float* mean, const float* inv_std, float2* partial, unsigned* arrivals, int rows, int channels, int padded, int relu)
BOTH(norm_sums, P, (dresidual, dgamma, dbeta, dy, x, y, gamma, beta, mean, inv_std, partial, arrivals, rows, channels, padded, relu), TILED)
#undef P
#define P(T) (T* dx, const T* dy, const T* x, const T* y, const float* gamma, const float* beta, const float* mean, const float* inv_std, const float* dgamma, const float* dbeta, int rows, int channels, int padded, int relu)
BOTH(norm_grad, P, (dx, dy, x, y, gamma, beta, mean, inv_std, dgamma, dbeta, rows, channels, padded, relu), TILED)
#undef P
#define P(T) (T* y, const T* x, const T* residual, const float* gamma, const float* beta, float* mean, float* inv_std, float* running_mean, float* running_var, float2* partial, unsigned* meetings, int keep, int rows, int channels, int padded, double epsilon, double momentum, int relu)
BOTH(norm_forward, P, (y, x, residual, gamma, beta, mean, inv_std, running_mean, running_var, partial, meetings, keep, rows, channels, padded, epsilon, momentum, relu), ALONE)
#undef P
#define P(T) (T* dx, T* dresidual, float* dgamma, float* dbeta, const T* dy, const T* x, const T* y, const float* gamma, const float* beta, const float* mean, const float* inv_std, float2* partial, unsigned* meetings, int keep, int rows, int channels, int padded, int relu)
BOTH(norm_backward, P, (dx, dresidual, dgamma, dbeta, dy, x, y, gamma, beta, mean, inv_std, partial, meetings, keep, rows, channels, padded, relu), ALONE)
#undef P
#define P(T) (float* dot_mean, float* dot_inv_std, const T* x, const T* dot_x, const float* mean, const float* inv_std, float2* partial, unsigned* arrivals, int rows, int channels, int padded)
BOTH(norm_tangent_sums, P, (dot_mean, dot_inv_std, x, dot_x, mean, inv_std, partial, arrivals, rows, channels, padded), TILED)
#undef P
#define P(T) (T* dot_y, const T* x, const T* y, const T* dot_x, const T* dot_residual, const float* gamma, const float* mean, const float* inv_std, const float* dot_gamma, const float* dot_beta, const float* dot_mean, const float* dot_inv_std, int rows, int channels, int padded, int relu)
BOTH(norm_tangent, P, (dot_y, x, y, dot_x, dot_residual, gamma, mean, inv_std, dot_gamma, dot_beta, dot_mean, dot_inv_std, rows, channels, padded, relu), TILED)
#undef P
#define P(T) (float* dot_dgamma, float* dot_dbeta, const T* dy, const T* x, const T* y, const T* dot_dy, const T* dot_x, const float* mean, const float* inv_std, const float* dot_mean, const float* dot_inv_std, float2* partial, unsigned* arrivals, int rows, int channels, int padded, int relu)
BOTH(norm_grad_tangent_sums, P, (dot_dgamma, dot_dbeta, dy, x, y, dot_dy, dot_x, mean, inv_std, dot_mean, dot_inv_std, partial, arrivals, rows, channels, padded, relu), ALONE)
#undef P
#define P(T) (T* dot_dx, T* dot_dresidual, const T* dy, const T* x, const T* y, const T* dot_dy, const T* dot_x, const float* gamma, const float* mean, const float* inv_std, const float* dot_gamma, const float* dot_mean, const float* dot_inv_std, const float* dgamma, const float* dbeta, const float* dot_dgamma, const float* dot_dbeta, int rows, int channels, int padded, int relu)
BOTH(norm_grad_tangent, P, (dot_dx, dot_dresidual, dy, x, y, dot_dy, dot_x, gamma, mean, inv_std, dot_gamma, dot_mean, dot_inv_std, dgamma, dbeta, dot_dgamma, dot_dbeta, rows, channels, padded, relu), ALONE)
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
#define P(T) (T* x, int* y, const unsigned char* images, const int* labels, const int* index, const int* window, int batch, int channels, int height, int width, int padded, int pad, float m0, float m1, float m2, float s0, float s1, float s2)
BOTH(gather, P, (x, y, images, labels, index, window, batch, channels, height, width, padded, pad, {{m0, m1, m2}, {s0, s1, s2}}), FLAT)
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
#define WINDOWS int height, int width, int out_height, int out_width, int size, int stride
#define P(T) (T* y, const T* x, int images, int padded, WINDOWS)
BOTH(max_pool, P, (y, x, images, padded, {height, width, out_height, out_width, size, stride}), FLAT)
#undef P
#define P(T) (T* dx, const T* dy, const T* x, const T* y, int images, int padded, WINDOWS)
BOTH(max_pool_grad, P, (dx, dy, x, y, images, padded, {height, width, out_height, out_width, size, stride}), FLAT)
#undef P
#define P(T) (T* dot_y, const T* dot_x, const T* x, int images, int padded, WINDOWS)
BOTH(max_pool_tangent, P, (dot_y, dot_x, x, images, padded, {height, width, out_height, out_width, size, stride}), FLAT)
#undef P
