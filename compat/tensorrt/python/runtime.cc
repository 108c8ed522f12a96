// Runtime, which loads engines; EngineInspector, which shows them; options of files and contexts.
#include "bind.h"

namespace trt_python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

IRuntime* make_runtime(Callback<ILogger> logger) {
  if (logger.native == nullptr) throw nb::next_overload();
  return made(createInferRuntime(*logger.native), "the runtime could not be made");
}

template <class Reader>
ICudaEngine* engine_of(IRuntime& runtime, Callback<Reader> reader) {
  if (reader.native == nullptr) throw nb::next_overload();
  nb::gil_scoped_release released;
  return runtime.deserializeCudaEngine(*reader.native);
}

void bind_loads(nb::class_<IRuntime>& runtime) {
  runtime
      .def(
          "deserialize_cuda_engine",
          [](IRuntime& self, const Bytes& file) {
            nb::gil_scoped_release released;
            return self.deserializeCudaEngine(file.data(), file.size());
          },
          "serialized_engine"_a, nb::keep_alive<0, 1>(), "The engine of a file; None on failure.")
      .def("deserialize_cuda_engine", &engine_of<IStreamReader>, "stream_reader"_a,
           nb::keep_alive<0, 1>(), "The engine that a reader gives.")
      .def("deserialize_cuda_engine", &engine_of<IStreamReaderV2>, "stream_reader_v2"_a,
           nb::keep_alive<0, 1>(), "The engine that a reader gives.")
      .def("load_runtime", &IRuntime::loadRuntime, "path"_a, nb::keep_alive<0, 1>(),
           "Another runtime, of a library; None on failure.");
}

void bind_properties(nb::class_<IRuntime>& runtime) {
  runtime.def_prop_rw("DLA_core", &IRuntime::getDLACore, &IRuntime::setDLACore, "Which DLA.")
      .def_prop_ro("num_DLA_cores", &IRuntime::getNbDLACores, "0: there is no DLA.")
      .def_prop_rw(
          "gpu_allocator", nullptr,
          [](IRuntime& self, Callback<IGpuAllocator> allocator) {
            self.setGpuAllocator(allocator.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where memory of the device comes from.")
      .def_prop_rw(
          "error_recorder",
          [](const IRuntime& self) { return Callback<IErrorRecorder>{self.getErrorRecorder()}; },
          [](IRuntime& self, Callback<IErrorRecorder> recorder) {
            self.setErrorRecorder(recorder.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where errors are kept, beside the logger.")
      .def_prop_ro(
          "logger", [](const IRuntime& self) { return Callback<ILogger>{self.getLogger()}; },
          "Its logger.")
      .def_prop_rw("max_threads", &IRuntime::getMaxThreads, &IRuntime::setMaxThreads,
                   "Threads that it may use.")
      .def_prop_rw("temporary_directory", &IRuntime::getTemporaryDirectory,
                   &IRuntime::setTemporaryDirectory, "Where temporary files go.")
      .def_prop_rw("tempfile_control_flags", &IRuntime::getTempfileControlFlags,
                   &IRuntime::setTempfileControlFlags, "A bit for each TempfileControlFlag.")
      .def("get_plugin_registry", &IRuntime::getPluginRegistry, nb::rv_policy::reference,
           "The registry of plugins.")
      .def_prop_rw("engine_host_code_allowed", &IRuntime::getEngineHostCodeAllowed,
                   lenient<&IRuntime::setEngineHostCodeAllowed>,
                   "Whether files may bring code for the host.");
}

void bind_options(nb::module_& m) {
  nb::class_<ISerializationConfig>(m, "ISerializationConfig", "What an engine file shall hold.")
      .def_prop_rw("flags", &ISerializationConfig::getFlags, &ISerializationConfig::setFlags,
                   "A bit for each SerializationFlag.")
      .def("clear_flag", &ISerializationConfig::clearFlag, "flag"_a, "Switches a flag off.")
      .def("set_flag", &ISerializationConfig::setFlag, "flag"_a, "Switches a flag on.")
      .def("get_flag", &ISerializationConfig::getFlag, "flag"_a, "Whether a flag is on.");
  nb::class_<IRuntimeConfig>(m, "IRuntimeConfig", "Options of a context.")
      .def("set_execution_context_allocation_strategy",
           &IRuntimeConfig::setExecutionContextAllocationStrategy,
           "strategy"_a = ExecutionContextAllocationStrategy::kSTATIC,
           "When it allocates its scratch memory.")
      .def("get_execution_context_allocation_strategy",
           &IRuntimeConfig::getExecutionContextAllocationStrategy,
           "When it allocates its scratch memory.");
}

}  // namespace

void bind_runtime(nb::module_& m) {
  bind_options(m);
  nb::class_<IRuntime> runtime(m, "Runtime", "Loads engines.");
  runtime.def(nb::new_(&make_runtime), "logger"_a, nb::keep_alive<0, 2>());
  bind_loads(runtime);
  bind_properties(runtime);
}

}  // namespace trt_python
