#include "layers_plugin.h"

#include "network_add.h"
#include "reformat.h"
#include "stock.h"

namespace trt {

namespace {

using carnot::Dim;
using Size = SizeTable::Size;
using Kind = SizeTable::Kind;

DataType type_of(Emit& e, Handle h) {
  const auto type = data_type_of(e.dtype(h));
  if (!type) unsupported("a plugin cannot be given ", carnot::to_string(e.net.type(h)));
  return *type;
}

}  // namespace

PluginPart::PluginPart(Network& network, Plugin plugin)
    : network_(network), plugin_(std::move(plugin)), id_(network.fresh()++) {}

int32_t PluginPart::result_count() const {
  if (plugin_.v2()) return plugin_.v2()->getNbOutputs();
  IPluginV3OneBuild* const build = plugin_.build();
  return build ? build->getNbOutputs() : 0;
}

namespace {

std::vector<DimsExprs> values_of(Emit& e, const Values& in, size_t operands, ExprBuilder& builder) {
  std::vector<DimsExprs> out;
  for (size_t i = operands; i < in.size(); ++i) {
    const auto& known = e.elements(in[i]);
    if (!known || known->size() > Dims::MAX_DIMS) {
      unsupported("the values of shape input ", i - operands,
                  " must follow from constants and sizes of tensors, and be at most ",
                  Dims::MAX_DIMS);
    }
    DimsExprs& dims = out.emplace_back();
    dims.nbDims = 0;
    for (const Dim& d : *known) {
      const int32_t at = dims.nbDims++;
      dims.d[at] = d.is_constant() ? builder.constant(d.value())
                                   : builder.add({Kind::kShapeValue, DimensionOperation::kSUM,
                                                  static_cast<int64_t>(i), at});
    }
  }
  return out;
}

std::vector<int64_t> indices_of(const DimsExprs& dims, size_t result) {
  std::vector<int64_t> out;
  if (dims.nbDims < 0 || dims.nbDims > Dims::MAX_DIMS) {
    refuse("the plugin gives result ", result, " the rank ", dims.nbDims);
  }
  for (int32_t i = 0; i < dims.nbDims; ++i) {
    if (!dims.d[i]) refuse("the plugin gives no size for axis ", i, " of result ", result);
    out.push_back(ExprBuilder::index_of(*dims.d[i]));
  }
  return out;
}

/// The results' sizes as ours; each size tensor is a symbol that the run defines.
std::vector<carnot::Dims> whole_of(Emit& e, const Values& in, const SizeTable& table,
                                   const std::vector<std::vector<int64_t>>& results, int64_t id) {
  const auto leaf = [&](const Size& size) {
    const auto a = static_cast<size_t>(size.a), b = static_cast<size_t>(size.b);
    if (size.kind == Kind::kInput) return e.dims(in[a])[b];
    if (size.kind == Kind::kShapeValue) return (*e.elements(in[a]))[b];
    return Dim::symbol(cat("trt.told", id, '.', size.a));
  };
  std::vector<carnot::Dims> out;
  for (const auto& result : results) {
    auto& dims = out.emplace_back();
    for (const int64_t size : result) dims.push_back(table.dim(static_cast<size_t>(size), leaf));
  }
  return out;
}

}  // namespace

void PluginPart::shapes_v3(Emit& e, const Values& in, size_t operands, Shapes& shapes) const {
  IPluginV3OneBuild* const build = plugin_.build();
  if (!build) refuse("the plugin has no build capability");
  ExprBuilder& builder = shapes.builder;
  const std::vector<DimsExprs> inputs = expressions_of(e, in, operands, builder);
  const std::vector<DimsExprs> values = values_of(e, in, operands, builder);
  std::vector<DimsExprs> outputs(static_cast<size_t>(result_count()));
  const int32_t status = build->getOutputShapes(inputs.data(), static_cast<int32_t>(inputs.size()),
                                                values.data(), static_cast<int32_t>(values.size()),
                                                outputs.data(), result_count(), builder);
  if (status != 0) refuse("getOutputShapes() returned ", status);
  for (const DimsExprs& dims : outputs) {
    shapes.results.push_back(indices_of(dims, shapes.results.size()));
  }
}

void PluginPart::shapes_v2(Emit& e, const Values& in, Shapes& shapes) const {
  auto* const plugin = plugin_.as<IPluginV2DynamicExt>();
  ExprBuilder& builder = shapes.builder;
  const std::vector<DimsExprs> inputs = expressions_of(e, in, in.size(), builder);
  for (int32_t i = 0; i < result_count(); ++i) {
    const DimsExprs dims =
        plugin->getOutputDimensions(i, inputs.data(), static_cast<int32_t>(inputs.size()), builder);
    shapes.results.push_back(indices_of(dims, shapes.results.size()));
  }
}

// Plugins from before dynamic shapes: sizes are numbers, the batch is none of theirs.
void PluginPart::shapes_fixed(Emit& e, const Values& in, Shapes& shapes) const {
  shapes.batched = !network_.hasImplicitBatchDimension();
  std::vector<Dims> inputs;
  for (size_t i = 0; i < in.size(); ++i) {
    carnot::Dims dims = e.dims(in[i]);
    if (shapes.batched && dims.empty()) refuse("input ", i, " has no axis for the batch");
    if (shapes.batched) dims.erase(dims.begin());
    for (const Dim& d : dims) {
      if (d.is_constant()) continue;
      unsupported("input ", i, " has the dimensions ", text_of(dims_of(dims)),
                  ": a plugin that does not derive from IPluginV2DynamicExt takes numbers only");
    }
    inputs.push_back(dims_of(dims));
  }
  const auto count = static_cast<int32_t>(inputs.size());
  for (int32_t i = 0; i < result_count(); ++i) {
    const Dims dims = plugin_.v2()->getOutputDimensions(i, inputs.data(), count);
    if (!is_valid(dims)) refuse("the plugin gives result ", i, " the rank ", dims.nbDims);
    auto& result = shapes.results.emplace_back();
    const auto add = [&](const Size& size) {
      result.push_back(static_cast<int64_t>(shapes.table.add(size)));
    };
    if (shapes.batched) {
      if (in.empty()) refuse("the plugin has no input to take the batch from");
      add({Kind::kInput, DimensionOperation::kSUM, 0, 0});
    }
    for (int32_t k = 0; k < dims.nbDims; ++k) {
      if (dims.d[k] < 0) refuse("the plugin gives result ", i, " the sizes ", text_of(dims));
      add({Kind::kConstant, DimensionOperation::kSUM, dims.d[k], 0});
    }
  }
}

std::vector<DataType> PluginPart::declared_types(const std::vector<DataType>& in) const {
  const int32_t inputs = static_cast<int32_t>(in.size()), results = result_count();
  std::vector<DataType> out(static_cast<size_t>(results), DataType::kFLOAT);
  if (plugin_.v3()) {
    const int32_t status =
        plugin_.build()->getOutputDataTypes(out.data(), results, in.data(), inputs);
    if (status != 0) refuse("getOutputDataTypes() returned ", status);
  } else if (plugin_.generation() != static_cast<int>(PluginVersion::kV2)) {
    for (int32_t i = 0; i < results; ++i) {
      out[static_cast<size_t>(i)] =
          plugin_.as<IPluginV2Ext>()->getOutputDataType(i, in.data(), inputs);
    }
  }
  for (const DataType type : out) {
    if (!is_known(type)) refuse("the plugin gives a result the type ", static_cast<int>(type));
  }
  return out;
}

const Plugin& PluginPart::configured(const PluginRecord& record) const {
  const auto found = configured_.find(write(record));
  return found == configured_.end() ? plugin_ : found->second;
}

void PluginPart::keep_state(const Plugin& plugin, PluginRecord& record) const {
  const auto text = [](const AsciiChar* t) { return std::string(t ? t : ""); };
  if (IPluginV2* const v2 = plugin.v2()) {
    record.name = text(v2->getPluginType());
    record.version = text(v2->getPluginVersion());
    record.space = text(v2->getPluginNamespace());
    const int32_t status = v2->initialize();
    if (status != 0) refuse("initialize() returned ", status);
    record.state.resize(v2->getSerializationSize());
    v2->serialize(record.state.data());
    v2->terminate();
    return;
  }
  IPluginV3OneCore* const core = plugin.core();
  IPluginV3OneRuntime* const runtime = plugin.runtime();
  if (!core || !runtime) refuse("the plugin has no ", core ? "runtime" : "core", " capability");
  record.name = text(core->getPluginName());
  record.version = text(core->getPluginVersion());
  record.space = text(core->getPluginNamespace());
  record.fields = trt::keep(runtime->getFieldsToSerialize());
}

const StockPlugin* PluginPart::stock() const {
  return plugin_.v2() ? dynamic_cast<const StockPlugin*>(plugin_.v2())
                      : dynamic_cast<const StockPlugin*>(plugin_.v3());
}

// They think of a batch, which networks with an implicit one do not show.
Values PluginPart::emit_stock(Emit& e, const Values& in, const StockPlugin& stock) const {
  if (!network_.hasImplicitBatchDimension()) return stock.row.emit(e, in, stock.fields);
  Values batched, out;
  for (const Handle x : in) batched.push_back(e.with_rank(x, e.rank(x) + 1));
  for (const Handle y : stock.row.emit(e, batched, stock.fields)) {
    out.push_back(e.reshape(y, {e.dims(y).begin() + 1, e.dims(y).end()}));
  }
  return out;
}

/// What the plan keeps, of the plugin configured.
std::string PluginPart::keep(Emit& e, const Values& in, const std::vector<Choice>& chosen,
                             Shapes& shapes, PluginRecord& record) {
  record.generation = plugin_.generation();
  for (size_t i = 0; i < chosen.size(); ++i) {
    record.types.push_back(chosen[i].type);
    record.formats.push_back(stored_format(shapes.dims[i], chosen[i].format));
  }
  record.batch_is_an_axis = shapes.batched;
  Plugin configured = plugin_.clone();
  if (!configured) refuse("clone() returned null");
  const std::vector<DynamicPluginTensorDesc> described = describe(shapes, chosen);
  configure(configured, described, record);
  keep_state(configured, record);
  if (record.generation == PluginRecord::kCompiled) {
    const auto operands = static_cast<size_t>(record.inputs);
    compile(configured, expressions_of(e, in, operands, shapes.builder), described, shapes, record);
  }
  record.sizes = std::move(shapes.table);
  record.results = std::move(shapes.results);
  std::string state = write(record);
  configured_.insert_or_assign(state, std::move(configured));
  return state;
}

Values PluginPart::emit(Emit& e, const Values& in, size_t operands, const std::string& name) {
  if (const StockPlugin* const stock = this->stock()) return emit_stock(e, in, *stock);
  const int generation = plugin_.generation();
  Shapes shapes;
  std::vector<DataType> types;
  std::vector<int32_t> ranks;
  for (size_t i = 0; i < operands; ++i) {
    types.push_back(type_of(e, in[i]));
    ranks.push_back(static_cast<int32_t>(e.rank(in[i])));
  }
  std::vector<DataType> declared;
  if (QuickPlugin* const quick = plugin_.quick()) {  // wants its types first
    quick->set_ranks(std::move(ranks));
    declared = declared_types(types);
  }
  if (plugin_.v3()) {
    shapes_v3(e, in, operands, shapes);
  } else if (generation == static_cast<int>(PluginVersion::kV2_DYNAMICEXT)) {
    shapes_v2(e, in, shapes);
  } else {
    shapes_fixed(e, in, shapes);
  }
  for (size_t i = 0; i < operands; ++i) shapes.dims.push_back(e.dims(in[i]));
  shapes.whole = whole_of(e, in, shapes.table, shapes.results, id_);
  shapes.dims.insert(shapes.dims.end(), shapes.whole.begin(), shapes.whole.end());
  if (shapes.batched) {
    for (carnot::Dims& dims : shapes.dims) dims.erase(dims.begin());
  }
  if (declared.empty()) declared = declared_types(types);
  types.insert(types.end(), declared.begin(), declared.end());
  const std::vector<Choice> chosen = negotiate(shapes, types);

  carnot::op::Custom op;
  op.code = kPluginCode;
  Values given;
  for (size_t i = 0; i < operands; ++i) {
    given.push_back(to_format(e, e.cast(in[i], *dtype_of(chosen[i].type)), chosen[i].format));
  }
  for (size_t i = 0; i < shapes.whole.size(); ++i) {
    const Choice& of = chosen[operands + i];
    op.types.push_back({*dtype_of(of.type), stored(shapes.whole[i], of.format)});
  }
  if (plugin_.v3() && plugin_.build()->getInterfaceInfo().major >= 2) {
    auto* const build = static_cast<IPluginV3OneBuildV2*>(plugin_.build());
    for (int32_t i = 0; i < result_count(); ++i) op.in_place.push_back(build->getAliasedInput(i));
    if (std::count(op.in_place.begin(), op.in_place.end(), -1) == result_count()) {
      op.in_place.clear();
    }
  }
  if (network_.is_building()) {
    PluginRecord record;
    record.layer = name;
    record.inputs = static_cast<int32_t>(operands);
    op.state = keep(e, in, chosen, shapes, record);
  }
  Values out = e.add(op, given);
  for (size_t i = 0; i < out.size(); ++i) {
    const StoredFormat format = stored_format(shapes.whole[i], chosen[operands + i].format);
    out[i] = e.cast(from_format(e, out[i], format), *dtype_of(declared[i]));
  }
  return out;
}

// INetworkDefinition's calls.

IPluginV2Layer* Network::addPluginV2(ITensor* const* inputs, int32_t count,
                                     IPluginV2& given) noexcept {
  const char* const call = "INetworkDefinition::addPluginV2";
  return reporter_.guard(call, static_cast<IPluginV2Layer*>(nullptr), [&]() -> IPluginV2Layer* {
    if (count < 0 || !are_mine(call, inputs, count)) return nullptr;
    Plugin plugin(given.clone());
    if (!plugin || plugin.generation() < 0) {
      reporter_.misuse(call, plugin ? "the plugin is of an unknown interface"
                                    : "the plugin's clone() returned null");
      return nullptr;
    }
    auto layer = std::make_unique<PluginV2>(*this, std::move(plugin));
    for (int32_t i = 0; i < count; ++i) layer->inputs.push_back(static_cast<NetTensor*>(inputs[i]));
    const int32_t results = layer->part.result_count();
    return keep(std::move(layer), results);
  });
}

IPluginV3Layer* Network::addPluginV3(ITensor* const* inputs, int32_t count,
                                     ITensor* const* shape_inputs, int32_t shape_count,
                                     IPluginV3& given) noexcept {
  const char* const call = "INetworkDefinition::addPluginV3";
  return reporter_.guard(call, static_cast<IPluginV3Layer*>(nullptr), [&]() -> IPluginV3Layer* {
    if (count < 0 || shape_count < 0 || !are_mine(call, inputs, count) ||
        !are_mine(call, shape_inputs, shape_count)) {
      return nullptr;
    }
    Plugin plugin(given.clone());
    if (!plugin || !plugin.core() || !plugin.build() || !plugin.runtime()) {
      reporter_.misuse(call, plugin ? "the plugin lacks its core, build or runtime capability"
                                    : "the plugin's clone() returned null");
      return nullptr;
    }
    auto layer = std::make_unique<PluginV3>(*this, std::move(plugin), static_cast<size_t>(count));
    for (int32_t i = 0; i < count; ++i) layer->inputs.push_back(static_cast<NetTensor*>(inputs[i]));
    for (int32_t i = 0; i < shape_count; ++i) {
      layer->inputs.push_back(static_cast<NetTensor*>(shape_inputs[i]));
    }
    const int32_t results = layer->part.result_count();
    return keep(std::move(layer), results);
  });
}

carnot::Result<carnot::Network> Network::translate_for_engine(SizeRanges ranges,
                                                              bool with_precisions,
                                                              const Sizes& fixed) {
  size_ranges_ = std::move(ranges);
  formats_.clear();
  scales_.clear();
  building_ = true;
  carnot::Result<carnot::Network> out = translate(with_precisions, fixed);
  building_ = false;
  size_ranges_ = {};
  return out;
}

Plugin Network::plugin_of(const PluginRecord& record) const {
  for (const auto& layer : layers_) {
    if (layer->name != record.layer) continue;
    const auto* const v2 = dynamic_cast<const PluginV2*>(layer.get());
    const auto* const v3 = dynamic_cast<const PluginV3*>(layer.get());
    if (v2) return v2->part.configured(record).clone();
    if (v3) return v3->part.configured(record).clone();
  }
  return {};
}

}  // namespace trt
