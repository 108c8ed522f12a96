// libcuda.so.1 as far as Python's clients and programs without kernels need it: the device, one
// context, memory, streams, events.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>

#include "core.h"

namespace carnot::host_cuda {

namespace {

using Address = unsigned long long;

constexpr int kVersion = 13000;

void* memory(Address a) {
  return reinterpret_cast<void*>(a);
}

// The one context: programs make, push and pop it as they like; its depth is the thread's own.
struct Context {
  int depth = 0;
};
Context* the_context() {
  static auto& context = *new Context;
  return &context;
}
int& depth() {
  thread_local int pushed = 0;
  return pushed;
}

int copy_in(Address to, Address from, size_t bytes, const void* stream) {
  Copy c;
  c.to = memory(to), c.from = memory(from), c.width = bytes;
  if (const int error = check_copy(c)) return error;
  return submit(stream, NodeKind::kCopy, [c] { run_copy(c); });
}
int fill_in(Address to, uint32_t value, size_t element, size_t count, const void* stream) {
  Fill f;
  f.to = memory(to), f.value = value, f.element = element, f.width = count;
  if (const int error = check_fill(f)) return error;
  return submit(stream, NodeKind::kFill, [f] { run_fill(f); });
}
int allocate_at(Address* address, size_t bytes, MemoryKind kind) {
  if (address == nullptr || bytes == 0) return kInvalidValue;
  void* made = nullptr;
  const int error = allocate(&made, bytes, kind);
  *address = reinterpret_cast<Address>(made);
  return error;
}

struct Row {
  int number;
  const char* name;
  const char* text;
};
constexpr Row kRows[] = {
#define CARNOT_CUDA_ERROR(name, value, driver) {value, driver, #name},
#include "errors.def"
#undef CARNOT_CUDA_ERROR
};

}  // namespace

extern "C" {

int cuGetErrorName(int error, const char** name) {
  if (name == nullptr) return kInvalidValue;
  *name = nullptr;
  for (const Row& r : kRows) {
    if (r.number == error) *name = r.name;
  }
  return *name ? kSuccess : kInvalidValue;
}
int cuGetErrorString(int error, const char** text) {
  if (text == nullptr) return kInvalidValue;
  *text = nullptr;
  for (const Row& r : kRows) {
    if (r.number == error && r.name) *text = r.text;
  }
  return *text ? kSuccess : kInvalidValue;
}

int cuInit(unsigned flags) {
  return flags == 0 ? kSuccess : kInvalidValue;
}
int cuDriverGetVersion(int* version) {
  if (version == nullptr) return kInvalidValue;
  *version = kVersion;
  return kSuccess;
}
int cuGetProcAddress_v2(const char* name, void** function, int, uint64_t, int* status) {
  if (name == nullptr || function == nullptr) return kInvalidValue;
  static void* const self = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  // The newest of a call's versions, as those that ask for a version of CUDA get it.
  *function = nullptr;
  for (const char* suffix : {"_v4", "_v2", ""}) {
    if (!*function) *function = dlsym(self, (std::string(name) + suffix).c_str());
  }
  if (status) *status = *function ? 0 : 1;  // 1: no such symbol
  return *function ? kSuccess : kSymbolNotFound;
}
int cuGetProcAddress(const char* name, void** function, int version, uint64_t flags) {
  return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}
// Tables by which NVIDIA's own runtime reaches into its driver.
int cuGetExportTable(const void** table, const void*) {
  if (table) *table = nullptr;
  return refuse(
      "libcudart_static",
      "this program brings NVIDIA's CUDA runtime along, which takes NVIDIA's driver; link "
      "it with libcudart.so instead (nvcc -cudart shared)",
      kSymbolNotFound);
}

int cuDeviceGetCount(int* count) {
  if (count == nullptr) return kInvalidValue;
  *count = 1;
  return kSuccess;
}
int cuDeviceGet(int* index, int ordinal) {
  if (index == nullptr) return kInvalidValue;
  *index = 0;
  return ordinal == 0 ? kSuccess : kInvalidDevice;
}
int cuDeviceGetName(char* name, int bytes, int index) {
  if (name == nullptr || bytes <= 0) return kInvalidValue;
  if (index != 0) return kInvalidDevice;
  std::snprintf(name, static_cast<size_t>(bytes), "%s", device().name.c_str());
  return kSuccess;
}
int cuDeviceGetUuid_v2(char* uuid, int index) {
  constexpr size_t kBytes = 16;
  if (uuid == nullptr) return kInvalidValue;
  if (index != 0) return kInvalidDevice;
  std::memset(uuid, 0, kBytes);
  return kSuccess;
}
int cuDeviceTotalMem_v2(size_t* bytes, int index) {
  if (bytes == nullptr) return kInvalidValue;
  if (index != 0) return kInvalidDevice;
  *bytes = device().memory;
  return kSuccess;
}
int cuDeviceGetAttribute(int* value, int which, int index) {
  if (value == nullptr) return kInvalidValue;
  if (index != 0) return kInvalidDevice;
  return attribute(which, value) ? kSuccess : kInvalidValue;
}
int cuDeviceComputeCapability(int* major, int* minor, int index) {
  if (major == nullptr || minor == nullptr) return kInvalidValue;
  *major = kMajor, *minor = kMinor;
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuDeviceGetPCIBusId(char* text, int bytes, int index) {
  if (text == nullptr || bytes < 13) return kInvalidValue;
  std::snprintf(text, static_cast<size_t>(bytes), "0000:00:00.0");
  return index == 0 ? kSuccess : kInvalidDevice;
}

int cuDevicePrimaryCtxRetain(Context** context, int index) {
  if (context == nullptr) return kInvalidValue;
  *context = the_context();
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuDevicePrimaryCtxRelease_v2(int index) {
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuDevicePrimaryCtxReset_v2(int index) {
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuDevicePrimaryCtxSetFlags_v2(int index, unsigned) {
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuDevicePrimaryCtxGetState(int index, unsigned* flags, int* active) {
  if (flags == nullptr || active == nullptr) return kInvalidValue;
  *flags = 0, *active = 1;
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuCtxPushCurrent_v2(const Context* context) {
  if (context != the_context()) return kDeviceUninitialized;
  ++depth();
  return kSuccess;
}
int cuCtxPopCurrent_v2(Context** context) {
  if (depth() == 0) return kDeviceUninitialized;
  --depth();
  if (context) *context = the_context();
  return kSuccess;
}
int cuCtxSetCurrent(const Context* context) {
  if (context != nullptr && context != the_context()) return kDeviceUninitialized;
  depth() = context ? 1 : 0;
  return kSuccess;
}
int cuCtxGetCurrent(Context** context) {
  if (context == nullptr) return kInvalidValue;
  *context = depth() ? the_context() : nullptr;
  return kSuccess;
}
int cuCtxCreate_v2(Context** context, unsigned, int index) {
  if (const int error = cuDevicePrimaryCtxRetain(context, index)) return error;
  return cuCtxPushCurrent_v2(*context);
}
int cuCtxCreate_v4(Context** context, void*, unsigned flags, int index) {
  return cuCtxCreate_v2(context, flags, index);
}
int cuCtxDestroy_v2(const Context* context) {
  if (context != the_context()) return kDeviceUninitialized;
  if (depth()) --depth();
  return kSuccess;
}
int cuCtxDetach(const Context* context) {
  return cuCtxDestroy_v2(context);
}
int cuCtxGetDevice(int* index) {
  if (index == nullptr) return kInvalidValue;
  *index = 0;
  return depth() ? kSuccess : kDeviceUninitialized;
}
int cuCtxGetApiVersion(const Context*, unsigned* version) {
  if (version == nullptr) return kInvalidValue;
  *version = kVersion;
  return kSuccess;
}
int cuCtxGetFlags(unsigned* flags) {
  if (flags == nullptr) return kInvalidValue;
  *flags = 0;
  return kSuccess;
}
int cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  if (least) *least = 0;
  if (greatest) *greatest = -5;
  return kSuccess;
}
int cuCtxSynchronize() {
  return waited(kSuccess);
}

int cuMemGetInfo_v2(size_t* available, size_t* total) {
  if (available == nullptr || total == nullptr) return kInvalidValue;
  const MemorySize size = memory_size();
  *available = size.available, *total = size.total;
  return kSuccess;
}
int cuMemAlloc_v2(Address* address, size_t bytes) {
  return allocate_at(address, bytes, MemoryKind::kDevice);
}
int cuMemAllocManaged(Address* address, size_t bytes, unsigned) {
  return allocate_at(address, bytes, MemoryKind::kManaged);
}
int cuMemAllocAsync(Address* address, size_t bytes, const void* stream) {
  return find_stream(stream) ? cuMemAlloc_v2(address, bytes) : kInvalidResourceHandle;
}
int cuMemFree_v2(Address address) {
  return release(memory(address), MemoryKind::kDevice);
}
int cuMemFreeAsync(Address address, const void* stream) {
  if (find_block(memory(address)).kind == MemoryKind::kUnknown) return kInvalidValue;
  return submit(stream, NodeKind::kEmpty, [address] { cuMemFree_v2(address); });
}
int cuMemHostAlloc(void** address, size_t bytes, unsigned flags) {
  return allocate(address, bytes, MemoryKind::kHost, flags);
}
int cuMemAllocHost_v2(void** address, size_t bytes) {
  return cuMemHostAlloc(address, bytes, 0);
}
int cuMemFreeHost(void* address) {
  return release(address, MemoryKind::kHost);
}
int cuMemHostRegister_v2(void* address, size_t bytes, unsigned flags) {
  return register_host(address, bytes, flags);
}
int cuMemHostUnregister(void* address) {
  return unregister_host(address);
}
int cuMemHostGetDevicePointer_v2(Address* address, void* host, unsigned) {
  if (address == nullptr) return kInvalidValue;
  *address = reinterpret_cast<Address>(host);
  return find_block(host).kind == MemoryKind::kUnknown ? kInvalidValue : kSuccess;
}
int cuMemGetAddressRange_v2(Address* begin, size_t* bytes, Address address) {
  const Block b = find_block(memory(address));
  if (b.kind == MemoryKind::kUnknown) return kSymbolNotFound;
  if (begin) *begin = reinterpret_cast<Address>(b.begin);
  if (bytes) *bytes = b.bytes;
  return kSuccess;
}
int cuPointerGetAttribute(void* value, int which, Address address) {
  const Block b = find_block(memory(address));
  if (value == nullptr || b.kind == MemoryKind::kUnknown) return kInvalidValue;
  const int kind = b.kind == MemoryKind::kHost ? 1 : 2, index = 0;  // CUmemorytype
  const char managed = b.kind == MemoryKind::kManaged;
  Context* const context = the_context();
  switch (which) {
    case 1:
      std::memcpy(value, &context, sizeof(context));
      return kSuccess;
    case 2:
      std::memcpy(value, &kind, sizeof(kind));
      return kSuccess;
    case 3:
    case 4:
      std::memcpy(value, &address, sizeof(address));
      return kSuccess;
    case 8:
      std::memcpy(value, &managed, sizeof(managed));
      return kSuccess;
    case 9:
      std::memcpy(value, &index, sizeof(index));
      return kSuccess;
    default:
      return kNotSupported;
  }
}

int cuMemcpy(Address to, Address from, size_t bytes) {
  return copy_in(to, from, bytes, nullptr);
}
int cuMemcpyAsync(Address to, Address from, size_t bytes, const void* stream) {
  return copy_in(to, from, bytes, stream);
}
int cuMemcpyHtoD_v2(Address to, Address from, size_t n) {
  return copy_in(to, from, n, nullptr);
}
int cuMemcpyDtoH_v2(Address to, Address from, size_t n) {
  return copy_in(to, from, n, nullptr);
}
int cuMemcpyDtoD_v2(Address to, Address from, size_t n) {
  return copy_in(to, from, n, nullptr);
}
int cuMemcpyHtoDAsync_v2(Address to, Address from, size_t n, const void* stream) {
  return copy_in(to, from, n, stream);
}
int cuMemcpyDtoHAsync_v2(Address to, Address from, size_t n, const void* stream) {
  return copy_in(to, from, n, stream);
}
int cuMemcpyDtoDAsync_v2(Address to, Address from, size_t n, const void* stream) {
  return copy_in(to, from, n, stream);
}
int cuMemsetD8_v2(Address to, unsigned char value, size_t count) {
  return fill_in(to, value, 1, count, nullptr);
}
int cuMemsetD16_v2(Address to, unsigned short value, size_t count) {
  return fill_in(to, value, 2, count, nullptr);
}
int cuMemsetD32_v2(Address to, unsigned value, size_t count) {
  return fill_in(to, value, 4, count, nullptr);
}
int cuMemsetD8Async(Address to, unsigned char value, size_t count, const void* stream) {
  return fill_in(to, value, 1, count, stream);
}
int cuMemsetD16Async(Address to, unsigned short value, size_t count, const void* stream) {
  return fill_in(to, value, 2, count, stream);
}
int cuMemsetD32Async(Address to, unsigned value, size_t count, const void* stream) {
  return fill_in(to, value, 4, count, stream);
}

int cuStreamCreateWithPriority(Stream** stream, unsigned flags, int priority) {
  return create_stream(stream, flags, priority);
}
int cuStreamCreate(Stream** stream, unsigned flags) {
  return create_stream(stream, flags, 0);
}
int cuStreamDestroy_v2(Stream* stream) {
  return destroy_stream(stream);
}
int cuStreamSynchronize(const void* stream) {
  return waited(wait(stream));
}
int cuStreamQuery(const void* stream) {
  return wait(stream);
}
int cuStreamWaitEvent(const void* stream, const Event* event, unsigned) {
  return wait_event(stream, event);
}
int cuStreamGetFlags(const void* stream, unsigned* flags) {
  const Stream* s = find_stream(stream);
  if (s == nullptr || flags == nullptr) return s ? kInvalidValue : kInvalidResourceHandle;
  *flags = s->flags;
  return kSuccess;
}
int cuStreamGetCtx(const void* stream, Context** context) {
  if (context == nullptr) return kInvalidValue;
  *context = the_context();
  return find_stream(stream) ? kSuccess : kInvalidResourceHandle;
}
int cuStreamIsCapturing(const void* stream, int* status) {
  const Stream* s = find_stream(stream);
  if (s == nullptr || status == nullptr) return s ? kInvalidValue : kInvalidResourceHandle;
  *status = s->capture ? 1 : 0;
  return kSuccess;
}
int cuStreamBeginCapture_v2(const void* stream, int) {
  return begin_capture(stream, nullptr);
}
int cuStreamEndCapture(const void* stream, Graph** graph) {
  return end_capture(stream, graph);
}
int cuLaunchHostFunc(const void* stream, void (*function)(void*), void* argument) {
  if (function == nullptr) return kInvalidValue;
  return submit(stream, NodeKind::kHost, [=] { function(argument); });
}
int cuGraphInstantiateWithFlags(GraphExec** exec, const Graph* graph, unsigned long long flags) {
  return instantiate(exec, graph, flags);
}
int cuGraphLaunch(const GraphExec* exec, const void* stream) {
  return launch(exec, stream);
}
int cuGraphExecDestroy(GraphExec* exec) {
  return destroy_exec(exec);
}
int cuGraphDestroy(Graph* graph) {
  return destroy_graph(graph);
}

int cuEventCreate(Event** event, unsigned flags) {
  return create_event(event, flags);
}
int cuEventDestroy_v2(Event* event) {
  return destroy_event(event);
}
int cuEventRecord(Event* event, const void* stream) {
  return record_event(event, stream);
}
int cuEventQuery(const Event* event) {
  return is_event(event) ? kSuccess : kInvalidResourceHandle;
}
int cuEventSynchronize(const Event* event) {
  return waited(cuEventQuery(event));
}
int cuEventElapsedTime_v2(float* ms, const Event* begin, const Event* end) {
  return elapsed_ms(ms, begin, end);
}
int cuEventElapsedTime(float* ms, const Event* begin, const Event* end) {
  return elapsed_ms(ms, begin, end);
}

int cuProfilerStart() {
  return kSuccess;
}
int cuProfilerStop() {
  return kSuccess;
}

#define CARNOT_CUDA_REFUSED(name)                                                     \
  int name() {                                                                        \
    return refuse(#name, "a GPU's code cannot run where CUDA's memory is the host's", \
                  kNoKernelImageForDevice);                                           \
  }
#include "driver_kernels.def"
#undef CARNOT_CUDA_REFUSED

}  // extern "C"

}  // namespace carnot::host_cuda
