#include "formats.h"

#include <map>

namespace trt {

namespace {

using carnot::Dim;
using D = DataType;
using F = TensorFormat;

const FormatRow kFormats[] = {
    {F::kHWC8, "kHWC8", 2, 8, true, {D::kHALF, D::kBF16}, "Channel major"},
    {F::kHWC, "kHWC", 2, 1, true, {D::kFLOAT, D::kUINT8}, "Non-vectorized channel major"},
    {F::kCHW32,
     "kCHW32",
     2,
     32,
     false,
     {D::kINT8, D::kFLOAT, D::kHALF},
     "Thirty-two wide channel vectorized row major"},
    {F::kCHW2, "kCHW2", 2, 2, false, {D::kHALF, D::kBF16}, "Two wide channel vectorized row major"},
    {F::kCHW4,
     "kCHW4",
     2,
     4,
     false,
     {D::kINT8, D::kHALF},
     "Four wide channel vectorized row major"},
    {F::kCHW16, "kCHW16", 2, 16, false, {D::kHALF}, "Sixteen wide channel vectorized row major"},
    {F::kHWC16, "kHWC16", 2, 16, true, {D::kHALF, D::kINT8, D::kFP8}, "Channel major"},
    {F::kDHWC8, "kDHWC8", 3, 8, true, {D::kHALF, D::kBF16}, "Channel major"},
    {F::kDHWC, "kDHWC", 3, 1, true, {D::kFLOAT}, "Non-vectorized channel major"},
    {F::kCDHW32,
     "kCDHW32",
     3,
     32,
     false,
     {D::kINT8, D::kHALF},
     "Thirty-two wide channel vectorized row major with 3 spatial dimensions"},
};

int64_t groups_of(int64_t channels, int64_t vector) {
  return channels < 0 ? channels : (channels + vector - 1) / vector;
}
Dim groups_of(const Dim& channels, int64_t vector) {
  return ceil_div(channels, Dim(vector));
}

template <class Size>
std::vector<Size> store(std::vector<Size> sizes, TensorFormat format) {
  const FormatRow* const row = format_row(format);
  if (!row || row->axis(sizes.size()) < 0) return sizes;
  const auto at = sizes.begin() + row->axis(sizes.size());
  Size groups = row->vector == 1 ? *at : groups_of(*at, row->vector);
  if (row->last) {
    sizes.erase(at);
    if (row->vector > 1) groups = groups * Size(row->vector);
    sizes.push_back(std::move(groups));
  } else {
    *at = std::move(groups);
    sizes.emplace_back(row->vector);
  }
  return sizes;
}

template <class Size>
std::vector<Size> see(std::vector<Size> sizes, const StoredFormat& format) {
  const FormatRow* const row = format_row(format.format);
  if (!row || sizes.size() <= static_cast<size_t>(row->spatial)) return sizes;
  Size channels = row->vector == 1 ? sizes.back() : Size(format.channels);
  sizes.pop_back();
  if (row->last) {
    sizes.insert(sizes.end() - row->spatial, std::move(channels));
  } else {
    sizes[static_cast<size_t>(row->axis(sizes.size()))] = std::move(channels);
  }
  return sizes;
}

const char* short_name(DataType type) {
  switch (type) {
    case D::kFLOAT:
      return " FP32";
    case D::kHALF:
      return " FP16";
    case D::kINT8:
      return " INT8";
    case D::kINT32:
      return " INT32";
    case D::kINT64:
      return " INT64";
    case D::kBOOL:
      return " BOOL";
    case D::kUINT8:
      return " UINT8";
    case D::kBF16:
      return " BF16";
    case D::kFP8:
      return " FP8";
    default:
      return "";
  }
}

/// All of them, as they must live as long as the program.
std::map<std::pair<DataType, TensorFormat>, std::string> descriptions() {
  std::map<std::pair<DataType, TensorFormat>, std::string> out;
  for (int t = 0; t <= static_cast<int>(D::kE8M0); ++t) {
    const auto type = static_cast<DataType>(t);
    out[{type, F::kLINEAR}] = cat("Row major linear", short_name(type), " format (kLINEAR)");
    for (const FormatRow& row : kFormats) {
      const std::string filled =
          row.last && row.vector > 1 ? cat(" where channel % ", row.vector, " == 0") : "";
      out[{type, row.format}] =
          cat(row.words, short_name(type), " format", filled, " (", row.name, ")");
    }
  }
  return out;
}

}  // namespace

std::span<const FormatRow> format_rows() {
  return kFormats;
}

const FormatRow* format_row(TensorFormat format) {
  for (const FormatRow& row : kFormats) {
    if (row.format == format) return &row;
  }
  return nullptr;
}

carnot::Dims stored(const carnot::Dims& sizes, TensorFormat format) {
  return store(sizes, format);
}
carnot::Shape stored(const carnot::Shape& sizes, TensorFormat format) {
  return store(sizes, format);
}
carnot::Dims visible(const carnot::Dims& sizes, const StoredFormat& format) {
  return see(sizes, format);
}
carnot::Shape visible(const carnot::Shape& sizes, const StoredFormat& format) {
  return see(sizes, format);
}

Dims strides_of(const Dims& sizes, TensorFormat format) {
  Dims out = sizes;
  const FormatRow* const row = format_row(format);
  const int32_t channels = row ? row->axis(static_cast<size_t>(sizes.nbDims)) : -1;
  int64_t stride = 1;
  const auto pass = [&](int32_t axis) {
    const bool grouped = axis == channels && row->vector > 1;
    const int64_t size = grouped ? groups_of(sizes.d[axis], row->vector) : sizes.d[axis];
    out.d[axis] = stride;
    stride = size < 0 || stride < 0 ? -1 : stride * size;
  };
  const bool last = channels >= 0 && row->last;
  if (last) pass(channels);
  for (int32_t axis = sizes.nbDims - 1; axis >= 0; --axis) {
    if (!last || axis != channels) pass(axis);
  }
  return out;
}

const char* description_of(DataType type, TensorFormat format) {
  static const auto* const all =
      new std::map<std::pair<DataType, TensorFormat>, std::string>(descriptions());
  const auto found = all->find({type, format});
  return found == all->end() ? "" : found->second.c_str();
}

}  // namespace trt
