// Operators that take parts of a tensor or put something around it.
#include "onnx_rows.h"

namespace trt {

namespace {

/// All is known, and starts are INT32.
void fixed_slice(OnnxView& v, NetTensor* x) {
  const Dims dims = v.dims(x);
  Ints starts(static_cast<size_t>(dims.nbDims), 0), sizes = ints_of(dims), steps = starts;
  std::fill(steps.begin(), steps.end(), 1);
  const Ints from = v.known_ints(1), to = v.known_ints(2);
  const Ints axes = v.has(3) ? v.known_ints(3) : Sizes::count_up(dims.nbDims).values();
  const Ints by = v.has(4) ? v.known_ints(4) : Ints(from.size(), 1);
  if (to.size() != from.size() || axes.size() < from.size() || by.size() != from.size()) {
    throw NotShown();
  }
  for (size_t i = 0; i < from.size(); ++i) {
    const auto axis = static_cast<size_t>(v.axis(axes[i], dims.nbDims));
    if (axis >= sizes.size() || by[i] == 0) throw NotShown();
    const int64_t most = dims.d[axis], sign = by[i] < 0 ? -1 : 0;
    const int64_t start =
        std::min(std::max<int64_t>(from[i] < 0 ? from[i] + most : from[i], 0), most + sign);
    const int64_t end = std::min(std::max(to[i] < 0 ? to[i] + most : to[i], sign), most);
    starts[axis] = start, steps[axis] = by[i];
    sizes[axis] = std::max<int64_t>((end - start + by[i] - (by[i] > 0 ? 1 : -1)) / by[i], 0);
  }
  v.out(v.named<Slice>({x}, [&](Slice& l) {
    l.start = dims_of(starts), l.size = dims_of(sizes), l.stride = dims_of(steps);
  }));
}

struct Bounds {
  Sizes starts, ends, steps, axes;
};

/// Numbers are counted from the front.
Sizes from_front(OnnxView& v, const Sizes& axes, int64_t rank) {
  if (!axes.known()) return axes;
  Ints out;
  for (const int64_t axis : axes.values()) {
    out.push_back(v.axis(axis, static_cast<int32_t>(rank)));
    if (out.back() >= rank) throw NotShown();
  }
  return Sizes::list(std::move(out));
}

/// `input`: where axes that are computed come from.
void set_axes(OnnxView& v, Slice* layer, const Sizes& axes, size_t input) {
  if (axes.known()) {
    layer->axes = dims_of(axes.values());
    return;
  }
  layer->inputs.resize(6);
  layer->inputs[5] = v.in(input);
}

Bounds bounds_from_inputs(OnnxView& v, const Sizes& dims) {
  Bounds b;
  NetTensor* const from = v.cast(v.in(1), DataType::kINT64);
  NetTensor* const to = v.cast(v.in(2), DataType::kINT64);
  b.starts = Sizes::of(v, from);
  b.ends = Sizes::of(v, to);
  b.axes = v.has(3) ? Sizes::of_input(v, 3) : Sizes::count_up(dims.count());
  b.steps = v.has(4) ? Sizes::of_input(v, 4) : like(v, b.starts, 1);
  return b;
}

Bounds bounds_from_attributes(OnnxView& v) {
  const auto starts = v.ints("starts"), ends = v.ints("ends");
  if (!starts || !ends) throw NotShown();
  const auto count = static_cast<int64_t>(starts->size());
  const Ints axes = v.ints("axes").value_or(Sizes::count_up(count).values());
  return {Sizes::list(*starts), Sizes::list(*ends), Sizes::list(Ints(starts->size(), 1)),
          Sizes::list(axes)};
}

void slice(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const Sizes dims = Sizes::shape(v, x);
  if (v.opset() >= 10 && v.type(size_t{1}) == DataType::kINT32) {
    bool fixed = dims.known();
    for (size_t i = 1; i < v.inputs(); ++i) fixed = fixed && (!v.has(i) || v.weights(i));
    if (fixed) return fixed_slice(v, x);
  }
  Bounds b = v.opset() >= 10 ? bounds_from_inputs(v, dims) : bounds_from_attributes(v);
  b.axes = from_front(v, b.axes, dims.count());
  if (b.starts.count() != b.axes.count() || b.ends.count() != b.axes.count()) throw NotShown();
  const Sizes along = gather(v, dims, b.axes);
  decode(v, along, b.steps, b.starts, b.ends);
  Sizes sizes = sizes_between(v, b.starts, b.ends, b.steps, along);
  sizes = greatest(v, like(v, along, 0), sizes);
  Slice* const layer = add_slice(v, x, b.starts, sizes, b.steps);
  set_axes(v, layer, b.axes, 3);
  v.call(layer);
  v.out(OnnxView::result(layer));
}

/// The sizes of split parts along the axis, as far as the node says.
struct Parts {
  std::optional<Ints> fixed;
  Sizes computed;
};

Parts parts_of(OnnxView& v) {
  Parts out;
  if (v.opset() < 13) {
    out.fixed = v.ints("split");
  } else if (v.has(1) && v.weights(1)) {
    out.fixed = v.known_ints(1);
  } else if (v.has(1)) {
    out.computed = Sizes::of_input(v, 1);
  }
  if (out.fixed && out.fixed->size() != v.outputs()) throw NotShown();
  return out;
}

void split(OnnxView& v) {
  const auto count = static_cast<int64_t>(v.outputs());
  NetTensor* const x = v.in(0);
  const Sizes dims = Sizes::shape(v, x);
  const int32_t axis = v.axis(v.integer("axis", 0), static_cast<int32_t>(dims.count()));
  const Sizes places = places_of({axis}, dims.count());
  const Parts parts = parts_of(v);
  const bool given = parts.fixed || parts.computed.count() != 0;
  Sizes sizes, last_sizes, part;
  if (!given) {
    const Sizes whole = gather(v, dims, Sizes::one(axis));
    part = floor_divide(v, add(v, whole, Sizes::one(count - 1)), Sizes::one(count));
    const Sizes last = subtract(v, whole, multiply(v, part, Sizes::one(count - 1)));
    sizes = interlace(v, dims, part, places);
    last_sizes = interlace(v, dims, last, places);
  }
  const Sizes zeros = like(v, dims, 0), ones = like(v, dims, 1);
  Sizes starts = zeros, start = Sizes::one(0);
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0) {
      start = add(v, start, part);
      starts = interlace(v, zeros, start, places);
    }
    if (given) {
      part = parts.fixed ? Sizes::one((*parts.fixed)[static_cast<size_t>(i)])
                         : gather(v, parts.computed, Sizes::one(i));
      sizes = interlace(v, dims, part, places);
    } else if (i == count - 1) {
      sizes = last_sizes;
    }
    Layer* const layer = add_slice(v, x, starts, sizes, ones);
    v.call(layer);
    v.out(OnnxView::result(layer));
  }
}

SampleMode mode_of(const std::string& name) {
  if (name == "constant") return SampleMode::kFILL;
  if (name == "reflect") return SampleMode::kREFLECT;
  if (name == "edge") return SampleMode::kCLAMP;
  if (name == "wrap") return SampleMode::kWRAP;
  throw NotShown();
}

/// What fills the border; null where it is 0.
NetTensor* fill_of(OnnxView& v, NetTensor* x) {
  float value = v.opset() < 11 ? v.real("value", 0) : 0;
  if (v.opset() >= 11 && v.has(2)) {
    const carnot::Tensor* const given = v.weights(2);
    if (!given || !carnot::is_float(given->dtype())) return v.in(2);
    if (given->elements() != 1) throw NotShown();
    value = static_cast<float>(given->get(0));
  }
  if (value == 0) return nullptr;
  const DataType type = v.type(x);
  const bool real = type == DataType::kHALF || type == DataType::kBF16;
  const bool wide = type == DataType::kFLOAT || type == DataType::kINT8;
  return v.scalar(real   ? type
                  : wide ? DataType::kFLOAT
                         : DataType::kINT32,
                  static_cast<double>(value));
}

/// How much there is before and after each axis.
struct Border {
  Sizes before, after;
};

/// Where all of it is known.
std::optional<Ints> known_border(OnnxView& v) {
  if (v.opset() < 11) return v.ints("pads");
  return v.weights(1) ? std::optional(v.known_ints(1)) : std::nullopt;
}

Border computed_border(OnnxView& v) {
  NetTensor* const both = v.in(1);
  const Sizes length = gather(v, Sizes::shape(v, both), Sizes::one(0));
  const Sizes half = floor_divide(v, length, Sizes::one(2));
  const auto part = [&](const Sizes& from) {
    Layer* const layer = add_slice(v, both, from, half, Sizes::one(1));
    v.call(layer);
    return Sizes::of(v, OnnxView::result(layer));
  };
  Border out;
  out.before = part(Sizes::one(0));
  out.after = part(half);
  return out;
}

void pad(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x);
  const Sizes dims = Sizes::shape(v, x);
  const SampleMode mode = mode_of(v.text("mode", "constant"));
  const auto known = known_border(v);
  // A value that is a tensor comes before the sizes, a number behind them.
  const bool tensor =
      v.opset() >= 11 && v.has(2) && (!v.weights(2) || !carnot::is_float(v.weights(2)->dtype()));
  NetTensor* fill = tensor ? v.in(2) : nullptr;
  const bool chosen = v.inputs() == 4 && v.has(3);
  Sizes axes = chosen ? Sizes::of_input(v, 3) : Sizes::count_up(rank);
  Border border;
  if (known && !known->empty() && axes.known()) {
    if (std::all_of(known->begin(), known->end(), [](int64_t p) { return p == 0; })) {
      if (const carnot::Tensor* const weights = v.weights(0)) return v.out(weights);
      return v.out(v.identity(x));
    }
    const auto middle = known->begin() + static_cast<ptrdiff_t>(axes.count());
    if (static_cast<int64_t>(known->size()) != 2 * axes.count()) throw NotShown();
    border = {Sizes::list({known->begin(), middle}), Sizes::list({middle, known->end()})};
  } else {
    if (v.opset() < 11) throw NotShown();
    border = computed_border(v);
  }
  axes = from_front(v, axes, rank);
  const Sizes along = gather(v, dims, axes);
  const Sizes zeros = like(v, border.before, 0);
  const Sizes start = subtract(v, zeros, border.before);
  const Sizes size = add(v, along, add(v, border.before, border.after));
  const Sizes steps = like(v, start, 1);
  Slice* const layer = add_slice(v, x, start, size, steps);
  set_axes(v, layer, axes, 3);
  layer->mode = mode;
  if (!tensor && mode == SampleMode::kFILL) fill = fill_of(v, x);
  if (fill && mode == SampleMode::kFILL) {
    layer->inputs.resize(std::max<size_t>(layer->inputs.size(), 5));
    layer->inputs[4] = fill;
  }
  v.call(layer);
  v.out(OnnxView::result(layer));
}

constexpr OnnxRow kRows[] = {
    {"Pad", pad},
    {"Slice", slice},
    {"Split", split},
};

}  // namespace

std::span<const OnnxRow> rows_of_slices() {
  return kRows;
}

}  // namespace trt
