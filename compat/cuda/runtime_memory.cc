// The CUDA runtime's calls for memory.
#include <cstring>

#include "runtime_types.h"

namespace carnot::host_cuda {

namespace {

int copy_now(const Copy& copy) {
  if (const int error = check_copy(copy)) return done(error);
  run_copy(copy);
  return kSuccess;
}

int copy_in(const Copy& copy, const void* stream) {
  if (const int error = check_copy(copy)) return done(error);
  return done(submit(stream, NodeKind::kCopy, [copy] { run_copy(copy); }));
}

int fill_in(const Fill& fill, const void* stream) {
  if (const int error = check_fill(fill)) return done(error);
  return done(submit(stream, NodeKind::kFill, [fill] { run_fill(fill); }));
}

Copy line(void* to, const void* from, size_t bytes, int kind) {
  Copy c;
  c.to = to, c.from = from, c.width = bytes, c.kind = kind;
  return c;
}

Copy plane(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
           size_t height, int kind) {
  Copy c = line(to, from, width, kind);
  c.height = height, c.to_pitch = to_pitch, c.from_pitch = from_pitch;
  return c;
}

Fill plane_of(void* to, size_t pitch, int value, size_t width, size_t height) {
  Fill f;
  f.to = to, f.value = static_cast<uint32_t>(value), f.width = width, f.height = height;
  f.pitch = pitch;
  return f;
}

int align_pitch(size_t width, size_t* pitch) {
  constexpr size_t kPitch = 512;
  if (width > SIZE_MAX - kPitch) return kInvalidValue;
  *pitch = (width + kPitch - 1) / kPitch * kPitch;
  return kSuccess;
}

char* at(const PitchedPointer& p, const Position& begin) {
  return static_cast<char*>(p.ptr) + begin.x + begin.y * p.pitch + begin.z * p.pitch * p.ysize;
}

int volume_copy(const CopyParameters* p, Copy* out) {
  if (p == nullptr || p->from_array || p->to_array) return kInvalidValue;
  if (p->from.ptr == nullptr || p->to.ptr == nullptr) return kInvalidValue;
  Copy& c = *out;
  c.to = at(p->to, p->to_position), c.from = at(p->from, p->from_position);
  c.width = p->extent.width, c.height = p->extent.height, c.depth = p->extent.depth;
  c.to_pitch = p->to.pitch, c.from_pitch = p->from.pitch;
  c.to_slice = p->to.pitch * p->to.ysize, c.from_slice = p->from.pitch * p->from.ysize;
  c.kind = p->kind;
  return kSuccess;
}

Fill volume_fill(const PitchedPointer& p, int value, const Extent& extent) {
  Fill f = plane_of(p.ptr, p.pitch, value, extent.width, extent.height);
  f.depth = extent.depth, f.slice = p.pitch * p.ysize;
  return f;
}

}  // namespace

int copy_volume(const CopyParameters* p, const void* stream) {
  Copy c;
  if (const int error = volume_copy(p, &c)) return done(error);
  return copy_in(c, stream);
}

extern "C" {

int cudaMalloc(void** address, size_t bytes) {
  use_primary_context();
  return done(allocate(address, bytes, MemoryKind::kDevice));
}
int cudaMallocManaged(void** address, size_t bytes, unsigned flags) {
  return done(allocate(address, bytes, MemoryKind::kManaged, flags));
}
int cudaMallocHost(void** address, size_t bytes) {
  return done(allocate(address, bytes, MemoryKind::kHost));
}
int cudaHostAlloc(void** address, size_t bytes, unsigned flags) {
  use_primary_context();
  constexpr unsigned kFlags = 7;  // portable, mapped, write combined
  if (flags > kFlags) return done(kInvalidValue);
  return done(allocate(address, bytes, MemoryKind::kHost, flags));
}
int cudaMallocAsync(void** address, size_t bytes, const void* stream) {
  if (!find_stream(stream)) return done(kInvalidResourceHandle);
  return cudaMalloc(address, bytes);
}
int cudaMallocFromPoolAsync(void** address, size_t bytes, const void* pool, const void* stream) {
  if (pool != default_pool()) return done(kInvalidValue);
  return cudaMallocAsync(address, bytes, stream);
}
int cudaFree(void* address) {
  use_primary_context();  // cudaFree(0) is how programs make it
  return done(release(address, MemoryKind::kDevice));
}
int cudaFreeHost(void* address) {
  return done(release(address, MemoryKind::kHost));
}
int cudaFreeAsync(void* address, const void* stream) {
  if (find_block(address).kind == MemoryKind::kUnknown) return done(kInvalidValue);
  return done(
      submit(stream, NodeKind::kEmpty, [address] { release(address, MemoryKind::kDevice); }));
}
int cudaMallocPitch(void** address, size_t* pitch, size_t width, size_t height) {
  size_t bytes = 0;
  if (pitch == nullptr || align_pitch(width, pitch)) return done(kInvalidValue);
  if (__builtin_mul_overflow(*pitch, height, &bytes)) return done(kMemoryAllocation);
  return cudaMalloc(address, bytes);
}
int cudaMalloc3D(PitchedPointer* out, Extent extent) {
  size_t rows = 0;
  if (out == nullptr) return done(kInvalidValue);
  if (__builtin_mul_overflow(extent.height, extent.depth, &rows)) return done(kMemoryAllocation);
  out->xsize = extent.width, out->ysize = extent.height;
  return cudaMallocPitch(&out->ptr, &out->pitch, extent.width, rows);
}
int cudaHostRegister(void* address, size_t bytes, unsigned flags) {
  return done(register_host(address, bytes, flags));
}
int cudaHostUnregister(void* address) {
  return done(unregister_host(address));
}
int cudaHostGetDevicePointer(void** device, void* host, unsigned flags) {
  if (device == nullptr || flags != 0) return done(kInvalidValue);
  *device = nullptr;
  if (find_block(host).kind == MemoryKind::kUnknown) return done(kInvalidValue);
  *device = host;
  return kSuccess;
}
int cudaHostGetFlags(unsigned* flags, void* host) {
  const Block b = find_block(host);
  if (flags == nullptr || b.kind != MemoryKind::kHost) return done(kInvalidValue);
  *flags = b.flags;
  return kSuccess;
}
int cudaMemGetInfo(size_t* available, size_t* total) {
  if (available == nullptr || total == nullptr) return done(kInvalidValue);
  const MemorySize size = memory_size();
  *available = size.available, *total = size.total;
  return kSuccess;
}
int cudaPointerGetAttributes(PointerAttributes* out, const void* address) {
  if (out == nullptr) return done(kInvalidValue);
  const Block b = find_block(address);
  std::memset(out, 0, sizeof(*out));
  out->type = static_cast<int>(b.kind);
  void* const known = const_cast<void*>(address);
  out->host = b.kind == MemoryKind::kDevice ? nullptr : known;
  out->device_pointer = b.kind == MemoryKind::kUnknown ? nullptr : known;
  return kSuccess;
}

int cudaMemcpy(void* to, const void* from, size_t bytes, int kind) {
  return copy_now(line(to, from, bytes, kind));
}
int cudaMemcpyAsync(void* to, const void* from, size_t bytes, int kind, const void* stream) {
  return copy_in(line(to, from, bytes, kind), stream);
}
int cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                 size_t height, int kind) {
  return copy_now(plane(to, to_pitch, from, from_pitch, width, height, kind));
}
int cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                      size_t height, int kind, const void* stream) {
  return copy_in(plane(to, to_pitch, from, from_pitch, width, height, kind), stream);
}
int cudaMemcpy3D(const CopyParameters* p) {
  Copy c;
  if (const int error = volume_copy(p, &c)) return done(error);
  return copy_now(c);
}
int cudaMemcpy3DAsync(const CopyParameters* p, const void* stream) {
  return copy_volume(p, stream);
}
int cudaMemcpyPeer(void* to, int to_device, const void* from, int from_device, size_t bytes) {
  if (to_device != 0 || from_device != 0) return done(kInvalidDevice);
  return cudaMemcpy(to, from, bytes, 3);
}
int cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device, size_t bytes,
                        const void* stream) {
  if (to_device != 0 || from_device != 0) return done(kInvalidDevice);
  return cudaMemcpyAsync(to, from, bytes, 3, stream);
}

int cudaMemset(void* to, int value, size_t bytes) {
  const Fill f = plane_of(to, 0, value, bytes, 1);
  if (const int error = check_fill(f)) return done(error);
  run_fill(f);
  return kSuccess;
}
int cudaMemsetAsync(void* to, int value, size_t bytes, const void* stream) {
  return fill_in(plane_of(to, 0, value, bytes, 1), stream);
}
int cudaMemset2D(void* to, size_t pitch, int value, size_t width, size_t height) {
  return fill_in(plane_of(to, pitch, value, width, height), nullptr);
}
int cudaMemset2DAsync(void* to, size_t pitch, int value, size_t width, size_t height,
                      const void* stream) {
  return fill_in(plane_of(to, pitch, value, width, height), stream);
}
int cudaMemset3D(PitchedPointer to, int value, Extent extent) {
  return fill_in(volume_fill(to, value, extent), nullptr);
}
int cudaMemset3DAsync(PitchedPointer to, int value, Extent extent, const void* stream) {
  return fill_in(volume_fill(to, value, extent), stream);
}

// Hints about where memory should lie: it lies in one place.
int cudaMemPrefetchAsync(const void* address, size_t, int, const void*) {
  return address ? kSuccess : done(kInvalidValue);
}
int cudaMemAdvise(const void* address, size_t, int, int) {
  return address ? kSuccess : done(kInvalidValue);
}
int cudaStreamAttachMemAsync(const void* stream, void*, size_t, unsigned) {
  return find_stream(stream) ? kSuccess : done(kInvalidResourceHandle);
}

// One pool: nothing is kept back, so nothing is to be tuned or trimmed.
int cudaDeviceGetDefaultMemPool(void** pool, int device) {
  if (pool == nullptr) return done(kInvalidValue);
  if (device != 0) return done(kInvalidDevice);
  *pool = default_pool();
  return kSuccess;
}
int cudaDeviceGetMemPool(void** pool, int device) {
  return cudaDeviceGetDefaultMemPool(pool, device);
}
int cudaDeviceSetMemPool(int device, const void* pool) {
  if (device != 0) return done(kInvalidDevice);
  return pool == default_pool() ? kSuccess : done(kInvalidValue);
}
int cudaMemPoolTrimTo(const void* pool, size_t) {
  return pool == default_pool() ? kSuccess : done(kInvalidValue);
}
int cudaMemPoolSetAttribute(const void* pool, int which, const void* value) {
  constexpr int kAttributes = 8;
  const bool known = pool == default_pool() && value && which >= 1 && which <= kAttributes;
  return known ? kSuccess : done(kInvalidValue);
}
int cudaMemPoolGetAttribute(const void* pool, int which, void* value) {
  constexpr int kAttributes = 8, kFirstOf64Bits = 4;
  if (pool != default_pool() || value == nullptr || which < 1 || which > kAttributes) {
    return done(kInvalidValue);
  }
  std::memset(value, 0, which < kFirstOf64Bits ? sizeof(int) : sizeof(uint64_t));
  return kSuccess;
}

}  // extern "C"

}  // namespace carnot::host_cuda
