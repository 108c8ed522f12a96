#pragma once
// Plugins in a network: their shapes and types, the negotiation of formats, and what a plan keeps.
#include "layer.h"
#include "plugin.h"
#include "plugin_expressions.h"

namespace trt {

class StockPlugin;

/// What both kinds of plugin layers are made of.
class PluginPart {
 public:
  PluginPart(Network& network, Plugin plugin);

  const Plugin& plugin() const { return plugin_; }
  /// As it was configured when the record was made.
  const Plugin& configured(const PluginRecord& record) const;
  /// The results of the plugin of layer `name`, whose first `operands` inputs it is run with; the
  /// others are values that only its shapes need.
  Values emit(Emit& e, const Values& in, size_t operands, const std::string& name);
  int32_t result_count() const;

 private:
  /// Not null for those whose code is operations of ours.
  const StockPlugin* stock() const;
  Values emit_stock(Emit& e, const Values& in, const StockPlugin& stock) const;
  /// Sizes of all tensors of a plugin, operands first.
  struct Shapes {
    SizeTable table;
    ExprBuilder builder{table};
    std::vector<std::vector<int64_t>> results;  ///< indices into the table
    std::vector<carnot::Dims> dims;             ///< as the plugin sees them: perhaps without batch
    std::vector<carnot::Dims> whole;            ///< of the results
    bool batched = false;
  };
  /// What a tensor of the plugin is.
  struct Choice {
    DataType type = DataType::kFLOAT;
    TensorFormat format = TensorFormat::kLINEAR;
  };
  void shapes_v3(Emit& e, const Values& in, size_t operands, Shapes& shapes) const;
  void shapes_v2(Emit& e, const Values& in, Shapes& shapes) const;
  void shapes_fixed(Emit& e, const Values& in, Shapes& shapes) const;
  std::vector<DataType> declared_types(const std::vector<DataType>& in) const;
  std::vector<Choice> negotiate(const Shapes& shapes, const std::vector<DataType>& wanted) const;
  std::vector<Choice> candidates(const carnot::Dims& dims, DataType wanted) const;
  bool supports(int32_t position, const std::vector<DynamicPluginTensorDesc>& all,
                int32_t inputs) const;
  void configure(const Plugin& plugin, const std::vector<DynamicPluginTensorDesc>& all,
                 PluginRecord& record) const;
  std::string keep(Emit& e, const Values& in, const std::vector<Choice>& chosen, Shapes& shapes,
                   PluginRecord& record);
  void compile(const Plugin& plugin, const std::vector<DimsExprs>& in,
               const std::vector<DynamicPluginTensorDesc>& all, Shapes& shapes,
               PluginRecord& record) const;
  void keep_state(const Plugin& plugin, PluginRecord& record) const;
  std::vector<DynamicPluginTensorDesc> describe(const Shapes& shapes,
                                                const std::vector<Choice>& choices) const;

  Network& network_;
  Plugin plugin_;
  std::map<std::string, Plugin> configured_;  ///< by the state that plans keep
  const int64_t id_;  ///< names its size tensors' symbols, the same in every translation
};

class PluginV2 final : public LayerOf<IPluginV2Layer, apiv::VPluginV2Layer> {
 public:
  PluginV2(Network& net, Plugin plugin)
      : LayerOf(net, LayerType::kPLUGIN_V2), part(net, std::move(plugin)) {}
  Values emit(Emit& e, const Values& in) override { return part.emit(e, in, in.size(), name); }
  IPluginV2& getPlugin() noexcept override { return *part.plugin().v2(); }

  PluginPart part;
};

class PluginV3 final : public LayerOf<IPluginV3Layer, apiv::VPluginV3Layer> {
 public:
  PluginV3(Network& net, Plugin plugin, size_t operand_count)
      : LayerOf(net, LayerType::kPLUGIN_V3),
        part(net, std::move(plugin)),
        operands(operand_count) {}
  Values emit(Emit& e, const Values& in) override { return part.emit(e, in, operands, name); }
  IPluginV3& getPlugin() noexcept override {
    QuickPlugin* const quick = part.plugin().quick();
    return quick ? quick->plugin() : *part.plugin().v3();
  }

  PluginPart part;
  size_t operands;
  std::vector<bool> shape_inputs;  ///< of a model's node, in its order; else empty
};

}  // namespace trt
