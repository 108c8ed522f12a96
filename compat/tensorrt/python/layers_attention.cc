// Layers of transformers: attention, rotary embedding, caches, experts, collectives.
#include "layers.h"

namespace trt_python {
namespace {

constexpr auto kOwn = nb::rv_policy::reference_internal;

void bind_attention(nb::module_& m) {
  nb::class_<IAttention>(m, "IAttention", "Queries that weight values by their likeness to keys.")
      .def_prop_rw("mask", &IAttention::getMask, &checked<&IAttention::setMask>, kOwn,
                   "Added to the scores, or which of them count.")
      .def_prop_rw("norm_op", &IAttention::getNormalizationOperation,
                   &checked<&IAttention::setNormalizationOperation>, "What the scores become.")
      .def_prop_rw("decomposable", &IAttention::getDecomposable,
                   &checked<&IAttention::setDecomposable>, "Whether several kernels may do it.")
      .def_prop_rw("causal", &IAttention::getCausal, &checked<&IAttention::setCausal>,
                   "Whether a query sees only keys up to its own position.")
      .def_prop_rw("name", &IAttention::getName, &checked<&IAttention::setName>, "Its name.")
      .def_prop_rw("metadata", &IAttention::getMetadata, &checked<&IAttention::setMetadata>,
                   "Text that EngineInspector shows.")
      .def_prop_rw("normalization_quantize_scale", &IAttention::getNormalizationQuantizeScale,
                   &checked<&IAttention::setNormalizationQuantizeScale>, kOwn,
                   "The scale of quantized scores, or None.")
      .def_prop_rw("normalization_quantize_to_type", &IAttention::getNormalizationQuantizeToType,
                   &checked<&IAttention::setNormalizationQuantizeToType>,
                   "The type of quantized scores.")
      .def_prop_ro("num_inputs", &IAttention::getNbInputs, "How many inputs it has.")
      .def_prop_ro("num_outputs", &IAttention::getNbOutputs, "How many results it has.")
      .def("set_input", &IAttention::setInput, "index"_a, "tensor"_a,
           "0: query, 1: key, 2: value, 3: mask, 4: the scale of the scores.")
      .def("get_input", &IAttention::getInput, "index"_a, kOwn, "An input.")
      .def("get_output", &IAttention::getOutput, "index"_a, kOwn, "A result.")
      .def_prop_rw("num_ranks", &IAttention::getNbRanks, &checked<&IAttention::setNbRanks>,
                   "Devices that take part.")
      .def_prop_rw("causal_kind", &IAttention::getCausalKind, &checked<&IAttention::setCausalKind>,
                   "Which keys a query sees (version 11).");
  nb::class_<IAttentionBoundaryLayer, ILayer>(m, "IAttentionBoundaryLayer",
                                              "Where values enter or leave an attention.")
      .def_prop_ro("attention", &IAttentionBoundaryLayer::getAttention, kOwn, "The attention.");
  nb::class_<IAttentionInputLayer, IAttentionBoundaryLayer>(m, "IAttentionInputLayer",
                                                            "Where values enter.");
  nb::class_<IAttentionOutputLayer, IAttentionBoundaryLayer>(m, "IAttentionOutputLayer",
                                                             "Where the result leaves.");
}

void bind_experts(nb::module_& m) {
  const auto set_input = [](IMoELayer& self, int32_t index, ITensor& tensor) {
    self.setInput(index, tensor);
  };
  nb::class_<IMoELayer, ILayer>(m, "IMoELayer", "A mixture of experts.")
      .def("set_gated_weights", &IMoELayer::setGatedWeights, "fc_gate_weights"_a, "fc_up_weights"_a,
           "fc_down_weights"_a, "activation_type"_a, "The experts' weights.")
      .def("set_gated_biases", &IMoELayer::setGatedBiases, "fc_gate_biases"_a, "fc_up_biases"_a,
           "fc_down_biases"_a, "The experts' biases.")
      .def_prop_rw("activation_type", &IMoELayer::getActivationType, &IMoELayer::setActivationType,
                   "The activation of an expert.")
      .def("set_quantization_static", &IMoELayer::setQuantizationStatic,
           "fc_down_activation_scale"_a, "data_type"_a, "Quantizes by a given scale.")
      .def("set_quantization_dynamic_dbl_q", &IMoELayer::setQuantizationDynamicDblQ,
           "fc_down_activation_dbl_q_scale"_a, "data_type"_a, "block_shape"_a,
           "dyn_q_output_scale_type"_a, "Quantizes by scales that are computed.")
      .def_prop_rw("quantization_to_type", &IMoELayer::getQuantizationToType,
                   &IMoELayer::setQuantizationToType, "The type of quantized activations.")
      .def_prop_rw("quantization_block_shape", &IMoELayer::getQuantizationBlockShape,
                   &IMoELayer::setQuantizationBlockShape, "How many elements share a scale.")
      .def_prop_rw("dyn_q_output_scale_type", &IMoELayer::getDynQOutputScaleType,
                   &IMoELayer::setDynQOutputScaleType, "The type of computed scales.")
      .def("set_swiglu_params", &IMoELayer::setSwigluParams, "limit"_a, "alpha"_a, "beta"_a,
           "The parameters of the activation.")
      .def_prop_rw("swiglu_param_limit", &IMoELayer::getSwigluParamLimit,
                   &IMoELayer::setSwigluParamLimit, "Where the activation is cut.")
      .def_prop_rw("swiglu_param_alpha", &IMoELayer::getSwigluParamAlpha,
                   &IMoELayer::setSwigluParamAlpha, "Scales the gate.")
      .def_prop_rw("swiglu_param_beta", &IMoELayer::getSwigluParamBeta,
                   &IMoELayer::setSwigluParamBeta, "Is added to the other operand.")
      .def("set_input", set_input, "index"_a, "tensor"_a, "Replaces an input.");
}

}  // namespace

void bind_attention_layers(nb::module_& m) {
  bind_attention(m);
  bind_experts(m);
  nb::class_<IRotaryEmbeddingLayer, ILayer>(m, "IRotaryEmbeddingLayer",
                                            "Pairs of elements, rotated by angles of two tables.")
      .def_prop_rw("interleaved", &IRotaryEmbeddingLayer::getInterleaved,
                   lenient<&IRotaryEmbeddingLayer::setInterleaved>, "Whether pairs are neighbours.")
      .def_prop_rw("rotary_embedding_dim", &IRotaryEmbeddingLayer::getRotaryEmbeddingDim,
                   &checked<&IRotaryEmbeddingLayer::setRotaryEmbeddingDim>,
                   "How many elements are rotated; 0 for all.")
      .def("set_input", &IRotaryEmbeddingLayer::setInput, "index"_a, "tensor"_a, "3: positions.");
  nb::class_<IKVCacheUpdateLayer, ILayer>(m, "IKVCacheUpdateLayer",
                                          "A cache with new keys or values, in its own memory.")
      .def_prop_rw("cache_mode", &IKVCacheUpdateLayer::getCacheMode,
                   &checked<&IKVCacheUpdateLayer::setCacheMode>, "Where it is written.")
      .def("set_input", &IKVCacheUpdateLayer::setInput, "index"_a, "tensor"_a,
           "Replaces an input.");
  nb::class_<IDistCollectiveLayer, ILayer>(m, "IDistCollectiveLayer",
                                           "An operation among devices.");
}

}  // namespace trt_python
