#include "plugin.h"

#include <cstring>

#include "kernel_module.h"
#include "plugin_memory.h"
#include "registry.h"

namespace trt {

namespace {

using carnot::Code;
using carnot::Status;

Status failed(const PluginRecord& record, const std::string& what) {
  return {Code::kInvalidArgument,
          cat("plugin '", record.name, "' version ", record.version, ": ", what)};
}

class ResourceContext final : public IPluginResourceContext {
 public:
  explicit ResourceContext(IGpuAllocator* allocator) : allocator_(allocator) {}
  IGpuAllocator* getGpuAllocator() const noexcept override { return allocator_; }
  IErrorRecorder* getErrorRecorder() const noexcept override { return nullptr; }

 private:
  IGpuAllocator* allocator_;
};

Dims dims_of_shape(const carnot::Shape& shape, bool without_first) {
  Dims out{};
  for (size_t i = without_first ? 1 : 0; i < shape.size() && out.nbDims < Dims::MAX_DIMS; ++i) {
    out.d[out.nbDims++] = shape[i];
  }
  return out;
}

/// One plugin in one context.
class PluginBody : public carnot::CustomBody {
 public:
  explicit PluginBody(const PluginRecord& record) : record_(record) {}

  Status run(carnot::CustomCall& call) override {
    bool changed = stored_.size() != call.inputs.size();
    stored_.resize(call.inputs.size());
    for (size_t i = 0; i < call.inputs.size(); ++i) {
      changed = changed || stored_[i] != call.inputs[i].shape;
      if (changed) stored_[i] = call.inputs[i].shape;
    }
    if (call.inputs.size() != static_cast<size_t>(record_.inputs) ||
        call.outputs.size() != record_.results.size()) {
      return failed(record_, "the plan calls it with other operands than it was built with");
    }
    if (changed) {
      describe(call);
      if (Status status = reshape(); !status.ok()) return stored_.clear(), status;
    }
    addresses_.clear(), results_.clear();
    for (const carnot::CustomTensor& in : call.inputs) addresses_.push_back(in.data);
    for (size_t i = 0; i < call.outputs.size(); ++i) {
      void* to = call.outputs[i].data;
      if (!to) {
        carnot::Result<void*> memory = call.allocate(i, bound_of(i, call.outputs[i].dtype));
        if (!memory.ok()) return std::move(memory).status().with("a bound of a result's size");
        to = *memory;
      }
      results_.push_back(to);
    }
    carnot::Result<void*> scratch = call.scratch(workspace());
    if (!scratch.ok()) return std::move(scratch).status();
    const int32_t status = enqueue(addresses_.data(), results_.data(), *scratch,
                                   static_cast<cudaStream_t>(call.stream));
    if (status != 0) return failed(record_, cat("enqueue() returned ", status));
    return tell_shapes(call);
  }

 protected:
  virtual Status reshape() = 0;
  virtual int64_t workspace() const = 0;
  virtual int32_t enqueue(void const* const* in, void* const* out, void* scratch,
                          cudaStream_t stream) = 0;
  int32_t batch() const {
    return record_.batch_is_an_axis && !shapes_.empty() && !shapes_[0].empty()
               ? static_cast<int32_t>(shapes_[0][0])
               : 1;
  }
  std::optional<int64_t> size_now(int64_t size) const {
    return record_.sizes.bound(static_cast<size_t>(size), shapes_);
  }
  const PluginTensorDesc* in() const { return descriptions_.data(); }
  const PluginTensorDesc* out() const { return descriptions_.data() + record_.inputs; }
  int32_t inputs() const { return record_.inputs; }
  int32_t outputs() const { return static_cast<int32_t>(record_.results.size()); }

  const PluginRecord& record_;
  std::vector<PluginTensorDesc> descriptions_;  ///< operands, then results

 private:
  void describe(const carnot::CustomCall& call) {
    descriptions_.clear(), shapes_.clear();
    const auto add = [&](const carnot::CustomTensor& t) {
      const size_t i = descriptions_.size();
      const StoredFormat& format = record_.formats[i];
      carnot::Shape shape = visible(t.shape, format);
      descriptions_.push_back(
          {dims_of_shape(shape, record_.batch_is_an_axis), record_.types[i], format.format, 1.f});
      return shape;
    };
    for (const carnot::CustomTensor& t : call.inputs) shapes_.push_back(add(t));
    for (const carnot::CustomTensor& t : call.outputs) add(t);
  }
  int64_t bound_of(size_t output, carnot::DType dtype) const {
    carnot::Shape shape;
    for (const int64_t size : record_.results[output]) {
      const auto bound = record_.sizes.bound(static_cast<size_t>(size), shapes_);
      if (!bound || *bound < 0) return -1;
      shape.push_back(*bound);
    }
    int64_t elements = 1;
    for (const int64_t size : stored(shape, format_of_result(output))) {
      if (__builtin_mul_overflow(elements, size, &elements)) return -1;
    }
    int64_t bits = 0;
    if (__builtin_mul_overflow(elements, carnot::bits_of(dtype), &bits) || bits > INT64_MAX - 7) {
      return -1;
    }
    return (bits + 7) / 8;
  }
  /// Reads the size tensors, and from them the shapes of the results that they are about.
  Status tell_shapes(carnot::CustomCall& call) {
    std::vector<int64_t> told;
    for (size_t i = 0; i < call.outputs.size(); ++i) {
      if (call.outputs[i].data) continue;
      carnot::Shape shape;
      for (const int64_t size : record_.results[i]) {
        const auto at = static_cast<size_t>(size);
        if (record_.sizes.is_told(at) && told.empty()) {
          if (Status status = read_sizes(call, told); !status.ok()) return status;
        }
        const auto value = record_.sizes.told(at, shapes_, told);
        if (!value) return failed(record_, cat("a size of result ", i, " cannot be computed"));
        shape.push_back(*value);
      }
      shape = stored(shape, format_of_result(i));
      if (Status status = call.set_shape(i, std::move(shape)); !status.ok()) {
        return std::move(status).with(cat("plugin '", record_.name, "'"));
      }
    }
    return {};
  }
  Status read_sizes(carnot::CustomCall& call, std::vector<int64_t>& told) const {
    told.assign(call.outputs.size(), 0);
    for (size_t i = 0; i < record_.sizes.count(); ++i) {
      const SizeTable::Size& size = record_.sizes[i];
      if (size.kind != SizeTable::Kind::kSizeTensor) continue;
      const auto output = static_cast<size_t>(size.a);
      if (output >= told.size()) return failed(record_, cat("there is no size tensor ", output));
      const carnot::CustomTensor& t = call.outputs[output];
      int32_t narrow = 0;
      const bool wide = t.dtype == carnot::DType::kI64;
      if (!t.data || (!wide && t.dtype != carnot::DType::kI32) || carnot::volume(t.shape) != 1) {
        return failed(record_, cat("size tensor ", output, " is not one integer"));
      }
      void* const to = wide ? static_cast<void*>(&told[output]) : &narrow;
      if (Status status = call.read(to, t.data, wide ? 8 : 4); !status.ok()) return status;
      if (!wide) told[output] = narrow;
    }
    return {};
  }

  TensorFormat format_of_result(size_t i) const {
    return record_.formats[static_cast<size_t>(record_.inputs) + i].format;
  }

  std::vector<carnot::Shape> stored_;  ///< of the operands as they lie in memory, in the last run
  std::vector<carnot::Shape> shapes_;  ///< as the plugin sees them
  std::vector<void const*> addresses_;
  std::vector<void*> results_;
};

/// Version 2. Those that derive from IPluginV2Ext get a clone of their own.
class BodyV2 final : public PluginBody {
 public:
  BodyV2(const PluginRecord& record, const Plugin& shared) : PluginBody(record), shared_(shared) {}
  ~BodyV2() override {
    if (own_) own_.as<IPluginV2Ext>()->detachFromContext();
  }
  Status attach(IGpuAllocator* allocator) {
    if (record_.generation == static_cast<int>(PluginVersion::kV2)) return {};
    own_ = shared_.clone();
    if (!own_) return failed(record_, "clone() returned null");
    own_.as<IPluginV2Ext>()->attachToContext(nullptr, nullptr, allocator);
    return {};
  }

 private:
  bool is_dynamic() const {
    return record_.generation == static_cast<int>(PluginVersion::kV2_DYNAMICEXT);
  }
  IPluginV2DynamicExt* dynamic() const { return own_.as<IPluginV2DynamicExt>(); }
  Status reshape() override {
    if (!is_dynamic()) return {};
    std::vector<DynamicPluginTensorDesc> all;
    for (const PluginTensorDesc& d : descriptions_) all.push_back({d, d.dims, d.dims, d.dims});
    dynamic()->configurePlugin(all.data(), inputs(), all.data() + inputs(), outputs());
    return {};
  }
  int64_t workspace() const override {
    const size_t bytes = is_dynamic()
                             ? dynamic()->getWorkspaceSize(in(), inputs(), out(), outputs())
                             : (own_ ? own_ : shared_).v2()->getWorkspaceSize(batch());
    return static_cast<int64_t>(bytes);
  }
  int32_t enqueue(void const* const* from, void* const* to, void* scratch,
                  cudaStream_t stream) override {
    if (is_dynamic()) return dynamic()->enqueue(in(), out(), from, to, scratch, stream);
    return (own_ ? own_ : shared_).v2()->enqueue(batch(), from, to, scratch, stream);
  }

  const Plugin& shared_;
  Plugin own_;
};

class BodyV3 final : public PluginBody {
 public:
  BodyV3(const PluginRecord& record, IGpuAllocator* allocator)
      : PluginBody(record), resources_(allocator) {}
  Status attach(const Plugin& shared) {
    IPluginV3OneRuntime* const runtime = shared.runtime();
    if (!runtime) return failed(record_, "it has no runtime capability");
    own_ = Plugin(runtime->attachToContext(&resources_));
    if (!own_ || !own_.runtime()) return failed(record_, "attachToContext() returned null");
    const int32_t status = own_.runtime()->setTactic(record_.tactic);
    return status == 0 ? Status() : failed(record_, cat("setTactic() returned ", status));
  }

 private:
  Status reshape() override {
    const int32_t status = own_.runtime()->onShapeChange(in(), inputs(), out(), outputs());
    return status == 0 ? Status() : failed(record_, cat("onShapeChange() returned ", status));
  }
  int64_t workspace() const override { return record_.workspace; }
  int32_t enqueue(void const* const* from, void* const* to, void* scratch,
                  cudaStream_t stream) override {
    return own_.runtime()->enqueue(in(), out(), from, to, scratch, stream);
  }

  ResourceContext resources_;  // the plugin may hold it
  Plugin own_;
};

/// A kernel that the plan keeps: operands, arguments, results.
class CompiledBody final : public PluginBody {
 public:
  using PluginBody::PluginBody;
  Status load(std::string_view device) {
    if (device == "cpu") {
      return failed(record_,
                    "it was compiled ahead of time, for a GPU: choose its implementation in Python "
                    "(add_plugin(..., aot=False)) to run on the CPU");
    }
    const std::string problem = module_.load(record_.kernel.name, record_.kernel.image);
    return problem.empty() ? Status() : failed(record_, problem);
  }

 private:
  Status reshape() override {
    launch_.clear(), values_.clear();
    for (const int64_t size : record_.kernel.launch) {
      const auto value = size == CompiledKernel::kNone ? std::optional<int64_t>(launch_.size() < 6)
                                                       : size_now(size);
      if (!value || *value < 0 || *value > INT32_MAX) {
        return failed(record_, "a number that its kernel is launched with cannot be computed");
      }
      launch_.push_back(static_cast<unsigned>(*value));
    }
    for (const CompiledKernel::Argument& argument : record_.kernel.arguments) {
      const auto value = size_now(argument.size);
      if (!value) return failed(record_, "an argument of its kernel cannot be computed");
      values_.push_back(*value);  // its first bytes are the narrower number
    }
    return {};
  }
  int64_t workspace() const override { return 0; }
  int32_t enqueue(void const* const* from, void* const* to, void*, cudaStream_t stream) override {
    std::vector<const void*> arguments;
    for (int32_t i = 0; i < inputs(); ++i) arguments.push_back(from + i);
    for (const int64_t& value : values_) arguments.push_back(&value);
    for (int32_t i = 0; i < outputs(); ++i) arguments.push_back(to + i);
    return module_.launch(launch_, std::move(arguments), stream);
  }

  KernelModule module_;
  std::vector<unsigned> launch_;
  std::vector<int64_t> values_;
};

std::string_view creator_kind(const PluginRecord& record) {
  if (record.generation == PluginRecord::kV3) return "PLUGIN CREATOR_V3ONE";
  if (record.generation == PluginRecord::kQuick) return "PLUGIN CREATOR_V3QUICK";
  return "PLUGIN CREATOR_V1";
}

/// The plugin of a plan, by a creator of its kind.
Plugin make(const PluginRecord& r, IPluginCreatorInterface& creator) {
  const std::vector<PluginField> fields = fields_of(r.fields);
  const PluginFieldCollection collection{static_cast<int32_t>(fields.size()), fields.data()};
  if (r.generation == PluginRecord::kV3) {
    return Plugin(static_cast<IPluginCreatorV3One&>(creator).createPlugin(
        r.layer.c_str(), &collection, TensorRTPhase::kRUNTIME));
  }
  if (r.generation == PluginRecord::kQuick) {
    return Plugin(static_cast<IPluginCreatorV3Quick&>(creator).createPlugin(
        r.name.c_str(), r.space.c_str(), &collection, TensorRTPhase::kRUNTIME,
        QuickPluginCreationRequest::kSTRICT_JIT));
  }
  IPluginV2* const plugin = static_cast<IPluginCreator&>(creator).deserializePlugin(
      r.layer.c_str(), r.state.data(), r.state.size());
  if (plugin) plugin->setPluginNamespace(r.space.c_str());
  return Plugin(plugin);
}

Status no_creator(const PluginRecord& record) {
  return {Code::kInvalidArgument,
          cat("no creator is registered for plugin '", record.name, "' version ", record.version,
              record.space.empty() ? "" : cat(" in namespace '", record.space, "'"), " of layer '",
              record.layer,
              "': register it, load its library with IPluginRegistry::loadLibrary(), or call "
              "initLibNvInferPlugins(), before the plan is loaded")};
}

}  // namespace

Plugin::~Plugin() {
  if (v2_) v2_->destroy();
  delete v3_;
}

Plugin Plugin::clone() const {
  if (v2_) return Plugin(v2_->clone());
  return v3_ ? Plugin(v3_->clone()) : Plugin();
}

int Plugin::generation() const {
  if (v3_) {
    const QuickPlugin* const made = quick();
    if (!made) return PluginRecord::kV3;
    return made->compiled() ? PluginRecord::kCompiled : PluginRecord::kQuick;
  }
  if (!v2_) return -1;
  const int version = static_cast<int>(static_cast<uint32_t>(v2_->getTensorRTVersion()) >> 24) &
                      ~kPLUGIN_VERSION_PYTHON_BIT;
  return version <= static_cast<int>(PluginVersion::kV2_DYNAMICEXT) ? version : -1;
}

IPluginV3OneCore* Plugin::core() const {
  return static_cast<IPluginV3OneCore*>(v3_->getCapabilityInterface(PluginCapabilityType::kCORE));
}
IPluginV3OneBuild* Plugin::build() const {
  return static_cast<IPluginV3OneBuild*>(v3_->getCapabilityInterface(PluginCapabilityType::kBUILD));
}
IPluginV3OneRuntime* Plugin::runtime() const {
  return static_cast<IPluginV3OneRuntime*>(
      v3_->getCapabilityInterface(PluginCapabilityType::kRUNTIME));
}

EnginePlugins::~EnginePlugins() {
  for (auto& [state, loaded] : loaded_) {
    if (loaded.initialized) loaded.plugin.v2()->terminate();
  }
}

Status EnginePlugins::load(std::span<const carnot::op::Custom> ops, const PluginSource& source) {
  for (const carnot::op::Custom& op : ops) {
    if (op.code != kPluginCode) {
      return {Code::kUnsupported, cat("the plan has an operation '", op.code,
                                      "', which is no plugin: run it with Carnot's own API")};
    }
    if (Status status = load(op.state, source); !status.ok()) return status;
  }
  return {};
}

Status EnginePlugins::load(const std::string& state, const PluginSource& source) {
  if (loaded_.count(state) > 0) return {};
  carnot::Result<PluginRecord> record = read_plugin(state);
  if (!record.ok()) return std::move(record).status();
  Loaded& loaded = loaded_[state];
  loaded.record = std::move(*record);
  const PluginRecord& r = loaded.record;
  if (r.generation == PluginRecord::kCompiled) return {};  // the plan has its kernel
  if (source) loaded.plugin = source(r);
  if (!loaded.plugin) {
    IPluginCreatorInterface* const creator =
        plugin_registry().getCreator(r.name.c_str(), r.version.c_str(), r.space.c_str());
    if (!creator || creator->getInterfaceInfo().kind != creator_kind(r)) return no_creator(r);
    loaded.plugin = make(r, *creator);
  }
  if (!loaded.plugin) return failed(r, "its creator could not make it from the plan");
  if (loaded.plugin.generation() != r.generation) {
    return failed(r, "its creator makes plugins of another interface than the plan was built with");
  }
  if (IPluginV2* const v2 = loaded.plugin.v2()) {
    const int32_t status = v2->initialize();
    if (status != 0) return failed(r, cat("initialize() returned ", status));
    loaded.initialized = true;
  }
  return {};
}

carnot::Result<std::unique_ptr<carnot::CustomBody>> EnginePlugins::body(
    const carnot::op::Custom& op, std::string_view device, IGpuAllocator* allocator) const {
  const auto found = loaded_.find(op.state);
  if (found == loaded_.end()) return Status(Code::kInternal, "the plugin was not loaded");
  const Loaded& loaded = found->second;
  if (loaded.record.generation == PluginRecord::kCompiled) {
    auto body = std::make_unique<CompiledBody>(loaded.record);
    if (Status status = body->load(device); !status.ok()) return status;
    return std::unique_ptr<carnot::CustomBody>(std::move(body));
  }
  if (!allocator) allocator = plugin_memory(device == "cpu");
  if (loaded.plugin.v2()) {
    auto body = std::make_unique<BodyV2>(loaded.record, loaded.plugin);
    if (Status status = body->attach(allocator); !status.ok()) return status;
    return std::unique_ptr<carnot::CustomBody>(std::move(body));
  }
  auto body = std::make_unique<BodyV3>(loaded.record, allocator);
  if (Status status = body->attach(loaded.plugin); !status.ok()) return status;
  return std::unique_ptr<carnot::CustomBody>(std::move(body));
}

}  // namespace trt
