// Batch norm, with what follows it in a residual network.
//
// Blocks of LANES × DEPTH threads; blockIdx.x is the tile of channels, and the
// blocks of one tile take turns at its rows.
//
// An activation of the first stages is about as large as the L2 cache. So the
// first pass over one goes from the last row to the first: it begins with what
// the convolution before it wrote last, and ends with what the second pass reads
// first.

#pragma once

#include "vector.cuh"

// Tile is a thread's 8 channels of an activation, and its rows.
struct Tile {
    int channel; // the first of the 8
    bool inside;
    int row, stride;
    __device__ Tile(int padded)
        : channel(blockIdx.x * TILE + threadIdx.x * 8), inside(channel < padded),
          row(blockIdx.y * DEPTH + threadIdx.y), stride(gridDim.y * DEPTH) {}
};

// Pass is the first over operands, or the second, after which they are not soon
// needed again.
enum Pass { FIRST, SECOND };

// READ is how many bytes a thread reads at once where two blocks share a
// multiprocessor.
constexpr int READ = 64;

// walk calls each(place, packed operands) for all rows of a thread, several of
// which it reads ahead.
template <Pass P, int N, typename T, int AT_ONCE = READ, typename F>
__device__ void walk(const Tile& t, int rows, int padded, const T* const (&operands)[N], F each) {
    constexpr int BYTES = N * sizeof(Packed<T>), AHEAD = (AT_ONCE + BYTES - 1) / BYTES;
    for (int r = t.row; r < rows; r += AHEAD * t.stride) {
        Packed<T> in[AHEAD][N];
        size_t at[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            const int row = r + k * t.stride;
            if (row >= rows) break;
            at[k] = (size_t)(P == FIRST ? rows - 1 - row : row) * padded + t.channel;
#pragma unroll
            for (int n = 0; n < N; n++) in[k][n] = P == FIRST ? fetch(operands[n] + at[k]) : fetch_last(operands[n] + at[k]);
        }
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            if (r + k * t.stride < rows) each(at[k], in[k]);
        }
    }
}

// channels8 reads a vector of one number per channel; padding has none.
__device__ inline Eight channels8(const float* p, int channel, int channels) {
    if (channels % 8 == 0) return load8(p + channel);
    Eight e;
#pragma unroll
    for (int i = 0; i < 8; i++) e.v[i] = channel + i < channels ? p[channel + i] : 0;
    return e;
}

// contribute leaves the block's sums of a and b over its rows for totals.
__device__ void contribute(const Eight& a, const Eight& b, float2* partial, double2 (*parts)[TILE]) {
    __shared__ float2 rows[DEPTH][TILE + LANES]; // two rows that are written at once lie in different banks
    const int thread = threadIdx.y * LANES + threadIdx.x, slot = thread % TILE, part = thread / TILE;
#pragma unroll
    for (int i = 0; i < 8; i++) rows[threadIdx.y][i * LANES + threadIdx.x] = make_float2(a.v[i], b.v[i]);
    __syncthreads();
    float2 of_rows = rows[part][slot];
#pragma unroll
    for (int r = PARTS; r < DEPTH; r += PARTS) of_rows.x += rows[r + part][slot].x, of_rows.y += rows[r + part][slot].y;
    double2 sum = make_double2(of_rows.x, of_rows.y);
    parts[part][slot] = sum;
    __syncthreads();
    if (part != 0) return;
    for (int p = 1; p < PARTS; p++) sum.x += parts[p][slot].x, sum.y += parts[p][slot].y;
    partial[(blockIdx.y * gridDim.x + blockIdx.x) * TILE + slot] = make_float2((float)sum.x, (float)sum.y);
}

// totals adds up what the blocks of the tile have left. Threads 0 to TILE − 1 get
// those of the channel blockIdx.x·TILE + thread.
__device__ double2 totals(const float2* partial, double2 (*parts)[TILE]) {
    const int thread = threadIdx.y * LANES + threadIdx.x, slot = thread % TILE, part = thread / TILE;
    const int tiles = gridDim.x, blocks = gridDim.y;
    double2 sum = make_double2(0, 0);
    // The whole card waits for these reads: two rounds of them for 264 blocks of a
    // tile, as many as an H100 has at a time, and one for the half.
    constexpr int AHEAD = 22;
    for (int k = part; k < blocks; k += AHEAD * PARTS) {
        float2 s[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            const int block = k + i * PARTS;
            s[i] = block < blocks ? __ldcg(&partial[(block * tiles + blockIdx.x) * TILE + slot]) : make_float2(0, 0);
        }
#pragma unroll
        for (int i = 1; i < AHEAD; i++) s[0].x += s[i].x, s[0].y += s[i].y;
        sum.x += s[0].x, sum.y += s[0].y;
    }
    parts[part][slot] = sum;
    __syncthreads();
    if (thread >= TILE) return sum;
    // channel 8·lane + i of the tile lies in slot i·LANES + lane
    const int at = thread % 8 * LANES + thread / 8;
    sum = parts[0][at];
    for (int p = 1; p < PARTS; p++) sum.x += parts[p][at].x, sum.y += parts[p][at].y;
    return sum;
}

// reduce adds a and b up over all rows. In one block, the last of its tile to
// come here, it returns true with the totals.
__device__ bool reduce(const Eight& a, const Eight& b, float2* partial, unsigned* arrivals, double2* total) {
    __shared__ double2 parts[PARTS][TILE];
    __shared__ bool last;
    contribute(a, b, partial, parts);
    const unsigned blocks = gridDim.y;
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        __threadfence(); // what the block wrote before the barrier comes before its arrival
        // atomicInc goes back to 0 with the last block: ready for the next launch.
        last = atomicInc(&arrivals[blockIdx.x], blocks - 1) == blocks - 1;
        if (last) __threadfence(); // and what it reads behind the next barrier comes after that
    }
    __syncthreads();
    if (!last) return false;
    *total = totals(partial, parts);
    return true;
}

// add_shifted adds e − origin to a, and its square to b.
__device__ inline void add_shifted(Eight& a, Eight& b, const Eight& e, const Eight& origin) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const float d = e.v[i] - origin.v[i];
        a.v[i] += d;
        b.v[i] += d * d;
    }
}

// add_products adds g to a, and g·(e − mean) to b.
__device__ inline void add_products(Eight& a, Eight& b, const Eight& g, const Eight& e, const Eight& mean) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        a.v[i] += g.v[i];
        b.v[i] += g.v[i] * (e.v[i] - mean.v[i]);
    }
}

// conclude keeps a channel's mean and variance over n values, and the running ones.
__device__ inline void conclude(int c, double mu, double variance, double n, float* mean, float* inv_std, float* running_mean,
                                float* running_var, double epsilon, double momentum) {
    if (variance < 0) variance = 0; // rounding; NaN stays
    mean[c] = (float)mu;
    inv_std[c] = (float)(1 / sqrt(variance + epsilon));
    if (running_mean) running_mean[c] = (float)((1 - momentum) * running_mean[c] + momentum * mu);
    if (running_var) running_var[c] = (float)((1 - momentum) * running_var[c] + momentum * variance * n / (n - 1));
}

// Vectors are two numbers for each channel of a tile, which all threads of a block
// share.
typedef float4 Vectors[2][TILE / 4];

__device__ inline float& entry(Vectors& v, int which, int channel) { return ((float*)v[which])[channel]; }
__device__ inline Eight eight(const Vectors& v, int which) { return load8((const float*)v[which] + threadIdx.x * 8); }

// share gives the block the means and 1/σ of its tile's channels; the first block of
// the tile keeps them. mu and variance are those of the thread's channel.
__device__ inline void share(Vectors& v, double mu, double variance, int rows, int channels, float* mean, float* inv_std,
                             float* running_mean, float* running_var, double epsilon, double momentum) {
    const int thread = threadIdx.y * LANES + threadIdx.x, c = blockIdx.x * TILE + thread;
    if (thread < TILE) entry(v, 0, thread) = entry(v, 1, thread) = 0;
    if (thread < TILE && c < channels) {
        conclude(thread, mu, variance, rows, &entry(v, 0, 0), &entry(v, 1, 0), nullptr, nullptr, epsilon, momentum);
        if (blockIdx.y == 0) conclude(c, mu, variance, rows, mean, inv_std, running_mean, running_var, epsilon, momentum);
    }
    __syncthreads();
}

// Sums of x − x₀ and (x − x₀)², with x₀ the channel's first element against
// cancellation; then the statistics of the mini-batch and the running ones.
template <typename T>
__device__ void norm_statistics(const T* x, float* mean, float* inv_std, float* running_mean, float* running_var,
                                float2* partial, unsigned* arrivals, int rows, int channels, int padded, double epsilon, double momentum) {
    Tile t(padded);
    Eight a = {}, b = {};
    if (t.inside) {
        const Eight origin = load8(x + t.channel);
        walk<FIRST, 1, T>(t, rows, padded, {x}, [&](size_t, const Packed<T>* in) {
            add_shifted(a, b, unpack(in[0]), origin);
        });
    }
    double2 total;
    if (!reduce(a, b, partial, arrivals, &total)) return;
    const int thread = threadIdx.y * LANES + threadIdx.x, c = blockIdx.x * TILE + thread;
    if (thread >= TILE || c >= channels) return;
    const double n = rows, shift = total.x / n;
    conclude(c, widen(x[c]) + shift, total.y / n - shift * shift, n, mean, inv_std, running_mean, running_var, epsilon, momentum);
}

// Affine is batch norm for 8 channels. Both directions compute it with the same
// rounding, so that the backward pass finds the ReLU's mask from x.
struct Affine {
    Eight scale, offset;

    __device__ Affine(const float* gamma, const float* beta, const Eight& mean, const Eight& inv_std, int channel, int channels)
        : scale(channels8(gamma, channel, channels)), offset(channels8(beta, channel, channels)) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            scale.v[i] *= inv_std.v[i];
            offset.v[i] = fmaf(-mean.v[i], scale.v[i], offset.v[i]);
        }
    }

    __device__ Eight at(const Eight& x) const {
        Eight y;
#pragma unroll
        for (int i = 0; i < 8; i++) y.v[i] = fmaf(x.v[i], scale.v[i], offset.v[i]);
        return y;
    }
};

__device__ inline void rectify(Eight& y) {
#pragma unroll
    for (int i = 0; i < 8; i++) y.v[i] = y.v[i] < 0 ? 0 : y.v[i];
}

// apply makes y = relu(norm(x) + residual) of all rows.
template <typename T>
__device__ void apply(const Tile& t, const Affine& norm, T* y, const T* x, const T* residual, int rows, int padded, int relu) {
    if (!residual) {
        walk<SECOND, 1, T>(t, rows, padded, {x}, [&](size_t at, const Packed<T>* in) {
            Eight out = norm.at(unpack(in[0]));
            if (relu) rectify(out);
            store8(y + at, out);
        });
        return;
    }
    walk<SECOND, 2, T>(t, rows, padded, {x, residual}, [&](size_t at, const Packed<T>* in) {
        Eight out = norm.at(unpack(in[0]));
        const Eight add = unpack(in[1]);
#pragma unroll
        for (int i = 0; i < 8; i++) out.v[i] += add.v[i];
        if (relu) rectify(out);
        store8(y + at, out);
    });
}

// y = relu((x − mean)·γ·invStd + β + residual); spread is invStd, or with
// running statistics the variance.
template <typename T>
__device__ void norm_apply(T* y, const T* x, const T* residual, const float* gamma, const float* beta, const float* mean,
                           const float* spread, int running, int rows, int channels, int padded, float epsilon, int relu) {
    Tile t(padded);
    if (!t.inside) return;
    Eight inv = channels8(spread, t.channel, channels);
    if (running) {
#pragma unroll
        for (int i = 0; i < 8; i++) inv.v[i] = 1 / sqrtf(inv.v[i] + epsilon);
    }
    apply(t, Affine(gamma, beta, channels8(mean, t.channel, channels), inv, t.channel, channels), y, x, residual, rows, padded, relu);
}

// The same, and the statistics, from sums of x and x² that came with a convolution.
// Without y it is the statistics alone.
template <typename T>
__device__ void norm_finish(T* y, const T* x, const T* residual, const float* gamma, const float* beta, float* mean, float* inv_std,
                            float* running_mean, float* running_var, const float* sum, const float* squares, int rows, int channels,
                            int padded, double epsilon, double momentum, int relu) {
    __shared__ Vectors vectors;
    const Tile t(padded);
    const int c = blockIdx.x * TILE + threadIdx.y * LANES + threadIdx.x;
    double mu = 0, variance = 0;
    if (c < channels) mu = sum[c] / (double)rows, variance = squares[c] / (double)rows - mu * mu;
    share(vectors, mu, variance, rows, channels, mean, inv_std, running_mean, running_var, epsilon, momentum);
    if (t.inside && y) apply(t, Affine(gamma, beta, eight(vectors, 0), eight(vectors, 1), t.channel, channels), y, x, residual, rows, padded, relu);
}

// mask makes g the gradient behind the ReLU, whose output is y.
__device__ inline Eight mask(Eight g, const Eight& y) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        if (y.v[i] <= 0) g.v[i] = 0;
    }
    return g;
}

// walk_back calls each(place, gradient behind the ReLU, x). The ReLU's output is
// y, or without y what norm makes of x. The gradient is kept in behind, unless
// that is nil or the mask comes from x: then there is no residual to want it.
template <Pass P, int AT_ONCE = READ, typename T, typename F>
__device__ void walk_back(const Tile& t, int rows, int padded, const T* dy, const T* x, const T* y, int relu, const Affine& norm,
                          T* behind, F each) {
    if (relu && !y) {
        walk<P, 2, T, AT_ONCE>(t, rows, padded, {dy, x}, [&](size_t at, const Packed<T>* in) {
            const Eight e = unpack(in[1]);
            each(at, mask(unpack(in[0]), norm.at(e)), e);
        });
    } else if (relu) {
        walk<P, 3, T, AT_ONCE>(t, rows, padded, {dy, x, y}, [&](size_t at, const Packed<T>* in) {
            const Eight g = mask(unpack(in[0]), unpack(in[2]));
            if (behind) store8(behind + at, g);
            each(at, g, unpack(in[1]));
        });
    } else {
        walk<P, 2, T, AT_ONCE>(t, rows, padded, {dy, x}, [&](size_t at, const Packed<T>* in) {
            const Eight g = unpack(in[0]);
            if (behind) store8(behind + at, g);
            each(at, g, unpack(in[1]));
        });
    }
}

// dβ = Σ g and dγ = Σ g·x̂, and the residual's gradient, g itself, which may lie
// where dy is.
template <typename T>
__device__ void norm_sums(T* dresidual, float* dgamma, float* dbeta, const T* dy, const T* x, const T* y, const float* gamma,
                          const float* beta, const float* mean, const float* inv_std, float2* partial, unsigned* arrivals,
                          int rows, int channels, int padded, int relu) {
    Tile t(padded);
    Eight a = {}, b = {};
    if (t.inside) {
        const Eight mu = channels8(mean, t.channel, channels);
        const Affine norm(gamma, beta, mu, channels8(inv_std, t.channel, channels), t.channel, channels);
        walk_back<FIRST>(t, rows, padded, dy, x, y, relu, norm, dresidual, [&](size_t, const Eight& g, const Eight& e) { add_products(a, b, g, e, mu); });
    }
    double2 total;
    if (!reduce(a, b, partial, arrivals, &total)) return;
    const int thread = threadIdx.y * LANES + threadIdx.x, c = blockIdx.x * TILE + thread;
    if (thread >= TILE || c >= channels) return;
    dbeta[c] = (float)total.x;
    dgamma[c] = (float)(total.y * inv_std[c]);
}

// Slope makes the gradient of 8 channels' x from g, the gradient behind the ReLU:
// dx = γ·invStd·(g − dβ/n − x̂·dγ/n) = scale·g − slope·x + constant.
struct Slope {
    Eight slope, constant;

    __device__ Slope(const Affine& norm, const Eight& mean, const Eight& inv_std, const Eight& dgamma, const Eight& dbeta, int rows) {
        const float share = 1.0f / rows;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            slope.v[i] = dgamma.v[i] * (norm.scale.v[i] * inv_std.v[i] * share);
            constant.v[i] = mean.v[i] * slope.v[i] - dbeta.v[i] * norm.scale.v[i] * share;
        }
    }

    __device__ Eight at(const Affine& norm, Eight g, const Eight& x) const {
#pragma unroll
        for (int i = 0; i < 8; i++) g.v[i] = fmaf(norm.scale.v[i], g.v[i], fmaf(-slope.v[i], x.v[i], constant.v[i]));
        return g;
    }
};

template <typename T>
__device__ void norm_grad(T* dx, const T* dy, const T* x, const T* y, const float* gamma, const float* beta, const float* mean,
                          const float* inv_std, const float* dgamma, const float* dbeta, int rows, int channels, int padded, int relu) {
    Tile t(padded);
    if (!t.inside) return;
    const Eight mu = channels8(mean, t.channel, channels), inv = channels8(inv_std, t.channel, channels);
    const Affine norm(gamma, beta, mu, inv, t.channel, channels);
    const Slope slope(norm, mu, inv, channels8(dgamma, t.channel, channels), channels8(dbeta, t.channel, channels), rows);
    walk_back<SECOND>(t, rows, padded, dy, x, y, relu, norm, (T*)nullptr,
                      [&](size_t at, const Eight& g, const Eight& e) { store8(dx + at, slope.at(norm, g, e)); });
}
