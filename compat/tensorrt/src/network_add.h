#pragma once
// Network::add: for the files that define its add calls.
#include "network.h"

namespace trt {

template <class T, class F>
T* Network::add(const char* call, std::initializer_list<const ITensor*> tensors, int outputs,
                F&& set) {
  return reporter_.guard(call, static_cast<T*>(nullptr), [&]() -> T* {
    std::vector<ITensor*> inputs;
    for (const ITensor* t : tensors) inputs.push_back(const_cast<ITensor*>(t));
    if (!are_mine(call, inputs.data(), static_cast<int32_t>(inputs.size()))) return nullptr;
    auto layer = std::make_unique<T>(*this);
    for (ITensor* t : inputs) layer->inputs.push_back(static_cast<NetTensor*>(t));
    const std::string problem = set(*layer);
    if (!problem.empty()) {
      reporter_.misuse(call, problem);
      return nullptr;
    }
    return keep(std::move(layer), outputs);
  });
}

/// For a layer that takes any parameters.
inline const char* const kFine = "";

template <class E>
bool in_range(E value, int32_t count) {
  return static_cast<int32_t>(value) >= 0 && static_cast<int32_t>(value) < count;
}

}  // namespace trt
