#pragma once
// Trial: one kernel with concrete sizes and seeded operands in device memory, ready to run any of
// its generated candidates, compare their results with the kernel's meaning, and time them.
#include <memory>
#include <string>
#include <vector>

#include "kernel/sample.h"
#include "tactics/tactic.h"

namespace carnot {

class Trial {
 public:
  /// With `symbols`, or smaller sizes where these would not fit in memory.
  static Result<Trial> create(const Kernel& kernel, std::span<const Tensor* const> constants,
                              const Symbols& symbols);

  /// One candidate's call: arguments, parameters and packed constants.
  struct Call {
    std::vector<void*> buffers;
    std::vector<int64_t> params;
    std::vector<Tensor> packed;
    int64_t scratch_bytes = 0;
    Launch launch;
  };
  Result<std::unique_ptr<Call>> bind(const GeneratedKernel& made, const void* entry) const;

  /// Clears the outputs, so that a candidate that writes nothing is found out.
  void poison();
  /// Empty, or the first element that differs from the reference.
  Result<std::string> difference();

  /// Where values of a buffer start.
  void* memory(size_t buffer) const;

 private:
  explicit Trial(const Kernel& kernel) : kernel_(&kernel) {}
  static Result<Trial> create_with(const Kernel& kernel, std::span<const Tensor* const> constants,
                                   const Symbols& symbols);
  Status fill_inputs(std::span<const Tensor* const> constants);
  Status expect();
  Status expect_attention(int64_t* work);

  const Kernel* kernel_;
  Symbols symbols_;
  std::vector<Shape> shapes_;
  std::vector<Shape> strides_;
  std::vector<Tensor> dense_;    ///< inputs as the reference wants them
  std::vector<Tensor> storage_;  ///< flat, with gaps where strided
  std::vector<Sample> expected_;
  bool expected_ready_ = false;
};

}  // namespace carnot
