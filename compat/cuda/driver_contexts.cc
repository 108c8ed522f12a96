// libcuda's calls for contexts.
#include "driver.h"

namespace carnot::host_cuda {

extern "C" {

int cuDevicePrimaryCtxRetain(Context** context, int index) {
  if (context == nullptr) return kInvalidValue;
  *context = primary_context();
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuDevicePrimaryCtxRelease_v2(int index) {
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuDevicePrimaryCtxReset_v2(int index) {
  return index == 0 ? kSuccess : kInvalidDevice;
}
int cuDevicePrimaryCtxSetFlags_v2(int index, unsigned flags) {
  if (index != 0) return kInvalidDevice;
  primary_context()->flags = flags;
  return kSuccess;
}
int cuDevicePrimaryCtxGetState(int index, unsigned* flags, int* active) {
  if (flags == nullptr || active == nullptr) return kInvalidValue;
  *flags = primary_context()->flags, *active = 1;
  return index == 0 ? kSuccess : kInvalidDevice;
}

int cuCtxCreate_v2(Context** context, unsigned flags, int index) {
  return index == 0 ? create_context(context, flags) : kInvalidDevice;
}
int cuCtxCreate_v3(Context** context, const void*, int, unsigned flags, int index) {
  return cuCtxCreate_v2(context, flags, index);
}
int cuCtxCreate_v4(Context** context, const void*, unsigned flags, int index) {
  return cuCtxCreate_v2(context, flags, index);
}
int cuCtxDestroy_v2(Context* context) {
  return destroy_context(context);
}
int cuCtxAttach(Context** context, unsigned flags) {
  if (context == nullptr || flags != 0) return kInvalidValue;
  *context = current_context();
  return retain_context(*context);
}
int cuCtxDetach(Context* context) {
  return release_context(context);
}
int cuCtxPushCurrent_v2(Context* context) {
  return push_context(context);
}
int cuCtxPopCurrent_v2(Context** context) {
  return pop_context(context);
}
int cuCtxSetCurrent(Context* context) {
  return set_context(context);
}
int cuCtxGetCurrent(Context** context) {
  if (context == nullptr) return kInvalidValue;
  *context = current_context();
  return kSuccess;
}
int cuCtxGetDevice(int* index) {
  if (index == nullptr) return kInvalidValue;
  *index = 0;
  return current_context() ? kSuccess : kDeviceUninitialized;
}
int cuCtxGetDevice_v2(int* index, const Context* context) {
  if (context == nullptr) return cuCtxGetDevice(index);
  if (index == nullptr) return kInvalidValue;
  *index = 0;
  return is_context(context) ? kSuccess : kDeviceUninitialized;
}
int cuCtxGetId(const Context* context, unsigned long long* id) {
  const Context* asked = context ? context : current_context();
  if (id == nullptr) return kInvalidValue;
  if (!is_context(asked)) return kDeviceUninitialized;
  *id = asked->id;
  return kSuccess;
}
int cuCtxGetApiVersion(const Context*, unsigned* version) {
  if (version == nullptr) return kInvalidValue;
  *version = kDriverVersion;
  return kSuccess;
}
int cuCtxGetFlags(unsigned* flags) {
  if (flags == nullptr) return kInvalidValue;
  const Context* current = current_context();
  *flags = current ? current->flags : 0;
  return current ? kSuccess : kDeviceUninitialized;
}
int cuCtxSetFlags(unsigned flags) {
  Context* const current = current_context();
  if (current == nullptr) return kDeviceUninitialized;
  current->flags = flags;
  return kSuccess;
}
int cuCtxSynchronize() {
  return waited(kSuccess);
}
int cuCtxSynchronize_v2(const Context* context) {
  if (context != nullptr && !is_context(context)) return kDeviceUninitialized;
  return waited(kSuccess);
}

// Limits and preferences of a GPU: accepted, without effect.
int cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  constexpr int kGreatest = -5;
  if (least) *least = 0;
  if (greatest) *greatest = kGreatest;
  return kSuccess;
}
int cuCtxSetLimit(int limit, size_t) {
  return limit >= 0 && limit <= 6 ? kSuccess : kUnsupportedLimit;
}
int cuCtxGetLimit(size_t* value, int limit) {
  if (value == nullptr) return kInvalidValue;
  *value = 0;
  return limit >= 0 && limit <= 6 ? kSuccess : kUnsupportedLimit;
}
int cuCtxSetCacheConfig(int) {
  return kSuccess;
}
int cuCtxGetCacheConfig(int* config) {
  if (config == nullptr) return kInvalidValue;
  *config = 0;
  return kSuccess;
}
int cuCtxSetSharedMemConfig(int) {
  return kSuccess;
}
int cuCtxGetSharedMemConfig(int* config) {
  return cuCtxGetCacheConfig(config);
}
int cuCtxResetPersistingL2Cache() {
  return kSuccess;
}
int cuCtxEnablePeerAccess(const Context*, unsigned) {
  return kPeerAccessUnsupported;
}
int cuCtxDisablePeerAccess(const Context*) {
  return kPeerAccessNotEnabled;
}

}  // extern "C"

}  // namespace carnot::host_cuda
