#include "ir/executor.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "base/checked.h"
#include "ir/symbols.h"
#include "ir/targets.h"
#include "ops/elements.h"

namespace carnot {
namespace {

// A graph prepared for running: values numbered, last uses known. Loops run theirs many times.
struct Step {
  const Node* node = nullptr;
  std::vector<size_t> operands, results;
  std::vector<size_t> dead;  // values that nobody needs after this step
};
struct Schedule {
  std::vector<Step> steps;
  std::vector<size_t> inputs, outputs;
  size_t values = 0;
};

Schedule make_schedule(const Graph& graph) {
  Schedule out;
  std::unordered_map<const Value*, size_t> slots;
  const auto define = [&](const Value* value) { return slots[value] = out.values++; };
  for (const Value* input : graph.inputs()) out.inputs.push_back(define(input));
  for (const Node* node : graph.nodes()) {
    Step step;
    step.node = node;
    for (const Value* value : node->inputs) step.operands.push_back(slots.at(value));
    for (const Value* value : node->outputs) step.results.push_back(define(value));
    out.steps.push_back(std::move(step));
  }
  std::vector<bool> needed(out.values, false);
  for (const Value* value : graph.outputs()) {
    out.outputs.push_back(slots.at(value));
    needed[out.outputs.back()] = true;
  }
  for (auto step = out.steps.rbegin(); step != out.steps.rend(); ++step) {
    for (const auto* slot_list : {&step->operands, &step->results}) {
      for (const size_t slot : *slot_list) {
        if (!needed[slot]) step->dead.push_back(slot);
        needed[slot] = true;
      }
    }
  }
  return out;
}

Result<int64_t> bytes_of(const TensorType& type, const Symbols& symbols) {
  const std::optional<Shape> shape = known_shape(type.dims, symbols);
  if (!shape) return 0;  // charged when it is known
  CARNOT_ASSIGN(const int64_t count, element_count(*shape));
  return byte_size(count, bits_of(type.dtype));
}

// Elements of range(start, limit, delta).
Result<int64_t> range_count(Tensors operands) {
  for (const Tensor& tensor : operands) {
    if (tensor.elements() != 1) return 0;  // reference() says what is wrong
  }
  const double delta = operands[2].get(0);
  const double count = std::ceil((operands[1].get(0) - operands[0].get(0)) / delta);
  if (!(count > 0)) return 0;
  if (!(count < 0x1p62)) return error(Code::kResourceLimit, "a range of ", count, " elements");
  return static_cast<int64_t>(count);
}

// Bytes of each result before it is computed: from the declared sizes, or else from the operand
// that the sizes come from. 0 where only the data tells; such results are no larger than operands.
Result<std::vector<int64_t>> bytes_of_results(const Node& node, Tensors operands,
                                              const Symbols& symbols) {
  std::vector<int64_t> out;
  bool known = true;
  for (const Value* value : node.outputs) {
    CARNOT_ASSIGN(const int64_t bytes, bytes_of(value->type(), symbols));
    known &= known_shape(value->type().dims, symbols).has_value();
    out.push_back(bytes);
  }
  if (known) return out;
  if (node.as<op::Range>()) {
    CARNOT_ASSIGN(const int64_t count, range_count(operands));
    CARNOT_ASSIGN(out[0], byte_size(count, bits_of(operands[0].dtype())));
    return out;
  }
  const auto target = target_operand(node.op, operands.size());
  if (!target) return out;
  const Tensor& tensor = operands[*target];
  const Info info{tensor.type(), known_elements(tensor)};
  const Dims x(operands[0].shape().begin(), operands[0].shape().end());
  const auto op = resolve_target(node.op, x, info, &tensor);
  if (!op) return out;
  std::vector<Info> infos;
  // A resize with a region keeps the place of its target; else the operand goes.
  const size_t count = *target + 1 == operands.size() ? *target : operands.size();
  for (size_t i = 0; i < count; ++i) infos.push_back({operands[i].type(), std::nullopt});
  CARNOT_ASSIGN(infos, infer(*op, infos));
  for (size_t i = 0; i < std::min(out.size(), infos.size()); ++i) {
    CARNOT_ASSIGN(out[i], bytes_of(infos[i].type, {}));
  }
  return out;
}

// What reference() needs to hold the operands that are fills element by element.
Result<int64_t> dense_bytes(Tensors operands) {
  int64_t total = 0;
  for (const Tensor& tensor : operands) {
    if (!tensor.is_splat()) continue;
    CARNOT_ASSIGN(const int64_t bytes, byte_size(tensor.elements(), bits_of(tensor.dtype())));
    total = checked_add(total, bytes).value_or(kBytesMax);
  }
  return total;
}

// Releases on destruction what it has charged.
class Charge {
 public:
  explicit Charge(Budget& budget) : budget_(&budget) {}
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { budget_->release(bytes_); }
  Status at_least(int64_t bytes) {
    if (bytes <= bytes_) return {};
    CARNOT_RETURN_IF_ERROR(budget_->charge(bytes - bytes_));
    bytes_ = bytes;
    return {};
  }

 private:
  Budget* budget_;
  int64_t bytes_ = 0;
};

struct Slot {
  Tensor tensor;
  std::unique_ptr<Charge> charge;
};

class Run {
 public:
  Run(Budget& budget, const Observer& observer) : budget_(budget), observer_(observer) {}

  Result<std::vector<Tensor>> graph(const Graph& graph, Tensors inputs, Symbols& symbols);

 private:
  Status step(const Step& step, std::vector<Slot>& slots, Symbols& symbols);
  Result<std::vector<Tensor>> node(const Node& node, Tensors operands, const Symbols& symbols);
  Result<std::vector<Tensor>> region(const Graph& graph, Tensors inputs, Symbols symbols);
  Result<std::vector<Tensor>> run_if(const Node& node, Tensors operands, const Symbols& symbols);
  Result<std::vector<Tensor>> run_loop(const Node& node, Tensors operands, const Symbols& symbols);
  Result<std::vector<Tensor>> run_scan(const Node& node, Tensors operands, const Symbols& symbols);

  Budget& budget_;
  const Observer& observer_;
  std::unordered_map<const Graph*, Schedule> schedules_;
};

bool is_fill(const Tensor& tensor) {
  return tensor.is_splat() || tensor.elements() == 1;
}

Result<bool> one_bool(const Tensor& tensor) {
  if (tensor.dtype() != DType::kBool || tensor.elements() != 1) {
    return error(Code::kInvalidArgument, "the condition must be one bool, is ",
                 to_string(tensor.type()));
  }
  return tensor.get_int(0) != 0;
}

// What a region returned for each iteration, laid one after another along a new axis.
class Stack {
 public:
  Stack(Budget& budget, int64_t axis, bool reversed)
      : charge_(std::make_unique<Charge>(budget)), axis_(axis), reversed_(reversed) {}

  Status push(Tensor element) {
    if (!elements_.empty() && elements_[0].shape() != element.shape()) {
      return error(Code::kInvalidArgument,
                   "iterations give results of different shapes: ", to_string(elements_[0].shape()),
                   " and ", to_string(element.shape()));
    }
    bytes_ += static_cast<int64_t>(element.bytes());
    CARNOT_RETURN_IF_ERROR(charge_->at_least(bytes_));
    elements_.push_back(std::move(element));
    return {};
  }

  /// `element` says what an element is where there was none.
  Result<Tensor> finish(const TensorType& element, const Symbols& symbols) {
    const int64_t rank = elements_.empty() ? element.rank() : elements_[0].rank();
    const int64_t axis = axis_ < 0 ? axis_ + rank + 1 : axis_;
    if (axis < 0 || axis > rank) {
      return error(Code::kInvalidArgument, "the stacking axis ", axis_, " is out of range");
    }
    if (elements_.empty()) {
      Shape shape;
      for (const Dim& dim : element.dims) {
        const Result<int64_t> size = evaluate(dim, symbols);
        shape.push_back(size.ok() ? *size : 0);
      }
      shape.insert(shape.begin() + axis, 0);
      return Tensor::allocate(element.dtype, shape);
    }
    if (reversed_) std::reverse(elements_.begin(), elements_.end());
    for (Tensor& each : elements_) {
      Shape shape = each.shape();
      shape.insert(shape.begin() + axis, 1);
      each = each.reshaped(std::move(shape));
    }
    CARNOT_ASSIGN(std::vector<Tensor> out, reference(op::Concat{axis}, elements_));
    return std::move(out[0]);
  }

 private:
  std::vector<Tensor> elements_;
  std::unique_ptr<Charge> charge_;
  int64_t bytes_ = 0;
  int64_t axis_;
  bool reversed_;
};

Result<std::vector<Tensor>> Run::region(const Graph& graph, Tensors inputs, Symbols symbols) {
  return this->graph(graph, inputs, symbols).with(cat("in the region ", graph.name));
}

Result<std::vector<Tensor>> Run::run_if(const Node& node, Tensors operands,
                                        const Symbols& symbols) {
  CARNOT_ASSIGN(const bool condition, one_bool(operands[0]));
  return region(*node.regions[condition ? 0 : 1], operands.subspan(1), symbols);
}

Result<std::vector<Tensor>> Run::run_loop(const Node& node, Tensors operands,
                                          const Symbols& symbols) {
  const Graph& body = *node.regions[0];
  const auto carried = static_cast<size_t>(node.as<op::Loop>()->carried);
  if (operands[0].dtype() != DType::kI64 || operands[0].elements() != 1) {
    return error(Code::kInvalidArgument, "the trip count must be one i64, is ",
                 to_string(operands[0].type()));
  }
  const int64_t trips = operands[0].get_int(0);
  CARNOT_ASSIGN(bool condition, one_bool(operands[1]));
  std::vector<Tensor> state(operands.begin() + 2, operands.begin() + 2 + carried);
  const Tensors captures = operands.subspan(2 + carried);
  std::vector<Stack> stacks;
  for (size_t i = 1 + carried; i < body.outputs().size(); ++i)
    stacks.emplace_back(budget_, 0, false);

  for (int64_t i = 0; i < trips && condition; ++i) {
    CARNOT_RETURN_IF_ERROR(budget_.check());
    std::vector<Tensor> inputs = {Tensor::from_i64({}, {i}), Tensor::zeros(DType::kBool, {})};
    inputs[0] = inputs[0].reshaped(Shape(static_cast<size_t>(body.inputs()[0]->type().rank()), 1));
    inputs[1].set_int(0, 1);
    inputs[1] = inputs[1].reshaped(Shape(static_cast<size_t>(body.inputs()[1]->type().rank()), 1));
    inputs.insert(inputs.end(), state.begin(), state.end());
    inputs.insert(inputs.end(), captures.begin(), captures.end());
    auto results = region(body, inputs, symbols).with(cat("iteration ", i));
    if (!results.ok()) return results;
    CARNOT_ASSIGN(condition, one_bool((*results)[0]));
    for (size_t k = 0; k < carried; ++k) state[k] = std::move((*results)[1 + k]);
    for (size_t k = 0; k < stacks.size(); ++k) {
      CARNOT_RETURN_IF_ERROR(stacks[k].push(std::move((*results)[1 + carried + k])));
    }
  }
  for (size_t k = 0; k < stacks.size(); ++k) {
    CARNOT_ASSIGN(Tensor stacked,
                  stacks[k].finish(body.outputs()[1 + carried + k]->type(), symbols));
    state.push_back(std::move(stacked));
  }
  return state;
}

// Element `index` of a scanned input, without the scanned axis.
Result<Tensor> element_at(const Tensor& tensor, int64_t axis, int64_t index) {
  op::Slice slice;
  for (const int64_t size : tensor.shape()) slice.sizes.push_back(size);
  slice.starts.assign(slice.sizes.size(), 0);
  slice.steps.assign(slice.sizes.size(), 1);
  slice.starts[static_cast<size_t>(axis)] = index;
  slice.sizes[static_cast<size_t>(axis)] = 1;
  const Tensor operands[] = {tensor};
  CARNOT_ASSIGN(std::vector<Tensor> out, reference(slice, operands));
  Shape shape = out[0].shape();
  shape.erase(shape.begin() + axis);
  return out[0].reshaped(std::move(shape));
}

struct ScannedInput {
  int64_t axis = 0;
  bool reversed = false;
};
int64_t at_or(const op::Ints& list, size_t index, int64_t otherwise) {
  return index < list.size() ? list[index] : otherwise;
}

// Where to read each scanned input; `length` becomes the number of iterations.
Result<std::vector<ScannedInput>> scanned_inputs(const op::Scan& scan, Tensors scanned,
                                                 int64_t* length) {
  std::vector<ScannedInput> out;
  for (size_t i = 0; i < scanned.size(); ++i) {
    ScannedInput in{at_or(scan.input_axes, i, 0), at_or(scan.input_reversed, i, 0) != 0};
    if (in.axis < 0) in.axis += scanned[i].rank();
    if (in.axis < 0 || in.axis >= scanned[i].rank()) {
      return error(Code::kInvalidArgument, "the axis of scanned input ", i, " is out of range");
    }
    const int64_t size = scanned[i].shape()[static_cast<size_t>(in.axis)];
    if (i > 0 && size != *length) {
      return error(Code::kInvalidArgument, "scanned inputs have ", *length, " and ", size,
                   " elements");
    }
    *length = size;
    out.push_back(in);
  }
  return out;
}

Result<std::vector<Tensor>> Run::run_scan(const Node& node, Tensors operands,
                                          const Symbols& symbols) {
  const auto& scan = *node.as<op::Scan>();
  const Graph& body = *node.regions[0];
  const auto states = static_cast<size_t>(scan.states);
  const Tensors scanned = operands.subspan(states, static_cast<size_t>(scan.scanned));
  const Tensors captures = operands.subspan(states + scanned.size());
  int64_t length = 0;
  CARNOT_ASSIGN(const std::vector<ScannedInput> in, scanned_inputs(scan, scanned, &length));
  std::vector<Tensor> state(operands.begin(), operands.begin() + states);
  std::vector<Stack> stacks;
  for (size_t i = 0; i + states < body.outputs().size(); ++i) {
    stacks.emplace_back(budget_, at_or(scan.output_axes, i, 0),
                        at_or(scan.output_reversed, i, 0) != 0);
  }
  for (int64_t i = 0; i < length; ++i) {
    CARNOT_RETURN_IF_ERROR(budget_.check());
    std::vector<Tensor> inputs = state;
    for (size_t k = 0; k < in.size(); ++k) {
      CARNOT_ASSIGN(Tensor element,
                    element_at(scanned[k], in[k].axis, in[k].reversed ? length - 1 - i : i));
      inputs.push_back(std::move(element));
    }
    inputs.insert(inputs.end(), captures.begin(), captures.end());
    auto results = region(body, inputs, symbols).with(cat("iteration ", i));
    if (!results.ok()) return results;
    for (size_t k = 0; k < states; ++k) state[k] = std::move((*results)[k]);
    for (size_t k = 0; k < stacks.size(); ++k) {
      CARNOT_RETURN_IF_ERROR(stacks[k].push(std::move((*results)[states + k])));
    }
  }
  for (size_t k = 0; k < stacks.size(); ++k) {
    CARNOT_ASSIGN(Tensor stacked, stacks[k].finish(body.outputs()[states + k]->type(), symbols));
    state.push_back(std::move(stacked));
  }
  return state;
}

Result<std::vector<Tensor>> Run::node(const Node& node, Tensors operands, const Symbols& symbols) {
  if (node.as<op::If>()) return run_if(node, operands, symbols);
  if (node.as<op::Loop>()) return run_loop(node, operands, symbols);
  if (node.as<op::Scan>()) return run_scan(node, operands, symbols);
  if (node.as<op::Fused>()) return region(*node.regions[0], operands, symbols);
  return run_node(node, operands, symbols);
}

Status Run::step(const Step& step, std::vector<Slot>& slots, Symbols& symbols) {
  CARNOT_RETURN_IF_ERROR(budget_.check());
  const Node& node = *step.node;
  std::vector<Tensor> operands;
  for (const size_t slot : step.operands) operands.push_back(slots[slot].tensor);
  const bool stored = node.as<op::Constant>() != nullptr;           // the graph owns these bytes
  const bool lazy = node.as<op::Expand>() && is_fill(operands[0]);  // stores one element
  std::vector<std::unique_ptr<Charge>> charges;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    charges.push_back(std::make_unique<Charge>(budget_));
  }
  Charge scratch(budget_);
  if (!lazy && !node.as<op::Reshape>() && node.regions.empty()) {
    CARNOT_ASSIGN(const int64_t dense, dense_bytes(operands));
    CARNOT_RETURN_IF_ERROR(scratch.at_least(dense));
  }
  if (!stored && !lazy) {
    CARNOT_ASSIGN(const std::vector<int64_t> bytes, bytes_of_results(node, operands, symbols));
    for (size_t i = 0; i < bytes.size(); ++i) {
      CARNOT_RETURN_IF_ERROR(charges[i]->at_least(bytes[i]));
    }
  }
  CARNOT_ASSIGN(std::vector<Tensor> results, this->node(node, operands, symbols));
  if (results.size() != node.outputs.size()) {
    return error(Code::kInternal, "gave ", results.size(), " results, declares ",
                 node.outputs.size());
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const TensorType& declared = node.outputs[i]->type();
    if (results[i].dtype() != declared.dtype) {
      return error(Code::kInternal, "result ", i, " is ", to_string(results[i].type()),
                   ", declared ", to_string(declared));
    }
    CARNOT_RETURN_IF_ERROR(
        bind_symbols(declared.dims, results[i].shape(), symbols).with(cat("result ", i)));
    if (!stored) {
      CARNOT_RETURN_IF_ERROR(charges[i]->at_least(static_cast<int64_t>(results[i].bytes())));
    }
  }
  if (observer_) observer_(node, results);
  for (size_t i = 0; i < results.size(); ++i) {
    slots[step.results[i]] = {std::move(results[i]), std::move(charges[i])};
  }
  operands.clear();
  for (const size_t slot : step.dead) slots[slot] = {};
  return {};
}

Result<std::vector<Tensor>> Run::graph(const Graph& graph, Tensors inputs, Symbols& symbols) {
  if (inputs.size() != graph.inputs().size()) {
    return error(Code::kInvalidArgument, "the graph ", graph.name, " takes ", graph.inputs().size(),
                 " inputs, is given ", inputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& value = *graph.inputs()[i];
    if (inputs[i].dtype() != value.type().dtype) {
      return error(Code::kInvalidArgument, "input ", i, " (", value.name, ") must be ",
                   to_string(value.type()), ", is ", to_string(inputs[i].type()));
    }
    CARNOT_RETURN_IF_ERROR(bind_symbols(value.type().dims, inputs[i].shape(), symbols)
                               .with(cat("input ", i, " (", value.name, ")")));
  }
  auto [found, fresh] = schedules_.try_emplace(&graph);
  if (fresh) found->second = make_schedule(graph);
  const Schedule& schedule = found->second;  // map nodes do not move
  std::vector<Slot> slots(schedule.values);
  for (size_t i = 0; i < inputs.size(); ++i) slots[schedule.inputs[i]].tensor = inputs[i];
  for (const Step& each : schedule.steps) {
    if (Status status = step(each, slots, symbols); !status.ok()) {
      return std::move(status).with(cat("running ", describe(*each.node)));
    }
  }
  std::vector<Tensor> outputs;
  for (const size_t slot : schedule.outputs) outputs.push_back(slots[slot].tensor);
  return outputs;
}

}  // namespace

Result<std::vector<Tensor>> run_node(const Node& node, Tensors operands, const Symbols& symbols) {
  // Constants are the most numerous nodes, and copying one's tensor is all there is to do.
  if (const auto* constant = node.as<op::Constant>()) return std::vector<Tensor>{constant->value};
  return reference(with_symbols(node.op, symbols), operands);
}

Result<std::vector<Tensor>> execute(const Graph& graph, std::span<const Tensor> inputs,
                                    Budget& budget, Symbols* bound, const Observer& observer) {
  Symbols own;
  Symbols& symbols = bound ? *bound : own;
  return Run(budget, observer).graph(graph, inputs, symbols);
}

}  // namespace carnot
