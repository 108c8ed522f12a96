// IExecutionContext: the state of one inference. Runs release the GIL.
#include <algorithm>
#include <stdexcept>

#include "bind.h"

namespace trt_python {
namespace {

using Context = IExecutionContext;
using Release = nb::call_guard<nb::gil_scoped_release>;
constexpr auto kOwn = nb::rv_policy::reference_internal;

void bind_runs(nb::class_<Context>& context) {
  context
      .def(
          "execute_v2",
          [](Context& self, const std::vector<size_t>& bindings) {
            // The library reads one address for each tensor: what is not given has none.
            std::vector<void*> memory(static_cast<size_t>(self.getEngine().getNbBindings()),
                                      nullptr);
            if (bindings.size() > memory.size()) memory.resize(bindings.size());
            for (size_t i = 0; i < bindings.size(); ++i) memory[i] = pointer<void*>(bindings[i]);
            nb::gil_scoped_release released;
            return self.executeV2(memory.data());
          },
          "bindings"_a, "Runs; an address for each input and output, in their order.")
      .def(
          "execute_async_v3",
          [](Context& self, size_t stream) {
            nb::gil_scoped_release released;
            return self.enqueueV3(pointer<cudaStream_t>(stream));
          },
          "stream_handle"_a, "Queues a run with the addresses that were set.")
      .def(
          "set_optimization_profile_async",
          [](Context& self, int32_t profile, size_t stream) {
            require(self.setOptimizationProfileAsync(profile, pointer<cudaStream_t>(stream)),
                    "IExecutionContext.set_optimization_profile_async()");
            return true;
          },
          "profile_index"_a, "stream_handle"_a, "Chooses a profile.")
      .def_prop_rw(
          "active_optimization_profile", &Context::getOptimizationProfile,
          [](Context& self, int32_t profile) {
            require(self.setOptimizationProfile(profile),
                    "IExecutionContext.active_optimization_profile");
          },
          "The profile; set in versions 6 to 9.")
      .def("report_to_profiler", &Context::reportToProfiler, Release(),
           "Tells the profiler of the last run.")
      .def(
          "set_aux_streams",
          [](Context& self, const std::vector<size_t>& streams) {
            std::vector<cudaStream_t> handles;
            for (size_t stream : streams) handles.push_back(pointer<cudaStream_t>(stream));
            self.setAuxStreams(handles.data(), static_cast<int32_t>(handles.size()));
          },
          "aux_streams"_a, "Streams that it may use beside the main one.");
}

void bind_shapes(nb::class_<Context>& context) {
  context
      .def("set_input_shape", &Context::setInputShape, "name"_a, "shape"_a,
           "The shape of an input; False where the profile does not allow it.")
      .def("get_tensor_shape", &Context::getTensorShape, "name"_a,
           "The shape for the shapes that are set; -1 for sizes that are not known.")
      .def("get_tensor_strides", &Context::getTensorStrides, "name"_a,
           "The distances of its elements.")
      .def(
          "infer_shapes",
          [](Context& self) {
            std::vector<const char*> names(
                static_cast<size_t>(std::max(0, self.getEngine().getNbIOTensors())), nullptr);
            const int32_t missing =
                self.inferShapes(static_cast<int32_t>(names.size()), names.data());
            if (missing < 0) throw std::runtime_error("shapes could not be inferred");
            names.resize(std::min(names.size(), static_cast<size_t>(missing)));
            return std::vector<std::string>(names.begin(), names.end());
          },
          "The inputs whose shapes or values are still needed.")
      .def_prop_ro("all_binding_shapes_specified", &Context::allInputDimensionsSpecified,
                   "Whether the shapes of all inputs are set.")
      .def_prop_ro("all_shape_inputs_specified", &Context::allInputShapesSpecified,
                   "Whether the values that shapes depend on are set.")
      .def("get_max_output_size", &Context::getMaxOutputSize, "name"_a,
           "The greatest size of an output in bytes.");
}

void bind_addresses(nb::class_<Context>& context) {
  context
      .def(
          "set_tensor_address",
          [](Context& self, const char* name, size_t memory) {
            return self.setTensorAddress(name, pointer<void*>(memory));
          },
          "name"_a, "memory"_a, "Where an input is read or an output written.")
      .def(
          "get_tensor_address",
          [](const Context& self, const char* name) {
            return address(self.getTensorAddress(name));
          },
          "name"_a, "That address, or 0.")
      .def(
          "set_input_consumed_event",
          [](Context& self, size_t event) {
            return self.setInputConsumedEvent(pointer<cudaEvent_t>(event));
          },
          "event"_a, "Recorded when inputs may be overwritten.")
      .def(
          "get_input_consumed_event",
          [](const Context& self) { return address(self.getInputConsumedEvent()); },
          "That event, or 0.")
      .def(
          "set_output_allocator",
          [](Context& self, const char* name, Callback<IOutputAllocator> allocator) {
            return self.setOutputAllocator(name, allocator.native);
          },
          "name"_a, "output_allocator"_a, nb::keep_alive<1, 3>(),
          "Gives memory for an output whose size the run tells.")
      .def(
          "get_output_allocator",
          [](const Context& self, const char* name) {
            return Callback<IOutputAllocator>{self.getOutputAllocator(name)};
          },
          "name"_a, "That allocator, or None.")
      .def_prop_rw(
          "temporary_allocator",
          [](const Context& self) {
            return Callback<IGpuAllocator>{self.getTemporaryStorageAllocator()};
          },
          [](Context& self, Callback<IGpuAllocator> allocator) {
            require(self.setTemporaryStorageAllocator(allocator.native),
                    "IExecutionContext.temporary_allocator");
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where scratch memory comes from.")
      .def_prop_rw(
          "device_memory", nullptr,
          [](Context& self, size_t memory) { self.setDeviceMemory(pointer<void*>(memory)); },
          "Scratch memory of the program.")
      .def(
          "set_device_memory",
          [](Context& self, size_t memory, int64_t size) {
            self.setDeviceMemoryV2(pointer<void*>(memory), size);
          },
          "memory"_a, "size"_a, "Scratch memory of the program.")
      .def("update_device_memory_size_for_shapes", &Context::updateDeviceMemorySizeForShapes,
           "The scratch bytes that the shapes which are set need.");
}

void bind_debugging(nb::class_<Context>& context) {
  context
      .def(
          "set_debug_listener",
          [](Context& self, Callback<IDebugListener> listener) {
            return self.setDebugListener(listener.native);
          },
          "listener"_a, nb::keep_alive<1, 2>(), "Is shown tensors that are marked.")
      .def(
          "get_debug_listener",
          [](Context& self) { return Callback<IDebugListener>{self.getDebugListener()}; },
          "That listener, or None.")
      .def("set_tensor_debug_state", lenient<&Context::setTensorDebugState>, "name"_a, "flag"_a,
           "Whether the listener is shown a tensor.")
      .def("get_debug_state", &Context::getDebugState, "name"_a,
           "Whether the listener is shown a tensor.")
      .def("set_all_tensors_debug_state", lenient<&Context::setAllTensorsDebugState>, "flag"_a,
           "Whether the listener is shown the tensors that are marked.")
      .def_prop_rw("unfused_tensors_debug_state", &Context::getUnfusedTensorsDebugState,
                   lenient<&Context::setUnfusedTensorsDebugState>,
                   "Whether the listener is shown the others.")
      .def_prop_rw("debug_sync", &Context::getDebugSync, lenient<&Context::setDebugSync>,
                   "Whether it waits after each step.")
      .def_prop_rw(
          "profiler", [](const Context& self) { return Callback<IProfiler>{self.getProfiler()}; },
          [](Context& self, Callback<IProfiler> profiler) { self.setProfiler(profiler.native); },
          nb::for_setter(nb::keep_alive<1, 2>()), "Is told the time of each step.")
      .def_prop_rw("enqueue_emits_profile", &Context::getEnqueueEmitsProfile,
                   lenient<&Context::setEnqueueEmitsProfile>,
                   "Whether each run tells the profiler, without report_to_profiler().")
      .def_prop_rw(
          "error_recorder",
          [](const Context& self) { return Callback<IErrorRecorder>{self.getErrorRecorder()}; },
          [](Context& self, Callback<IErrorRecorder> recorder) {
            self.setErrorRecorder(recorder.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where errors are kept, beside the logger.")
      .def_prop_rw(
          "nvtx_verbosity", &Context::getNvtxVerbosity,
          [](Context& self, ProfilingVerbosity verbosity) {
            require(self.setNvtxVerbosity(verbosity), "IExecutionContext.nvtx_verbosity");
          },
          "How much profilers of the GPU are told.");
}

}  // namespace

void bind_context(nb::module_& m) {
  nb::class_<Context> context(m, "IExecutionContext", "The state of one inference.");
  context
      .def_prop_ro(
          "engine", [](const Context& self) { return &self.getEngine(); }, kOwn, "Its engine.")
      .def_prop_rw("name", &Context::getName, &Context::setName, "Its name.")
      .def_prop_rw("persistent_cache_limit", &Context::getPersistentCacheLimit,
                   &Context::setPersistentCacheLimit, "Bytes of the cache that stay between runs.")
      .def("get_runtime_config", &Context::getRuntimeConfig, kOwn, "Its options.")
      .def(
          "set_communicator",
          [](Context& self, nb::handle communicator) {
            void* native = communicator.is_none() ? nullptr
                           : PyCapsule_CheckExact(communicator.ptr())
                               ? PyCapsule_GetPointer(communicator.ptr(),
                                                      PyCapsule_GetName(communicator.ptr()))
                               : pointer<void*>(nb::cast<size_t>(communicator));
            return self.setCommunicator(native);
          },
          "communicator"_a.none(), "How devices exchange tensors.");
  bind_runs(context);
  bind_shapes(context);
  bind_addresses(context);
  bind_debugging(context);
  bind_context_bindings(context);
}

}  // namespace trt_python
