#pragma once
// Scope: a carnot::Network being made from layers, and which value each tensor has become. There is
// one for the whole network and one for each body of a loop or conditional.
#include <set>
#include <unordered_map>

#include "layer.h"
#include "reformat.h"

namespace trt {

class Scope {
 public:
  explicit Scope(int64_t& fresh) : emit(net, fresh) {}
  /// A body inside `outer`: layers of `inside` are emitted here, every other tensor is captured.
  Scope(Scope& outer, const std::set<const Layer*>& inside, int64_t& fresh)
      : emit(net, fresh), outer_(&outer), inside_(&inside) {}

  /// The tensor's value here, its layers emitted as far as they are not yet. Throws EmitFailure,
  /// whose message names the layer.
  Handle get(NetTensor& tensor);
  void bind(const NetTensor& tensor, Handle value) { values_[&tensor] = value; }
  bool has(const NetTensor& tensor) const { return values_.count(&tensor) > 0; }
  void forget(const NetTensor& tensor) { values_.erase(&tensor); }
  using Bindings = std::unordered_map<const NetTensor*, Handle>;
  const Bindings& bindings() const { return values_; }
  void restore(Bindings bindings) { values_ = std::move(bindings); }
  void mark_output(NetTensor& tensor);
  /// Emits a layer, whatever it has become before.
  void run(Layer& layer);

  carnot::Network net;
  Emit emit;
  /// For shapes only: bodies of loops are emitted in line, with inputs for what changes.
  bool probing = false;
  /// Layers compute in the precision that their user has set: OBEY or PREFER of the configuration.
  bool with_precisions = false;
  /// Inputs and results have the types that their user has set.
  bool with_types = true;
  /// Inputs and outputs lie in memory as their users allow: for an engine. Those that are not
  /// kLINEAR are noted here.
  std::map<std::string, StoredFormat, std::less<>>* formats = nullptr;
  /// Where constants are noted that are a tensor's scale: their elements, and its name.
  std::map<const void*, std::string>* scales = nullptr;
  /// Outer tensors that a body uses, and the body's inputs for them.
  std::vector<std::pair<NetTensor*, Handle>> captures;
  /// Sizes that the user has pinned since the model was read.
  std::map<std::string, carnot::Dim, std::less<>> pinned;

 private:
  Handle add_input(NetTensor& tensor);
  /// A layer's result as the type that was set; INT8 by the tensor's dynamic range.
  Handle typed(NetTensor& tensor, Handle value, DataType type);
  /// The scale of an INT8 tensor with a dynamic range.
  Handle scale_of(const NetTensor& tensor, carnot::DType dtype);
  StoredFormat chosen_format(const NetTensor& tensor, const carnot::Dims& sizes);
  /// A layer's results between casts, where it shall compute in a half-size type.
  Values emit_as(Layer& layer, carnot::DType half, Values in);

  Scope* outer_ = nullptr;
  const std::set<const Layer*>* inside_ = nullptr;
  Bindings values_;
  std::set<const Layer*> running_;  ///< whose inputs are being emitted
};

}  // namespace trt
