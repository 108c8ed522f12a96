// ICudaEngine: a compiled network; EngineInspector: the engine as text.
#include <stdexcept>

#include "bind.h"

namespace trt_python {
namespace {

using Engine = ICudaEngine;
using Release = nb::call_guard<nb::gil_scoped_release>;
constexpr OptProfileSelector kSelectors[] = {OptProfileSelector::kMIN, OptProfileSelector::kOPT,
                                             OptProfileSelector::kMAX};

void bind_contexts(nb::class_<Engine>& engine) {
  engine
      .def("create_execution_context",
           nb::overload_cast<ExecutionContextAllocationStrategy>(&Engine::createExecutionContext),
           "strategy"_a = ExecutionContextAllocationStrategy::kSTATIC, nb::keep_alive<0, 1>(),
           Release(), "A context; None on failure.")
      .def(
          "create_execution_context",
          [](Engine& self, IRuntimeConfig* config) {
            nb::gil_scoped_release released;
            return config == nullptr ? self.createExecutionContext()
                                     : self.createExecutionContext(config);
          },
          "runtime_config"_a.none() = nb::none(), nb::keep_alive<0, 1>(), nb::keep_alive<0, 2>(),
          "A context with options; None on failure.")
      .def("create_execution_context_without_device_memory",
           &Engine::createExecutionContextWithoutDeviceMemory, nb::keep_alive<0, 1>(),
           "A context that is given its scratch memory; None on failure.")
      .def("create_runtime_config", &Engine::createRuntimeConfig, nb::keep_alive<0, 1>(),
           "Options of a context.")
      .def("create_engine_inspector", &Engine::createEngineInspector, nb::keep_alive<0, 1>(),
           "Shows the engine.")
      .def("serialize", &Engine::serialize, Release(), "The engine as a file; None on failure.")
      .def("create_serialization_config", &Engine::createSerializationConfig,
           "What a file shall hold.")
      .def("serialize_with_config", &Engine::serializeWithConfig, "config"_a, Release(),
           "The engine as a file; None on failure.");
}

void bind_memory(nb::class_<Engine>& engine) {
  engine
      .def_prop_ro("device_memory_size", &Engine::getDeviceMemorySize,
                   "Scratch bytes of a context.")
      .def_prop_ro("device_memory_size_v2", &Engine::getDeviceMemorySizeV2,
                   "Scratch bytes of a context.")
      .def("get_device_memory_size_for_profile", &Engine::getDeviceMemorySizeForProfile,
           "profile_index"_a, "Scratch bytes of a context for one profile.")
      .def("get_device_memory_size_for_profile_v2", &Engine::getDeviceMemorySizeForProfileV2,
           "profile_index"_a, "Scratch bytes of a context for one profile.")
      .def_prop_rw(
          "weight_streaming_budget", &Engine::getWeightStreamingBudget,
          // As in NVIDIA's module, a refusal is told by the logger and by what is read back.
          [](Engine& self, int64_t bytes) { self.setWeightStreamingBudget(bytes); },
          "Bytes of weights that stay on the device.")
      .def_prop_ro("minimum_weight_streaming_budget", &Engine::getMinimumWeightStreamingBudget,
                   "The least that weight_streaming_budget may be.")
      .def_prop_rw(
          "weight_streaming_budget_v2", &Engine::getWeightStreamingBudgetV2,
          [](Engine& self, int64_t bytes) { self.setWeightStreamingBudgetV2(bytes); },
          "Bytes of weights that stay on the device.")
      .def_prop_ro("streamable_weights_size", &Engine::getStreamableWeightsSize,
                   "Bytes of weights that can be streamed.")
      .def("get_weight_streaming_automatic_budget", &Engine::getWeightStreamingAutomaticBudget,
           "A budget that suits the device.")
      .def_prop_ro("weight_streaming_scratch_memory_size",
                   &Engine::getWeightStreamingScratchMemorySize, "Scratch bytes of streaming.")
      .def("get_engine_stat", &Engine::getEngineStat, "stat"_a = EngineStat::kTOTAL_WEIGHTS_SIZE,
           "A number of the engine; -1 where it is not known.");
}

void bind_properties(nb::class_<Engine>& engine) {
  engine
      .def_prop_ro("has_implicit_batch_dimension", &Engine::hasImplicitBatchDimension,
                   "Whether tensors have no dimension for the batch.")
      .def_prop_ro("num_layers", &Engine::getNbLayers, "How many steps it has.")
      .def_prop_ro("refittable", &Engine::isRefittable, "Whether weights can be replaced.")
      .def_prop_ro("name", &Engine::getName, "The network's name.")
      .def_prop_ro("num_optimization_profiles", &Engine::getNbOptimizationProfiles,
                   "How many profiles it has.")
      .def_prop_ro("engine_capability", &Engine::getEngineCapability, "What it is restricted to.")
      .def_prop_rw(
          "error_recorder",
          [](const Engine& self) { return Callback<IErrorRecorder>{self.getErrorRecorder()}; },
          [](Engine& self, Callback<IErrorRecorder> recorder) {
            self.setErrorRecorder(recorder.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where errors are kept, beside the logger.")
      .def_prop_ro("tactic_sources", &Engine::getTacticSources, "A bit for each TacticSource.")
      .def_prop_ro("profiling_verbosity", &Engine::getProfilingVerbosity,
                   "How much it tells of its layers.")
      .def_prop_ro("hardware_compatibility_level", &Engine::getHardwareCompatibilityLevel,
                   "On which other GPUs it runs.")
      .def_prop_ro("num_aux_streams", &Engine::getNbAuxStreams, "Streams beside the main one.");
}

/// The I/O tensor of an index, which may be counted from the end.
const char* tensor_at(const Engine& engine, int64_t index) {
  const int64_t count = engine.getNbIOTensors();
  const int64_t at = index < 0 ? index + count : index;
  if (at < 0 || at >= count) throw nb::index_error("Out of bounds");
  return engine.getIOTensorName(static_cast<int32_t>(at));
}

void bind_tensor_queries(nb::class_<Engine>& engine) {
  engine
      .def_prop_ro("num_io_tensors", &Engine::getNbIOTensors, "How many inputs and outputs it has.")
      .def("__getitem__", &tensor_at)
      .def("get_tensor_name", &Engine::getIOTensorName, "index"_a,
           "The name of an input or output; inputs come first.")
      .def("get_tensor_mode", &Engine::getTensorIOMode, "name"_a, "Whether it is an input.")
      .def("is_shape_inference_io", &Engine::isShapeInferenceIO, "name"_a,
           "Whether shapes depend on its values.")
      .def("get_tensor_shape", &Engine::getTensorShape, "name"_a, "Its sizes, -1 for dynamic ones.")
      .def("get_tensor_dtype", &Engine::getTensorDataType, "name"_a, "The type of its elements.")
      .def("get_tensor_location", &Engine::getTensorLocation, "name"_a,
           "On which side its memory lies.")
      .def("get_aliased_input_tensor", &Engine::getAliasedInputTensor, "name"_a,
           "The input whose memory an output shares, or None.")
      .def("is_debug_tensor", &Engine::isDebugTensor, "name"_a,
           "Whether INetworkDefinition.mark_debug() was called.")
      .def(
          "get_tensor_profile_shape",
          [](const Engine& self, const char* name, int32_t profile) {
            std::vector<Dims> shapes;
            for (auto select : kSelectors) {
              shapes.push_back(self.getProfileShape(name, profile, select));
            }
            return shapes;
          },
          "name"_a, "profile_index"_a, "[min, opt, max] of an input.")
      .def(
          "get_tensor_profile_values",
          [](const Engine& self, int32_t profile, const char* name) {
            const Dims shape = self.getTensorShape(name);
            int64_t count = 1;
            for (int32_t i = 0; i < shape.nbDims; ++i) count *= shape.d[i];
            std::vector<std::vector<int64_t>> all;
            for (auto select : kSelectors) {
              const int64_t* values = self.getProfileTensorValuesV2(name, profile, select);
              if (values == nullptr) {
                throw std::runtime_error("shapes do not depend on the values of this tensor");
              }
              all.emplace_back(values, values + count);
            }
            return all;
          },
          "name"_a, "profile_index"_a,
          "[min, opt, max] of the values of an input; called with the profile first, as in "
          "TensorRT.");
}

void bind_formats(nb::class_<Engine>& engine) {
  using Name = const char*;
  engine
      .def("get_tensor_bytes_per_component",
           nb::overload_cast<Name>(&Engine::getTensorBytesPerComponent, nb::const_), "name"_a,
           "Bytes of an element.")
      .def("get_tensor_bytes_per_component",
           nb::overload_cast<Name, int32_t>(&Engine::getTensorBytesPerComponent, nb::const_),
           "name"_a, "profile_index"_a, "Bytes of an element.")
      .def("get_tensor_components_per_element",
           nb::overload_cast<Name>(&Engine::getTensorComponentsPerElement, nb::const_), "name"_a,
           "How many elements are packed; -1 for none.")
      .def("get_tensor_components_per_element",
           nb::overload_cast<Name, int32_t>(&Engine::getTensorComponentsPerElement, nb::const_),
           "name"_a, "profile_index"_a, "How many elements are packed; -1 for none.")
      .def("get_tensor_format", nb::overload_cast<Name>(&Engine::getTensorFormat, nb::const_),
           "name"_a, "How elements lie in memory.")
      .def("get_tensor_format",
           nb::overload_cast<Name, int32_t>(&Engine::getTensorFormat, nb::const_), "name"_a,
           "profile_index"_a, "How elements lie in memory.")
      .def("get_tensor_format_desc",
           nb::overload_cast<Name>(&Engine::getTensorFormatDesc, nb::const_), "name"_a,
           "The format in words.")
      .def("get_tensor_format_desc",
           nb::overload_cast<Name, int32_t>(&Engine::getTensorFormatDesc, nb::const_), "name"_a,
           "profile_index"_a, "The format in words.")
      .def("get_tensor_vectorized_dim",
           nb::overload_cast<Name>(&Engine::getTensorVectorizedDim, nb::const_), "name"_a,
           "The axis that is packed; -1 for none.")
      .def("get_tensor_vectorized_dim",
           nb::overload_cast<Name, int32_t>(&Engine::getTensorVectorizedDim, nb::const_), "name"_a,
           "profile_index"_a, "The axis that is packed; -1 for none.");
}

void bind_inspector(nb::module_& m) {
  nb::class_<IEngineInspector>(m, "EngineInspector", "Shows an engine, as text or JSON.")
      .def_prop_rw(
          "execution_context", &IEngineInspector::getExecutionContext,
          [](IEngineInspector& self, const IExecutionContext* context) {
            self.setExecutionContext(context);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), nb::for_setter(nb::arg("context").none()),
          nb::for_getter(nb::rv_policy::reference), "Whose shapes are shown, or None.")
      .def("get_layer_information", &IEngineInspector::getLayerInformation, "layer_index"_a,
           "format"_a, "A step.")
      .def("get_engine_information", &IEngineInspector::getEngineInformation, "format"_a,
           "All of it.")
      .def_prop_rw(
          "error_recorder",
          [](const IEngineInspector& self) {
            return Callback<IErrorRecorder>{self.getErrorRecorder()};
          },
          [](IEngineInspector& self, Callback<IErrorRecorder> recorder) {
            self.setErrorRecorder(recorder.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where errors are kept, beside the logger.");
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<Engine> engine(m, "ICudaEngine", "A compiled network.");
  bind_contexts(engine);
  bind_memory(engine);
  bind_properties(engine);
  bind_tensor_queries(engine);
  bind_formats(engine);
  bind_engine_bindings(engine);
  bind_inspector(m);
}

}  // namespace trt_python
