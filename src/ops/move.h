#pragma once
// Data movement for reference(): runs of elements copied from tensors into a new one, for every
// element type, strings and packed 4-bit types included.
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "carnot/tensor.h"

namespace carnot {

class ElementWriter {
 public:
  static Result<ElementWriter> make(DType dtype, Shape shape);
  /// `count` elements from `source`, which may be a splat, into [at, at + count).
  void copy(int64_t at, const Tensor& source, int64_t from, int64_t count);
  /// Element `from` of `source` `count` times.
  void fill(int64_t at, const Tensor& source, int64_t from, int64_t count);
  /// Elements `from`, `from + step`, ... of `source`, `count` of them.
  void copy_spaced(int64_t at, const Tensor& source, int64_t from, int64_t step, int64_t count);
  /// All of `source`, of the same number of elements.
  void copy_all(const Tensor& source) { copy(0, source, 0, source.elements()); }
  /// Zeros (or empty strings).
  void clear();
  Tensor take() &&;

 private:
  DType dtype_ = DType::kF32;
  size_t bytes_ = 0;  // of an element; 0 for strings and packed types
  Tensor out_;
  Shape shape_;
  std::vector<std::string> strings_;
};

/// Result element [i...] is source[base + sum of i * strides]: what transpose, slice and expand
/// are. The caller guarantees that every offset is in range.
Result<Tensor> copy_strided(const Tensor& source, Shape shape, int64_t base,
                            std::vector<int64_t> strides);

/// Elements between neighbours along each axis, of a row-major array; of no use in an empty one.
std::vector<int64_t> row_major_strides(const Shape& shape);

/// Steps `index` to the next position of `shape` in row-major order; false after the last one.
inline bool next_index(std::vector<int64_t>& index, const Shape& shape) {
  for (size_t axis = shape.size(); axis-- > 0;) {
    if (++index[axis] < shape[axis]) return true;
    index[axis] = 0;
  }
  return false;
}

/// A shape seen as [outer, size, inner] around one axis.
struct AxisView {
  int64_t outer = 1, size = 1, inner = 1;
};
AxisView view_axis(const Shape& shape, int64_t axis);

}  // namespace carnot
