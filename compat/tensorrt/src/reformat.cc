#include "reformat.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::Dims;

/// 0, 1 ... with the axis at `from` moved to `to`.
Ints moved(size_t rank, size_t from, size_t to) {
  Ints out;
  for (size_t i = 0; i < rank; ++i) out.push_back(static_cast<int64_t>(i));
  const int64_t axis = out[from];
  out.erase(out.begin() + static_cast<std::ptrdiff_t>(from));
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(to), axis);
  return out;
}

}  // namespace

std::string why_not_stored(const Dims& sizes, TensorFormat format) {
  const FormatRow* const row = format_row(format);
  if (!row) return "";
  const int32_t axis = row->axis(sizes.size());
  if (axis < 0) {
    return cat(row->name, " takes ", row->spatial + 1, " dimensions or more, there are ",
               sizes.size());
  }
  if (row->vector > 1 && !sizes[static_cast<size_t>(axis)].is_constant()) {
    return cat(row->name, " takes a number of channels that is known, axis ", axis,
               " differs from run to run");
  }
  return "";
}

StoredFormat stored_format(const Dims& sizes, TensorFormat format) {
  const FormatRow* const row = format_row(format);
  if (!row || row->vector == 1) return {format, 0};
  return {format, sizes[static_cast<size_t>(row->axis(sizes.size()))].value()};
}

Handle to_format(Emit& e, Handle x, TensorFormat format) {
  const FormatRow* const row = format_row(format);
  if (!row) return x;
  const size_t rank = e.dims(x).size();
  const auto axis = static_cast<size_t>(row->axis(rank));
  if (row->vector > 1) {
    const int64_t channels = e.dims(x)[axis].value();
    const int64_t groups = (channels + row->vector - 1) / row->vector;
    Dims none(rank, Dim(0)), hi = none;
    hi[axis] = Dim(groups * row->vector - channels);
    if (!hi[axis].is(0)) x = e.pad(x, none, hi);
    if (!row->last) {
      Dims grouped = e.dims(x);
      grouped[axis] = Dim(groups);
      grouped.insert(grouped.begin() + static_cast<std::ptrdiff_t>(axis) + 1, Dim(row->vector));
      return e.transpose(e.reshape(x, grouped), moved(rank + 1, axis + 1, rank));
    }
  }
  return e.transpose(x, moved(rank, axis, rank - 1));
}

Handle from_format(Emit& e, Handle x, const StoredFormat& format) {
  const FormatRow* const row = format_row(format.format);
  if (!row) return x;
  const Dims wanted = visible(e.dims(x), format);
  const size_t rank = wanted.size();
  const auto axis = static_cast<size_t>(row->axis(rank));
  if (row->last) {
    x = e.transpose(x, moved(rank, rank - 1, axis));
  } else {
    x = e.transpose(x, moved(rank + 1, rank, axis + 1));
    Dims together = wanted;
    together[axis] = e.dims(x)[axis] * Dim(row->vector);
    x = e.reshape(x, together);
  }
  if (row->vector == 1 || e.dims(x)[axis].is(format.channels)) return x;
  return e.slice(x, static_cast<int64_t>(axis), Dim(0), Dim(format.channels));
}

}  // namespace trt
