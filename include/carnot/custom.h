#pragma once
// Custom operations: operations whose code is the user's. A Network and an engine hold them as
// op::Custom (a name, state, the results' types); a Context is given their code when it is made.
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "carnot/op_structs.h"

namespace carnot {

/// An operand or a result in one run: dense, row-major. A result whose sizes only the run tells has
/// no memory and -1 for each such size.
struct CustomTensor {
  DType dtype = DType::kF32;
  Shape shape;
  void* data = nullptr;
};

/// One run of a custom operation; gone when CustomBody::run() returns.
class CustomCall {
 public:
  std::span<const CustomTensor> inputs, outputs;
  /// On a GPU: `data` are its addresses, and work is queued in this stream (a cudaStream_t). On the
  /// CPU it is null, and work is done when run() returns.
  void* stream = nullptr;

  /// Memory for a result that has none, at least 64-byte aligned, until the next run.
  virtual Result<void*> allocate(size_t output, int64_t bytes) = 0;
  /// The shape of such a result; its elements are at the beginning of the memory allocated.
  virtual Status set_shape(size_t output, Shape shape) = 0;
  /// Scratch memory, aligned as above, until run() returns (on a GPU: until the stream is there).
  virtual Result<void*> scratch(int64_t bytes) = 0;
  /// Copies from `data` of a tensor to the host when the stream has come there, and waits.
  virtual Status read(void* to, const void* from, size_t bytes) = 0;

 protected:
  ~CustomCall() = default;
};

/// The code of one custom operation in one Context, which owns it: one call at a time. Nothing may
/// throw.
class CustomBody {
 public:
  virtual ~CustomBody() = default;
  virtual Status run(CustomCall& call) = 0;
};

/// Gives the code of an operation of an engine that runs on the device ("cpu" or "cuda").
using MakeCustomBody = std::function<Result<std::unique_ptr<CustomBody>>(const op::Custom& op,
                                                                         std::string_view device)>;

}  // namespace carnot
