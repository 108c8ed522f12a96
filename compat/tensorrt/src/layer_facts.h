#pragma once
// What the inspector says of an engine's layer: the kind of layer that a step stands for, and its
// parameters, in the words that programs look for.
#include <map>
#include <string>
#include <vector>

#include "carnot/engine.h"
#include "emit.h"

namespace trt {

class Network;

/// By origin of a step: the kind of the layer that does the work there, then its parameters.
using LayerFacts = std::map<std::string, std::vector<int64_t>, std::less<>>;
LayerFacts layer_facts_of(const Network& network);
/// Of several layers in one step that of the highest rank does the work; 0: it says nothing.
int rank_of(int64_t kind);

/// A step as a layer: "LayerType", and keys with their values as JSON.
struct LayerWords {
  std::string type;
  std::vector<std::pair<const char*, std::string>> attributes;
  int64_t channels = 0, maps = 0;  ///< of a convolution: of what it reads and gives
};
LayerWords words_of(const carnot::StepInfo& step, const LayerFacts& facts);

}  // namespace trt
