// Layers that look elements up or make them: gather, scatter, resize, fill, NMS.
#include <cmath>

#include "layers_shape.h"

namespace trt {

using carnot::Dim;
using carnot::ScalarOp;
namespace op = carnot::op;

void Resize::setScales(float const* values, int32_t count) noexcept {
  if (!values || count < 0 || count > Dims::MAX_DIMS) return;
  scales.assign(values, values + count);
  touch();
}

int32_t Resize::getScales(int32_t count, float* values) const noexcept {
  const auto have = static_cast<int32_t>(scales.size());
  for (int32_t i = 0; values && i < std::min(count, have); ++i) {
    values[i] = scales[static_cast<size_t>(i)];
  }
  return scales.empty() ? -1 : have;
}

op::Resize Resize::operation() const {
  op::Resize r;
  r.mode = mode == InterpolationMode::kNEAREST  ? op::Resize::kNearest
           : mode == InterpolationMode::kLINEAR ? op::Resize::kLinear
                                                : op::Resize::kCubic;
  switch (coordinates) {
    case ResizeCoordinateTransformation::kALIGN_CORNERS:
      r.coordinates = op::Resize::kAlignCorners;
      break;
    case ResizeCoordinateTransformation::kASYMMETRIC:
      r.coordinates = op::Resize::kAsymmetric;
      break;
    case ResizeCoordinateTransformation::kHALF_PIXEL:
      r.coordinates = selector == ResizeSelector::kUPPER ? op::Resize::kPytorchHalfPixel
                                                         : op::Resize::kHalfPixel;
      break;
  }
  static constexpr op::Resize::Nearest kRounding[] = {op::Resize::kRoundPreferCeil,
                                                      op::Resize::kRoundPreferFloor,
                                                      op::Resize::kFloor, op::Resize::kCeil};
  const auto i = static_cast<size_t>(rounding);
  if (i >= std::size(kRounding)) refuse("unknown rounding ", i);
  r.nearest = kRounding[i];
  r.cubic_a = static_cast<double>(cubic);
  r.exclude_outside = exclude_outside;
  return r;
}

Values Resize::emit(Emit& e, const Values& in) {
  op::Resize r = operation();
  const carnot::Dims& sizes = e.dims(in[0]);
  if (in.size() > 1 && in[1].valid()) {
    const auto& known = e.elements(in[1]);
    if (known) {
      r.sizes = *known;
      return {e.make(r, {in[0]})};
    }
    for (size_t i = 0; i < sizes.size(); ++i) r.sizes.push_back(e.fresh("resize"));
    return {e.make(r, {in[0], e.cast(in[1], DType::kI64)})};
  }
  if (dims.nbDims > 0) {
    r.sizes = fixed_dims(dims);
    return {e.make(r, {in[0]})};
  }
  if (scales.empty()) return {in[0]};  // all are 1
  if (scales.size() != sizes.size()) {
    refuse("has ", scales.size(), " scales for ", sizes.size(),
           " axes; set output dimensions or a scale for each axis");
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto scale = static_cast<double>(scales[i]);
    if (!(scale > 0) || scale > 1e6) refuse("scale ", scale, " of axis ", i);
    r.scales.push_back(scale);
    if (sizes[i].is_constant()) {
      r.sizes.emplace_back(
          static_cast<int64_t>(std::floor(static_cast<double>(sizes[i].value()) * scale)));
    } else if (scale == std::floor(scale)) {
      r.sizes.push_back(sizes[i] * Dim(static_cast<int64_t>(scale)));
    } else if (1 / scale == std::floor(1 / scale)) {
      r.sizes.push_back(floor_div(sizes[i], Dim(static_cast<int64_t>(1 / scale))));
    } else {
      unsupported("scale ", scale, " of axis ", i,
                  ", whose size is not known; give output dimensions");
    }
  }
  return {e.make(r, {in[0]})};
}

Values Gather::emit(Emit& e, const Values& in) {
  const Handle data = in[0], index = e.cast(in[1], DType::kI64);
  if (mode == GatherMode::kELEMENT) return {e.make(op::GatherElements{axis}, {data, index})};
  if (mode == GatherMode::kND) return {e.make(op::GatherNd{batch}, {data, index})};
  const int64_t at = axis < 0 ? axis + e.rank(data) : axis;
  if (at < 0 || at >= e.rank(data)) refuse("axis ", axis, " of a tensor of rank ", e.rank(data));
  if (batch == 0) return {e.gather(data, index, at)};
  if (batch != 1 || at < 1 || e.rank(index) < 1)
    refuse(batch, " elementwise dimensions, axis ", axis);
  // The gathered axis comes second, then its results go where it was.
  Ints perm = {0, at};
  for (int64_t i = 1; i < e.rank(data); ++i) {
    if (i != at) perm.push_back(i);
  }
  carnot::Dims with_one = e.dims(index);
  with_one.emplace_back(1);
  const Handle got = e.make(op::GatherNd{1}, {e.transpose(data, perm), e.reshape(index, with_one)});
  const int64_t added = e.rank(index) - 1;
  Ints back = {0};
  for (int64_t i = 1; i < at; ++i) back.push_back(added + i);
  for (int64_t i = 0; i < added; ++i) back.push_back(1 + i);
  for (int64_t i = added + at; i < e.rank(got); ++i) back.push_back(i);
  return {e.transpose(got, back)};
}

Values Scatter::emit(Emit& e, const Values& in) {
  const Values operands = {in[0], e.cast(in[1], DType::kI64), in[2]};
  if (e.dtype(in[2]) != e.dtype(in[0])) refuse("data and updates have different types");
  if (mode == ScatterMode::kND) return {e.make(op::ScatterNd{}, operands)};
  const int64_t at = axis < 0 ? axis + e.rank(in[0]) : axis;
  return {e.make(op::ScatterElements{at, carnot::op::ScatterKind::kAssign}, operands)};
}

namespace {

/// beta for each axis of the result, ready to be multiplied with the indices along it.
Handle along(Emit& e, Handle betas, int64_t axis, DType dtype) {
  return e.cast(e.reshape(e.slice(betas, 0, Dim(axis), Dim(1)), {}), dtype);
}

}  // namespace

Handle Fill::linear(Emit& e, const Values& in, const carnot::Dims& sizes) const {
  const DType dtype = *dtype_of(to);
  const auto given = [&](size_t i) { return in.size() > i && in[i].valid(); };
  const auto number = [&](double real, int64_t integer) {
    carnot::Tensor t = carnot::Tensor::zeros(dtype, {});
    integers ? t.set_int(0, integer) : t.set(0, real);
    return e.constant(std::move(t));
  };
  Handle sum = given(1) ? e.cast(e.reshape(in[1], {}), dtype) : number(alpha, alpha_int);
  for (int64_t axis = 0; axis < static_cast<int64_t>(sizes.size()); ++axis) {
    const Handle index = e.make(op::Iota{sizes, axis, dtype}, {});
    const Handle step = given(2) && e.rank(in[2]) == 1 ? along(e, in[2], axis, dtype)
                        : given(2)                     ? e.cast(in[2], dtype)
                                                       : number(beta, beta_int);
    sum = e.map("add($0, mul($1, $2))", {sum, index, step});
  }
  return sum;
}

/// Counter-based: each element hashes its index and the layer's seed.
Handle Fill::random(Emit& e, const Values& in, const carnot::Dims& sizes) const {
  const Handle flat = e.make(op::Iota{{carnot::product(sizes)}, 0, DType::kI64}, {});
  const Handle index = e.cast(e.reshape(flat, sizes), DType::kU32);
  const auto uniform = [&](uint32_t stream) {
    const std::string mix =
        cat("t0 = add(mul($0, 2654435761:u32), ", seed * 2 + stream,
            ":u32); "
            "t1 = mul(bit_xor(t0, shr(t0, 16:u32)), 2246822507:u32); "
            "t2 = mul(bit_xor(t1, shr(t1, 13:u32)), 3266489909:u32); "
            "t3 = bit_xor(t2, shr(t2, 16:u32)); "
            "mul(add(cast(shr(t3, 8:u32)):f32, 0.5:f32), 5.9604644775390625e-08:f32)");
    return e.map(mix, {index});
  };
  const auto parameter = [&](size_t i, double value) {
    const bool given = in.size() > i && in[i].valid();
    return given ? e.cast(e.reshape(in[i], {}), DType::kF32) : e.scalar(DType::kF32, value);
  };
  const Handle a = parameter(1, alpha), b = parameter(2, beta);
  const Handle x = operation == FillOperation::kRANDOM_UNIFORM
                       ? e.map("add($1, mul($0, sub($2, $1)))", {uniform(0), a, b})
                       : e.map(
                             "add($2, mul($3, mul(sqrt(mul(log($0), -2.0:f32)), cos(mul($1, "
                             "6.283185307179586:f32)))))",
                             {uniform(0), uniform(1), a, b});
  return e.cast(x, *dtype_of(to));
}

Values Fill::emit(Emit& e, const Values& in) {
  if (!is_known(to)) refuse("unknown data type ", static_cast<int>(to));
  carnot::Dims sizes = fixed_dims(dims);
  if (!in.empty() && in[0].valid()) {
    const auto& known = e.elements(in[0]);
    if (known) {
      sizes = *known;
    } else {  // a scalar spread over a shape that the data gives
      if (e.rank(in[0]) != 1 || !e.dims(in[0])[0].is_constant()) {
        refuse("the dimensions must be a vector of known length");
      }
      op::Expand spread;
      for (int64_t i = 0; i < e.dims(in[0])[0].value(); ++i)
        spread.sizes.push_back(e.fresh("fill"));
      e.make(spread, {e.scalar(DType::kI32, 0), e.cast(in[0], DType::kI64)});
      sizes = spread.sizes;
    }
  }
  return {operation == FillOperation::kLINSPACE ? linear(e, in, sizes) : random(e, in, sizes)};
}

Values Nms::emit(Emit& e, const Values& in) {
  Handle boxes = in[0];
  if (e.rank(boxes) == 4) {
    if (!e.dims(boxes)[2].is(1)) unsupported("boxes of their own for each class");
    boxes = e.reshape(boxes, {e.dims(boxes)[0], e.dims(boxes)[1], e.dims(boxes)[3]});
  }
  if (e.rank(boxes) != 3 || e.rank(in[1]) != 3) {
    refuse("needs boxes [n, count, 4] and scores [n, count, classes]");
  }
  const auto number = [&](size_t i, double otherwise) {
    const bool given = in.size() > i && in[i].valid();
    return given ? e.cast(e.reshape(in[i], {}), DType::kF32) : e.scalar(DType::kF32, otherwise);
  };
  op::NonMaxSuppression n;
  n.center_point_box = format == BoundingBoxFormat::kCENTER_SIZES;
  n.count = e.fresh("nms");
  const Handle found =
      e.make(n, {e.cast(boxes, DType::kF32), e.cast(e.transpose(in[1], {0, 2, 1}), DType::kF32),
                 e.cast(e.reshape(in[2], {}), DType::kI64), number(3, 0),
                 number(4, -std::numeric_limits<float>::infinity())});
  const DType dtype = *dtype_of(indices);
  const Handle count =
      e.gather(e.shape_of(found), e.constant(carnot::Tensor::from_i64({}, {0})), 0);
  return {e.cast(found, dtype), e.cast(count, dtype)};
}

}  // namespace trt
