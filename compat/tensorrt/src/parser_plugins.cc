#include "parser_plugins.h"

#include <cstring>

#include "layers_plugin.h"
#include "network.h"
#include "registry.h"
#include "stock.h"

namespace trt {

namespace {

using carnot::Code;
using carnot::DType;
using carnot::OnnxAttribute;
using carnot::OnnxCall;
using carnot::Status;

constexpr const char* kShapeInputs = "tensorrt_plugin_shape_input_indices";

std::optional<DType> dtype_of_field(PluginFieldType type) {
  switch (type) {
    case PluginFieldType::kFLOAT16:
      return DType::kF16;
    case PluginFieldType::kFLOAT32:
      return DType::kF32;
    case PluginFieldType::kFLOAT64:
      return DType::kF64;
    case PluginFieldType::kINT8:
      return DType::kI8;
    case PluginFieldType::kINT16:
      return DType::kI16;
    case PluginFieldType::kINT32:
      return DType::kI32;
    case PluginFieldType::kINT64:
      return DType::kI64;
    case PluginFieldType::kBF16:
      return DType::kBF16;
    default:
      return std::nullopt;
  }
}

/// Numbers of an attribute, in the type that the field has, or else its own.
std::optional<KeptField> number_field(const std::vector<double>* reals,
                                      const std::vector<int64_t>* integers, PluginFieldType type) {
  KeptField out;
  const size_t count = reals ? reals->size() : integers->size();
  out.length = static_cast<int32_t>(std::min<size_t>(count, INT32_MAX));
  if (type == PluginFieldType::kDIMS && integers && count <= Dims::MAX_DIMS) {
    Dims dims{};
    dims.nbDims = out.length, out.length = 1;
    std::copy(integers->begin(), integers->end(), dims.d);
    out.type = type;
    out.data.assign(reinterpret_cast<const char*>(&dims), sizeof dims);
    return out;
  }
  if (!dtype_of_field(type)) type = reals ? PluginFieldType::kFLOAT32 : PluginFieldType::kINT32;
  out.type = type;
  auto tensor = carnot::Tensor::allocate(*dtype_of_field(type), {static_cast<int64_t>(count)});
  if (!tensor.ok()) return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    const auto at = static_cast<int64_t>(i);
    if (reals) {
      tensor->set(at, (*reals)[i]);
    } else if (carnot::is_float(tensor->dtype())) {
      tensor->set(at, static_cast<double>((*integers)[i]));
    } else {
      tensor->set_int(at, (*integers)[i]);
    }
  }
  out.data.assign(reinterpret_cast<const char*>(tensor->data()), tensor->bytes());
  return out;
}

std::optional<KeptField> tensor_field(const carnot::Tensor& given) {
  static constexpr PluginFieldType kTypes[] = {PluginFieldType::kFLOAT16, PluginFieldType::kFLOAT32,
                                               PluginFieldType::kFLOAT64, PluginFieldType::kINT8,
                                               PluginFieldType::kINT16,   PluginFieldType::kINT32,
                                               PluginFieldType::kINT64,   PluginFieldType::kBF16};
  const carnot::Result<carnot::Tensor> tensor = given.dense();
  for (const PluginFieldType type : kTypes) {
    if (!tensor.ok() || dtype_of_field(type) != tensor->dtype()) continue;
    KeptField out{"", "", type, static_cast<int32_t>(tensor->elements())};
    out.data.assign(reinterpret_cast<const char*>(tensor->data()), tensor->bytes());
    return out;
  }
  return std::nullopt;
}

std::optional<KeptField> field_of(const OnnxAttribute& value, PluginFieldType type) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return KeptField{"", *text, PluginFieldType::kCHAR, static_cast<int32_t>(text->size())};
  }
  if (const auto* tensor = std::get_if<carnot::Tensor>(&value)) return tensor_field(*tensor);
  if (const auto* real = std::get_if<double>(&value)) {
    const std::vector<double> one = {*real};
    return number_field(&one, nullptr, type);
  }
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    const std::vector<int64_t> one = {*integer};
    return number_field(nullptr, &one, type);
  }
  if (const auto* reals = std::get_if<std::vector<double>>(&value)) {
    return number_field(reals, nullptr, type);
  }
  const auto* integers = std::get_if<std::vector<int64_t>>(&value);
  return integers ? number_field(nullptr, integers, type) : std::nullopt;
}

const OnnxAttribute* find(const OnnxCall& call, std::string_view name) {
  for (const auto& [key, value] : call.attributes) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string text_attribute(const OnnxCall& call, const char* name, const char* otherwise) {
  const OnnxAttribute* const found = find(call, name);
  const auto* text = found ? std::get_if<std::string>(found) : nullptr;
  return text ? *text : otherwise;
}

/// The attributes that the creator knows; all, where it does not say which these are.
std::vector<KeptField> fields_for(const OnnxCall& call, const PluginFieldCollection* known) {
  std::vector<KeptField> out;
  const auto add = [&](const std::string& name, PluginFieldType type) {
    const OnnxAttribute* const value = find(call, name);
    std::optional<KeptField> field = value ? field_of(*value, type) : std::nullopt;
    if (!field) return;
    field->name = name;
    out.push_back(std::move(*field));
  };
  if (known && known->nbFields > 0 && known->fields) {
    for (int32_t i = 0; i < known->nbFields; ++i) {
      const char* const name = known->fields[i].name;
      if (name && !is_address(call.op_type, name)) add(name, known->fields[i].type);
    }
    return out;
  }
  for (const auto& [name, value] : call.attributes) {
    const bool reserved =
        name == "plugin_version" || name == "plugin_namespace" || name == kShapeInputs;
    if (!reserved) add(name, PluginFieldType::kUNKNOWN);
  }
  return out;
}

Plugin create(IPluginCreatorInterface& creator, const OnnxCall& call,
              QuickPluginCreationRequest wanted) {
  const std::string_view kind = creator.getInterfaceInfo().kind;
  const bool v3 = kind == "PLUGIN CREATOR_V3ONE", is_quick = kind == "PLUGIN CREATOR_V3QUICK";
  auto& old = static_cast<IPluginCreator&>(creator);
  auto& one = static_cast<IPluginCreatorV3One&>(creator);
  auto& quick = static_cast<IPluginCreatorV3Quick&>(creator);
  const std::vector<KeptField> kept = fields_for(call, is_quick ? quick.getFieldNames()
                                                       : v3     ? one.getFieldNames()
                                                                : old.getFieldNames());
  const std::vector<PluginField> fields = fields_of(kept);
  const PluginFieldCollection collection{static_cast<int32_t>(fields.size()), fields.data()};
  if (is_quick) {
    return Plugin(quick.createPlugin(quick.getPluginName(), quick.getPluginNamespace(), &collection,
                                     TensorRTPhase::kBUILD, wanted));
  }
  if (v3) return Plugin(one.createPlugin(call.name.c_str(), &collection, TensorRTPhase::kBUILD));
  return Plugin(old.createPlugin(call.name.c_str(), &collection));
}

IPluginCreatorInterface* creator_of(const std::string& op_type, const std::string& version,
                                    const std::string& space) {
  IPluginCreatorInterface* const creator =
      plugin_registry().getCreator(op_type.c_str(), version.c_str(), space.c_str());
  return creator || !space.empty() ? creator : stock_creator(op_type, version);
}

/// Which of a node's inputs only the plugin's shapes need.
std::vector<bool> shape_inputs(const OnnxCall& call) {
  std::vector<bool> out(call.operands.size(), false);
  const OnnxAttribute* const found = find(call, kShapeInputs);
  const auto* indices = found ? std::get_if<std::vector<int64_t>>(found) : nullptr;
  for (size_t i = 0; indices && i < indices->size(); ++i) {
    const int64_t at = (*indices)[i];
    if (at >= 0 && static_cast<size_t>(at) < out.size()) out[static_cast<size_t>(at)] = true;
  }
  return out;
}

/// The types of the layer's results, from a network of its own.
std::vector<carnot::TensorType> types_of(Layer& layer, const OnnxCall& call,
                                         const std::vector<bool>& is_shape, int64_t& fresh) {
  carnot::Network scratch;
  Emit e(scratch, fresh);
  Values in;
  for (const bool shapes : {false, true}) {
    for (size_t i = 0; i < call.operands.size(); ++i) {
      if (is_shape[i] != shapes) continue;
      const OnnxCall::Operand& operand = call.operands[i];
      const bool scalar = operand.type.rank() == 0;
      if (operand.elements && carnot::is_integer(operand.type.dtype)) {
        const Handle values = e.make(carnot::op::DimsTensor{*operand.elements, scalar}, {});
        in.push_back(e.reshape(e.cast(values, operand.type.dtype), operand.type.dims));
      } else {
        in.push_back(scratch.add_input(cat("in", i), operand.type));
      }
    }
  }
  std::vector<carnot::TensorType> out;
  for (const Handle h : layer.emit(e, in)) out.push_back(scratch.type(h));
  return out;
}

}  // namespace

bool ParsedPlugins::knows(const carnot::UnknownOnnxNode& node) {
  std::string version = "1", space;
  for (const auto& [name, text] : node.texts) {
    if (name == "plugin_version") version = text;
    if (name == "plugin_namespace") space = text;
  }
  return creator_of(node.op_type, version, space) != nullptr;
}

carnot::Result<std::optional<carnot::op::Custom>> ParsedPlugins::make(const OnnxCall& call) {
  const std::string version = text_attribute(call, "plugin_version", "1");
  const std::string space = text_attribute(call, "plugin_namespace", "");
  const auto where = [&] { return cat("plugin '", call.op_type, "' version ", version); };
  IPluginCreatorInterface* const creator = creator_of(call.op_type, version, space);
  if (!creator) return std::optional<carnot::op::Custom>();
  using Flag = NetworkDefinitionCreationFlag;
  using Request = QuickPluginCreationRequest;
  Plugin plugin = create(*creator, call,
                         network_.getFlag(Flag::kPREFER_JIT_PYTHON_PLUGINS)   ? Request::kPREFER_JIT
                         : network_.getFlag(Flag::kPREFER_AOT_PYTHON_PLUGINS) ? Request::kPREFER_AOT
                                                                              : Request::kUNKNOWN);
  if (!plugin || plugin.generation() < 0) {
    return Status(Code::kInvalidModel, where() + ": its creator refuses the node's attributes");
  }
  const std::vector<bool> is_shape = shape_inputs(call);
  const auto shapes = static_cast<size_t>(std::count(is_shape.begin(), is_shape.end(), true));
  std::unique_ptr<Layer> layer;
  if (plugin.v3()) {
    if (!plugin.core() || !plugin.build() || !plugin.runtime()) {
      return Status(Code::kUnsupported, where() + " lacks its core, build or runtime capability");
    }
    auto made = std::make_unique<PluginV3>(network_, std::move(plugin), is_shape.size() - shapes);
    made->shape_inputs = is_shape;
    layer = std::move(made);
  } else {
    layer = std::make_unique<PluginV2>(network_, std::move(plugin));
  }
  layer->name = call.name;
  carnot::op::Custom op;
  op.code = kPluginCode;
  op.state = cat(layers_.size());
  try {
    op.types = types_of(*layer, call, is_shape, network_.fresh());
  } catch (EmitFailure& failure) {
    return std::move(failure.status).with(where());
  }
  layers_.push_back(std::move(layer));
  return std::optional(std::move(op));
}

std::unique_ptr<Layer> ParsedPlugins::take(const carnot::op::Custom& op) {
  const size_t index = std::strtoul(op.state.c_str(), nullptr, 10);
  if (op.code != kPluginCode || index >= layers_.size()) return nullptr;
  return std::move(layers_[index]);
}

Values ParsedPlugins::arranged(const Layer& layer, const Values& in) {
  const auto* const v3 = dynamic_cast<const PluginV3*>(&layer);
  if (!v3 || v3->shape_inputs.size() != in.size()) return in;
  Values out;
  for (const bool shapes : {false, true}) {
    for (size_t i = 0; i < in.size(); ++i) {
      if (v3->shape_inputs[i] == shapes) out.push_back(in[i]);
    }
  }
  return out;
}

void ParsedPlugins::arrange(Layer& layer) {
  auto* const v3 = dynamic_cast<PluginV3*>(&layer);
  if (!v3 || v3->shape_inputs.size() != layer.inputs.size()) return;
  std::vector<NetTensor*> operands, values;
  for (size_t i = 0; i < layer.inputs.size(); ++i) {
    (v3->shape_inputs[i] ? values : operands).push_back(layer.inputs[i]);
  }
  operands.insert(operands.end(), values.begin(), values.end());
  layer.inputs = std::move(operands);
}

}  // namespace trt
