// libcuda.so.1 as far as Python's clients and programs without kernels need it: errors, the device,
// and how its other functions are found.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <set>

#include "driver.h"

namespace carnot::host_cuda {

namespace {

struct Row {
  int number;
  const char* name;
  std::string text;
};
const std::vector<Row>& rows() {
  static const auto& all = *new std::vector<Row>{
#define CARNOT_CUDA_ERROR(name, value, driver) {value, driver, words_of(#name)},
#include "errors.def"
#undef CARNOT_CUDA_ERROR
  };
  return all;
}

// The version of CUDA that brought a symbol, where there is an older one of the same call.
int since(const std::string& symbol) {
  static const auto& versions = *new std::map<std::string, int>{
#define CARNOT_CUDA_SINCE(symbol, version) {#symbol, version},
#include "driver_versions.def"
#undef CARNOT_CUDA_SINCE
  };
  const auto found = versions.find(symbol);
  return found == versions.end() ? 0 : found->second;
}

bool is_refused(const std::string& symbol) {
  static const auto& names = *new std::set<std::string>{
#define CARNOT_CUDA_ALIAS(name, as)
#define CARNOT_CUDA_KERNEL(name)
#define CARNOT_CUDA_REFUSED(name) #name,
#include "driver_others.def"
#undef CARNOT_CUDA_ALIAS
#undef CARNOT_CUDA_KERNEL
#undef CARNOT_CUDA_REFUSED
  };
  return names.count(symbol) != 0;
}

}  // namespace

extern "C" {

int cuGetErrorName(int error, const char** name) {
  if (name == nullptr) return kInvalidValue;
  *name = nullptr;
  for (const Row& r : rows()) {
    if (r.number == error) *name = r.name;
  }
  return *name ? kSuccess : kInvalidValue;
}
int cuGetErrorString(int error, const char** text) {
  if (text == nullptr) return kInvalidValue;
  *text = nullptr;
  for (const Row& r : rows()) {
    if (r.number == error && r.name) *text = r.text.c_str();
  }
  return *text ? kSuccess : kInvalidValue;
}

int cuInit(unsigned flags) {
  return flags == 0 ? kSuccess : kInvalidValue;
}
int cuDriverGetVersion(int* version) {
  if (version == nullptr) return kInvalidValue;
  *version = kDriverVersion;
  return kSuccess;
}
// The newest of a call's versions that the asked version of CUDA has.
int cuGetProcAddress_v2(const char* name, void** function, int version, uint64_t, int* status) {
  if (name == nullptr || function == nullptr) return kInvalidValue;
  if (*name == '\0') return kInvalidValue;
  static void* const self = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  *function = nullptr;
  for (const char* suffix : {"_v4", "_v3", "_v2", ""}) {
    const std::string symbol = std::string(name) + suffix;
    if (*function || since(symbol) > version || is_refused(symbol)) continue;
    *function = dlsym(self, symbol.c_str());
  }
  if (status) *status = *function ? 0 : 1;  // 1: no such symbol
  return *function || status ? kSuccess : kSymbolNotFound;
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

// CUdevprop.
int cuDeviceGetProperties(int* properties, int index) {
  constexpr int kAttributes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
  if (properties == nullptr) return kInvalidValue;
  if (index != 0) return kInvalidDevice;
  for (const int which : kAttributes) attribute(which, properties++);
  return kSuccess;
}
int cuDeviceGetByPCIBusId(int* index, const char* text) {
  if (index == nullptr || text == nullptr) return kInvalidValue;
  *index = 0;
  return std::strcmp(text, "0000:00:00.0") == 0 ? kSuccess : kInvalidDevice;
}
int cuDeviceCanAccessPeer(int* can, int index, int peer) {
  if (can == nullptr) return kInvalidValue;
  *can = 0;
  return index == 0 && peer == 0 ? kSuccess : kInvalidDevice;
}
int cuDeviceGetExecAffinitySupport(int* supported, int, int index) {
  if (supported == nullptr) return kInvalidValue;
  *supported = 0;
  return index == 0 ? kSuccess : kInvalidDevice;
}

// The driver writes no log of errors, and so calls nobody back.
int cuLogsRegisterCallback(const void* callback, const void*, const void** handle) {
  if (callback == nullptr) return kInvalidValue;
  if (handle) *handle = callback;
  return kSuccess;
}
int cuLogsUnregisterCallback(const void* handle) {
  return handle ? kSuccess : kInvalidValue;
}
int cuLogsCurrent(unsigned* position, unsigned flags) {
  if (position == nullptr || flags != 0) return kInvalidValue;
  *position = 0;
  return kSuccess;
}
int cuLogsDumpToMemory(unsigned*, char* text, size_t* bytes, unsigned flags) {
  if (bytes == nullptr || flags != 0) return kInvalidValue;
  if (text && *bytes > 0) *text = '\0';
  *bytes = 0;
  return kSuccess;
}

int cuProfilerInitialize(const char*, const char*, int) {
  return kSuccess;
}
int cuProfilerStart() {
  return kSuccess;
}
int cuProfilerStop() {
  return kSuccess;
}

}  // extern "C"

}  // namespace carnot::host_cuda
