#include "tests/codegen/run_kernel.h"

#include <cstring>

#include "base/status.h"
#include "tests/kernels/operand.h"

namespace carnot::cpu {

std::vector<Target> runnable_targets() {
  const Result<Target> host = host_target();
  CARNOT_CHECK(host.ok());
  std::vector<Target> targets = {*host};
  for (const char* text : {"x86-64", "x86-64 avx2 fma f16c", "x86-64 avx512"}) {
    const Result<Target> target = parse_target(text);
    CARNOT_CHECK(target.ok());
    const bool runs = host->arch == Arch::kX86 && (target->isas & ~host->isas) == 0;
    if (runs) targets.push_back(*target);
  }
  return targets;
}

Result<std::vector<Tensor>> run_generated(const Kernel& kernel, const Generate& generate,
                                          const Target& target, const std::vector<Tensor>& inputs,
                                          const Symbols& symbols, const std::vector<int>& arguments,
                                          const std::vector<Tensor>& extra) {
  CARNOT_ASSIGN(Module module, Module::create(target));
  CARNOT_ASSIGN(const GeneratedFunction made, generate(module, "kernel"));
  CARNOT_ASSIGN(const ObjectBytes object, module.compile());
  const ObjectBytes objects[] = {object};
  CARNOT_ASSIGN(const CodeBlob blob, link(objects));
  CARNOT_ASSIGN(const LoadedCode code, LoadedCode::load(blob));
  const KernelEntry entry = code.entry("kernel");
  CARNOT_CHECK(entry != nullptr);

  std::vector<Operand> operands;
  for (size_t i = 0; i < kernel.buffers.size(); ++i) {
    CARNOT_ASSIGN(Operand operand, make_operand(kernel.buffers[i], symbols));
    if (!kernel.buffers[i].output) {
      operand.fill(inputs[i]);
    }
    operands.push_back(std::move(operand));
  }
  std::vector<void*> buffers;
  std::vector<Fenced> packed;
  for (const Tensor& tensor : extra) {
    packed.emplace_back(tensor.bytes());
    std::memcpy(packed.back().data(), tensor.data(), tensor.bytes());
  }
  for (size_t i = 0; i < operands.size() || i < arguments.size(); ++i) {
    const int which = arguments.empty() ? static_cast<int>(i) : arguments[i];
    buffers.push_back(which >= 0 ? operands[static_cast<size_t>(which)].memory->data()
                                 : packed[static_cast<size_t>(-1 - which)].data());
  }
  CARNOT_ASSIGN(const Shape params, shape_of(made.params, symbols));
  CARNOT_ASSIGN(const int64_t tasks, evaluate(made.tasks, symbols));
  CARNOT_ASSIGN(const int64_t scratch_bytes, evaluate(made.scratch_bytes, symbols));
  const int64_t a = tasks / 3, b = tasks * 5 / 7;
  const int64_t cuts[][2] = {{b, tasks}, {0, a}, {a, b}};
  for (const auto& cut : cuts) {
    const Fenced scratch((static_cast<size_t>(scratch_bytes) + 63) / 64 * 64);
    entry(buffers.data(), params.data(), cut[0], cut[1], scratch.data());
    if (!scratch.untouched_before()) return error(Code::kWrongResult, "wrote before its scratch");
  }
  std::vector<Tensor> results;
  for (size_t i = 0; i < kernel.buffers.size(); ++i) {
    if (!operands[i].memory->untouched_before()) {
      return error(Code::kWrongResult, "wrote before buffer ", i);
    }
    if (!kernel.buffers[i].output) continue;
    CARNOT_ASSIGN(Tensor dense, operands[i].dense(kernel.buffers[i].type.dtype));
    results.push_back(std::move(dense));
  }
  return results;
}

}  // namespace carnot::cpu
