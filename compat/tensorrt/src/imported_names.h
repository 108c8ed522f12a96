#pragma once
// Names of what a model's nodes become: those that NVIDIA's parser gives.
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "emit.h"

namespace trt {

/// "conv1" of "conv1 (Conv)".
std::string node_name(const std::string& origin);
/// "Conv" of it.
std::string_view node_operator(const std::string& origin);

bool is_constant(const carnot::Network::Node& node);
/// The name of the ONNX node that became this one; empty where there was none.
std::string label_of(const carnot::Network::Node& node);

/// An ONNX node's name for the first layer that does what the node is known for, else its last, and
/// an initializer's for its constant; other layers have none of their own. A name that is taken
/// gets the next number after it, counted over all names.
class LayerNames {
 public:
  LayerNames(const carnot::Network& model, const std::vector<carnot::Network::Node>& nodes,
             const std::vector<std::string>& unnamed);

  /// Empty: the layer keeps the name that it was born with.
  std::string of(const carnot::Network::Node& node, size_t i);
  /// What the node is called where layers tell what they come from.
  std::string shown(const carnot::Network::Node& node) const;
  /// The name, with a number where it is taken.
  std::string unique(const std::string& name) { return unique(name, taken_); }
  /// The same for tensors, whose names count in the same numbers.
  std::string unique_tensor(const std::string& name) { return unique(name, tensors_); }
  /// The next name of weights that can be refitted, which have numbers of their own.
  std::string refittable();
  /// Takes back what was named since this was one's state.
  struct State {
    size_t added = 0;
    int64_t numbered = 0, refittable = 0;
  };
  State state() const { return {added_.size(), numbered_, refittable_}; }
  void restore(const State& before);

 private:
  using Taken = std::unordered_set<std::string>;
  std::string unique(const std::string& name, Taken& taken);

  const carnot::Network& model_;
  std::unordered_set<std::string> unnamed_;
  std::unordered_map<std::string, size_t> main_;  ///< the layer that has the node's name
  Taken taken_, tensors_;
  std::vector<std::pair<Taken*, std::string>> added_;
  int64_t numbered_ = 0, refittable_ = 0;
};

}  // namespace trt
