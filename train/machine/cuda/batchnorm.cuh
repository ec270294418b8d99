// Batch norm, with what follows it in a residual network.
//
// Blocks of LANES × DEPTH threads; blockIdx.x is the tile of channels, and the
// blocks of one tile take turns at its rows.

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

// channels8 reads a vector of one number per channel; padding has none.
__device__ inline Eight channels8(const float* p, int channel, int channels) {
    Eight e;
#pragma unroll
    for (int i = 0; i < 8; i++) e.v[i] = channel + i < channels ? p[channel + i] : 0;
    return e;
}

// reduce adds a and b up over all rows. In one block, the last of its tile to
// come here, it returns true, and threads 0 to TILE − 1 get the totals of the
// channel blockIdx.x·TILE + thread.
__device__ bool reduce(const Eight& a, const Eight& b, float2* partial, unsigned* arrivals, double2* total) {
    __shared__ float2 rows[DEPTH][TILE];
    __shared__ double2 parts[PARTS][TILE];
    __shared__ bool last;
    const int thread = threadIdx.y * LANES + threadIdx.x, slot = thread % TILE, part = thread / TILE;
#pragma unroll
    for (int i = 0; i < 8; i++) rows[threadIdx.y][i * LANES + threadIdx.x] = make_float2(a.v[i], b.v[i]);
    __syncthreads();
    double2 sum = make_double2(0, 0);
    for (int r = part; r < DEPTH; r += PARTS) sum.x += rows[r][slot].x, sum.y += rows[r][slot].y;
    parts[part][slot] = sum;
    __syncthreads();
    const size_t tiles = gridDim.x;
    if (part == 0) {
        for (int p = 1; p < PARTS; p++) sum.x += parts[p][slot].x, sum.y += parts[p][slot].y;
        partial[(blockIdx.y * tiles + blockIdx.x) * TILE + slot] = make_float2((float)sum.x, (float)sum.y);
    }
    __syncthreads();
    if (thread == 0) {
        __threadfence(); // of what all threads of the block wrote before the barrier
        // atomicInc goes back to 0 with the last block: ready for the next launch.
        last = atomicInc(&arrivals[blockIdx.x], gridDim.y - 1) == gridDim.y - 1;
    }
    __syncthreads();
    if (!last) return false;
    __threadfence();
    sum = make_double2(0, 0);
#pragma unroll 8
    for (int k = part; k < gridDim.y; k += PARTS) {
        const float2 s = __ldcg(&partial[(k * tiles + blockIdx.x) * TILE + slot]);
        sum.x += s.x, sum.y += s.y;
    }
    parts[part][slot] = sum;
    __syncthreads();
    if (thread < TILE) {
        // channel 8·lane + i of the tile lies in slot i·LANES + lane
        const int at = thread % 8 * LANES + thread / 8;
        *total = parts[0][at];
        for (int p = 1; p < PARTS; p++) total->x += parts[p][at].x, total->y += parts[p][at].y;
    }
    return true;
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
#pragma unroll 4
        for (int r = t.row; r < rows; r += t.stride) {
            const Eight e = load8(x + (size_t)r * padded + t.channel);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                const float d = e.v[i] - origin.v[i];
                a.v[i] += d;
                b.v[i] += d * d;
            }
        }
    }
    double2 total;
    if (!reduce(a, b, partial, arrivals, &total)) return;
    const int thread = threadIdx.y * LANES + threadIdx.x, c = blockIdx.x * TILE + thread;
    if (thread >= TILE || c >= channels) return;
    const double n = rows, shift = total.x / n, mu = widen(x[c]) + shift;
    double variance = total.y / n - shift * shift;
    if (variance < 0) variance = 0; // rounding; NaN stays
    mean[c] = (float)mu;
    inv_std[c] = (float)(1 / sqrt(variance + epsilon));
    if (running_mean) running_mean[c] = (float)((1 - momentum) * running_mean[c] + momentum * mu);
    if (running_var) running_var[c] = (float)((1 - momentum) * running_var[c] + momentum * variance * n / (n - 1));
}

// y = relu((x − mean)·γ·invStd + β + residual); spread is invStd, or with
// running statistics the variance.
template <typename T>
__device__ void norm_apply(T* y, const T* x, const T* residual, const float* gamma, const float* beta, const float* mean,
                           const float* spread, int running, int rows, int channels, int padded, float epsilon, int relu) {
    Tile t(padded);
    if (!t.inside) return;
    const Eight mu = channels8(mean, t.channel, channels), shift = channels8(beta, t.channel, channels);
    const Eight s = channels8(spread, t.channel, channels);
    Eight scale = channels8(gamma, t.channel, channels);
#pragma unroll
    for (int i = 0; i < 8; i++) scale.v[i] *= running ? 1 / sqrtf(s.v[i] + epsilon) : s.v[i];
    constexpr int UNROLL = Packed<T>::UNROLL;
    for (int r = t.row; r < rows; r += UNROLL * t.stride) {
        Packed<T> in[UNROLL], add[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            const size_t at = (size_t)(r + u * t.stride) * padded + t.channel;
            if (r + u * t.stride >= rows) break;
            in[u] = fetch(x + at);
            if (residual) add[u] = fetch(residual + at);
        }
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            if (r + u * t.stride >= rows) break;
            Eight out = unpack(in[u]);
#pragma unroll
            for (int i = 0; i < 8; i++) out.v[i] = (out.v[i] - mu.v[i]) * scale.v[i] + shift.v[i];
            if (residual) {
                const Eight a = unpack(add[u]);
#pragma unroll
                for (int i = 0; i < 8; i++) out.v[i] += a.v[i];
            }
#pragma unroll
            for (int i = 0; i < 8; i++) out.v[i] = relu && out.v[i] < 0 ? 0 : out.v[i];
            store8(y + (size_t)(r + u * t.stride) * padded + t.channel, out);
        }
    }
}

// mask is the gradient behind the ReLU.
__device__ inline void mask(Eight& g, const Eight& y) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        if (y.v[i] <= 0) g.v[i] = 0;
    }
}

// dβ = Σ g and dγ = Σ g·x̂, and the residual's gradient, g itself, which may lie
// where dy is; y is nil without ReLU.
template <typename T>
__device__ void norm_sums(T* dresidual, float* dgamma, float* dbeta, const T* dy, const T* x, const T* y, const float* mean,
                          const float* inv_std, float2* partial, unsigned* arrivals, int rows, int channels, int padded) {
    Tile t(padded);
    Eight a = {}, b = {};
    if (t.inside) {
        const Eight mu = channels8(mean, t.channel, channels);
        constexpr int UNROLL = Packed<T>::UNROLL;
        for (int r = t.row; r < rows; r += UNROLL * t.stride) {
            Packed<T> grad[UNROLL], in[UNROLL], out[UNROLL];
#pragma unroll
            for (int u = 0; u < UNROLL; u++) {
                const size_t at = (size_t)(r + u * t.stride) * padded + t.channel;
                if (r + u * t.stride >= rows) break;
                grad[u] = fetch(dy + at);
                in[u] = fetch(x + at);
                if (y) out[u] = fetch(y + at);
            }
#pragma unroll
            for (int u = 0; u < UNROLL; u++) {
                if (r + u * t.stride >= rows) break;
                Eight g = unpack(grad[u]);
                const Eight e = unpack(in[u]);
                if (y) mask(g, unpack(out[u]));
                if (dresidual) store8(dresidual + (size_t)(r + u * t.stride) * padded + t.channel, g);
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    a.v[i] += g.v[i];
                    b.v[i] += g.v[i] * (e.v[i] - mu.v[i]);
                }
            }
        }
    }
    double2 total;
    if (!reduce(a, b, partial, arrivals, &total)) return;
    const int thread = threadIdx.y * LANES + threadIdx.x, c = blockIdx.x * TILE + thread;
    if (thread >= TILE || c >= channels) return;
    dbeta[c] = (float)total.x;
    dgamma[c] = (float)(total.y * inv_std[c]);
}

// dx = γ·invStd·(g − dβ/n − x̂·dγ/n); y is nil if dy needs no mask.
template <typename T>
__device__ void norm_grad(T* dx, const T* dy, const T* x, const T* y, const float* gamma, const float* mean, const float* inv_std,
                          const float* dgamma, const float* dbeta, int rows, int channels, int padded) {
    Tile t(padded);
    if (!t.inside) return;
    const Eight mu = channels8(mean, t.channel, channels), inv = channels8(inv_std, t.channel, channels);
    Eight scale = channels8(gamma, t.channel, channels), slope = channels8(dgamma, t.channel, channels);
    Eight shift = channels8(dbeta, t.channel, channels);
#pragma unroll
    for (int i = 0; i < 8; i++) { // dx = scale·g − shift − (x − μ)·slope
        scale.v[i] *= inv.v[i];
        shift.v[i] *= scale.v[i] / rows;
        slope.v[i] *= scale.v[i] * inv.v[i] / rows;
    }
    constexpr int UNROLL = Packed<T>::UNROLL;
    for (int r = t.row; r < rows; r += UNROLL * t.stride) {
        Packed<T> grad[UNROLL], in[UNROLL], out[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            const size_t at = (size_t)(r + u * t.stride) * padded + t.channel;
            if (r + u * t.stride >= rows) break;
            grad[u] = fetch(dy + at);
            in[u] = fetch(x + at);
            if (y) out[u] = fetch(y + at);
        }
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            if (r + u * t.stride >= rows) break;
            Eight g = unpack(grad[u]);
            const Eight e = unpack(in[u]);
            if (y) mask(g, unpack(out[u]));
#pragma unroll
            for (int i = 0; i < 8; i++) g.v[i] = scale.v[i] * g.v[i] - shift.v[i] - (e.v[i] - mu.v[i]) * slope.v[i];
            store8(dx + (size_t)(r + u * t.stride) * padded + t.channel, g);
        }
    }
}
