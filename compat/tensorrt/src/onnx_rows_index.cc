// Operators that look elements up, sort them or count them.
#include "layers_math.h"
#include "onnx_rows.h"

namespace trt {

namespace {

/// Wide indices of data that is not INT64 become INT32.
NetTensor* narrow(OnnxView& v, NetTensor* index) {
  const bool wide = v.type(size_t{1}) == DataType::kINT64;
  return wide && v.type(size_t{0}) != DataType::kINT64 ? v.cast(index, DataType::kINT32) : index;
}

void gather_node(OnnxView& v) {
  NetTensor* const data = v.in(0);
  NetTensor* index = v.in(1);
  const int32_t axis = v.axis(v.integer("axis", 0), v.rank(data));
  index = narrow(v, index);
  v.out(v.named<Gather>({data, index}, [&](Gather& l) { l.axis = axis; }));
}

void gather_elements(OnnxView& v) {
  NetTensor* const data = v.in(0);
  NetTensor* index = v.in(1);
  const int32_t axis = v.axis(v.integer("axis", 0), v.rank(data));
  index = narrow(v, index);
  v.out(v.named<Gather>({data, index},
                        [&](Gather& l) { l.axis = axis, l.mode = GatherMode::kELEMENT; }));
}

void gather_nd(OnnxView& v) {
  NetTensor* const data = v.in(0);
  NetTensor* index = v.in(1);
  index = narrow(v, index);
  v.out(v.named<Gather>({data, index}, [&](Gather& l) {
    l.batch = static_cast<int32_t>(v.integer("batch_dims", 0)), l.mode = GatherMode::kND;
  }));
}

void scatter(OnnxView& v, ScatterMode mode, int32_t axis) {
  NetTensor* const data = v.in(0);
  NetTensor* const index = v.in(1);
  NetTensor* const updates = v.in(2);
  const bool wide = v.type(index) == DataType::kINT64 && !v.strongly_typed();
  NetTensor* const small =
      wide ? OnnxView::result(v.add<Cast>({index}, [](Cast& l) { l.to = DataType::kINT32; }))
           : index;
  v.out(
      v.named<Scatter>({data, small, updates}, [&](Scatter& l) { l.mode = mode, l.axis = axis; }));
}

void scatter_nd(OnnxView& v) {
  if (v.text("reduction", "none") != "none") throw NotShown();
  scatter(v, ScatterMode::kND, 0);
}

void scatter_elements(OnnxView& v) {
  if (v.text("reduction", "none") != "none") throw NotShown();
  scatter(v, ScatterMode::kELEMENT, v.axis(v.integer("axis", 0), v.rank(size_t{0})));
}

/// Weights become a constant that has no axes and no name.
NetTensor* number(OnnxView& v, size_t i) {
  const carnot::Tensor* const weights = v.weights(i);
  if (!weights) return without_axes(v, v.in(i));
  if (weights->elements() != 1 || !data_type_of(weights->dtype())) throw NotShown();
  return v.plain_constant(weights->reshaped({}));
}

void top_k(OnnxView& v) {
  NetTensor* x = v.in(0);
  const int32_t rank = v.rank(x), axis = v.axis(v.integer("axis", -1), rank);
  const bool flat = rank == 1;
  if (flat) x = unsqueeze(v, x, {1});
  const bool by_input = v.opset() >= 10;
  TopK* const layer = v.add<TopK>(
      {x},
      [&](TopK& l) {
        const bool least = v.opset() >= 11 && v.integer("largest", 1) == 0;
        l.operation = least ? TopKOperation::kMIN : TopKOperation::kMAX;
        l.k = static_cast<int32_t>(by_input ? 1 : v.integer("k", 1));
        l.axes = 1U << axis;
      },
      2);
  v.call(layer);  // it gets its name twice: the second is that with a number
  if (by_input) layer->inputs.push_back(without_axes(v, v.in(1)));
  v.call(layer);
  NetTensor* values = OnnxView::result(layer);
  NetTensor* indices = OnnxView::result(layer, 1);
  if (flat) {
    values = squeeze(v, values, {1});
    indices = squeeze(v, indices, {1});
  }
  v.out(values);
  v.out(v.cast(indices, DataType::kINT64));
}

NetTensor* compared(OnnxView& v, NetTensor* a, NetTensor* b, ElementWiseOperation operation) {
  raise(v, a, b);
  return v.named<ElementWise>({a, b}, [&](ElementWise& l) { l.operation = operation; });
}

/// Elements along the axis in the other order.
NetTensor* turned(OnnxView& v, NetTensor* x, int64_t axis) {
  const Sizes dims = Sizes::shape(v, x);
  Sizes starts = Sizes::one(-1), ends = Sizes::one(INT32_MIN), steps = Sizes::one(-1);
  if (dims.count() > 1) {
    const Sizes places = places_of({axis}, dims.count());
    starts = interlace(v, like(v, dims, 0), starts, places);
    ends = interlace(v, dims, ends, places);
    steps = interlace(v, like(v, dims, 1), steps, places);
  }
  decode(v, dims, steps, starts, ends);
  const Sizes sizes = sizes_between(v, starts, ends, steps, dims);
  return OnnxView::result(add_slice(v, x, starts, sizes, steps));
}

template <TopKOperation kOperation>
void arg(OnnxView& v) {
  using Binary = ElementWiseOperation;
  const bool last = v.integer("select_last_index", 0) != 0;
  NetTensor* const x = v.in(0);
  const int32_t axis = v.axis(v.integer("axis", 0), v.rank(x));
  TopK* const layer = v.add<TopK>(
      {last ? turned(v, x, axis) : x},
      [&](TopK& l) { l.operation = kOperation, l.axes = 1U << axis; }, 2);
  v.call(layer);
  NetTensor* indices = v.cast(OnnxView::result(layer, 1), DataType::kINT64);
  if (last) {  // length - index - 1
    const Sizes length = gather(v, Sizes::shape(v, x), Sizes::one(axis));
    const Sizes shape = Sizes::shape(v, indices);
    NetTensor* const sizes = shape.tensor(v);
    NetTensor* const whole = spread(v, length.tensor(v), sizes);
    NetTensor* const ones = spread(v, Sizes::one(1).tensor(v), sizes);
    indices = compared(v, compared(v, whole, indices, Binary::kSUB), ones, Binary::kSUB);
  }
  if (v.integer("keepdims", 1) == 0) indices = squeeze(v, indices, {axis});
  v.out(v.cast(indices, DataType::kINT64));
}

void non_zero(OnnxView& v) {
  v.out(v.named<NonZero>({v.in(0)}, [](NonZero& l) { l.indices = DataType::kINT64; }));
}

void one_hot(OnnxView& v) {
  NetTensor* const values = v.in(2);
  NetTensor* indices = v.in(0);
  if (v.type(size_t{0}) != DataType::kINT32) indices = v.cast(indices, DataType::kINT32);
  NetTensor* depth = v.in(1);
  if (v.type(size_t{1}) != DataType::kINT32) depth = v.cast(depth, DataType::kINT32);
  depth = without_axes(v, depth);
  const int32_t axis = v.axis(v.integer("axis", -1), v.rank(indices) + 1);
  v.out(v.named<OneHot>({indices, values, depth}, [&](OneHot& l) { l.axis = axis; }));
}

void non_max_suppression(OnnxView& v) {
  NetTensor* const boxes = v.in(0);
  NetTensor* const scores = v.in(1);
  NetTensor* most = nullptr;
  if (v.has(2)) {
    most = number(v, 2);
    NetTensor* const limit = v.scalar(DataType::kINT64, INT32_MAX);
    most = v.cast(v.binary(most, limit, ElementWiseOperation::kMIN), DataType::kINT32);
  } else {
    most = v.plain_constant(carnot::Tensor::zeros(DType::kI32, {}));
    v.call(most->producer);
  }
  NetTensor* const overlap = v.has(3) ? number(v, 3) : nullptr;
  NetTensor* const threshold = v.has(4) ? number(v, 4) : nullptr;
  if (v.rank(scores) != 3) throw NotShown();
  NetTensor* const by_class =
      v.named<Shuffle>({scores}, [](Shuffle& l) { l.first.order[1] = 2, l.first.order[2] = 1; });
  Nms* const layer = v.add<Nms>(
      {boxes, by_class, most},
      [&](Nms& l) {
        if (v.integer("center_point_box", 0) == 1) l.format = BoundingBoxFormat::kCENTER_SIZES;
        l.indices = DataType::kINT64;
      },
      2);
  v.call(layer);
  if (overlap || threshold) layer->inputs.resize(threshold ? 5 : 4);
  if (overlap) layer->inputs[3] = overlap;
  if (threshold) layer->inputs[4] = threshold;
  v.out(OnnxView::result(layer));
}

/// Count, first and step of a range of numbers.
void range(OnnxView& v) {
  const DataType type = v.type(size_t{0});
  const bool real = type == DataType::kFLOAT;
  if (!real && type != DataType::kINT32 && type != DataType::kINT64) throw NotShown();
  Sizes s[3];
  if (real) {
    for (size_t i = 0; i < 3; ++i) s[i] = Sizes::of_input(v, i);
  } else {
    NetTensor* wide[3];
    for (size_t i = 0; i < 3; ++i) wide[i] = v.cast(v.in(i), DataType::kINT64);
    for (size_t i = 0; i < 3; ++i) s[i] = Sizes::of(v, wide[i]);
  }
  const Sizes zero = Sizes::scalar(0);
  Sizes quotient = floor_divide(v, subtract(v, s[0], s[1]), s[2]);
  if (real || type == DataType::kINT32) {
    NetTensor* const from = quotient.tensor(v);
    Layer* const to = v.add<Cast>({from}, [](Cast& l) { l.to = DataType::kINT64; });
    v.call(to, "ONNXTRT_ShapeCastToInt64");
    quotient = Sizes::of(v, OnnxView::result(to));
  }
  const Sizes count = greatest(v, subtract(v, zero, quotient), zero);
  Fill* const layer = add_fill(v, as_list(v, count), FillOperation::kLINSPACE);
  v.call(layer);
  const carnot::Tensor *const first = v.weights(0), *const step = v.weights(2);
  if (first && step && type == DataType::kINT32) {
    layer->alpha = static_cast<double>(first->get_int(0));
    layer->beta = static_cast<double>(step->get_int(0));
  } else {
    layer->inputs.resize(3);
    layer->inputs[1] = s[0].tensor(v);
    layer->inputs[2] = as_list(v, s[2]).tensor(v);
  }
  layer->to = type;
  v.out(OnnxView::result(layer));
}

/// Zeros of a tensor's shape.
NetTensor* zeros_like(OnnxView& v, NetTensor* x) {
  NetTensor* const zero = v.cast(v.scalar(DataType::kFLOAT, 0), v.type(x));
  return spread(v, zero, Sizes::shape(v, x).tensor(v));
}

/// Each element's index along an axis. The sizes are a tensor of their own for each.
NetTensor* iota(OnnxView& v, Sizes sizes, int64_t axis) {
  Fill* const layer = v.add<Fill>({}, [](Fill& l) { l.to = DataType::kINT32; });
  NetTensor* const first = v.scalar(DataType::kINT32, 0);
  carnot::Tensor steps = carnot::Tensor::zeros(DType::kI32, {sizes.count()});
  steps.set_int(axis, 1);
  NetTensor* const by = v.constant(std::move(steps));
  layer->inputs = {sizes.tensor(v), first, by};
  v.call(layer, "ONNXTRT_iota");
  return v.cast(OnnxView::result(layer), DataType::kINT64);
}

void trilu(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x);
  if (rank < 2) throw NotShown();
  const Sizes columns_count = gather(v, Sizes::shape(v, x), Sizes::one(rank - 1));
  const Sizes sizes = concat(v, gather(v, Sizes::shape(v, x), Sizes::one(rank - 2)), columns_count);
  NetTensor* rows = iota(v, sizes, 0);
  NetTensor* columns = iota(v, sizes, 1);
  NetTensor* const zero = zeros_like(v, x);
  if (v.has(1)) columns = compared(v, columns, v.in(1), ElementWiseOperation::kSUB);
  if (rank > 2) {
    const Ints batch = Sizes::count_up(rank - 2).values();
    rows = unsqueeze(v, rows, batch);
    columns = unsqueeze(v, columns, batch);
  }
  const bool lower = v.integer("upper", 1) == 0;
  NetTensor* const strict = compared(
      v, rows, columns, lower ? ElementWiseOperation::kGREATER : ElementWiseOperation::kLESS);
  NetTensor* const equal = compared(v, rows, columns, ElementWiseOperation::kEQUAL);
  NetTensor* const keeps = compared(v, strict, equal, ElementWiseOperation::kOR);
  v.out(v.named<Select>({keeps, x, zero}, [](Select&) {}));
}

void reverse_sequence(OnnxView& v) {
  NetTensor* const x = v.in(0);
  v.out(v.named<ReverseSequence>({x, v.in(1)}, [&](ReverseSequence& l) {
    l.batch_axis = static_cast<int32_t>(v.integer("batch_axis", 1));
    l.sequence_axis = static_cast<int32_t>(v.integer("time_axis", 0));
  }));
}

constexpr OnnxRow kRows[] = {
    {"ArgMax", arg<TopKOperation::kMAX>},
    {"ArgMin", arg<TopKOperation::kMIN>},
    {"Gather", gather_node},
    {"GatherElements", gather_elements},
    {"GatherND", gather_nd},
    {"NonMaxSuppression", non_max_suppression},
    {"NonZero", non_zero},
    {"OneHot", one_hot},
    {"Range", range},
    {"ReverseSequence", reverse_sequence},
    {"Scatter", scatter_elements},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"TopK", top_k},
    {"Trilu", trilu},
};

}  // namespace

std::span<const OnnxRow> rows_of_indices() {
  return kRows;
}

}  // namespace trt
