#include "ops/move.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "ops/numbers.h"

namespace carnot {

Result<ElementWriter> ElementWriter::make(DType dtype, Shape shape) {
  ElementWriter writer;
  writer.dtype_ = dtype;
  if (dtype == DType::kString) {
    writer.strings_.resize(static_cast<size_t>(volume(shape)));
  } else {
    CARNOT_ASSIGN(writer.out_, Tensor::allocate(dtype, shape));
    writer.bytes_ = static_cast<size_t>(bits_of(dtype) / 8);
    // Packed elements share bytes: the first write into a byte must find it defined.
    if (writer.bytes_ == 0) writer.clear();
  }
  writer.shape_ = std::move(shape);
  return writer;
}

void ElementWriter::copy(int64_t at, const Tensor& source, int64_t from, int64_t count) {
  if (source.is_splat()) {
    fill(at, source, 0, count);
  } else if (bytes_ > 0) {
    if (count > 0) {
      std::memcpy(out_.mutable_data() + static_cast<size_t>(at) * bytes_,
                  source.data() + static_cast<size_t>(from) * bytes_,
                  static_cast<size_t>(count) * bytes_);
    }
  } else {
    for (int64_t i = 0; i < count; ++i) fill(at + i, source, from + i, 1);
  }
}

void ElementWriter::fill(int64_t at, const Tensor& source, int64_t from, int64_t count) {
  if (count <= 0) return;
  if (source.is_splat()) from = 0;
  if (dtype_ == DType::kString) {
    for (int64_t i = 0; i < count; ++i) {
      strings_[static_cast<size_t>(at + i)] = source.get_string(from);
    }
  } else if (bytes_ > 0) {
    const std::byte* element = source.data() + static_cast<size_t>(from) * bytes_;
    std::byte* to = out_.mutable_data() + static_cast<size_t>(at) * bytes_;
    for (int64_t i = 0; i < count; ++i, to += bytes_) std::memcpy(to, element, bytes_);
  } else {  // two 4-bit elements a byte, low nibble first
    const int shift_from = static_cast<int>(from % 2) * 4;
    const unsigned nibble = (std::to_integer<unsigned>(source.data()[from / 2]) >> shift_from) & 15;
    for (int64_t i = at; i < at + count; ++i) {
      std::byte& to = out_.mutable_data()[i / 2];
      const unsigned other = std::to_integer<unsigned>(to) & (i % 2 == 0 ? 0xF0U : 0x0FU);
      to = static_cast<std::byte>(other | nibble << (i % 2 * 4));
    }
  }
}

void ElementWriter::copy_spaced(int64_t at, const Tensor& source, int64_t from, int64_t step,
                                int64_t count) {
  const auto copy_as = [&]<class T>(T) {
    T* to = out_.as<T>() + at;
    for (int64_t i = 0; i < count; ++i) to[i] = load_unaligned<T>(source.data(), from + i * step);
  };
  if (source.is_splat()) return fill(at, source, 0, count);
  switch (bytes_) {
    case 1:
      return copy_as(uint8_t{});
    case 2:
      return copy_as(uint16_t{});
    case 4:
      return copy_as(uint32_t{});
    case 8:
      return copy_as(uint64_t{});
    default:
      for (int64_t i = 0; i < count; ++i) fill(at + i, source, from + i * step, 1);
  }
}

void ElementWriter::clear() {
  if (out_.bytes() > 0) std::memset(out_.mutable_data(), 0, out_.bytes());
}

Tensor ElementWriter::take() && {
  if (dtype_ == DType::kString) return Tensor::from_strings(shape_, std::move(strings_));
  return std::move(out_);
}

Result<Tensor> copy_strided(const Tensor& source, Shape shape, int64_t base,
                            std::vector<int64_t> strides) {
  CARNOT_ASSIGN(ElementWriter writer, ElementWriter::make(source.dtype(), shape));
  if (volume(shape) == 0) return std::move(writer).take();
  // The innermost axes that lie contiguously in the source make one run.
  int64_t run = 1;
  size_t outer = shape.size();
  while (outer > 0 && (shape[outer - 1] == 1 || strides[outer - 1] == run)) {
    run *= shape[--outer];
  }
  // Where not even neighbours do, a row along the innermost axis is the unit.
  const bool spaced = run == 1 && outer > 0;
  const int64_t step = spaced ? strides[outer - 1] : 1;
  if (spaced) run = shape[--outer];

  shape.resize(outer);
  std::vector<int64_t> index(outer, 0);
  int64_t at = 0;
  do {
    int64_t from = base;
    for (size_t axis = 0; axis < outer; ++axis) from += index[axis] * strides[axis];
    if (spaced) {
      writer.copy_spaced(at, source, from, step, run);
    } else {
      writer.copy(at, source, from, run);
    }
    at += run;
  } while (next_index(index, shape));
  return std::move(writer).take();
}

std::vector<int64_t> row_major_strides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) {
    strides[axis - 1] = checked_mul(strides[axis], shape[axis]).value_or(0);
  }
  return strides;
}

AxisView view_axis(const Shape& shape, int64_t axis) {
  AxisView view;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t& part = static_cast<int64_t>(i) < axis    ? view.outer
                    : static_cast<int64_t>(i) == axis ? view.size
                                                      : view.inner;
    // Only the axes of an empty tensor can overflow; no elements is what it has.
    part = checked_mul(part, shape[i]).value_or(0);
  }
  return view;
}

}  // namespace carnot
