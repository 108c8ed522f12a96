#include "onnx_sizes.h"

#include <functional>
#include <numeric>

namespace trt {

Sizes Sizes::count_up(int64_t count) {
  Ints values(at(count));
  std::iota(values.begin(), values.end(), 0);
  return list(std::move(values));
}

Sizes Sizes::of(OnnxView& v, NetTensor* tensor) {
  Sizes out;
  const Dims dims = v.dims(tensor);
  if (dims.nbDims > 1) throw NotShown();
  out.rank_ = dims.nbDims;
  out.count_ = dims.nbDims == 0 ? 1 : dims.d[0];
  out.float_ = v.type(tensor) == DataType::kFLOAT;
  out.tensor_ = tensor;
  return out;
}

Sizes Sizes::of_input(OnnxView& v, size_t i) {
  const carnot::Tensor* const weights = v.weights(i);
  if (!weights || carnot::is_float(weights->dtype())) return of(v, v.in(i));
  if (weights->rank() > 1) throw NotShown();
  return Sizes(static_cast<int>(weights->rank()), v.known_ints(i));
}

Sizes Sizes::shape(OnnxView& v, NetTensor* tensor) {
  const Dims dims = v.dims(tensor);
  Sizes out(1, ints_of(dims));
  out.known_ = std::all_of(dims.d, dims.d + dims.nbDims, [](int64_t d) { return d >= 0; });
  out.tensor_ = tensor;
  out.depth_ = 1;
  return out;
}

Sizes Sizes::shape(OnnxView& v) const {
  if (!tensor_) return rank_ == 0 ? Sizes(0, {}) : one(count_);
  if (depth_ == 0) return shape(v, tensor_);
  if (depth_ > 1) return one(1);
  Sizes out = one(v.rank(tensor_));
  out.tensor_ = tensor_;
  out.depth_ = 2;
  return out;
}

bool Sizes::all(int64_t value) const {
  return known_ &&
         std::all_of(values_.begin(), values_.end(), [&](int64_t each) { return each == value; });
}

bool Sizes::same(const Sizes& other) const {
  if (known_ && other.known_) return values_ == other.values_;
  return tensor_ && tensor_ == other.tensor_ && depth_ == other.depth_;
}

NetTensor* Sizes::tensor(OnnxView& v) const {
  if (tensor_ && depth_ == 0) return tensor_;
  if (known_) {
    const carnot::Shape shape = rank_ == 0 ? carnot::Shape() : carnot::Shape({count_});
    tensor_ = v.constant(carnot::Tensor::from_i64(shape, values_));
    v.call(tensor_->producer, "ONNXTRT_ShapeTensorFromDims");
    depth_ = 0;
    return tensor_;
  }
  if (!tensor_) throw NotShown();
  for (; depth_ > 0; --depth_) {
    Layer* const layer = v.add<ShapeLayer>({tensor_});
    v.call(layer, "ONNXTRT_ShapeTensor");
    tensor_ = v.cast(OnnxView::result(layer), DataType::kINT64);
  }
  return tensor_;
}

namespace {

struct Arithmetic {
  ElementWiseOperation operation;
  bool commutes;
  int64_t neutral;  ///< on the right it changes nothing
  int64_t (*on_numbers)(int64_t, int64_t);
};

// Where NVIDIA's parser asks for both operands' tensors in one call, the right one's layers come
// first: that is the order in which its compiler evaluates arguments.
Sizes compute(OnnxView& v, const Sizes& x, const Sizes& y, const Arithmetic& a) {
  if (x.count() == 0) return x;
  if (y.count() == 0) return y;
  if (x.count() >= 0 && y.count() >= 0) {
    if (y.all(a.neutral) && y.count() <= x.count()) return x;
    if (a.commutes && x.all(a.neutral) && x.count() <= y.count()) return y;
  }
  if (x.known() && y.known()) {
    Ints values(static_cast<size_t>(std::max(x.count(), y.count())));
    for (size_t i = 0; i < values.size(); ++i) {
      const auto k = static_cast<int64_t>(i);
      values[i] = a.on_numbers(x[k % x.count()], y[k % y.count()]);
    }
    return x.rank() == 0 ? Sizes::scalar(values.at(0)) : Sizes::list(std::move(values));
  }
  NetTensor* const right = y.tensor(v);
  NetTensor* const left = x.tensor(v);
  Layer* const layer =
      v.add<ElementWise>({left, right}, [&](ElementWise& l) { l.operation = a.operation; });
  v.call(layer, "ONNXTRT_ShapeElementWise");
  return Sizes::of(v, OnnxView::result(layer));
}

int64_t floor_quotient(int64_t x, int64_t y) {
  if (y == 0) throw NotShown();
  const int64_t d = x / y;
  return d * y == x ? d : d - ((x < 0) != (y < 0) ? 1 : 0);
}

}  // namespace

Sizes add(OnnxView& v, const Sizes& x, const Sizes& y) {
  return compute(v, x, y,
                 {ElementWiseOperation::kSUM, true, 0, [](int64_t a, int64_t b) { return a + b; }});
}
Sizes subtract(OnnxView& v, const Sizes& x, const Sizes& y) {
  return compute(
      v, x, y, {ElementWiseOperation::kSUB, false, 0, [](int64_t a, int64_t b) { return a - b; }});
}
Sizes multiply(OnnxView& v, const Sizes& x, const Sizes& y) {
  return compute(
      v, x, y, {ElementWiseOperation::kPROD, true, 1, [](int64_t a, int64_t b) { return a * b; }});
}
Sizes least(OnnxView& v, const Sizes& x, const Sizes& y) {
  return compute(v, x, y, {ElementWiseOperation::kMIN, true, INT64_MAX, [](int64_t a, int64_t b) {
                             return std::min(a, b);
                           }});
}
Sizes greatest(OnnxView& v, const Sizes& x, const Sizes& y) {
  return compute(v, x, y, {ElementWiseOperation::kMAX, true, INT64_MIN, [](int64_t a, int64_t b) {
                             return std::max(a, b);
                           }});
}
Sizes floor_divide(OnnxView& v, const Sizes& x, const Sizes& y) {
  return compute(v, x, y, {ElementWiseOperation::kFLOOR_DIV, false, 1, floor_quotient});
}

Sizes clamp(OnnxView& v, const Sizes& x, const Sizes& low, const Sizes& high) {
  return least(v, greatest(v, x, low), high);
}

Sizes broadcast(OnnxView& v, const Sizes& x, const Sizes& y) {
  const Sizes none = least(v, x, least(v, y, like(v, y, 1)));
  return multiply(v, greatest(v, x, y), none);
}

Sizes concat(OnnxView& v, const Sizes& x, const Sizes& y) {
  if (x.rank() != 1 || y.rank() != 1) throw NotShown();
  if (x.count() == 0) return y;
  if (y.count() == 0) return x;
  if (x.known() && y.known()) {
    Ints values = x.values();
    values.insert(values.end(), y.values().begin(), y.values().end());
    return Sizes::list(std::move(values));
  }
  NetTensor* const first = x.tensor(v);
  NetTensor* const second = y.tensor(v);
  Layer* const layer = v.add<Concatenation>({first, second});
  v.call(layer, "ONNXTRT_ShapeConcat");
  return Sizes::of(v, OnnxView::result(layer));
}

Sizes gather(OnnxView& v, const Sizes& from, const Sizes& index) {
  if (from.rank() != 1) throw NotShown();
  const auto is_there = [&](int64_t i) { return i >= 0 && i < from.count() && from.known(i); };
  if (index.known() && std::all_of(index.values().begin(), index.values().end(), is_there)) {
    Ints values;
    for (const int64_t i : index.values()) values.push_back(from[i]);
    return index.rank() == 0 ? Sizes::scalar(values.at(0)) : Sizes::list(std::move(values));
  }
  NetTensor* const places = index.tensor(v);
  NetTensor* const all = from.tensor(v);
  Layer* const layer = v.add<Gather>({all, places});
  v.call(layer, "ONNXTRT_ShapeGather");
  return Sizes::of(v, OnnxView::result(layer));
}

Sizes interlace(OnnxView& v, const Sizes& x, const Sizes& y, const Sizes& places) {
  return gather(v, concat(v, x, y), places);
}

Sizes filled(OnnxView& v, int64_t value, const Sizes& count) {
  if (count.rank() != 1 || count.count() != 1) throw NotShown();
  if (count.known()) {
    if (count[0] < 0 || count[0] > Dims::MAX_DIMS * 2) throw NotShown();
    return Sizes::list(Ints(static_cast<size_t>(count[0]), value));
  }
  NetTensor* const one = Sizes::one(value).tensor(v);
  Layer* const layer = add_slice(v, one, Sizes::one(0), count, Sizes::one(0));
  v.call(layer, "ONNXTRT_FillShapeVector");
  return Sizes::of(v, OnnxView::result(layer));
}

Sizes like(OnnxView& v, const Sizes& x, int64_t value) {
  return filled(v, value, x.shape(v));
}

Sizes product(OnnxView& v, const Sizes& x, int64_t first, int64_t last, int rank) {
  Sizes out = rank == 0 ? Sizes::scalar(1) : Sizes::one(1);
  for (int64_t i = first; i < last; ++i) {
    out = multiply(v, out, gather(v, x, rank == 0 ? Sizes::scalar(i) : Sizes::one(i)));
  }
  return out;
}

Sizes as_list(OnnxView& v, const Sizes& scalar) {
  if (scalar.rank() != 0) throw NotShown();
  if (scalar.known()) return Sizes::one(scalar[0]);
  NetTensor* const tensor = scalar.tensor(v);
  return Sizes::of(v, OnnxView::result(add_shuffle(v, tensor, Sizes::one(1))));
}

Sizes places_of(const Ints& axes, int64_t rank) {
  Ints places = Sizes::count_up(rank).values();
  for (size_t i = 0; i < axes.size(); ++i) {
    places.at(static_cast<size_t>(axes[i])) = rank + static_cast<int64_t>(i);
  }
  return Sizes::list(std::move(places));
}

namespace {

Dims shown_dims(const Sizes& sizes) {
  if (sizes.known()) return dims_of(sizes.values());
  Dims out{};
  out.nbDims = static_cast<int32_t>(sizes.count());
  return out;
}

void take_sizes(OnnxView& v, Layer* layer, size_t input, const Sizes& sizes) {
  if (sizes.known()) return;
  NetTensor* const tensor = sizes.tensor(v);
  if (layer->inputs.size() <= input) layer->inputs.resize(input + 1);
  layer->inputs[input] = tensor;
}

}  // namespace

Shuffle* add_shuffle(OnnxView& v, NetTensor* x, const Sizes& sizes, bool zero_copies) {
  if (sizes.known() && sizes.values().size() > static_cast<size_t>(Dims::MAX_DIMS)) {
    throw NotShown();
  }
  auto* const layer = v.add<Shuffle>({x}, [&](Shuffle& l) {
    if (sizes.known()) l.reshape = dims_of(sizes.values());
    l.zero_copies = zero_copies;
  });
  take_sizes(v, layer, 1, sizes);
  v.call(layer, "ONNXTRT_ShapeShuffle");
  return layer;
}

Slice* add_slice(OnnxView& v, NetTensor* x, const Sizes& starts, const Sizes& sizes,
                 const Sizes& steps) {
  auto* const layer = v.add<Slice>({x}, [&](Slice& l) {
    l.start = shown_dims(starts), l.size = shown_dims(sizes), l.stride = shown_dims(steps);
  });
  take_sizes(v, layer, 1, starts);
  take_sizes(v, layer, 2, sizes);
  take_sizes(v, layer, 3, steps);
  v.call(layer, "ONNXTRT_ShapeSlice");
  return layer;
}

Fill* add_fill(OnnxView& v, const Sizes& sizes, FillOperation operation) {
  auto* const layer = v.add<Fill>({}, [&](Fill& l) {
    l.dims = shown_dims(sizes);
    l.operation = operation;
  });
  take_sizes(v, layer, 0, sizes);
  v.call(layer, "ONNXTRT_ShapeFill");
  return layer;
}

NetTensor* reshape(OnnxView& v, NetTensor* x, const Sizes& sizes) {
  if (sizes.same(Sizes::shape(v, x))) return x;
  return OnnxView::result(add_shuffle(v, x, sizes));
}

namespace {

NetTensor* axes_of_layer(OnnxView& v, const Ints& axes) {
  carnot::Tensor out = carnot::Tensor::zeros(DType::kI32, {static_cast<int64_t>(axes.size())});
  for (size_t i = 0; i < axes.size(); ++i) out.set_int(static_cast<int64_t>(i), axes[i]);
  return v.constant(std::move(out));
}

}  // namespace

NetTensor* unsqueeze(OnnxView& v, NetTensor* x, const Ints& axes) {
  Layer* const layer = v.add<Unsqueeze>({x, axes_of_layer(v, axes)});
  v.call(layer, "ONNXTRT_unsqueezeTensor");
  return OnnxView::result(layer);
}

NetTensor* squeeze(OnnxView& v, NetTensor* x, const Ints& axes) {
  Layer* const layer = v.add<Squeeze>({x, axes_of_layer(v, axes)});
  v.call(layer, "ONNXTRT_squeezeTensor");
  return OnnxView::result(layer);
}

NetTensor* flatten(OnnxView& v, NetTensor* x, int64_t axis, bool named) {
  const Sizes sizes = Sizes::shape(v, x);
  const Sizes rows = product(v, sizes, 0, axis, 1);
  const Sizes columns = product(v, sizes, axis, sizes.count(), 1);
  Layer* const layer = add_shuffle(v, x, concat(v, rows, columns));
  named ? v.call(layer) : v.call(layer, "ONNXTRT_flattenTensor");
  return OnnxView::result(layer);
}

NetTensor* raised(OnnxView& v, NetTensor* x, int32_t rank) {
  const int32_t has = v.rank(x);
  if (has > rank) throw NotShown();
  if (has == rank) return x;
  const Sizes shape = Sizes::shape(v, x);
  Layer* const layer = add_shuffle(v, x, concat(v, filled(v, 1, Sizes::one(rank - has)), shape));
  v.call(layer, "ONNXTRT_Broadcast");
  return OnnxView::result(layer);
}

void raise(OnnxView& v, NetTensor*& a, NetTensor*& b) {
  const int32_t rank = std::max(v.rank(a), v.rank(b));
  a = raised(v, a, rank);
  b = raised(v, b, rank);
}

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

NetTensor* spread(OnnxView& v, NetTensor* value, NetTensor* shape) {
  const Sizes sizes = Sizes::of(v, shape);
  const Sizes zeros = like(v, sizes, 0), ones = like(v, sizes, 1);
  value = reshape(v, value, ones);
  return OnnxView::result(add_slice(v, value, zeros, sizes, zeros));
}

NetTensor* without_axes(OnnxView& v, NetTensor* x) {
  const Dims dims = v.dims(x);
  if (dims.nbDims == 0) return x;
  if (std::any_of(dims.d, dims.d + dims.nbDims, [](int64_t d) { return d != 1; })) {
    throw NotShown();
  }
  Layer* const layer = v.add<Shuffle>({x}, [](Shuffle& l) { l.reshape.nbDims = 0; });
  v.call(layer, "ONNXTRT_convertToScalar");
  return OnnxView::result(layer);
}

NetTensor* axis_length(OnnxView& v, NetTensor* x, int32_t axis, bool scalar) {
  NetTensor* const sizes = OnnxView::result(v.add<ShapeLayer>({x}));
  NetTensor* const narrow =
      OnnxView::result(v.add<Cast>({sizes}, [](Cast& l) { l.to = DataType::kINT32; }));
  Layer* const one = v.add<Slice>({narrow}, [&](Slice& l) {
    l.start = dims_of({axis}), l.size = dims_of({1}), l.stride = dims_of({1});
  });
  v.call(one, "ONNXTRT_extractDimension");
  if (!scalar) return OnnxView::result(one);
  Layer* const layer =
      v.add<Shuffle>({OnnxView::result(one)}, [](Shuffle& l) { l.reshape.nbDims = 0; });
  v.call(layer, "ONNXTRT_extractDimensionReshape");
  return OnnxView::result(layer);
}

}  // namespace trt
