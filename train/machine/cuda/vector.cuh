// Vectors of 8 channels, number formats, and sums over a block.

#pragma once

typedef unsigned short bf16; // the upper half of a float32

constexpr int LANES = 8;             // threads across a tile, of 8 channels each
constexpr int DEPTH = 48;            // threads down a tile
constexpr int TILE = 8 * LANES;      // channels of a tile
constexpr int PARTS = DEPTH / LANES; // threads that share the final sum of a channel
constexpr int THREADS = 256;         // of a block, for everything else

struct Eight { float v[8]; };

__device__ inline float widen(bf16 x) { return __uint_as_float((unsigned)x << 16); }
__device__ inline float widen(float x) { return x; }

// narrow packs two numbers, rounded to nearest even, the first in the low half.
__device__ inline unsigned narrow(float low, float high) {
#ifdef __CUDA_ARCH__
    unsigned packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
#else
    return round_bf16(low) | (unsigned)round_bf16(high) << 16;
#endif
}

// Packed is 8 numbers as they lie in memory.
template <typename T> struct Packed;
template <> struct Packed<float> { float4 a, b; };
template <> struct Packed<bf16> { uint4 a; };

__device__ inline Packed<float> fetch(const float* p) { return {((const float4*)p)[0], ((const float4*)p)[1]}; }
__device__ inline Packed<bf16> fetch(const bf16* p) { return {*(const uint4*)p}; }

// fetch_last lets the cache forget what it reads before anything else.
__device__ inline Packed<float> fetch_last(const float* p) { return {__ldcs((const float4*)p), __ldcs((const float4*)p + 1)}; }
__device__ inline Packed<bf16> fetch_last(const bf16* p) { return {__ldcs((const uint4*)p)}; }

__device__ inline Eight unpack(const Packed<float>& p) {
    return {{p.a.x, p.a.y, p.a.z, p.a.w, p.b.x, p.b.y, p.b.z, p.b.w}};
}

__device__ inline Eight unpack(const Packed<bf16>& p) {
    const unsigned words[4] = {p.a.x, p.a.y, p.a.z, p.a.w};
    Eight e;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        e.v[2 * i] = __uint_as_float(words[i] << 16);
        e.v[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
    }
    return e;
}

template <typename T> __device__ inline Eight load8(const T* p) { return unpack(fetch(p)); }

__device__ inline void store8(float* p, const Eight& e) {
    ((float4*)p)[0] = make_float4(e.v[0], e.v[1], e.v[2], e.v[3]);
    ((float4*)p)[1] = make_float4(e.v[4], e.v[5], e.v[6], e.v[7]);
}

__device__ inline void store8(bf16* p, const Eight& e) {
    *(uint4*)p = make_uint4(narrow(e.v[0], e.v[1]), narrow(e.v[2], e.v[3]), narrow(e.v[4], e.v[5]), narrow(e.v[6], e.v[7]));
}

__device__ inline void store(float* p, float x) { *p = x; }
__device__ inline void store(bf16* p, float x) { *p = (bf16)narrow(x, 0); }

// put stores a parameter, and its bf16 copy if it has one.
__device__ inline void put(float* w, bf16* copy, size_t i, float x) {
    w[i] = x;
    if (copy) store(copy + i, x);
}

// block_memory is what a launch gives each block beside its own shared memory.
#ifdef __CUDA_ARCH__
extern __shared__ uint4 launch_memory[];
__device__ inline void* block_memory() { return launch_memory; }
#endif

// first and step are a thread's place and stride in a grid of blocks of THREADS.
__device__ inline size_t first() { return blockIdx.x * (size_t)blockDim.x + threadIdx.x; }
__device__ inline size_t step() { return gridDim.x * (size_t)blockDim.x; }

// block_sum adds x up over the block, for the thread 0.
__device__ inline double block_sum(double x) {
    __shared__ double sums[THREADS];
    __syncthreads();
    sums[threadIdx.x] = x;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) sums[threadIdx.x] = x += sums[threadIdx.x + half];
    }
    return x;
}
