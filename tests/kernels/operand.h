#pragma once
// Operands of generated kernels under test: they lie in memory as the kernel says, and end at a
// page that nobody may touch.
#include <cstddef>
#include <memory>
#include <utility>

#include "kernel/kernel.h"

namespace carnot {

/// Memory whose last byte is followed by a page that nobody may touch.
class Fenced {
 public:
  explicit Fenced(size_t bytes);
  Fenced(Fenced&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), data_(other.data_), bytes_(other.bytes_) {}
  ~Fenced();
  std::byte* data() const { return data_; }
  bool untouched_before() const;

 private:
  std::byte* base_;
  std::byte* data_;
  size_t bytes_;
};

/// The values of sizes.
Result<Shape> shape_of(const Dims& dims, const Symbols& symbols);

/// One buffer of the call: its elements in memory and how they lie.
struct Operand {
  Shape shape, strides;
  size_t element_bytes = 0;
  std::unique_ptr<Fenced> memory;

  template <class Visit>
  void each(const Visit& visit) const {
    Shape at(shape.size(), 0);
    for (int64_t i = 0; i < volume(shape); ++i) {
      int64_t offset = 0;
      for (size_t d = 0; d < shape.size(); ++d) offset += at[d] * strides[d];
      visit(static_cast<size_t>(i) * element_bytes, static_cast<size_t>(offset) * element_bytes);
      for (size_t d = shape.size(); d-- > 0;) {
        if (++at[d] < shape[d]) break;
        at[d] = 0;
      }
    }
  }
  void fill(const Tensor& values) const;
  Result<Tensor> dense(DType dtype) const;
};

Result<Operand> make_operand(const Buffer& buffer, const Symbols& symbols);

}  // namespace carnot
