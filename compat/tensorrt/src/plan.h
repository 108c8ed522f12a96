#pragma once
// Plan: a loaded engine with what TensorRT's calls ask of it. Shared by the ICudaEngine, its
// contexts and inspectors, which may be deleted in any order.
#include "carnot/engine.h"
#include "device_choice.h"
#include "device_memory.h"
#include "plan_facts.h"

namespace trt {

struct Plan {
  struct Tensor {
    std::string name;
    carnot::TensorType type;
    DataType data_type;
    bool is_input = false;
    bool is_shape = false;  ///< its values are sizes
  };

  carnot::DeviceInfo device;
  IGpuAllocator* allocator = nullptr;               ///< the program's; may be null
  std::unique_ptr<AllocatorMemory> weights_memory;  ///< before the engine, whose weights it holds
  carnot::EnginePtr engine;
  std::vector<std::byte> bytes;
  PlanFacts facts;
  std::vector<Tensor> tensors;  ///< inputs, then outputs
  std::vector<carnot::StepInfo> steps;

  int find(char const* name) const;
  /// "conv1 + relu1": what a step came from, for profiles and inspectors.
  std::string layer_name(size_t step) const;
  std::vector<std::string> layer_names;
};
using PlanPtr = std::shared_ptr<const Plan>;

/// Reads a plan; says what else the bytes are where they are none.
carnot::Result<PlanPtr> read_plan(std::vector<std::byte> bytes, const carnot::DeviceInfo& device,
                                  IGpuAllocator* allocator);

}  // namespace trt
