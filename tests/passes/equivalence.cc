#include "tests/passes/equivalence.h"

#include <set>

#include "ir/executor.h"
#include "ir/symbols.h"
#include "tensor/fill.h"

namespace carnot {
namespace {

// Rewrites reassociate sums and fold factors into weights: a few roundings of the largest value.
Tolerance tolerance_of(DType dtype) {
  if (!is_float(dtype)) return {};
  if (dtype == DType::kF64) return {1e-12, 1e-10, true};
  if (dtype == DType::kF32) return {1e-6, 2e-5, true};
  return {1e-2, 2e-2, true};
}

Result<std::vector<Tensor>> make_inputs(const Graph& graph, uint64_t seed) {
  SymbolSet names;
  for (const Value* input : graph.inputs()) collect_symbols(input->type().dims, names);
  Symbols symbols;
  uint64_t next = seed;
  for (const std::string& name : names) symbols[name] = 2 + static_cast<int64_t>(next++ % 3);
  std::vector<Tensor> inputs;
  for (const Value* input : graph.inputs()) {
    const std::optional<Shape> shape = known_shape(input->type().dims, symbols);
    if (!shape) return error(Code::kUnsupported, "no shape for the input ", input->name);
    CARNOT_ASSIGN(Tensor tensor, fill(input->type().dtype, *shape, ++next));
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

}  // namespace

Status same_results(const Graph& before, const Graph& after, uint64_t seed, int64_t bytes_max,
                    DType storage) {
  CARNOT_ASSIGN(const std::vector<Tensor> inputs, make_inputs(before, seed));
  Budget budget({bytes_max, std::chrono::seconds(300), nullptr});
  const Result<std::vector<Tensor>> want = execute(before, inputs, budget);
  const Result<std::vector<Tensor>> got = execute(after, inputs, budget);
  if (!want.ok() && (!got.ok() || want.status().code() == Code::kResourceLimit)) return {};
  if (!want.ok()) return error(Code::kUnsupported, "only before: ", want.status().message());
  if (!got.ok()) return error(Code::kWrongResult, "only after: ", got.status().message());
  if (budget.bytes_used() != 0) return error(Code::kInternal, "a run did not release its bytes");
  if (want->size() != got->size()) return error(Code::kWrongResult, "the outputs' number differs");
  for (size_t i = 0; i < want->size(); ++i) {
    const DType dtype = (*want)[i].dtype();
    const Difference difference =
        compare((*got)[i], (*want)[i], tolerance_of(dtype == DType::kF32 ? storage : dtype));
    if (!difference.ok) {
      return error(Code::kWrongResult, "output ", i, " differs ", difference.first);
    }
  }
  return {};
}

}  // namespace carnot
