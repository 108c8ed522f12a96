// If, Loop and Scan.
#include <algorithm>
#include <limits>

#include "base/log.h"
#include "base/text.h"
#include "onnx/import_table.h"
#include "onnx/session.h"

namespace carnot::onnx {

namespace {

/// Symbols that a node's results may keep: those of the values that go in. Others live inside.
class Visible {
 public:
  void add(const Value* value) {
    for (const Dim& dim : value->type().dims) dim.collect_symbols(names_);
    for (const Dim& dim : value->info.elements.value_or(Dims{})) dim.collect_symbols(names_);
  }
  bool covers(const Dim& dim) const {
    std::vector<std::string> used;
    dim.collect_symbols(used);
    return std::all_of(used.begin(), used.end(), [&](const std::string& name) {
      return std::find(names_.begin(), names_.end(), name) != names_.end();
    });
  }

 private:
  std::vector<std::string> names_;
};

Values values_of(NodeImport& n, const std::vector<std::string_view>& names) {
  Values out;
  for (const std::string_view name : names) {
    out.push_back(n.session().resolve(n.scope(), name, n.origin()));
  }
  return out;
}

void inline_branch(NodeImport& n, const GraphProto& branch) {
  Scope scope = n.scope().nested();
  if (scope.regions >= Graph::kMaxNesting) {
    n.unsupported("bodies are nested deeper than ", Graph::kMaxNesting);
  }
  const Values outputs = n.session().import_body(scope, branch);
  if (outputs.size() != n.output_count()) {
    n.invalid("has ", n.output_count(), " outputs, its branch ", outputs.size());
  }
  for (size_t i = 0; i < outputs.size(); ++i) n.out(i, outputs[i]);
}

/// A type for results of both branches; sizes that differ, or live inside, become new symbols.
TensorType common_type(NodeImport& n, const TensorType& a, const TensorType& b,
                       const Visible& visible) {
  if (a.dtype != b.dtype) {
    n.invalid("its branches give ", to_string(a), " and ", to_string(b));
  }
  CARNOT_CHECK(a.rank() == b.rank());
  TensorType out = a;
  for (size_t i = 0; i < out.dims.size(); ++i) {
    if (!(a.dims[i] == b.dims[i]) || !visible.covers(a.dims[i])) {
      out.dims[i] = n.fresh_symbol(n.hint());
    }
  }
  return out;
}

/// The branch, or nothing and the reason where the shapes that the caller gave rule it out.
std::optional<Region> try_branch(NodeImport& n, const GraphProto& branch,
                                 const std::vector<std::string_view>& captures,
                                 std::string& reason) {
  try {
    return n.session().import_region(n, branch, {}, captures);
  } catch (const ImportFailure& failure) {
    const Code code = failure.status.code();
    const bool shapes = code == Code::kInvalidModel || code == Code::kUnsupported;
    if (!shapes || !n.session().has_given_shapes()) throw;
    reason = failure.status.message();
    return std::nullopt;
  }
}

/// Stands in for a branch that cannot run: taking it is an error of the run, by a gather beyond its
/// operand. Its results have the other branch's types.
Region failing_branch(NodeImport& n, const Graph& other, const Values& captured,
                      const Visible& visible, const std::string& reason) {
  log_warning("node ", quote(describe(n.node())), ": a branch cannot run: ", reason);
  Region out{std::make_unique<Graph>(), std::make_unique<KnownValues>()};
  out.graph->name = "cannot_run";
  for (const Value* const value : captured) out.graph->add_input("", value->type());
  Emit e(*out.graph, *out.known, n.session().fresh(), {describe(n.node()) + ": " + reason});
  Value* const nothing = e.gather(e.vector_i64({0}), e.scalar_i64(1), 0);
  Values results;
  for (const Value* const value : other.outputs()) {
    Dims dims = value->type().dims;
    for (Dim& dim : dims) dim = visible.covers(dim) ? dim : Dim(1);
    results.push_back(e.make(op::Expand{dims}, {e.cast(nothing, value->type().dtype)}));
  }
  out.graph->set_outputs(results);
  return out;
}

/// Where results differ in rank (a squeeze of an axis that is mostly of size 1), the branch that is
/// not expected to run: the one whose result has more axes. 0 or 1, or -1 where all agree.
int unlikely_branch(const Graph& yes, const Graph& no, std::string& reason) {
  const size_t count = yes.outputs().size();
  for (size_t i = 0; i < count && count == no.outputs().size(); ++i) {
    const TensorType &a = yes.outputs()[i]->type(), &b = no.outputs()[i]->type();
    if (a.rank() == b.rank()) continue;
    reason = cat("its branches give different ranks, ", to_string(a), " and ", to_string(b),
                 "; the lower is assumed: pin the input shapes, so that the condition is known");
    return a.rank() > b.rank() ? 0 : 1;
  }
  return -1;
}

void import_if(NodeImport& n) {
  const GraphProto& yes = n.subgraph("then_branch");
  const GraphProto& no = n.subgraph("else_branch");
  Value* const condition = n.reshape(n.in(0), {});
  if (const Tensor* const known = n.known(condition); known && known->elements() == 1) {
    return inline_branch(n, known->get_int(0) ? yes : no);
  }
  const std::vector<std::string_view> captures = n.session().captured_names(n, {&yes, &no});
  const Values captured = values_of(n, captures);
  Visible visible;
  for (const Value* const value : captured) visible.add(value);
  std::string reason;
  std::optional<Region> first = try_branch(n, yes, captures, reason);
  std::optional<Region> second = try_branch(n, no, captures, reason);
  if (!first && !second) n.invalid("neither branch can run with the shapes given: ", reason);
  if (!first) first = failing_branch(n, *second->graph, captured, visible, reason);
  if (!second) second = failing_branch(n, *first->graph, captured, visible, reason);
  Region &a = *first, &b = *second;
  if (const int unlikely = unlikely_branch(*a.graph, *b.graph, reason); unlikely >= 0) {
    Region& assumed = unlikely == 0 ? b : a;
    (unlikely == 0 ? a : b) = failing_branch(n, *assumed.graph, captured, visible, reason);
  }
  const auto count = a.graph->outputs().size();
  if (count != b.graph->outputs().size() || count != n.output_count()) {
    n.invalid("its branches have ", count, " and ", b.graph->outputs().size(),
              " outputs, the node ", n.output_count());
  }
  op::If op;
  for (size_t i = 0; i < count; ++i) {
    op.types.push_back(
        common_type(n, a.graph->outputs()[i]->type(), b.graph->outputs()[i]->type(), visible));
  }
  Values operands = {condition};
  operands.insert(operands.end(), captured.begin(), captured.end());
  std::vector<std::unique_ptr<Graph>> regions;
  regions.push_back(std::move(a.graph));
  regions.push_back(std::move(b.graph));
  Node* const node = n.add(std::move(op), operands, std::move(regions));
  for (size_t i = 0; i < count; ++i) n.out(i, node->outputs[i]);
}

/// A loop's body, with the types that what it carries has in every iteration.
struct CarriedBody {
  Region region;
  std::vector<TensorType> carried;
  std::vector<std::vector<bool>> changes;  ///< per carried value and axis: the size may change
};

/// The body's inputs are `before`, what is carried, `after`, captures; its outputs are `results`
/// others, then what is carried. A size that changes from iteration to iteration becomes a symbol
/// of the body, and the body is imported again.
CarriedBody import_carried(NodeImport& n, const GraphProto& body,
                           const std::vector<TensorType>& before, const Values& initial,
                           const std::vector<TensorType>& after, size_t results,
                           const std::vector<std::string_view>& captures) {
  CarriedBody out;
  for (const Value* const value : initial) {
    out.carried.push_back(value->type());
    out.changes.emplace_back(value->type().dims.size(), false);
  }
  for (bool again = false;; again = true) {
    std::vector<TensorType> inputs = before;
    inputs.insert(inputs.end(), out.carried.begin(), out.carried.end());
    inputs.insert(inputs.end(), after.begin(), after.end());
    const int64_t nodes = n.session().nodes();
    out.region = n.session().import_region(n, body, inputs, captures);
    if (again) n.session().charge_repeated(n.session().nodes() - nodes);
    const auto& outputs = out.region.graph->outputs();
    if (outputs.size() < results + initial.size()) {
      n.invalid("its body has ", outputs.size(), " outputs, at least ", results + initial.size(),
                " are needed");
    }
    bool changed = false;
    for (size_t i = 0; i < initial.size(); ++i) {
      const TensorType& now = outputs[results + i]->type();
      TensorType& type = out.carried[i];
      if (now.dtype != type.dtype || now.rank() != type.rank()) {
        n.unsupported("the carried value ", i, " begins as ", to_string(type), " and becomes ",
                      to_string(now), "; its type and rank must stay");
      }
      for (size_t axis = 0; axis < type.dims.size(); ++axis) {
        if (out.changes[i][axis] || type.dims[axis] == now.dims[axis]) continue;
        type.dims[axis] = n.fresh_symbol(n.hint());
        out.changes[i][axis] = changed = true;
      }
    }
    // Each round frees at least one size, so this ends.
    if (!changed) return out;
  }
}

/// Result types of what is carried: sizes that change are new symbols outside too.
std::vector<TensorType> carried_results(NodeImport& n, const CarriedBody& body) {
  std::vector<TensorType> out = body.carried;
  for (size_t i = 0; i < out.size(); ++i) {
    for (size_t axis = 0; axis < out[i].dims.size(); ++axis) {
      if (body.changes[i][axis]) out[i].dims[axis] = n.fresh_symbol(n.hint());
    }
  }
  return out;
}

/// The type of a scan output: one more axis than an iteration gives.
TensorType stacked(NodeImport& n, TensorType element, int64_t axis, const Dim& length,
                   const Visible& visible) {
  for (Dim& dim : element.dims) {
    if (!visible.covers(dim)) dim = n.fresh_symbol(n.hint());
  }
  element.dims.insert(element.dims.begin() + axis, length);
  return element;
}

/// A body's own idea of a one-element input: some say [1] where others say [].
TensorType single(const GraphProto& body, size_t index, DType dtype) {
  const bool vector = index < body.inputs.size() && body.inputs[index].type.has_shape &&
                      body.inputs[index].type.shape.size() == 1;
  return {dtype, vector ? Dims{1} : Dims{}};
}

void finish(NodeImport& n, Op op, const Values& operands, Region region) {
  std::vector<std::unique_ptr<Graph>> regions;
  regions.push_back(std::move(region.graph));
  Node* const node = n.add(std::move(op), operands, std::move(regions));
  if (n.output_count() > node->outputs.size()) {
    n.invalid("has ", n.output_count(), " outputs, its body gives ", node->outputs.size());
  }
  for (size_t i = 0; i < node->outputs.size(); ++i) n.out(i, node->outputs[i]);
}

void loop(NodeImport& n) {
  const GraphProto& body = n.subgraph("body");
  Tensor always = Tensor::zeros(DType::kBool, {});
  always.set_int(0, 1);
  Value* const trips =
      n.has_input(0) ? n.reshape(n.in(0), {}) : n.scalar_i64(std::numeric_limits<int64_t>::max());
  Value* const condition = n.has_input(1) ? n.reshape(n.in(1), {}) : n.constant(always);
  Values operands = {trips, condition}, initial;
  Visible visible;
  for (size_t i = 2; i < n.input_count(); ++i) {
    initial.push_back(n.in(i));
    visible.add(initial.back());
  }
  operands.insert(operands.end(), initial.begin(), initial.end());
  const std::vector<std::string_view> captures = n.session().captured_names(n, {&body});
  for (Value* const value : values_of(n, captures)) {
    operands.push_back(value);
    visible.add(value);
  }
  CarriedBody carried =
      import_carried(n, body, {single(body, 0, DType::kI64), single(body, 1, DType::kBool)},
                     initial, {}, 1, captures);
  op::Loop op;
  op.carried = static_cast<int64_t>(initial.size());
  op.types = carried_results(n, carried);
  const auto& outputs = carried.region.graph->outputs();
  if (outputs[0]->type().dtype != DType::kBool) n.invalid("its body's condition is not bool");
  const Dim length = n.fresh_symbol(n.hint());
  for (size_t i = 1 + initial.size(); i < outputs.size(); ++i) {
    op.types.push_back(stacked(n, outputs[i]->type(), 0, length, visible));
  }
  finish(n, std::move(op), operands, std::move(carried.region));
}

std::vector<int64_t> scan_list(NodeImport& n, const char* name, size_t count) {
  std::vector<int64_t> out = n.integers(name);
  if (out.empty()) out.assign(count, 0);
  if (out.size() != count)
    n.invalid("the attribute ", quote(name), " has ", out.size(), " entries");
  return out;
}

std::vector<int64_t> scan_directions(NodeImport& n, const char* name, size_t count) {
  std::vector<int64_t> out = scan_list(n, name, count);
  for (const int64_t direction : out) {
    if (direction != 0 && direction != 1) n.invalid(quote(name), " has a ", direction);
  }
  return out;
}

void scan(NodeImport& n) {
  const GraphProto& body = n.subgraph("body");
  const int64_t count = n.integer("num_scan_inputs");
  const Values inputs = n.all_inputs();
  if (count < 1 || count > static_cast<int64_t>(inputs.size())) {
    n.invalid("num_scan_inputs is ", count, " for ", inputs.size(), " inputs");
  }
  const auto scanned = static_cast<size_t>(count);
  const size_t states = inputs.size() - scanned;
  if (body.outputs.size() < states) n.invalid("its body has too few outputs");
  op::Scan op;
  op.states = static_cast<int64_t>(states);
  op.scanned = count;
  op.input_axes = scan_list(n, "scan_input_axes", scanned);
  op.input_reversed = scan_directions(n, "scan_input_directions", scanned);
  op.output_axes = scan_list(n, "scan_output_axes", body.outputs.size() - states);
  op.output_reversed = scan_directions(n, "scan_output_directions", body.outputs.size() - states);
  Visible visible;
  for (const Value* const value : inputs) visible.add(value);
  std::vector<TensorType> elements;
  Dim length;
  for (size_t i = 0; i < scanned; ++i) {
    TensorType type = inputs[states + i]->type();
    int64_t& axis = op.input_axes[i];
    axis = n.axis(axis, type.rank());
    length = type.dims[static_cast<size_t>(axis)];
    type.dims.erase(type.dims.begin() + axis);
    elements.push_back(std::move(type));
  }
  Values operands = inputs;
  const std::vector<std::string_view> captures = n.session().captured_names(n, {&body});
  for (Value* const value : values_of(n, captures)) {
    operands.push_back(value);
    visible.add(value);
  }
  const Values initial(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(states));
  CarriedBody carried = import_carried(n, body, {}, initial, elements, 0, captures);
  op.types = carried_results(n, carried);
  const auto& outputs = carried.region.graph->outputs();
  for (size_t i = states; i < outputs.size(); ++i) {
    const TensorType& element = outputs[i]->type();
    int64_t& axis = op.output_axes[i - states];
    axis = n.axis(axis, element.rank() + 1);
    op.types.push_back(stacked(n, element, axis, length, visible));
  }
  finish(n, std::move(op), operands, std::move(carried.region));
}

constexpr ImportRow kRows[] = {
    {"If", 1, kNewest, 1, 1, kAny, import_if},
    {"Loop", 1, kNewest, 2, kAny, kAny, loop},
    {"Scan", 9, kNewest, 1, kAny, kAny, scan},
};

}  // namespace

std::span<const ImportRow> control_rows() {
  return kRows;
}

}  // namespace carnot::onnx
