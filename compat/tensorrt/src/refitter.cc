#include "refitter.h"

#include <cmath>
#include <set>

#include "carnot/builder.h"
#include "carnot/network_file.h"
#include "config.h"
#include "layers_math.h"
#include "layers_shape.h"
#include "layers_window.h"
#include "network.h"
#include "plan_parts.h"

namespace trt {

namespace {

using carnot::Code;
using carnot::Status;

bool is_weight_type(DataType type) {
  return type == DataType::kFLOAT || type == DataType::kHALF || type == DataType::kBF16 ||
         type == DataType::kINT8 || type == DataType::kFP8;
}

/// Where the weights of a network's layers are.
class WeightSources {
 public:
  explicit WeightSources(Network& network) : network_(network) {
    for (const auto& layer : network.layers()) {
      if (auto* const c = dynamic_cast<Convolution*>(layer.get())) {
        add(*layer, WeightsRole::kKERNEL, c->kernel);
        add(*layer, WeightsRole::kBIAS, c->bias);
      } else if (auto* const d = dynamic_cast<Deconvolution*>(layer.get())) {
        add(*layer, WeightsRole::kKERNEL, d->kernel);
        add(*layer, WeightsRole::kBIAS, d->bias);
      } else if (auto* const s = dynamic_cast<Scale*>(layer.get())) {
        add(*layer, WeightsRole::kSHIFT, s->shift);
        add(*layer, WeightsRole::kSCALE, s->scale);
      } else if (auto* const k = dynamic_cast<Constant*>(layer.get())) {
        add(*layer, WeightsRole::kCONSTANT, k->weights);
      }
    }
  }
  /// The weights that a constant's elements are; those of one layer where several share them.
  const RefitWeights* find(const void* data, const std::vector<std::string>& origin) const {
    const auto [begin, end] = found_.equal_range(data);
    if (begin == end) return nullptr;
    for (auto at = begin; at != end; ++at) {
      if (!origin.empty() && origin.back() == at->second.layer) return &at->second;
    }
    return &begin->second;
  }

 private:
  void add(const Layer& layer, WeightsRole role, const Weights& weights) {
    if (!weights.values || weights.count <= 0 || !is_weight_type(weights.type)) return;
    RefitWeights out;
    out.name = network_.name_of_weights(weights);
    out.layer = layer.name;
    out.role = role;
    out.type = weights.type;
    out.count = weights.count;
    found_.emplace(weights.values, std::move(out));
  }
  Network& network_;
  std::multimap<const void*, RefitWeights> found_;
};

void collect_constants(const carnot::Network& network, std::set<const void*>& out) {
  for (const carnot::Network::Node& node : network.nodes()) {
    const auto* const c = std::get_if<carnot::op::Constant>(&node.op);
    if (c) out.insert(c->value.data());
    for (const carnot::Network& body : node.bodies) collect_constants(body, out);
  }
}

/// The weights that are constants of `translated`, and where.
std::vector<RefitWeights> weights_of(Network& network, const carnot::Network& translated,
                                     const BuilderConfig& config, std::vector<int64_t>& at) {
  std::vector<RefitWeights> out;
  const WeightSources sources(network);
  const std::vector<carnot::Network::Node> nodes = translated.nodes();
  std::set<const void*> in_bodies;  // loops and branches have copies of their own
  for (const carnot::Network::Node& node : nodes) {
    for (const carnot::Network& body : node.bodies) collect_constants(body, in_bodies);
  }
  const bool some = config.getFlag(BuilderFlag::kREFIT_INDIVIDUAL);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto* const c = std::get_if<carnot::op::Constant>(&nodes[i].op);
    if (!c || c->value.is_splat() || in_bodies.count(c->value.data()) > 0) continue;
    const RefitWeights* const found = sources.find(c->value.data(), nodes[i].origin);
    if (!found || found->count != c->value.elements()) continue;
    if (some && !network.areWeightsMarkedRefittable(found->name.c_str())) continue;
    out.push_back(*found);
    at.push_back(static_cast<int64_t>(i));
  }
  return out;
}

std::vector<RefitRange> ranges_of(const Network& network) {
  std::vector<RefitRange> out;
  const auto add = [&](const NetTensor& tensor) {
    if (!tensor.dynamicRangeIsSet()) return;
    out.push_back({tensor.name, tensor.getDynamicRangeMin(), tensor.getDynamicRangeMax()});
  };
  for (const auto& input : network.inputs()) add(*input);
  for (const auto& layer : network.layers()) {
    for (const auto& output : layer->outputs) add(*output);
  }
  return out;
}

/// Where the scales of ranges are among the nodes of the translation.
std::vector<int64_t> scales_of(const Network& network, const carnot::Network& translated,
                               const std::vector<RefitRange>& ranges) {
  std::vector<int64_t> out(ranges.size(), -1);
  const std::vector<carnot::Network::Node> nodes = translated.nodes();
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto* const c = std::get_if<carnot::op::Constant>(&nodes[i].op);
    const auto found = c ? network.scales().find(c->value.data()) : network.scales().end();
    if (found == network.scales().end()) continue;
    for (size_t k = 0; k < ranges.size(); ++k) {
      if (ranges[k].tensor == found->second) out[k] = static_cast<int64_t>(i);
    }
  }
  return out;
}

/// One element repeated in the place of all weights that the plan misses.
Status strip(carnot::Network& network, const RefitPlan& refit, const RefitPart& part) {
  std::map<size_t, carnot::Tensor> zeros;
  const std::vector<carnot::Network::Node> nodes = network.nodes();
  for (size_t i = 0; i < refit.weights.size(); ++i) {
    if (!refit.weights[i].missing || part.nodes[i] < 0) continue;
    const auto at = static_cast<size_t>(part.nodes[i]);
    const auto* const c =
        at < nodes.size() ? std::get_if<carnot::op::Constant>(&nodes[at].op) : nullptr;
    if (!c) return {Code::kCorruptEngine, "the plan's weights are not in its network"};
    const carnot::Tensor zero = carnot::Tensor::zeros(c->value.dtype(), {});
    zeros[at] = carnot::Tensor::splat(zero, c->value.shape());
  }
  return zeros.empty() ? Status() : carnot::set_constants(network, zeros);
}

}  // namespace

bool wants_refit(const BuilderConfig& config) {
  return config.getFlag(BuilderFlag::kSTRIP_PLAN) || config.getFlag(BuilderFlag::kREFIT) ||
         config.getFlag(BuilderFlag::kREFIT_IDENTICAL) ||
         config.getFlag(BuilderFlag::kREFIT_INDIVIDUAL);
}

Status prepare_refit(Network& network, const BuilderConfig& config, carnot::Network& translated,
                     const carnot::BuilderOptions& options, RefitPlan& refit) {
  RefitPart part;
  const bool strips = config.getFlag(BuilderFlag::kSTRIP_PLAN);
  std::vector<int64_t> at;
  std::vector<RefitWeights> weights = weights_of(network, translated, config, at);
  for (RefitWeights& w : weights) w.missing = strips;
  if (refit.parts.empty()) {
    refit.weights = std::move(weights);
    part.nodes = std::move(at);
  } else {
    for (const RefitWeights& w : refit.weights) {
      const auto same = std::find_if(weights.begin(), weights.end(), [&](const RefitWeights& o) {
        return o.layer == w.layer && o.role == w.role;
      });
      part.nodes.push_back(same == weights.end() ? -1
                                                 : at[static_cast<size_t>(same - weights.begin())]);
    }
  }
  if (refit.parts.empty()) refit.ranges = ranges_of(network);
  part.scales = scales_of(network, translated, refit.ranges);
  if (Status status = strip(translated, refit, part); !status.ok()) return status;
  refit.effort = options.effort;
  refit.storage = options.storage;
  refit.keep_f32 = options.keep_f32;
  for (const auto& [name, profile] : options.profiles) {
    part.shapes[0][name] = profile.min;
    part.shapes[1][name] = profile.opt;
    part.shapes[2][name] = profile.max;
  }
  carnot::Result<std::vector<std::byte>> saved = carnot::save_network(translated);
  if (!saved.ok()) return std::move(saved).status();
  part.network.assign(reinterpret_cast<const char*>(saved->data()), saved->size());
  refit.parts.push_back(std::move(part));
  return {};
}

namespace {

/// One engine, and what it is built from the next time.
carnot::Result<std::vector<std::byte>> rebuild_part(
    carnot::BuilderOptions options, const RefitPlan& refit, RefitPart& part,
    const std::map<size_t, carnot::Tensor>& values) {
  carnot::Result<carnot::Network> network =
      carnot::load_network(std::as_bytes(std::span(part.network)));
  if (!network.ok()) return std::move(network).status();
  std::map<size_t, carnot::Tensor> by_node;
  const auto nodes = network->nodes();
  for (const auto& [i, value] : values) {
    if (part.nodes[i] < 0) continue;
    const auto at = static_cast<size_t>(part.nodes[i]);
    const auto* const c =
        at < nodes.size() ? std::get_if<carnot::op::Constant>(&nodes[at].op) : nullptr;
    if (!c) return Status(Code::kCorruptEngine, "the plan's weights are not in its network");
    by_node[at] = value.reshaped(c->value.shape());
  }
  for (size_t i = 0; i < refit.ranges.size(); ++i) {
    const auto at = static_cast<size_t>(part.scales[i]);
    if (part.scales[i] < 0 || at >= nodes.size()) continue;
    const auto* const c = std::get_if<carnot::op::Constant>(&nodes[at].op);
    if (!c) return Status(Code::kCorruptEngine, "the plan's ranges are not in its network");
    carnot::Tensor scale = carnot::Tensor::zeros(c->value.dtype(), {});
    scale.set(0, static_cast<double>(scale_of_range(refit.ranges[i].min, refit.ranges[i].max)));
    by_node[at] = std::move(scale);
  }
  if (Status status = carnot::set_constants(*network, by_node); !status.ok()) return status;
  if (Status status = strip(*network, refit, part); !status.ok()) return status;
  carnot::Result<std::vector<std::byte>> saved = carnot::save_network(*network);
  if (!saved.ok()) return saved;
  for (const auto& [name, min] : part.shapes[0]) {
    options.profiles[name] = {min, part.shapes[1][name], part.shapes[2][name]};
  }
  carnot::Result<std::vector<std::byte>> engine = carnot::build(std::move(*network), options);
  part.network.assign(reinterpret_cast<const char*>(saved->data()), saved->size());
  return engine;
}

}  // namespace

carnot::Result<std::vector<std::byte>> rebuild(const Plan& plan, RefitPlan refit,
                                               const std::map<size_t, carnot::Tensor>& values) {
  carnot::BuilderOptions options;
  options.device = plan.device.name;
  options.effort = refit.effort;
  options.storage = refit.storage;
  options.keep_f32 = refit.keep_f32;
  options.timing_cache_text = &refit.timings;
  options.code_cache_text = &refit.code;
  for (const auto& [key, value] : plan.first().engine->metadata()) {
    if (key.rfind("trt.", 0) == 0) options.metadata[key] = value;
  }
  std::vector<std::vector<std::byte>> engines;
  for (RefitPart& part : refit.parts) {
    carnot::Result<std::vector<std::byte>> engine = rebuild_part(options, refit, part, values);
    if (!engine.ok()) return engine;
    engines.push_back(std::move(*engine));
  }
  return join(join_parts(std::move(engines)), refit);
}

namespace {

class Refitter final : public IRefitter, public apiv::VRefitter {
 public:
  Refitter(CudaEngine& engine, ILogger& logger) : engine_(engine), reporter_(&logger) {
    mImpl = this;
  }
  ~Refitter() noexcept override = default;

  IRefitter* getPImpl() noexcept override { return this; }
  bool setWeights(char const* layer, WeightsRole role, const Weights weights) noexcept override {
    const char* const call = "IRefitter::setWeights";
    return reporter_.guard(call, false, [&] {
      for (size_t i = 0; layer && i < all().size(); ++i) {
        if (all()[i].layer == layer && all()[i].role == role) return give(call, i, weights);
      }
      reporter_.misuse(call, cat("layer '", layer ? layer : "(null)", "' has no weights of role ",
                                 static_cast<int>(role), " that can be refitted"));
      return false;
    });
  }
  bool setNamedWeights(char const* name, Weights weights) noexcept override {
    const char* const call = "IRefitter::setNamedWeights";
    return reporter_.guard(call, false, [&] {
      bool found = false, good = true;
      for (const size_t i : named(name)) {
        found = true;
        good = give(call, i, weights) && good;
      }
      if (!found) reporter_.misuse(call, no_weights(name));
      return found && good;
    });
  }
  bool setNamedWeightsWithLocation(char const* name, Weights weights,
                                   TensorLocation location) noexcept override {
    if (location == TensorLocation::kHOST || engine_.plan()->device.name == "cpu") {
      return setNamedWeights(name, weights);
    }
    reporter_.error(ErrorCode::kUNSUPPORTED_STATE, "IRefitter::setNamedWeights",
                    "weights in the GPU's memory: copy them to the host's");
    return false;
  }
  bool refitCudaEngine() noexcept override;
  bool refitCudaEngineAsync(cudaStream_t) noexcept override { return refitCudaEngine(); }

  int32_t getMissing(int32_t size, char const** layers, WeightsRole* roles) noexcept override {
    return list_layers(true, size, layers, roles);
  }
  int32_t getAll(int32_t size, char const** layers, WeightsRole* roles) noexcept override {
    return list_layers(false, size, layers, roles);
  }
  int32_t getMissingWeights(int32_t size, char const** names) noexcept override {
    return list_names(true, size, names);
  }
  int32_t getAllWeights(int32_t size, char const** names) noexcept override {
    return list_names(false, size, names);
  }
  Weights getNamedWeights(char const* name) const noexcept override {
    for (const size_t i : named(name)) {
      const auto given = given_.find(i);
      if (given != given_.end()) return given->second;
    }
    return getWeightsPrototype(name);
  }
  Weights getWeightsPrototype(char const* name) const noexcept override {
    for (const size_t i : named(name)) return {all()[i].type, nullptr, all()[i].count};
    reporter_.misuse("IRefitter::getWeightsPrototype", no_weights(name));
    return {DataType::kFLOAT, nullptr, -1};
  }
  TensorLocation getWeightsLocation(char const*) const noexcept override {
    return TensorLocation::kHOST;
  }
  bool unsetNamedWeights(char const* name) noexcept override {
    bool found = false;
    for (const size_t i : named(name)) found = given_.erase(i) > 0 || found;
    return found;
  }

  bool setDynamicRange(char const* tensor, float min, float max) noexcept override {
    const char* const call = "IRefitter::setDynamicRange";
    return reporter_.guard(call, false, [&] {
      const RefitRange* const old = range(tensor);
      const bool good =
          std::isfinite(min) && std::isfinite(max) && min <= max && scale_of_range(min, max) > 0;
      if (old && good) return ranges_[old->tensor] = {old->tensor, min, max}, true;
      reporter_.misuse(call, cat("tensor '", tensor ? tensor : "(null)",
                                 old ? cat("' cannot range from ", min, " to ", max)
                                     : std::string("' has no dynamic range that can be refitted")));
      return false;
    });
  }
  float getDynamicRangeMin(char const* tensor) const noexcept override {
    const RefitRange* const found = range(tensor);
    return found ? found->min : kNoRange;
  }
  float getDynamicRangeMax(char const* tensor) const noexcept override {
    const RefitRange* const found = range(tensor);
    return found ? found->max : kNoRange;
  }
  int32_t getTensorsWithDynamicRange(int32_t size, char const** names) const noexcept override {
    const std::vector<RefitRange>& all = engine_.plan()->refit->ranges;
    for (size_t i = 0; names && i < all.size() && static_cast<int32_t>(i) < size; ++i) {
      names[i] = all[i].tensor.c_str();
    }
    return static_cast<int32_t>(all.size());
  }

  void setErrorRecorder(IErrorRecorder* recorder) noexcept override {
    reporter_.set_recorder(recorder);
  }
  IErrorRecorder* getErrorRecorder() const noexcept override { return reporter_.recorder(); }
  ILogger* getLogger() const noexcept override { return reporter_.logger(); }
  bool setMaxThreads(int32_t count) noexcept override {
    if (count < 1) return false;
    threads_ = count;
    return true;
  }
  int32_t getMaxThreads() const noexcept override { return threads_; }
  void setWeightsValidation(bool validates) noexcept override { validates_ = validates; }
  bool getWeightsValidation() const noexcept override { return validates_; }

 private:
  static constexpr float kNoRange = std::numeric_limits<float>::quiet_NaN();
  const std::vector<RefitWeights>& all() const { return engine_.plan()->refit->weights; }
  /// As it was set last; null where there is none.
  const RefitRange* range(char const* tensor) const {
    const auto given = tensor ? ranges_.find(std::string_view(tensor)) : ranges_.end();
    if (given != ranges_.end()) return &given->second;
    for (const RefitRange& range : engine_.plan()->refit->ranges) {
      if (tensor && range.tensor == tensor) return &range;
    }
    return nullptr;
  }
  std::vector<size_t> named(char const* name) const {
    std::vector<size_t> out;
    for (size_t i = 0; name && *name && i < all().size(); ++i) {
      if (all()[i].name == name) out.push_back(i);
    }
    return out;
  }
  std::string no_weights(char const* name) const {
    return cat("the engine has no weights '", name ? name : "(null)", "' that can be refitted");
  }
  bool give(const char* call, size_t i, const Weights& weights) {
    const RefitWeights& w = all()[i];
    if (weights.type != w.type || weights.count != w.count || !weights.values) {
      reporter_.misuse(
          call, cat("'", w.name.empty() ? w.layer : w.name, "' has ", w.count, " elements of type ",
                    name_of(w.type), ", it is given ",
                    weights.values ? cat(weights.count, " of type ", name_of(weights.type))
                                   : std::string("null")));
      return false;
    }
    given_[i] = weights;
    return true;
  }
  bool is_missing(size_t i) const { return all()[i].missing && given_.count(i) == 0; }
  int32_t list_layers(bool missing, int32_t size, char const** layers, WeightsRole* roles) const {
    int32_t count = 0;
    for (size_t i = 0; i < all().size(); ++i) {
      if (missing && !is_missing(i)) continue;
      if (count < size && layers) layers[count] = all()[i].layer.c_str();
      if (count < size && roles) roles[count] = all()[i].role;
      ++count;
    }
    return count;
  }
  int32_t list_names(bool missing, int32_t size, char const** names) const {
    int32_t count = 0;
    std::set<std::string_view> seen;
    for (size_t i = 0; i < all().size(); ++i) {
      if (all()[i].name.empty() || (missing && !is_missing(i))) continue;
      if (!seen.insert(all()[i].name).second) continue;
      if (count < size && names) names[count] = all()[i].name.c_str();
      ++count;
    }
    return count;
  }

  CudaEngine& engine_;
  Reporter reporter_;
  std::map<size_t, Weights> given_;
  std::map<std::string, RefitRange, std::less<>> ranges_;
  int32_t threads_ = 1;
  bool validates_ = true;
};

bool Refitter::refitCudaEngine() noexcept {
  const char* const call = "IRefitter::refitCudaEngine";
  return reporter_.guard(call, false, [&] {
    const PlanPtr& plan = engine_.plan();
    RefitPlan next = *plan->refit;
    std::map<size_t, carnot::Tensor> values;
    for (RefitRange& range : next.ranges) {
      if (const auto given = ranges_.find(range.tensor); given != ranges_.end()) {
        range = given->second;
      }
    }
    for (size_t i = 0; i < all().size(); ++i) {
      if (is_missing(i)) {
        reporter_.misuse(call, cat("the plan was stripped of '",
                                   all()[i].name.empty() ? all()[i].layer : all()[i].name,
                                   "': set all that getMissing() lists"));
        return false;
      }
      const auto given = given_.find(i);
      if (given == given_.end()) continue;
      carnot::Result<carnot::Tensor> value = tensor_of(given->second, {all()[i].count});
      if (!value.ok()) return reporter_.error(call, value.status()), false;
      values[i] = std::move(*value);
      next.weights[i].missing = false;
    }
    carnot::Result<std::vector<std::byte>> bytes = rebuild(*plan, std::move(next), values);
    const Status status = bytes.ok() ? replace_engines(*plan, std::move(*bytes)) : bytes.status();
    if (!status.ok()) return reporter_.error(call, status), false;
    given_.clear();
    ranges_.clear();
    return true;
  });
}

}  // namespace

IRefitter* make_refitter(CudaEngine& engine, ILogger& logger) noexcept {
  const Reporter reporter(&logger);
  const char* const call = "createInferRefitter";
  return reporter.guard(call, static_cast<IRefitter*>(nullptr), [&]() -> IRefitter* {
    if (engine.isRefittable()) return new Refitter(engine, logger);
    reporter.error(ErrorCode::kINVALID_STATE, call,
                   cat("engine '", engine.getName(),
                       "' is not refittable: build it with BuilderFlag::kREFIT"));
    return nullptr;
  });
}

}  // namespace trt
