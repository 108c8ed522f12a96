// Refitter: replaces the weights of an engine.
#include "bind.h"

#include <nanobind/stl/pair.h>

namespace trt_python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;
using Names = std::vector<std::string>;

IRefitter* make_refitter(ICudaEngine& engine, Callback<ILogger> logger) {
  if (logger.native == nullptr) throw nb::next_overload();
  return made(createInferRefitter(engine, *logger.native),
              "the refitter could not be made; the logger has the reason");
}

/// Names that `get(count, names)` writes; it tells how many there are.
template <class Get>
Names names_of(Get get) {
  const int32_t count = get(0, nullptr);
  std::vector<const char*> names(count > 0 ? static_cast<size_t>(count) : 0);
  if (!names.empty()) get(count, names.data());
  return Names(names.begin(), names.end());
}

using Roles = std::pair<Names, std::vector<WeightsRole>>;

/// The same with the role of each.
template <class Get>
Roles roles_of(Get get) {
  const int32_t count = get(0, nullptr, nullptr);
  std::vector<const char*> names(count > 0 ? static_cast<size_t>(count) : 0);
  std::vector<WeightsRole> roles(names.size());
  if (!names.empty()) get(count, names.data(), roles.data());
  return {Names(names.begin(), names.end()), roles};
}

void bind_weights_calls(nb::class_<IRefitter>& refitter) {
  refitter
      .def("set_weights", &IRefitter::setWeights, "layer_name"_a, "role"_a, "weights"_a,
           nb::keep_alive<1, 4>(), "New weights of a layer; False where they do not fit.")
      .def("set_named_weights",
           nb::overload_cast<const char*, Weights>(&IRefitter::setNamedWeights), "name"_a,
           "weights"_a, nb::keep_alive<1, 3>(), "New weights by name; False where they do not fit.")
      .def("set_named_weights",
           nb::overload_cast<const char*, Weights, TensorLocation>(&IRefitter::setNamedWeights),
           "name"_a, "weights"_a, "location"_a, nb::keep_alive<1, 3>(), "As above, on either side.")
      .def(
          "get_named_weights",
          [](const IRefitter& self, const char* name) { return self.getNamedWeights(name); },
          "weights_name"_a, nb::keep_alive<0, 1>(), "The weights that were set.")
      .def("get_weights_location", &IRefitter::getWeightsLocation, "weights_name"_a,
           "On which side they lie.")
      .def("unset_named_weights", &IRefitter::unsetNamedWeights, "weights_name"_a,
           "Forgets what was set.")
      .def("get_weights_prototype", &IRefitter::getWeightsPrototype, "weights_name"_a,
           "The type and the number of elements that are wanted.")
      .def("refit_cuda_engine", &IRefitter::refitCudaEngine, Release(),
           "Replaces the weights; False on failure.")
      .def(
          "refit_cuda_engine_async",
          [](IRefitter& self, size_t stream) {
            nb::gil_scoped_release released;
            return self.refitCudaEngineAsync(pointer<cudaStream_t>(stream));
          },
          "stream_handle"_a, "Queues that.");
}

void bind_lists(nb::class_<IRefitter>& refitter) {
  refitter
      .def(
          "get_missing",
          [](IRefitter& self) {
            return roles_of([&](auto... given) { return self.getMissing(given...); });
          },
          "The layers and roles whose weights are still needed.")
      .def(
          "get_missing_weights",
          [](IRefitter& self) {
            return names_of([&](auto... given) { return self.getMissingWeights(given...); });
          },
          "The names of weights that are still needed.")
      .def(
          "get_all",
          [](IRefitter& self) {
            return roles_of([&](auto... given) { return self.getAll(given...); });
          },
          "The layers and roles that have weights.")
      .def(
          "get_all_weights",
          [](IRefitter& self) {
            return names_of([&](auto... given) { return self.getAllWeights(given...); });
          },
          "The names of all weights.")
      .def(
          "get_tensors_with_dynamic_range",
          [](IRefitter& self) {
            return names_of(
                [&](auto... given) { return self.getTensorsWithDynamicRange(given...); });
          },
          "The tensors that have a dynamic range.")
      .def(
          "get_dynamic_range",
          [](const IRefitter& self, const char* name) {
            return nb::make_tuple(self.getDynamicRangeMin(name), self.getDynamicRangeMax(name));
          },
          "tensor_name"_a, "(min, max) of a tensor.")
      .def(
          "set_dynamic_range",
          [](IRefitter& self, const char* name, const std::vector<float>& range) {
            if (range.size() != 2) throw nb::value_error("a dynamic range is (min, max)");
            return self.setDynamicRange(name, range[0], range[1]);
          },
          "tensor_name"_a, "range"_a, "Replaces it; False on failure.");
}

}  // namespace

void bind_refitter(nb::module_& m) {
  nb::class_<IRefitter> refitter(m, "Refitter", "Replaces the weights of an engine.");
  refitter
      .def(nb::new_(&make_refitter), "engine"_a, "logger"_a, nb::keep_alive<0, 2>(),
           nb::keep_alive<0, 3>())
      .def_prop_rw(
          "error_recorder",
          [](const IRefitter& self) { return Callback<IErrorRecorder>{self.getErrorRecorder()}; },
          [](IRefitter& self, Callback<IErrorRecorder> recorder) {
            self.setErrorRecorder(recorder.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where errors are kept, beside the logger.")
      .def_prop_ro(
          "logger", [](const IRefitter& self) { return Callback<ILogger>{self.getLogger()}; },
          "Its logger.")
      .def_prop_rw("max_threads", &IRefitter::getMaxThreads, &IRefitter::setMaxThreads,
                   "Threads that it may use.")
      .def_prop_rw("weights_validation", &IRefitter::getWeightsValidation,
                   lenient<&IRefitter::setWeightsValidation>,
                   "Whether weights are looked at before use.");
  bind_weights_calls(refitter);
  bind_lists(refitter);
}

}  // namespace trt_python
