#include "inspector.h"

#include <algorithm>
#include <cstdio>

#include "timing_cache.h"

namespace trt {

namespace {

using Attributes = std::vector<std::pair<const char*, std::string>>;

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

/// Whether a convolution's kernel has the channels of this operand last.
bool has_channels_last(const Dims& dims, const LayerWords& words) {
  const int64_t last = dims.nbDims > 2 ? dims.d[dims.nbDims - 1] : 0;
  return last > 0 && dims.d[1] != last && (last == words.channels || last == words.maps);
}

std::string tensors(const std::vector<carnot::TensorInfo>& list,
                    const std::set<std::string>& channels_last) {
  std::string out = "[";
  for (const carnot::TensorInfo& info : list) {
    const auto type = data_type_of(info.type.dtype);
    Dims dims = dims_of(info.type.dims);
    if (dims.nbDims > 2 && channels_last.count(info.name) > 0) {  // as the network has them
      std::rotate(dims.d + 1, dims.d + dims.nbDims - 1, dims.d + dims.nbDims);
    }
    out += cat(out.size() > 1 ? ", {" : "{",
               "\"Name\": ", quoted(std::string(network_name(info.name))),
               ", \"Location\": \"Device\", \"Dimensions\": ",
               dims.nbDims < 0 ? "[]" : carnot::to_string(ints_of(dims)), ", \"Format/Datatype\": ",
               quoted(type ? name_of(*type) : carnot::to_string(info.type.dtype)), "}");
  }
  return out + "]";
}

/// TensorRT tells of a layer's largest constant as its weights, of another as its bias. Those that
/// a kernel has in an order of its own are bytes, told as elements of what it computes with.
void add_constants(const carnot::StepInfo& step, Attributes& out) {
  std::vector<std::pair<int64_t, std::string>> sized;
  for (const carnot::TensorInfo& info : step.weights) {
    int64_t count = 1;
    for (const carnot::Dim& d : info.type.dims) count *= d.is_constant() ? d.value() : 0;
    carnot::DType dtype = info.type.dtype;
    const bool bytes = dtype == carnot::DType::kU8 && info.type.rank() == 1;
    if (bytes && !step.inputs.empty() && carnot::is_float(step.inputs[0].type.dtype)) {
      dtype = step.inputs[0].type.dtype;
      count = count * 8 / static_cast<int64_t>(carnot::bits_of(dtype));
    }
    const auto type = data_type_of(dtype);
    sized.emplace_back(count, type ? name_of(*type) : carnot::to_string(dtype));
  }
  std::stable_sort(sized.begin(), sized.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; i < std::min<size_t>(sized.size(), 2); ++i) {
    out.emplace_back(i == 0 ? "Weights" : "Bias", cat("{\"Type\": ", quoted(sized[i].second),
                                                      ", \"Count\": ", sized[i].first, "}"));
  }
}

/// One object, or a line of the same.
std::string text_of(const Attributes& attributes, bool json) {
  std::string out;
  for (const auto& [key, value] : attributes) {
    if (json) {
      out += cat(out.empty() ? "{" : ", ", '"', key, "\": ", value);
    } else {
      const bool is_text = value.size() > 1 && value[0] == '"';
      out += cat(out.empty() ? "" : ", ", key, ": ",
                 is_text ? value.substr(1, value.size() - 2) : value);
    }
  }
  return json ? out + "}" : out;
}

}  // namespace

EngineInspector::EngineInspector(PlanPtr plan, const Reporter& reporter)
    : plan_(std::move(plan)), reporter_(reporter) {
  mImpl = this;
  for (const carnot::StepInfo& step : plan_->first().steps) {
    const LayerWords words = words_of(step, plan_->facts.layers);
    for (const auto* list : {&step.inputs, &step.outputs}) {
      for (const carnot::TensorInfo& info : *list) {
        if (has_channels_last(dims_of(info.type.dims), words)) channels_last_.insert(info.name);
      }
    }
  }
}

std::string EngineInspector::layer(size_t index, bool json) const {
  const carnot::StepInfo& step = plan_->first().steps[index];
  const std::string& name = plan_->first().layer_names[index];
  if (plan_->facts.verbosity != ProfilingVerbosity::kDETAILED) return json ? quoted(name) : name;
  const LayerWords words = words_of(step, plan_->facts.layers);
  std::string origins;
  for (const std::string& o : step.origin) origins += cat("[ONNX Layer: ", o, "]");
  const std::string workspace = carnot::to_string(step.scratch_bytes);
  char tactic[24];
  std::snprintf(tactic, sizeof tactic, "\"0x%016llx\"",
                static_cast<unsigned long long>(tactic_hash(step.tactic)));
  Attributes out = {{"Name", quoted(name)},
                    {"LayerType", quoted(words.type)},
                    {"Inputs", tensors(step.inputs, channels_last_)},
                    {"Outputs", tensors(step.outputs, channels_last_)}};
  out.insert(out.end(), words.attributes.begin(), words.attributes.end());
  add_constants(step, out);
  const bool known = step.scratch_bytes.is_constant();
  const Attributes rest = {{"TacticName", quoted(step.tactic)},
                           {"TacticValue", tactic},
                           {"WorkspaceBytes", known ? workspace : quoted(workspace)},
                           {"StreamId", "0"},
                           {"Metadata", quoted(origins)}};
  out.insert(out.end(), rest.begin(), rest.end());
  return text_of(out, json);
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
