#pragma once
// OwnWeights: what layers of a model keep themselves, in place of inputs from constants' layers.
#include <functional>
#include <unordered_map>

#include "emit.h"

namespace trt {

/// By value: handles compare by what they stand for.
template <class T>
using ByHandle = std::unordered_map<Handle, T, std::function<size_t(Handle)>>;

/// A hash for handles of this network.
std::function<size_t(Handle)> hash_of_handles(const carnot::Network& model);

/// Convolutions and batch normalizations keep their weights, as those of other parsers do;
/// elsewhere constants are layers.
class OwnWeights {
 public:
  OwnWeights(const carnot::Network& model, const std::vector<carnot::Network::Node>& nodes);

  /// What the node keeps: all of its inputs after the first, or nothing.
  std::vector<carnot::Tensor> of(const carnot::Network::Node& node) const;
  /// A constant as it is shown: numbers that are repeated are written out, where they are few.
  static carnot::Tensor written_out(const carnot::Tensor& value);

 private:
  void keep_value(const carnot::Network& model, const carnot::Network::Node& node);

  ByHandle<carnot::Tensor> values_;
};

}  // namespace trt
