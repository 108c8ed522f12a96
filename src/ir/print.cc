// From a Graph to text; the grammar is in ir/text.h.
#include <unordered_map>
#include <unordered_set>

#include "base/log.h"
#include "base/text.h"
#include "ir/text.h"
#include "ops/attrs.h"

namespace carnot {
namespace {

class Printer {
 public:
  Printer(const PrintOptions& options, std::string& out) : options_(options), out_(out) {}
  void graph(const Graph& graph, int depth);

 private:
  void name_values(const Graph& graph);
  std::string fresh(const std::string& wish);
  void node(const Node& node, int depth);
  void returns(const Graph& graph, int depth);
  void list(const std::vector<Value*>& values, bool types);
  void indent(int depth) { out_.append(static_cast<size_t>(2 * depth), ' '); }
  const std::string& shown(const Value* value) const { return names_.at(value); }

  const PrintOptions& options_;
  std::string& out_;
  std::unordered_map<const Value*, std::string> names_;  // as printed, "%" included
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> copies_;  // how often a taken name was wished again
  int number_ = 0;
};

// The wish itself where free, else wish.1, wish.2 ...; for no wish the next free number.
std::string Printer::fresh(const std::string& wish) {
  if (!wish.empty() && taken_.insert(wish).second) return wish;
  int& n = wish.empty() ? number_ : copies_[wish];
  for (;;) {
    std::string name = wish.empty() ? std::to_string(n++) : cat(wish, ".", ++n);
    if (taken_.insert(name).second) return name;
  }
}

// Names that are there come first: a value without one must not take them away.
void Printer::name_values(const Graph& graph) {
  std::vector<const Value*> unnamed;
  const auto name = [&](const Value* value) {
    if (value->name.empty()) return unnamed.push_back(value);
    names_[value] = "%" + print_name(fresh(value->name));
  };
  for (const Value* value : graph.inputs()) name(value);
  for (const Node* node : graph.nodes()) {
    for (const Value* value : node->outputs) name(value);
  }
  for (const Value* value : unnamed) names_[value] = "%" + fresh("");
}

void Printer::list(const std::vector<Value*>& values, bool types) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out_ += ", ";
    out_ += shown(values[i]);
    if (types) out_ += ": " + to_string(values[i]->type());
  }
}

void Printer::node(const Node& node, int depth) {
  indent(depth);
  list(node.outputs, false);
  if (!node.outputs.empty()) out_ += " = ";
  out_ += name(node.op);
  const bool source = std::visit([](const auto& op) { return op.kMax == 0; }, node.op);
  if (!source) {
    out_ += "(";
    list(node.inputs, false);
    out_ += ")";
  }
  out_ += body_text(node.op) + braces_text(node.op);
  if (!node.regions.empty()) {
    out_ += " {\n";
    for (const auto& region : node.regions) {
      Printer(options_, out_).graph(*region, depth + 1);
    }
    indent(depth);
    out_ += "}";
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    out_ += (i == 0 ? " : " : ", ") + to_string(node.outputs[i]->type());
  }
  if (options_.origins && !node.origin.empty()) {
    out_ += "  // from";
    for (size_t i = 0; i < node.origin.size(); ++i) {
      out_ += (i == 0 ? " " : ", ") + escape_control(node.origin[i]);
    }
  }
  out_ += "\n";
  const auto* constant = node.as<op::Constant>();
  if (constant && options_.constants && prints_as_hash(constant->value)) {
    options_.constants->add(constant->value);
  }
}

void Printer::returns(const Graph& graph, int depth) {
  indent(depth);
  out_ += "return";
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const Value* value = graph.outputs()[i];
    out_ += (i == 0 ? " " : ", ") + shown(value);
    if (i >= graph.output_names.size() || graph.output_names[i].empty()) continue;
    const std::string& name = graph.output_names[i];
    if ("%" + print_name(name) != shown(value)) out_ += " as " + quote(name);
  }
  out_ += "\n";
}

void Printer::graph(const Graph& graph, int depth) {
  name_values(graph);
  indent(depth);
  out_ += "graph ";
  if (!graph.name.empty()) out_ += print_name(graph.name) + " ";
  out_ += "(";
  list(graph.inputs(), true);
  out_ += ") {\n";
  for (const Node* each : graph.nodes()) node(*each, depth + 1);
  returns(graph, depth + 1);
  indent(depth);
  out_ += "}\n";
}

}  // namespace

std::string print(const Graph& graph, const PrintOptions& options) {
  std::string out;
  Printer(options, out).graph(graph, 0);
  return out;
}

std::string print(const Graph& graph) {
  return print(graph, PrintOptions{});
}

}  // namespace carnot
