// IPluginV3 in Python: the native objects of a plugin and of its three parts.
#include "plugins.h"

#include <algorithm>
#include <memory>

namespace trt_python {
namespace {

/// An attribute that a plugin in Python must set before it is used.
nb::object required(nb::handle self, const char* name) {
  nb::object value = nb::getattr(self, name, nb::none());
  if (value.is_none()) {
    PyErr_Format(PyExc_AttributeError, "a plugin in Python sets %s before it is used", name);
    nb::raise_python_error();
  }
  return value;
}

using Core = CoreOfPython<IPluginV3OneCore>;

class Build final : public IPluginV3OneBuildV2 {
 public:
  explicit Build(nb::handle self)
      : self_(self), aliases_(nb::isinstance(self, plugin_part("IPluginV3OneBuildV2"))) {}
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return {"PLUGIN_V3ONE_BUILD", aliases_ ? 2 : 1, 0};
  }
  APILanguage getAPILanguage() const noexcept override { return APILanguage::kPYTHON; }

  int32_t configurePlugin(DynamicPluginTensorDesc const* in, int32_t inputs,
                          DynamicPluginTensorDesc const* out, int32_t outputs) noexcept override {
    return guarded("configure_plugin", 1, [&] {
      self_.attr("configure_plugin")(list_of(in, inputs), list_of(out, outputs));
      return 0;
    });
  }
  int32_t getOutputDataTypes(DataType* types, int32_t outputs, const DataType* input_types,
                             int32_t inputs) const noexcept override {
    return guarded("get_output_data_types", 1, [&] {
      const auto result = nb::cast<std::vector<DataType>>(
          self_.attr("get_output_data_types")(list_of(input_types, inputs)));
      if (result.size() != static_cast<size_t>(outputs)) {
        throw nb::value_error("get_output_data_types() gives one type for each output");
      }
      std::copy(result.begin(), result.end(), types);
      return 0;
    });
  }
  int32_t getOutputShapes(DimsExprs const* inputs, int32_t input_count,
                          DimsExprs const* shape_inputs, int32_t shape_count, DimsExprs* outputs,
                          int32_t output_count, IExprBuilder& builder) noexcept override {
    return guarded("get_output_shapes", 1, [&] {
      nb::object result = self_.attr("get_output_shapes")(
          list_of(inputs, input_count), list_of(shape_inputs, shape_count),
          nb::cast(&builder, nb::rv_policy::reference));
      if (nb::len(result) != static_cast<size_t>(output_count)) {
        throw nb::value_error("get_output_shapes() gives one shape for each output");
      }
      for (int32_t i = 0; i < output_count; ++i) {
        outputs[i] = nb::cast<DimsExprs>(nb::object(result[i]));
      }
      return 0;
    });
  }
  bool supportsFormatCombination(int32_t position, DynamicPluginTensorDesc const* tensors,
                                 int32_t inputs, int32_t outputs) noexcept override {
    return guarded("supports_format_combination", false, [&] {
      nb::object result = self_.attr("supports_format_combination")(
          position, list_of(tensors, inputs + outputs), inputs);
      return PyObject_IsTrue(result.ptr()) == 1;
    });
  }
  int32_t getNbOutputs() const noexcept override {
    return guarded("num_outputs", 0,
                   [&] { return nb::cast<int32_t>(required(self_, "num_outputs")); });
  }
  size_t getWorkspaceSize(DynamicPluginTensorDesc const* in, int32_t inputs,
                          DynamicPluginTensorDesc const* out,
                          int32_t outputs) const noexcept override {
    return guarded("get_workspace_size", size_t{0}, [&] {
      return nb::cast<size_t>(
          self_.attr("get_workspace_size")(list_of(in, inputs), list_of(out, outputs)));
    });
  }
  int32_t getNbTactics() noexcept override {
    return guarded("get_valid_tactics", 0, [&] {
      tactics_ = nb::cast<std::vector<int32_t>>(self_.attr("get_valid_tactics")());
      return static_cast<int32_t>(tactics_.size());
    });
  }
  int32_t getValidTactics(int32_t* tactics, int32_t count) noexcept override {
    if (tactics_.size() < static_cast<size_t>(count)) return 1;
    std::copy_n(tactics_.begin(), count, tactics);
    return 0;
  }
  char const* getTimingCacheID() noexcept override {
    return text_.of(self_, "timing_cache_id", nullptr);
  }
  char const* getMetadataString() noexcept override {
    return text_.of(self_, "metadata_string", nullptr);
  }
  int32_t getFormatCombinationLimit() noexcept override {
    return guarded("format_combination_limit", kDEFAULT_FORMAT_COMBINATION_LIMIT, [&] {
      nb::object limit = nb::getattr(self_, "format_combination_limit", nb::none());
      return limit.is_none() ? int32_t{kDEFAULT_FORMAT_COMBINATION_LIMIT}
                             : nb::cast<int32_t>(limit);
    });
  }
  int32_t getAliasedInput(int32_t output) noexcept override {
    if (!aliases_) return -1;
    return guarded("get_aliased_input", -1,
                   [&] { return nb::cast<int32_t>(self_.attr("get_aliased_input")(output)); });
  }

 private:
  nb::handle self_;
  bool aliases_;
  KeptText text_;
  std::vector<int32_t> tactics_;
};

class Run final : public IPluginV3OneRuntime {
 public:
  explicit Run(nb::handle self) : self_(self) {}
  APILanguage getAPILanguage() const noexcept override { return APILanguage::kPYTHON; }

  int32_t setTactic(int32_t tactic) noexcept override {
    return guarded("set_tactic", 1, [&] {
      self_.attr("set_tactic")(tactic);
      return 0;
    });
  }
  int32_t onShapeChange(PluginTensorDesc const* in, int32_t inputs, PluginTensorDesc const* out,
                        int32_t outputs) noexcept override {
    inputs_ = inputs;
    outputs_ = outputs;
    return guarded("on_shape_change", 1, [&] {
      self_.attr("on_shape_change")(list_of(in, inputs), list_of(out, outputs));
      return 0;
    });
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const* out,
                  void const* const* inputs, void* const* outputs, void* workspace,
                  cudaStream_t stream) noexcept override {
    return guarded("enqueue", 1, [&] {
      self_.attr("enqueue")(list_of(in, inputs_), list_of(out, outputs_),
                            addresses_of(inputs, inputs_), addresses_of(outputs, outputs_),
                            address(workspace), address(stream));
      return 0;
    });
  }
  IPluginV3* attachToContext(IPluginResourceContext* context) noexcept override {
    return guarded("attach_to_context", static_cast<IPluginV3*>(nullptr), [&] {
      return released_plugin_v3(
          self_.attr("attach_to_context")(nb::cast(context, nb::rv_policy::reference)));
    });
  }
  PluginFieldCollection const* getFieldsToSerialize() noexcept override {
    return fields_.serialized_of(self_);
  }

 private:
  nb::handle self_;
  int32_t inputs_ = 0, outputs_ = 0;  ///< onShapeChange() comes before enqueue()
  Fields fields_;
};

/// A plugin in Python. The parts may be the object itself or others of its choice.
class PythonPluginV3 final : public IPluginV3, public OfPython {
 public:
  using OfPython::OfPython;
  /// For the library to delete: the Python object lives as long as this.
  explicit PythonPluginV3(nb::object self) : OfPython(self), strong_(std::move(self)) {}
  ~PythonPluginV3() override {
    if (!strong_.is_valid()) return;
    if (!python_runs()) {
      strong_.release();
      return;
    }
    nb::gil_scoped_acquire gil;
    guarded("destroy", false, [&] {
      self_.attr("destroy")();
      return true;
    });
    strong_.reset();
    for (nb::object& part : parts_) part.reset();
  }
  APILanguage getAPILanguage() const noexcept override { return APILanguage::kPYTHON; }

  IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept override {
    return guarded("get_capability_interface", static_cast<IPluginCapability*>(nullptr),
                   [&]() -> IPluginCapability* { return part(type); });
  }
  IPluginV3* clone() noexcept override {
    return guarded("clone", static_cast<IPluginV3*>(nullptr),
                   [&] { return released_plugin_v3(self_.attr("clone")()); });
  }
  void release() {
    for (nb::object& part : parts_) part.reset();
    delete this;
  }

 private:
  IPluginCapability* part(PluginCapabilityType type) {
    nb::object part = self_.attr("get_capability_interface")(type);
    if (part.is_none()) return nullptr;
    const auto index = static_cast<size_t>(type);
    // A part that is the plugin itself is not held: the plugin owns this.
    if (!part.is(self_)) parts_[index] = part;
    if (!quick_[index]) quick_[index] = quick_part(part, type);
    if (quick_[index]) return quick_[index]->capability();
    switch (type) {
      case PluginCapabilityType::kCORE:
        if (!core_) core_ = std::make_unique<Core>(part);
        return core_.get();
      case PluginCapabilityType::kBUILD:
        if (!build_) build_ = std::make_unique<Build>(part);
        return build_.get();
      case PluginCapabilityType::kRUNTIME:
        if (!run_) run_ = std::make_unique<Run>(part);
        return run_.get();
    }
    return nullptr;
  }

  nb::object strong_;
  nb::object parts_[3];
  std::unique_ptr<QuickPart> quick_[3];
  std::unique_ptr<Core> core_;
  std::unique_ptr<Build> build_;
  std::unique_ptr<Run> run_;
};

/// Makes plugins of version 3, in Python.
class PythonCreatorV3 final : public CreatorOfPython<IPluginCreatorV3One> {
 public:
  using CreatorOfPython::CreatorOfPython;
  IPluginV3* createPlugin(AsciiChar const* name, PluginFieldCollection const* fields,
                          TensorRTPhase phase) noexcept override {
    return guarded("create_plugin", static_cast<IPluginV3*>(nullptr), [&]() -> IPluginV3* {
      return released_plugin_v3(self_.attr("create_plugin")(name, fields_of(fields), phase));
    });
  }
  void release() { delete this; }
};

}  // namespace

IPluginV3* native_plugin_v3(nb::handle plugin) {
  if (nb::object native = nb::getattr(plugin, "_library_plugin", nb::none()); !native.is_none()) {
    return nb::inst_check(native) ? nb::cast<IPluginV3*>(native) : nullptr;
  }
  return adapter_of<PythonPluginV3>(plugin, "IPluginV3");
}

IPluginV3* released_plugin_v3(nb::object plugin) {
  if (plugin.is_none()) return nullptr;
  return new PythonPluginV3(std::move(plugin));
}

nb::object python_plugin_v3(IPluginV3* plugin, bool owned) {
  if (plugin == nullptr) return nb::none();
  if (nb::object object = python_object_of(plugin); !object.is_none()) return object;
  return plugin_part("_library_plugin_v3")(owned ? nb::cast(plugin, nb::rv_policy::take_ownership)
                                                 : nb::cast(plugin, nb::rv_policy::reference));
}

IPluginCreatorInterface* native_creator_v3(nb::handle creator) {
  return adapter_of<PythonCreatorV3>(creator, "IPluginCreatorV3One");
}

}  // namespace trt_python
