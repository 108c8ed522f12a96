// What a plugin is asked while an engine is built: which types and formats it takes, and with which
// it is configured.
#include <algorithm>

#include "layers_plugin.h"
#include "network.h"

namespace trt {

namespace {

// A plugin that refuses late among many tensors could be asked for ever.
constexpr int64_t kQuestionsMax = 100000;

/// Types that may stand in for one that a plugin does not take, its own first.
std::vector<DataType> types_for(DataType type, bool strongly_typed) {
  if (strongly_typed) return {type};
  switch (type) {
    case DataType::kFLOAT:
      return {type, DataType::kHALF, DataType::kBF16};
    case DataType::kHALF:
      return {type, DataType::kFLOAT, DataType::kBF16};
    case DataType::kBF16:
      return {type, DataType::kFLOAT, DataType::kHALF};
    case DataType::kINT64:
      return {type, DataType::kINT32};
    case DataType::kINT32:
      return {type, DataType::kINT64};
    default:
      return {type};
  }
}

/// The format of the floating point tensors before `end`; of the first, its own.
TensorFormat format_of_all(const std::vector<PluginTensorDesc>& all, size_t end) {
  for (size_t i = 0; i < all.size(); ++i) {
    const bool asked = all[i].type == DataType::kFLOAT || all[i].type == DataType::kHALF ||
                       all[i].type == DataType::kBF16 || all[i].type == DataType::kINT8;
    if (asked && i <= end) return all[i].format;
  }
  return TensorFormat::kLINEAR;
}

}  // namespace

std::vector<DynamicPluginTensorDesc> PluginPart::describe(
    const Shapes& shapes, const std::vector<Choice>& choices) const {
  std::vector<DynamicPluginTensorDesc> out;
  for (const carnot::Dims& dims : shapes.dims) {
    DynamicPluginTensorDesc d{};
    const Choice& choice = choices[out.size()];
    d.desc = {dims_of(dims), choice.type, choice.format, 1.f};
    Dims* const each[] = {&d.min, &d.opt, &d.max};
    for (size_t s = 0; s < 3; ++s) {
      *each[s] = d.desc.dims;
      for (size_t k = 0; k < dims.size(); ++k) {
        const auto size = carnot::evaluate(dims[k], network_.size_ranges()[s]);
        if (size.ok()) each[s]->d[k] = *size;
      }
    }
    out.push_back(d);
  }
  return out;
}

bool PluginPart::supports(int32_t position, const std::vector<DynamicPluginTensorDesc>& all,
                          int32_t inputs) const {
  const auto outputs = static_cast<int32_t>(all.size()) - inputs;
  if (plugin_.v3()) {
    return plugin_.build()->supportsFormatCombination(position, all.data(), inputs, outputs);
  }
  std::vector<PluginTensorDesc> plain;
  for (const DynamicPluginTensorDesc& d : all) plain.push_back(d.desc);
  switch (static_cast<PluginVersion>(plugin_.generation())) {
    case PluginVersion::kV2_DYNAMICEXT:
      return plugin_.as<IPluginV2DynamicExt>()->supportsFormatCombination(position, plain.data(),
                                                                          inputs, outputs);
    case PluginVersion::kV2_IOEXT:
      return plugin_.as<IPluginV2IOExt>()->supportsFormatCombination(position, plain.data(), inputs,
                                                                     outputs);
    default: {
      // These are asked about floating point types only: integers are what they are. All tensors
      // have one format.
      const PluginTensorDesc& asked = plain[static_cast<size_t>(position)];
      const bool fixed = asked.type == DataType::kINT32 || asked.type == DataType::kBOOL ||
                         asked.type == DataType::kINT64;
      if (fixed) return asked.format == TensorFormat::kLINEAR;
      return format_of_all(plain, static_cast<size_t>(position)) == asked.format &&
             plugin_.v2()->supportsFormat(asked.type, asked.format);
    }
  }
}

// As near to the network's as can be: linear tensors before others, its types before their like.
std::vector<PluginPart::Choice> PluginPart::candidates(const carnot::Dims& dims,
                                                       DataType wanted) const {
  const std::vector<DataType> types = types_for(wanted, network_.is_strongly_typed());
  std::vector<Choice> out;
  for (const DataType type : types) out.push_back({type, TensorFormat::kLINEAR});
  for (const DataType type : types) {
    for (const FormatRow& row : format_rows()) {
      const bool has = std::find(row.types.begin(), row.types.end(), type) != row.types.end();
      if (has && why_not_stored(dims, row.format).empty()) out.push_back({type, row.format});
    }
  }
  return out;
}

// Depth first, for an answer may depend on the tensors before.
std::vector<PluginPart::Choice> PluginPart::negotiate(const Shapes& shapes,
                                                      const std::vector<DataType>& wanted) const {
  std::vector<Choice> chosen;
  std::vector<std::vector<Choice>> offers;
  for (size_t i = 0; i < wanted.size(); ++i) {
    chosen.push_back({wanted[i], TensorFormat::kLINEAR});
    offers.push_back(candidates(shapes.dims[i], wanted[i]));
  }
  std::vector<DynamicPluginTensorDesc> all = describe(shapes, chosen);
  const auto inputs = static_cast<int32_t>(shapes.dims.size() - shapes.results.size());
  std::vector<size_t> next(all.size(), 0);
  size_t at = 0, deepest = 0;
  int64_t questions = 0;
  while (at < all.size()) {
    bool found = false;
    for (; !found && next[at] < offers[at].size() && questions < kQuestionsMax; ++next[at]) {
      chosen[at] = offers[at][next[at]];
      all[at].desc.type = chosen[at].type;
      all[at].desc.format = chosen[at].format;
      found = supports(static_cast<int32_t>(at), all, inputs);
      ++questions;
    }
    if (found) {
      ++at;
      deepest = std::max(deepest, at);
      if (at < all.size()) next[at] = 0;
      continue;
    }
    all[at].desc.type = wanted[at];
    all[at].desc.format = TensorFormat::kLINEAR;
    if (at == 0) {
      const auto first = static_cast<size_t>(inputs);
      unsupported("the plugin takes no ", deepest < first ? "input " : "output ",
                  deepest < first ? deepest : deepest - first, " of type ",
                  name_of(wanted[std::min(deepest, wanted.size() - 1)]),
                  " (or of a type near it) in any of the formats that there are for its ",
                  "dimensions, kLINEAR first");
    }
    --at;
  }
  return chosen;
}

void PluginPart::configure(const Plugin& plugin, const std::vector<DynamicPluginTensorDesc>& all,
                           PluginRecord& record) const {
  const int32_t inputs = record.inputs, outputs = static_cast<int32_t>(all.size()) - inputs;
  const auto* const in = all.data();
  const auto* const out = all.data() + inputs;
  if (IPluginV3OneBuild* const build = plugin.v3() ? plugin.build() : nullptr) {
    int32_t status = build->configurePlugin(in, inputs, out, outputs);
    if (status != 0) refuse("configurePlugin() returned ", status);
    record.workspace = static_cast<int64_t>(build->getWorkspaceSize(in, inputs, out, outputs));
    const int32_t count = build->getNbTactics();
    if (count > 0) {
      std::vector<int32_t> tactics(static_cast<size_t>(count), 0);
      status = build->getValidTactics(tactics.data(), count);
      if (status != 0) refuse("getValidTactics() returned ", status);
      record.tactic = tactics[0];
    }
    return;
  }
  std::vector<PluginTensorDesc> plain;
  std::vector<Dims> dims;
  std::vector<DataType> types;
  for (const DynamicPluginTensorDesc& d : all) {
    plain.push_back(d.desc), dims.push_back(d.desc.dims), types.push_back(d.desc.type);
  }
  const std::unique_ptr<bool[]> broadcast(new bool[all.size()]());
  const int32_t batch = legacy_max_batch(&network_.getBuilder());
  switch (static_cast<PluginVersion>(plugin.generation())) {
    case PluginVersion::kV2_DYNAMICEXT:
      return plugin.as<IPluginV2DynamicExt>()->configurePlugin(in, inputs, out, outputs);
    case PluginVersion::kV2_IOEXT:
      return plugin.as<IPluginV2IOExt>()->configurePlugin(plain.data(), inputs,
                                                          plain.data() + inputs, outputs);
    case PluginVersion::kV2_EXT:
      return plugin.as<IPluginV2Ext>()->configurePlugin(
          dims.data(), inputs, dims.data() + inputs, outputs, types.data(), types.data() + inputs,
          broadcast.get(), broadcast.get() + inputs, format_of_all(plain, plain.size()), batch);
    default:
      return plugin.v2()->configureWithFormat(dims.data(), inputs, dims.data() + inputs, outputs,
                                              types.empty() ? DataType::kFLOAT : types[0],
                                              format_of_all(plain, plain.size()), batch);
  }
}

}  // namespace trt
