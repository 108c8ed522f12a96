#include "algorithms.h"

#include <cctype>
#include <cstdio>

namespace trt {

namespace {

using carnot::Code;
using carnot::KernelCandidate;
using carnot::KernelCandidates;
using carnot::Status;

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%016llx", static_cast<unsigned long long>(value));
  return text;
}

/// A time that is known, else what the cost model thinks.
double ms_of(const KernelCandidate& c) {
  return (c.measured_us > 0 ? c.measured_us : c.predicted_us) / 1000;
}

/// An operand: packed, row by row.
class IOInfo final : public IAlgorithmIOInfo, public apiv::VAlgorithmIOInfo {
 public:
  IOInfo(DataType type, const Dims& dims) : type_(type), strides_(dims) {
    mImpl = this;
    int64_t stride = 1;
    for (int32_t i = dims.nbDims - 1; i >= 0; --i) {
      strides_.d[i] = stride;
      stride = stride < 0 || dims.d[i] < 0 ? -1 : stride * dims.d[i];
    }
  }
  DataType getDataType() const noexcept override { return type_; }
  Dims getStrides() const noexcept override { return strides_; }
  int64_t getVectorizedDim() const noexcept override { return -1; }
  int64_t getComponentsPerElement() const noexcept override { return 1; }

 private:
  DataType type_;
  Dims strides_;
};

class Variant final : public IAlgorithmVariant, public apiv::VAlgorithmVariant {
 public:
  explicit Variant(const std::string& tactic)
      : implementation_(tactic_hash({tactic.data(), std::min(tactic.find('['), tactic.size())})),
        tactic_(tactic_hash(tactic)) {
    mImpl = this;
  }
  int64_t getImplementation() const noexcept override {
    return static_cast<int64_t>(implementation_);
  }
  int64_t getTactic() const noexcept override { return static_cast<int64_t>(tactic_); }

 private:
  uint64_t implementation_, tactic_;
};

}  // namespace

class Algorithms::Context final : public IAlgorithmContext, public apiv::VAlgorithmContext {
 public:
  Context(std::string name, const KernelCandidates& kernel, const SizeRanges& sizes)
      : name_(std::move(name)),
        inputs_(static_cast<int32_t>(kernel.inputs.size())),
        outputs_(static_cast<int32_t>(kernel.outputs.size())) {
    mImpl = this;
    for (const auto* list : {&kernel.inputs, &kernel.outputs}) {
      for (const carnot::TensorType& type : *list) {
        types_.push_back(data_type_of(type.dtype).value_or(DataType::kFLOAT));
        std::array<Dims, 3> dims;
        for (size_t s = 0; s < dims.size(); ++s) dims[s] = dims_in(type, sizes[s]);
        dims_.push_back(dims);
      }
    }
  }
  char const* getName() const noexcept override { return name_.c_str(); }
  Dims getDimensions(int32_t index, OptProfileSelector select) const noexcept override {
    const auto s = static_cast<size_t>(select);
    const bool known = index >= 0 && index < inputs_ + outputs_ && s < 3;
    return known ? dims_[static_cast<size_t>(index)][s] : invalid_dims();
  }
  int32_t getNbInputs() const noexcept override { return inputs_; }
  int32_t getNbOutputs() const noexcept override { return outputs_; }
  const std::vector<DataType>& types() const { return types_; }

 private:
  static Dims dims_in(const carnot::TensorType& type, const carnot::Symbols& sizes) {
    Dims out = dims_of(type.dims);
    for (int32_t i = 0; i < out.nbDims; ++i) {
      const auto size = carnot::evaluate(type.dims[static_cast<size_t>(i)], sizes);
      if (size.ok()) out.d[i] = *size;
    }
    return out;
  }

  std::string name_;
  int32_t inputs_, outputs_;
  std::vector<DataType> types_;
  std::vector<std::array<Dims, 3>> dims_;
};

class Algorithms::Algorithm final : public IAlgorithm, public apiv::VAlgorithm {
 public:
  Algorithm(const KernelCandidate& candidate, const Context& context)
      : variant_(candidate.tactic), candidate_(candidate) {
    mImpl = this;
    for (size_t i = 0; i < context.types().size(); ++i) {
      infos_.push_back(std::make_unique<IOInfo>(
          context.types()[i],
          context.getDimensions(static_cast<int32_t>(i), OptProfileSelector::kOPT)));
    }
  }
  IAlgorithmIOInfo const* getAlgorithmIOInfoByIndex(int32_t index) const noexcept override {
    const bool known = index >= 0 && static_cast<size_t>(index) < infos_.size();
    return known ? infos_[static_cast<size_t>(index)].get() : nullptr;
  }
  IAlgorithmVariant const& getAlgorithmVariant() const noexcept override { return variant_; }
  float getTimingMSec() const noexcept override {
    return static_cast<float>(candidate_.measured_us / 1000);
  }
  std::size_t getWorkspaceSize() const noexcept override {
    return static_cast<std::size_t>(candidate_.scratch_bytes);
  }

 private:
  Variant variant_;
  KernelCandidate candidate_;
  std::vector<std::unique_ptr<IOInfo>> infos_;
};

Algorithms::Algorithms(const BuilderConfig& config, const Reporter& reporter)
    : config_(config), reporter_(reporter) {}
Algorithms::~Algorithms() = default;

void Algorithms::begin(SizeRanges sizes, carnot::BuilderOptions& options) {
  sizes_ = std::move(sizes);
  layer_names_.clear(), used_.clear();
  if (!config_.getAlgorithmSelector()) return;
  options.choose = [this](const KernelCandidates& kernel) { return choose(kernel); };
}

const std::string& Algorithms::layer_name(const std::string& kernel) {
  const auto [at, fresh] = layer_names_.emplace(kernel, "");
  if (!fresh) return at->second;
  const size_t number = kernel.rfind(" [");  // "conv1 (Conv) [2]"
  const bool numbered = number != std::string::npos && kernel.size() > number + 2 &&
                        std::isdigit(static_cast<unsigned char>(kernel[number + 2])) != 0;
  std::string name = numbered ? kernel.substr(0, number) : kernel;
  name.resize(std::min(name.rfind(" ("), name.size()));
  const int nth = ++used_[name];
  return at->second = nth == 1 ? name : cat(name, " [", nth, "]");
}

carnot::Result<std::vector<int>> Algorithms::choose(const KernelCandidates& kernel) {
  const std::string& name = layer_name(kernel.name);
  const Context context(name, kernel, sizes_);
  std::vector<std::unique_ptr<Algorithm>> algorithms;
  std::vector<const IAlgorithm*> choices;
  for (const KernelCandidate& c : kernel.candidates) {
    algorithms.push_back(std::make_unique<Algorithm>(c, context));
    choices.push_back(algorithms.back().get());
  }
  const auto count = static_cast<int32_t>(choices.size());
  std::vector<int> all(choices.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
  std::vector<int32_t> selection(choices.size(), -1);
  const int32_t chosen = config_.getAlgorithmSelector()->selectAlgorithms(context, choices.data(),
                                                                          count, selection.data());
  if (chosen < 0) return all;
  if (chosen == 0) {
    const std::string text = cat("the algorithm selector chose nothing for layer '", name, "'");
    if (config_.getFlag(BuilderFlag::kREJECT_EMPTY_ALGORITHMS)) {
      return Status(Code::kInvalidArgument,
                    cat(text, ", which kREJECT_EMPTY_ALGORITHMS makes an error"));
    }
    reporter_.warning(text + ": all candidates are tried");
    return all;
  }
  selection.resize(static_cast<size_t>(std::min(chosen, count)));
  for (const int32_t i : selection) {
    if (i >= 0 && i < count && chosen <= count) continue;
    return Status(Code::kInvalidArgument,
                  cat("the algorithm selector chose ", chosen, " candidates for layer '", name,
                      "', ", i, " among them, of ", count));
  }
  return std::vector<int>(selection.begin(), selection.end());
}

void Algorithms::end(const carnot::BuildSummary& summary) {
  const bool editable = config_.getFlag(BuilderFlag::kEDITABLE_TIMING_CACHE);
  for (const KernelCandidates& kernel : summary.candidates) {
    if (kernel.chosen < 0) continue;
    if (editable) log(kernel);
    if (!config_.getAlgorithmSelector()) continue;
    contexts_.push_back(std::make_unique<Context>(layer_name(kernel.name), kernel, sizes_));
    chosen_.push_back(std::make_unique<Algorithm>(
        kernel.candidates[static_cast<size_t>(kernel.chosen)], *contexts_.back()));
  }
}

// The lines that programs read which edit timing caches.
void Algorithms::log(const KernelCandidates& kernel) {
  const KernelCandidate& best = kernel.candidates[static_cast<size_t>(kernel.chosen)];
  std::string key = kernel.key;
  key.erase(std::remove(key.begin(), key.end(), ' '), key.end());
  reporter_.verbose(cat("Autotuning op ", layer_name(kernel.name), "(key: 0x", key, "):"));
  reporter_.verbose(
      "tactic_id, cost(in ms), cost/fastest_cost, prediction_correlation, kernel_name, "
      "tactic_hash, tactic_attributes");
  for (size_t i = 0; i < kernel.candidates.size(); ++i) {
    const KernelCandidate& c = kernel.candidates[i];
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, "%zu, %.6f, %.3f, %.3f, ", i, ms_of(c),
                  ms_of(best) > 0 ? ms_of(c) / ms_of(best) : 1.0,
                  c.measured_us > 0 ? c.predicted_us / c.measured_us : 1.0);
    reporter_.verbose(cat(numbers, c.tactic, ", ", hex(tactic_hash(c.tactic)), ", "));
  }
  reporter_.verbose(cat("The selected tactic is (tactic hash, cost(in ms)):",
                        hex(tactic_hash(best.tactic)), ", ", ms_of(best)));
}

void Algorithms::report() {
  IAlgorithmSelector* const selector = config_.getAlgorithmSelector();
  if (!selector) return;
  std::vector<const IAlgorithmContext*> contexts;
  std::vector<const IAlgorithm*> choices;
  for (const auto& context : contexts_) contexts.push_back(context.get());
  for (const auto& algorithm : chosen_) choices.push_back(algorithm.get());
  selector->reportAlgorithms(contexts.data(), choices.data(), static_cast<int32_t>(choices.size()));
}

}  // namespace trt
