#include "imported_kinds.h"

#include "imported.h"
#include "network.h"

namespace trt {

using carnot::ScalarOp;
namespace op = carnot::op;

namespace {

template <class T>
class ImportedAs final : public T {
 public:
  ImportedAs(Network& net, carnot::Operation node) : T(net), operation_(std::move(node)) {}
  Values emit(Emit& e, const Values& in) override {
    return !this->parameters_set ? e.add(pinned(operation_, *sizes_), in) : T::emit(e, in);
  }
  bool emit_edge(Scope& scope) override {
    sizes_ = &scope.pinned;
    return false;
  }

 private:
  carnot::Operation operation_;
  const std::map<std::string, carnot::Dim, std::less<>>* sizes_ = nullptr;
};

template <class T, class F>
Layer* keep(Network& into, const carnot::Network::Node& node, F&& fill) {
  auto layer = std::make_unique<ImportedAs<T>>(into, node.op);
  fill(*layer);
  return into.keep(std::move(layer), static_cast<int>(node.outputs.size()));
}

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

template <class T, class Op>
Layer* convolution(Network& into, const carnot::Network& model, const carnot::Network::Node& node,
                   const Op& o, bool transposed) {
  const auto kernel = kernel_of(model, node.inputs[1]);
  if (!kernel || o.channels_last) return nullptr;
  const Dims weights = dims_of(model.type(node.inputs[1]).dims);
  return keep<T>(into, node, [&](T& l) {
    fill_window(l, o, *kernel);
    l.dilation = or_all(o.dilations, kernel->nbDims, 1);
    l.groups = o.groups;
    l.maps = transposed ? weights.d[1] * o.groups : weights.d[0];
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

std::optional<UnaryOperation> unary_of(ScalarOp scalar) {
  static const std::map<ScalarOp, UnaryOperation>& table = *new std::map<ScalarOp, UnaryOperation>{
      {ScalarOp::kExp, UnaryOperation::kEXP},     {ScalarOp::kLog, UnaryOperation::kLOG},
      {ScalarOp::kSqrt, UnaryOperation::kSQRT},   {ScalarOp::kRecip, UnaryOperation::kRECIP},
      {ScalarOp::kAbs, UnaryOperation::kABS},     {ScalarOp::kNeg, UnaryOperation::kNEG},
      {ScalarOp::kSin, UnaryOperation::kSIN},     {ScalarOp::kCos, UnaryOperation::kCOS},
      {ScalarOp::kErf, UnaryOperation::kERF},     {ScalarOp::kNot, UnaryOperation::kNOT},
      {ScalarOp::kFloor, UnaryOperation::kFLOOR}, {ScalarOp::kCeil, UnaryOperation::kCEIL},
      {ScalarOp::kRound, UnaryOperation::kROUND}, {ScalarOp::kSign, UnaryOperation::kSIGN}};
  const auto found = table.find(scalar);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

std::optional<ElementWiseOperation> binary_of(ScalarOp scalar) {
  static const std::map<ScalarOp, ElementWiseOperation>& table =
      *new std::map<ScalarOp, ElementWiseOperation>{{ScalarOp::kAdd, ElementWiseOperation::kSUM},
                                                    {ScalarOp::kMul, ElementWiseOperation::kPROD},
                                                    {ScalarOp::kMax, ElementWiseOperation::kMAX},
                                                    {ScalarOp::kMin, ElementWiseOperation::kMIN},
                                                    {ScalarOp::kSub, ElementWiseOperation::kSUB},
                                                    {ScalarOp::kDiv, ElementWiseOperation::kDIV},
                                                    {ScalarOp::kPow, ElementWiseOperation::kPOW},
                                                    {ScalarOp::kAnd, ElementWiseOperation::kAND},
                                                    {ScalarOp::kOr, ElementWiseOperation::kOR},
                                                    {ScalarOp::kXor, ElementWiseOperation::kXOR},
                                                    {ScalarOp::kEq, ElementWiseOperation::kEQUAL},
                                                    {ScalarOp::kGt, ElementWiseOperation::kGREATER},
                                                    {ScalarOp::kLt, ElementWiseOperation::kLESS}};
  const auto found = table.find(scalar);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

std::optional<ActivationType> activation_of(const carnot::ScalarProgram& body) {
  const std::string text = carnot::to_string(body);
  if (text.rfind("max($0, 0.0:", 0) == 0 || text.rfind("max($0, 0:", 0) == 0) {
    return ActivationType::kRELU;
  }
  if (text == "sigmoid($0)") return ActivationType::kSIGMOID;
  if (text == "tanh($0)") return ActivationType::kTANH;
  return std::nullopt;
}

Layer* pointwise(Network& into, const carnot::Network::Node& node, const op::Pointwise& p) {
  if (const auto type = activation_of(p.body); type && node.inputs.size() == 1) {
    return keep<Activation>(into, node, [&](Activation& l) { l.type = *type; });
  }
  if (p.body.insts.size() != 1 || p.body.results.size() != 1) return nullptr;
  const carnot::ScalarInst& inst = p.body.insts[0];
  if (inst.op == ScalarOp::kCast && node.inputs.size() == 1) {
    const auto to = data_type_of(inst.type);
    if (to) return keep<Cast>(into, node, [&](Cast& l) { l.to = *to; });
  }
  if (const auto unary = unary_of(inst.op); unary && node.inputs.size() == 1) {
    return keep<Unary>(into, node, [&](Unary& l) { l.operation = *unary; });
  }
  const bool in_order = inst.args[0] == 0 && inst.args[1] == 1;
  if (const auto binary = binary_of(inst.op); binary && node.inputs.size() == 2 && in_order) {
    return keep<ElementWise>(into, node, [&](ElementWise& l) { l.operation = *binary; });
  }
  return nullptr;
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

}  // namespace

Layer* keep_as_kind(Network& into, const carnot::Network& model,
                    const carnot::Network::Node& node) {
  const auto as = [&]<class Op>(const Op*) { return std::get_if<Op>(&node.op); };
  if (const auto* o = as(static_cast<const op::Conv*>(nullptr))) {
    return convolution<Convolution>(into, model, node, *o, false);
  }
  if (const auto* o = as(static_cast<const op::ConvTranspose*>(nullptr))) {
    const bool plain = o->output_pads.empty();
    return plain ? convolution<Deconvolution>(into, model, node, *o, true) : nullptr;
  }
  if (const auto* o = as(static_cast<const op::Pool*>(nullptr))) return pooling(into, node, *o);
  if (const auto* o = as(static_cast<const op::Pointwise*>(nullptr))) {
    return pointwise(into, node, *o);
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
    return keep<Shuffle>(into, node, [&](Shuffle& l) { l.reshape = dims_of(o->sizes); });
  }
  return nullptr;
}

}  // namespace trt
