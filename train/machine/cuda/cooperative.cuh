// Batch norm in one kernel for each direction. Its blocks, at most one for each
// multiprocessor, run at the same time; between the sums over all rows and what
// needs them the blocks of a tile meet. A thread keeps its first rows in shared
// memory, as many as there is room for, and reads the others again.

#pragma once

#include "batchnorm.cuh"

// ALL is READ for a block that has a multiprocessor to itself.
constexpr int ALL = 2 * READ;

// Kept are rows of a thread, N vectors each, in the order of the first pass.
template <typename T, int N> struct Kept {
    T* memory;
    int most; // rows
    __device__ Kept(int most) : memory((T*)block_memory()), most(most) {}
    __device__ T* at(int row, int n) const {
        return memory + ((row * N + n) * (LANES * DEPTH) + threadIdx.y * LANES + threadIdx.x) * 8;
    }
};

// meet waits for the other blocks of the tile, and what they have written. The
// upper bit of the tile's counter changes with each meeting, the others are then 0.
__device__ inline void meet(unsigned* meetings) {
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        volatile unsigned* counter = meetings + blockIdx.x;
        __threadfence();
        const unsigned before = atomicAdd(meetings + blockIdx.x, blockIdx.y == 0 ? 0x80000001u - gridDim.y : 1);
        while (((before ^ *counter) & 0x80000000u) == 0) __nanosleep(32);
        __threadfence();
    }
    __syncthreads();
}

// Rest are the rows of a thread that it did not keep, for a second pass that begins
// with those read last.
struct Rest {
    Tile tile;
    int rows;
    __device__ Rest(const Tile& t, int all, int kept) : tile(t), rows(all - t.row - kept * t.stride) {
        if (rows > 0) tile.row = (all - 1 - t.row) % t.stride;
        else rows = tile.row = 0;
    }
};

// Statistics and y: norm_statistics and norm_apply.
template <typename T>
__device__ void norm_forward(T* y, const T* x, const T* residual, const float* gamma, const float* beta, float* mean, float* inv_std,
                             float* running_mean, float* running_var, float2* partial, unsigned* meetings, int keep, int rows,
                             int channels, int padded, double epsilon, double momentum, int relu) {
    __shared__ double2 parts[PARTS][TILE];
    __shared__ Vectors vectors;
    const Tile t(padded);
    const Kept<T, 1> kept(keep);
    Eight a = {}, b = {};
    if (t.inside) {
        const Eight origin = load8(x + t.channel);
        int row = 0;
        walk<FIRST, 1, T, ALL>(t, rows, padded, {x}, [&](size_t, const Packed<T>* in) {
            const Eight e = unpack(in[0]);
            if (row < kept.most) store8(kept.at(row++, 0), e);
            add_shifted(a, b, e, origin);
        });
    }
    contribute(a, b, partial, parts);
    meet(meetings);
    const double2 total = totals(partial, parts);
    const int c = blockIdx.x * TILE + threadIdx.y * LANES + threadIdx.x;
    const double shift = total.x / rows;
    share(vectors, shift + (c < channels ? widen(x[c]) : 0), total.y / rows - shift * shift, rows, channels, mean, inv_std, running_mean,
          running_var, epsilon, momentum);
    if (!t.inside) return;
    const Affine norm(gamma, beta, eight(vectors, 0), eight(vectors, 1), t.channel, channels);
    const Rest rest(t, rows, keep);
    const auto finish = [&](size_t at, Eight out) {
        if (relu) rectify(out);
        store8(y + at, out);
    };
    if (!residual) {
        walk<SECOND, 1, T, ALL>(rest.tile, rest.rows, padded, {x}, [&](size_t at, const Packed<T>* in) { finish(at, norm.at(unpack(in[0]))); });
        for (int k = 0, row = rows - 1 - t.row; k < keep && row >= 0; k++, row -= t.stride)
            finish((size_t)row * padded + t.channel, norm.at(load8(kept.at(k, 0))));
        return;
    }
    const auto finish_sum = [&](size_t at, const Eight& e, const Eight& add) {
        Eight out = norm.at(e);
#pragma unroll
        for (int i = 0; i < 8; i++) out.v[i] += add.v[i];
        finish(at, out);
    };
    walk<SECOND, 2, T, ALL>(rest.tile, rest.rows, padded, {x, residual},
                       [&](size_t at, const Packed<T>* in) { finish_sum(at, unpack(in[0]), unpack(in[1])); });
    // The kept rows are the last ones, and are walked as in the first pass.
    const int last = min(rows, keep * t.stride);
    const size_t before = (size_t)(rows - last) * padded;
    int k = 0;
    walk<FIRST, 1, T, ALL>(t, last, padded, {residual + before},
                      [&](size_t at, const Packed<T>* in) { finish_sum(before + at, load8(kept.at(k++, 0)), unpack(in[0])); });
}

// Sums and dx: norm_sums and norm_grad.
template <typename T>
__device__ void norm_backward(T* dx, T* dresidual, float* dgamma, float* dbeta, const T* dy, const T* x, const T* y, const float* gamma,
                              const float* beta, const float* mean, const float* inv_std, float2* partial, unsigned* meetings, int keep,
                              int rows, int channels, int padded, int relu) {
    __shared__ double2 parts[PARTS][TILE];
    __shared__ Vectors vectors;
    const Tile t(padded);
    const Kept<T, 2> kept(keep);
    const Eight none = {}, mu = t.inside ? channels8(mean, t.channel, channels) : none, inv = t.inside ? channels8(inv_std, t.channel, channels) : none;
    Eight a = {}, b = {};
    if (t.inside) {
        const Affine norm(gamma, beta, mu, inv, t.channel, channels);
        int row = 0;
        walk_back<FIRST, ALL>(t, rows, padded, dy, x, y, relu, norm, dresidual, [&](size_t, const Eight& g, const Eight& e) {
            if (row < kept.most) {
                store8(kept.at(row, 0), g);
                store8(kept.at(row++, 1), e);
            }
            add_products(a, b, g, e, mu);
        });
    }
    contribute(a, b, partial, parts);
    meet(meetings);
    const double2 total = totals(partial, parts);
    const int thread = threadIdx.y * LANES + threadIdx.x, c = blockIdx.x * TILE + thread;
    if (thread < TILE) entry(vectors, 0, thread) = entry(vectors, 1, thread) = 0;
    if (thread < TILE && c < channels) {
        const float of_gamma = (float)(total.y * inv_std[c]), of_beta = (float)total.x;
        entry(vectors, 0, thread) = of_gamma, entry(vectors, 1, thread) = of_beta;
        if (blockIdx.y == 0) dgamma[c] = of_gamma, dbeta[c] = of_beta;
    }
    __syncthreads();
    if (!t.inside) return;
    const Affine norm(gamma, beta, mu, inv, t.channel, channels);
    const Slope slope(norm, mu, inv, eight(vectors, 0), eight(vectors, 1), rows);
    const Rest rest(t, rows, keep);
    const auto finish = [&](size_t at, const Eight& g, const Eight& e) { store8(dx + at, slope.at(norm, g, e)); };
    // A residual's gradient is masked already.
    walk_back<SECOND, ALL>(rest.tile, rest.rows, padded, dresidual ? dresidual : dy, x, y, relu && !dresidual, norm, (T*)nullptr, finish);
    for (int k = 0, row = rows - 1 - t.row; k < keep && row >= 0; k++, row -= t.stride)
        finish((size_t)row * padded + t.channel, load8(kept.at(k, 0)), load8(kept.at(k, 1)));
}
