#include "network.h"

#include <cstring>
#include <unordered_set>

#include "control.h"
#include "layers_language.h"
#include "plan_facts.h"

namespace trt {

Network::Network(IBuilder& builder, const Reporter& reporter, NetworkDefinitionCreationFlags flags)
    : builder_(builder), reporter_(reporter), flags_(flags) {
  mImpl = this;
  probe_ = std::make_unique<Scope>(fresh_);
  probe_->probing = true;
}
Network::~Network() noexcept = default;

void Network::name_layer(Layer& layer, int outputs) {
  layer.name = cat("(Unnamed Layer* ", layers_.size(), ") [", layer.kind_name(), "]");
  layer.add_outputs(outputs);
}

NetTensor* Network::new_input(std::string name, carnot::TensorType type) {
  inputs_.push_back(std::make_unique<NetTensor>(*this, nullptr, 0));
  inputs_.back()->name = std::move(name);
  inputs_.back()->type = std::move(type);
  for (size_t i = 0; i < inputs_.back()->type.dims.size(); ++i) {
    const auto symbol = inputs_.back()->type.dims[i].as_symbol();
    if (symbol) inputs_.back()->keep_dimension_name(static_cast<int32_t>(i), *symbol);
  }
  changed();
  return inputs_.back().get();
}

void Network::resize_input(NetTensor& input, const Dims& dims) {
  carnot::Dims sizes;
  for (int32_t i = 0; i < dims.nbDims; ++i) {
    const auto at = static_cast<size_t>(i);
    const bool had = at < input.type.dims.size();
    if (dims.d[i] >= 0) {
      const auto symbol = had ? input.type.dims[at].as_symbol() : std::nullopt;
      if (symbol) pinned_.insert_or_assign(*symbol, carnot::Dim(dims.d[i]));
      sizes.emplace_back(dims.d[i]);
    } else if (had && !input.type.dims[at].is_constant()) {
      sizes.push_back(input.type.dims[at]);
    } else {
      sizes.push_back(carnot::Dim::symbol(cat("trt.", input.name, ".", i)));
    }
  }
  input.type.dims = std::move(sizes);
  // Other inputs that share the size have it now.
  for (const auto& other : inputs_) {
    for (carnot::Dim& d : other->type.dims) d = substitute(d, pinned_);
  }
  changed();
}

void Network::name_size(NetTensor& input, int32_t axis, const char* name) {
  const auto at = static_cast<size_t>(axis);
  if (at >= input.type.dims.size() || input.type.dims[at].is_constant()) return;
  // "?" and "-1" are what exporters write for sizes that have no name.
  if (std::none_of(name, name + std::strlen(name), [](unsigned char c) { return isalpha(c); })) {
    return;
  }
  std::string text = "trt.named.";
  for (const char* c = name; *c; ++c) text += isalnum(static_cast<unsigned char>(*c)) ? *c : '_';
  const auto symbol = input.type.dims[at].as_symbol();
  if (symbol) pinned_.insert_or_assign(*symbol, carnot::Dim::symbol(text));
  input.type.dims[at] = carnot::Dim::symbol(text);
  changed();
}

// Through layers that compute with its values: an IShapeLayer's result does not follow from them.
// Conditions are no sizes: profiles have no values for them, and programs keep them on the device.
bool Network::feeds_a_shape(const NetTensor& input) const {
  const carnot::TensorType& type = input.type;
  if (type.rank() > 1 || carnot::is_float(type.dtype) || type.dtype == carnot::DType::kBool) {
    return false;
  }
  std::unordered_set<const NetTensor*> values = {&input};
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& layer : layers_) {
      const ptrdiff_t first = layer->first_shape_input();
      bool uses = false;
      for (size_t i = 0; i < layer->inputs.size(); ++i) {
        if (values.count(layer->inputs[i]) == 0) continue;
        if (static_cast<ptrdiff_t>(i) >= first) return true;
        uses = true;
      }
      if (!uses || layer->kind == LayerType::kSHAPE) continue;
      for (const auto& output : layer->outputs) {
        if (values.count(output.get()) > 0) continue;
        const carnot::Result<Handle> value = output->network.probe(*output);
        if (!value.ok() || output->network.probed().rank(*value) > 1) continue;
        grown = values.insert(output.get()).second;
      }
    }
  }
  return false;
}

int64_t Network::id_of(const NetTensor* tensor) {
  if (!tensor) return 0;
  return tensor->producer ? ages_[tensor->producer].id : input_ids_[tensor];
}

/// Brings the probe's translation of one layer up to date; its inputs' are.
void Network::check(Layer& layer) {
  Age& age = ages_[&layer];
  if (age.checked_epoch == epoch_) return;
  age.checked_epoch = epoch_;
  std::vector<int64_t> ids;
  const std::vector<NetTensor*>& reads = layer.reads();
  const size_t count = &reads == &layer.inputs ? layer.shaping_inputs() : reads.size();
  for (size_t i = 0; i < count; ++i) ids.push_back(id_of(reads[i]));
  if (age.revision == layer.revision && age.inputs == ids) return;
  age.revision = layer.revision;
  age.inputs = std::move(ids);
  age.id = next_id_++;
  age.problem = {};
  for (const auto& output : layer.outputs) probe_->forget(*output);
  for (size_t i = 0; i < count; ++i) {
    const NetTensor* const input = reads[i];
    if (!input || !input->producer) continue;
    const carnot::Status& problem = ages_[input->producer].problem;
    if (!problem.ok()) age.problem = problem;
  }
  if (!age.problem.ok()) return;
  try {
    probe_->run(layer);
  } catch (const EmitFailure& failure) {
    age.problem = failure.status;
  }
}

Handle Network::probe_or_throw(const NetTensor& tensor) {
  probe_->pinned = pinned_;
  for (const auto& input : inputs_) {
    int64_t& id = input_ids_[input.get()];
    const std::string stamp = cat(carnot::to_string(input->type), input->wanted_type.has_value());
    std::string& known = input_stamps_[input.get()];
    if (id != 0 && stamp == known) continue;
    known = stamp;
    id = next_id_++;
    probe_->forget(*input);
    probe_->get(*input);
  }
  if (!tensor.producer) return probe_->get(const_cast<NetTensor&>(tensor));
  // In order, so that what a layer needs is mostly there; setInput() may have changed the order.
  std::vector<const Layer*> todo = {tensor.producer};
  std::set<const Layer*> needed = {tensor.producer};
  while (!todo.empty()) {
    const Layer* const layer = todo.back();
    todo.pop_back();
    for (const NetTensor* input : layer->reads()) {
      if (!input || !input->producer || ages_[input->producer].checked_epoch == epoch_) continue;
      if (needed.insert(input->producer).second) todo.push_back(input->producer);
    }
  }
  if (needed.size() == 1) check(*tensor.producer);  // as mostly while a model is read
  const bool done =
      ages_[tensor.producer].checked_epoch == epoch_ && ages_[tensor.producer].problem.ok();
  for (int round = done ? 2 : 0; round < 2; ++round) {
    for (const auto& layer : layers_) {
      if (needed.count(layer.get()) == 0) continue;
      if (round == 1) ages_[layer.get()].checked_epoch = -1;
      check(*layer);
    }
    if (ages_[tensor.producer].problem.ok()) break;
  }
  const Age& age = ages_[tensor.producer];
  if (!age.problem.ok()) throw EmitFailure{age.problem};
  return probe_->get(const_cast<NetTensor&>(tensor));
}

carnot::Result<Handle> Network::probe(const NetTensor& tensor) {
  try {
    return probe_or_throw(tensor);
  } catch (const EmitFailure& failure) {
    return failure.status;
  }
}

std::set<const Layer*> Network::dependents(const std::set<const Layer*>& roots,
                                           const std::set<const Layer*>& stops) const {
  std::set<const Layer*> out = roots;
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& layer : layers_) {
      if (out.count(layer.get()) > 0 || stops.count(layer.get()) > 0) continue;
      for (const NetTensor* input : layer->inputs) {
        if (!input || !input->producer || out.count(input->producer) == 0) continue;
        out.insert(layer.get());
        grown = true;
        break;
      }
    }
  }
  return out;
}

carnot::Result<carnot::Network> Network::translate(bool with_precisions, const Sizes& fixed) {
  Scope scope(fresh_);
  scope.with_precisions = with_precisions;
  scope.with_types = !observed_;
  if (building_ && !observed_) scope.formats = &formats_, scope.scales = &scales_;
  scope.pinned = pinned_;
  for (auto& [name, size] : scope.pinned) size = substitute(size, fixed);
  scope.pinned.insert(fixed.begin(), fixed.end());
  try {
    for (const auto& input : inputs_) scope.get(*input);
    std::set<const Layer*> needed;
    std::vector<const Layer*> todo;
    std::vector<const NetTensor*> roots(outputs_.begin(), outputs_.end());
    const std::vector<NetTensor*>& shown = observed_ ? *observed_ : debug_;
    roots.insert(roots.end(), shown.begin(), shown.end());
    for (const NetTensor* output : roots) {
      if (output->producer && needed.insert(output->producer).second)
        todo.push_back(output->producer);
    }
    while (!todo.empty()) {
      const Layer* const layer = todo.back();
      todo.pop_back();
      for (const NetTensor* input : layer->reads()) {
        if (!input || !input->producer) continue;
        if (needed.insert(input->producer).second) todo.push_back(input->producer);
      }
    }
    const std::set<const Layer*> bodies = layers_in_bodies();
    for (const auto& layer : layers_) {
      if (needed.count(layer.get()) == 0 || bodies.count(layer.get()) > 0) continue;
      for (const auto& output : layer->outputs) scope.get(*output);
    }
    for (const auto& layer : layers_) {  // nobody asks for what an assertion gives
      if (layer->kind == LayerType::kASSERTION && bodies.count(layer.get()) == 0) scope.run(*layer);
    }
    for (NetTensor* output : outputs_) scope.mark_output(*output);
    for (size_t i = 0; i < shown.size(); ++i) {
      NetTensor* const tensor = shown[i];
      const bool in_body = tensor->producer && bodies.count(tensor->producer) > 0;
      if (in_body) refuse("debug tensor '", tensor->name, "' is inside of a loop or a branch");
      scope.net.set_origin({tensor->name});
      const std::string name = observed_ ? std::to_string(i) : tensor->name;
      scope.net.mark_output(scope.get(*tensor), cat(kDebugPrefix, name));
    }
    for (NetTensor* const tensor : unfused_) {
      if (observed_ || !scope.has(*tensor)) continue;
      scope.net.set_origin({tensor->name});
      scope.net.mark_output(scope.get(*tensor), cat(kUnfusedPrefix, tensor->name));
    }
  } catch (EmitFailure& failure) {
    return std::move(failure.status);
  }
  return std::move(scope.net);
}

void Network::drop_layers(size_t from) {
  const auto goes = [&](const Layer* layer) {
    return std::any_of(layers_.begin() + static_cast<ptrdiff_t>(from), layers_.end(),
                       [&](const auto& each) { return each.get() == layer; });
  };
  const auto ends = [&](const Loop& loop) {
    return std::any_of(loop.limits.begin(), loop.limits.end(), goes) ||
           std::any_of(loop.recurrences.begin(), loop.recurrences.end(), goes);
  };
  while (!loops_.empty() && ends(*loops_.back())) loops_.pop_back();
  while (!conditionals_.empty() && goes(conditionals_.back()->condition)) conditionals_.pop_back();
  for (size_t i = from; i < layers_.size(); ++i) {
    ages_.erase(layers_[i].get());
    for (const auto& output : layers_[i]->outputs) probe_->forget(*output);
  }
  layers_.resize(from);
}

void Network::mark(NetTensor& tensor) {
  if (std::find(outputs_.begin(), outputs_.end(), &tensor) == outputs_.end()) {
    outputs_.push_back(&tensor);
  }
}

void Network::mark_named(NetTensor& tensor, const carnot::TensorSpec& spec) {
  NetTensor* out = &tensor;
  const bool taken = !tensor.producer || tensor.isNetworkOutput();
  if (taken || !data_type_of(spec.type.dtype)) {  // a tensor has one name, and TensorRT's types
    out = add_output_copy(tensor, spec.type.dtype)->outputs[0].get();
  }
  out->name = spec.name;
  mark(*out);
}

}  // namespace trt
