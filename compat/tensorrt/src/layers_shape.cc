#include "layers_shape.h"

#include "network.h"

namespace trt {

using carnot::Dim;
using carnot::ScalarOp;
namespace op = carnot::op;

Values Cast::emit(Emit& e, const Values& in) {
  const auto dtype = dtype_of(to);
  if (!dtype) refuse("unknown data type ", static_cast<int>(to));
  return {e.cast(in[0], *dtype)};
}

void Constant::set_value(carnot::Tensor value) {
  value_ = std::move(value);
  has_value_ = true;
  dims = dims_of(value_.shape());
  const auto type = data_type_of(value_.dtype());
  if (type && !value_.is_splat()) weights = {*type, value_.data(), value_.elements()};
}

Values Constant::emit(Emit& e, const Values&) {
  const bool same = weights.values == nullptr || weights.values == value_.data();
  if (has_value_ && same) return {e.constant(value_)};
  return {e.weights(weights, ints_of(dims))};
}

namespace {

/// Axes that a constant names, in order, negative ones counted from the end of `rank`.
Ints axes_from(const Emit& e, Handle axes, int64_t rank) {
  std::optional<Ints> list = e.known_ints(axes);
  if (!list) refuse("the axes must be constants");
  for (int64_t& axis : *list) {
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) refuse("axis ", axis, " is out of range for rank ", rank);
  }
  std::sort(list->begin(), list->end());
  if (std::adjacent_find(list->begin(), list->end()) != list->end()) refuse("an axis comes twice");
  return *list;
}

Ints order_of(const Permutation& p, int64_t rank) {
  Ints out(p.order, p.order + std::min<int64_t>(rank, Dims::MAX_DIMS));
  Ints sorted = out;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<int64_t>(i)) {
      refuse("the order ", carnot::to_string(out), " is no permutation of ", rank, " axes");
    }
  }
  return out;
}

}  // namespace

Shuffle::Shuffle(Network& net) : LayerOf(net, LayerType::kSHUFFLE) {
  for (int32_t i = 0; i < Dims::MAX_DIMS; ++i) first.order[i] = second.order[i] = i;
  reshape.nbDims = -1;
}

Handle Shuffle::reshaped(Emit& e, Handle x, const Values& in) const {
  carnot::Dims sizes;
  if (in.size() > 1 && in[1].valid()) {
    const auto& known = e.elements(in[1]);
    if (!known) {
      if (e.rank(in[1]) != 1 || !e.dims(in[1])[0].is_constant()) {
        refuse("the reshape dimensions must be a vector of known length");
      }
      op::Reshape r;
      for (int64_t i = 0; i < e.dims(in[1])[0].value(); ++i) r.sizes.push_back(e.fresh("shuffle"));
      return e.make(r, {x, e.cast(in[1], DType::kI64)});
    }
    sizes = *known;
  } else if (reshape.nbDims >= 0) {
    sizes = fixed_dims(reshape);
  } else {
    return x;
  }
  size_t open = sizes.size();
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i].is(0) && zero_copies) {
      if (i >= e.dims(x).size())
        refuse("axis ", i, " is 0, which copies an axis that is not there");
      sizes[i] = e.dims(x)[i];
    } else if (sizes[i].is(-1)) {
      if (open < sizes.size()) refuse("only one dimension may be -1");
      open = i;
    } else if (sizes[i].is_constant() && sizes[i].value() < -1) {
      refuse("dimension ", sizes[i].value());
    }
  }
  if (open < sizes.size()) {
    sizes[open] = Dim(1);
    const Dim rest = carnot::product(sizes);
    if (rest.is(0)) refuse("-1 beside a dimension of 0 could be anything");
    sizes[open] = floor_div(carnot::product(e.dims(x)), rest);
  }
  return e.reshape(x, sizes);
}

Values Shuffle::emit(Emit& e, const Values& in) {
  Handle x = e.transpose(in[0], order_of(first, e.rank(in[0])));
  x = reshaped(e, x, in);
  return {e.transpose(x, order_of(second, e.rank(x)))};
}

namespace {

/// A slice's parameter for every axis of x.
struct Along {
  carnot::Dims values;
  Handle tensor;  ///< where they are computed: i64, one for each axis
};

Along parameter(Emit& e, const Values& in, size_t index, const Dims& fixed, const Ints& axes,
                const carnot::Dims& otherwise, const char* what) {
  Along out;
  out.values = otherwise;
  carnot::Dims given;
  if (in.size() > index && in[index].valid()) {
    const auto& known = e.elements(in[index]);
    if (!known) {
      if (axes.size() != otherwise.size()) {
        unsupported("the ", what, " is computed for some axes only; give it for all");
      }
      out.tensor = e.cast(in[index], DType::kI64);
      return out;
    }
    given = *known;
  } else {
    given = fixed_dims(fixed);
  }
  if (given.size() != axes.size()) {
    refuse("the ", what, " has ", given.size(), " values for ", axes.size(), " axes");
  }
  for (size_t i = 0; i < axes.size(); ++i) out.values[static_cast<size_t>(axes[i])] = given[i];
  return out;
}

op::Pad::Mode pad_mode(SampleMode mode) {
  switch (mode) {
    case SampleMode::kWRAP:
      return op::Pad::kWrap;
    case SampleMode::kCLAMP:
      return op::Pad::kEdge;
    case SampleMode::kREFLECT:
      return op::Pad::kReflect;
    default:
      return op::Pad::kConstant;
  }
}

/// Grows x so that the slice lies within it; moves the starts accordingly.
Handle grown(Emit& e, Handle x, op::Slice& s, SampleMode mode, Handle fill) {
  op::Pad p;
  p.mode = pad_mode(mode);
  for (size_t i = 0; i < s.starts.size(); ++i) {
    const Dim& size = e.dims(x)[i];
    const bool whole = s.starts[i].is(0) && s.sizes[i] == size && s.steps[i] == 1;
    Dim lo(0), hi(0);
    if (!whole && !s.sizes[i].is(0)) {
      const Dim end = s.starts[i] + (s.sizes[i] - Dim(1)) * Dim(s.steps[i]);
      const bool forward = s.steps[i] > 0;
      lo = max(Dim(0), Dim(0) - (forward ? s.starts[i] : end));
      hi = max(Dim(0), (forward ? end : s.starts[i]) - size + Dim(1));
    }
    p.lo.push_back(lo), p.hi.push_back(hi);
    s.starts[i] = s.starts[i] + lo;
  }
  Values operands = {x};
  if (p.mode == op::Pad::kConstant && fill.valid()) {
    operands.push_back(e.cast(e.reshape(fill, {}), e.dtype(x)));
  }
  return e.make(p, operands);
}

}  // namespace

namespace {

/// A slice whose start or size only the data gives.
Handle computed_slice(Emit& e, Handle x, op::Slice s, const Along& starts, const Along& sizes) {
  const auto dims_tensor = [&](const Along& a) {
    return a.tensor.valid() ? a.tensor : e.make(op::DimsTensor{a.values, false}, {});
  };
  const Handle from = dims_tensor(starts);
  const Handle to = e.map("add($0, mul($1, $2))", {from, dims_tensor(sizes), e.ints(s.steps)});
  const Dim n(e.rank(x));
  const Handle target = e.concat({e.reshape(from, {Dim(1), n}), e.reshape(to, {Dim(1), n})}, 0);
  for (Dim& d : s.starts) d = Dim(0);
  if (sizes.tensor.valid()) {
    for (Dim& d : s.sizes) d = e.fresh("slice");
    return e.make(s, {x, target});
  }
  // Sizes are known, but the form with a target defines them.
  op::Slice dynamic = s;
  for (Dim& d : dynamic.sizes) d = e.fresh("slice");
  return e.reshape(e.make(dynamic, {x, target}), s.sizes);
}

/// What a step of 0 asks for, or one that only the data gives: it may only tell an axis of one
/// element, which is repeated, from a whole one.
Handle repeated(Emit& e, Handle x, const Along& sizes) {
  if (!sizes.tensor.valid()) return e.expand(x, sizes.values);
  op::Expand spread;
  for (int64_t i = 0; i < e.rank(x); ++i) spread.sizes.push_back(e.fresh("slice"));
  return e.make(spread, {x, sizes.tensor});
}

}  // namespace

Ints Slice::sliced_axes(const Emit& e, const Values& in) const {
  const int64_t rank = e.rank(in[0]);
  Ints list;
  if (in.size() > 5 && in[5].valid()) {
    const auto known = e.known_ints(in[5]);
    if (!known) refuse("the axes must be constants");
    list = *known;
  } else if (axes.nbDims > 0) {
    list = ints_of(axes);
  } else {
    for (int64_t i = 0; i < rank; ++i) list.push_back(i);
  }
  for (int64_t& axis : list) {
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) refuse("axis ", axis, " of a tensor of rank ", rank);
  }
  return list;
}

Values Slice::emit(Emit& e, const Values& in) {
  const Handle x = in[0];
  const Ints list = sliced_axes(e, in);
  const auto count = static_cast<size_t>(e.rank(x));
  const Along starts = parameter(e, in, 1, start, list, carnot::Dims(count, Dim(0)), "start");
  const Along sizes = parameter(e, in, 2, size, list, e.dims(x), "size");
  const Along steps = parameter(e, in, 3, stride, list, carnot::Dims(count, Dim(1)), "stride");
  op::Slice s;
  s.starts = starts.values, s.sizes = sizes.values;
  bool repeats = steps.tensor.valid();
  for (size_t i = 0; i < count; ++i) {
    const Dim& step = steps.values[i];
    s.steps.push_back(step.is_constant() && !step.is(0) && !repeats ? step.value() : 1);
    if (step.is_constant() && !step.is(0)) continue;
    repeats = true;
    s.sizes[i] = step.is(0) ? Dim(1) : e.dims(x)[i];
    if (!step.is(0) && !s.starts[i].is(0)) refuse("a computed stride needs a start of 0");
  }
  if (repeats) {
    if (starts.tensor.valid()) refuse("a stride of 0 needs a start that is known");
    const bool all = steps.tensor.valid() || sizes.tensor.valid();
    return {repeated(e, all ? x : e.make(s, {x}), sizes)};
  }
  if (starts.tensor.valid() || sizes.tensor.valid()) {
    if (mode != SampleMode::kSTRICT_BOUNDS) {
      unsupported("a computed start or size works with strict bounds only");
    }
    return {computed_slice(e, x, s, starts, sizes)};
  }
  if (mode == SampleMode::kSTRICT_BOUNDS) return {e.make(s, {x})};
  const Handle whole = grown(e, x, s, mode, in.size() > 4 ? in[4] : Handle{});
  return {e.make(s, {whole})};
}

Values Padding::emit(Emit& e, const Values& in) {
  if (e.rank(in[0]) < 2 || pre.nbDims != 2 || post.nbDims != 2) {
    refuse("pads the last two axes: give two sizes before and two after");
  }
  carnot::Dims lo(e.dims(in[0]).size(), Dim(0)), hi = lo;
  for (size_t i = 0; i < 2; ++i) {
    lo[lo.size() - 2 + i] = Dim(pre.d[i]);
    hi[hi.size() - 2 + i] = Dim(post.d[i]);
  }
  return {e.pad(in[0], lo, hi)};
}

Values Concatenation::emit(Emit& e, const Values& in) {
  for (const Handle& h : in) {
    if (!h.valid()) refuse("an input is not set");
    if (e.rank(h) != e.rank(in[0])) refuse("the inputs have different ranks");
    if (e.dtype(h) != e.dtype(in[0])) refuse("the inputs have different types");
  }
  const int64_t at = axis < 0 ? axis + e.rank(in[0]) : axis;
  if (at < 0 || at >= e.rank(in[0])) refuse("axis ", axis, " of tensors of rank ", e.rank(in[0]));
  return {e.concat(in, at)};
}

Values ShapeLayer::emit(Emit& e, const Values& in) {
  return {e.shape_of(in[0])};
}

Values Squeeze::emit(Emit& e, const Values& in) {
  carnot::Dims sizes = e.dims(in[0]);
  const Ints list = axes_from(e, in[1], e.rank(in[0]));
  for (size_t i = list.size(); i-- > 0;) {
    const auto axis = static_cast<size_t>(list[i]);
    if (sizes[axis].is_constant() && !sizes[axis].is(1)) {
      refuse("axis ", axis, " has size ", sizes[axis].value(), ", not 1");
    }
    sizes.erase(sizes.begin() + list[i]);
  }
  return {e.reshape(in[0], sizes)};
}

Values Unsqueeze::emit(Emit& e, const Values& in) {
  carnot::Dims sizes = e.dims(in[0]);
  const std::optional<Ints> known = e.known_ints(in[1]);
  const int64_t rank = e.rank(in[0]) + static_cast<int64_t>(known ? known->size() : 0);
  for (const int64_t axis : axes_from(e, in[1], rank)) sizes.insert(sizes.begin() + axis, Dim(1));
  return {e.reshape(in[0], sizes)};
}

Values NonZero::emit(Emit& e, const Values& in) {
  const Handle found = e.make(op::NonZero{e.fresh("nonzero")}, {in[0]});
  return {e.cast(found, *dtype_of(indices))};
}

Values OneHot::emit(Emit& e, const Values& in) {
  op::OneHot o;
  o.axis = axis < 0 ? axis + e.rank(in[0]) + 1 : axis;
  const auto& depth = e.elements(in[2]);
  Values operands = {e.cast(in[0], DType::kI64), in[1]};
  if (depth && depth->size() == 1) {
    o.depth = (*depth)[0];
  } else {
    o.depth = e.fresh("onehot");
    operands.push_back(e.cast(e.reshape(in[2], {}), DType::kI64));
  }
  return {e.make(o, operands)};
}

Values GridSample::emit(Emit& e, const Values& in) {
  op::GridSample g;
  g.mode = mode == InterpolationMode::kNEAREST  ? op::GridSample::kNearest
           : mode == InterpolationMode::kLINEAR ? op::GridSample::kLinear
                                                : op::GridSample::kCubic;
  g.padding = sample == SampleMode::kFILL    ? op::GridSample::kZeros
              : sample == SampleMode::kCLAMP ? op::GridSample::kBorder
                                             : op::GridSample::kReflection;
  g.align_corners = align;
  return {e.make(g, in)};
}

Values ReverseSequence::emit(Emit& e, const Values& in) {
  return {
      e.make(op::ReverseSequence{batch_axis, sequence_axis}, {in[0], e.cast(in[1], DType::kI64)})};
}

Values Assertion::emit(Emit& e, const Values& in) {
  if (e.dtype(in[0]) != DType::kBool) {
    refuse("needs a Bool condition, has ", carnot::to_string(e.dtype(in[0])));
  }
  const auto known = e.known_ints(in[0]);
  if (!known) {
    network.reporter().warning(cat("layer '", name, "' (Assertion): '", message,
                                   "' follows from the data: a run does not check it"));
  } else if (std::find(known->begin(), known->end(), 0) != known->end()) {
    refuse("the assertion does not hold: ", message);
  }
  return {};
}

}  // namespace trt
