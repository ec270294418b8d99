// As much of CUDA C++ as kernels.cu uses, on the CPU.

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __shared__ static thread_local // all blocks run on one thread, and change places there
#define __launch_bounds__(...)

struct Index { unsigned x, y, z; };
extern Index threadIdx, blockIdx, blockDim, gridDim;

struct float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) double2 { double x, y; };

inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }

// The device: its multiprocessors, the memory that a block can have there, in bytes,
// and what of it the kernels declare themselves at most.
constexpr unsigned MULTIPROCESSORS = 3, BLOCK_MEMORY = 64 << 10, DECLARED_MEMORY = 35 << 10;

// Of the blocks that run at the same time, which one this is, and the memory that
// the launch gives it.
extern unsigned slot;
extern char* launch_memory;
inline void* block_memory() { return launch_memory; }

// __nanosleep hands over to the other blocks.
void __nanosleep(unsigned);

// __syncthreads hands over to the other threads of the block.
void __syncthreads();
inline void __threadfence() {}

inline unsigned atomicInc(unsigned* p, unsigned most) {
    const unsigned old = *p;
    *p = old >= most ? 0 : old + 1;
    return old;
}
template <typename T> T atomicAdd(T* p, T x) {
    const T old = *p;
    *p += x;
    return old;
}
inline int min(int a, int b) { return a < b ? a : b; }
template <typename T> T __ldcg(const T* p) { return *p; }
template <typename T> T __ldcs(const T* p) { return *p; }

inline float __uint_as_float(unsigned x) {
    float f;
    memcpy(&f, &x, sizeof f);
    return f;
}
inline unsigned __float_as_uint(float f) {
    unsigned x;
    memcpy(&x, &f, sizeof x);
    return x;
}

// round_bf16 rounds to nearest even.
inline uint16_t round_bf16(float x) {
    const unsigned bits = __float_as_uint(x);
    if (x != x) return 0x7fff;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
