// IPluginV2DynamicExt in Python, and its creators.
#include "plugins.h"

#include <algorithm>
#include <cstring>

namespace trt_python {
namespace {

/// A plugin in Python. The library deletes those that it was given by destroy().
class PythonPluginV2 final : public IPluginV2DynamicExt, public OfPython {
 public:
  using OfPython::OfPython;
  explicit PythonPluginV2(nb::object self) : OfPython(self), strong_(std::move(self)) {}
  ~PythonPluginV2() override {
    if (!strong_.is_valid()) return;
    if (!python_runs()) {
      strong_.release();
      return;
    }
    nb::gil_scoped_acquire gil;
    strong_.reset();
  }

  AsciiChar const* getPluginType() const noexcept override { return text("plugin_type", type_); }
  AsciiChar const* getPluginVersion() const noexcept override {
    return text("plugin_version", version_);
  }
  AsciiChar const* getPluginNamespace() const noexcept override {
    return text("plugin_namespace", namespace_);
  }
  void setPluginNamespace(AsciiChar const* name) noexcept override {
    guarded("plugin_namespace", false, [&] {
      nb::setattr(self_, "plugin_namespace", nb::str(name));
      return true;
    });
  }
  int32_t getNbOutputs() const noexcept override {
    return guarded("num_outputs", 0, [&] { return nb::cast<int32_t>(self_.attr("num_outputs")); });
  }
  int32_t initialize() noexcept override {
    return guarded("initialize", 1, [&] {
      self_.attr("initialize")();
      return 0;
    });
  }
  void terminate() noexcept override {
    guarded("terminate", false, [&] {
      self_.attr("terminate")();
      return true;
    });
  }
  size_t getSerializationSize() const noexcept override {
    return guarded("get_serialization_size", size_t{0},
                   [&] { return nb::cast<size_t>(self_.attr("get_serialization_size")()); });
  }
  void serialize(void* buffer) const noexcept override {
    guarded("serialize", false, [&] {
      nb::bytes bytes = nb::cast<nb::bytes>(nb::object(self_.attr("serialize")()));
      std::memcpy(buffer, bytes.data(), bytes.size());
      return true;
    });
  }
  void destroy() noexcept override {
    guarded("destroy", false, [&] {
      self_.attr("destroy")();
      return true;
    });
    if (strong_.is_valid()) delete this;
  }
  DataType getOutputDataType(int32_t index, DataType const* types,
                             int32_t inputs) const noexcept override {
    return guarded("get_output_datatype", DataType::kFLOAT, [&] {
      return nb::cast<DataType>(self_.attr("get_output_datatype")(index, list_of(types, inputs)));
    });
  }
  IPluginV2DynamicExt* clone() const noexcept override {
    return guarded("clone", static_cast<IPluginV2DynamicExt*>(nullptr),
                   [&]() -> IPluginV2DynamicExt* {
                     nb::object copy = self_.attr("clone")();
                     return copy.is_none() ? nullptr : new PythonPluginV2(std::move(copy));
                   });
  }
  DimsExprs getOutputDimensions(int32_t index, DimsExprs const* inputs, int32_t count,
                                IExprBuilder& builder) noexcept override {
    return guarded("get_output_dimensions", DimsExprs{-1, {}}, [&] {
      return nb::cast<DimsExprs>(nb::object(self_.attr("get_output_dimensions")(
          index, list_of(inputs, count), nb::cast(&builder, nb::rv_policy::reference))));
    });
  }
  bool supportsFormatCombination(int32_t position, PluginTensorDesc const* tensors, int32_t inputs,
                                 int32_t outputs) noexcept override {
    return guarded("supports_format_combination", false, [&] {
      nb::object result = self_.attr("supports_format_combination")(
          position, list_of(tensors, inputs + outputs), inputs);
      return PyObject_IsTrue(result.ptr()) == 1;
    });
  }
  void configurePlugin(DynamicPluginTensorDesc const* in, int32_t inputs,
                       DynamicPluginTensorDesc const* out, int32_t outputs) noexcept override {
    inputs_ = inputs;
    outputs_ = outputs;
    guarded("configure_plugin", false, [&] {
      self_.attr("configure_plugin")(list_of(in, inputs), list_of(out, outputs));
      return true;
    });
  }
  size_t getWorkspaceSize(PluginTensorDesc const* in, int32_t inputs, PluginTensorDesc const* out,
                          int32_t outputs) const noexcept override {
    return guarded("get_workspace_size", size_t{0}, [&] {
      return nb::cast<size_t>(
          self_.attr("get_workspace_size")(list_of(in, inputs), list_of(out, outputs)));
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
  void release() { delete this; }

 private:
  const char* text(const char* attribute, std::string& kept) const noexcept {
    return guarded(attribute, "", [&] {
      kept = nb::cast<std::string>(nb::object(self_.attr(attribute)));
      return kept.c_str();
    });
  }

  nb::object strong_;
  mutable std::string type_, version_, namespace_;
  int32_t inputs_ = 0, outputs_ = 0;  ///< configurePlugin() comes before enqueue()
};

/// Makes plugins of version 2, in Python.
class PythonCreatorV2 final : public IPluginCreator, public OfPython {
 public:
  using OfPython::OfPython;
  AsciiChar const* getPluginName() const noexcept override { return text("name", name_); }
  AsciiChar const* getPluginVersion() const noexcept override {
    return text("plugin_version", version_);
  }
  AsciiChar const* getPluginNamespace() const noexcept override {
    return text("plugin_namespace", namespace_);
  }
  void setPluginNamespace(AsciiChar const* name) noexcept override {
    guarded("plugin_namespace", false, [&] {
      nb::setattr(self_, "plugin_namespace", nb::str(name));
      return true;
    });
  }
  PluginFieldCollection const* getFieldNames() noexcept override { return fields_.names_of(self_); }
  IPluginV2* createPlugin(AsciiChar const* name,
                          PluginFieldCollection const* fields) noexcept override {
    return guarded("create_plugin", static_cast<IPluginV2*>(nullptr), [&]() -> IPluginV2* {
      return released_plugin_v2(self_.attr("create_plugin")(name, fields_of(fields)));
    });
  }
  IPluginV2* deserializePlugin(AsciiChar const* name, void const* data,
                               size_t size) noexcept override {
    return guarded("deserialize_plugin", static_cast<IPluginV2*>(nullptr), [&]() -> IPluginV2* {
      return released_plugin_v2(self_.attr("deserialize_plugin")(name, nb::bytes(data, size)));
    });
  }
  void release() { delete this; }

 private:
  const char* text(const char* attribute, std::string& kept) const noexcept {
    return guarded(attribute, "", [&] {
      kept = nb::cast<std::string>(nb::object(nb::getattr(self_, attribute, nb::str(""))));
      return kept.c_str();
    });
  }

  mutable std::string name_, version_, namespace_;
  Fields fields_;
};

}  // namespace

IPluginV2* native_plugin_v2(nb::handle plugin) {
  if (nb::object native = nb::getattr(plugin, "_library_plugin", nb::none()); !native.is_none()) {
    return nb::cast<IPluginV2*>(native);
  }
  return adapter_of<PythonPluginV2>(plugin, "IPluginV2DynamicExt");
}

IPluginV2* released_plugin_v2(nb::object plugin) {
  if (plugin.is_none()) return nullptr;
  return new PythonPluginV2(std::move(plugin));
}

nb::object python_plugin_v2(IPluginV2* plugin, bool owned) {
  if (plugin == nullptr) return nb::none();
  if (nb::object object = python_object_of(plugin); !object.is_none()) return object;
  return plugin_part("_library_plugin_v2")(nb::cast(plugin, nb::rv_policy::reference), owned);
}

IPluginCreatorInterface* native_creator_v2(nb::handle creator) {
  return adapter_of<PythonCreatorV2>(creator, "IPluginCreator");
}

}  // namespace trt_python
