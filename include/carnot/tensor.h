#pragma once
// Tensor: host numbers with a concrete shape. Contiguous, row-major, elements packed as
// bits_of(dtype) says (two i4 a byte, low nibble first). Copies share storage: a Tensor made from
// a mapped file or from memory that the caller keeps alive is never copied.
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "carnot/types.h"

namespace carnot {

using Shape = std::vector<int64_t>;
std::string to_string(const Shape& shape);
/// Product of the sizes; 1 for a scalar. Shapes inside a Tensor never overflow.
int64_t volume(const Shape& shape);

class Tensor {
 public:
  Tensor() = default;
  /// Uninitialised storage, 64-byte aligned. Fails on a negative size, on overflow, and when the
  /// memory cannot be had.
  static Result<Tensor> allocate(DType dtype, Shape shape);
  /// Zero-filled. For shapes known to be small and valid; CHECKs where allocate() would fail.
  static Tensor zeros(DType dtype, Shape shape);
  /// Borrows bytes; `keep_alive` (may be null) lives as long as any copy.
  static Result<Tensor> wrap(DType dtype, Shape shape, std::span<const std::byte> bytes,
                             std::shared_ptr<const void> keep_alive);
  static Tensor from_i64(Shape shape, const std::vector<int64_t>& values);
  static Tensor from_f32(Shape shape, const std::vector<float>& values);
  static Tensor from_strings(Shape shape, std::vector<std::string> values);
  /// One element repeated over a shape without storing it (stride 0): `is_splat()`.
  static Tensor splat(const Tensor& scalar, Shape shape);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t elements() const { return elements_; }
  /// Bytes of the packed elements (of one element for a splat).
  size_t bytes() const;
  bool is_splat() const { return splat_; }
  /// A dense equal tensor (itself unless a splat).
  Result<Tensor> dense() const;
  TensorType type() const;

  /// Packed bytes. mutable_data() is for the one who allocated, before sharing.
  const std::byte* data() const { return data_; }
  std::byte* mutable_data() { return const_cast<std::byte*>(data_); }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(mutable_data());
  }

  /// Element i as a number, through the dtype's codec. i64/u64 go exactly through get_int/set_int.
  double get(int64_t i) const;
  int64_t get_int(int64_t i) const;
  void set(int64_t i, double value);  ///< rounds to nearest even; ints truncate and saturate
  void set_int(int64_t i, int64_t value);
  const std::string& get_string(int64_t i) const;
  /// The same elements under another shape of equal volume.
  Tensor reshaped(Shape shape) const;

  /// Equal dtype, shape and bits (strings by content).
  bool operator==(const Tensor& other) const;

 private:
  DType dtype_ = DType::kF32;
  bool splat_ = false;
  Shape shape_ = {0};
  int64_t elements_ = 0;
  const std::byte* data_ = nullptr;
  std::shared_ptr<const void> keep_;
  std::shared_ptr<std::vector<std::string>> strings_;
};

/// "f32[2] {1, 2.5}": small tensors whole, large ones cut with "...": for messages and text.
std::string to_string(const Tensor& tensor, int64_t max_elements = 8);
TensorType static_type(DType dtype, const Shape& shape);

}  // namespace carnot
