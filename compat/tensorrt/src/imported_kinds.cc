#include "imported_kinds.h"

#include "imported_as.h"
#include "imported_names.h"

namespace trt {

namespace op = carnot::op;

namespace {

Dims or_all(const Ints& values, int32_t count, int64_t otherwise) {
  return dims_of(values.empty() ? Ints(static_cast<size_t>(count), otherwise) : values);
}

template <class L, class Op>
void fill_window(L& l, const Op& o, const Dims& kernel) {
  l.kernel_size = kernel;
  l.stride = or_all(o.strides, kernel.nbDims, 1);
  l.pre = or_all(o.pads_lo, kernel.nbDims, 0);
  l.post = or_all(o.pads_hi, kernel.nbDims, 0);
}

/// The spatial sizes of a kernel [k, c, spatial...], where they are two or three numbers.
std::optional<Dims> kernel_of(const carnot::Network& model, Handle weights) {
  const carnot::TensorType& type = model.type(weights);
  if (!type.is_static() || type.rank() < 4 || type.rank() > 5) return std::nullopt;
  const Dims all = dims_of(type.dims);
  return dims_of(Ints(all.d + 2, all.d + all.nbDims));
}

Weights weights_of(const carnot::Tensor& tensor) {
  return {*data_type_of(tensor.dtype()), tensor.data(), tensor.elements()};
}

template <class T, class Op>
Layer* convolution(Network& into, const carnot::Network& model, const carnot::Network::Node& node,
                   const Op& o, bool transposed, const std::vector<carnot::Tensor>& own) {
  const auto kernel = kernel_of(model, node.inputs[1]);
  if (!kernel || o.channels_last) return nullptr;
  const Dims weights = dims_of(model.type(node.inputs[1]).dims);
  return keep<T>(into, node, [&](auto& l) {
    fill_window(l, o, *kernel);
    l.dilation = or_all(o.dilations, kernel->nbDims, 1);
    l.groups = o.groups;
    l.maps = transposed ? weights.d[1] * o.groups : weights.d[0];
    l.own = own;
    if (!own.empty()) l.kernel = weights_of(own[0]);
    l.bias = own.size() > 1 ? weights_of(own[1]) : Weights{l.kernel.type, nullptr, 0};
  });
}

Layer* pooling(Network& into, const carnot::Network::Node& node, const op::Pool& p) {
  const bool plain = p.dilations.empty() || std::all_of(p.dilations.begin(), p.dilations.end(),
                                                        [](auto d) { return d == 1; });
  const auto axes = static_cast<int32_t>(p.kernel.size());
  if (p.kind == op::Pool::kLp || !plain || axes < 2 || axes > 3 || p.channels_last) return nullptr;
  return keep<Pooling>(into, node, [&](Pooling& l) {
    fill_window(l, p, dims_of(p.kernel));
    l.type = p.kind == op::Pool::kMaximum ? PoolingType::kMAX : PoolingType::kAVERAGE;
    l.excludes_padding = !p.count_padding;
    if (p.ceil_mode) l.padding_mode = PaddingMode::kEXPLICIT_ROUND_UP;
  });
}

Layer* reduce(Network& into, const carnot::Network& model, const carnot::Network::Node& node,
              const op::Reduce& r) {
  static constexpr ReduceOperation kKinds[] = {ReduceOperation::kSUM, ReduceOperation::kAVG,
                                               ReduceOperation::kMAX, ReduceOperation::kMIN,
                                               ReduceOperation::kPROD};
  return keep<Reduce>(into, node, [&](Reduce& l) {
    l.operation = kKinds[r.kind];
    l.keep_dims = r.keep;
    const int64_t rank = model.type(node.inputs[0]).rank();
    for (int64_t axis = 0; axis < rank; ++axis) {
      const bool named = std::find(r.axes.begin(), r.axes.end(), axis) != r.axes.end();
      if (named || r.axes.empty()) l.axes |= 1U << axis;
    }
  });
}

std::optional<ResizeCoordinateTransformation> coordinates_of(op::Resize::Coordinates from) {
  switch (from) {
    case op::Resize::kAlignCorners:
      return ResizeCoordinateTransformation::kALIGN_CORNERS;
    case op::Resize::kAsymmetric:
      return ResizeCoordinateTransformation::kASYMMETRIC;
    case op::Resize::kHalfPixel:
    case op::Resize::kPytorchHalfPixel:
      return ResizeCoordinateTransformation::kHALF_PIXEL;
    default:
      return std::nullopt;
  }
}

Layer* resize(Network& into, const carnot::Network::Node& node, const op::Resize& r) {
  const auto coordinates = coordinates_of(r.coordinates);
  if (!coordinates || r.antialias || node.inputs.size() != 1) return nullptr;
  static constexpr InterpolationMode kModes[] = {
      InterpolationMode::kNEAREST, InterpolationMode::kLINEAR, InterpolationMode::kCUBIC};
  static constexpr ResizeRoundMode kRounds[] = {ResizeRoundMode::kHALF_DOWN,
                                                ResizeRoundMode::kHALF_UP, ResizeRoundMode::kFLOOR,
                                                ResizeRoundMode::kCEIL};
  return keep<Resize>(into, node, [&](Resize& l) {
    l.mode = kModes[r.mode], l.coordinates = *coordinates, l.rounding = kRounds[r.nearest];
    if (r.coordinates == op::Resize::kPytorchHalfPixel) l.selector = ResizeSelector::kUPPER;
    if (r.scales.empty()) l.dims = dims_of(r.sizes);
    l.scales.assign(r.scales.begin(), r.scales.end());
    l.cubic = static_cast<float>(r.cubic_a), l.exclude_outside = r.exclude_outside;
  });
}

Layer* slice(Network& into, const carnot::Network::Node& node, const op::Slice& s) {
  if (node.inputs.size() != 1 || s.starts.size() > static_cast<size_t>(Dims::MAX_DIMS)) {
    return nullptr;
  }
  return keep<Slice>(into, node, [&](Slice& l) {
    l.start = dims_of(s.starts), l.size = dims_of(s.sizes), l.stride = dims_of(s.steps);
  });
}

Layer* normalization(Network& into, const carnot::Network& model, const carnot::Network::Node& node,
                     const op::Normalize& n) {
  if (n.rms || node.inputs.size() != 3) return nullptr;
  const int64_t rank = model.type(node.inputs[0]).rank();
  return keep<Normalization>(into, node, [&](Normalization& l) {
    l.epsilon = static_cast<float>(n.epsilon), l.v2 = true;
    for (const int64_t axis : n.axes) l.axes |= 1U << (axis < 0 ? axis + rank : axis);
  });
}

Layer* top_k(Network& into, const carnot::Network& model, const carnot::Network::Node& node,
             const op::TopK& t) {
  if (node.inputs.size() != 1 || !t.count.is_constant()) return nullptr;
  const int64_t rank = model.type(node.inputs[0]).rank();
  return keep<TopK>(into, node, [&](TopK& l) {
    l.operation = t.largest ? TopKOperation::kMAX : TopKOperation::kMIN;
    l.k = static_cast<int32_t>(std::min<int64_t>(t.count.value(), INT32_MAX));
    l.axes = 1U << (t.axis < 0 ? t.axis + rank : t.axis);
    l.indices = DataType::kINT64;
  });
}

Layer* scale(Network& into, const carnot::Network::Node& node,
             const std::vector<carnot::Tensor>& own) {
  return keep<Scale>(into, node, [&](auto& l) {
    l.mode = ScaleMode::kCHANNEL;
    l.own = own;
    l.scale = weights_of(own[0]);
    l.shift = weights_of(own[1]);
  });
}

Layer* range(Network& into, const carnot::Network& model, const carnot::Network::Node& node) {
  return keep<Fill>(into, node, [&](Fill& l) {
    l.to = data_type_of(model.type(node.outputs[0]).dtype).value_or(DataType::kFLOAT);
  });
}

/// A slice whose steps are zeros where an axis is repeated.
Layer* expand(Network& into, const carnot::Network& model, const carnot::Network::Node& node) {
  const carnot::Dims& sizes = model.type(node.outputs[0]).dims;
  if (node.inputs.size() != 1 || sizes.size() > static_cast<size_t>(Dims::MAX_DIMS)) return nullptr;
  return keep<Slice>(into, node, [&](Slice& l) { l.size = dims_of(sizes); });
}

/// What the import keeps of an ONNX node that changes nothing: see OnnxImport::keep_identities.
bool is_identity(const carnot::Network::Node& node) {
  constexpr std::string_view kOperator = " (Identity)";
  const std::string origin = node.origin.empty() ? "" : node.origin.back();
  return origin.size() >= kOperator.size() &&
         origin.compare(origin.size() - kOperator.size(), kOperator.size(), kOperator) == 0;
}

}  // namespace

bool is_deconvolution(const op::ConvTranspose& o) {
  return std::all_of(o.output_pads.begin(), o.output_pads.end(),
                     [](int64_t pad) { return pad == 0; });
}

bool is_scale(const carnot::Network::Node& node) {
  const auto* const p = std::get_if<op::Pointwise>(&node.op);
  return p && node.inputs.size() == 3 && !node.origin.empty() &&
         node_operator(node.origin.back()) == "BatchNormalization" &&
         carnot::to_string(p->body) == "add(mul($0, $1), $2)";
}

std::optional<PaddingMode> same_padding(std::string_view auto_pad) {
  if (auto_pad == "SAME_UPPER") return PaddingMode::kSAME_UPPER;
  if (auto_pad == "SAME_LOWER") return PaddingMode::kSAME_LOWER;
  return std::nullopt;
}

void show_padding(Layer& layer, PaddingMode mode) {
  const auto show = [&](auto& l) {
    l.padding_mode = mode;
    l.pre = l.post = dims_of(Ints(static_cast<size_t>(l.kernel_size.nbDims), 0));
  };
  if (auto* const l = dynamic_cast<Convolution*>(&layer)) show(*l);
  if (auto* const l = dynamic_cast<Deconvolution*>(&layer)) show(*l);
  if (auto* const l = dynamic_cast<Pooling*>(&layer)) show(*l);
}

Layer* keep_as_kind(Network& into, const carnot::Network& model, const carnot::Network::Node& node,
                    const std::vector<carnot::Tensor>& own) {
  const auto as = [&]<class Op>(const Op*) { return std::get_if<Op>(&node.op); };
  if (const auto* o = as(static_cast<const op::Conv*>(nullptr))) {
    return convolution<Convolution>(into, model, node, *o, false, own);
  }
  if (const auto* o = as(static_cast<const op::ConvTranspose*>(nullptr))) {
    if (!is_deconvolution(*o)) return nullptr;
    return convolution<Deconvolution>(into, model, node, *o, true, own);
  }
  if (const auto* o = as(static_cast<const op::Pool*>(nullptr))) return pooling(into, node, *o);
  if (!own.empty() && is_scale(node)) return scale(into, node, own);
  if (as(static_cast<const op::Range*>(nullptr))) return range(into, model, node);
  if (as(static_cast<const op::Expand*>(nullptr))) return expand(into, model, node);
  if (const auto* o = as(static_cast<const op::Pointwise*>(nullptr))) {
    return keep_pointwise(into, node, *o);
  }
  if (const auto* o = as(static_cast<const op::Resize*>(nullptr))) return resize(into, node, *o);
  if (const auto* o = as(static_cast<const op::Slice*>(nullptr))) return slice(into, node, *o);
  if (const auto* o = as(static_cast<const op::TopK*>(nullptr))) {
    return top_k(into, model, node, *o);
  }
  if (const auto* o = as(static_cast<const op::Normalize*>(nullptr))) {
    return normalization(into, model, node, *o);
  }
  if (const auto* o = as(static_cast<const op::Reduce*>(nullptr))) {
    return reduce(into, model, node, *o);
  }
  const int64_t rank = node.inputs.empty() ? 0 : model.type(node.inputs[0]).rank();
  const auto from_start = [&](int64_t axis) { return axis < 0 ? axis + rank : axis; };
  if (const auto* o = as(static_cast<const op::Softmax*>(nullptr)); o && !o->log) {
    return keep<SoftMax>(into, node, [&](SoftMax& l) { l.axes = 1U << from_start(o->axis); });
  }
  if (const auto* o = as(static_cast<const op::Concat*>(nullptr))) {
    return keep<Concatenation>(
        into, node, [&](Concatenation& l) { l.axis = static_cast<int32_t>(from_start(o->axis)); });
  }
  if (const auto* o = as(static_cast<const op::Gather*>(nullptr))) {
    return keep<Gather>(into, node,
                        [&](Gather& l) { l.axis = static_cast<int32_t>(from_start(o->axis)); });
  }
  if (const auto* o = as(static_cast<const op::MatMul*>(nullptr))) {
    return keep<MatrixMultiply>(into, node, [&](MatrixMultiply& l) {
      if (o->transpose_a) l.operations[0] = MatrixOperation::kTRANSPOSE;
      if (o->transpose_b) l.operations[1] = MatrixOperation::kTRANSPOSE;
    });
  }
  if (as(static_cast<const op::ShapeOf*>(nullptr))) {
    return keep<ShapeLayer>(into, node, [](ShapeLayer&) {});
  }
  if (const auto* o = as(static_cast<const op::Transpose*>(nullptr)); o && rank <= Dims::MAX_DIMS) {
    return keep<Shuffle>(into, node, [&](Shuffle& l) {
      for (size_t i = 0; i < o->perm.size(); ++i) {
        l.first.order[i] = static_cast<int32_t>(o->perm[i]);
      }
    });
  }
  if (const auto* o = as(static_cast<const op::Reshape*>(nullptr))) {
    if (is_identity(node)) return keep<Identity>(into, node, [](Identity&) {});
    return keep<Shuffle>(into, node, [&](Shuffle& l) { l.reshape = dims_of(o->sizes); });
  }
  return nullptr;
}

}  // namespace trt
