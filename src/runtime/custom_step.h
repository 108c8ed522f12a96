#pragma once
// What a custom step keeps from run to run, so that runs with the same shapes allocate nothing.
#include "runtime/frame.h"

namespace carnot {

struct Frame::Custom final : public CustomCall {
  explicit Custom(RunState& state_in)
      : state(state_in), scratch_memory(state_in.device, state_in.budget, state_in.source) {}

  Result<void*> allocate(size_t output, int64_t bytes) override;
  Status set_shape(size_t output, Shape shape) override;
  Result<void*> scratch(int64_t bytes) override;
  Status read(void* to, const void* from, size_t bytes) override;

  RunState& state;
  std::vector<CustomTensor> operands, results;
  std::vector<Memory> memory;  ///< of results whose place is not known yet
  std::vector<int64_t> allocated;
  std::vector<std::optional<Shape>> given;
  Memory scratch_memory;
};

}  // namespace carnot
