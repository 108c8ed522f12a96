// The values that plugins see: expressions of sizes, descriptions of tensors; the calls that add
// plugins to networks.
#include "plugins.h"

namespace trt_python {
namespace {

void bind_expressions(nb::module_& m) {
  constexpr auto kOwn = nb::rv_policy::reference;
  nb::class_<IDimensionExpr>(m, "IDimensionExpr", "A size as an expression.")
      .def("is_constant", &IDimensionExpr::isConstant, "Whether it is a number.")
      .def("get_constant_value", &IDimensionExpr::getConstantValue, "That number.")
      .def("is_size_tensor", &IDimensionExpr::isSizeTensor,
           "Whether a run tells it: IExprBuilder.declare_size_tensor().");
  nb::class_<IExprBuilder>(m, "IExprBuilder", "Makes expressions of sizes.")
      .def("constant", &IExprBuilder::constant, "arg0"_a, kOwn, "A number.")
      .def("operation", &IExprBuilder::operation, "arg0"_a, "arg1"_a, "arg2"_a, kOwn,
           "Arithmetic on two expressions.")
      .def("declare_size_tensor", &IExprBuilder::declareSizeTensor, "arg0"_a, "arg1"_a, "arg2"_a,
           kOwn, "A size that an output of the plugin tells.");
  const auto at = [](const DimsExprs& self, int32_t i) {
    if (i < 0) i += self.nbDims;
    if (i < 0 || i >= self.nbDims) throw nb::index_error("Out of bounds");
    return i;
  };
  nb::class_<DimsExprs>(m, "DimsExprs", "A shape of expressions.")
      .def("__init__",
           [](DimsExprs* self) {
             new (self) DimsExprs{0, {}};
           })
      .def("__init__",
           [](DimsExprs* self, const std::vector<const IDimensionExpr*>& sizes) {
             if (sizes.size() > size_t{Dims::MAX_DIMS}) {
               throw nb::value_error("a shape has at most 8 dimensions");
             }
             new (self) DimsExprs{static_cast<int32_t>(sizes.size()), {}};
             std::copy(sizes.begin(), sizes.end(), self->d);
           })
      .def("__init__",
           [](DimsExprs* self, int32_t rank) {
             if (rank < 0 || rank > Dims::MAX_DIMS) {
               throw nb::value_error("a shape has at most 8 dimensions");
             }
             new (self) DimsExprs{rank, {}};
           })
      .def("__len__", [](const DimsExprs& self) { return self.nbDims; })
      .def(
          "__getitem__", [at](const DimsExprs& self, int32_t i) { return self.d[at(self, i)]; },
          kOwn)
      .def("__setitem__", [at](DimsExprs& self, int32_t i, const IDimensionExpr* size) {
        self.d[at(self, i)] = size;
      });
}

void bind_descriptions(nb::module_& m) {
  nb::class_<PluginTensorDesc>(m, "PluginTensorDesc", "A tensor of a plugin.")
      .def("__init__", [](PluginTensorDesc* self) { new (self) PluginTensorDesc{}; })
      .def_rw("dims", &PluginTensorDesc::dims, "Its shape.")
      .def_rw("type", &PluginTensorDesc::type, "The type of its elements.")
      .def_rw("format", &PluginTensorDesc::format, "How elements lie in memory.")
      .def_rw("scale", &PluginTensorDesc::scale, "The scale of INT8.");
  nb::class_<DynamicPluginTensorDesc>(m, "DynamicPluginTensorDesc",
                                      "A tensor of a plugin, with the range of its shape.")
      .def("__init__", [](DynamicPluginTensorDesc* self) { new (self) DynamicPluginTensorDesc{}; })
      .def_rw("desc", &DynamicPluginTensorDesc::desc, "The tensor; sizes of -1 are dynamic.")
      .def_rw("min", &DynamicPluginTensorDesc::min, "The least shape.")
      .def_rw("opt", &DynamicPluginTensorDesc::opt, "The usual shape.")
      .def_rw("max", &DynamicPluginTensorDesc::max, "The greatest shape.");
  nb::class_<IPluginResourceContext>(m, "IPluginResourceContext",
                                     "What a plugin gets with an execution context.")
      .def_prop_ro(
          "error_recorder",
          [](const IPluginResourceContext& self) {
            return Callback<IErrorRecorder>{self.getErrorRecorder()};
          },
          "Where errors are kept, or None.")
      .def_prop_ro(
          "gpu_allocator",
          [](const IPluginResourceContext& self) {
            return Callback<IGpuAllocator>{self.getGpuAllocator()};
          },
          "Where memory of the device comes from, or None.");
}

void bind_library_plugin(nb::module_& m) {
  nb::class_<IPluginV2>(m, "_PluginV2")
      .def_prop_ro("num_outputs", &IPluginV2::getNbOutputs)
      .def_prop_ro("tensorrt_version", &IPluginV2::getTensorRTVersion)
      .def_prop_ro("plugin_type", &IPluginV2::getPluginType)
      .def_prop_ro("plugin_version", &IPluginV2::getPluginVersion)
      .def_prop_ro("plugin_namespace", &IPluginV2::getPluginNamespace)
      .def("initialize", &IPluginV2::initialize)
      .def("terminate", &IPluginV2::terminate)
      .def("destroy", &IPluginV2::destroy)
      .def("serialize",
           [](const IPluginV2& self) {
             std::string bytes(self.getSerializationSize(), '\0');
             self.serialize(bytes.data());
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def("clone", [](const IPluginV2& self) { return python_plugin_v2(self.clone(), true); })
      .def("get_output_shape",
           [](IPluginV2& self, int32_t index, const std::vector<Dims>& inputs) {
             return self.getOutputDimensions(index, inputs.data(),
                                             static_cast<int32_t>(inputs.size()));
           })
      .def("supports_format", &IPluginV2::supportsFormat)
      .def("configure_with_format",
           [](IPluginV2& self, const std::vector<Dims>& inputs, const std::vector<Dims>& outputs,
              DataType type, PluginFormat format, int32_t batch) {
             self.configureWithFormat(inputs.data(), static_cast<int32_t>(inputs.size()),
                                      outputs.data(), static_cast<int32_t>(outputs.size()), type,
                                      format, batch);
           })
      .def("get_workspace_size", &IPluginV2::getWorkspaceSize)
      .def(
          "execute_async",
          [](IPluginV2& self, int32_t batch, const nb::sequence& inputs,
             const nb::sequence& outputs, nb::handle workspace, nb::handle stream) {
            std::vector<void*> in, out;
            for (const nb::handle input : inputs) in.push_back(memory_of(input));
            for (const nb::handle output : outputs) out.push_back(memory_of(output));
            return self.enqueue(batch, in.data(), out.data(), memory_of(workspace),
                                static_cast<cudaStream_t>(memory_of(stream)));
          },
          "batch_size"_a, "inputs"_a, "outputs"_a, "workspace"_a.none(), "stream_handle"_a.none());
}

void bind_plugin_layers(nb::module_& m) {
  nb::class_<IPluginV2Layer, ILayer>(m, "IPluginV2Layer", "A plugin of version 2.")
      .def_prop_ro(
          "plugin", [](IPluginV2Layer& self) { return python_plugin_v2(&self.getPlugin(), false); },
          "The plugin.");
  nb::class_<IPluginV3Layer, ILayer>(m, "IPluginV3Layer", "A plugin of version 3.")
      .def_prop_ro(
          "plugin", [](IPluginV3Layer& self) { return python_plugin_v3(&self.getPlugin(), false); },
          "The plugin.");
}

IPluginV3Layer* add_v3(INetworkDefinition& network, const std::vector<ITensor*>& inputs,
                       const std::vector<ITensor*>& shapes, nb::handle plugin) {
  IPluginV3* native = native_plugin_v3(plugin);
  if (native == nullptr) throw nb::type_error("this is no plugin of version 3");
  return network.addPluginV3(inputs.data(), static_cast<int32_t>(inputs.size()), shapes.data(),
                             static_cast<int32_t>(shapes.size()), *native);
}

/// (inputs, shape inputs, plugin).
IPluginV3Layer* add_made(INetworkDefinition& network, const nb::tuple& what) {
  if (what.size() != 3) throw nb::value_error("(inputs, shape inputs, plugin) is wanted");
  nb::object plugin = what[2];
  nb::keep_alive_obj(nb::find(&network), plugin);
  return add_v3(network, nb::cast<std::vector<ITensor*>>(nb::object(what[0])),
                nb::cast<std::vector<ITensor*>>(nb::object(what[1])), plugin);
}

}  // namespace

void bind_network_plugins(nb::class_<INetworkDefinition>& network) {
  constexpr auto kOwn = nb::rv_policy::reference_internal;
  network
      .def(
          "add_plugin_v2",
          [](INetworkDefinition& self, const std::vector<ITensor*>& inputs, nb::handle plugin) {
            IPluginV2* native = native_plugin_v2(plugin);
            if (native == nullptr) throw nb::type_error("this is no plugin of version 2");
            return self.addPluginV2(inputs.data(), static_cast<int32_t>(inputs.size()), *native);
          },
          "inputs"_a, "plugin"_a, kOwn, nb::keep_alive<1, 3>(), "A plugin of version 2.")
      .def("add_plugin_v3", &add_v3, "inputs"_a, "shape_inputs"_a, "plugin"_a, kOwn,
           nb::keep_alive<1, 4>(), "A plugin of version 3.")
      .def(
          "add_plugin",
          [](INetworkDefinition& self, nb::tuple what) { return add_made(self, what); }, "tuple"_a,
          kOwn, "A plugin of version 3, with its inputs.")
      .def(
          "add_plugin",
          [](INetworkDefinition& self, nb::callable make, nb::object aot) {
            return add_made(self, nb::cast<nb::tuple>(make(aot)));
          },
          "func"_a, "aot"_a.none() = nb::none(), kOwn, "A plugin that a function makes.");
}

void bind_plugins(nb::module_& m) {
  bind_expressions(m);
  bind_descriptions(m);
  bind_library_plugin(m);
  bind_plugin_layers(m);
  bind_native_plugins(m);
}

}  // namespace trt_python
