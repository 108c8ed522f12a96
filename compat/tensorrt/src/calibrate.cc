// Calibration in the order that TensorRT has it: read the cache, else ask for batches until there
// are no more, run the network on each, and write the cache.
#include "calibrate.h"

#include <chrono>
#include <cmath>
#include <cstring>

#include "calibration_table.h"
#include "value_histogram.h"

namespace trt {

namespace {

using carnot::Code;
using carnot::Result;
using carnot::Status;

constexpr float kSteps = 127;
/// Of what is looked at in one run: more is looked at in several runs of the same batch.
constexpr int64_t kShownBytesMax = int64_t{1} << 30;
/// The first line of the histograms that a legacy calibrator keeps.
constexpr std::string_view kHistogramsHeader = "carnot histograms 1";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The range, of which a scale is one step of 127. Any range is right for nothing but zeros.
float scale_of(double range) {
  const auto scale = static_cast<float>(range / kSteps);
  return std::isnormal(scale) ? scale : 1 / kSteps;
}

double greatest(const Weights& weights) {
  const Result<carnot::Tensor> all = tensor_of(weights, {weights.count});
  double most = 0;
  for (int64_t i = 0; all.ok() && i < all->elements(); ++i) {
    const double m = std::fabs(all->get(i));
    if (std::isfinite(m)) most = std::max(most, m);
  }
  return most;
}

class Calibration {
 public:
  Calibration(Network& network, const BuilderConfig& config, const Reporter& reporter,
              const BuildPlan& build)
      : network_(network),
        config_(config),
        reporter_(reporter),
        build_(build),
        calibrator_(*config.getInt8Calibrator()),
        algorithm_(calibrator_.getAlgorithm()),
        measured_(network.measured_tensors()) {}
  Calibration(const Calibration&) = delete;
  Calibration& operator=(const Calibration&) = delete;
  ~Calibration() { network_.observe(nullptr); }

  Status run() {
    if (read_cache()) return {};
    histograms_.resize(measured_.size());
    if (!read_histograms()) {
      const Status status = measure();
      if (!status.ok()) return status;
      write_histograms();
    }
    const auto start = std::chrono::steady_clock::now();
    const CalibrationTable table = make_table();
    reporter_.info(
        cat("  Post Processing Calibration data in ", seconds_since(start), " seconds."));
    reporter_.info(cat("Writing Calibration Cache for calibrator: ", table.header));
    const std::string text = print(table);
    calibrator_.writeCalibrationCache(text.data(), text.size());
    return {};
  }

 private:
  bool read_cache() {
    size_t length = 0;
    const void* const cache = calibrator_.readCalibrationCache(length);
    if (!cache || length == 0) return false;
    const std::string name = name_of(algorithm_);
    reporter_.info(cat("Reading Calibration Cache for calibrator: ", name));
    const CalibrationTable table =
        parse_calibration_table({static_cast<const char*>(cache), length});
    if (table.scales.empty()) {
      reporter_.warning("the calibration cache has no scales: the calibrator is asked for batches");
      return false;
    }
    const std::string& header = table.header;
    const bool known =
        header.rfind("TRT-", 0) == 0 && header.size() > name.size() &&
        header.compare(header.size() - name.size() - 1, std::string::npos, "-" + name) == 0;
    if (!known) {
      reporter_.warning(
          cat("Calibration table does not match calibrator algorithm type: its first "
              "line is '",
              header, "', the calibrator's algorithm is ", name,
              "; its scales are taken all the same"));
    }
    if (table.unreadable > 0) {
      reporter_.warning(cat(table.unreadable,
                            " lines of the calibration cache are no 'name: scale in hexadecimal'"));
    }
    reporter_.info(
        "Scales come from the calibration cache: remove it to calibrate with batches again");
    for (const NetTensor* tensor : measured_) {
      if (table.scales.count(tensor->name) > 0 || tensor->dynamicRangeIsSet()) continue;
      reporter_.warning(cat("Missing scale and zero-point for tensor ", tensor->name,
                            ", expect fall back to non-int8 implementation for any layer "
                            "consuming or producing given tensor"));
    }
    return true;
  }

  IInt8LegacyCalibrator* legacy() const {
    return algorithm_ == CalibrationAlgoType::kLEGACY_CALIBRATION
               ? dynamic_cast<IInt8LegacyCalibrator*>(&calibrator_)
               : nullptr;
  }

  bool read_histograms() {
    size_t length = 0;
    const void* const cache = legacy() ? legacy()->readHistogramCache(length) : nullptr;
    if (!cache || length == 0) return false;
    std::istringstream in(std::string(static_cast<const char*>(cache), length));
    std::string name, line;
    std::getline(in, line);
    if (line != kHistogramsHeader) return false;
    std::map<std::string, ValueHistogram> known;
    while (std::getline(in, name) && std::getline(in, line)) {
      const auto histogram = ValueHistogram::parse(line);
      if (histogram) known.emplace(name, *histogram);
    }
    for (size_t i = 0; i < measured_.size(); ++i) {
      const auto found = known.find(measured_[i]->name);
      if (found == known.end()) return false;
      histograms_[i] = found->second;
    }
    reporter_.info("Histograms come from the calibrator's cache of them");
    return true;
  }

  void write_histograms() {
    if (!legacy()) return;
    std::string text = cat(kHistogramsHeader, '\n');
    for (size_t i = 0; i < measured_.size(); ++i) {
      text += cat(measured_[i]->name, '\n', histograms_[i].print(), '\n');
    }
    legacy()->writeHistogramCache(text.data(), text.size());
  }

  /// The batches' sizes: what the calibration profile, else the first, is best for.
  Result<carnot::Symbols> choose_sizes() {
    const auto* given =
        static_cast<const OptimizationProfile*>(config_.settings.calibration_profile);
    const auto is_dynamic = [](const auto& input) { return !input->type.is_static(); };
    const auto& inputs = network_.inputs();
    const bool dynamic = std::any_of(inputs.begin(), inputs.end(), is_dynamic);
    if (!given && !config_.profiles.empty()) {
      given = config_.profiles[0].get();
      if (dynamic) {
        reporter_.warning("Calibration Profile is not defined. Running calibration with Profile 0");
      }
    }
    carnot::Symbols symbols;
    for (const auto& input : inputs) {
      const auto range =
          given ? given->ranges().find(input->name) : decltype(given->ranges().end())();
      const bool has = given && range != given->ranges().end();
      if (has) copy_likely(*input, range->second);
      if (!is_dynamic(input)) continue;
      if (!has || !range->second.dims[1] ||
          range->second.dims[1]->nbDims != static_cast<int32_t>(input->type.dims.size())) {
        return Status(
            Code::kInvalidArgument,
            cat("input '", input->name, "' has dimensions ", text_of(dims_of(input->type.dims)),
                ", for which the profile of the calibration has none: set them and "
                "give it to setCalibrationProfile()"));
      }
      const auto sizes = ints_of(*range->second.dims[1]);
      for (size_t i = 0; i < sizes.size(); ++i) {
        const auto symbol = input->type.dims[i].as_symbol();
        if (symbol) symbols.emplace(*symbol, sizes[i]);
      }
    }
    return symbols;
  }

  void copy_likely(const NetTensor& input, const OptimizationProfile::Range& range) {
    for (const auto select :
         {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
      const char* const name = input.name.c_str();
      if (range.dims[1]) profile_.setDimensions(name, select, *range.dims[1]);
      const auto& values = range.values[1];
      if (!values.empty()) {
        profile_.setShapeValuesV2(name, select, values.data(), static_cast<int32_t>(values.size()));
      }
    }
  }

  struct Look {
    std::vector<NetTensor*> tensors;
    std::vector<size_t> places;  ///< in measured_
    PlanPtr plan;
    std::optional<carnot::Context> context;
  };

  /// Engines that show all tensors between them.
  Status make_looks(const carnot::Symbols& sizes) {
    int64_t bytes = kShownBytesMax;
    for (size_t i = 0; i < measured_.size(); ++i) {
      const Result<Handle> value = network_.probe(*measured_[i]);
      if (!value.ok()) return value.status();
      int64_t shown = 4;
      for (const carnot::Dim& d : network_.probed().dims(*value)) {
        const Result<int64_t> size = carnot::evaluate(d, sizes);
        if (size.ok()) shown = std::min(shown, kShownBytesMax) * std::max<int64_t>(*size, 1);
      }
      if (looks_.empty() || bytes + shown > kShownBytesMax) looks_.emplace_back(), bytes = 0;
      looks_.back().tensors.push_back(measured_[i]);
      looks_.back().places.push_back(i);
      bytes += shown;
    }
    for (Look& look : looks_) {
      network_.observe(&look.tensors);
      Result<PlanPtr> plan = build_(profile_);
      network_.observe(nullptr);
      if (!plan.ok()) return std::move(plan).status().with("building what calibration runs");
      look.plan = std::move(*plan);
      Result<carnot::Context> context = look.plan->make_context(look.plan->first());
      if (!context.ok()) return std::move(context).status();
      look.context.emplace(std::move(*context));
      // Batches may still be on their way there, in the builder's stream or the null one.
      cudaStream_t const stream = config_.settings.stream;
      auto* const legacy = reinterpret_cast<cudaStream_t>(uintptr_t{1});
      if (!is_gpu(look.plan->device)) continue;
      const Status follows = look.context->set_stream(stream ? stream : legacy);
      if (!follows.ok()) return follows;
    }
    return {};
  }

  Status measure() {
    const auto start = std::chrono::steady_clock::now();
    const Result<carnot::Symbols> sizes = choose_sizes();
    if (!sizes.ok()) return sizes.status();
    const int32_t batch = calibrator_.getBatchSize();
    const bool samples = network_.hasImplicitBatchDimension();
    if (samples && batch < 1) {
      return Status(Code::kInvalidArgument,
                    cat("the calibrator's batches have ", batch, " samples, need at least 1"));
    }
    reporter_.info(cat("Starting Calibration with batch size ", batch, "."));
    const Status made = make_looks(*sizes);
    if (!made.ok()) return made;
    std::vector<const char*> names;
    for (const auto& input : network_.inputs()) names.push_back(input->name.c_str());
    std::vector<void*> addresses(names.size(), nullptr);
    int count = 0;
    for (;; ++count) {
      const auto began = std::chrono::steady_clock::now();
      if (!calibrator_.getBatch(addresses.data(), names.data(),
                                static_cast<int32_t>(names.size()))) {
        break;
      }
      for (int32_t sample = 0; sample < (samples ? batch : 1); ++sample) {
        const Status ran = run_batch(*sizes, addresses, sample);
        if (!ran.ok()) return Status(ran).with(cat("calibrating with batch ", count));
      }
      reporter_.info(cat("  Calibrated batch ", count, " in ", seconds_since(began), " seconds."));
    }
    if (count == 0) {
      return Status(Code::kInvalidArgument,
                    "Calibration failure occurred with no scaling factors detected: the "
                    "calibrator has neither a cache nor a batch; getBatch() must give the inputs' "
                    "addresses and true at least once");
    }
    reporter_.info(cat("Calibration completed in ", seconds_since(start), " seconds."));
    return {};
  }

  Status run_batch(const carnot::Symbols& sizes, const std::vector<void*>& addresses,
                   int32_t sample) {
    for (Look& look : looks_) {
      for (size_t i = 0; i < addresses.size(); ++i) {
        const NetTensor& input = *network_.inputs()[i];
        if (!addresses[i]) {
          return Status(Code::kInvalidArgument,
                        cat("getBatch() gave no address for input '", input.name, "'"));
        }
        carnot::Shape shape;
        for (const carnot::Dim& d : input.type.dims) {
          const Result<int64_t> size = carnot::evaluate(d, sizes);
          if (!size.ok()) return size.status();
          shape.push_back(*size);
        }
        const auto bits = static_cast<int64_t>(carnot::bits_of(input.type.dtype));
        const auto* const data = static_cast<const std::byte*>(addresses[i]) +
                                 sample * ((carnot::volume(shape) * bits + 7) / 8);
        const Status set = look.context->set_input(input.name, data, std::move(shape));
        if (!set.ok()) return set;
      }
      const Status ran = look.context->run();
      if (!ran.ok()) return ran;
      for (size_t i = 0; i < look.places.size(); ++i) {
        const Result<carnot::Tensor> value = look.context->output(cat(kDebugPrefix, i));
        if (!value.ok()) return value.status();
        add(histograms_[look.places[i]], *value);
      }
    }
    return {};
  }

  static void add(ValueHistogram& histogram, const carnot::Tensor& value) {
    const auto count = static_cast<size_t>(value.elements());
    if (value.dtype() == carnot::DType::kF32 && !value.is_splat()) {
      return histogram.add({value.as<float>(), count});
    }
    std::vector<float> wide(count);
    for (size_t i = 0; i < count; ++i) {
      wide[i] = static_cast<float>(value.get(static_cast<int64_t>(i)));
    }
    histogram.add(wide);
  }

  double range_of(const ValueHistogram& histogram) const {
    switch (algorithm_) {
      case CalibrationAlgoType::kMINMAX_CALIBRATION:
        return histogram.max();
      case CalibrationAlgoType::kLEGACY_CALIBRATION:
        return legacy() ? histogram.quantile(legacy()->getQuantile()) : histogram.max();
      case CalibrationAlgoType::kENTROPY_CALIBRATION:
      case CalibrationAlgoType::kENTROPY_CALIBRATION_2:
        break;
    }
    return histogram.entropy_range();
  }

  CalibrationTable make_table() const {
    CalibrationTable table;
    table.header = calibration_header(algorithm_);
    for (size_t i = 0; i < measured_.size(); ++i) {
      table.scales[measured_[i]->name] = scale_of(range_of(histograms_[i]));
    }
    for (const auto& layer : network_.layers()) {
      if (layer->kind != LayerType::kCONSTANT) continue;
      const Weights weights = static_cast<IConstantLayer*>(layer->face())->getWeights();
      const auto dtype = dtype_of(weights.type);
      if (!dtype || !carnot::is_float(*dtype) || !weights.values) continue;
      table.scales[layer->outputs[0]->name] = scale_of(greatest(weights));
    }
    return table;
  }

  Network& network_;
  const BuilderConfig& config_;
  const Reporter& reporter_;
  const BuildPlan& build_;
  IInt8Calibrator& calibrator_;
  const CalibrationAlgoType algorithm_;
  const std::vector<NetTensor*> measured_;
  std::vector<ValueHistogram> histograms_;  ///< parallel to measured_
  OptimizationProfile profile_{reporter_};
  std::vector<Look> looks_;
};

}  // namespace

Status calibrate(Network& network, const BuilderConfig& config, const Reporter& reporter,
                 const BuildPlan& build) {
  if (!config.getFlag(BuilderFlag::kINT8) || !config.getInt8Calibrator()) return {};
  if (network.is_strongly_typed()) return {};
  if (network.is_quantized()) {
    reporter.warning(
        "Calibrator won't be used in explicit quantization mode: the network's own quantizing "
        "layers say what is INT8");
    return {};
  }
  return Calibration(network, config, reporter, build).run().with("calibration");
}

}  // namespace trt
