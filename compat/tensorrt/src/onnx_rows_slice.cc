// Operators that take parts of a tensor or put something around it.
#include "onnx_rows.h"

namespace trt {

namespace {

/// Where ONNX's starts and ends are, counted from the front and within the tensor.
void decode(OnnxView& v, const Sizes& dims, const Sizes& steps, Sizes& starts, Sizes& ends) {
  const Sizes sign = clamp(v, steps, Sizes::one(-1), Sizes::one(0));
  const auto from_front = [&](const Sizes& index) {
    const Sizes signs = clamp(v, index, Sizes::one(-1), Sizes::one(0));
    return subtract(v, index, multiply(v, signs, dims));
  };
  starts = from_front(starts);
  starts = clamp(v, starts, Sizes::one(0), add(v, dims, sign));
  ends = from_front(ends);
  ends = clamp(v, ends, sign, dims);
}

Sizes sizes_between(OnnxView& v, const Sizes& starts, const Sizes& ends, const Sizes& steps,
                    const Sizes& dims) {
  if (steps.all(1)) return subtract(v, ends, starts);
  const Sizes down = floor_divide(v, subtract(v, starts, ends), steps);
  return subtract(v, like(v, dims, 0), down);
}

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
  Sizes starts, ends, steps;
  Ints axes;
};

Bounds bounds_from_inputs(OnnxView& v, const Sizes& dims) {
  Bounds b;
  NetTensor* const from = v.cast(v.in(1), DataType::kINT64);
  NetTensor* const to = v.cast(v.in(2), DataType::kINT64);
  b.starts = Sizes::of(v, from);
  b.ends = Sizes::of(v, to);
  b.axes = v.has(3) ? v.known_ints(3) : Sizes::count_up(dims.count()).values();
  b.steps = v.has(4) ? Sizes::of_input(v, 4) : like(v, b.starts, 1);
  return b;
}

Bounds bounds_from_attributes(OnnxView& v) {
  const auto starts = v.ints("starts"), ends = v.ints("ends");
  if (!starts || !ends) throw NotShown();
  const auto count = static_cast<int64_t>(starts->size());
  const Ints axes = v.ints("axes").value_or(Sizes::count_up(count).values());
  return {Sizes::list(*starts), Sizes::list(*ends), Sizes::list(Ints(starts->size(), 1)), axes};
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
  bool in_order = true;
  for (size_t i = 0; i < b.axes.size(); ++i) {
    b.axes[i] = v.axis(b.axes[i], static_cast<int32_t>(dims.count()));
    if (b.axes[i] >= dims.count()) throw NotShown();
    in_order = in_order && b.axes[i] == static_cast<int64_t>(i);
  }
  if (static_cast<int64_t>(b.axes.size()) < dims.count() || !in_order) {
    const Sizes places = places_of(b.axes, dims.count());
    b.starts = interlace(v, like(v, dims, 0), b.starts, places);
    b.ends = interlace(v, dims, b.ends, places);
    b.steps = interlace(v, like(v, dims, 1), b.steps, places);
  }
  decode(v, dims, b.steps, b.starts, b.ends);
  Sizes sizes = sizes_between(v, b.starts, b.ends, b.steps, dims);
  sizes = greatest(v, like(v, dims, 0), sizes);
  Layer* const layer = add_slice(v, x, b.starts, sizes, b.steps);
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

/// Sizes before and after every axis.
std::optional<Ints> known_pads(OnnxView& v, int32_t rank) {
  std::optional<Ints> pads;
  if (v.opset() < 11) {
    pads = v.ints("pads");
  } else if (v.weights(1)) {
    pads = v.known_ints(1);
  }
  if (!pads || !v.has(3)) return pads;
  Ints axes = v.known_ints(3), all(2 * static_cast<size_t>(rank), 0);
  if (pads->size() != 2 * axes.size()) throw NotShown();
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(v.axis(axes[i], rank));
    all.at(axis) = (*pads)[i];
    all.at(axis + static_cast<size_t>(rank)) = (*pads)[axes.size() + i];
  }
  return all;
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

NetTensor* list(OnnxView& v, const Ints& values) {
  return v.constant(carnot::Tensor::from_i64({static_cast<int64_t>(values.size())}, values));
}

void pad(OnnxView& v) {
  using Binary = ElementWiseOperation;
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x);
  const SampleMode mode = mode_of(v.text("mode", "constant"));
  const auto pads = known_pads(v, rank);
  // A value that is a tensor comes before the sizes, a number behind them.
  const bool tensor =
      v.opset() >= 11 && v.has(2) && (!v.weights(2) || !carnot::is_float(v.weights(2)->dtype()));
  NetTensor* fill = tensor ? v.in(2) : nullptr;
  NetTensor *start = nullptr, *size = nullptr;
  const auto n = static_cast<size_t>(rank);
  if (pads && !pads->empty()) {
    if (std::all_of(pads->begin(), pads->end(), [](int64_t p) { return p == 0; })) {
      if (const carnot::Tensor* const weights = v.weights(0)) return v.out(weights);
      return v.out(v.identity(x));
    }
    if (pads->size() != 2 * n) throw NotShown();
    Ints starts(n), both(n);
    for (size_t i = 0; i < n; ++i) {
      if ((*pads)[i] < 0 || (*pads)[n + i] < 0) throw NotShown();
      starts[i] = -(*pads)[i], both[i] = (*pads)[i] + (*pads)[n + i];
    }
    start = list(v, starts);
    NetTensor* const added = list(v, both);
    size = v.binary(Sizes::shape(v, x).tensor(v), added, Binary::kSUM);
  } else {
    if (v.opset() < 11 || v.has(3)) throw NotShown();
    NetTensor* const all = v.in(1);
    const auto half = [&](int64_t from) {
      return OnnxView::result(v.add<Slice>({all}, [&](Slice& l) {
        l.start = dims_of({from}), l.size = dims_of({rank}), l.stride = dims_of({1});
      }));
    };
    NetTensor* const before = half(0);
    NetTensor* const after = half(rank);
    NetTensor* const zeros = list(v, Ints(n, 0));
    start = v.binary(zeros, before, Binary::kSUB);
    NetTensor* const added = v.binary(before, after, Binary::kSUM);
    size = v.binary(Sizes::shape(v, x).tensor(v), added, Binary::kSUM);
  }
  Slice* const layer = v.add<Slice>({x, start, size}, [&](Slice& l) {
    l.start = l.size = l.stride = dims_of(Ints(n, 1));
    l.mode = mode;
  });
  if (!tensor && mode == SampleMode::kFILL) fill = fill_of(v, x);
  if (fill && mode == SampleMode::kFILL) {
    layer->inputs.resize(5);
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
