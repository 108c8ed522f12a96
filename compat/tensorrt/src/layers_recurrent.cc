#include "layers_recurrent.h"

#include "network_add.h"

namespace trt {

namespace op = carnot::op;

int32_t RnnV2::getDataLength() const noexcept {
  const ITensor* const x = getInput(0);
  const Dims dims = x ? x->getDimensions() : Dims{};
  return dims.nbDims > 0 ? static_cast<int32_t>(dims.d[dims.nbDims - 1]) : -1;
}

void RnnV2::setOperation(RNNOperation given) noexcept {
  if (!is_legal(given)) return refuse_value("setOperation", text_of_value(given));
  const auto cells = [](RNNOperation of) { return of == RNNOperation::kLSTM; };
  if (cells(given) != cells(operation)) {
    return refuse_value("setOperation",
                        "a layer that is made with kLSTM stays one, and no other "
                        "becomes one: it has an output more");
  }
  operation = given;
  touch();
}

void RnnV2::setGate(int32_t layer, RNNGateType gate, bool of_input, bool bias,
                    Weights given) noexcept {
  const char* const setter = bias ? "setBiasForGate" : "setWeightsForGate";
  if (!is_legal(gate)) return refuse_value(setter, text_of_value(gate));
  if (layer < 0 || layer >= 2 * layers) {
    return refuse_value(setter, cat("there is no layer ", layer));
  }
  network.reporter().guard(setter, [&] {
    weights_[{layer, gate, of_input, bias}] = given;
    touch();
  });
}

Weights RnnV2::getGate(int32_t layer, RNNGateType gate, bool of_input, bool bias) const noexcept {
  const auto found = weights_.find({layer, gate, of_input, bias});
  return found == weights_.end() ? Weights{DataType::kFLOAT, nullptr, 0} : found->second;
}

/// In the order of the operation.
const std::vector<RNNGateType>& RnnV2::gates() const {
  static const auto& lstm = *new std::vector<RNNGateType>{RNNGateType::kINPUT, RNNGateType::kOUTPUT,
                                                          RNNGateType::kFORGET, RNNGateType::kCELL};
  static const auto& gru = *new std::vector<RNNGateType>{RNNGateType::kUPDATE, RNNGateType::kRESET,
                                                         RNNGateType::kHIDDEN};
  static const auto& rnn = *new std::vector<RNNGateType>{RNNGateType::kINPUT};
  return operation == RNNOperation::kLSTM ? lstm : operation == RNNOperation::kGRU ? gru : rnn;
}

op::Recurrent RnnV2::cell(DType dtype) const {
  op::Recurrent out;
  out.kind = operation == RNNOperation::kLSTM  ? op::Recurrent::kLstm
             : operation == RNNOperation::kGRU ? op::Recurrent::kGru
                                               : op::Recurrent::kRnn;
  out.direction = directions() == 2 ? op::Recurrent::kBidirectional : op::Recurrent::kForward;
  out.hidden = hidden;
  out.linear_before_reset = true;
  if (operation == RNNOperation::kRELU) {  // others are what the operation does of itself
    const std::string relu = cat("max($0, 0:", carnot::to_string(dtype), ")");
    const auto count = static_cast<size_t>(directions());
    out.activations.assign(count, take(carnot::parse_scalar_program(relu, 1)));
  }
  return out;
}

namespace {

/// Zeros, of our own: weights of the user are not copied.
carnot::Tensor numbers(const carnot::Shape& shape) {
  carnot::Tensor out = take(carnot::Tensor::allocate(DType::kF32, shape));
  std::fill_n(out.as<float>(), out.elements(), 0.0F);
  return out;
}

}  // namespace

/// [directions, gates * hidden, width]
Handle RnnV2::matrix(Emit& e, int64_t layer, bool of_input, int64_t width, DType dtype) const {
  const bool skips = of_input && layer == 0 && mode == RNNInputMode::kSKIP;
  if (skips && width != hidden) {
    refuse("kSKIP needs an input as wide as the state, ", hidden, "; it has ", width);
  }
  Values all;
  for (int64_t d = 0; d < directions(); ++d) {
    const auto index = static_cast<int32_t>(layer * directions() + d);
    for (const RNNGateType gate : gates()) {
      if (skips) {
        carnot::Tensor identity = numbers({width, width});
        for (int64_t i = 0; i < width; ++i) identity.as<float>()[i * width + i] = 1;
        all.push_back(e.cast(e.constant(std::move(identity)), dtype));
        continue;
      }
      const Weights w = getGate(index, gate, of_input, false);
      if (w.count != int64_t{hidden} * width) {
        refuse("gate ", static_cast<int>(gate), " of layer ", index, " has ", w.count,
               of_input ? " input" : " recurrent", " weights, needs ", hidden, " x ", width);
      }
      all.push_back(e.cast(e.weights(w, {hidden, width}), dtype));
    }
  }
  const auto rows = static_cast<int64_t>(gates().size()) * hidden;
  return e.reshape(e.concat(all, 0), {directions(), rows, width});
}

/// [directions, 2 * gates * hidden]: those of the inputs, then those of the states.
Handle RnnV2::biases(Emit& e, int64_t layer, DType dtype) const {
  Values all;
  for (int64_t d = 0; d < directions(); ++d) {
    const auto index = static_cast<int32_t>(layer * directions() + d);
    for (const bool of_input : {true, false}) {
      for (const RNNGateType gate : gates()) {
        const Weights b = getGate(index, gate, of_input, true);
        if (b.count == 0) {
          all.push_back(e.cast(e.constant(numbers({hidden})), dtype));
          continue;
        }
        if (b.count != hidden) {
          refuse("gate ", static_cast<int>(gate), " of layer ", index, " has ", b.count,
                 " biases, needs ", hidden);
        }
        all.push_back(e.cast(e.weights(b, {hidden}), dtype));
      }
    }
  }
  const auto width = 2 * static_cast<int64_t>(gates().size()) * hidden;
  return e.reshape(e.concat(all, 0), {directions(), width});
}

Handle RnnV2::state(Emit& e, Handle all, int64_t layer, const carnot::Dim& n) const {
  const Handle flat = e.reshape(all, {n, layers * directions(), hidden});
  return e.slice(e.transpose(flat, {1, 0, 2}), 0, layer * directions(), directions());
}

Values RnnV2::emit(Emit& e, const Values& in) {
  const int64_t rank = e.rank(in[0]);
  if (rank < 2) refuse("needs an input [.., steps, width]");
  const carnot::Dims dims = e.dims(in[0]);
  const carnot::Dim steps = dims[static_cast<size_t>(rank - 2)], wide = dims.back();
  if (!wide.is_constant()) refuse("the input's last size must be known");
  if (steps.is_constant() && steps.value() > steps_max) {
    refuse("the input has ", steps.value(), " steps, the layer is for up to ", steps_max);
  }
  carnot::Dims lead(dims.begin(), dims.end() - 2);
  carnot::Dim n = 1;
  for (const carnot::Dim& d : lead) n = n * d;
  const DType dtype = e.dtype(in[0]);
  const auto given = [&](size_t i) { return i < in.size() ? in[i] : Handle(); };
  const Handle none = e.constant(take(carnot::Tensor::allocate(dtype, {0})));
  const Handle lengths = given(1).valid() ? e.reshape(given(1), {n}) : none;

  Handle x = e.transpose(e.reshape(in[0], {n, steps, wide}), {1, 0, 2});
  int64_t width = wide.value();
  Values states, cells;
  for (int64_t layer = 0; layer < layers; ++layer) {
    Values operands = {x,
                       matrix(e, layer, true, width, dtype),
                       matrix(e, layer, false, hidden, dtype),
                       biases(e, layer, dtype),
                       lengths,
                       given(2).valid() ? state(e, given(2), layer, n) : none};
    const bool cell_given = operation == RNNOperation::kLSTM && given(3).valid();
    if (cell_given) operands.push_back(state(e, given(3), layer, n));
    const Values out = e.add(cell(dtype), operands);
    width = directions() * hidden;
    x = e.reshape(e.transpose(out[0], {0, 2, 1, 3}), {steps, n, width});
    states.push_back(out[1]);
    if (out.size() > 2) cells.push_back(out[2]);
  }
  const auto with_lead = [&](Handle h, const carnot::Dim& rows, int64_t columns) {
    carnot::Dims sizes = lead;
    sizes.push_back(rows);
    sizes.emplace_back(columns);
    return e.reshape(e.transpose(h, {1, 0, 2}), sizes);
  };
  Values out = {with_lead(x, steps, width)};
  for (const Values* kept : {&states, &cells}) {
    if (!kept->empty()) {
      out.push_back(with_lead(e.concat(*kept, 0), layers * directions(), hidden));
    }
  }
  return out;
}

}  // namespace trt

namespace nvinfer1 {

IRNNv2Layer* carnotTrtAddRNNv2(INetworkDefinition* network, ITensor* input, int32_t layerCount,
                               int32_t hiddenSize, int32_t maxSeqLen,
                               RNNOperation operation) noexcept {
  const bool cells = operation == RNNOperation::kLSTM;
  return static_cast<trt::Network*>(network)->add<trt::RnnV2>(
      "INetworkDefinition::addRNNv2", {input}, cells ? 3 : 2, [&](trt::RnnV2& l) {
        l.layers = layerCount, l.hidden = hiddenSize, l.steps_max = maxSeqLen;
        l.operation = operation;
        std::string unknown = trt::check_value("RNNOperation", operation);
        if (!unknown.empty()) return unknown;
        const bool fine = layerCount > 0 && hiddenSize > 0 && maxSeqLen > 0;
        return std::string(fine ? ""
                                : "the number of layers, the size of the state and the number "
                                  "of steps must be positive");
      });
}

}  // namespace nvinfer1
