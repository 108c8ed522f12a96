// Order of symbolic sizes, so that slices and splits of dynamic axes get plain sizes instead of
// towers of min and max.
#include "onnx/emit.h"
#include "tensor/dim_range.h"

namespace carnot::onnx {

namespace {

// Marks symbols whose number the data gives (emit.cc names them so): those may well be 0.
constexpr std::string_view kDataMark = ".data";

bool depends_on_data(const Dim& dim) {
  std::vector<std::string> names;
  dim.collect_symbols(names);
  for (const std::string& name : names) {
    if (name.find(kDataMark) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

Dim Emit::fresh_symbol(std::string_view hint) {
  return Dim::symbol(cat(symbol_text(hint), kDataMark, fresh_++));
}

bool surely_le(const Dim& a, const Dim& b) {
  const Dim difference = b - a;
  if (difference.is_constant()) return difference.value() >= 0;
  Ranges ranges;
  ranges.others_min = depends_on_data(difference) ? 0 : 1;  // inputs have at least one element
  return provably_at_least(difference, 0, ranges);
}

Dim smaller(const Dim& a, const Dim& b) {
  if (surely_le(a, b)) return a;
  return surely_le(b, a) ? b : min(a, b);
}

Dim larger(const Dim& a, const Dim& b) {
  if (surely_le(a, b)) return b;
  return surely_le(b, a) ? a : max(a, b);
}

Dim broadcast_size(const Dim& a, const Dim& b) {
  if (a.is(1)) return b;
  return !a.is_constant() && b.is_constant() && !b.is(1) ? b : a;
}

Dims broadcast_dims(const Dims& a, const Dims& b) {
  if (a.size() < b.size()) return broadcast_dims(b, a);
  Dims out = a;
  const size_t skip = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) out[skip + i] = broadcast_size(a[skip + i], b[i]);
  return out;
}

}  // namespace carnot::onnx
