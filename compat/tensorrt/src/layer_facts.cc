#include "layer_facts.h"

#include "network.h"

namespace trt {

namespace {

/// Window, strides, paddings in front and behind, dilations: one behind the other.
void add_windows(std::vector<int64_t>& out, std::initializer_list<Dims> lists) {
  for (const Dims& dims : lists) {
    for (int32_t i = 0; i < dims.nbDims; ++i) out.push_back(dims.d[i]);
  }
}

std::vector<int64_t> parameters_of(Layer& layer) {
  std::vector<int64_t> out = {static_cast<int64_t>(layer.kind)};
  const auto window = [&](const auto& filter) {
    const Dims input = layer.inputs[0]->getDimensions();
    out.insert(out.end(),
               {input.nbDims > 1 ? input.d[1] : 0, filter.getNbOutputMaps(), filter.getNbGroups()});
    add_windows(out, {filter.getKernelSizeNd(), filter.getStrideNd(), filter.getPrePadding(),
                      filter.getPostPadding(), filter.getDilationNd()});
  };
  if (layer.kind == LayerType::kCONVOLUTION) window(static_cast<IConvolutionLayer&>(*layer.face()));
  if (layer.kind == LayerType::kDECONVOLUTION) {
    window(static_cast<IDeconvolutionLayer&>(*layer.face()));
  }
  if (layer.kind == LayerType::kPOOLING) {
    const auto& pool = static_cast<IPoolingLayer&>(*layer.face());
    out.insert(out.end(), {static_cast<int64_t>(pool.getPoolingType()),
                           pool.getAverageCountExcludesPadding()});
    add_windows(out, {pool.getWindowSizeNd(), pool.getStrideNd(), pool.getPrePadding(),
                      pool.getPostPadding()});
  }
  if (layer.kind == LayerType::kACTIVATION) {
    const auto& activation = static_cast<IActivationLayer&>(*layer.face());
    out.push_back(static_cast<int64_t>(activation.getActivationType()));
  }
  return out;
}

}  // namespace

LayerFacts layer_facts_of(const Network& network) {
  LayerFacts out;
  for (const auto& layer : network.layers()) {
    const int rank = rank_of(static_cast<int64_t>(layer->kind));
    if (rank == 0 || layer->inputs.empty() || !layer->inputs[0]) continue;
    std::vector<int64_t>& stored = out[layer->origin.empty() ? layer->name : layer->origin.back()];
    if (stored.empty() || rank_of(stored[0]) < rank) stored = parameters_of(*layer);
  }
  return out;
}

}  // namespace trt
