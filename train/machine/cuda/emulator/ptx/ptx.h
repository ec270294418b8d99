// What the instructions of PTX do, and the checks of memory. SHARED_BYTES is how
// much memory the threads of a block share at most.

#pragma once

#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <type_traits>

// ------------------------------------------------------------------ registers

// A register has 64 bits, of which a type reads its own; what is narrower is
// extended by its type when it is written.

constexpr uint64_t NOTHING = 0xdeadbeefdeadbeef; // of a register that was not written yet

template <typename T> T as(uint64_t r) {
    T x;
    memcpy(&x, &r, sizeof x);
    return x;
}

template <typename T> uint64_t bits(T x) {
    if constexpr (std::is_integral_v<T>) return (uint64_t)(int64_t)x;
    uint64_t r = 0;
    memcpy(&r, &x, sizeof x);
    return r;
}

// ------------------------------------------------------------------ arithmetic

// Wrap is the type in which integers overflow without harm.
template <typename T, bool = std::is_integral_v<T>> struct Wrap { typedef T type; };
template <typename T> struct Wrap<T, true> { typedef std::make_unsigned_t<T> type; };
#define WRAP(x) typename Wrap<T>::type(x)

template <typename T> T op_add(T a, T b) { return T(WRAP(a) + WRAP(b)); }
template <typename T> T op_sub(T a, T b) { return T(WRAP(a) - WRAP(b)); }
template <typename T> T op_mul(T a, T b) { return T(WRAP(a) * WRAP(b)); }
template <typename T> T op_mul_lo(T a, T b) { return op_mul(a, b); }
template <typename T> T op_mad_lo(T a, T b, T c) { return op_add(op_mul(a, b), c); }
template <typename T> auto op_mul_wide(T a, T b) {
    static_assert(sizeof(T) == 4);
    typedef std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t> Wide;
    return Wide(a) * Wide(b);
}
template <typename T> T op_mul_hi(T a, T b) { return T(op_mul_wide(a, b) >> 32); }
template <typename T> T op_neg(T a) { return T(-WRAP(a)); }
template <typename T> T op_abs(T a) {
    if constexpr (std::is_integral_v<T>) return a < 0 ? op_neg(a) : a;
    else return std::fabs(a);
}
template <typename T> T op_div(T a, T b) { return a / b; }
template <typename T> T op_div_rn(T a, T b) { return a / b; }
template <typename T> T op_rem(T a, T b) { return a % b; }
template <typename T> T op_min(T a, T b) {
    if constexpr (std::is_integral_v<T>) return a < b ? a : b;
    else return std::fmin(a, b);
}
template <typename T> T op_max(T a, T b) {
    if constexpr (std::is_integral_v<T>) return a > b ? a : b;
    else return std::fmax(a, b);
}
template <typename T> T op_and(T a, T b) { return a & b; }
template <typename T> T op_or(T a, T b) { return a | b; }
template <typename T> T op_xor(T a, T b) { return a ^ b; }
template <typename T> T op_not(T a) {
    if constexpr (std::is_same_v<T, bool>) return !a;
    else return ~a;
}
template <typename T> T op_shl(T a, uint32_t n) { return n >= 8 * sizeof(T) ? 0 : T(WRAP(a) << n); }
template <typename T> T op_shr(T a, uint32_t n) { return n >= 8 * sizeof(T) ? (a < 0 ? -1 : 0) : T(a >> n); }
template <typename T> T op_selp(T a, T b, bool p) { return p ? a : b; }
template <typename T> T op_cvta_to_global(T a) { return a; }

template <typename T> T op_fma_rn(T a, T b, T c) { return std::fma(a, b, c); }

// Rounded towards minus infinity; volatile, so that nothing is computed before or
// after.
template <typename T> __attribute__((noinline)) T op_fma_rm(T a, T b, T c) {
    volatile T x = a, y = b, z = c;
    const int rounding = fegetround();
    fesetround(FE_DOWNWARD);
    volatile T result = std::fma((T)x, (T)y, (T)z);
    fesetround(rounding);
    return result;
}

template <typename T> T op_sqrt_rn(T a) { return std::sqrt(a); }
template <typename T> T op_rcp_rn(T a) { return 1 / a; }
// The lower half of the result is 0, and it is refined by what follows.
template <typename T> T op_rcp_approx_ftz(T a) {
    static_assert(sizeof(T) == 8);
    return as<T>(bits(1 / a) & 0xffffffff00000000);
}

inline float flush(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x; }
template <typename T> T op_ex2_approx_ftz(T a) { return flush(std::exp2(flush(a))); }
inline float saturate(float x) { return !(x > 0) ? 0 : x > 1 ? 1 : x; }

inline uint32_t pack_bf16(float high, float low) { return round_bf16(low) | (uint32_t)round_bf16(high) << 16; }

template <typename T> bool unordered(T a, T b) { return a != a || b != b; }
template <typename T> bool compare_eq(T a, T b) { return a == b; }
template <typename T> bool compare_ne(T a, T b) { return a != b && !unordered(a, b); }
template <typename T> bool compare_lt(T a, T b) { return a < b; }
template <typename T> bool compare_le(T a, T b) { return a <= b; }
template <typename T> bool compare_gt(T a, T b) { return a > b; }
template <typename T> bool compare_ge(T a, T b) { return a >= b; }
template <typename T> bool compare_equ(T a, T b) { return a == b || unordered(a, b); }
template <typename T> bool compare_neu(T a, T b) { return a != b; }
template <typename T> bool compare_ltu(T a, T b) { return !(a >= b); }
template <typename T> bool compare_leu(T a, T b) { return !(a > b); }
template <typename T> bool compare_gtu(T a, T b) { return !(a <= b); }
template <typename T> bool compare_geu(T a, T b) { return !(a < b); }
template <typename T> bool compare_num(T a, T b) { return !unordered(a, b); }
template <typename T> bool compare_nan(T a, T b) { return unordered(a, b); }

// ------------------------------------------------------------------ memory

// As thread-local memory the emulation fills it with ones when a block begins.
alignas(16) static thread_local char declared_memory[SHARED_BYTES];
static thread_local uint64_t block = ~0ull; // a number for the block, ones if it has none yet

static unsigned barriers[MULTIPROCESSORS][1024]; // that each thread of the block has passed
static unsigned declared; // bytes of the kernel's own; behind them lies what the launch gives

inline unsigned thread() { return threadIdx.y * blockDim.x + threadIdx.x; }

// enter begins a thread.
inline void enter(unsigned bytes) {
    static uint64_t blocks;
    if (block == ~0ull) block = ++blocks;
    barriers[slot][thread()] = 0;
    declared = bytes;
}

inline void barrier() {
    barriers[slot][thread()]++;
    __syncthreads();
}

// Access is the last to a byte: the block, the barriers passed, and the thread.
struct Access {
    uint64_t block;
    unsigned barriers, thread;
    bool now() const { return block == ::block && barriers == ::barriers[slot][::thread()]; }
    bool another() const { return now() && thread != ::thread(); }
    void note() { *this = {::block, ::barriers[slot][::thread()], ::thread()}; }
};

static struct Byte {
    Access written, read;
    bool read_by_many; // since the last barrier
} shadow[MULTIPROCESSORS][BLOCK_MEMORY];

[[noreturn]] inline void wrong(const char* kernel, int line, const char* what, uint64_t at) {
    fprintf(stderr, "ptx: kernel %s, line %d, thread %u: %s at %#lx\n", kernel, line, thread(), what, (unsigned long)at);
    abort();
}

inline char* global_memory(uint64_t at, unsigned bytes, bool, const char* kernel, int line) {
    if (at % bytes) wrong(kernel, line, "an access that is not aligned", at);
    return (char*)at;
}

inline char* shared_memory(uint64_t at, unsigned bytes, bool write, const char* kernel, int line) {
    if (at % bytes) wrong(kernel, line, "an access that is not aligned", at);
    if (at + bytes > (launch_memory ? BLOCK_MEMORY : declared)) wrong(kernel, line, "an access beyond shared memory", at);
    for (uint64_t i = at; i < at + bytes; i++) {
        Byte& b = shadow[slot][i];
        if (b.written.another()) wrong(kernel, line, write ? "two threads write" : "a thread reads what another writes", i);
        if (!write) {
            if (b.written.block != block) wrong(kernel, line, "what was not written is read", i);
            b.read_by_many = b.read.now() && (b.read_by_many || b.read.another());
            b.read.note();
            continue;
        }
        if (b.read.another() || (b.read.now() && b.read_by_many)) wrong(kernel, line, "a thread writes what another reads", i);
        b.written.note();
    }
    return at < declared ? declared_memory + at : launch_memory + (at - declared); // behind which lies a page that nobody may touch
}

template <typename T> uint64_t load(const char* at) { return bits(*(const T*)at); }
template <typename T> void store(char* at, T x) { *(T*)at = x; }

// All blocks run on one thread.
inline uint32_t atomic_inc(uint32_t* p, uint32_t most) {
    const uint32_t old = *p;
    *p = old >= most ? 0 : old + 1;
    return old;
}
template <typename T> T atomic_add(T* p, T x) {
    const T old = *p;
    *p += x;
    return old;
}
