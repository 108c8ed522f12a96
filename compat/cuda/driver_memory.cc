// libcuda's calls for memory.
#include <cstring>

#include "driver.h"

namespace carnot::host_cuda {

// CUDA_MEMCPY2D and CUDA_MEMCPY3D: a side is an address and where in it the box begins.
struct DriverPlane {
  size_t x, y;
  int kind;  // CUmemorytype
  const void* host;
  Address device;
  const void* array;
  size_t pitch;
};
struct DriverCopy2D {
  DriverPlane from, to;
  size_t width, height;
};
struct DriverBox {
  size_t x, y, z, level;
  int kind;
  const void* host;
  Address device;
  const void* array;
  const void* context;  // of copies between devices
  size_t pitch, height;
};
struct DriverCopy {
  DriverBox from, to;
  size_t width, height, depth;
};

namespace {

enum Place : int { kOnHost = 1, kOnDevice = 2, kInArray = 3, kAnywhere = 4 };

int copy_in(Address to, Address from, size_t bytes, const void* stream) {
  Copy c;
  c.to = memory(to), c.from = memory(from), c.width = bytes;
  if (const int error = check_copy(c)) return driver_error(error);
  return submit(stream, NodeKind::kCopy, [c] { run_copy(c); });
}
int copy_boxes(const DriverCopy* from, const void* stream) {
  Copy c;
  if (from == nullptr) return kInvalidValue;
  if (const int error = describe(*from, &c)) return error;
  if (const int error = check_copy(c)) return driver_error(error);
  return submit(stream, NodeKind::kCopy, [c] { run_copy(c); });
}
int copy_planes(const DriverCopy2D* p, const void* stream) {
  if (p == nullptr) return kInvalidValue;
  const auto box = [](const DriverPlane& s) {
    return DriverBox{s.x, s.y, 0, 0, s.kind, s.host, s.device, s.array, nullptr, s.pitch, 0};
  };
  const DriverCopy whole{box(p->from), box(p->to), p->width, p->height, 1};
  return copy_boxes(&whole, stream);
}

int fill_in(const Fill& f, const void* stream) {
  if (const int error = check_fill(f)) return driver_error(error);
  return submit(stream, NodeKind::kFill, [f] { run_fill(f); });
}
Fill line(Address to, uint32_t value, size_t element, size_t count) {
  Fill f;
  f.to = memory(to), f.value = value, f.element = element, f.width = count;
  return f;
}
Fill plane(Address to, size_t pitch, uint32_t value, size_t element, size_t width, size_t height) {
  Fill f = line(to, value, element, width);
  f.pitch = pitch, f.height = height;
  return f;
}

int allocate_at(Address* address, size_t bytes, MemoryKind kind) {
  if (address == nullptr || bytes == 0) return kInvalidValue;
  void* made = nullptr;
  const int error = allocate(&made, bytes, kind);
  *address = reinterpret_cast<Address>(made);
  return error;
}

// The offset of the box's first byte; false where it wraps.
bool offset(const DriverBox& side, size_t* bytes) {
  size_t slice = 0, rows = 0, slices = 0;
  return !__builtin_mul_overflow(side.pitch, side.height, &slice) &&
         !__builtin_mul_overflow(slice, side.z, &slices) &&
         !__builtin_mul_overflow(side.pitch, side.y, &rows) &&
         !__builtin_add_overflow(slices, rows, bytes) &&
         !__builtin_add_overflow(*bytes, side.x, bytes);
}
int begin_of(const DriverBox& side, char** begin) {
  size_t bytes = 0;
  if (side.kind == kInArray) {
    return refuse("CUarray", "arrays take a GPU: CUDA's memory is the host's here", kNotSupported);
  }
  if (side.kind < kOnHost || side.kind > kAnywhere || !offset(side, &bytes)) return kInvalidValue;
  void* const first = side.kind == kOnHost ? const_cast<void*>(side.host) : memory(side.device);
  if (first == nullptr) return kInvalidValue;
  *begin = static_cast<char*>(first) + bytes;
  return kSuccess;
}

}  // namespace

int describe(const DriverCopy& from, Copy* copy) {
  char *to_begin = nullptr, *from_begin = nullptr;
  if (const int error = begin_of(from.to, &to_begin)) return error;
  if (const int error = begin_of(from.from, &from_begin)) return error;
  copy->to = to_begin, copy->from = from_begin;
  copy->width = from.width, copy->height = from.height, copy->depth = from.depth;
  copy->to_pitch = from.to.pitch, copy->from_pitch = from.from.pitch;
  copy->to_slice = from.to.pitch * from.to.height;
  copy->from_slice = from.from.pitch * from.from.height;
  return kSuccess;
}

extern "C" {

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
int cuMemAllocPitch_v2(Address* address, size_t* pitch, size_t width, size_t height, unsigned) {
  constexpr size_t kPitch = 512;
  size_t bytes = 0;
  if (address == nullptr || pitch == nullptr || width > SIZE_MAX - kPitch) return kInvalidValue;
  *pitch = (width + kPitch - 1) / kPitch * kPitch;
  if (__builtin_mul_overflow(*pitch, height, &bytes)) return kMemoryAllocation;
  return cuMemAlloc_v2(address, bytes);
}
int cuMemAllocFromPoolAsync(Address* address, size_t bytes, const void* pool, const void* stream) {
  return pool == default_pool() ? cuMemAllocAsync(address, bytes, stream) : kInvalidValue;
}
int cuMemHostGetFlags(unsigned* flags, void* host) {
  const Block b = find_block(host);
  if (flags == nullptr || b.kind != MemoryKind::kHost) return kInvalidValue;
  *flags = b.flags;
  return kSuccess;
}

}  // extern "C"

namespace {

template <typename T>
int give(void* to, T value) {
  std::memcpy(to, &value, sizeof(value));
  return kSuccess;
}

// Numbers of CUpointer_attribute.
int pointer_attribute(void* value, int which, Address address, const Block& b) {
  constexpr unsigned kReadWrite = 3;
  switch (which) {
    case 1:
      return give(value, primary_context());
    case 2:
      return give(value, b.kind == MemoryKind::kHost ? int{kOnHost} : int{kOnDevice});
    case 3:
    case 4:
      return give(value, address);
    case 6:
    case 10:
    case 15:
    case 21:
      return give(value, char{0});
    case 7:
    case 20:
    case 11:
    case 19:
      return give(value, reinterpret_cast<Address>(b.begin));
    case 8:
      return give(value, static_cast<char>(b.kind == MemoryKind::kManaged));
    case 9:
      return give(value, int{0});
    case 12:
    case 18:
      return give(value, b.bytes);
    case 13:
      return give(value, char{1});
    case 14:
      return give(value, Address{0});
    case 16:
      return give(value, kReadWrite);
    case 17:
      return give(value, static_cast<void*>(nullptr));
    default:
      return kNotSupported;
  }
}

}  // namespace

extern "C" {

int cuPointerGetAttribute(void* value, int which, Address address) {
  const Block b = find_block(memory(address));
  if (value == nullptr || b.kind == MemoryKind::kUnknown) return kInvalidValue;
  return pointer_attribute(value, which, address, b);
}
int cuPointerGetAttributes(unsigned count, const int* which, void** values, Address address) {
  if (count == 0 || which == nullptr || values == nullptr) return kInvalidValue;
  const Block b = find_block(memory(address));
  for (unsigned i = 0; i < count; ++i) {
    // Of memory that nobody allocated all are zero, the ordinal -2.
    constexpr int kOrdinal = 9, kNowhere = -2;
    if (values[i] == nullptr) return kInvalidValue;
    if (b.kind != MemoryKind::kUnknown) {
      pointer_attribute(values[i], which[i], address, b);
    } else if (which[i] == kOrdinal) {
      give(values[i], kNowhere);
    } else if (which[i] == 2) {
      give(values[i], int{0});
    } else if (which[i] == 8 || which[i] == 6 || which[i] == 10 || which[i] == 13) {
      give(values[i], char{0});
    } else {
      give(values[i], Address{0});
    }
  }
  return kSuccess;
}
int cuPointerSetAttribute(const void* value, int, Address address) {
  const bool known = find_block(memory(address)).kind != MemoryKind::kUnknown;
  return value && known ? kSuccess : kInvalidValue;
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
  return fill_in(line(to, value, 1, count), nullptr);
}
int cuMemsetD16_v2(Address to, unsigned short value, size_t count) {
  return fill_in(line(to, value, 2, count), nullptr);
}
int cuMemsetD32_v2(Address to, unsigned value, size_t count) {
  return fill_in(line(to, value, 4, count), nullptr);
}
int cuMemsetD8Async(Address to, unsigned char value, size_t count, const void* stream) {
  return fill_in(line(to, value, 1, count), stream);
}
int cuMemsetD16Async(Address to, unsigned short value, size_t count, const void* stream) {
  return fill_in(line(to, value, 2, count), stream);
}
int cuMemsetD32Async(Address to, unsigned value, size_t count, const void* stream) {
  return fill_in(line(to, value, 4, count), stream);
}
int cuMemcpyPeer(Address to, const void*, Address from, const void*, size_t n) {
  return copy_in(to, from, n, nullptr);
}
int cuMemcpyPeerAsync(Address to, const void*, Address from, const void*, size_t n,
                      const void* stream) {
  return copy_in(to, from, n, stream);
}
int cuMemcpy2D_v2(const DriverCopy2D* p) {
  return copy_planes(p, nullptr);
}
int cuMemcpy2DAsync_v2(const DriverCopy2D* p, const void* stream) {
  return copy_planes(p, stream);
}
int cuMemcpy3D_v2(const DriverCopy* p) {
  return copy_boxes(p, nullptr);
}
int cuMemcpy3DAsync_v2(const DriverCopy* p, const void* stream) {
  return copy_boxes(p, stream);
}
int cuMemsetD2D8_v2(Address to, size_t pitch, unsigned char value, size_t width, size_t height) {
  return fill_in(plane(to, pitch, value, 1, width, height), nullptr);
}
int cuMemsetD2D16_v2(Address to, size_t pitch, unsigned short value, size_t width, size_t height) {
  return fill_in(plane(to, pitch, value, 2, width, height), nullptr);
}
int cuMemsetD2D32_v2(Address to, size_t pitch, unsigned value, size_t width, size_t height) {
  return fill_in(plane(to, pitch, value, 4, width, height), nullptr);
}
int cuMemsetD2D8Async(Address to, size_t pitch, unsigned char value, size_t width, size_t height,
                      const void* stream) {
  return fill_in(plane(to, pitch, value, 1, width, height), stream);
}
int cuMemsetD2D16Async(Address to, size_t pitch, unsigned short value, size_t width, size_t height,
                       const void* stream) {
  return fill_in(plane(to, pitch, value, 2, width, height), stream);
}
int cuMemsetD2D32Async(Address to, size_t pitch, unsigned value, size_t width, size_t height,
                       const void* stream) {
  return fill_in(plane(to, pitch, value, 4, width, height), stream);
}

int cuGraphAddMemcpyNode(GraphNode** node, Graph* graph, GraphNode* const* after, size_t count,
                         const DriverCopy* p, const void*) {
  Copy c;
  if (p == nullptr) return kInvalidValue;
  if (const int error = describe(*p, &c)) return error;
  if (const int error = check_copy(c)) return driver_error(error);
  return add_node(node, graph, after, count, NodeKind::kCopy, [c] { run_copy(c); });
}

}  // extern "C"

}  // namespace carnot::host_cuda
