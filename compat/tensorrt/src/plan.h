#pragma once
// Plan: a loaded engine with what TensorRT's calls ask of it. Shared by the ICudaEngine, its
// contexts and inspectors, which may be deleted in any order.
#include <mutex>

#include "carnot/engine.h"
#include "device_choice.h"
#include "device_memory.h"
#include "plan_facts.h"
#include "plugin.h"
#include "refit_plan.h"

namespace trt {

/// One engine of a plan: that of some of its optimization profiles.
struct PlanPart {
  carnot::EnginePtr engine;
  std::vector<carnot::TensorType> types;  ///< parallel to the plan's tensors, as programs see them
  std::vector<carnot::StepInfo> steps;
  std::vector<std::string> layer_names;  ///< "conv1 + relu1": what a step came from
  EnginePlugins plugins;
};

struct Plan {
  struct Tensor {
    std::string name;
    Dims dims;  ///< as the network has them
    DataType data_type;
    bool is_input = false;
    bool is_shape = false;  ///< its values are sizes
    StoredFormat format;
  };

  carnot::DeviceInfo device;
  IGpuAllocator* allocator = nullptr;               ///< the program's; may be null
  std::unique_ptr<AllocatorMemory> weights_memory;  ///< before the engine, whose weights it holds
  std::vector<std::byte> bytes;
  PlanFacts facts;
  std::optional<RefitPlan> refit;  ///< of a refittable plan
  int refits = 0;                  ///< how often its engines were replaced
  std::vector<Tensor> tensors;     ///< inputs, then outputs
  std::vector<Tensor> debug;       ///< outputs behind them
  std::vector<Tensor> unfused;     ///< and behind those: debug tensors that were not marked singly

  int find(char const* name) const;
  /// The engine of a profile that there is; engines behind the first are loaded when they are first
  /// wanted. Thread-safe.
  carnot::Result<const PlanPart*> part(int32_t profile) const;
  const PlanPart& first() const { return *parts_[0]; }
  /// A context of one of the parts, on the plan's device, with its plugins.
  carnot::Result<carnot::Context> make_context(const PlanPart& part) const;

 private:
  friend carnot::Result<std::shared_ptr<const Plan>> read_plan(std::vector<std::byte> bytes,
                                                               const carnot::DeviceInfo& device,
                                                               IGpuAllocator* allocator,
                                                               const PluginSource& source);
  friend carnot::Status replace_engines(const Plan& plan, std::vector<std::byte> bytes);
  carnot::Result<std::unique_ptr<PlanPart>> load(size_t i) const;

  std::vector<std::span<const std::byte>> part_bytes_;  ///< in `bytes`
  PluginSource source_;                                 ///< while the plan is read
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<PlanPart>> parts_;
  std::vector<std::unique_ptr<AllocatorMemory>> retired_memory_;
  std::vector<std::unique_ptr<PlanPart>> retired_;  ///< without engines: contexts may know them
};
using PlanPtr = std::shared_ptr<const Plan>;

/// Reads a plan; says what else the bytes are where they are none.
carnot::Result<PlanPtr> read_plan(std::vector<std::byte> bytes, const carnot::DeviceInfo& device,
                                  IGpuAllocator* allocator, const PluginSource& source = {});

/// Gives a plan the engines of another one of the same network, refitted. Nobody runs meanwhile;
/// contexts notice by `refits`.
carnot::Status replace_engines(const Plan& plan, std::vector<std::byte> bytes);

}  // namespace trt
