#include "network_add.h"

#include "layers_math.h"
#include "layers_shape.h"
#include "layers_window.h"

namespace trt {

namespace {

constexpr const char* kIndicesWanted = "the type of indices is kINT32 or kINT64";

}  // namespace

bool Network::are_mine(const char* call, ITensor* const* tensors, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    const ITensor* const tensor = tensors ? tensors[i] : nullptr;
    if (owns(tensor)) continue;
    reporter_.misuse(call, cat("input ", i, ": ", why_not_owned(tensor)));
    return false;
  }
  return true;
}

bool Network::is_mine(const char* call, const ITensor& tensor) const {
  if (owns(&tensor)) return true;
  reporter_.misuse(call, why_not_owned(&tensor));
  return false;
}

std::string Network::why_not_owned(const ITensor* tensor) const {
  if (!tensor) {
    return "the tensor is null: the layer that should have given it was refused, or has no such "
           "output";
  }
  const auto* const t = static_cast<const NetTensor*>(tensor);
  return cat("tensor '", t->name, "' ",
             t->removed ? "was removed with removeTensor()"
                        : "is of another network; a network's tensors come from its own addInput() "
                          "and layers");
}

std::string Network::described(const std::vector<ITensor*>& inputs) {
  std::string out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto* const t = static_cast<const NetTensor*>(inputs[i]);
    const carnot::Result<Handle> value = probe(*t);
    out += cat(i == 0 ? " (input " : ", input ", i, " is '", t->name, "'");
    if (value.ok()) out += cat(" ", text_of(dims_of(probed().dims(*value))));
  }
  return out.empty() ? out : out + ")";
}

Layer* Network::add_output_copy(NetTensor& tensor, carnot::DType dtype) {
  using carnot::DType;
  const auto same = data_type_of(dtype);
  auto layer = std::make_unique<Cast>(*this);
  const bool wide = dtype == DType::kU32 || dtype == DType::kU64;
  layer->to = same                      ? *same
              : carnot::is_float(dtype) ? DataType::kFLOAT
              : wide                    ? DataType::kINT64
                                        : DataType::kINT32;
  layer->inputs = {&tensor};
  return keep(std::move(layer), 1);
}

ITensor* Network::addInput(char const* name, DataType type, Dims const& dims) noexcept {
  const char* const call = "INetworkDefinition::addInput";
  return reporter_.guard(call, static_cast<ITensor*>(nullptr), [&]() -> ITensor* {
    const auto refuse_input = [&](const std::string& why) {
      reporter_.misuse(call, cat("input '", name, "': ", why));
      return nullptr;
    };
    const std::string problem = name_problem(name);
    if (!problem.empty()) {
      name = "";
      return refuse_input(problem);
    }
    if (!is_known(type)) return refuse_input(cat("there is no DataType ", static_cast<int>(type)));
    if (!is_valid(dims)) return refuse_input(text_of(dims));
    for (const auto& input : inputs_) {
      if (input->name == name) return refuse_input("there is one of this name already");
    }
    carnot::TensorType t{*dtype_of(type), {}};
    for (int32_t i = 0; i < dims.nbDims; ++i) {
      if (dims.d[i] < -1) {
        return refuse_input(cat("dimension ", i, " is ", dims.d[i],
                                "; sizes are 0 or more, or -1 where only a run tells them"));
      }
      t.dims.push_back(dims.d[i] >= 0
                           ? carnot::Dim(dims.d[i])
                           : carnot::Dim::symbol(cat("trt.input", inputs_.size(), ".", i)));
    }
    return new_input(name, std::move(t));
  });
}

IActivationLayer* Network::addActivation(ITensor& input, ActivationType type) noexcept {
  return add<Activation>("INetworkDefinition::addActivation", {&input}, 1, [&](Activation& l) {
    l.type = type;
    return check_value("ActivationType", type);
  });
}

ILRNLayer* Network::addLRN(ITensor& input, int64_t window, float alpha, float beta,
                           float k) noexcept {
  return add<Lrn>("INetworkDefinition::addLRN", {&input}, 1, [&](Lrn& l) {
    l.window = window, l.alpha = alpha, l.beta = beta, l.k = k;
    const bool fine = window >= 1 && window <= 15 && window % 2 == 1;
    return fine ? std::string() : cat("window ", window, " is not odd, 1 to 15");
  });
}

IScaleLayer* Network::addScale(ITensor& input, ScaleMode mode, Weights shift, Weights scale,
                               Weights power) noexcept {
  // [C, H, W], which is all that three axes can be, or with a batch.
  const bool batched =
      !hasImplicitBatchDimension() && owns(&input) && input.getDimensions().nbDims != 3;
  const int32_t channels = batched ? 1 : 0;
  return addScaleNd(input, mode, shift, scale, power, channels);
}

IScaleLayer* Network::addScaleNd(ITensor& input, ScaleMode mode, Weights shift, Weights scale,
                                 Weights power, int32_t channel_axis) noexcept {
  return add<Scale>("INetworkDefinition::addScaleNd", {&input}, 1, [&](Scale& l) {
    l.mode = mode, l.shift = shift, l.scale = scale, l.power = power;
    l.channel_axis = channel_axis;
    return check_value("ScaleMode", mode);
  });
}

namespace {

/// The axis that TensorRT's layers act on unless told otherwise: the third from the end.
int32_t usual_axis(const ITensor& input) {
  return std::max(0, input.getDimensions().nbDims - 3);
}

}  // namespace

ISoftMaxLayer* Network::addSoftMax(ITensor& input) noexcept {
  return add<SoftMax>("INetworkDefinition::addSoftMax", {&input}, 1, [&](SoftMax& l) {
    l.axes = 1u << usual_axis(input);
    return std::string();
  });
}

IConcatenationLayer* Network::addConcatenation(ITensor* const* inputs, int32_t count) noexcept {
  const char* const call = "INetworkDefinition::addConcatenation";
  return add<Concatenation>(call, {}, 1, [&](Concatenation& l) -> std::string {
    if (count < 1) return cat("there are ", count, " inputs; one or more are needed");
    if (!are_mine(call, inputs, count)) return "one of the inputs cannot be used";
    for (int32_t i = 0; i < count; ++i) l.inputs.push_back(static_cast<NetTensor*>(inputs[i]));
    l.axis = usual_axis(*inputs[0]);
    return "";
  });
}

IElementWiseLayer* Network::addElementWise(ITensor& a, ITensor& b,
                                           ElementWiseOperation operation) noexcept {
  return add<ElementWise>("INetworkDefinition::addElementWise", {&a, &b}, 1, [&](ElementWise& l) {
    l.operation = operation;
    return check_value("ElementWiseOperation", operation);
  });
}

IUnaryLayer* Network::addUnary(ITensor& input, UnaryOperation operation) noexcept {
  return add<Unary>("INetworkDefinition::addUnary", {&input}, 1, [&](Unary& l) {
    l.operation = operation;
    return check_value("UnaryOperation", operation);
  });
}

IShuffleLayer* Network::addShuffle(ITensor& input) noexcept {
  return add<Shuffle>("INetworkDefinition::addShuffle", {&input}, 1,
                      [](Shuffle&) { return std::string(); });
}

IReduceLayer* Network::addReduce(ITensor& input, ReduceOperation operation, uint32_t axes,
                                 bool keep) noexcept {
  return add<Reduce>("INetworkDefinition::addReduce", {&input}, 1, [&](Reduce& l) {
    l.operation = operation, l.axes = axes, l.keep_dims = keep;
    if (operation == ReduceOperation::kNONE) {
      return std::string("kNONE is an operation of addDistCollective() alone");
    }
    return check_value("ReduceOperation", operation);
  });
}

ITopKLayer* Network::addTopK(ITensor& input, TopKOperation operation, int32_t k,
                             uint32_t axes) noexcept {
  return addTopKV2(input, operation, k, axes, DataType::kINT32);
}

ITopKLayer* Network::addTopKV2(ITensor& input, TopKOperation operation, int32_t k, uint32_t axes,
                               DataType indices) noexcept {
  return add<TopK>("INetworkDefinition::addTopK", {&input}, 2, [&](TopK& l) -> std::string {
    l.operation = operation, l.k = k, l.axes = axes, l.indices = indices;
    const std::string unknown = check_value("TopKOperation", operation);
    if (!unknown.empty()) return unknown;
    if (!is_index_type(indices)) return kIndicesWanted;
    return k >= 0 ? "" : cat("k is ", k, "; it says how many to keep");
  });
}

IGatherLayer* Network::addGather(ITensor& data, ITensor& indices, int32_t axis) noexcept {
  return add<Gather>("INetworkDefinition::addGather", {&data, &indices}, 1, [&](Gather& l) {
    l.axis = axis;
    return std::string();
  });
}

IGatherLayer* Network::addGatherV2(ITensor& data, ITensor& indices, GatherMode mode) noexcept {
  return add<Gather>("INetworkDefinition::addGatherV2", {&data, &indices}, 1, [&](Gather& l) {
    l.mode = mode;
    return check_value("GatherMode", mode);
  });
}

IRaggedSoftMaxLayer* Network::addRaggedSoftMax(ITensor& input, ITensor& bounds) noexcept {
  return add<RaggedSoftMax>("INetworkDefinition::addRaggedSoftMax", {&input, &bounds}, 1,
                            [](RaggedSoftMax&) { return std::string(); });
}

IMatrixMultiplyLayer* Network::addMatrixMultiply(ITensor& a, MatrixOperation op_a, ITensor& b,
                                                 MatrixOperation op_b) noexcept {
  const char* const call = "INetworkDefinition::addMatrixMultiply";
  return add<MatrixMultiply>(call, {&a, &b}, 1, [&](MatrixMultiply& l) {
    l.operations[0] = op_a, l.operations[1] = op_b;
    const std::string unknown = check_value("MatrixOperation", op_a);
    return unknown.empty() ? check_value("MatrixOperation", op_b) : unknown;
  });
}

IConstantLayer* Network::addConstant(Dims const& dims, Weights weights) noexcept {
  return add<Constant>("INetworkDefinition::addConstant", {}, 1, [&](Constant& l) -> std::string {
    l.weights = weights, l.dims = dims;
    if (!is_valid(dims)) return text_of(dims);
    const carnot::Result<carnot::Tensor> value = tensor_of(weights, ints_of(dims));
    return value.ok() ? "" : value.status().message();
  });
}

IIdentityLayer* Network::addIdentity(ITensor& input) noexcept {
  return add<Identity>("INetworkDefinition::addIdentity", {&input}, 1,
                       [](Identity&) { return std::string(); });
}

ICastLayer* Network::addCast(ITensor& input, DataType to) noexcept {
  return add<Cast>("INetworkDefinition::addCast", {&input}, 1, [&](Cast& l) {
    l.to = to;
    return is_known(to) ? kFine : cat("there is no DataType ", static_cast<int>(to));
  });
}

ISliceLayer* Network::addSlice(ITensor& input, Dims const& start, Dims const& size,
                               Dims const& stride) noexcept {
  return add<Slice>("INetworkDefinition::addSlice", {&input}, 1, [&](Slice& l) -> std::string {
    l.start = start, l.size = size, l.stride = stride;
    if (!is_valid(start) || !is_valid(size) || !is_valid(stride)) {
      return cat("start ", text_of(start), ", size ", text_of(size), ", stride ", text_of(stride));
    }
    const bool equal = start.nbDims == size.nbDims && size.nbDims == stride.nbDims;
    return equal ? ""
                 : cat("start ", text_of(start), ", size ", text_of(size), " and stride ",
                       text_of(stride), " have different lengths");
  });
}

IShapeLayer* Network::addShape(ITensor& input) noexcept {
  return add<ShapeLayer>("INetworkDefinition::addShape", {&input}, 1,
                         [](ShapeLayer&) { return std::string(); });
}

IParametricReLULayer* Network::addParametricReLU(ITensor& input, ITensor& slope) noexcept {
  return add<ParametricReLU>("INetworkDefinition::addParametricReLU", {&input, &slope}, 1,
                             [](ParametricReLU&) { return std::string(); });
}

namespace {

template <class L>
std::string set_convolution(L& l, int64_t maps, Dims const& kernel, const Weights& weights,
                            const Weights& bias) {
  l.maps = maps, l.kernel_size = kernel, l.kernel = weights, l.bias = bias;
  l.pre.nbDims = l.post.nbDims = l.stride.nbDims = l.dilation.nbDims = kernel.nbDims;
  if (!is_valid(kernel) || kernel.nbDims < 2 || kernel.nbDims > 3) {
    return cat("the kernel's size ", text_of(kernel), " does not have 2 or 3 axes");
  }
  for (int32_t i = 0; i < kernel.nbDims; ++i) l.stride.d[i] = l.dilation.d[i] = 1;
  return maps > 0 ? "" : cat("there are ", maps, " output maps; one or more are needed");
}

}  // namespace

IConvolutionLayer* Network::addConvolutionNd(ITensor& input, int64_t maps, Dims const& kernel,
                                             Weights weights, Weights bias) noexcept {
  return add<Convolution>("INetworkDefinition::addConvolutionNd", {&input}, 1, [&](Convolution& l) {
    return set_convolution(l, maps, kernel, weights, bias);
  });
}

IDeconvolutionLayer* Network::addDeconvolutionNd(ITensor& input, int64_t maps, Dims const& kernel,
                                                 Weights weights, Weights bias) noexcept {
  return add<Deconvolution>(
      "INetworkDefinition::addDeconvolutionNd", {&input}, 1,
      [&](Deconvolution& l) { return set_convolution(l, maps, kernel, weights, bias); });
}

IPoolingLayer* Network::addPoolingNd(ITensor& input, PoolingType type,
                                     Dims const& window) noexcept {
  return add<Pooling>("INetworkDefinition::addPoolingNd", {&input}, 1, [&](Pooling& l) {
    l.type = type, l.kernel_size = window;
    l.pre.nbDims = l.post.nbDims = window.nbDims;
    l.stride.nbDims = window.nbDims;  // 1, unless set otherwise
    std::fill_n(l.stride.d, std::size(l.stride.d), 1);
    if (const std::string unknown = check_value("PoolingType", type); !unknown.empty()) {
      return unknown;
    }
    const bool fine = is_valid(window) && window.nbDims >= 2 && window.nbDims <= 3;
    return fine ? std::string() : cat("the window ", text_of(window), " does not have 2 or 3 axes");
  });
}

IResizeLayer* Network::addResize(ITensor& input) noexcept {
  return add<Resize>("INetworkDefinition::addResize", {&input}, 1,
                     [](Resize&) { return std::string(); });
}

ISelectLayer* Network::addSelect(ITensor& condition, ITensor& a, ITensor& b) noexcept {
  return add<Select>("INetworkDefinition::addSelect", {&condition, &a, &b}, 1,
                     [](Select&) { return std::string(); });
}

IFillLayer* Network::addFill(Dims const& dims, FillOperation operation) noexcept {
  return addFillV2(dims, operation, DataType::kFLOAT);
}

IFillLayer* Network::addFillV2(Dims const& dims, FillOperation operation, DataType to) noexcept {
  return add<Fill>("INetworkDefinition::addFill", {}, 1, [&](Fill& l) -> std::string {
    l.dims = dims, l.operation = operation, l.to = to;
    l.seed = static_cast<uint32_t>(layers_.size());
    const std::string unknown = check_value("FillOperation", operation);
    if (!unknown.empty()) return unknown;
    if (!is_known(to)) return cat("there is no DataType ", static_cast<int>(to));
    return is_valid(dims) ? "" : cat("the dimensions ", text_of(dims));
  });
}

IPaddingLayer* Network::addPaddingNd(ITensor& input, Dims const& pre, Dims const& post) noexcept {
  return add<Padding>("INetworkDefinition::addPaddingNd", {&input}, 1, [&](Padding& l) {
    l.pre = pre, l.post = post;
    return pre.nbDims == 2 && post.nbDims == 2
               ? std::string()
               : cat("the padding ", text_of(pre), " and ", text_of(post),
                     " is not of two axes, the last two");
  });
}

IScatterLayer* Network::addScatter(ITensor& data, ITensor& indices, ITensor& updates,
                                   ScatterMode mode) noexcept {
  const char* const call = "INetworkDefinition::addScatter";
  return add<Scatter>(call, {&data, &indices, &updates}, 1, [&](Scatter& l) {
    l.mode = mode;
    return check_value("ScatterMode", mode);
  });
}

IEinsumLayer* Network::addEinsum(ITensor* const* inputs, int32_t count,
                                 char const* equation) noexcept {
  const char* const call = "INetworkDefinition::addEinsum";
  return add<Einsum>(call, {}, 1, [&](Einsum& l) -> std::string {
    if (count < 1 || !equation) {
      return equation ? cat("there are ", count, " inputs; one or more are needed")
                      : "the equation is null";
    }
    if (!are_mine(call, inputs, count)) return "one of the inputs cannot be used";
    for (int32_t i = 0; i < count; ++i) l.inputs.push_back(static_cast<NetTensor*>(inputs[i]));
    l.equation = equation;
    return "";
  });
}

IAssertionLayer* Network::addAssertion(ITensor& condition, char const* message) noexcept {
  return add<Assertion>("INetworkDefinition::addAssertion", {&condition}, 0, [&](Assertion& l) {
    l.message = message ? message : "";
    return std::string();
  });
}

IOneHotLayer* Network::addOneHot(ITensor& indices, ITensor& values, ITensor& depth,
                                 int32_t axis) noexcept {
  return add<OneHot>("INetworkDefinition::addOneHot", {&indices, &values, &depth}, 1,
                     [&](OneHot& l) {
                       l.axis = axis;
                       return std::string();
                     });
}

INonZeroLayer* Network::addNonZero(ITensor& input) noexcept {
  return addNonZeroV2(input, DataType::kINT32);
}

INonZeroLayer* Network::addNonZeroV2(ITensor& input, DataType indices) noexcept {
  return add<NonZero>("INetworkDefinition::addNonZero", {&input}, 1, [&](NonZero& l) {
    l.indices = indices;
    return std::string(is_index_type(indices) ? kFine : kIndicesWanted);
  });
}

IGridSampleLayer* Network::addGridSample(ITensor& input, ITensor& grid) noexcept {
  return add<GridSample>("INetworkDefinition::addGridSample", {&input, &grid}, 1,
                         [](GridSample&) { return std::string(); });
}

INMSLayer* Network::addNMS(ITensor& boxes, ITensor& scores, ITensor& count_max) noexcept {
  return addNMSV2(boxes, scores, count_max, DataType::kINT32);
}

INMSLayer* Network::addNMSV2(ITensor& boxes, ITensor& scores, ITensor& count_max,
                             DataType indices) noexcept {
  return add<Nms>("INetworkDefinition::addNMS", {&boxes, &scores, &count_max}, 2, [&](Nms& l) {
    l.indices = indices;
    return std::string(is_index_type(indices) ? kFine : kIndicesWanted);
  });
}

IReverseSequenceLayer* Network::addReverseSequence(ITensor& input, ITensor& lengths) noexcept {
  return add<ReverseSequence>("INetworkDefinition::addReverseSequence", {&input, &lengths}, 1,
                              [](ReverseSequence&) { return std::string(); });
}

INormalizationLayer* Network::addNormalization(ITensor& input, ITensor& scale, ITensor& bias,
                                               uint32_t axes) noexcept {
  const char* const call = "INetworkDefinition::addNormalization";
  return add<Normalization>(call, {&input, &scale, &bias}, 1, [&](Normalization& l) {
    l.axes = axes;
    return std::string(axes != 0 ? kFine : "the mask of axes is 0: bit i stands for axis i");
  });
}

INormalizationLayer* Network::addNormalizationV2(ITensor& input, ITensor& scale, ITensor& bias,
                                                 uint32_t axes) noexcept {
  const char* const call = "INetworkDefinition::addNormalizationV2";
  return add<Normalization>(call, {&input, &scale, &bias}, 1, [&](Normalization& l) {
    l.axes = axes, l.v2 = true;
    return std::string(axes != 0 ? kFine : "the mask of axes is 0: bit i stands for axis i");
  });
}

ISqueezeLayer* Network::addSqueeze(ITensor& input, ITensor& axes) noexcept {
  return add<Squeeze>("INetworkDefinition::addSqueeze", {&input, &axes}, 1,
                      [](Squeeze&) { return std::string(); });
}

IUnsqueezeLayer* Network::addUnsqueeze(ITensor& input, ITensor& axes) noexcept {
  return add<Unsqueeze>("INetworkDefinition::addUnsqueeze", {&input, &axes}, 1,
                        [](Unsqueeze&) { return std::string(); });
}

ICumulativeLayer* Network::addCumulative(ITensor& input, ITensor& axis,
                                         CumulativeOperation operation, bool exclusive,
                                         bool reverse) noexcept {
  return add<Cumulative>("INetworkDefinition::addCumulative", {&input, &axis}, 1,
                         [&](Cumulative& l) {
                           l.operation = operation;
                           l.exclusive = exclusive, l.reverse = reverse;
                           return check_value("CumulativeOperation", operation);
                         });
}

}  // namespace trt
