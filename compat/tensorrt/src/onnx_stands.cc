// What the layers of a node stand for: the operations that Carnot's import made of it.
#include "imported_parts.h"
#include "onnx_view.h"
#include "stand_in.h"

namespace trt {

/// Operations in the making. Values are counted: operands, then results of steps.
struct OnnxView::Standing {
  struct Step {
    size_t node = 0;                              ///< of the model's
    std::vector<std::pair<bool, size_t>> inputs;  ///< true: a result
  };
  std::vector<NetTensor*> tensors;       ///< operands; null where `own` has the value
  std::map<size_t, carnot::Tensor> own;  ///< operands that are no layers, by their places
  std::vector<Step> steps;
  std::unordered_map<const void*, size_t> operands, results;  ///< by what handles stand for
  size_t results_count = 0;
  bool plain = true;  ///< each step has one result and no bodies

  std::vector<size_t> inputs_of(const Step& step) const {
    std::vector<size_t> out;
    for (const auto& [is_result, at] : step.inputs) {
      out.push_back(is_result ? tensors.size() + at : at);
    }
    return out;
  }
};

namespace {

/// What a control operation had inside is gone once its layers stand for it.
bool is_taken(const carnot::Network::Node& node) {
  namespace op = carnot::op;
  const bool has_bodies = std::holds_alternative<op::If>(node.op) ||
                          std::holds_alternative<op::Loop>(node.op) ||
                          std::holds_alternative<op::Scan>(node.op);
  return has_bodies && node.bodies.empty();
}

/// Whether branches give results of the same types and ranks.
bool agree(const std::vector<carnot::Network>& bodies) {
  for (size_t k = 1; k < bodies.size(); ++k) {
    const std::vector<Handle> a = bodies[0].output_handles(), b = bodies[k].output_handles();
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i) {
      const carnot::TensorType &one = bodies[0].type(a[i]), &other = bodies[k].type(b[i]);
      if (one.dtype != other.dtype || one.rank() != other.rank()) return false;
    }
  }
  return true;
}

}  // namespace

bool OnnxView::take_operand(Handle value, Standing& into,
                            std::vector<std::pair<bool, size_t>>& inputs) const {
  const void* const key = &model_.type(value);
  const std::string& name = model_.name(value);
  const auto from = producers_.find(key);
  const bool constant = from != producers_.end() && is_constant(nodes_[from->second.first]);
  const auto slot = name.empty() || constant ? slots_.end() : slots_.find(name);
  if (!constant && slot == slots_.end()) {
    if (into.results.count(key) == 0 && !take_operations(value, into)) return false;
    inputs.emplace_back(true, into.results.at(key));
    return true;
  }
  const auto [at, fresh] = into.operands.emplace(key, into.tensors.size());
  inputs.emplace_back(false, at->second);
  if (!fresh) return true;
  const auto layer = name.empty() ? constants_.end() : constants_.find(name);
  NetTensor* const tensor = !constant                   ? slot->second.tensor
                            : layer != constants_.end() ? layer->second
                                                        : nullptr;
  if (!constant && !tensor) return false;
  if (!tensor) {
    const auto& whole = std::get<carnot::op::Constant>(nodes_[from->second.first].op).value;
    into.own.emplace(at->second, whole);
  }
  into.tensors.push_back(tensor);
  return true;
}

/// The operations that give this value, back to values that the model has names for.
bool OnnxView::take_operations(Handle value, Standing& into) const {
  constexpr size_t kStepsMax = 64;  // no operator's import has more that are worth it
  if (into.results.count(&model_.type(value)) > 0) return true;
  const auto producer = producers_.find(&model_.type(value));
  if (producer == producers_.end() || into.steps.size() >= kStepsMax) return false;
  const size_t index = producer->second.first;
  const carnot::Network::Node& node = nodes_[index];
  if (is_constant(node) || std::holds_alternative<carnot::op::Custom>(node.op)) return false;
  if (is_taken(node) || !agree(node.bodies)) return false;
  if (node.outputs.size() != 1 || !node.bodies.empty()) into.plain = false;
  Standing::Step step{index, {}};
  for (const Handle h : node.inputs) {
    if (!take_operand(h, into, step.inputs)) return false;
  }
  for (const Handle h : node.outputs) {
    into.results.emplace(&model_.type(h), into.results_count++);
  }
  into.steps.push_back(std::move(step));
  return true;
}

/// Nothing where there is more to it than one result.
std::optional<Stand> OnnxView::stand_of(Handle value) const {
  Standing made;
  if (!take_operations(value, made) || !made.plain) return std::nullopt;
  Stand out;
  for (const Standing::Step& step : made.steps) {
    out.steps.push_back({nodes_[step.node].op, made.inputs_of(step)});
  }
  out.tensors = std::move(made.tensors);
  out.own = std::move(made.own);
  return out;
}

bool OnnxView::is_fresh(const Layer* layer) const {
  const auto& layers = net_.layers();
  return layer && std::any_of(layers.begin() + static_cast<ptrdiff_t>(first_layer_), layers.end(),
                              [&](const auto& each) { return each.get() == layer; });
}

/// All results of the node by one group of operations; false where they are not such.
bool OnnxView::stand_in_for_all() {
  Standing made;
  std::vector<std::pair<NetTensor*, Handle>> results;
  for (size_t i = 0; i < outputs(); ++i) {
    const Handle h = step_->outputs[i].empty() ? Handle{} : handle_of(step_->outputs[i]);
    if (!h.valid()) continue;
    NetTensor* const tensor = results_[i].tensor;
    if (!tensor || !is_fresh(tensor->producer) || !take_operations(h, made)) return false;
    if (!dynamic_cast<CanStand*>(tensor->producer)) return false;
    results.emplace_back(tensor, h);
  }
  if (results.empty()) return false;
  auto group = std::make_unique<StandIn>();
  for (const Standing::Step& step : made.steps) {
    carnot::Network::Node& node = nodes_[step.node];
    StandIn::Step& out = group->steps.emplace_back();
    out.inputs = made.inputs_of(step);
    out.operation = node.op;
    if (node.bodies.empty()) continue;
    // Nobody else looks at the bodies.
    out.whole = make_imported(
        net_, {node.op, node.origin, node.inputs, node.outputs, std::move(node.bodies)}, plugins_);
  }
  for (const auto& [tensor, h] : results) {
    group->results.emplace_back(tensor, made.tensors.size() + made.results.at(&model_.type(h)));
  }
  group->tensors = std::move(made.tensors);
  group->own = std::move(made.own);
  group->origin = origin_;
  for (size_t k = first_layer_; k < net_.layers().size(); ++k) {
    group->covered.push_back(net_.layers()[k].get());
  }
  StandIn* const whole = group.get();
  for (const auto& result : results) {
    dynamic_cast<CanStand&>(*result.first->producer).stand(whole, std::move(group));
  }
  return true;
}

/// The operations that give one result; false where they are not such.
bool OnnxView::stand_for(NetTensor* tensor, Handle value) {
  Layer* const layer = tensor->producer;
  const bool alone = is_fresh(layer) && layer->outputs.size() == 1;
  auto* const stands = alone ? dynamic_cast<CanStand*>(layer) : nullptr;
  std::optional<Stand> stand = stands ? stand_of(value) : std::nullopt;
  if (!stand) return false;
  for (size_t k = first_layer_; k < net_.layers().size(); ++k) {
    const Layer* const other = net_.layers()[k].get();
    if (other != layer) stand->covered.push_back(other);
  }
  stand->inputs = layer->inputs;
  stands->stand(std::move(*stand));
  return true;
}

/// Whether a conditional's two values have one type, so that it can compute what it shows.
bool OnnxView::can_choose(NetTensor* tensor) {
  const Layer* const layer = tensor->producer;
  if (!layer || layer->kind != LayerType::kCONDITIONAL_OUTPUT) return true;
  const carnot::TensorType yes = known_type(layer->inputs[0]), no = known_type(layer->inputs[1]);
  return yes.dtype == no.dtype && yes.dims == no.dims;
}

/// Its results have the types that Carnot's import gave them: later operations count on that.
void OnnxView::take_results() {
  if (results_.size() < outputs()) throw NotShown();
  const auto is_branched = [&](const std::string& name) {
    const Handle h = name.empty() ? Handle{} : handle_of(name);
    const auto from = h.valid() ? producers_.find(&model_.type(h)) : producers_.end();
    return from != producers_.end() &&
           std::holds_alternative<carnot::op::If>(nodes_[from->second.first].op);
  };
  const std::vector<std::string>& names = step_->outputs;
  bool grouped = false, tried = false;
  if (step_->op_type == "If" && std::any_of(names.begin(), names.end(), is_branched)) {
    if (weights(0) || !stand_in_for_all()) throw NotShown();  // a choice that the import kept
    grouped = true;
  }
  for (size_t i = 0; i < outputs() && !grouped; ++i) {
    const std::string& name = step_->outputs[i];
    NetTensor* const tensor = results_[i].tensor;
    if (name.empty() || !tensor) continue;
    const Handle h = handle_of(name);
    if (!h.valid()) {
      if (scopes_.empty()) known_type(tensor);
      continue;
    }
    if (stand_for(tensor, h)) continue;
    if (!tried && is_fresh(tensor->producer)) grouped = stand_in_for_all();
    tried = true;
    if (grouped) break;
    const carnot::TensorType &is = known_type(tensor), &should = model_.type(h);
    if (is.dtype != should.dtype || is.dims != should.dims) throw NotShown();
    if (!can_choose(tensor)) throw NotShown();
  }
  for (size_t i = 0; i < outputs(); ++i) {
    if (!step_->outputs[i].empty()) define(step_->outputs[i], results_[i]);
  }
}

}  // namespace trt
