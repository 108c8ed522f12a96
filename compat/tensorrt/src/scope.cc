#include "scope.h"

#include "network.h"

namespace trt {

Handle Scope::add_input(NetTensor& tensor) {
  carnot::TensorType type = tensor.type;
  for (carnot::Dim& d : type.dims) d = substitute(d, pinned);
  if (tensor.wanted_type && with_types) type.dtype = *dtype_of(*tensor.wanted_type);
  const StoredFormat format = formats ? chosen_format(tensor, type.dims) : StoredFormat();
  type.dims = stored(type.dims, format.format);
  const Handle input = net.add_input(tensor.name, type);
  const Handle value = emit.cast(from_format(emit, input, format), tensor.type.dtype);
  const bool steps = type.dtype == DType::kI8 && emit.is_float(value) && tensor.scale() > 0;
  if (!steps) return value;
  return emit.binary(carnot::ScalarOp::kMul, value, scale_of(tensor, tensor.type.dtype));
}

Handle Scope::scale_of(const NetTensor& tensor, carnot::DType dtype) {
  carnot::Tensor scale = take(carnot::Tensor::allocate(dtype, {}));
  scale.set(0, static_cast<double>(tensor.scale()));
  if (scales) (*scales)[scale.data()] = tensor.name;
  return emit.constant(std::move(scale));
}

// Without a range what is wanted of a float tensor inside of the network is a permission.
Handle Scope::typed(NetTensor& tensor, Handle value, DataType type) {
  const DType dtype = *dtype_of(type);
  if (dtype != DType::kI8 || !emit.is_float(value)) return emit.cast(value, dtype);
  if (!tensor.isNetworkOutput() || !tensor.type_set) return value;
  if (tensor.scale() <= 0) return emit.cast(value, dtype);
  const Handle wide = emit.cast(value, DType::kF32);
  const Handle steps = emit.binary(carnot::ScalarOp::kDiv, wide, scale_of(tensor, DType::kF32));
  return emit.cast(emit.unary(carnot::ScalarOp::kRound, steps), dtype);
}

void Scope::mark_output(NetTensor& tensor) {
  net.set_origin({tensor.name});
  const Handle value = get(tensor);
  const StoredFormat format = formats ? chosen_format(tensor, emit.dims(value)) : StoredFormat();
  net.mark_output(to_format(emit, value, format.format), tensor.name);
}

// kLINEAR where it is among those that are allowed.
StoredFormat Scope::chosen_format(const NetTensor& tensor, const carnot::Dims& sizes) {
  const TensorFormats allowed = tensor.getAllowedFormats();
  const auto has = [&](TensorFormat f) { return (allowed >> static_cast<int32_t>(f) & 1) != 0; };
  if (has(TensorFormat::kLINEAR)) return {};
  std::string why;
  for (const FormatRow& row : format_rows()) {
    if (!has(row.format)) continue;
    why = why_not_stored(sizes, row.format);
    if (why.empty()) return (*formats)[tensor.name] = stored_format(sizes, row.format);
  }
  refuse("tensor '", tensor.name, "' is allowed no format that can be: ",
         why.empty() ? "those that setAllowedFormats() names are of DLA, or none" : why);
}

namespace {

std::string named(const Layer& layer) {
  return cat("layer '", layer.name, "' (", layer.kind_name(), ")");
}

carnot::Status cycle_at(const Layer& layer) {
  return {carnot::Code::kInvalidArgument,
          named(layer) +
              ": its output reaches its own input; only a loop's recurrence may close a "
              "cycle"};
}

/// Whether it stands at the edge of a loop or a conditional, and is emitted from there.
bool is_edge(const Layer& layer) {
  switch (layer.kind) {
    case LayerType::kTRIP_LIMIT:
    case LayerType::kRECURRENCE:
    case LayerType::kITERATOR:
    case LayerType::kLOOP_OUTPUT:
    case LayerType::kCONDITION:
    case LayerType::kCONDITIONAL_INPUT:
    case LayerType::kCONDITIONAL_OUTPUT:
      return true;
    default:
      return false;
  }
}

/// The layers that `root` computes from and that are still to be emitted, itself at the end. A
/// list: there are networks that are deeper than a stack.
template <class IsDone>
std::vector<Layer*> pending(Layer& root, IsDone&& is_done) {
  struct Visit {
    Layer* layer;
    size_t next = 0;
  };
  std::vector<Layer*> out;
  std::vector<Visit> path = {{&root}};
  std::unordered_map<const Layer*, bool> open = {{&root, true}};  // false once it is in `out`
  while (!path.empty()) {
    Layer& layer = *path.back().layer;
    const std::vector<NetTensor*>& reads = layer.reads();
    if (is_edge(layer) || path.back().next == reads.size()) {
      out.push_back(&layer);
      open[&layer] = false;
      path.pop_back();
      continue;
    }
    NetTensor* const input = reads[path.back().next++];
    if (!input || !input->producer || is_done(*input)) continue;
    const auto [known, fresh] = open.emplace(input->producer, true);
    if (fresh) {
      path.push_back({input->producer});
    } else if (known->second) {
      throw EmitFailure{cycle_at(*input->producer)};
    }
  }
  return out;
}

}  // namespace

Handle Scope::get(NetTensor& tensor) {
  const auto known = values_.find(&tensor);
  if (known != values_.end()) return known->second;
  Layer* const producer = tensor.producer;
  const bool constant = producer && producer->kind == LayerType::kCONSTANT;
  if (inside_ && !constant && !(producer && inside_->count(producer) > 0)) {
    const Handle outer = outer_->get(tensor);
    const Handle inner = net.add_input(cat("capture", captures.size()), outer_->net.type(outer));
    captures.emplace_back(&tensor, inner);
    bind(tensor, inner);
    return inner;
  }
  if (!producer) {
    bind(tensor, add_input(tensor));
    return values_.at(&tensor);
  }
  const auto is_done = [&](const NetTensor& input) {
    const bool outside = inside_ && input.producer->kind != LayerType::kCONSTANT &&
                         inside_->count(input.producer) == 0;
    return outside || values_.count(&input) > 0;
  };
  for (Layer* const layer : pending(*producer, is_done)) {
    if (layer->outputs.empty() || !is_done(*layer->outputs[0])) run(*layer);
  }
  return values_.at(&tensor);
}

Values Scope::emit_as(Layer& layer, carnot::DType half, Values in) {
  constexpr carnot::DType kWide = carnot::DType::kF32;
  bool any = false;
  for (Handle& h : in) {
    if (h == Handle{} || emit.dtype(h) != kWide) continue;
    h = emit.cast(h, half);
    any = true;
  }
  Values out = layer.emit(emit, in);
  for (Handle& h : out) {
    if (any && h != Handle{} && emit.dtype(h) == half) h = emit.cast(h, kWide);
  }
  return out;
}

void Scope::run(Layer& layer) {
  const auto where = [&] { return named(layer); };
  try {
    // Before the inputs: a loop's boundary is a cycle.
    if (layer.emit_edge(*this)) return;
  } catch (EmitFailure& failure) {
    throw EmitFailure{std::move(failure.status).with(where())};
  }
  if (!running_.insert(&layer).second) {
    throw EmitFailure{cycle_at(layer)};
  }
  Values in;
  try {
    for (NetTensor* input : layer.reads()) in.push_back(input ? get(*input) : Handle{});
  } catch (EmitFailure&) {
    running_.erase(&layer);
    throw;
  }
  running_.erase(&layer);
  try {
    net.set_origin(layer.origin.empty() ? std::vector<std::string>{layer.name} : layer.origin);
    const auto half =
        with_precisions && layer.precision ? dtype_of(*layer.precision) : std::nullopt;
    const bool narrow = half == carnot::DType::kF16 || half == carnot::DType::kBF16;
    const Values out = narrow ? emit_as(layer, *half, std::move(in)) : layer.emit(emit, in);
    for (size_t i = 0; i < layer.outputs.size(); ++i) {
      if (i >= out.size()) refuse("gives no output ", i);
      Handle value = out[i];
      const auto type = layer.output_types.find(static_cast<int32_t>(i));
      if (type != layer.output_types.end() && with_types) {
        const carnot::DType before = emit.dtype(value);
        value = typed(*layer.outputs[i], value, type->second);
        // With its precision, how the tensor is stored: layers behind it compute in their own.
        const bool inside = narrow && !layer.outputs[i]->isNetworkOutput();
        if (inside && before == carnot::DType::kF32) value = emit.cast(value, before);
      }
      bind(*layer.outputs[i], value);
    }
  } catch (EmitFailure& failure) {
    throw EmitFailure{std::move(failure.status).with(where())};
  }
}

}  // namespace trt
