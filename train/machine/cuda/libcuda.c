//go:build gpu

// gorgonia.org/cu calls the driver's functions directly and ends the process in
// its init if cuInit fails. So that the program also starts where there is no
// driver or no GPU, these definitions take the place of libcuda's: each jumps to
// the function of the libcuda.so.1 that is found at run time, and cuInit always
// succeeds; what it really returned is for the engine to ask.

#include "libcuda.h"

#include <dlfcn.h>
#include <stdio.h>

static int status;       // of the real cuInit
static char problem[256]; // why there is no driver

// What a function that cannot be found does: return CUDA_ERROR_NOT_FOUND.
static int missing(void) { return 500; }

// Hidden, so that libraries loaded later find the real functions.
#if defined(__x86_64__)
#define JUMP(name) "jmp *largestep_" #name "(%rip)\n"
#elif defined(__aarch64__)
#define JUMP(name) "adrp x16, largestep_" #name "\nldr x16, [x16, :lo12:largestep_" #name "]\nbr x16\n"
#else
#error "the cuda engine is for x86-64 and arm64"
#endif
#define DEFINE(name)                                                        \
    __attribute__((visibility("hidden"))) void *largestep_##name = missing; \
    __asm__(".pushsection .text\n.globl " #name "\n.hidden " #name "\n.type " #name ", %function\n" #name ":\n" JUMP(name) ".popsection\n");
#define ENTRY(name) {#name, &largestep_##name},

// All that cu and this package call; the names with _v2 and _v3 are what cuda.h
// makes of plain ones, the last few those of CUDA 12.
#define FUNCTIONS(F) \
    F(cuArray3DCreate_v2) F(cuArray3DGetDescriptor_v2) F(cuArrayCreate_v2) F(cuArrayDestroy) F(cuArrayGetDescriptor_v2) \
    F(cuCtxCreate_v2) F(cuCtxDestroy_v2) F(cuCtxDisablePeerAccess) F(cuCtxEnablePeerAccess) F(cuCtxGetApiVersion) \
    F(cuCtxGetCacheConfig) F(cuCtxGetCurrent) F(cuCtxGetDevice) F(cuCtxGetFlags) F(cuCtxGetLimit) F(cuCtxGetSharedMemConfig) \
    F(cuCtxGetStreamPriorityRange) F(cuCtxPopCurrent_v2) F(cuCtxPushCurrent_v2) F(cuCtxResetPersistingL2Cache) \
    F(cuCtxSetCacheConfig) F(cuCtxSetCurrent) F(cuCtxSetLimit) F(cuCtxSetSharedMemConfig) F(cuCtxSynchronize) \
    F(cuDeviceCanAccessPeer) F(cuDeviceGet) F(cuDeviceGetAttribute) F(cuDeviceGetCount) \
    F(cuDeviceGetName) F(cuDeviceGetP2PAttribute) F(cuDeviceGetUuid) F(cuDeviceGetUuid_v2) F(cuDevicePrimaryCtxGetState) \
    F(cuDevicePrimaryCtxRelease_v2) F(cuDevicePrimaryCtxReset_v2) F(cuDevicePrimaryCtxRetain) F(cuDevicePrimaryCtxSetFlags_v2) \
    F(cuDeviceTotalMem_v2) F(cuDriverGetVersion) F(cuEventCreate) F(cuEventDestroy_v2) F(cuEventElapsedTime) F(cuEventElapsedTime_v2) \
    F(cuEventQuery) F(cuEventRecord) F(cuEventSynchronize) F(cuFuncGetAttribute) F(cuFuncSetCacheConfig) \
    F(cuFuncSetAttribute) F(cuFuncSetSharedMemConfig) F(cuGraphAddChildGraphNode) F(cuGraphAddDependencies) F(cuGraphAddEmptyNode) \
    F(cuGraphAddHostNode) F(cuGraphAddKernelNode) F(cuGraphAddKernelNode_v2) F(cuGraphAddMemcpyNode) \
    F(cuGraphAddMemsetNode) F(cuGraphClone) F(cuGraphCreate) F(cuGraphDestroy) F(cuGraphDestroyNode) \
    F(cuGraphExecDestroy) F(cuGraphGetEdges) F(cuGraphInstantiateWithFlags) F(cuGraphLaunch) F(cuLaunchKernel) F(cuLaunchCooperativeKernel) \
    F(cuLinkAddData_v2) F(cuLinkAddFile_v2) F(cuLinkComplete) F(cuLinkCreate_v2) F(cuLinkDestroy) F(cuMemAdvise) \
    F(cuMemAllocManaged) F(cuMemAllocPitch_v2) F(cuMemAlloc_v2) F(cuMemFreeHost) F(cuMemFree_v2) F(cuMemGetAddressRange_v2) \
    F(cuMemGetInfo_v2) F(cuMemHostAlloc) F(cuGetErrorName) F(cuMemPrefetchAsync) F(cuMemcpy) F(cuMemcpy2DAsync_v2) F(cuMemcpy2DUnaligned_v2) \
    F(cuMemcpy2D_v2) F(cuMemcpy3DAsync_v2) F(cuMemcpy3DPeer) F(cuMemcpy3DPeerAsync) F(cuMemcpy3D_v2) \
    F(cuMemcpyAsync) F(cuMemcpyAtoA_v2) F(cuMemcpyAtoD_v2) F(cuMemcpyAtoHAsync_v2) F(cuMemcpyAtoH_v2) \
    F(cuMemcpyDtoA_v2) F(cuMemcpyDtoDAsync_v2) F(cuMemcpyDtoD_v2) F(cuMemcpyDtoHAsync_v2) F(cuMemcpyDtoH_v2) \
    F(cuMemcpyHtoAAsync_v2) F(cuMemcpyHtoA_v2) F(cuMemcpyHtoDAsync_v2) F(cuMemcpyHtoD_v2) F(cuMemcpyPeer) \
    F(cuMemcpyPeerAsync) F(cuMemsetD16Async) F(cuMemsetD16_v2) F(cuMemsetD2D16Async) F(cuMemsetD2D16_v2) \
    F(cuMemsetD2D32Async) F(cuMemsetD2D32_v2) F(cuMemsetD2D8Async) F(cuMemsetD2D8_v2) F(cuMemsetD32Async) \
    F(cuMemsetD32_v2) F(cuMemsetD8Async) F(cuMemsetD8_v2) F(cuModuleGetFunction) F(cuModuleGetGlobal_v2) \
    F(cuModuleGetSurfRef) F(cuModuleGetTexRef) F(cuModuleLoad) F(cuModuleLoadData) F(cuModuleLoadDataEx) \
    F(cuModuleLoadFatBinary) F(cuModuleUnload) F(cuOccupancyMaxActiveBlocksPerMultiprocessor) F(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags) \
    F(cuPointerGetAttribute) F(cuPointerSetAttribute) F(cuStreamAttachMemAsync) F(cuStreamBeginCapture_v2) \
    F(cuStreamCreate) F(cuStreamCreateWithPriority) F(cuStreamDestroy_v2) F(cuStreamEndCapture) F(cuStreamGetFlags) \
    F(cuStreamGetPriority) F(cuStreamQuery) F(cuStreamSynchronize) F(cuStreamWaitEvent) F(cuStreamWaitValue32) \
    F(cuStreamWaitValue32_v2) F(cuStreamWriteValue32) F(cuStreamWriteValue32_v2) F(cuSurfRefGetArray) \
    F(cuSurfRefSetArray) F(cuTexRefGetAddressMode) F(cuTexRefGetAddress_v2) F(cuTexRefGetArray) F(cuTexRefGetBorderColor) \
    F(cuTexRefGetFilterMode) F(cuTexRefGetFlags) F(cuTexRefGetFormat) F(cuTexRefGetMaxAnisotropy) F(cuTexRefSetAddress2D_v3) \
    F(cuTexRefSetAddressMode) F(cuTexRefSetAddress_v2) F(cuTexRefSetArray) F(cuTexRefSetBorderColor) \
    F(cuTexRefSetFilterMode) F(cuTexRefSetFlags) F(cuTexRefSetFormat) F(cuTexRefSetMaxAnisotropy) F(cuTexRefSetMipmapFilterMode) \
    F(cuTexRefSetMipmapLevelBias) F(cuTexRefSetMipmapLevelClamp)

FUNCTIONS(DEFINE)

static struct {
    const char *name;
    void **function;
} functions[] = {FUNCTIONS(ENTRY)};

static const char *files[] = {"libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1", "/usr/local/nvidia/lib64/libcuda.so.1"};

// Runs before Go does, and so before the init of cu.
__attribute__((constructor)) static void load(void) {
    void *library = NULL;
    for (unsigned i = 0; i < sizeof files / sizeof *files && !library; i++) {
        library = dlopen(files[i], RTLD_NOW);
        if (!library && !*problem) snprintf(problem, sizeof problem, "%s", dlerror());
    }
    if (!library) {
        status = LARGESTEP_NO_DRIVER;
        return;
    }
    for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *f = dlsym(library, functions[i].name);
        if (f) *functions[i].function = f;
    }
    int (*init)(unsigned) = (int (*)(unsigned))dlsym(library, "cuInit");
    status = init ? init(0) : 500;
}

__attribute__((visibility("hidden"))) int cuInit(unsigned flags) {
    (void)flags;
    return 0;
}

int largestep_driver_status(const char **why) {
    *why = problem;
    return status;
}
