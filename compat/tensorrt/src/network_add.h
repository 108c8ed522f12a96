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
      reporter_.misuse(call, cat(problem, described(inputs)));
      return nullptr;
    }
    return keep(std::move(layer), outputs);
  });
}

/// For a layer that takes any parameters.
inline const char* const kFine = "";

/// kFine, or that the enumeration has no such value.
template <class E>
std::string check_value(const char* type, E value) {
  constexpr int32_t kCount = EnumMax<E>();
  const auto given = static_cast<int32_t>(value);
  if (given >= 0 && given < kCount) return kFine;
  return cat("there is no ", type, " ", given, "; those of 0 to ", kCount - 1, " are known");
}

}  // namespace trt
