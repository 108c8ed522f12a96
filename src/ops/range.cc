// range: start, start + delta ... below a limit.
#include <cmath>

#include "ops/elements.h"
#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

// A range of more elements than this is a mistake in start, limit or delta.
constexpr double kCountMax = 0x1p40;

Result<int64_t> count_of(const op::Range& op, Tensors in) {
  double count = 0;
  if (is_float(in[0].dtype())) {
    const double start = in[0].get(0), limit = in[1].get(0), delta = in[2].get(0);
    count = std::ceil((limit - start) / delta);
    if (delta == 0 || std::isnan(count)) count = kCountMax * 2;
  } else {
    // 128 bits: the difference of two i64 needs one bit more.
    __extension__ using Wide = __int128;
    const auto wide = [&](const Tensor& t) {
      const int64_t value = t.get_int(0);
      return t.dtype() == DType::kU64 ? static_cast<Wide>(static_cast<uint64_t>(value))
                                      : static_cast<Wide>(value);
    };
    const Wide way = wide(in[1]) - wide(in[0]), delta = wide(in[2]);
    count = delta == 0
                ? kCountMax * 2
                : static_cast<double>(way / delta + (way % delta != 0 && (way < 0) == (delta < 0)));
  }
  if (count > kCountMax) {
    return error(Code::kInvalidArgument, op.kName, ": from ", to_string(in[0]), " to ",
                 to_string(in[1]), " in steps of ", to_string(in[2]), " is no useful range");
  }
  return count > 0 ? static_cast<int64_t>(count) : 0;
}

// start + i * delta, where the count is a number and start and delta are known.
std::optional<Dims> known_range(const op::Range& op, Infos in) {
  const TensorType type{in[0].type.dtype, {op.count}};
  if (!can_know_elements(type) || !in[0].elements || !in[2].elements) return std::nullopt;
  if (in[0].elements->size() != 1 || in[2].elements->size() != 1) return std::nullopt;
  Dims out;
  for (int64_t i = 0; i < op.count.value(); ++i) {
    out.push_back((*in[0].elements)[0] + (*in[2].elements)[0] * Dim(i));
    if (out.back().overflowed()) return std::nullopt;
  }
  return out;
}

}  // namespace

Result<std::vector<Info>> infer(const op::Range& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& start = in[0].type;
  CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "the start", start));
  const char* const operands[] = {"the start", "the limit", "the delta"};
  for (size_t i = 0; i < in.size(); ++i) {
    CARNOT_RETURN_IF_ERROR(expect_single(op.kName, operands[i], in[i].type));
    if (in[i].type.dtype != start.dtype) {
      return invalid(op, operands[i], " is ", to_string(in[i].type), ", the start ",
                     to_string(start));
    }
  }
  return one_result(op.kName, start.dtype, {op.count}, known_range(op, in));
}

Result<std::vector<Tensor>> reference(const op::Range& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  CARNOT_ASSIGN(const int64_t count, count_of(op, in));
  if (op.count.is_constant() && op.count.value() != count) {
    return error(Code::kInvalidArgument, op.kName, ": has ", count, " elements in this run, not ",
                 op.count.value());
  }
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(in[0].dtype(), {count}));
  if (is_float(in[0].dtype())) {
    const double start = in[0].get(0), delta = in[2].get(0);
    for (int64_t i = 0; i < count; ++i) out.set(i, start + static_cast<double>(i) * delta);
  } else {
    const auto start = static_cast<uint64_t>(in[0].get_int(0));
    const auto delta = static_cast<uint64_t>(in[2].get_int(0));
    for (int64_t i = 0; i < count; ++i) {
      out.set_int(i, static_cast<int64_t>(start + static_cast<uint64_t>(i) * delta));
    }
  }
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
