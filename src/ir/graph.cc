#include "ir/graph.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "ir/symbols.h"

namespace carnot {
namespace {

// Enough to tell a person where a fused step came from; more would only cost memory.
constexpr size_t kMaxOrigins = 64;

}  // namespace

Origin merge(const Origin& a, const Origin& b) {
  Origin out = a;
  for (const std::string& name : b) {
    if (out.size() >= kMaxOrigins) break;
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

std::string describe(const Node& node) {
  std::string out = name(node.op);
  if (!node.outputs.empty() && !node.outputs[0]->name.empty()) {
    out += " %" + print_name(node.outputs[0]->name);
  }
  if (!node.origin.empty()) {
    out += " (from " + node.origin[0];
    if (node.origin.size() > 1) out += cat(" and ", node.origin.size() - 1, " more");
    out += ")";
  }
  return out;
}

int region_count(const Op& op) {
  if (std::holds_alternative<op::If>(op)) return 2;
  return std::holds_alternative<op::Loop>(op) || std::holds_alternative<op::Scan>(op) ||
         std::holds_alternative<op::Fused>(op);
}

Captures captures_of(const Op& op) {
  const auto count = [](int64_t n) { return static_cast<size_t>(std::max<int64_t>(n, 0)); };
  if (std::holds_alternative<op::If>(op)) return {1, 0};
  if (const auto* loop = std::get_if<op::Loop>(&op)) {
    return {2 + count(loop->carried), 2 + count(loop->carried)};
  }
  if (const auto* scan = std::get_if<op::Scan>(&op)) {
    return {count(scan->states) + count(scan->scanned), count(scan->states) + count(scan->scanned)};
  }
  return {0, 0};
}

Result<std::vector<Info>> infer_node(const Op& op, const std::vector<Value*>& inputs,
                                     const std::vector<std::unique_ptr<Graph>>& regions) {
  if (static_cast<size_t>(region_count(op)) != regions.size()) {
    return error(Code::kInvalidArgument, name(op), ": needs ", region_count(op),
                 " nested graphs, has ", regions.size());
  }
  std::vector<Info> infos;
  infos.reserve(inputs.size());
  if (std::holds_alternative<op::Fused>(op)) {
    for (const Value* value : regions[0]->outputs()) infos.push_back(value->info);
    return infos;
  }
  for (const Value* value : inputs) infos.push_back(value->info);
  return infer(op, infos);
}

Value* Graph::add_input(std::string input_name, TensorType type) {
  auto value = std::make_unique<Value>();
  value->name = std::move(input_name);
  value->info.type = std::move(type);
  inputs_.push_back(value.get());
  input_values_.push_back(std::move(value));
  return inputs_.back();
}

void Graph::remove_input(size_t index) {
  CARNOT_CHECK(index < inputs_.size());
  CARNOT_CHECK(inputs_[index]->users.empty() && !is_output(inputs_[index]));
  inputs_.erase(inputs_.begin() + static_cast<ptrdiff_t>(index));
  input_values_.erase(input_values_.begin() + static_cast<ptrdiff_t>(index));
}

void Graph::link(Node* node, size_t index, Value* value) {
  node->inputs[index] = value;
  node->uses_[index] = static_cast<uint32_t>(value->users.size());
  value->users.push_back(node);
  value->operands_.push_back(static_cast<uint32_t>(index));
}

// The last use takes the place of the one that goes: every step is O(1).
void Graph::unlink(Node* node, size_t index) {
  Value* value = node->inputs[index];
  const uint32_t hole = node->uses_[index];
  value->users[hole] = value->users.back();
  value->operands_[hole] = value->operands_.back();
  value->users[hole]->uses_[value->operands_[hole]] = hole;
  value->users.pop_back();
  value->operands_.pop_back();
}

Result<Node*> Graph::add(Op op, std::vector<Value*> inputs, Origin origin,
                         std::vector<std::string> names, Node* before,
                         std::vector<std::unique_ptr<Graph>> regions) {
  for (const Value* value : inputs) CARNOT_CHECK(value != nullptr);
  for (const auto& region : regions) {
    if (region->nesting_ >= kMaxNesting) {
      return error(Code::kUnsupported, carnot::name(op), ": graphs nest deeper than ", kMaxNesting);
    }
  }
  CARNOT_ASSIGN(std::vector<Info> infos, infer_node(op, inputs, regions));
  for (const auto& region : regions) nesting_ = std::max(nesting_, region->nesting_ + 1);

  auto owned = std::make_unique<Node>();
  Node* node = owned.get();
  node->op = std::move(op);
  node->origin = std::move(origin);
  node->regions = std::move(regions);
  for (size_t i = 0; i < infos.size(); ++i) {
    auto value = std::make_unique<Value>();
    if (i < names.size()) value->name = std::move(names[i]);
    value->info = std::move(infos[i]);
    value->producer = node;
    value->result = static_cast<int>(i);
    node->outputs.push_back(value.get());
    node->results_.push_back(std::move(value));
  }
  node->position_ = nodes_.insert(before ? before->position_ : nodes_.end(), std::move(owned));
  node->inputs.resize(inputs.size());
  node->uses_.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) link(node, i, inputs[i]);
  return node;
}

Result<Value*> Graph::make(Op op, std::vector<Value*> inputs, const Origin& origin, Node* before) {
  CARNOT_ASSIGN(Node * node, add(std::move(op), std::move(inputs), origin, {}, before));
  return node->output();
}

Value* Graph::constant(Tensor value, Origin origin, Node* before) {
  return *make(op::Constant{std::move(value)}, {}, origin, before);
}

void Graph::set_outputs(std::vector<Value*> outputs) {
  for (Value* value : outputs_) --value->output_uses_;
  outputs_ = std::move(outputs);
  for (Value* value : outputs_) ++value->output_uses_;
  if (output_names.size() == outputs_.size()) return;
  output_names.clear();
  for (const Value* value : outputs_) output_names.push_back(value->name);
}

std::vector<Node*> Graph::nodes() const {
  std::vector<Node*> out;
  out.reserve(nodes_.size());
  for (const auto& node : nodes_) out.push_back(node.get());
  return out;
}

void Graph::replace_uses(Value* from, Value* to) {
  if (from == to) return;
  while (!from->users.empty()) {
    Node* user = from->users.back();
    set_input(user, from->operands_.back(), to);
  }
  if (!is_output(from)) return;
  for (Value*& value : outputs_) {
    if (value == from) value = to;
  }
  to->output_uses_ += std::exchange(from->output_uses_, 0);
}

void Graph::set_input(Node* node, size_t index, Value* value) {
  CARNOT_CHECK(index < node->inputs.size() && value != nullptr);
  unlink(node, index);
  link(node, index, value);
}

void Graph::set_inputs(Node* node, std::vector<Value*> values) {
  for (size_t i = node->inputs.size(); i-- > 0;) unlink(node, i);
  node->inputs.resize(values.size());
  node->uses_.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) link(node, i, values[i]);
}

void Graph::erase(Node* node) {
  for (const Value* value : node->outputs) CARNOT_CHECK(value->users.empty() && !is_output(value));
  for (size_t i = node->inputs.size(); i-- > 0;) unlink(node, i);
  nodes_.erase(node->position_);
}

void Graph::move_before(Node* node, Node* before) {
  if (node == before) return;
  nodes_.splice(before ? before->position_ : nodes_.end(), nodes_, node->position_);
}

Status Graph::reinfer() {
  for (const auto& node : nodes_) {
    const Captures captures = captures_of(node->op);
    for (const auto& region : node->regions) {
      for (size_t i = captures.operand, j = captures.input;
           i < node->inputs.size() && j < region->inputs_.size(); ++i, ++j) {
        region->inputs_[j]->info = node->inputs[i]->info;
      }
      if (Status status = region->reinfer(); !status.ok()) {
        return std::move(status).with(cat("in ", describe(*node)));
      }
    }
    auto infos = infer_node(node->op, node->inputs, node->regions);
    if (!infos.ok()) return std::move(infos).status().with(describe(*node));
    if (infos->size() != node->outputs.size()) {
      return error(Code::kInternal, describe(*node), ": has ", node->outputs.size(),
                   " results but infers ", infos->size());
    }
    for (size_t i = 0; i < infos->size(); ++i) node->outputs[i]->info = std::move((*infos)[i]);
  }
  return {};
}

// Backward, so that a node is looked at when everything that may need it has been.
int Graph::remove_dead() {
  int removed = 0;
  SymbolSet symbols;  // what live nodes refer to; whoever defines one lives too
  for (auto it = nodes_.end(); it != nodes_.begin();) {
    Node* node = std::prev(it)->get();
    bool dead = std::all_of(node->outputs.begin(), node->outputs.end(), [&](Value* value) {
      return value->users.empty() && !is_output(value);
    });
    if (dead && !symbols.empty()) {
      const std::vector<std::string> own = defined_symbols(*node);
      dead = std::none_of(own.begin(), own.end(),
                          [&](const std::string& each) { return symbols.count(each) > 0; });
    }
    if (dead) {
      erase(node);
      ++removed;
      continue;
    }
    for (const auto& region : node->regions) removed += region->remove_dead();
    collect_symbols(*node, symbols);
    --it;
  }
  return removed;
}

Graph Graph::clone() const {
  Graph out;
  out.name = name;
  out.output_names = output_names;
  out.nesting_ = nesting_;
  std::unordered_map<const Value*, Value*> copies;
  copies.reserve(nodes_.size() + inputs_.size());
  for (const Value* input : inputs_) {
    Value* copy = out.add_input(input->name, input->info.type);
    copy->info = input->info;
    copies[input] = copy;
  }
  for (const auto& node : nodes_) {
    auto owned = std::make_unique<Node>();
    Node* copy = owned.get();
    copy->op = node->op;
    copy->origin = node->origin;
    for (const auto& region : node->regions) {
      copy->regions.push_back(std::make_unique<Graph>(region->clone()));
    }
    for (const Value* value : node->outputs) {
      auto result = std::make_unique<Value>();
      result->name = value->name;
      result->info = value->info;
      result->producer = copy;
      result->result = value->result;
      copies[value] = result.get();
      copy->outputs.push_back(result.get());
      copy->results_.push_back(std::move(result));
    }
    copy->position_ = out.nodes_.insert(out.nodes_.end(), std::move(owned));
    std::vector<Value*> inputs;
    for (const Value* value : node->inputs) inputs.push_back(copies.at(value));
    out.set_inputs(copy, std::move(inputs));
  }
  std::vector<Value*> outputs;
  for (const Value* value : outputs_) outputs.push_back(copies.at(value));
  out.set_outputs(std::move(outputs));
  return out;
}

const Tensor* constant_of(const Value* value) {
  if (!value->producer) return nullptr;
  const auto* constant = value->producer->as<op::Constant>();
  return constant ? &constant->value : nullptr;
}

}  // namespace carnot
