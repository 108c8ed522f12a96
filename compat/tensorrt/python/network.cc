// INetworkDefinition, but for its add_...() calls.
#include "bind.h"

namespace trt_python {
namespace {

constexpr auto kOwn = nb::rv_policy::reference_internal;
using Network = INetworkDefinition;

void bind_outputs(nb::class_<Network>& network) {
  network.def("mark_output", &Network::markOutput, "tensor"_a, "Makes a tensor an output.")
      .def("unmark_output", &Network::unmarkOutput, "tensor"_a, "It is no output any more.")
      .def("mark_output_for_shapes", &Network::markOutputForShapes, "tensor"_a,
           "Makes a shape tensor an output on the host.")
      .def("unmark_output_for_shapes", &Network::unmarkOutputForShapes, "tensor"_a,
           "It is no such output any more.")
      .def("mark_debug", &Network::markDebug, "tensor"_a, "An IDebugListener shall see it.")
      .def("unmark_debug", &Network::unmarkDebug, "tensor"_a, "None shall see it any more.")
      .def("is_debug_tensor", &Network::isDebugTensor, "tensor"_a,
           "Whether mark_debug() was called.")
      .def("mark_unfused_tensors_as_debug_tensors", &Network::markUnfusedTensorsAsDebugTensors,
           "An IDebugListener shall see all tensors that an engine computes.")
      .def("unmark_unfused_tensors_as_debug_tensors", &Network::unmarkUnfusedTensorsAsDebugTensors,
           "None shall see them any more.")
      .def("remove_tensor", &Network::removeTensor, "tensor"_a,
           "Removes a tensor that nobody uses.");
}

void bind_weights_calls(nb::class_<Network>& network) {
  network
      .def("set_weights_name", &Network::setWeightsName, "weights"_a, "name"_a,
           "Names weights, by their address, for a Refitter.")
      .def("mark_weights_refittable", &Network::markWeightsRefittable, "name"_a,
           "For BuilderFlag.REFIT_INDIVIDUAL.")
      .def("unmark_weights_refittable", &Network::unmarkWeightsRefittable, "name"_a,
           "They are fixed again.")
      .def("are_weights_marked_refittable", &Network::areWeightsMarkedRefittable, "name"_a,
           "Whether mark_weights_refittable() was called.");
}

/// One layer, which may be counted from the end.
ILayer* layer_at(const Network& network, int32_t index) {
  const int32_t count = network.getNbLayers();
  const int32_t at = index < 0 ? index + count : index;
  if (at < 0 || at >= count) throw nb::index_error("Out of bounds");
  return network.getLayer(at);
}

void bind_parts(nb::class_<Network>& network) {
  // Out of range is None here, and an exception for [].
  network
      .def(
          "get_layer",
          [](const Network& self, int32_t index) {
            return index >= 0 && index < self.getNbLayers() ? self.getLayer(index) : nullptr;
          },
          "index"_a, kOwn, "A layer.")
      .def(
          "get_input",
          [](const Network& self, int32_t index) {
            return index >= 0 && index < self.getNbInputs() ? self.getInput(index) : nullptr;
          },
          "index"_a, kOwn, "An input.")
      .def(
          "get_output",
          [](const Network& self, int32_t index) {
            return index >= 0 && index < self.getNbOutputs() ? self.getOutput(index) : nullptr;
          },
          "index"_a, kOwn, "An output.")
      .def("__len__", &Network::getNbLayers)
      .def("__getitem__", &layer_at, kOwn);
}

}  // namespace

void bind_network(nb::module_& m) {
  nb::class_<Network> network(m, "INetworkDefinition",
                              "A network that is being made; a sequence of its layers.");
  network.def_prop_rw("name", &Network::getName, &Network::setName, "Its name.")
      .def_prop_ro("num_layers", &Network::getNbLayers, "How many layers there are.")
      .def_prop_ro("num_inputs", &Network::getNbInputs, "How many inputs there are.")
      .def_prop_ro("num_outputs", &Network::getNbOutputs, "How many outputs there are.")
      .def_prop_ro("has_implicit_batch_dimension", &Network::hasImplicitBatchDimension,
                   "Whether tensors have no dimension for the batch.")
      .def_prop_ro("has_explicit_precision", &Network::hasExplicitPrecision,
                   "False: Q/DQ layers say it (versions 6 to 8).")
      .def_prop_rw(
          "error_recorder",
          [](const Network& self) { return Callback<IErrorRecorder>{self.getErrorRecorder()}; },
          [](Network& self, Callback<IErrorRecorder> recorder) {
            self.setErrorRecorder(recorder.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where errors are kept, beside the logger.")
      .def_prop_ro(
          "builder", [](const Network& self) { return &self.getBuilder(); }, kOwn,
          "The builder that made it.")
      .def_prop_ro("flags", &Network::getFlags, "A bit for each NetworkDefinitionCreationFlag.")
      .def("get_flag", &Network::getFlag, "flag"_a, "Whether it was made with that flag.")
      .def("add_input", &Network::addInput, "name"_a, "dtype"_a, "shape"_a, kOwn,
           "An input; sizes of -1 are dynamic.");
  bind_outputs(network);
  bind_weights_calls(network);
  bind_parts(network);
  bind_network_layers(network);
  bind_network_shapes(network);
  bind_network_language(network);
  bind_network_plugins(network);
}

}  // namespace trt_python
