#pragma once
// The calls of CUDA's runtime that tutorials make, over the host's memory: what is the device's
// memory for engines on the CPU.
#include <cstdlib>
#include <cstring>

enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };

inline int cudaMalloc(void** memory, size_t bytes) {
  *memory = std::malloc(bytes);
  return 0;
}
inline int cudaFree(void* memory) {
  std::free(memory);
  return 0;
}
inline int cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  std::memcpy(to, from, bytes);
  return 0;
}
template <class Stream>
int cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, Stream) {
  return cudaMemcpy(to, from, bytes, kind);
}
template <class Stream>
int cudaStreamCreate(Stream* stream) {
  *stream = nullptr;
  return 0;
}
template <class Stream>
int cudaStreamSynchronize(Stream) {
  return 0;
}
template <class Stream>
int cudaStreamDestroy(Stream) {
  return 0;
}
