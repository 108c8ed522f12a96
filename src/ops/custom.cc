// custom: an operation whose code is the user's. Here are its results' types only.
#include "ops/operands.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::Custom& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  if (op.code.empty()) return invalid(op, "the code has no name");
  if (op.types.empty()) return invalid(op, "has no results");
  if (op.in_place.size() > op.types.size()) {
    return invalid(op, "in_place has ", op.in_place.size(), " entries for ", op.types.size(),
                   " results");
  }
  for (size_t i = 0; i < op.in_place.size(); ++i) {
    const int64_t operand = op.in_place[i];
    if (operand == -1) continue;
    if (operand < -1 || operand >= static_cast<int64_t>(in.size())) {
      return invalid(op, "in_place names operand ", operand, " of ", in.size());
    }
    const TensorType& type = in[static_cast<size_t>(operand)].type;
    if (!(type == op.types[i])) {
      return invalid(op, "result ", i, " is ", to_string(op.types[i]), ", but takes the place of ",
                     to_string(type));
    }
  }
  std::vector<Info> infos;
  for (const TensorType& type : op.types) {
    if (type.dtype == DType::kString) return invalid(op, "a result cannot hold strings");
    infos.push_back({type, std::nullopt});
  }
  for (const Info& info : in) {
    if (info.type.dtype == DType::kString) return invalid(op, "an operand cannot hold strings");
  }
  return checked_results(op.kName, std::move(infos));
}

Result<std::vector<Tensor>> reference(const op::Custom& op, Tensors) {
  return error(Code::kUnsupported, op.kName, ": '", op.code,
               "' is the user's code, which only a Context has: build an engine and run that");
}

}  // namespace carnot
