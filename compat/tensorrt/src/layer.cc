#include "layer.h"

#include "network.h"

namespace trt {

const char* Layer::kind_name() const {
  static constexpr const char* kNames[] = {"Convolution",
                                           "Cast",
                                           "Activation",
                                           "Pooling",
                                           "LRN",
                                           "Scale",
                                           "Softmax",
                                           "Deconvolution",
                                           "Concatenation",
                                           "ElementWise",
                                           "Plugin",
                                           "Unary",
                                           "Padding",
                                           "Shuffle",
                                           "Reduce",
                                           "TopK",
                                           "Gather",
                                           "Matrix Multiply",
                                           "Ragged SoftMax",
                                           "Constant",
                                           "Identity",
                                           "PluginV2",
                                           "Slice",
                                           "Shape",
                                           "Parametric ReLU",
                                           "Resize",
                                           "TripLimit",
                                           "Recurrence",
                                           "Iterator",
                                           "LoopOutput",
                                           "Select",
                                           "Fill",
                                           "Quantize",
                                           "Dequantize",
                                           "Condition",
                                           "Input",
                                           "Output",
                                           "Scatter",
                                           "Einsum",
                                           "Assertion",
                                           "OneHot",
                                           "NonZero",
                                           "GridSample",
                                           "NMS",
                                           "ReverseSequence",
                                           "Normalization",
                                           "PluginV3",
                                           "Squeeze",
                                           "Unsqueeze",
                                           "Cumulative",
                                           "DynamicQuantize",
                                           "AttentionInput",
                                           "AttentionOutput",
                                           "RotaryEmbedding",
                                           "KVCacheUpdate",
                                           "MoE",
                                           "DistCollective"};
  const auto i = static_cast<size_t>(kind);
  return i < std::size(kNames) ? kNames[i] : "Layer";
}

void Layer::touch() {
  parameters_set = true;
  renew();
}

void Layer::refuse_value(const char* setter, const std::string& why) {
  network.reporter().misuse(
      cat("ILayer::", setter).c_str(),
      cat("layer '", name, "' (", kind_name(), "): ", why, ". It stays as it was"));
}

bool Layer::takes_text(const char* setter, const char* text) {
  const std::string problem = name_problem(text);
  if (!problem.empty()) refuse_value(setter, problem);
  return problem.empty();
}

bool Layer::takes_types(const char* setter) {
  if (!network.is_strongly_typed()) return true;
  refuse_value(setter,
               "the network is strongly typed: a layer computes in the type of its inputs; cast "
               "them with addCast(), or make a network without kSTRONGLY_TYPED");
  return false;
}

void Layer::renew() {
  ++revision;
  network.changed();
}

bool Layer::set_input(int32_t i, NetTensor* tensor) {
  const char* const call = "ILayer::setInput";
  if (i < 0 || i >= inputs_max()) {
    network.reporter().misuse(call, cat("layer '", name, "' (", kind_name(), ") has no input ", i,
                                        "; there are ", inputs_max()));
    return false;
  }
  if (!network.owns(tensor)) {
    network.reporter().misuse(call, cat("layer '", name, "' (", kind_name(), "), input ", i, ": ",
                                        network.why_not_owned(tensor)));
    return false;
  }
  if (static_cast<size_t>(i) >= inputs.size()) inputs.resize(static_cast<size_t>(i) + 1);
  inputs[static_cast<size_t>(i)] = tensor;
  renew();
  return true;
}

void Layer::add_outputs(int count) {
  for (int i = 0; i < count; ++i) {
    outputs.push_back(
        std::make_unique<NetTensor>(network, this, static_cast<int32_t>(outputs.size())));
    NetTensor& t = *outputs.back();
    t.name = outputs.size() == 1 ? cat(name, "_output") : cat(name, "_output_", outputs.size() - 1);
  }
}

}  // namespace trt
