// reverse_sequence: each batch entry's first `length` steps in reverse, the rest unchanged.
#include "ops/operands.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::ReverseSequence& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &lengths = in[1].type;
  CARNOT_ASSIGN(const int64_t batch, resolve_axis(op.kName, op.batch_axis, x.rank()));
  CARNOT_ASSIGN(const int64_t time, resolve_axis(op.kName, op.time_axis, x.rank()));
  if (batch == time) return invalid(op, "batch_axis and time_axis are both ", batch);
  CARNOT_RETURN_IF_ERROR(expect_integer(op.kName, "lengths", lengths));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "lengths", lengths, 1));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "the number of lengths", lengths.dims[0],
                                     x.dims[static_cast<size_t>(batch)]));
  return one_result(op.kName, x.dtype, x.dims);
}

Result<std::vector<Tensor>> reference(const op::ReverseSequence& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  const Tensor &x = in[0], &lengths = in[1];
  CARNOT_ASSIGN(const int64_t batch_axis, resolve_axis(op.kName, op.batch_axis, x.rank()));
  CARNOT_ASSIGN(const int64_t time_axis, resolve_axis(op.kName, op.time_axis, x.rank()));
  const Shape strides = row_major_strides(x.shape());
  const auto batch = static_cast<size_t>(batch_axis), time = static_cast<size_t>(time_axis);
  for (int64_t i = 0; i < lengths.elements(); ++i) {
    const int64_t length = lengths.get_int(i);
    if (length < 0 || length > x.shape()[time]) {
      return bad_value(op, "length ", length, " of batch entry ", i, " is not within the ",
                       x.shape()[time], " steps");
    }
  }
  CARNOT_ASSIGN(Tensor out, pick(x, x.shape(), [&](int64_t i) {
                  const int64_t length = lengths.get_int(i / strides[batch] % x.shape()[batch]);
                  const int64_t step = i / strides[time] % x.shape()[time];
                  return step < length ? i + (length - 1 - 2 * step) * strides[time] : i;
                }));
  return std::vector<Tensor>{out};
}

}  // namespace carnot
