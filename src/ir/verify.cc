// Checks a Graph's invariants in time linear in its size (plus that of inference).
#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "ir/graph.h"
#include "ir/symbols.h"

namespace carnot {

class Verifier {
 public:
  Status graph(const Graph& graph, int depth);

 private:
  Status node(const Node& node, int depth);
  Status uses(const Node& node);
  Status types(const Node& node);
  Status regions(const Node& node, int depth);
  Status interface(const Node& node, const Graph& region);
  Status symbols_known(const TensorType& type, std::string_view what);
  void learn(const Dim& dim);
  Status outputs(const Graph& graph);

  // Values of this graph defined so far. A region is closed: it begins with none.
  std::unordered_set<const Value*> defined_;
  std::unordered_set<std::string> symbols_;
  std::vector<std::string> learned_;  // in order, so that a region's symbols are forgotten after it
  size_t uses_ = 0;
};

namespace {

Status broken(const std::string& what) {
  return {Code::kInternal, what};
}

std::string shown(const Value& value) {
  return "%" + (value.name.empty() ? std::string("?") : print_name(value.name));
}

// Sizes that are numbers in both must agree; symbols may differ: a region has its own.
bool compatible(const TensorType& a, const TensorType& b) {
  if (a.dtype != b.dtype || a.dims.size() != b.dims.size()) return false;
  for (size_t i = 0; i < a.dims.size(); ++i) {
    const bool numbers = a.dims[i].is_constant() && b.dims[i].is_constant();
    if (numbers && !(a.dims[i] == b.dims[i])) return false;
  }
  return true;
}

Status compatible(const TensorType& a, const TensorType& b, const std::string& what) {
  if (compatible(a, b)) return {};
  return broken(cat(what, " is ", to_string(b), ", expected ", to_string(a)));
}

Status arity(const Node& node) {
  int low = 0, high = 0;
  std::visit([&](const auto& op) { low = op.kMin, high = op.kMax; }, node.op);
  const auto count = static_cast<int64_t>(node.inputs.size());
  if (count >= low && (high < 0 || count <= high)) return {};
  return broken(cat("has ", count, " operands"));
}

Status sizes_valid(const TensorType& type) {
  for (const Dim& dim : type.dims) {
    if (dim.overflowed() || (dim.is_constant() && dim.value() < 0)) {
      return broken(cat("the type ", to_string(type), " has an impossible size"));
    }
  }
  return {};
}

}  // namespace

void Verifier::learn(const Dim& dim) {
  if (dim.is_constant()) return;
  std::vector<std::string> names;
  dim.collect_symbols(names);
  for (std::string& name : names) {
    if (symbols_.insert(name).second) learned_.push_back(std::move(name));
  }
}

Status Verifier::symbols_known(const TensorType& type, std::string_view what) {
  std::vector<std::string> names;
  for (const Dim& dim : type.dims) {
    if (!dim.is_constant()) dim.collect_symbols(names);
  }
  for (const std::string& name : names) {
    if (!symbols_.count(name)) {
      return broken(cat(what, " has the size ?", name, ", which nothing defines"));
    }
  }
  return {};
}

Status Verifier::uses(const Node& node) {
  if (node.uses_.size() != node.inputs.size()) return broken("operands were changed directly");
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Value* value = node.inputs[i];
    if (!value) return broken(cat("operand ", i, " is null"));
    if (!defined_.count(value)) {
      return broken(cat("operand ", i, " (", shown(*value), ") is not defined before it"));
    }
    const uint32_t at = node.uses_[i];
    if (at >= value->users.size() || value->users[at] != &node || value->operands_[at] != i) {
      return broken(cat("operand ", i, " (", shown(*value), ") does not know of this use"));
    }
  }
  uses_ += node.inputs.size();
  return {};
}

Status Verifier::types(const Node& node) {
  auto infos = infer_node(node.op, node.inputs, node.regions);
  if (!infos.ok()) return std::move(infos).status();
  if (infos->size() != node.outputs.size()) {
    return broken(cat("has ", node.outputs.size(), " results, infers ", infos->size()));
  }
  for (std::string& name : defined_symbols(node)) {
    if (symbols_.insert(name).second) learned_.push_back(std::move(name));
  }
  SymbolSet mentioned;
  collect_attribute_symbols(node.op, mentioned);
  for (const std::string& name : mentioned) {
    if (!symbols_.count(name)) {
      return broken(cat("an attribute holds the size ?", name, ", which nothing defines"));
    }
  }
  for (size_t i = 0; i < infos->size(); ++i) {
    const Value* value = node.outputs[i];
    if (!value || value->producer != &node || value->result != static_cast<int>(i)) {
      return broken(cat("result ", i, " has another producer"));
    }
    if (!(value->type() == (*infos)[i].type)) {
      return broken(cat("result ", i, " is ", to_string(value->type()), ", infers ",
                        to_string((*infos)[i].type)));
    }
    CARNOT_RETURN_IF_ERROR(sizes_valid(value->type()));
    CARNOT_RETURN_IF_ERROR(symbols_known(value->type(), cat("result ", i)));
  }
  return {};
}

Status Verifier::interface(const Node& node, const Graph& region) {
  // Operands that become region inputs one to one, after those that the op itself supplies.
  size_t operand = 0, input = 0;
  if (std::holds_alternative<op::If>(node.op)) operand = 1;
  if (std::holds_alternative<op::Loop>(node.op)) operand = 2, input = 2;
  if (node.inputs.size() - operand + input != region.inputs().size()) {
    return broken(cat("the region ", region.name, " takes ", region.inputs().size(),
                      " inputs, is given ", node.inputs.size() - operand + input));
  }
  if (const auto* scan = node.as<op::Scan>()) {  // elements of scanned inputs lack an axis
    const auto states = static_cast<size_t>(std::max<int64_t>(scan->states, 0));
    operand = input = states + static_cast<size_t>(std::max<int64_t>(scan->scanned, 0));
    if (operand > node.inputs.size()) return broken("states and scanned exceed the operands");
  }
  for (; operand < node.inputs.size(); ++operand, ++input) {
    CARNOT_RETURN_IF_ERROR(compatible(node.inputs[operand]->type(), region.inputs()[input]->type(),
                                      cat("input ", input, " of the region ", region.name)));
  }
  // Results: the node's, after a loop's condition; stacked ones have one more axis.
  const size_t first = std::holds_alternative<op::Loop>(node.op) ? 1 : 0;
  if (region.outputs().size() != node.outputs.size() + first) {
    return broken(cat("the region ", region.name, " returns ", region.outputs().size(), " values, ",
                      node.outputs.size() + first, " are needed"));
  }
  size_t plain = node.outputs.size();
  if (const auto* loop = node.as<op::Loop>()) plain = static_cast<size_t>(loop->carried);
  if (const auto* scan = node.as<op::Scan>()) plain = static_cast<size_t>(scan->states);
  for (size_t i = 0; i < std::min(plain, node.outputs.size()); ++i) {
    CARNOT_RETURN_IF_ERROR(compatible(node.outputs[i]->type(), region.outputs()[i + first]->type(),
                                      cat("output ", i + first, " of the region ", region.name)));
  }
  return {};
}

Status Verifier::regions(const Node& node, int depth) {
  if (node.regions.size() != static_cast<size_t>(region_count(node.op))) {
    return broken(cat("has ", node.regions.size(), " nested graphs"));
  }
  for (const auto& region : node.regions) {
    CARNOT_RETURN_IF_ERROR(interface(node, *region));
    const size_t known = learned_.size();
    const size_t outer_uses = uses_;
    std::unordered_set<const Value*> outer = std::exchange(defined_, {});
    CARNOT_RETURN_IF_ERROR(graph(*region, depth + 1));
    defined_ = std::move(outer);
    uses_ = outer_uses;
    for (; learned_.size() > known; learned_.pop_back()) symbols_.erase(learned_.back());
  }
  return {};
}

Status Verifier::node(const Node& node, int depth) {
  CARNOT_RETURN_IF_ERROR(uses(node));
  CARNOT_RETURN_IF_ERROR(arity(node));
  CARNOT_RETURN_IF_ERROR(regions(node, depth));
  return types(node);
}

Status Verifier::outputs(const Graph& graph) {
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const Value* value = graph.outputs()[i];
    if (!value || !defined_.count(value)) {
      return broken(cat("output ", i, " of the graph ", graph.name, " is not defined in it"));
    }
    if (!graph.is_output(value)) return broken(cat("output ", i, " was set directly"));
  }
  if (!graph.output_names.empty() && graph.output_names.size() != graph.outputs().size()) {
    return broken(cat("the graph ", graph.name, " has ", graph.outputs().size(), " outputs and ",
                      graph.output_names.size(), " names of outputs"));
  }
  return {};
}

Status Verifier::graph(const Graph& graph, int depth) {
  if (depth > Graph::kMaxNesting) return broken("graphs nest too deeply");
  std::vector<const Value*> values;
  for (const Value* input : graph.inputs()) {
    if (input->producer) return broken(cat("the input ", shown(*input), " has a producer"));
    CARNOT_RETURN_IF_ERROR(sizes_valid(input->type()).with(cat("input ", shown(*input))));
    for (const Dim& dim : input->type().dims) learn(dim);
    if (!defined_.insert(input).second) return broken(cat(shown(*input), " is an input twice"));
    values.push_back(input);
  }
  uses_ = 0;
  for (const Node* each : graph.nodes()) {
    if (Status status = node(*each, depth); !status.ok()) {
      return std::move(status).with(describe(*each));
    }
    for (const Value* value : each->outputs) {
      defined_.insert(value);
      values.push_back(value);
    }
  }
  CARNOT_RETURN_IF_ERROR(outputs(graph));
  size_t users = 0;
  for (const Value* value : values) users += value->users.size();
  if (users != uses_) return broken(cat("the graph ", graph.name, " records uses that are gone"));
  return {};
}

Status verify(const Graph& graph) {
  return Verifier().graph(graph, 1).with(cat("the graph ", graph.name, " is broken"));
}

}  // namespace carnot
