#pragma once
// StockAlone: a stock plugin that a program calls itself, outside of a network: what its operations
// make of shapes and types, and an engine of them for each set that it is run with.
#include <mutex>

#include "carnot/context.h"
#include "plugin_expressions.h"
#include "stock.h"

namespace trt {

/// Types and sizes of tensors, of which a program may not have told all.
using Types = std::vector<carnot::TensorType>;

class StockAlone {
 public:
  explicit StockAlone(const StockPlugin& plugin) : plugin_(plugin) {}

  /// What the plugin makes of inputs of these types.
  carnot::Result<Types> results(const Types& inputs) const;
  /// The same where only sizes are known: inputs are floats, or INT32 where they must be indices.
  carnot::Result<Types> results(const std::vector<carnot::Dims>& inputs) const;
  /// A result's sizes by those of the inputs; -1 axes, and a message, where it has none.
  DimsExprs sizes(int32_t result, DimsExprs const* in, int32_t count, IExprBuilder& builder) const;
  /// Sizes without the batch.
  Dims sizes(int32_t result, Dims const* in, int32_t count) const;
  /// Of a result for inputs of these types.
  DataType type(int32_t result, DataType const* in, int32_t count) const;
  /// Whether a tensor, inputs first, may be of this type behind those that come before it.
  bool takes(int32_t position, PluginTensorDesc const* io, int32_t inputs) const;
  /// Makes what runs with these sizes need, where they are known: runs that are captured into a
  /// CUDA graph cannot.
  void prepare(PluginTensorDesc const* described, int32_t count);
  /// Queues the plugin's work, 0 if that went well. Sizes are fixed.
  int32_t run(const Types& inputs, void const* const* in, void* const* out, cudaStream_t stream);
  int32_t run(PluginTensorDesc const* described, void const* const* in, int32_t count,
              void* const* out, cudaStream_t stream);
  /// What runs need and sizes do not.
  void forget();

 private:
  struct Made {
    Types inputs;
    std::vector<int64_t> result_bytes;
    std::unique_ptr<carnot::Context> context;
  };
  carnot::Result<Made*> made_for(const Types& inputs);
  carnot::Result<carnot::Network> network(const Types& inputs, Types& results) const;

  const StockPlugin& plugin_;
  std::mutex mutex_;
  std::vector<Made> made_;  ///< last used last
};

}  // namespace trt
