// Recognizes the kernels that are matrix products: what the register-tiled generators take.
#include <algorithm>

#include "kernel/kernel.h"

namespace carnot {
namespace {

template <class... Args>
Status refuse(const Args&... args) {
  return error(Code::kUnsupported, "not a contraction: ", args...);
}

bool uses(const Load& load, const Dim& axis) {
  const std::string symbol = *axis.as_symbol();
  const auto in = [&](const Dim& dim) { return dim.uses(symbol); };
  return std::any_of(load.index.begin(), load.index.end(), in) ||
         std::any_of(load.guards.begin(), load.guards.end(), [&](const Guard& guard) {
           return in(guard.index) || in(guard.lower) || in(guard.upper);
         });
}

bool gathers(const Load& load) {
  return uses(load, load_symbol(0)) || uses(load, load_symbol(1));
}

// The two loads that a plain product multiplies.
Result<std::pair<int, int>> product_of(const Stage& stage) {
  const ScalarProgram& body = stage.body;
  const auto id = static_cast<size_t>(body.results[0]);
  const auto inputs = static_cast<size_t>(body.inputs);
  if (id < inputs || body.insts[id - inputs].op != ScalarOp::kMul) {
    return refuse("it does not sum products");
  }
  const ScalarInst& product = body.insts[id - inputs];
  const int a = product.args[0], b = product.args[1];
  const int loads = static_cast<int>(stage.loads.size());
  if (loads != 2 || a == b || a >= loads || b >= loads) {
    return refuse("the product is not of two loads");
  }
  return std::pair(std::min(a, b), std::max(a, b));
}

}  // namespace

Result<ContractionView> as_contraction(const Kernel& kernel) {
  if (kernel.attention) return refuse("it is attention");
  if (kernel.stages.size() != 2) return refuse("it has ", kernel.stages.size(), " stages, not 2");
  const Stage& sum = kernel.stages[0];
  const Stage& store = kernel.stages[1];
  if (sum.combiner != Combiner::kSum) return refuse("the first stage does not sum");
  if (store.combiner != Combiner::kNone || !store.inner.empty()) {
    return refuse("the second stage is not a plain epilogue");
  }
  CARNOT_ASSIGN(const auto operands, product_of(sum));
  ContractionView view;
  view.a = operands.first;
  view.b = operands.second;
  const auto load = [&](int i) -> const Load& { return sum.loads[static_cast<size_t>(i)]; };
  if (load(view.a).guards.empty() && !load(view.b).guards.empty()) std::swap(view.a, view.b);
  const Load &a = load(view.a), &b = load(view.b);
  if (!b.guards.empty()) return refuse("both operands have guards");
  if (gathers(a) || gathers(b)) return refuse("an operand is gathered");
  for (int i = 0; i < static_cast<int>(kernel.axes.size()); ++i) {
    const Axis& axis = kernel.axes[static_cast<size_t>(i)];
    const bool in_a = uses(a, axis_symbol(i)), in_b = uses(b, axis_symbol(i));
    if (!in_a && !in_b && !axis.size.is(1)) {
      return refuse("axis #", i, " ", axis.name, " is in neither operand");
    }
    (in_a && in_b ? view.batch : in_b ? view.columns : view.rows).push_back(i);
  }
  for (int i = 0; i < static_cast<int>(sum.inner.size()); ++i) {
    const Dim symbol = axis_symbol(static_cast<int>(kernel.axes.size()) + i);
    if (!uses(a, symbol) || !uses(b, symbol)) {
      return refuse("inner axis ", sum.inner[static_cast<size_t>(i)].name,
                    " is not in both operands");
    }
    view.inner.push_back(i);
  }
  return view;
}

}  // namespace carnot
