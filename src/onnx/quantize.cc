#include "onnx/quantize.h"

#include <iterator>

#include "base/text.h"

namespace carnot::onnx {

namespace {

/// Magnitudes that 8-bit floats cannot hold: from `limit` on (or above it, where it still rounds
/// to the largest number), a conversion that does not saturate gives `beyond`.
struct Float8 {
  DType dtype;
  const char *test, *limit, *beyond;
};
constexpr Float8 kFloat8[] = {
    {DType::kF8E4M3, "gt", "464.0:f32", "nan:f32"},
    {DType::kF8E4M3UZ, "ge", "248.0:f32", "nan:f32"},
    {DType::kF8E5M2, "ge", "61440.0:f32", "inf:f32"},
    {DType::kF8E5M2UZ, "ge", "61440.0:f32", "nan:f32"},
};

Value* convert_without_saturation(NodeImport& n, Value* x, const Float8& row) {
  const char* const to = to_string(row.dtype);
  const std::string too_large = cat(row.test, "(abs(cast($0):f32), ", row.limit, ")");
  if (row.dtype != DType::kF8E5M2) {
    return n.map(cat("select(", too_large, ", cast(", row.beyond, "):", to, ", cast($0):", to, ")"),
                 {x});
  }
  // By their bits, for every way to make an infinity of this type saturates.
  Value* const bits = n.make(op::BitCast{DType::kU8}, {n.cast(x, row.dtype)});
  Value* const out =
      n.map(cat("select(", too_large, ", select(lt(cast($0):f32, 0.0:f32), 252:u8, 124:u8), $1)"),
            {x, bits});
  return n.make(op::BitCast{row.dtype}, {out});
}

}  // namespace

Value* convert(NodeImport& n, Value* x, DType to) {
  const DType from = x->type().dtype;
  if (from == to) return x;
  if (!n.flag("saturate", true)) {
    for (const Float8& row : kFloat8) {
      if (row.dtype == to) return convert_without_saturation(n, x, row);
    }
  }
  // Floats out of range wrap in 4-bit integers, as integers do; elsewhere they saturate.
  if (is_float(from) && is_integer(to) && bits_of(to) == 4) x = n.cast(x, DType::kI32);
  return n.cast(x, to);
}

Value* quantize(NodeImport& n, Value* x, Value* scale, Value* zero, DType to) {
  // A step of its own: the quotient is rounded to f32 before it is rounded to an integer.
  Value* const ratio = n.map("div(cast($0):f32, cast($1):f32)", {x, scale});
  if (is_float(to)) return convert(n, ratio, to);
  if (!zero) return n.map(cat("cast(round($0)):", to_string(to)), {ratio});
  return n.map(cat("cast(add(round($0), cast($1):f32)):", to_string(to)), {ratio, zero});
}

Value* dequantize(NodeImport& n, Value* x, Value* scale, Value* zero, DType to) {
  const std::string result = cat("):", to_string(to));
  const bool real = is_float(x->type().dtype);
  if (real || !zero) return n.map("cast(mul(cast($0):f32, cast($1):f32)" + result, {x, scale});
  return n.map("cast(mul(cast(sub(cast($0):i32, cast($2):i32)):f32, cast($1):f32)" + result,
               {x, scale, zero});
}

}  // namespace carnot::onnx
