// If, Loop and Scan: their bodies' layers between the layers of a boundary.
#include "control.h"
#include "onnx_rows.h"

namespace trt {

namespace {

using Graph = carnot::OnnxTrace::Graph;

Loop* new_loop(OnnxView& v) {
  auto* const loop = static_cast<Loop*>(v.network().addLoop());
  if (!loop) throw NotShown();
  return loop;
}

Recurrence* new_state(Loop* loop, NetTensor* first) {
  auto* const layer = static_cast<Recurrence*>(loop->addRecurrence(*first));
  if (!layer) throw NotShown();
  return layer;
}

void close(Recurrence* state, NetTensor* next) {
  state->inputs.resize(2);
  state->inputs[1] = next;
}

NetTensor* loop_output(OnnxView& v, Loop* loop, NetTensor* of, LoopOutput how, int32_t axis,
                       NetTensor* length) {
  auto* const layer = v.add<LoopOutputLayer>(
      {of}, [&](LoopOutputLayer& l) { l.loop = loop, l.output = how, l.axis = axis; });
  loop->outputs.push_back(layer);
  if (length) layer->inputs.push_back(length);
  return OnnxView::result(layer);
}

/// The number of the iteration, without axes.
NetTensor* counter(OnnxView& v, Loop* loop) {
  NetTensor* const zero = v.scalar(DataType::kINT64, 0, 1);
  NetTensor* const one = v.scalar(DataType::kINT64, 1, 1);
  Recurrence* const count = new_state(loop, zero);
  NetTensor* const out = OnnxView::result(count);
  close(count, v.binary(out, one, ElementWiseOperation::kSUM));
  return without_axes(v, out);
}

/// A count that means that only the condition ends the loop.
bool is_endless(const carnot::Tensor* trips) {
  return trips && trips->dtype() == DType::kI64 && trips->elements() > 0 &&
         trips->get_int(0) >= INT32_MAX;
}

void loop(OnnxView& v) {
  const Graph& body = v.graph("body");
  const size_t states = v.inputs() < 2 ? 0 : v.inputs() - 2;
  if (body.inputs.size() < 2 + states || body.outputs.size() < 1 + states) throw NotShown();
  Loop* const loop = new_loop(v);
  loop->setName(v.shown_name().c_str());
  v.open_scope();
  NetTensor *trips = nullptr, *condition = nullptr;
  if (v.has(0) && !is_endless(v.weights(0))) {
    trips = v.cast(without_axes(v, v.in(0)), DataType::kINT32);
    loop->addTripLimit(*trips, TripLimit::kCOUNT);
    v.define_input(body.inputs[0], counter(v, loop));
  }
  if (v.has(1)) {
    condition = without_axes(v, v.in(1));
    v.define_input(body.inputs[1], condition);
  }
  std::vector<Recurrence*> carried;
  for (size_t i = 2; i < v.inputs(); ++i) {
    carried.push_back(new_state(loop, v.in(i)));
    v.define_input(body.inputs[i], OnnxView::result(carried.back()));
  }
  v.show_graph(body);
  if (condition) {
    Recurrence* const state = new_state(loop, condition);
    close(state, without_axes(v, v.value_of(body.outputs[0])));
    loop->addTripLimit(*OnnxView::result(state), TripLimit::kWHILE);
  }
  for (size_t i = 0; i < states; ++i) {
    close(carried[i], v.value_of(body.outputs[1 + i]));
    v.out(loop_output(v, loop, OnnxView::result(carried[i]), LoopOutput::kLAST_VALUE, 0, nullptr));
  }
  for (size_t i = 1 + states; i < body.outputs.size(); ++i) {
    if (!trips) throw NotShown();
    NetTensor* const scanned = v.value_of(body.outputs[i]);
    v.out(loop_output(v, loop, scanned, LoopOutput::kCONCATENATE, 0, trips));
  }
  v.close_scope();
}

/// A list of the node's; all `otherwise` where it has none.
Ints each(OnnxView& v, const char* name, size_t count, int64_t otherwise) {
  Ints out = v.ints(name).value_or(Ints(count, otherwise));
  if (out.size() != count) throw NotShown();
  return out;
}

/// Axes count from the end of as many as there can be.
int32_t axis_of(int64_t axis) {
  if (axis < 0) axis += Dims::MAX_DIMS;
  if (axis < 0 || axis > Dims::MAX_DIMS) throw NotShown();
  return static_cast<int32_t>(axis);
}

void scan(OnnxView& v) {
  if (v.opset() < 9) throw NotShown();
  const Graph& body = v.graph("body");
  const auto scans = static_cast<size_t>(v.integer("num_scan_inputs", 0));
  if (scans < 1 || scans > v.inputs() || v.inputs() != body.inputs.size()) throw NotShown();
  const size_t states = v.inputs() - scans;
  if (states < 1 || states > v.outputs() || body.outputs.size() < v.outputs()) throw NotShown();
  const size_t results = v.outputs() - states;
  const Ints axes = each(v, "scan_input_axes", scans, 0);
  const Ints turned = each(v, "scan_input_directions", scans, 0);
  const Ints out_axes = each(v, "scan_output_axes", results, 0);
  const Ints out_turned = each(v, "scan_output_directions", results, 0);
  Loop* const loop = new_loop(v);
  NetTensor* const trips = axis_length(v, v.in(v.inputs() - 1), axis_of(axes.back()), true);
  loop->addTripLimit(*trips, TripLimit::kCOUNT);
  v.open_scope();
  std::vector<Recurrence*> carried;
  for (size_t i = 0; i < states; ++i) {
    carried.push_back(new_state(loop, v.in(i)));
    v.define_input(body.inputs[i], OnnxView::result(carried.back()));
  }
  v.call(carried[0]);
  for (size_t i = 0; i < scans; ++i) {
    auto* const layer = static_cast<Iterator*>(
        loop->addIterator(*v.in(states + i), axis_of(axes[i]), turned[i] == 1));
    if (!layer) throw NotShown();
    v.define_input(body.inputs[states + i], OnnxView::result(layer));
  }
  v.show_graph(body);
  for (size_t i = 0; i < states; ++i) {
    close(carried[i], v.value_of(body.outputs[i]));
    v.out(loop_output(v, loop, OnnxView::result(carried[i]), LoopOutput::kLAST_VALUE, 0, nullptr));
  }
  for (size_t i = 0; i < results; ++i) {
    NetTensor* const scanned = v.value_of(body.outputs[states + i]);
    const auto how = out_turned[i] == 0 ? LoopOutput::kCONCATENATE : LoopOutput::kREVERSE;
    v.out(loop_output(v, loop, scanned, how, axis_of(out_axes[i]), trips));
  }
  v.close_scope();
}

/// Layers of a branch, and what it gives.
struct Branch {
  std::vector<Layer*> layers;
  std::vector<OnnxView::Slot> results;
};

std::string described(const char* which, const Graph& body) {
  return cat(body.name, " (", which, ")");
}

void show_branch(OnnxView& v, const Graph& body, Branch& out) {
  const auto& layers = v.network().layers();
  const size_t first = layers.size();
  v.open_scope();
  v.show_graph(body);
  for (const std::string& name : body.outputs) out.results.push_back(v.slot_of(name));
  v.close_scope();
  for (size_t i = first; i < layers.size(); ++i) out.layers.push_back(layers[i].get());
}

/// What enters a branch goes through a layer of the boundary, one for each tensor.
void add_inputs(OnnxView& v, Conditional* conditional, const Branch& branch,
                std::map<std::string, NetTensor*>& known) {
  std::set<const NetTensor*> made;
  for (const Layer* layer : branch.layers) {
    for (const auto& output : layer->outputs) made.insert(output.get());
  }
  for (Layer* layer : branch.layers) {
    if (layer->kind == LayerType::kCONDITIONAL_OUTPUT) continue;
    const std::vector<NetTensor*> before = layer->inputs;
    for (size_t i = 0; i < before.size(); ++i) {
      if (!before[i] || made.count(before[i]) > 0) continue;
      NetTensor*& inner = known[before[i]->name];
      if (!inner) {
        Layer* const input = static_cast<ConditionalInput*>(conditional->addInput(*before[i]));
        if (!input) throw NotShown();
        v.call(input, cat(before[i]->name, "_InputLayer").c_str());
        v.describe(input);
        inner = OnnxView::result(input);
        inner->name = v.count_tensor(cat(before[i]->name, "_InputLayer_output"));
      }
      layer->inputs[i] = inner;
    }
  }
}

void show_known(OnnxView& v, const Graph& body) {
  v.open_scope();
  v.show_graph(body);
  for (const std::string& name : body.outputs) v.out_of(name);
  v.close_scope();
}

void if_node(OnnxView& v) {
  const Graph &yes = v.graph("then_branch"), &no = v.graph("else_branch");
  if (yes.outputs.size() != no.outputs.size()) throw NotShown();
  std::vector<std::string>& stack = v.stack();
  stack.push_back(cat(v.shown_name(), " (If)"));
  if (const carnot::Tensor* const known = v.weights(0); known && known->elements() == 1) {
    return show_known(v, known->get_int(0) == 1 ? yes : no);  // and it stays in the stack
  }
  NetTensor* const condition = without_axes(v, v.in(0));
  auto* const conditional = static_cast<Conditional*>(v.network().addIfConditional());
  if (!conditional) throw NotShown();
  conditional->setName(v.shown_name().c_str());
  if (!conditional->setCondition(*condition)) throw NotShown();
  Branch branches[2];
  const Graph* const bodies[2] = {&yes, &no};
  const char* const which[2] = {"then_branch", "else_branch"};
  for (size_t i = 0; i < 2; ++i) {
    stack.push_back(described(which[i], *bodies[i]));
    show_branch(v, *bodies[i], branches[i]);
    stack.pop_back();
  }
  std::map<std::string, NetTensor*> known;
  for (size_t i = 0; i < 2; ++i) {
    stack.push_back(described(which[i], *bodies[i]));
    add_inputs(v, conditional, branches[i], known);
    stack.pop_back();
  }
  stack.pop_back();
  for (size_t i = 0; i < yes.outputs.size(); ++i) {
    // Weights that a branch gives become layers here, behind both branches.
    NetTensor* const first = v.tensor_of(yes.outputs[i], branches[0].results[i]);
    NetTensor* const second = v.tensor_of(no.outputs[i], branches[1].results[i]);
    auto* const layer = v.add<ConditionalOutput>(
        {first, second}, [&](ConditionalOutput& l) { l.conditional = conditional; });
    conditional->outputs.push_back(layer);
    v.call(layer, cat(conditional->name, "_OutputLayer").c_str());
    v.describe(layer);
    v.out(OnnxView::result(layer));
  }
}

constexpr OnnxRow kRows[] = {
    {"If", if_node},
    {"Loop", loop},
    {"Scan", scan},
};

}  // namespace

std::span<const OnnxRow> rows_of_control() {
  return kRows;
}

}  // namespace trt
