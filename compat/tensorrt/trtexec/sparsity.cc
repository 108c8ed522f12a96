#include "sparsity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "build.h"

namespace trtexec {

using namespace nvinfer1;

namespace {

/// Weights seen as [outer, sums, inner]; what is over of the sums after fours stays.
std::vector<float> pruned(const Weights& weights, int64_t sums, int64_t inner) {
  constexpr int64_t kGroup = 4, kZeros = 2;
  const auto* const from = static_cast<const float*>(weights.values);
  std::vector<float> out(from, from + weights.count);
  for (int64_t block = 0; block + sums * inner <= weights.count; block += sums * inner) {
    for (int64_t i = 0; i < inner; ++i) {
      for (int64_t s = 0; s + kGroup <= sums; s += kGroup) {
        std::array<float*, kGroup> group;
        for (int64_t g = 0; g < kGroup; ++g) {
          group[static_cast<size_t>(g)] = &out[static_cast<size_t>(block + (s + g) * inner + i)];
        }
        std::sort(group.begin(), group.end(),
                  [](const float* a, const float* b) { return std::fabs(*a) < std::fabs(*b); });
        for (size_t z = 0; z < kZeros; ++z) *group[z] = 0;
      }
    }
  }
  return out;
}

bool is_known(const Weights& weights) {
  return weights.type == DataType::kFLOAT && weights.values && weights.count > 0;
}

/// The constant layer that gives a tensor; or none.
IConstantLayer* constant_of(INetworkDefinition& network, const ITensor* tensor) {
  for (int32_t i = 0; tensor && i < network.getNbLayers(); ++i) {
    ILayer* const layer = network.getLayer(i);
    if (layer->getType() == LayerType::kCONSTANT && layer->getOutput(0) == tensor) {
      return static_cast<IConstantLayer*>(layer);
    }
  }
  return nullptr;
}

}  // namespace

void force_sparsity(INetworkDefinition& network, std::vector<std::vector<float>>& kept) {
  int layers = 0;
  for (int32_t i = 0; i < network.getNbLayers(); ++i) {
    ILayer* const layer = network.getLayer(i);
    if (layer->getType() == LayerType::kCONVOLUTION) {
      auto* const convolution = static_cast<IConvolutionLayer*>(layer);
      const Weights weights = convolution->getKernelWeights();
      const Dims kernel = convolution->getKernelSizeNd();
      int64_t inner = 1;
      for (int32_t k = 0; k < kernel.nbDims; ++k) inner *= kernel.d[k];
      const int64_t each = convolution->getNbOutputMaps() * inner;
      if (!is_known(weights) || each <= 0 || weights.count % each != 0) continue;
      kept.push_back(pruned(weights, weights.count / each, inner));
      convolution->setKernelWeights({DataType::kFLOAT, kept.back().data(), weights.count});
      ++layers;
    } else if (layer->getType() == LayerType::kMATRIX_MULTIPLY) {
      auto* const product = static_cast<IMatrixMultiplyLayer*>(layer);
      IConstantLayer* const constant = constant_of(network, product->getInput(1));
      if (!constant || !is_known(constant->getWeights())) continue;
      const Dims dims = constant->getDimensions();
      if (dims.nbDims < 2) continue;
      const int64_t rows = dims.d[dims.nbDims - 2], columns = dims.d[dims.nbDims - 1];
      const bool turned = product->getOperation(1) == MatrixOperation::kTRANSPOSE;
      const Weights weights = constant->getWeights();
      kept.push_back(pruned(weights, turned ? columns : rows, turned ? 1 : columns));
      constant->setWeights({DataType::kFLOAT, kept.back().data(), weights.count});
      ++layers;
    }
  }
  say('W', "--sparsity=force: of the weights of " + std::to_string(layers) +
               " layers two in four are zero now, which changes results; no kernel here is faster "
               "by it");
}

}  // namespace trtexec
