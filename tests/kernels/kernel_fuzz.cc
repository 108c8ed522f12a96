// Fuzzes the text of kernels: what is accepted prints and reads back as itself; what verifies can
// be classified and, where it is small, run.
#include "base/checked.h"
#include "kernel/kernel.h"
#include "tensor/fill.h"

namespace {

using namespace carnot;

constexpr int64_t kWorkMax = 10000;  // points: a second of fuzzing is many inputs

bool is_small(const Kernel& kernel, const Symbols& sizes) {
  int64_t work = 1;
  const auto grow = [&](const Dim& size) {
    const Result<int64_t> value = evaluate(size, sizes);
    work = value.ok() && *value <= kWorkMax ? work * std::max<int64_t>(*value, 1) : kWorkMax + 1;
    work = std::min(work, kWorkMax + 1);
  };
  for (const Axis& axis : kernel.axes) grow(axis.size);
  for (const Stage& stage : kernel.stages) {
    for (const Axis& axis : stage.inner) grow(axis.size);
  }
  for (const Buffer& buffer : kernel.buffers) grow(product(buffer.type.dims));
  return work <= kWorkMax;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const Result<Kernel> kernel = parse_kernel({reinterpret_cast<const char*>(bytes), size});
  if (!kernel.ok()) return 0;
  const std::string printed = print(*kernel);
  const bool verified = verify(*kernel).ok();
  const Result<Kernel> back = parse_kernel(printed);
  if (verified) CARNOT_CHECK(back.ok() && print(*back) == printed && hash(*back) == hash(*kernel));
  if (!verified || kernel->attention) return 0;
  (void)as_contraction(*kernel);
  const Symbols sizes = {{"n", 3}, {"s", 2}};
  if (!is_small(*kernel, sizes)) return 0;
  std::vector<Tensor> inputs;
  for (const Buffer& buffer : kernel->buffers) {
    if (buffer.output) break;
    Shape shape;
    for (const Dim& dim : buffer.type.dims) {
      const Result<int64_t> value = evaluate(dim, sizes);
      if (!value.ok()) return 0;
      shape.push_back(*value);
    }
    if (!element_count(shape).ok()) return 0;
    inputs.push_back(*fill(buffer.type.dtype, shape, inputs.size(), Fill::kSmallInts));
  }
  (void)interpret(*kernel, inputs, sizes);
  return 0;
}
