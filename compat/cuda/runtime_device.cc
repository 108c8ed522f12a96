// The CUDA runtime's calls for the device, errors, versions; kernels, which are refused.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>

#include "device_properties.h"
#include "runtime_types.h"

namespace carnot::host_cuda {

namespace {

constexpr int kVersion = CARNOT_CUDART_MAJOR * 1000;

struct Row {
  int number;
  const char* name;
  std::string text;
};
const Row* find_error(int number) {
  static const auto& rows = *new std::vector<Row>{
#define CARNOT_CUDA_ERROR(name, value, driver) \
  {value, value ? "cudaError" #name : "cudaSuccess", words_of(#name)},
#include "errors.def"
#undef CARNOT_CUDA_ERROR
  };
  for (const Row& r : rows) {
    if (r.number == number) return &r;
  }
  return nullptr;
}

int fill_properties(DeviceProperties* p, int index) {
  if (p == nullptr) return done(kInvalidValue);
  if (index != 0) return done(kInvalidDevice);
  std::memset(static_cast<void*>(p), 0, sizeof(*p));
  const Device& d = device();
  std::snprintf(p->name, sizeof(p->name), "%s", d.name.c_str());
  p->totalGlobalMem = d.memory;
  const auto get = [](int which) {
    int value = 0;
    attribute(which, &value);
    return value;
  };
#define CARNOT_CUDA_FIELD(field, number) p->field = static_cast<decltype(p->field)>(get(number));
#include "device_fields.def"
#undef CARNOT_CUDA_FIELD
  for (int i = 0; i < 3; ++i) p->maxThreadsDim[i] = get(2 + i), p->maxGridSize[i] = get(5 + i);
  p->totalConstMem = static_cast<size_t>(get(9));
  return kSuccess;
}

}  // namespace

extern "C" {

int cudaGetLastError() {
  const int error = last_error();
  last_error() = kSuccess;
  see_launches();
  return error;
}
int cudaPeekAtLastError() {
  see_launches();
  return last_error();
}
const char* cudaGetErrorName(int error) {
  const Row* row = find_error(error);
  return row ? row->name : "unrecognized error code";
}
const char* cudaGetErrorString(int error) {
  const Row* row = find_error(error);
  return error == kSuccess ? "no error" : row ? row->text.c_str() : "unrecognized error code";
}

int cudaRuntimeGetVersion(int* version) {
  if (version == nullptr) return done(kInvalidValue);
  *version = kVersion;
  return kSuccess;
}
int cudaDriverGetVersion(int* version) {
  return cudaRuntimeGetVersion(version);
}

int cudaGetDeviceCount(int* count) {
  if (count == nullptr) return done(kInvalidValue);
  *count = 1;
  return kSuccess;
}
int cudaGetDevice(int* index) {
  if (index == nullptr) return done(kInvalidValue);
  *index = 0;
  return kSuccess;
}
int cudaSetDevice(int index) {
  if (index != 0) return done(kInvalidDevice);
  use_primary_context();
  return kSuccess;
}
int cudaInitDevice(int index, unsigned, unsigned) {
  return cudaSetDevice(index);
}
int cudaSetValidDevices(const int* indices, int count) {
  if (count < 0 || (indices == nullptr && count > 0)) return done(kInvalidValue);
  for (int i = 0; i < count; ++i) {
    if (indices[i] != 0) return done(kInvalidDevice);
  }
  return kSuccess;
}
int cudaChooseDevice(int* index, const DeviceProperties* wanted) {
  return wanted ? cudaGetDevice(index) : done(kInvalidValue);
}
#if CARNOT_CUDART_MAJOR >= 13
int cudaGetDeviceProperties(DeviceProperties* p, int index) {
  return fill_properties(p, index);
}
#else
int cudaGetDeviceProperties_v2(DeviceProperties* p, int index) {
  return fill_properties(p, index);
}
#endif
int cudaDeviceGetAttribute(int* value, int which, int index) {
  if (value == nullptr) return done(kInvalidValue);
  if (index != 0) return done(kInvalidDevice);
  return attribute(which, value) ? kSuccess : done(kInvalidValue);
}
int cudaDeviceGetPCIBusId(char* text, int bytes, int index) {
  constexpr int kBytes = 13;
  if (index != 0) return done(kInvalidDevice);
  if (text == nullptr || bytes < kBytes) return done(kInvalidValue);
  std::snprintf(text, static_cast<size_t>(bytes), "0000:00:00.0");
  return kSuccess;
}
int cudaDeviceGetByPCIBusId(int* index, const char* text) {
  if (index == nullptr || text == nullptr) return done(kInvalidValue);
  if (std::strcmp(text, "0000:00:00.0") != 0) return done(kInvalidDevice);
  *index = 0;
  return kSuccess;
}
int cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  constexpr int kGreatest = -5;
  if (least) *least = 0;
  if (greatest) *greatest = kGreatest;
  return kSuccess;
}
int cudaDeviceCanAccessPeer(int* can, int index, int peer) {
  if (can == nullptr) return done(kInvalidValue);
  *can = 0;
  return index == 0 && peer == 0 ? kSuccess : done(kInvalidDevice);
}
int cudaDeviceEnablePeerAccess(int, unsigned) {
  return done(kInvalidDevice);
}
int cudaDeviceDisablePeerAccess(int) {
  return done(kInvalidDevice);
}
int cudaDeviceSynchronize() {
  use_primary_context();
  return waited(kSuccess);
}
int cudaDeviceReset() {
  release_all();
  return kSuccess;
}
int cudaSetDeviceFlags(unsigned) {
  return kSuccess;
}
int cudaGetDeviceFlags(unsigned* flags) {
  if (flags == nullptr) return done(kInvalidValue);
  *flags = 0;
  return kSuccess;
}

// Limits and preferences of a GPU: accepted, without effect.
int cudaDeviceSetLimit(int limit, size_t) {
  return limit >= 0 && limit <= 6 ? kSuccess : done(kUnsupportedLimit);
}
int cudaDeviceGetLimit(size_t* value, int limit) {
  if (value == nullptr) return done(kInvalidValue);
  *value = 0;
  return limit >= 0 && limit <= 6 ? kSuccess : done(kUnsupportedLimit);
}
int cudaDeviceSetCacheConfig(int) {
  return kSuccess;
}
int cudaDeviceGetCacheConfig(int* config) {
  if (config == nullptr) return done(kInvalidValue);
  *config = 0;
  return kSuccess;
}
int cudaDeviceSetSharedMemConfig(int) {
  return kSuccess;
}
int cudaDeviceGetSharedMemConfig(int* config) {
  return cudaDeviceGetCacheConfig(config);
}
int cudaCtxResetPersistingL2Cache() {
  return kSuccess;
}
int cudaProfilerStart() {
  return kSuccess;
}
int cudaProfilerStop() {
  return kSuccess;
}

int cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned version,
                                     unsigned long long flags, int* status) {
  using Lookup = int (*)(const char*, void**, int, uint64_t, int*);
  if (name == nullptr || function == nullptr) return done(kInvalidValue);
  static void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  static const auto lookup =
      reinterpret_cast<Lookup>(driver ? dlsym(driver, "cuGetProcAddress_v2") : nullptr);
  *function = nullptr;
  if (lookup) return done(lookup(name, function, static_cast<int>(version), flags, status));
  if (status) *status = 1;  // no such symbol
  return status ? kSuccess : done(kSymbolNotFound);
}
int cudaGetDriverEntryPoint(const char* name, void** function, unsigned long long flags,
                            int* status) {
  return cudaGetDriverEntryPointByVersion(name, function, kVersion, flags, status);
}

// A program that holds kernels hands them over before its main(); it fails when it launches one.
void** __cudaRegisterFatBinary(void*) {
  static auto& handle = *new void*;
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void**, const char*, char*, const char*, int, void*, void*, void*,
                            void*, int*) {}
void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int) {}
void __cudaRegisterManagedVar(void**, void**, char*, const char*, int, size_t, int, int) {}
void __cudaRegisterHostVar(void**, const char*, char*, size_t) {}
void __cudaRegisterUnifiedTable(void**, void*) {}
char __cudaInitModule(void**) {
  return 1;
}
unsigned __cudaPushCallConfiguration(Dim3, Dim3, size_t, void*) {
  return 0;
}
int __cudaPopCallConfiguration(Dim3* grid, Dim3* block, size_t* shared, void** stream) {
  if (grid) *grid = {1, 1, 1};
  if (block) *block = {1, 1, 1};
  if (shared) *shared = 0;
  if (stream) *stream = nullptr;
  return kSuccess;
}
int cudaLaunchKernel(const void*, Dim3, Dim3, void**, size_t, const void*) {
  return refuse_launch("cudaLaunchKernel");
}
int cudaLaunchCooperativeKernel(const void*, Dim3, Dim3, void**, size_t, const void*) {
  return refuse_launch("cudaLaunchCooperativeKernel");
}
int cudaLaunchKernelExC(const void*, const void*, void**) {
  return refuse_launch("cudaLaunchKernelExC");
}
// Asked before a launch, by libraries that then do not try and do not say so either.
int cudaFuncGetAttributes(void*, const void*) {
  return refuse_launch("cudaFuncGetAttributes");
}
// What nvcc 13 makes of a launch.
int __cudaGetKernel(void** kernel, const void*) {
  if (kernel) *kernel = nullptr;
  return refuse_launch("__cudaGetKernel");
}
int __cudaLaunchKernel(void*, Dim3, Dim3, void**, size_t, const void*) {
  return refuse_launch("__cudaLaunchKernel");
}

}  // extern "C"

}  // namespace carnot::host_cuda
