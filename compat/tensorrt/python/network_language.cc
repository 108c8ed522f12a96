// INetworkDefinition: the calls that add layers of transformers, normalization and collectives.
#include <nanobind/stl/optional.h>

#include "bind.h"

namespace trt_python {
namespace {

constexpr auto kOwn = nb::rv_policy::reference_internal;
using Network = INetworkDefinition;

IDistCollectiveLayer* add_collective(Network& network, ITensor& input, CollectiveOperation op,
                                     std::optional<ReduceOperation> reduce,
                                     std::optional<int64_t> root,
                                     std::optional<std::vector<int64_t>> groups) {
  std::vector<int64_t> ranks = groups.value_or(std::vector<int64_t>());
  return network.addDistCollective(input, op, reduce.value_or(ReduceOperation::kNONE),
                                   root.value_or(-1), ranks.empty() ? nullptr : ranks.data(),
                                   static_cast<int64_t>(ranks.size()));
}

}  // namespace

void bind_network_language(nb::class_<Network>& network) {
  network
      .def("add_normalization", &Network::addNormalization, "input"_a, "scale"_a, "bias"_a,
           "axesMask"_a, kOwn, "(x - mean) / deviation * scale + bias.")
      .def("add_normalization_v2", &Network::addNormalizationV2, "input"_a, "scale"_a, "bias"_a,
           "axesMask"_a, kOwn, "As above; scale and bias have the shape of the normalized axes.")
      .def("add_attention", lenient<&Network::addAttention>, "query"_a, "key"_a, "value"_a,
           "norm_op"_a, "causal"_a, kOwn, "Queries that weight values by their likeness to keys.")
      .def("add_attention_v2", &Network::addAttentionV2, "query"_a, "key"_a, "value"_a, "norm_op"_a,
           "causal_kind"_a, kOwn, "add_attention() as version 11 has it.")
      .def("add_rotary_embedding", lenient<&Network::addRotaryEmbedding>, "input"_a, "cos_cache"_a,
           "sin_cache"_a, "interleaved"_a, "rotary_embedding_dim"_a, kOwn,
           "Pairs of elements, rotated by angles of two tables.")
      .def("add_kv_cache_update", &Network::addKVCacheUpdate, "cache"_a, "update"_a,
           "write_indices"_a, "cache_mode"_a, kOwn, "A cache with new keys or values.")
      .def("add_moe", &Network::addMoE, "hidden_states"_a, "selected_experts_for_tokens"_a,
           "scores_for_selected_experts"_a, kOwn, "A mixture of experts.")
      .def("add_dist_collective", &add_collective, "input"_a, "dist_collective_op"_a,
           "reduce_op"_a.none(), "root"_a.none(), "groups"_a.none(), kOwn,
           "An operation among devices.");
}

}  // namespace trt_python
