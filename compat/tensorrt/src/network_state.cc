// The calls of INetworkDefinition that are not about new layers.
#include "control.h"
#include "network.h"

namespace trt {

void Network::markOutput(ITensor& tensor) noexcept {
  const char* const call = "INetworkDefinition::markOutput";
  reporter_.guard(call, [&] {
    if (!is_mine(call, tensor)) return;
    mark(static_cast<NetTensor&>(tensor));
  });
}

void Network::unmarkOutput(ITensor& tensor) noexcept {
  outputs_.erase(std::remove(outputs_.begin(), outputs_.end(), static_cast<NetTensor*>(&tensor)),
                 outputs_.end());
}

int32_t Network::getNbLayers() const noexcept {
  return static_cast<int32_t>(layers_.size());
}
ILayer* Network::getLayer(int32_t i) const noexcept {
  return i >= 0 && i < getNbLayers() ? layers_[static_cast<size_t>(i)]->face() : nullptr;
}
int32_t Network::getNbInputs() const noexcept {
  return static_cast<int32_t>(inputs_.size());
}
ITensor* Network::getInput(int32_t i) const noexcept {
  return i >= 0 && i < getNbInputs() ? inputs_[static_cast<size_t>(i)].get() : nullptr;
}
int32_t Network::getNbOutputs() const noexcept {
  return static_cast<int32_t>(outputs_.size());
}
ITensor* Network::getOutput(int32_t i) const noexcept {
  return i >= 0 && i < getNbOutputs() ? outputs_[static_cast<size_t>(i)] : nullptr;
}

void Network::removeTensor(ITensor& tensor) noexcept {
  const char* const call = "INetworkDefinition::removeTensor";
  reporter_.guard(call, [&] {
    if (!is_mine(call, tensor)) return;
    const auto* const t = static_cast<const NetTensor*>(&tensor);
    if (t->producer) {
      return reporter_.warning(cat(call, ": tensor '", t->name, "' is what layer '",
                                   t->producer->name, "' gives: it stays"));
    }
    for (const auto& layer : layers_) {
      if (std::find(layer->inputs.begin(), layer->inputs.end(), t) == layer->inputs.end()) continue;
      return reporter_.warning(cat(call, ": tensor '", t->name, "' is an input of layer '",
                                   layer->name, "': it stays; setInput() gives the layer another"));
    }
    unmarkOutput(tensor);
    unmarkDebug(tensor);
    const auto input =
        std::find_if(inputs_.begin(), inputs_.end(), [&](const auto& i) { return i.get() == t; });
    input_ids_.erase(t);
    input_stamps_.erase(t);
    probe_ = std::make_unique<Scope>(fresh_);
    probe_->probing = true;
    ages_.clear(), input_ids_.clear(), input_stamps_.clear();
    (*input)->removed = true;
    removed_.push_back(std::move(*input));
    inputs_.erase(input);
    changed();
  });
}

void Network::setName(char const* name) noexcept {
  const char* const call = "INetworkDefinition::setName";
  reporter_.guard(call, [&] {
    const std::string problem = name_problem(name);
    if (!problem.empty()) return reporter_.misuse(call, problem);
    name_ = name;
  });
}
char const* Network::getName() const noexcept {
  return name_.c_str();
}
bool Network::hasImplicitBatchDimension() const noexcept {
  return (flags_ & kImplicitBatch) != 0;
}

bool Network::markOutputForShapes(ITensor& tensor) noexcept {
  markOutput(tensor);
  return owns(&tensor);
}
bool Network::unmarkOutputForShapes(ITensor& tensor) noexcept {
  const bool had = owns(&tensor) && tensor.isNetworkOutput();
  unmarkOutput(tensor);
  return had;
}

bool Network::setWeightsName(Weights weights, char const* name) noexcept {
  return reporter_.guard("INetworkDefinition::setWeightsName", false, [&] {
    const char* const call = "INetworkDefinition::setWeightsName";
    if (!weights.values) return reporter_.misuse(call, "the weights have no values"), false;
    if (!name) return weight_names_.erase(weights.values), true;
    const std::string problem = name_problem(name);
    if (!problem.empty()) return reporter_.misuse(call, problem), false;
    weight_names_[weights.values] = name;
    return true;
  });
}

void Network::setErrorRecorder(IErrorRecorder* recorder) noexcept {
  reporter_.set_recorder(recorder);
}
IErrorRecorder* Network::getErrorRecorder() const noexcept {
  return reporter_.recorder();
}
IBuilder& Network::getBuilder() const noexcept {
  return builder_;
}
NetworkDefinitionCreationFlags Network::getFlags() const noexcept {
  return flags_;
}
bool Network::getFlag(NetworkDefinitionCreationFlag flag) const noexcept {
  return (flags_ >> (static_cast<uint32_t>(flag) & 31) & 1) != 0;
}

bool Network::markDebug(ITensor& tensor) noexcept {
  const char* const call = "INetworkDefinition::markDebug";
  return reporter_.guard(call, false, [&] {
    if (!is_mine(call, tensor)) return false;
    if (!isDebugTensor(tensor)) debug_.push_back(static_cast<NetTensor*>(&tensor));
    return true;
  });
}
bool Network::unmarkDebug(ITensor& tensor) noexcept {
  const auto found = std::find(debug_.begin(), debug_.end(), static_cast<NetTensor*>(&tensor));
  if (found == debug_.end()) return false;
  debug_.erase(found);
  return true;
}
bool Network::isDebugTensor(ITensor const& tensor) const noexcept {
  const auto* const t = static_cast<const NetTensor*>(&tensor);
  return std::find(debug_.begin(), debug_.end(), t) != debug_.end();
}
bool Network::markUnfusedTensorsAsDebugTensors() noexcept {
  return shows_unfused_ = true;
}
bool Network::unmarkUnfusedTensorsAsDebugTensors() noexcept {
  shows_unfused_ = false;
  return true;
}

void Network::set_unfused(const std::set<std::string>& origins) {
  unfused_.clear();
  const std::set<const Layer*> bodies = layers_in_bodies();
  std::map<std::string_view, const Layer*> last;  // several layers may be of one node
  for (const auto& layer : layers_) {
    const std::string& origin = layer->origin.empty() ? layer->name : layer->origin.back();
    const bool counts = layer->kind != LayerType::kCONSTANT && bodies.count(layer.get()) == 0;
    if (counts && origins.count(origin) > 0) last[origin] = layer.get();
  }
  std::set<std::string_view> names;
  for (const auto& layer : layers_) {
    const std::string& origin = layer->origin.empty() ? layer->name : layer->origin.back();
    const auto found = last.find(origin);
    if (found == last.end() || found->second != layer.get()) continue;
    for (const auto& output : layer->outputs) {
      const bool seen = output->isNetworkOutput() || isDebugTensor(*output);
      if (!seen && names.insert(output->name).second) unfused_.push_back(output.get());
    }
  }
}

std::vector<NetTensor*> Network::measured_tensors() {
  std::vector<NetTensor*> out;
  const auto is_measured = [](const NetTensor& t) {
    return t.getType() == DataType::kFLOAT || t.getType() == DataType::kHALF ||
           t.getType() == DataType::kBF16;
  };
  for (const auto& input : inputs_) {
    if (carnot::is_float(input->type.dtype)) out.push_back(input.get());
  }
  std::unordered_set<const NetTensor*> used(outputs_.begin(), outputs_.end());
  for (const auto& layer : layers_) used.insert(layer->inputs.begin(), layer->inputs.end());
  const std::set<const Layer*> bodies = layers_in_bodies();
  for (const auto& layer : layers_) {
    if (layer->kind == LayerType::kCONSTANT || bodies.count(layer.get()) > 0) continue;
    for (const auto& output : layer->outputs) {
      if (used.count(output.get()) == 0) continue;
      // Doubles of a model are FP32 to whoever asks, and no engine shows them.
      const carnot::Result<Handle> value = probe(*output);
      const bool shown = value.ok() && probed().dtype(*value) != DType::kF64;
      if (shown && is_measured(*output)) out.push_back(output.get());
    }
  }
  return out;
}

bool Network::is_quantized() {
  return std::any_of(layers_.begin(), layers_.end(), [&](const auto& layer) {
    return layer->kind == LayerType::kQUANTIZE ||
           std::any_of(layer->outputs.begin(), layer->outputs.end(), [&](const auto& output) {
             return layer->kind != LayerType::kCONSTANT && layer->output_types.empty() &&
                    output->getType() == DataType::kINT8;
           });
  });
}

bool Network::markWeightsRefittable(char const* name) noexcept {
  return reporter_.guard("INetworkDefinition::markWeightsRefittable", false, [&] {
    const std::string problem = name_problem(name);
    if (!problem.empty()) {
      return reporter_.misuse("INetworkDefinition::markWeightsRefittable", problem), false;
    }
    refittable_.insert(name);
    return true;
  });
}
bool Network::unmarkWeightsRefittable(char const* name) noexcept {
  return name && refittable_.erase(name) > 0;
}
bool Network::areWeightsMarkedRefittable(char const* name) const noexcept {
  return name && refittable_.count(std::string_view(name)) > 0;
}

IDistCollectiveLayer* Network::addDistCollective(ITensor&, CollectiveOperation, ReduceOperation,
                                                 int64_t, int64_t*, int64_t) noexcept {
  reporter_.error(ErrorCode::kUNSUPPORTED_STATE, "INetworkDefinition::addDistCollective",
                  "an engine runs on one device: there is nobody to exchange with");
  return nullptr;
}

}  // namespace trt
