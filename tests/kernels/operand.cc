#include "tests/kernels/operand.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/status.h"
#include "codegen/access.h"

namespace carnot {

namespace {

constexpr size_t kPage = 4096;

}  // namespace

Fenced::Fenced(size_t bytes) {
  const size_t pages = (bytes + kPage - 1) / kPage + 1;
  bytes_ = pages * kPage;
  base_ = static_cast<std::byte*>(
      mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CARNOT_CHECK(base_ != MAP_FAILED);
  CARNOT_CHECK(mprotect(base_ + bytes_ - kPage, kPage, PROT_NONE) == 0);
  std::memset(base_, 0x7f, bytes_ - kPage);
  data_ = base_ + bytes_ - kPage - bytes;
}

Fenced::~Fenced() {
  if (base_ != nullptr) munmap(base_, bytes_);
}

bool Fenced::untouched_before() const {
  return std::all_of(base_, data_, [](std::byte b) { return b == std::byte{0x7f}; });
}

Result<Shape> shape_of(const Dims& dims, const Symbols& symbols) {
  Shape shape;
  for (const Dim& dim : dims) {
    CARNOT_ASSIGN(const int64_t size, evaluate(dim, symbols));
    shape.push_back(size);
  }
  return shape;
}

void Operand::fill(const Tensor& values) const {
  each([&](size_t dense, size_t there) {
    std::memcpy(memory->data() + there, values.data() + dense, element_bytes);
  });
}

Result<Tensor> Operand::dense(DType dtype) const {
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, shape));
  each([&](size_t to, size_t from) {
    std::memcpy(out.mutable_data() + to, memory->data() + from, element_bytes);
  });
  return out;
}

Result<Operand> make_operand(const Buffer& buffer, const Symbols& symbols) {
  Operand out;
  CARNOT_ASSIGN(out.shape, shape_of(buffer.type.dims, symbols));
  CARNOT_ASSIGN(out.strides, shape_of(strides_of(buffer), symbols));
  out.element_bytes = static_cast<size_t>(std::max(8, bits_of(buffer.type.dtype)) / 8);
  int64_t last = volume(out.shape) > 0 ? 1 : 0;
  for (size_t d = 0; d < out.shape.size(); ++d) {
    last += std::max<int64_t>(0, out.shape[d] - 1) * out.strides[d];
  }
  out.memory = std::make_unique<Fenced>(static_cast<size_t>(last) * out.element_bytes);
  return out;
}

}  // namespace carnot
