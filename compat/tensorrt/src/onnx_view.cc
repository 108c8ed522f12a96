#include "onnx_view.h"

#include <cmath>

#include "imported.h"
#include "imported_kinds.h"
#include "imported_parts.h"
#include "onnx_rows.h"
#include "own_weights.h"
#include "parser_plugins.h"

namespace trt {

namespace {

const OnnxRow* row_of(std::string_view op) {
  for (const auto rows : {rows_of_math(), rows_of_shapes(), rows_of_slices(), rows_of_windows(),
                          rows_of_reductions(), rows_of_indices(), rows_of_recurrences(),
                          rows_of_control(), rows_of_quantization(), rows_of_parts()}) {
    for (const OnnxRow& row : rows) {
      if (row.op == op) return &row;
    }
  }
  return nullptr;
}

}  // namespace

OnnxView::OnnxView(Network& into, const carnot::Network& model, const carnot::OnnxTrace& trace,
                   ParsedPlugins& plugins, const std::vector<std::string>& unnamed)
    : net_(into),
      model_(model),
      trace_(trace),
      plugins_(plugins),
      nodes_(model.nodes()),
      own_(std::make_unique<OwnWeights>(model, nodes_)),
      names_(model, nodes_, unnamed) {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (size_t k = 0; k < nodes_[i].outputs.size(); ++k) {
      const Handle h = nodes_[i].outputs[k];
      producers_.emplace(&model.type(h), Producer{i, k});
      if (!model.name(h).empty()) handles_.emplace(model.name(h), h);
    }
  }
}
OnnxView::~OnnxView() = default;

std::vector<NetTensor*> OnnxView::show() {
  for (const carnot::TensorSpec& output : model_.outputs()) names_.unique_tensor(output.name);
  for (const std::string& input : trace_.inputs) names_.unique_tensor(input);
  for (const Handle h : model_.input_handles()) {
    NetTensor* const tensor = input(model_.name(h), model_.type(h));
    imported_[&model_.type(h)] = slots_[model_.name(h)].tensor = tensor;
    handles_.emplace(model_.name(h), h);
  }
  std::unordered_set<std::string> computed;
  for (const Step& step : trace_.nodes) computed.insert(step.outputs.begin(), step.outputs.end());
  for (const auto& [name, value] : trace_.constants) {
    if (computed.count(name) == 0) define(name, {nullptr, &value, {}});
  }
  for (const Step& step : trace_.nodes) show_node(step);
  std::vector<NetTensor*> outputs;
  for (const Handle h : model_.output_handles()) outputs.push_back(tensor_of(h));
  const std::vector<carnot::TensorSpec> specs = model_.outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto slot = slots_.find(specs[i].name);
    if (slot != slots_.end() && slot->second.tensor) outputs[i] = slot->second.tensor;
  }
  return outputs;
}

/// Doubles come in as FP32, as TensorRT's interface has none; what the model computes with stays.
NetTensor* OnnxView::input(const std::string& name, const carnot::TensorType& type) {
  if (type.dtype != carnot::DType::kF64) return net_.new_input(name, type);
  carnot::op::Pointwise widen;
  widen.body.inputs = 1;
  widen.body.results = {widen.body.cast(0, type.dtype)};
  auto layer = std::make_unique<Imported>(net_, carnot::Network::Node{widen, {}, {}, {}, {}});
  layer->name = names_.unique("ONNXTRT_castHelper");
  layer->inputs = {net_.new_input(name, {carnot::DType::kF32, type.dims})};
  NetTensor* const out = net_.keep(std::move(layer), 1)->outputs[0].get();
  out->name = names_.unique_tensor(name);
  return out;
}

bool OnnxView::is_custom() const {
  return std::any_of(step_->outputs.begin(), step_->outputs.end(), [&](const std::string& name) {
    const Handle h = handle_of(name);
    const auto producer = h.valid() ? producers_.find(&model_.type(h)) : producers_.end();
    return producer != producers_.end() &&
           std::holds_alternative<carnot::op::Custom>(nodes_[producer->second.first].op);
  });
}

bool OnnxView::show_by_row() {
  const OnnxRow* const row = step_->domain.empty() ? row_of(step_->op_type) : nullptr;
  if (!row || is_custom()) return false;
  const LayerNames::State names = names_.state();
  const size_t first = net_.layers().size(), depth = scopes_.size(), stacked = stack_.size();
  const auto constants = constants_;
  results_.clear();
  try {
    row->show(*this);
    take_results();
    return true;
  } catch (const NotShown&) {
  } catch (const EmitFailure&) {
  }
  while (scopes_.size() > depth) close_scope();
  stack_.resize(stacked);
  names_.restore(names);
  constants_ = constants;
  net_.drop_layers(first);
  return false;
}

Handle OnnxView::handle_of(const std::string& name) const {
  if (!scopes_.empty()) return {};  // the import's bodies are networks of their own
  const auto alias = trace_.aliases.find(name);
  const auto found = handles_.find(alias == trace_.aliases.end() ? name : alias->second);
  return found == handles_.end() ? Handle{} : found->second;
}

void OnnxView::define(const std::string& name, Slot slot, bool renames) {
  const std::string unique = names_.unique_tensor(name);
  Layer* const layer = slot.tensor ? slot.tensor->producer : nullptr;
  const bool computed = layer && layer->kind != LayerType::kCONSTANT && is_fresh(layer);
  // NVIDIA's parser renames the model's own inputs too: callers know them by the model's names.
  if (slot.tensor && (computed || (renames && layer))) slot.tensor->name = unique;
  if (slot.weights && !scopes_.empty()) slot.called = unique;
  if (!scopes_.empty()) {
    const auto before = slots_.find(name);
    scopes_.back().emplace(name,
                           before == slots_.end() ? std::nullopt : std::optional(before->second));
  }
  slots_[name] = std::move(slot);
}

void OnnxView::close_scope() {
  for (auto& [name, before] : scopes_.back()) {
    if (before) {
      slots_[name] = std::move(*before);
    } else {
      slots_.erase(name);
    }
  }
  scopes_.pop_back();
}

OnnxView::Slot OnnxView::slot_of(const std::string& name) const {
  const auto slot = slots_.find(name);
  if (slot == slots_.end()) throw NotShown();
  return slot->second;
}

NetTensor* OnnxView::tensor_of(const std::string& name, const Slot& slot) {
  if (slot.tensor) return slot.tensor;
  if (!slot.weights || !data_type_of(slot.weights->dtype())) throw NotShown();
  return constant_of(slot.called.empty() ? name : slot.called, *slot.weights);
}

const carnot::OnnxTrace::Graph& OnnxView::graph(std::string_view name) const {
  for (const carnot::OnnxTrace::Graph& each : step_->graphs) {
    if (each.attribute == name) return each;
  }
  throw NotShown();
}

/// Nodes of a body are shown as others are, but for what they stand for.
void OnnxView::show_graph(const carnot::OnnxTrace::Graph& body) {
  struct Outer {
    OnnxView& view;
    const Step* step;
    std::vector<std::string> origin;
    std::vector<Slot> results;
    size_t first_layer;
    ~Outer() {
      view.step_ = step, view.first_layer_ = first_layer;
      view.origin_ = std::move(origin), view.results_ = std::move(results);
    }
  } const outer{*this, step_, origin_, results_, first_layer_};
  constexpr size_t kNestingMax = 24;  // as NVIDIA's parser has it
  if (scopes_.size() > kNestingMax) throw NotShown();
  for (const auto& [name, value] : body.initializers) define(name, {nullptr, &value, {}});
  for (const Step& step : body.nodes) show_node(step);
}

void OnnxView::show_node(const Step& step) {
  step_ = &step;
  origin_ = {cat(step.name.empty() && !step.outputs.empty() ? step.outputs[0] : step.name, " (",
                 step.op_type, ")")};
  first_layer_ = net_.layers().size();
  if (show_by_row()) return;
  if (scopes_.empty()) return show_as_imported();
  if (step.op_type != "Constant" || step.outputs.size() != 1) throw NotShown();
  define(step.outputs[0], {nullptr, constant_in_body(), {}});
}

const carnot::Tensor* OnnxView::constant_in_body() {
  if (const auto* const given = attribute("value")) {
    const auto* const tensor = std::get_if<carnot::Tensor>(given);
    if (!tensor) throw NotShown();
    return tensor;
  }
  count_weights();
  if (const auto* const given = attribute("value_int")) {
    const auto* const value = std::get_if<int64_t>(given);
    if (!value) throw NotShown();
    return &kept_.emplace_back(carnot::Tensor::from_i64({}, {*value}));
  }
  if (const auto values = ints("value_ints")) {
    const auto count = static_cast<int64_t>(values->size());
    return &kept_.emplace_back(carnot::Tensor::from_i64({count}, *values));
  }
  const bool one = attribute("value_float") != nullptr;
  const std::vector<double> values =
      one ? std::vector<double>{static_cast<double>(real("value_float", 0))}
          : reals("value_floats");
  if (values.empty()) throw NotShown();
  const carnot::Shape shape =
      one ? carnot::Shape() : carnot::Shape({static_cast<int64_t>(values.size())});
  carnot::Tensor& out = kept_.emplace_back(carnot::Tensor::zeros(DType::kF32, shape));
  for (size_t i = 0; i < values.size(); ++i) out.set(static_cast<int64_t>(i), values[i]);
  return &out;
}

void OnnxView::show_as_imported() {
  if (step_->op_type == "BatchNormalization" && weights(1)) {  // its scale and its shift
    for (int i = 0; i < 2; ++i) count_refittable();
  }
  // By the node's own names: a node before that changes nothing has a layer too.
  for (const std::string& name : step_->inputs) {
    const auto slot = name.empty() ? slots_.end() : slots_.find(name);
    const Handle h = slot == slots_.end() ? Handle{} : handle_of(name);
    if (h.valid() && slot->second.tensor) imported_[&model_.type(h)] = slot->second.tensor;
  }
  for (const std::string& name : step_->outputs) {
    if (name.empty()) continue;
    const auto constant = trace_.constants.find(name);
    if (constant != trace_.constants.end()) {
      if (!step_->attributes.empty()) count_weights();
      define(name, {nullptr, &constant->second, {}});
      continue;
    }
    const Handle h = handle_of(name);
    if (h.valid()) define(name, {tensor_of(h), nullptr, {}});
  }
}

NetTensor* OnnxView::tensor_of(Handle value) {
  const auto known = imported_.find(&model_.type(value));
  if (known != imported_.end()) return known->second;
  const std::string& name = model_.name(value);
  const auto slot = slots_.find(name);
  if (!name.empty() && slot != slots_.end() && slot->second.tensor) return slot->second.tensor;
  const size_t index = producers_.at(&model_.type(value)).first;
  if (is_constant(nodes_[index])) {
    const carnot::Tensor& tensor = std::get<carnot::op::Constant>(nodes_[index].op).value;
    return imported_[&model_.type(value)] = constant_of(name, tensor);
  }
  import_node(index);
  return imported_.at(&model_.type(value));
}

void OnnxView::import_node(size_t index) {
  carnot::Network::Node& whole = nodes_[index];
  carnot::Network::Node node{whole.op, whole.origin, whole.inputs, whole.outputs, {}};
  const std::vector<carnot::Tensor> own = own_->of(node);
  std::vector<NetTensor*> inputs;
  for (size_t k = 0; k < (own.empty() ? node.inputs.size() : 1); ++k) {
    inputs.push_back(tensor_of(node.inputs[k]));
  }
  raise_ranks(net_, model_, node, inputs, names_);
  // A shuffle's first name there: it is counted.
  if (std::holds_alternative<carnot::op::Reshape>(node.op)) names_.unique("ONNXTRT_ShapeShuffle");
  const std::string name = names_.of(node, index);
  Layer* layer = keep_in_parts(net_, node, inputs, name, names_);
  const std::vector<Handle> results = node.outputs, operands = node.inputs;
  if (!layer) {
    const std::string shown = names_.shown(node);
    std::vector<std::string> origin = node.origin;
    node.bodies = std::move(whole.bodies);  // nobody else looks at them
    layer = keep_layer(net_, model_, std::move(node), own, plugins_);
    if (!name.empty()) layer->name = name;
    if (!name.empty()) layer->metadata = cat("[ONNX Layer: ", shown, "]");
    layer->origin = std::move(origin);
    layer->inputs = std::move(inputs);
    ParsedPlugins::arrange(*layer);
    const auto mode = step_ ? same_padding(text("auto_pad", "NOTSET")) : std::nullopt;
    if (mode) show_padding(*layer, *mode);
  }
  for (size_t k = 0; k < own.size(); ++k) {
    const std::string& initializer = model_.name(operands[k + 1]);
    const Weights kept{DataType::kFLOAT, own[k].data(), own[k].elements()};
    if (!initializer.empty()) net_.setWeightsName(kept, initializer.c_str());
  }
  for (size_t k = 0; k < results.size(); ++k) {
    NetTensor* const t = layer->outputs[k].get();
    if (!model_.name(results[k]).empty()) t->name = model_.name(results[k]);
    imported_[&model_.type(results[k])] = t;
  }
}

NetTensor* OnnxView::constant_of(const std::string& name, const carnot::Tensor& value) {
  const auto known = constants_.find(name);
  if (known != constants_.end()) return known->second;
  NetTensor* const tensor = plain_constant(OwnWeights::written_out(value));
  if (name.empty() || value.elements() == 0) return tensor;
  auto* const layer = static_cast<Constant*>(tensor->producer);
  call(layer, name.c_str());
  layer->origin.clear();
  net_.setWeightsName(layer->weights, name.c_str());
  return constants_[name] = tensor;
}

const carnot::Tensor* OnnxView::weights(size_t i) const {
  if (!has(i)) return nullptr;
  const auto slot = slots_.find(step_->inputs[i]);
  if (slot == slots_.end()) throw NotShown();
  return slot->second.tensor ? nullptr : slot->second.weights;
}

Ints OnnxView::known_ints(size_t i) const {
  const carnot::Tensor* const w = weights(i);
  if (!w || carnot::is_float(w->dtype()) || w->dtype() == DType::kBool || w->elements() > 4096) {
    throw NotShown();
  }
  auto ints = w->dense();
  if (!ints.ok()) throw NotShown();
  Ints out;
  for (int64_t k = 0; k < ints->elements(); ++k) out.push_back(ints->get_int(k));
  return out;
}

NetTensor* OnnxView::in(size_t i) {
  if (!has(i)) throw NotShown();
  return value_of(step_->inputs[i]);
}

Dims OnnxView::dims(size_t i) {
  const carnot::Tensor* const w = weights(i);
  return w ? dims_of(w->shape()) : dims(in(i));
}

DataType OnnxView::type(size_t i) {
  const carnot::Tensor* const w = weights(i);
  if (!w) return type(in(i));
  const auto type = data_type_of(w->dtype());
  if (!type) throw NotShown();
  return *type;
}

const carnot::OnnxAttribute* OnnxView::attribute(std::string_view name) const {
  for (const auto& [key, value] : step_->attributes) {
    if (key == name) return &value;
  }
  return nullptr;
}

namespace {

template <class T>
const T* attribute_as(const carnot::OnnxAttribute* given) {
  if (given && !std::holds_alternative<T>(*given)) throw NotShown();
  return given ? std::get_if<T>(given) : nullptr;
}

}  // namespace

int64_t OnnxView::integer(std::string_view name, int64_t otherwise) const {
  const auto* const value = attribute_as<int64_t>(attribute(name));
  return value ? *value : otherwise;
}
float OnnxView::real(std::string_view name, float otherwise) const {
  const auto* const value = attribute_as<double>(attribute(name));
  return value ? static_cast<float>(*value) : otherwise;
}
std::string OnnxView::text(std::string_view name, const char* otherwise) const {
  const auto* const value = attribute_as<std::string>(attribute(name));
  return value ? *value : otherwise;
}
std::vector<double> OnnxView::reals(std::string_view name) const {
  const auto* const value = attribute_as<std::vector<double>>(attribute(name));
  return value ? *value : std::vector<double>();
}
std::vector<std::string> OnnxView::texts(std::string_view name) const {
  const auto* const value = attribute_as<std::vector<std::string>>(attribute(name));
  return value ? *value : std::vector<std::string>();
}
std::optional<Ints> OnnxView::ints(std::string_view name) const {
  const auto* const value = attribute_as<Ints>(attribute(name));
  return value ? std::optional(*value) : std::nullopt;
}

int32_t OnnxView::axis(int64_t value, int32_t rank) const {
  if (value < 0) value += rank;
  if (value < 0 || value > rank) throw NotShown();
  return static_cast<int32_t>(value);
}

std::string OnnxView::shown_name() const {
  const bool unnamed = step_->name.empty() && !step_->outputs.empty();
  return unnamed ? cat("node_of_", step_->outputs[0]) : step_->name;
}

void OnnxView::describe(Layer* layer) const {
  constexpr size_t kTextMax = 4000;  // as NVIDIA's parser has it
  std::string text = cat("[ONNX Layer: ", shown_name());
  for (size_t i = stack_.size(); i-- > 0;) text += cat(" | ", stack_[i]);
  text += "]";
  if (text.size() > kTextMax) {
    text = cat(text.substr(0, kTextMax / 2), " ... ", text.substr(text.size() - kTextMax / 2));
  }
  layer->metadata = std::move(text);
}

void OnnxView::call(Layer* layer) {
  layer->name = names_.unique(shown_name());
  if (layer->kind != LayerType::kCONSTANT) describe(layer);
}

NetTensor* OnnxView::constant(carnot::Tensor value) {
  count_weights();
  return plain_constant(std::move(value));
}

NetTensor* OnnxView::named_weights(carnot::Tensor value) {
  const std::string name = count_weights();
  NetTensor* const out = plain_constant(std::move(value));
  call(out->producer, name.c_str());
  return out;
}

NetTensor* OnnxView::plain_constant(carnot::Tensor value) {
  auto layer = std::make_unique<Constant>(net_);
  layer->set_value(std::move(value));
  return result(net_.keep(std::move(layer), 1));
}

NetTensor* OnnxView::scalar(DataType type, double value, int32_t rank) {
  carnot::Tensor t =
      carnot::Tensor::zeros(*dtype_of(type), carnot::Shape(static_cast<size_t>(rank), 1));
  if (carnot::is_float(t.dtype())) {
    t.set(0, value);
  } else {
    t.set_int(0, static_cast<int64_t>(value));
  }
  return constant(std::move(t));
}

NetTensor* OnnxView::cast(NetTensor* x, DataType to) {
  Cast* const layer = add<Cast>({x}, [&](Cast& l) { l.to = to; });
  call(layer, "ONNXTRT_castHelper");
  return result(layer);
}

NetTensor* OnnxView::identity(NetTensor* x) {
  Layer* const layer = add<Identity>({x});
  call(layer, "ONNXTRT_identity");
  return result(layer);
}

NetTensor* OnnxView::binary(NetTensor* a, NetTensor* b, ElementWiseOperation operation) {
  return result(add<ElementWise>({a, b}, [&](ElementWise& l) { l.operation = operation; }));
}

NetTensor* OnnxView::unary(NetTensor* x, UnaryOperation operation) {
  return result(add<Unary>({x}, [&](Unary& l) { l.operation = operation; }));
}

DataType OnnxView::type(const NetTensor* tensor) {
  const auto type = data_type_of(known_type(tensor).dtype);
  if (!type) throw NotShown();
  return *type;
}

const carnot::TensorType& OnnxView::known_type(const NetTensor* tensor) {
  const carnot::Result<Handle> value = net_.probe(*tensor);
  if (!value.ok()) throw NotShown();
  return net_.probed().net.type(*value);
}

}  // namespace trt
