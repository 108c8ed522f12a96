// fused, if, loop, scan: their results' types. The executor in ir/ runs their regions.
#include "ops/operands.h"

namespace carnot {
namespace {

template <class T>
Result<std::vector<Tensor>> runs_in_executor(const T& op) {
  return error(Code::kInternal, op.kName, ": has regions, which the executor runs");
}

Result<std::vector<Info>> declared(const char* op, const std::vector<TensorType>& types) {
  std::vector<Info> infos;
  for (const TensorType& type : types) infos.push_back({type, std::nullopt});
  return checked_results(op, std::move(infos));
}

Status check_condition(const char* op, const TensorType& type) {
  if (type.dtype != DType::kBool) {
    return error(Code::kInvalidModel, op, ": the condition must be bool, is ", to_string(type));
  }
  return expect_single(op, "the condition", type);
}

// The leading results of loops have the types of what they carry; sizes may change on the way.
template <class T>
Status check_carried(const T& op, Infos initial, const std::vector<TensorType>& types) {
  if (types.size() < initial.size()) {
    return invalid(op, "carries ", initial.size(), " values but has ", types.size(), " results");
  }
  for (size_t i = 0; i < initial.size(); ++i) {
    if (initial[i].type.dtype != types[i].dtype) {
      return invalid(op, "carried value ", i, " is ", to_string(initial[i].type),
                     ", its result is ", to_string(types[i]));
    }
  }
  return {};
}

}  // namespace

/// The graph knows the region and takes its outputs' infos; an operation alone knows nothing.
Result<std::vector<Info>> infer(const op::Fused& op, Infos) {
  return error(Code::kInternal, op.kName, ": its results are those of its region");
}
Result<std::vector<Tensor>> reference(const op::Fused& op, Tensors) {
  return runs_in_executor(op);
}

Result<std::vector<Info>> infer(const op::If& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_RETURN_IF_ERROR(check_condition(op.kName, in[0].type));
  return declared(op.kName, op.types);
}
Result<std::vector<Tensor>> reference(const op::If& op, Tensors) {
  return runs_in_executor(op);
}

Result<std::vector<Info>> infer(const op::Loop& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  if (in[0].type.dtype != DType::kI64) {
    return invalid(op, "the trip count must be i64, is ", to_string(in[0].type));
  }
  CARNOT_RETURN_IF_ERROR(expect_single(op.kName, "the trip count", in[0].type));
  CARNOT_RETURN_IF_ERROR(check_condition(op.kName, in[1].type));
  if (op.carried < 0 || op.carried > static_cast<int64_t>(in.size()) - 2) {
    return invalid(op, "carries ", op.carried, " values but has ", in.size() - 2, " operands");
  }
  CARNOT_RETURN_IF_ERROR(
      check_carried(op, in.subspan(2, static_cast<size_t>(op.carried)), op.types));
  return declared(op.kName, op.types);
}
Result<std::vector<Tensor>> reference(const op::Loop& op, Tensors) {
  return runs_in_executor(op);
}

Result<std::vector<Info>> infer(const op::Scan& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const auto operands = static_cast<int64_t>(in.size());
  if (op.states < 0 || op.scanned < 1 || op.states > operands ||
      op.scanned > operands - op.states) {
    return invalid(op, "has ", op.states, " states and ", op.scanned, " scanned operands of ",
                   operands);
  }
  if (!op.input_axes.empty() && static_cast<int64_t>(op.input_axes.size()) != op.scanned) {
    return invalid(op, "input_axes has ", op.input_axes.size(), " entries for ", op.scanned,
                   " scanned operands");
  }
  std::optional<Dim> length;
  for (int64_t i = 0; i < op.scanned; ++i) {
    const TensorType& x = in[static_cast<size_t>(op.states + i)].type;
    const int64_t given = op.input_axes.empty() ? 0 : op.input_axes[static_cast<size_t>(i)];
    CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, given, x.rank()));
    const Dim& size = x.dims[static_cast<size_t>(axis)];
    if (length) CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "the scanned length", size, *length));
    length = size;
  }
  CARNOT_RETURN_IF_ERROR(check_carried(op, in.first(static_cast<size_t>(op.states)), op.types));
  return declared(op.kName, op.types);
}
Result<std::vector<Tensor>> reference(const op::Scan& op, Tensors) {
  return runs_in_executor(op);
}

}  // namespace carnot
