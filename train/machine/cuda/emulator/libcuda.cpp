// An emulation of the CUDA driver on the CPU, with the kernels of kernels.cu
// compiled in, or their PTX in C++ (folder ptx), for tests on a machine without a
// GPU.
//
// It is strict where the real one is: a function without a current context
// fails, work of a stream happens as late as it may (when somebody waits for
// it), memory starts as garbage, that of a block in each block again, and neither
// threads nor blocks have an order. A vector that is not aligned, an index
// outside an array of known size (flags of build), and an access beyond the end
// of an allocation or to one that was freed end the process. A test
// injects an error with CUDA_EMULATOR_FAIL=function:code:call (the call at which
// it comes, from 1), limits the memory with CUDA_EMULATOR_MEMORY, and has as many
// devices as CUDA_EMULATOR_DEVICES says. A kernel whose blocks meet takes
// CUDA_EMULATOR_MEETING milliseconds longer. What belongs to one of them cannot be used
// with another.

#include "device.h"
#ifdef PTX
#include PTX
#else
#include "../kernels.cu"
#endif

#include "stream.h"

#include <link.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

Index threadIdx, blockIdx, blockDim, gridDim;
unsigned slot;
char* launch_memory;

// ------------------------------------------------------------------ kernels

namespace {

typedef std::function<void()> Body;

enum State { READY, AT_BARRIER, WAITING, DONE };

// Fiber is a thread of a block. It is made once and then runs one thread of
// every block; after the first switch, setjmp and longjmp do without the system
// calls of swapcontext.
struct Fiber {
    ucontext_t context;
    jmp_buf point;
    std::vector<char> stack = std::vector<char>(64 << 10);
    bool started = false;
    State state;
};

// Block is one of those that run at the same time.
struct Block {
    Index at;
    std::deque<Fiber> fibers;
    char* memory;            // that the launch gives it
    std::vector<char> saved; // memory of its own while another runs
    bool done;
};

Block blocks[MULTIPROCESSORS];
jmp_buf scheduler;
const Body* body;
Fiber* running;

void yield(State s) {
    running->state = s;
    if (!_setjmp(running->point)) _longjmp(scheduler, 1);
}

void run_fiber() {
    for (;;) {
        (*body)();
        yield(DONE);
    }
}

__attribute__((noinline)) void resume(Fiber& f) {
    running = &f;
    if (_setjmp(scheduler)) return;
    if (f.started) _longjmp(f.point, 1);
    f.started = true;
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.data();
    f.context.uc_stack.ss_size = f.stack.size();
    makecontext(&f.context, run_fiber, 0);
    setcontext(&f.context);
}

thread_local const void* current; // context

// own_memory calls f with the memory of blocks, the library's thread-local
// variables, and leaves alone the one that is not a block's.
template <typename F> void own_memory(F f) {
    const void* keep = current;
    const std::function<void(char*, size_t)> call = f;
    dl_iterate_phdr([](dl_phdr_info* library, size_t, void* call) {
        for (int i = 0; i < library->dlpi_phnum; i++) {
            const auto& part = library->dlpi_phdr[i];
            char *memory = (char*)library->dlpi_tls_data, *mine = (char*)&current;
            if (part.p_type == PT_TLS && memory <= mine && mine < memory + part.p_memsz)
                (*(const std::function<void(char*, size_t)>*)call)(memory, part.p_memsz);
        }
        return 0;
    }, (void*)&call);
    current = keep;
}

void begin(Block& b) {
    const size_t n = blockDim.x * blockDim.y;
    if (b.fibers.size() < n) b.fibers.resize(n);
    for (size_t i = 0; i < n; i++) b.fibers[i].state = READY;
    b.done = false;
    own_memory([](char* memory, size_t bytes) { memset(memory, 0xff, bytes); }); // NaN
}

// run lets the threads of a block go from barrier to barrier, in ascending or
// descending order, to the end or until one waits for another block.
void run(Block& b, bool backwards) {
    const size_t n = blockDim.x * blockDim.y;
    blockIdx = b.at, slot = &b - blocks, launch_memory = b.memory;
    for (;;) {
        size_t finished = 0;
        bool waiting = false;
        for (size_t k = 0; k < n; k++) {
            const size_t i = backwards ? n - 1 - k : k;
            Fiber& f = b.fibers[i];
            threadIdx = {unsigned(i % blockDim.x), unsigned(i / blockDim.x), 0};
            if (f.state == READY || f.state == WAITING) resume(f);
            finished += f.state == DONE;
            waiting |= f.state == WAITING;
        }
        if (waiting) return;
        if (finished != 0 && finished != n) {
            fprintf(stderr, "cuda emulator: %zu of %zu threads did not come to a barrier\n", finished, n);
            abort();
        }
        if ((b.done = finished == n)) return;
        for (size_t i = 0; i < n; i++) b.fibers[i].state = READY;
    }
}

// run_together runs all blocks at the same time, in turns.
void run_together(size_t count, bool backwards) {
    for (size_t i = 0; i < count; i++) {
        begin(blocks[i]);
        own_memory([&](char* memory, size_t bytes) { blocks[i].saved.assign(memory, memory + bytes); });
    }
    size_t done = 0;
    for (int turns = 0; done < count; turns++) {
        if (turns == 1000) {
            fprintf(stderr, "cuda emulator: %zu of %zu blocks wait for ever\n", count - done, count);
            abort();
        }
        for (size_t k = 0; k < count; k++) {
            Block& b = blocks[backwards ? count - 1 - k : k];
            if (b.done) continue;
            own_memory([&](char* memory, size_t bytes) { memcpy(memory, b.saved.data(), bytes); });
            run(b, backwards);
            own_memory([&](char* memory, size_t bytes) { b.saved.assign(memory, memory + bytes); });
            done += b.done;
        }
    }
}

template <typename... A, size_t... I>
void call(void (*f)(A...), const std::vector<uint64_t>& slots, std::index_sequence<I...>) {
    f(*(const std::remove_const_t<A>*)&slots[I]...);
}

struct Kernel {
    size_t parameters;
    std::function<void(const std::vector<uint64_t>&)> run;
};

// Function is a kernel in a context.
typedef std::pair<const Kernel*, const void*> Function;
std::set<Function> functions;
std::map<const Function*, unsigned> allowed; // memory that a launch may give to a block

template <typename... A> Kernel kernel(void (*f)(A...)) {
    return {sizeof...(A), [f](const std::vector<uint64_t>& slots) { call(f, slots, std::index_sequence_for<A...>()); }};
}

#define KERNEL(name) {#name, kernel(name)}
#define KERNELS(name) KERNEL(name##_fp32), KERNEL(name##_bf16)
std::map<std::string, Kernel> kernels = {
    KERNELS(norm_statistics), KERNELS(norm_apply), KERNELS(norm_sums), KERNELS(norm_grad), KERNELS(norm_finish), KERNELS(norm_forward), KERNELS(norm_backward), KERNELS(average_pool),
    KERNELS(average_pool_grad), KERNELS(max_pool), KERNELS(max_pool_grad), KERNELS(positives), KERNELS(gather), KERNELS(add_activations), KERNELS(select_units), KERNELS(select_plain), KERNELS(count_positive), KERNELS(dense_grad), KERNEL(linear),
    KERNEL(linear_grad_x), KERNEL(linear_grad_w), KERNEL(cross_entropy), KERNEL(cross_entropy_grad), KERNEL(score),
    KERNEL(sgd), KERNEL(accumulate), KERNEL(add), KERNEL(record),
    KERNELS(norm_tangent_sums), KERNELS(norm_tangent), KERNELS(norm_grad_tangent_sums), KERNELS(norm_grad_tangent), KERNELS(max_pool_tangent), KERNEL(inverse_deviation), KERNEL(cross_entropy_curvature),
};

// ------------------------------------------------------------------ errors

enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_DEVICE = 101, INVALID_CONTEXT = 201, INVALID_IMAGE = 200,
    INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, TOO_LARGE = 720, CAPTURE_UNSUPPORTED = 900, CAPTURED_EVENT = 907,
};

int lost; // an error that stays with the device

std::set<Stream*> streams;

// injected is the error that a test wants from this call. Calls are counted, and
// the device is well, from when the wish was made.
int injected(const char* function) {
    static std::map<std::string, int> calls;
    static std::string last;
    const char* wish = getenv("CUDA_EMULATOR_FAIL");
    if (last != (wish ? wish : "")) {
        last = wish ? wish : "";
        calls.clear();
        lost = SUCCESS;
    }
    if (lost || last.empty()) return lost;
    char name[64];
    int code, at;
    if (sscanf(wish, "%63[^:]:%d:%d", name, &code, &at) != 3) abort();
    if (strcmp(name, function) != 0 || ++calls[function] != at) return SUCCESS;
    if (code >= 700 && code < 720) {
        lost = code;
        for (Stream* s : streams) s->queue.clear(); // which nothing comes of
    }
    return code;
}

#define CHECK(condition, code) if (!(condition)) return code
#define BEGIN if (int error = injected(__func__)) return error
#define IN_CONTEXT BEGIN; CHECK(current, INVALID_CONTEXT)
#define ON_STREAM IN_CONTEXT; CHECK(s->context == current, INVALID_HANDLE)

typedef std::map<char*, size_t> Areas;

std::map<const void*, Areas> allocated; // by context

Areas pinned; // memory of the host

bool inside(const Areas& areas, uint64_t p, size_t bytes) {
    auto a = areas.upper_bound((char*)p);
    if (a == areas.begin()) return false;
    --a;
    return (char*)p + bytes <= a->first + a->second;
}

// late are copies that were still under way when their call returned.
std::vector<std::function<void()>> late;

void catch_up() {
    for (auto& copy : late) copy();
    late.clear();
}

// guarded is memory that ends, but for alignment, where a page begins that
// nobody may touch.
constexpr size_t page = 4096;

size_t pages(size_t bytes) { return (bytes + page - 1) / page * page; }

char* guarded(size_t bytes) {
    const size_t room = pages(bytes);
    char* area = (char*)mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) return nullptr;
    mprotect(area + room, page, PROT_NONE);
    return area + (room - bytes) / 256 * 256;
}

void release(char* memory, size_t bytes) {
    munmap((char*)((uint64_t)memory / page * page), pages(bytes) + page);
}

size_t in_use, total_memory = [] {
    const char* limit = getenv("CUDA_EMULATOR_MEMORY");
    return limit ? strtoull(limit, nullptr, 10) : size_t(4) << 30;
}();

int devices() {
    const char* wish = getenv("CUDA_EMULATOR_DEVICES");
    return wish ? atoi(wish) : 1;
}

int contexts[16]; // their addresses are the devices' contexts

} // namespace

void __syncthreads() { yield(AT_BARRIER); }
void __nanosleep(unsigned) { yield(WAITING); }

// owned tells whether memory of the device lies at p.
bool owned(uint64_t p, size_t bytes) { return inside(allocated[current], p, bytes); }

void Stream::add(std::function<void()> work) { (capturing ? graph : queue).push_back(std::move(work)); }

void Stream::flush() {
    std::vector<std::function<void()>> now;
    now.swap(queue);
    for (auto& work : now) work();
}

// ------------------------------------------------------------------ the driver

extern "C" {

int cuInit(unsigned) { BEGIN; return SUCCESS; }
int cuDriverGetVersion(int* v) { const char* wish = getenv("CUDA_EMULATOR_VERSION"); *v = wish ? atoi(wish) : 12080; return SUCCESS; }
int cuDeviceGetCount(int* n) { BEGIN; *n = devices(); return SUCCESS; }
int cuDeviceGetName(char* name, int size, int device) { CHECK(device < devices(), INVALID_DEVICE); snprintf(name, size, "emulated GPU"); return SUCCESS; }

int cuDeviceGetAttribute(int* value, int attribute, int) {
    BEGIN;
    switch (attribute) {
    case 16: *value = MULTIPROCESSORS; break;
    case 97: *value = BLOCK_MEMORY; break;
    case 75: {
        const char* major = getenv("CUDA_EMULATOR_CAPABILITY");
        *value = major ? atoi(major) : 9;
        break;
    }
    case 76: *value = 0; break;
    default: return INVALID_VALUE;
    }
    return SUCCESS;
}

int cuGetErrorName(int error, const char** name) {
    static std::string text;
    text = "error " + std::to_string(error);
    *name = text.c_str();
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(const void** c, int device) { BEGIN; CHECK(device < devices(), INVALID_DEVICE); *c = &contexts[device]; return SUCCESS; }
int cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
int cuCtxSetCurrent(const void* c) { BEGIN; current = c; return SUCCESS; }

int cuMemGetInfo_v2(size_t* free, size_t* total) {
    IN_CONTEXT;
    *free = total_memory - in_use;
    *total = total_memory;
    return SUCCESS;
}

int cuMemAlloc_v2(uint64_t* p, size_t bytes) {
    IN_CONTEXT;
    CHECK(bytes > 0, INVALID_VALUE);
    CHECK(bytes <= total_memory - in_use, OUT_OF_MEMORY);
    char* memory = guarded(bytes);
    CHECK(memory, OUT_OF_MEMORY);
    memset(memory, 0xff, bytes); // NaN
    allocated[current][memory] = bytes;
    in_use += bytes;
    *p = (uint64_t)memory;
    return SUCCESS;
}

int cuMemFree_v2(uint64_t p) {
    IN_CONTEXT;
    Areas& areas = allocated[current];
    auto a = areas.find((char*)p);
    CHECK(a != areas.end(), INVALID_VALUE);
    in_use -= a->second;
    release(a->first, a->second);
    areas.erase(a);
    return SUCCESS;
}

int cuMemHostAlloc(void** p, size_t bytes, unsigned) {
    IN_CONTEXT;
    *p = malloc(bytes);
    pinned[(char*)*p] = bytes;
    return *p ? SUCCESS : OUT_OF_MEMORY;
}

int cuMemFreeHost(void* p) { IN_CONTEXT; pinned.erase((char*)p); free(p); return SUCCESS; }

int cuMemsetD8Async(uint64_t p, unsigned char value, size_t bytes, Stream* s) {
    ON_STREAM;
    CHECK(owned(p, bytes), INVALID_VALUE);
    s->add([=] { memset((void*)p, value, bytes); });
    return SUCCESS;
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, Stream* s) {
    ON_STREAM;
    CHECK(owned(to, bytes), INVALID_VALUE);
    s->add([=] { memcpy((void*)to, from, bytes); });
    return SUCCESS;
}

// On the null stream, which does not wait for the others here, and from memory
// that is not page-locked the call does not wait for the copy.
int cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t bytes) {
    IN_CONTEXT;
    CHECK(owned(to, bytes), INVALID_VALUE);
    const std::vector<char> staged((const char*)from, (const char*)from + bytes);
    late.push_back([=] { memcpy((void*)to, staged.data(), bytes); });
    if (inside(pinned, (uint64_t)from, bytes)) catch_up();
    return SUCCESS;
}

int cuMemcpyDtoH_v2(void* to, uint64_t from, size_t bytes) {
    IN_CONTEXT;
    CHECK(owned(from, bytes), INVALID_VALUE);
    catch_up();
    memcpy(to, (const void*)from, bytes);
    return SUCCESS;
}

int cuStreamCreate(Stream** s, unsigned) { IN_CONTEXT; streams.insert(*s = new Stream{current}); return SUCCESS; }
int cuStreamDestroy_v2(Stream* s) { IN_CONTEXT; streams.erase(s); delete s; return SUCCESS; }

int cuStreamSynchronize(Stream* s) {
    ON_STREAM;
    CHECK(!s->capturing, CAPTURE_UNSUPPORTED);
    s->flush();
    catch_up();
    return SUCCESS;
}

// Event is the time of its stream at which it was recorded.
struct Event {
    bool timed, captured = false, passed = true;
    Stream* stream = nullptr;
    double time = 0;
};

int cuEventCreate(Event** e, unsigned flags) { IN_CONTEXT; *e = new Event{!(flags & 2)}; return SUCCESS; }
int cuEventDestroy_v2(Event* e) { IN_CONTEXT; delete e; return SUCCESS; }

int cuEventRecord(Event* e, Stream* s) {
    ON_STREAM;
    e->captured = s->capturing, e->stream = s, e->passed = false;
    s->add([=] { e->time = s->clock, e->passed = true; });
    return SUCCESS;
}

int cuEventSynchronize(Event* e) {
    IN_CONTEXT;
    CHECK(!e->captured, CAPTURED_EVENT);
    if (e->stream) e->stream->flush();
    return SUCCESS;
}

int cuEventElapsedTime(float* ms, const Event* a, const Event* b) {
    IN_CONTEXT;
    CHECK(a->timed && b->timed && a->stream && b->stream, INVALID_HANDLE);
    CHECK(!a->captured && !b->captured, CAPTURED_EVENT);
    CHECK(a->passed && b->passed, NOT_READY);
    *ms = float(b->time - a->time);
    return SUCCESS;
}

int cuModuleLoadData(const char** m, const char* image) {
    IN_CONTEXT;
    CHECK(strstr(image, ".target sm_"), INVALID_IMAGE);
    *m = strdup(image);
    return SUCCESS;
}
int cuModuleUnload(char* m) { IN_CONTEXT; free(m); return SUCCESS; }

int cuModuleGetFunction(const Function** f, const char* module, const char* name) {
    IN_CONTEXT;
    auto k = kernels.find(name);
    CHECK(k != kernels.end() && strstr(module, (".entry " + k->first + "(").c_str()), NOT_FOUND);
    *f = &*functions.insert({&k->second, current}).first;
    return SUCCESS;
}

int cuFuncGetAttribute(int* value, int attribute, const Function*) {
    IN_CONTEXT;
    CHECK(attribute == 1, INVALID_VALUE);
    *value = DECLARED_MEMORY;
    return SUCCESS;
}

int cuFuncSetAttribute(const Function* f, int attribute, int value) {
    IN_CONTEXT;
    CHECK(attribute == 8 && value >= 0 && value + DECLARED_MEMORY <= BLOCK_MEMORY, INVALID_VALUE);
    allowed[f] = value;
    return SUCCESS;
}

// launch queues a kernel, and lets its blocks run together or one after the other.
// It takes two microseconds, and where blocks meet what a test says.
static int launch(const Function* f, unsigned gx, unsigned gy, unsigned bx, unsigned by, unsigned shared, Stream* s, void** parameters, bool together) {
    CHECK(gx > 0 && gy > 0 && gy < 65536 && bx * by > 0 && bx * by <= 1024 && shared <= allowed[f], INVALID_VALUE);
    CHECK(f->second == current, INVALID_HANDLE);
    const Kernel* kernel = f->first;
    std::vector<uint64_t> slots;
    for (size_t i = 0; i < kernel->parameters; i++) slots.push_back(*(uint64_t*)parameters[i]);
    s->add([=] {
        static unsigned launches;
        const bool backwards = launches++ % 2;
        gridDim = {gx, gy, 1}, blockDim = {bx, by, 1};
        const Body threads = [&] { kernel->run(slots); };
        body = &threads;
        const unsigned count = gx * gy, slots = together ? count : 1;
        for (unsigned k = 0; k < slots; k++) blocks[k].memory = shared ? guarded(shared) : nullptr;
        for (unsigned k = 0; k < count; k++) {
            const unsigned b = backwards ? count - 1 - k : k;
            Block& block = blocks[together ? k : 0];
            block.at = {b % gx, b / gx, 0};
            if (together) continue;
            begin(block);
            run(block, backwards);
            if (!block.done) abort(); // it waits for a block that does not run
        }
        if (together) run_together(count, backwards);
        for (unsigned k = 0; k < slots; k++)
            if (shared) release(blocks[k].memory, shared);
        const char* meeting = getenv("CUDA_EMULATOR_MEETING");
        s->clock += 0.002 + (together && meeting ? atof(meeting) : 0);
    });
    return SUCCESS;
}

int cuLaunchKernel(const Function* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, Stream* s, void** parameters, void**) {
    ON_STREAM;
    CHECK(gz == 1 && bz == 1, INVALID_VALUE);
    return launch(f, gx, gy, bx, by, shared, s, parameters, false);
}

int cuLaunchCooperativeKernel(const Function* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                              unsigned shared, Stream* s, void** parameters) {
    ON_STREAM;
    CHECK(gz == 1 && bz == 1, INVALID_VALUE);
    CHECK(gx * gy <= MULTIPROCESSORS, TOO_LARGE);
    return launch(f, gx, gy, bx, by, shared, s, parameters, true);
}

typedef std::vector<std::function<void()>> Graph;

int cuStreamBeginCapture_v2(Stream* s, int) {
    ON_STREAM;
    CHECK(!s->capturing, INVALID_VALUE);
    s->capturing = true;
    return SUCCESS;
}

int cuStreamEndCapture(Stream* s, Graph** g) {
    ON_STREAM;
    CHECK(s->capturing, INVALID_VALUE);
    s->capturing = false;
    *g = new Graph(std::move(s->graph));
    s->graph.clear();
    return SUCCESS;
}

int cuGraphInstantiateWithFlags(Graph** exec, Graph* g, unsigned long long) { IN_CONTEXT; *exec = new Graph(*g); return SUCCESS; }
int cuGraphDestroy(Graph* g) { delete g; return SUCCESS; }
int cuGraphExecDestroy(Graph* g) { delete g; return SUCCESS; }

int cuGraphLaunch(Graph* g, Stream* s) {
    ON_STREAM;
    for (auto& work : *g) s->add(work);
    return SUCCESS;
}

} // extern "C"
