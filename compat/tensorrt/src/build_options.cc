#include "build_options.h"

#include "plan_facts.h"

namespace trt {

namespace {

using carnot::Code;
using carnot::Status;

bool is_dynamic(const NetTensor& input) {
  return !input.type.is_static();
}

/// Sizes of one input in one profile, checked against the network's.
carnot::Result<carnot::Profile> range_of(const NetTensor& input,
                                         const OptimizationProfile::Range& range) {
  carnot::Shape shapes[3];
  for (int s = 0; s < 3; ++s) {
    shapes[s] = ints_of(*range.dims[s]);
    const carnot::Dims& dims = input.type.dims;
    bool fits = shapes[s].size() == dims.size();
    for (size_t i = 0; fits && i < dims.size(); ++i) {
      fits = !dims[i].is_constant() || dims[i].value() == shapes[s][i];
    }
    if (!fits) {
      return Status(Code::kInvalidArgument,
                    cat("the profile's sizes ", carnot::to_string(shapes[s]), " for input '",
                        input.name, "' do not fit its dimensions ", text_of(dims_of(dims))));
    }
  }
  return carnot::Profile{shapes[0], shapes[1], shapes[2]};
}

void widen(carnot::Profile& into, const carnot::Profile& with) {
  for (size_t i = 0; i < into.min.size(); ++i) {
    into.min[i] = std::min(into.min[i], with.min[i]);
    into.max[i] = std::max(into.max[i], with.max[i]);
  }
}

}  // namespace

carnot::Result<std::map<std::string, carnot::Profile>> profiles_of(const Network& network,
                                                                   const BuilderConfig& config) {
  std::map<std::string, carnot::Profile> out;
  for (const auto& input : network.inputs()) {
    if (!is_dynamic(*input)) continue;
    if (config.profiles.empty()) {
      return Status(
          Code::kInvalidArgument,
          cat("input '", input->name, "' has dimensions ", text_of(dims_of(input->type.dims)),
              ", but no optimization profile has been defined: create one with "
              "createOptimizationProfile(), set its minimum, optimum and maximum, and add "
              "it to the configuration"));
    }
    for (size_t p = 0; p < config.profiles.size(); ++p) {
      const auto& ranges = config.profiles[p]->ranges();
      const auto found = ranges.find(input->name);
      if (found == ranges.end() || !found->second.dims[0]) {
        return Status(
            Code::kInvalidArgument,
            cat("optimization profile ", p, " has no dimensions for input '", input->name, "'"));
      }
      carnot::Result<carnot::Profile> range = range_of(*input, found->second);
      if (!range.ok()) return range.status();
      const auto [at, first] = out.emplace(input->name, *range);
      if (!first) widen(at->second, *range);
    }
  }
  return out;
}

bool has_precision_constraints(const Network& network, const BuilderConfig& config) {
  return !network.is_strongly_typed() &&
         (config.getFlag(BuilderFlag::kOBEY_PRECISION_CONSTRAINTS) ||
          config.getFlag(BuilderFlag::kPREFER_PRECISION_CONSTRAINTS));
}

void set_precisions(const Network& network, const BuilderConfig& config, const Reporter& reporter,
                    carnot::BuilderOptions& options) {
  const bool f16 = config.getFlag(BuilderFlag::kFP16), bf16 = config.getFlag(BuilderFlag::kBF16);
  const bool int8 = config.getFlag(BuilderFlag::kINT8);
  if (network.is_strongly_typed()) {
    if (f16 || bf16 || int8) {
      reporter.warning(
          "the network is strongly typed: kFP16, kBF16 and kINT8 have no effect, its tensors keep "
          "their types");
    }
    return;
  }
  if (int8) {
    reporter.warning(
        cat("kINT8: no layer was chosen to run in INT8; it runs in FP32", f16 ? " or FP16" : "",
            bf16 ? " or BF16" : "",
            config.getInt8Calibrator() ? ", and the calibrator is not asked. " : ". ",
            "A model with QuantizeLinear and DequantizeLinear keeps its own quantization"));
  }
  if (f16 || bf16) options.storage = f16 ? carnot::DType::kF16 : carnot::DType::kBF16;
  if (!has_precision_constraints(network, config)) return;
  for (const auto& layer : network.layers()) {
    if (layer->precision != DataType::kFLOAT) continue;
    const auto& origin = layer->origin;
    options.keep_f32.insert(options.keep_f32.end(), origin.begin(), origin.end());
    if (origin.empty()) options.keep_f32.push_back(layer->name);
  }
}

carnot::Status check_devices(const BuilderConfig& config) {
  bool dla = config.settings.default_device == DeviceType::kDLA ||
             config.settings.capability == EngineCapability::kDLA_STANDALONE;
  for (const auto& [layer, type] : config.settings.devices) dla = dla || type == DeviceType::kDLA;
  if (!dla) return {};
  return Status(Code::kUnsupported,
                "layers are to run on a DLA core, of which this machine has none: use "
                "DeviceType::kGPU and EngineCapability::kSTANDARD");
}

std::map<std::string, std::string> facts_of(const Network& network, const BuilderConfig& config) {
  PlanFacts facts;
  facts.name = network.getName();
  facts.capability = config.settings.capability;
  facts.verbosity = config.settings.verbosity;
  facts.hardware = config.settings.hardware;
  facts.tactic_sources = config.settings.tactic_sources;
  if (network.hasImplicitBatchDimension()) {
    facts.batch_max = legacy_max_batch(&network.getBuilder());
  }
  for (const auto& input : network.inputs()) {
    if (network.feeds_a_shape(*input)) facts.shape_tensors.push_back(input->name);
  }
  facts.profiles.resize(std::max<size_t>(config.profiles.size(), 1));
  for (size_t p = 0; p < config.profiles.size(); ++p) {
    for (const auto& [name, range] : config.profiles[p]->ranges()) {
      for (int s = 0; s < 3; ++s) {
        if (range.dims[s]) facts.profiles[p].dims[s][name] = ints_of(*range.dims[s]);
        if (!range.values[s].empty()) facts.profiles[p].values[s][name] = range.values[s];
      }
    }
  }
  return write(facts);
}

}  // namespace trt
