#include "inspector.h"

#include <algorithm>

namespace trt {

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') {
      out += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\u%04x", static_cast<unsigned>(c));
      out += hex;
    }
  }
  return out + '"';
}

/// As the network has it: debug tensors have names of their own as outputs.
std::string_view network_name(std::string_view name) {
  for (const std::string_view prefix : {kDebugPrefix, kUnfusedPrefix}) {
    if (name.rfind(prefix, 0) == 0) name.remove_prefix(prefix.size());
  }
  return name;
}

std::string tensors(const std::vector<carnot::TensorInfo>& list) {
  std::string out = "[";
  for (const carnot::TensorInfo& info : list) {
    const auto type = data_type_of(info.type.dtype);
    const Dims dims = dims_of(info.type.dims);
    out += cat(out.size() > 1 ? ", {" : "{",
               "\"Name\": ", quoted(std::string(network_name(info.name))),
               ", \"Location\": \"Device\", \"Dimensions\": ",
               dims.nbDims < 0 ? "[]" : carnot::to_string(ints_of(dims)), ", \"Format/Datatype\": ",
               quoted(type ? name_of(*type) : carnot::to_string(info.type.dtype)), "}");
  }
  return out + "]";
}

/// TensorRT tells of a layer's largest constant as its weights, of another as its bias.
std::string constants(const std::vector<carnot::TensorInfo>& list) {
  std::vector<std::pair<int64_t, std::string>> sized;
  for (const carnot::TensorInfo& info : list) {
    int64_t count = 1;
    for (const carnot::Dim& d : info.type.dims) count *= d.is_constant() ? d.value() : 0;
    const auto type = data_type_of(info.type.dtype);
    sized.emplace_back(count, type ? name_of(*type) : carnot::to_string(info.type.dtype));
  }
  std::stable_sort(sized.begin(), sized.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(sized.size(), 2); ++i) {
    out += cat(i == 0 ? ", \"Weights\"" : ", \"Bias\"", ": {\"Type\": ", quoted(sized[i].second),
               ", \"Count\": ", sized[i].first, "}");
  }
  return out;
}

}  // namespace

std::string EngineInspector::layer(size_t index, bool json) const {
  const carnot::StepInfo& step = plan_->first().steps[index];
  const std::string& name = plan_->first().layer_names[index];
  if (plan_->facts.verbosity != ProfilingVerbosity::kDETAILED) return json ? quoted(name) : name;
  const std::string kind = step.tactic.substr(0, step.tactic.find('['));
  const std::string workspace = carnot::to_string(step.scratch_bytes);
  if (!json) {
    return cat("Name: ", name, ", LayerType: ", kind, ", TacticName: ", step.tactic,
               ", WorkspaceBytes: ", workspace);
  }
  std::string origins;
  for (const std::string& o : step.origin) origins += cat("[ONNX Layer: ", o, "]");
  return cat(
      "{\"Name\": ", quoted(name), ", \"LayerType\": ", quoted(kind),
      ", \"Inputs\": ", tensors(step.inputs), ", \"Outputs\": ", tensors(step.outputs),
      constants(step.weights), ", \"TacticName\": ", quoted(step.tactic),
      ", \"WorkspaceBytes\": ", step.scratch_bytes.is_constant() ? workspace : quoted(workspace),
      ", \"StreamId\": 0, \"Metadata\": ", quoted(origins), "}");
}

char const* EngineInspector::getLayerInformation(int32_t index,
                                                 LayerInformationFormat format) const noexcept {
  const char* const call = "IEngineInspector::getLayerInformation";
  const char* const none = "";
  return reporter_.guard(call, none, [&] {
    if (index < 0 || static_cast<size_t>(index) >= plan_->first().steps.size()) {
      reporter_.misuse(call, cat("layer ", index, " is not one of ", plan_->first().steps.size()));
      return none;
    }
    if (plan_->facts.verbosity == ProfilingVerbosity::kNONE) return none;
    text_ = layer(static_cast<size_t>(index), format == LayerInformationFormat::kJSON);
    return text_.c_str();
  });
}

char const* EngineInspector::getEngineInformation(LayerInformationFormat format) const noexcept {
  const char* const none = "";
  return reporter_.guard("IEngineInspector::getEngineInformation", none, [&] {
    const bool json = format == LayerInformationFormat::kJSON;
    const bool silent = plan_->facts.verbosity == ProfilingVerbosity::kNONE;
    std::string out = json ? "{\"Layers\": [" : "Layers:\n";
    for (size_t i = 0; !silent && i < plan_->first().steps.size(); ++i) {
      if (json) out += i ? ",\n" : "";
      out += layer(i, json);
      if (!json) out += '\n';
    }
    out += json ? "],\n\"Bindings\": [" : "Bindings:\n";
    for (size_t i = 0; i < plan_->tensors.size(); ++i) {
      const std::string& name = plan_->tensors[i].name;
      out += json ? cat(i ? ", " : "", quoted(name)) : cat(name, '\n');
    }
    if (json) out += "]}";
    text_ = std::move(out);
    return text_.c_str();
  });
}

}  // namespace trt
