// Operators that move elements as wholes: shapes, transposes, concatenations.
#include "onnx_rows.h"

namespace trt {

namespace {

void identity(OnnxView& v) {
  v.out(v.named<Identity>({v.in(0)}, [](Identity&) {}));
}

void dropout(OnnxView& v) {
  if (const carnot::Tensor* const weights = v.weights(0)) {
    if (v.outputs() > 1) throw NotShown();
    return v.out(weights);
  }
  NetTensor* const x = v.in(0);
  v.out(v.identity(x));
  if (v.outputs() == 1) return;
  // The mask, in which everything is kept.
  v.out(
      v.binary(x, x, v.opset() >= 12 ? ElementWiseOperation::kEQUAL : ElementWiseOperation::kLESS));
}

void shape(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* const sizes = v.named<ShapeLayer>({x}, [](ShapeLayer&) {});
  NetTensor* const wide = v.named<Cast>({sizes}, [](Cast& l) { l.to = DataType::kINT64; });
  const int64_t rank = v.rank(x);
  const auto within = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = within(v.integer("start", 0)), end = within(v.integer("end", rank));
  if (start == 0 && end == rank) return v.out(wide);
  v.out(v.named<Slice>({wide}, [&](Slice& l) {
    l.start = dims_of({start}), l.size = dims_of({std::max<int64_t>(0, end - start)});
    l.stride = dims_of({1});
  }));
}

void size(OnnxView& v) {
  const carnot::Tensor* const weights = v.weights(0);
  const Sizes sizes = weights ? Sizes::list(weights->shape()) : Sizes::shape(v, v.in(0));
  v.out(product(v, sizes, 0, sizes.count(), 0).tensor(v));
}

void reshape_node(OnnxView& v) {
  NetTensor* const x = v.in(0);
  Sizes sizes;
  if (v.opset() >= 5) {
    sizes = Sizes::of_input(v, 1);
  } else {
    const auto given = v.ints("shape");
    if (!given) throw NotShown();
    sizes = Sizes::list(*given);
  }
  Layer* const layer = add_shuffle(v, x, sizes, v.integer("allowzero", 0) == 0);
  v.call(layer);
  v.out(OnnxView::result(layer));
}

void flatten_node(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x), axis = v.axis(v.integer("axis", 1), rank);
  if (rank != 2 || axis != 1) return v.out(flatten(v, x, axis, true));
  if (const carnot::Tensor* const weights = v.weights(0)) return v.out(weights);
  v.out(v.identity(x));
}

NetTensor* list_of(OnnxView& v, const Ints& values) {
  return v.constant(carnot::Tensor::from_i64({static_cast<int64_t>(values.size())}, values));
}

/// As an input, or of the attribute; null where there are none.
NetTensor* axes_of_node(OnnxView& v, bool by_attribute) {
  NetTensor* axes = v.opset() >= 13 && v.has(1) ? v.in(1) : nullptr;
  const auto given = v.ints("axes");
  if (!axes && given && by_attribute) axes = list_of(v, *given);
  return axes;
}

NetTensor* as_vector(OnnxView& v, NetTensor* axes) {
  return v.rank(axes) == 0 ? unsqueeze(v, axes, {0}) : axes;
}

void unsqueeze_node(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* const axes = axes_of_node(v, true);
  if (!axes) throw NotShown();
  v.out(v.named<Unsqueeze>({x, as_vector(v, axes)}, [](Unsqueeze&) {}));
}

void squeeze_node(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* axes = axes_of_node(v, v.opset() < 13);
  if (!axes) {
    const Dims dims = v.dims(x);
    Ints ones;
    for (int32_t i = 0; i < dims.nbDims; ++i) {
      if (dims.d[i] < 0) throw NotShown();
      if (dims.d[i] == 1) ones.push_back(i);
    }
    axes = list_of(v, ones);
  }
  v.out(v.named<Squeeze>({x, as_vector(v, axes)}, [](Squeeze&) {}));
}

void transpose(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x);
  Ints order;
  for (int32_t i = rank; i-- > 0;) order.push_back(i);
  order = v.ints("perm").value_or(order);
  if (order.size() != static_cast<size_t>(rank)) throw NotShown();
  for (int64_t& axis : order) {
    axis = v.axis(axis, rank);
    if (axis == rank) throw NotShown();
  }
  v.out(v.named<Shuffle>({x}, [&](Shuffle& l) {
    for (size_t i = 0; i < order.size(); ++i) l.first.order[i] = static_cast<int32_t>(order[i]);
  }));
}

void concat_node(OnnxView& v) {
  std::vector<NetTensor*> parts;
  for (size_t i = 0; i < v.inputs(); ++i) parts.push_back(v.in(i));
  const int32_t axis = v.axis(v.integer("axis", 1), v.rank(parts.at(0)));
  v.out(v.named<Concatenation>(std::move(parts), [&](Concatenation& l) { l.axis = axis; }));
}

void constant_of_shape(OnnxView& v) {
  NetTensor* const shape = v.in(0);
  const auto* const given = v.attribute("value");
  const auto* const number = given ? std::get_if<carnot::Tensor>(given) : nullptr;
  if (number && (!data_type_of(number->dtype()) || number->elements() != 1)) throw NotShown();
  v.count_weights();  // for the check of the node
  NetTensor* const value =
      v.plain_constant(number ? *number : carnot::Tensor::zeros(DType::kF32, {1}));
  v.call(value->producer, v.count_refittable().c_str());
  v.out(spread(v, value, shape));
}

void expand(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const Sizes dims = Sizes::shape(v, x), rank = dims.shape(v);
  const Sizes target = Sizes::of_input(v, 1), length = target.shape(v);
  const Sizes most = greatest(v, length, rank);
  const Sizes new_dims = concat(v, filled(v, 1, subtract(v, most, rank)), dims);
  NetTensor* const raised_x = reshape(v, x, new_dims);
  const Sizes new_target = concat(v, filled(v, 1, subtract(v, most, length)), target);
  const Sizes starts = like(v, new_dims, 0);
  const Sizes sizes = broadcast(v, new_dims, new_target);
  const Sizes zero = Sizes::one(0), one = Sizes::one(1);
  const Sizes steps = least(v, one, greatest(v, subtract(v, new_dims, one), zero));
  Layer* const layer = add_slice(v, raised_x, starts, sizes, steps);
  v.call(layer);
  v.out(OnnxView::result(layer));
}

void tile(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const Sizes dims = Sizes::shape(v, x);
  const Sizes sizes = multiply(v, dims, Sizes::of_input(v, 1));
  const Sizes ones = like(v, dims, 1);
  Slice* const layer = add_slice(v, x, like(v, dims, 0), sizes, ones);
  v.call(layer);
  layer->mode = SampleMode::kWRAP;
  v.out(OnnxView::result(layer));
}

Shuffle* second_turn(Shuffle* layer, std::initializer_list<int32_t> order) {
  std::copy(order.begin(), order.end(), layer->second.order);
  return layer;
}

void depth_to_space(OnnxView& v) {
  NetTensor* const x = v.in(0);
  if (v.rank(x) != 4) throw NotShown();
  const Sizes dims = Sizes::shape(v, x), block = Sizes::one(v.integer("blocksize", 1));
  const Sizes n = gather(v, dims, Sizes::one(0)), c = gather(v, dims, Sizes::one(1));
  const Sizes h = gather(v, dims, Sizes::one(2)), w = gather(v, dims, Sizes::one(3));
  const Sizes c2 = floor_divide(v, c, multiply(v, block, block));
  const Sizes h2 = multiply(v, h, block), w2 = multiply(v, w, block);
  const bool by_depth = v.text("mode", "DCR") == "DCR";
  const Sizes plane = concat(v, h, w);
  const Sizes blocks = by_depth ? concat(v, block, concat(v, block, concat(v, c2, plane)))
                                : concat(v, c2, concat(v, block, concat(v, block, plane)));
  Shuffle* const first = add_shuffle(v, x, concat(v, n, blocks));
  by_depth ? second_turn(first, {0, 3, 4, 1, 5, 2}) : second_turn(first, {0, 1, 4, 2, 5, 3});
  v.call(first);
  const Sizes sizes = concat(v, n, concat(v, c2, concat(v, h2, w2)));
  v.out(OnnxView::result(add_shuffle(v, OnnxView::result(first), sizes)));
}

void space_to_depth(OnnxView& v) {
  NetTensor* const x = v.in(0);
  if (v.rank(x) != 4) throw NotShown();
  const Sizes dims = Sizes::shape(v, x), block = Sizes::one(v.integer("blocksize", 1));
  const Sizes n = gather(v, dims, Sizes::one(0)), c = gather(v, dims, Sizes::one(1));
  const Sizes h = gather(v, dims, Sizes::one(2)), w = gather(v, dims, Sizes::one(3));
  const Sizes c2 = multiply(v, c, multiply(v, block, block));
  const Sizes h2 = floor_divide(v, h, block), w2 = floor_divide(v, w, block);
  const Sizes blocks = concat(v, block, concat(v, w2, block));
  Shuffle* const first = add_shuffle(v, x, concat(v, n, concat(v, c, concat(v, h2, blocks))));
  v.call(second_turn(first, {0, 3, 5, 1, 2, 4}));
  const Sizes sizes = concat(v, n, concat(v, c2, concat(v, h2, w2)));
  v.out(OnnxView::result(add_shuffle(v, OnnxView::result(first), sizes)));
}

constexpr OnnxRow kRows[] = {
    {"Concat", concat_node},
    {"ConstantOfShape", constant_of_shape},
    {"DepthToSpace", depth_to_space},
    {"Dropout", dropout},
    {"Expand", expand},
    {"Flatten", flatten_node},
    {"Identity", identity},
    {"Reshape", reshape_node},
    {"Shape", shape},
    {"Size", size},
    {"SpaceToDepth", space_to_depth},
    {"Squeeze", squeeze_node},
    {"Tile", tile},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze_node},
};

}  // namespace

std::span<const OnnxRow> rows_of_shapes() {
  return kRows;
}

}  // namespace trt
