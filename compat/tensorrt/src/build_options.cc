#include "build_options.h"

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
                        input.name, "' do not fit its dimensions ", text_of(dims_of(dims)),
                        ": sizes that are not -1 there are fixed"));
    }
  }
  return carnot::Profile{shapes[0], shapes[1], shapes[2]};
}

carnot::Result<Ranges> ranges_in(const Network& network, const BuilderConfig& config, size_t p) {
  Ranges out;
  for (const auto& input : network.inputs()) {
    if (!is_dynamic(*input)) {
      if (config.profiles.empty()) continue;
      const auto given = config.profiles[p]->ranges().find(input->name);
      if (given == config.profiles[p]->ranges().end() || !given->second.dims[0]) continue;
      const carnot::Result<carnot::Profile> range = range_of(*input, given->second);
      if (!range.ok()) return range.status();
      continue;
    }
    if (config.profiles.empty()) {
      return Status(
          Code::kInvalidArgument,
          cat("input '", input->name, "' has dimensions ", text_of(dims_of(input->type.dims)),
              ", but no optimization profile has been defined: create one with "
              "createOptimizationProfile(), set its minimum, optimum and maximum, and add "
              "it to the configuration"));
    }
    const auto& ranges = config.profiles[p]->ranges();
    const auto found = ranges.find(input->name);
    if (found == ranges.end() || !found->second.dims[0]) {
      return Status(
          Code::kInvalidArgument,
          cat("optimization profile ", p, " has no dimensions for input '", input->name, "' ",
              text_of(dims_of(input->type.dims)), ": set them with setDimensions()"));
    }
    carnot::Result<carnot::Profile> range = range_of(*input, found->second);
    if (!range.ok()) return range.status();
    out.emplace(input->name, std::move(*range));
  }
  return out;
}

bool same(const Ranges& a, const Ranges& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.first == y.first && x.second.min == y.second.min &&
                  x.second.opt == y.second.opt && x.second.max == y.second.max;
         });
}

}  // namespace

carnot::Result<std::vector<Ranges>> ranges_of(const Network& network, const BuilderConfig& config,
                                              std::vector<int32_t>& parts) {
  std::vector<Ranges> out;
  for (size_t p = 0; p < std::max<size_t>(config.profiles.size(), 1); ++p) {
    carnot::Result<Ranges> ranges = ranges_in(network, config, p);
    if (!ranges.ok()) return std::move(ranges).status();
    const auto known =
        std::find_if(out.begin(), out.end(), [&](const Ranges& r) { return same(r, *ranges); });
    parts.push_back(static_cast<int32_t>(known - out.begin()));
    if (known == out.end()) out.push_back(std::move(*ranges));
  }
  return out;
}

Network::Sizes fixed_sizes(const Network& network, const Ranges& ranges) {
  Network::Sizes out;
  std::set<std::string> open;  // where inputs disagree
  for (const auto& input : network.inputs()) {
    const auto range = ranges.find(input->name);
    if (range == ranges.end()) continue;
    const auto& [min, opt, max] = range->second;
    for (size_t i = 0; i < input->type.dims.size(); ++i) {
      const auto symbol = input->type.dims[i].as_symbol();
      if (!symbol) continue;
      const auto [at, fresh] = out.emplace(*symbol, carnot::Dim(min[i]));
      if (min[i] != max[i] || (!fresh && !at->second.is(min[i]))) open.insert(*symbol);
    }
  }
  for (const std::string& symbol : open) out.erase(symbol);
  return out;
}

bool has_precision_constraints(const Network& network, const BuilderConfig& config) {
  return !network.is_strongly_typed() &&
         (config.getFlag(BuilderFlag::kOBEY_PRECISION_CONSTRAINTS) ||
          config.getFlag(BuilderFlag::kPREFER_PRECISION_CONSTRAINTS));
}

namespace {

/// INT8 is a permission, for which there are no faster kernels here.
Status check_int8(Network& network, const BuilderConfig& config, const Reporter& reporter,
                  const std::string& otherwise) {
  std::vector<std::string> wanted;
  for (const auto& layer : network.layers()) {
    if (layer->precision == DataType::kINT8) wanted.push_back(layer->name);
  }
  const std::string of_layers = wanted.empty() ? ""
                                               : cat(", '", wanted[0], "' and ", wanted.size() - 1,
                                                     " others set to INT8 among them,");
  if (!wanted.empty() && config.getFlag(BuilderFlag::kOBEY_PRECISION_CONSTRAINTS)) {
    return Status(Code::kUnsupported,
                  cat("layer '", wanted[0], "' (and ", wanted.size() - 1,
                      " others) must compute in INT8, for kOBEY_PRECISION_CONSTRAINTS is set, but "
                      "there are no INT8 kernels for ranges: set kPREFER_PRECISION_CONSTRAINTS, or "
                      "have QuantizeLinear and DequantizeLinear in the model"));
  }
  if (!config.getFlag(BuilderFlag::kINT8) || network.is_quantized()) return {};
  const auto is_ranged = [](const auto& tensor) { return tensor->dynamicRangeIsSet(); };
  const bool ranged =
      std::any_of(network.inputs().begin(), network.inputs().end(), is_ranged) ||
      std::any_of(network.layers().begin(), network.layers().end(), [&](const auto& layer) {
        return std::any_of(layer->outputs.begin(), layer->outputs.end(), is_ranged);
      });
  if (!config.getInt8Calibrator() && !ranged) {
    reporter.warning(
        "Calibrator is not being used. Users must provide dynamic range for all tensors that are "
        "not Int32 or Bool: no tensor has one");
  }
  reporter.warning(
      cat("kINT8: layers", of_layers, " run in FP32", otherwise,
          " all the same, for there are no faster INT8 kernels here: ranges, "
          "calibrated or set, change no result but of inputs and outputs that are "
          "INT8 themselves. A model with QuantizeLinear and DequantizeLinear keeps its "
          "own quantization"));
  return {};
}

}  // namespace

Status set_precisions(Network& network, const BuilderConfig& config, const Reporter& reporter,
                      carnot::BuilderOptions& options) {
  const bool f16 = config.getFlag(BuilderFlag::kFP16), bf16 = config.getFlag(BuilderFlag::kBF16);
  if (network.is_strongly_typed()) {
    if (f16 || bf16 || config.getFlag(BuilderFlag::kINT8)) {
      reporter.warning(
          "the network is strongly typed: kFP16, kBF16 and kINT8 have no effect, its tensors keep "
          "their types");
    }
    return {};
  }
  const std::string otherwise = cat(f16 ? " or FP16" : "", bf16 ? " or BF16" : "");
  Status possible = check_int8(network, config, reporter, otherwise);
  if (!possible.ok()) return possible;
  if (f16 || bf16) options.storage = f16 ? carnot::DType::kF16 : carnot::DType::kBF16;
  if (!has_precision_constraints(network, config)) return {};
  for (const auto& layer : network.layers()) {
    if (layer->precision != DataType::kFLOAT) continue;
    const auto& origin = layer->origin;
    options.keep_f32.insert(options.keep_f32.end(), origin.begin(), origin.end());
    if (origin.empty()) options.keep_f32.push_back(layer->name);
  }
  return {};
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

SizeRanges size_ranges_of(const Network& network,
                          const std::map<std::string, carnot::Profile>& profiles) {
  SizeRanges out;
  for (const auto& input : network.inputs()) {
    const auto found = profiles.find(input->name);
    if (found == profiles.end()) continue;
    const carnot::Shape* const shapes[] = {&found->second.min, &found->second.opt,
                                           &found->second.max};
    for (size_t s = 0; s < 3; ++s) {
      for (size_t i = 0; i < shapes[s]->size(); ++i) {
        const auto symbol = input->type.dims[i].as_symbol();
        if (symbol) out[s].emplace(*symbol, (*shapes[s])[i]);
      }
    }
  }
  return out;
}

PlanFacts facts_of(const Network& network, const BuilderConfig& config) {
  PlanFacts facts;
  facts.name = network.getName();
  facts.capability = config.settings.capability;
  facts.streams_weights = config.getFlag(BuilderFlag::kWEIGHT_STREAMING);
  facts.verbosity = config.settings.verbosity;
  if (facts.verbosity == ProfilingVerbosity::kDETAILED) facts.layers = layer_facts_of(network);
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
  return facts;
}

}  // namespace trt
