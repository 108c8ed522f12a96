// pad: grows or crops each axis, by a value or by what the tensor holds.
#include <algorithm>

#include "base/checked.h"
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/operands.h"

namespace carnot {
namespace {

// One axis: result i reads source index map[i]; -1 is the fill.
using AxisMap = std::vector<int64_t>;

// `i` counts from the first kept element; `kept` are those that cropping leaves.
int64_t source_of(op::Pad::Mode mode, int64_t i, int64_t kept) {
  if (i >= 0 && i < kept) return i;
  switch (mode) {
    case op::Pad::kConstant:
      return -1;
    case op::Pad::kEdge:
      return std::clamp<int64_t>(i, 0, kept - 1);
    case op::Pad::kReflect: {
      if (kept == 1) return 0;
      const int64_t period = 2 * (kept - 1);
      const int64_t phase = ((i % period) + period) % period;
      return phase < kept ? phase : period - phase;
    }
    case op::Pad::kWrap:
      return ((i % kept) + kept) % kept;
  }
  return -1;
}

// What is cropped on one side is not there for the other side to repeat.
Result<AxisMap> map_axis(const op::Pad& op, int64_t extent, int64_t lo, int64_t hi, int64_t size) {
  AxisMap map(static_cast<size_t>(size), -1);
  const int64_t first = std::max<int64_t>(0, -lo);
  const int64_t kept = extent - first - std::max<int64_t>(0, -hi);
  if (kept <= 0 && op.mode != op::Pad::kConstant && size > 0) {
    return error(Code::kInvalidArgument, op.kName, ": mode ", op.kModeNames[op.mode],
                 " has no element to repeat");
  }
  for (int64_t i = 0; i < size; ++i) {
    const int64_t from =
        source_of(op.mode, i - std::max<int64_t>(0, lo), std::max<int64_t>(kept, 0));
    if (from >= 0) map[static_cast<size_t>(i)] = first + from;
  }
  return map;
}

struct Amounts {
  Shape lo, hi;
};

Result<Amounts> amounts_of(const op::Pad& op, Tensors in) {
  Amounts out;
  const int64_t rank = in[0].rank();
  for (int64_t i = 0; i < rank; ++i) {
    for (const bool high : {false, true}) {
      const Dim& dim = (high ? op.hi : op.lo)[static_cast<size_t>(i)];
      if (in.size() < 3 && !dim.is_constant()) {
        return error(Code::kInvalidArgument, op.kName, ": the size ", to_string(dim),
                     " is not known in this run");
      }
      (high ? out.hi : out.lo)
          .push_back(in.size() < 3 ? dim.value() : in[2].get_int(high ? rank + i : i));
    }
  }
  return out;
}

// lo and hi may hold a total that the run has bound: the target alone says how it is divided.
Result<Shape> padded_shape(const op::Pad& op, const Shape& x, const Amounts& amounts) {
  Dims dims;
  for (size_t i = 0; i < x.size(); ++i) {
    const Dim total = Dim(amounts.lo[i]) + Dim(amounts.hi[i]), stated = op.lo[i] + op.hi[i];
    if (!may_equal(total, stated)) {
      return error(Code::kInvalidArgument, op.kName, ": axis ", i, " grows by ", to_string(total),
                   " in this run, not ", to_string(stated));
    }
    dims.push_back(Dim(x[i]) + total);
  }
  CARNOT_RETURN_IF_ERROR(one_result(op.kName, DType::kF64, dims).status());
  return shape_of(dims);
}

Result<Tensor> default_fill(DType dtype) {
  if (dtype == DType::kString) return Tensor::from_strings({}, {""});
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, {}));
  out.set_int(0, 0);
  return out;
}

// Row by row: runs of neighbours along the innermost axis.
void write_rows(const std::vector<AxisMap>& maps, const Tensor& x, const Tensor& fill,
                const Shape& rows, ElementWriter& writer) {
  const std::vector<int64_t> strides = row_major_strides(x.shape());
  const AxisMap& last = maps.back();
  std::vector<int64_t> index(rows.size(), 0);
  int64_t at = 0;
  do {
    int64_t base = 0;
    bool inside = true;
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t from = maps[i][static_cast<size_t>(index[i])];
      inside = inside && from >= 0;
      base += from * strides[i];
    }
    for (size_t i = 0; i < last.size();) {
      const bool is_fill = !inside || last[i] < 0;
      size_t end = i + 1;
      while (end < last.size() &&
             (is_fill ? !inside || last[end] < 0 : last[end] == last[end - 1] + 1)) {
        ++end;
      }
      const auto count = static_cast<int64_t>(end - i);
      if (is_fill) {
        writer.fill(at, fill, 0, count);
      } else {
        writer.copy(at, x, base + last[i], count);
      }
      at += count;
      i = end;
    }
  } while (next_index(index, rows));
}

}  // namespace

Result<std::vector<Info>> infer(const op::Pad& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  if (op.lo.size() != x.dims.size() || op.hi.size() != x.dims.size()) {
    return invalid(op, "lo and hi must have one entry for each axis of ", to_string(x));
  }
  if (in.size() > 1) {
    CARNOT_RETURN_IF_ERROR(expect_single(op.kName, "the fill", in[1].type));
    if (in[1].type.dtype != x.dtype) {
      return invalid(op, "the fill is ", to_string(in[1].type), ", the operand ", to_string(x));
    }
  }
  if (in.size() > 2) {
    CARNOT_RETURN_IF_ERROR(check_vector(op.kName, "the target", in[2].type, 2 * x.rank()));
  }
  Dims dims;
  for (size_t i = 0; i < x.dims.size(); ++i) dims.push_back(x.dims[i] + op.lo[i] + op.hi[i]);
  // Without an operand for it, the fill has no position.
  const bool moves = in.size() == 2 || (in.size() == 1 && op.mode != op::Pad::kConstant);
  std::optional<Dims> elements = moves ? moved_elements(op, in) : std::nullopt;
  return one_result(op.kName, x.dtype, std::move(dims), std::move(elements));
}

Result<std::vector<Tensor>> reference(const op::Pad& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  const Tensor& x = in[0];
  CARNOT_ASSIGN(const Amounts amounts, amounts_of(op, in));
  CARNOT_ASSIGN(const Shape shape, padded_shape(op, x.shape(), amounts));
  Tensor fill;
  if (in.size() > 1) {
    fill = in[1];
  } else {
    CARNOT_ASSIGN(fill, default_fill(x.dtype()));
  }
  CARNOT_ASSIGN(ElementWriter writer, ElementWriter::make(x.dtype(), shape));
  if (volume(shape) == 0) return std::vector<Tensor>{std::move(writer).take()};
  std::vector<AxisMap> maps;
  for (size_t i = 0; i < shape.size(); ++i) {
    CARNOT_ASSIGN(AxisMap map, map_axis(op, x.shape()[i], amounts.lo[i], amounts.hi[i], shape[i]));
    maps.push_back(std::move(map));
  }
  if (shape.empty()) {
    writer.copy(0, x, 0, 1);
    return std::vector<Tensor>{std::move(writer).take()};
  }
  write_rows(maps, x, fill, Shape(shape.begin(), shape.end() - 1), writer);
  return std::vector<Tensor>{std::move(writer).take()};
}

}  // namespace carnot
