#include "ops/scatter.h"

#include <cmath>

#include "ops/numbers.h"

namespace carnot {
namespace {

inline double combine(op::ScatterKind kind, double a, double b) {
  switch (kind) {
    case op::ScatterKind::kAdd:
      return a + b;
    case op::ScatterKind::kMul:
      return a * b;
    case op::ScatterKind::kMax:
      return std::isnan(a) || a > b ? a : b;
    case op::ScatterKind::kMin:
      return std::isnan(a) || a < b ? a : b;
    case op::ScatterKind::kAssign:
      break;
  }
  return b;
}

int64_t combine(op::ScatterKind kind, DType dtype, int64_t a, int64_t b) {
  const auto bits = [](int64_t v) { return static_cast<uint64_t>(v); };
  switch (kind) {
    // Or and and, where the elements are bools.
    case op::ScatterKind::kAdd:
      return dtype == DType::kBool ? a | b : static_cast<int64_t>(bits(a) + bits(b));
    case op::ScatterKind::kMul:
      return static_cast<int64_t>(bits(a) * bits(b));
    case op::ScatterKind::kMax:
      return int_less(dtype, a, b) ? b : a;
    case op::ScatterKind::kMin:
      return int_less(dtype, b, a) ? b : a;
    case op::ScatterKind::kAssign:
      break;
  }
  return b;
}

}  // namespace

Status check_updates(const char* op, op::ScatterKind kind, const TensorType& data,
                     const TensorType& updates, const Dims& dims) {
  bool fits = updates.dtype == data.dtype && updates.dims.size() == dims.size();
  for (size_t i = 0; fits && i < dims.size(); ++i) fits = may_equal(updates.dims[i], dims[i]);
  if (!fits) {
    return error(Code::kInvalidModel, op, ": the updates must be ",
                 to_string(TensorType{data.dtype, dims}), ", are ", to_string(updates));
  }
  if (data.dtype == DType::kString && kind != op::ScatterKind::kAssign) {
    return error(Code::kInvalidModel, op, ": strings can only be assigned");
  }
  return {};
}

Result<Scatter> Scatter::make(op::ScatterKind kind, const Tensor& data, const Tensor& updates) {
  Scatter out;
  out.kind_ = kind;
  out.dtype_ = data.dtype();
  out.shape_ = data.shape();
  if (kind == op::ScatterKind::kAssign) {
    CARNOT_ASSIGN(out.writer_, ElementWriter::make(data.dtype(), data.shape()));
    out.writer_.copy_all(data);
    out.updates_ = updates;
  } else if (is_float(out.dtype_)) {
    out.reals_ = doubles_of(data);
    if (out.dtype_ == DType::kF32) {  // read where they are: there may be many
      CARNOT_ASSIGN(out.updates_, updates.dense());
    } else {
      out.real_updates_ = doubles_of(updates);
    }
  } else {
    out.ints_ = ints_of(data);
    out.int_updates_ = ints_of(updates);
  }
  return out;
}

void Scatter::update(int64_t at, int64_t from, int64_t count) {
  if (kind_ == op::ScatterKind::kAssign) return writer_.copy(at, updates_, from, count);
  if (dtype_ == DType::kF32) {
    for (int64_t i = 0; i < count; ++i) {
      double& to = reals_[static_cast<size_t>(at + i)];
      to = combine(kind_, to, load_unaligned<float>(updates_.data(), from + i));
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    const auto to = static_cast<size_t>(at + i), source = static_cast<size_t>(from + i);
    if (is_float(dtype_)) {
      reals_[to] = combine(kind_, reals_[to], real_updates_[source]);
    } else {
      ints_[to] = combine(kind_, dtype_, ints_[to], int_updates_[source]);
    }
  }
}

Result<std::vector<Tensor>> Scatter::take() && {
  if (kind_ == op::ScatterKind::kAssign) {
    return std::vector<Tensor>{std::move(writer_).take()};
  }
  Result<Tensor> out =
      is_float(dtype_) ? tensor_of(dtype_, shape_, reals_) : tensor_of(dtype_, shape_, ints_);
  if (!out.ok()) return std::move(out).status();
  return std::vector<Tensor>{std::move(*out)};
}

}  // namespace carnot
