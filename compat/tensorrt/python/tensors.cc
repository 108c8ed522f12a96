// ITensor and ILayer: the edges and the nodes of a network.
#include "bind.h"

namespace trt_python {
namespace {

nb::object range_of(const ITensor& tensor) {
  if (!tensor.dynamicRangeIsSet()) return nb::none();
  return nb::make_tuple(tensor.getDynamicRangeMin(), tensor.getDynamicRangeMax());
}

void set_range(ITensor& tensor, const std::vector<float>& range) {
  if (range.size() != 2) throw nb::value_error("a dynamic range is (min, max)");
  require(tensor.setDynamicRange(range[0], range[1]), "ITensor.dynamic_range");
}

void bind_tensor(nb::module_& m) {
  nb::class_<ITensor>(m, "ITensor", "An edge of a network: an input, or a result of a layer.")
      .def_prop_rw("name", &ITensor::getName, &ITensor::setName, "Its name.")
      .def_prop_rw("shape", &ITensor::getDimensions, &ITensor::setDimensions,
                   "Its sizes, -1 where they are not known; set for inputs only.")
      .def_prop_rw("dtype", &ITensor::getType, &ITensor::setType, "The type of its elements.")
      .def_prop_rw("broadcast_across_batch", &ITensor::getBroadcastAcrossBatch,
                   lenient<&ITensor::setBroadcastAcrossBatch>,
                   "Of networks with an implicit batch.")
      .def_prop_rw("location", &ITensor::getLocation, &ITensor::setLocation,
                   "On which side its memory lies.")
      .def_prop_rw("allowed_formats", &ITensor::getAllowedFormats, &ITensor::setAllowedFormats,
                   "A bit for each TensorFormat that an input or output may have.")
      .def_prop_ro("is_network_input", &ITensor::isNetworkInput, "Whether it is an input.")
      .def_prop_ro("is_network_output", &ITensor::isNetworkOutput, "Whether it is an output.")
      .def_prop_ro("is_shape_tensor", &ITensor::isShapeTensor,
                   "Whether shapes of the network depend on its values.")
      .def_prop_ro("is_execution_tensor", &ITensor::isExecutionTensor,
                   "Whether its values are computed on the device.")
      .def_prop_rw("dynamic_range", &range_of, &set_range,
                   "(min, max) for quantization to INT8, or None.")
      .def("set_dynamic_range", &ITensor::setDynamicRange, "min"_a, "max"_a,
           "Sets dynamic_range; False where that is refused.")
      .def("reset_dynamic_range", &ITensor::resetDynamicRange, "As if it had never been set.")
      .def("set_dimension_name", &ITensor::setDimensionName, "index"_a, "name"_a,
           "Names a dimension of an input: those of one name have one size.")
      .def("get_dimension_name", &ITensor::getDimensionName, "index"_a,
           "The name of a dimension, or None.");
}

/// Programs write `layer.__class__ = IConvolutionLayer` to reach what that kind of layer has.
/// Python refuses, as sizes differ; here an instance is a pointer to the layer whatever its class.
int set_class(PyObject* layer, PyObject* kind) {
  auto* type = reinterpret_cast<PyTypeObject*>(kind);
  PyTypeObject* before = Py_TYPE(layer);
  const bool fits =
      kind != nullptr && nb::type_check(kind) &&
      nb::type_check(nb::handle(reinterpret_cast<PyObject*>(before))) &&
      PyType_IsSubtype(type, reinterpret_cast<PyTypeObject*>(nb::type<ILayer>().ptr()));
  if (!fits) {
    PyErr_SetString(PyExc_TypeError, "only classes of layers can be given to a layer");
    return -1;
  }
  Py_INCREF(kind);
  Py_SET_TYPE(layer, type);
  Py_DECREF(before);
  return 0;
}

int set_attribute(PyObject* layer, PyObject* name, PyObject* value) {
  if (PyUnicode_CompareWithASCIIString(name, "__class__") == 0) return set_class(layer, value);
  return PyObject_GenericSetAttr(layer, name, value);
}

PyType_Slot layer_slots[] = {
    {Py_tp_setattro, reinterpret_cast<void*>(static_cast<setattrofunc>(set_attribute))},
    {0, nullptr}};

}  // namespace

void bind_tensors(nb::module_& m) {
  bind_tensor(m);
  const auto own = nb::rv_policy::reference_internal;
  nb::class_<ILayer>(m, "ILayer", nb::type_slots(layer_slots),
                     "A node of a network. Kinds of layers are subclasses.")
      .def_prop_rw("name", &ILayer::getName, &ILayer::setName, "Its name.")
      .def_prop_rw("metadata", &ILayer::getMetadata, &ILayer::setMetadata,
                   "Text that EngineInspector shows.")
      .def_prop_rw(
          "num_ranks", &ILayer::getNbRanks,
          [](ILayer& self, int32_t ranks) { require(self.setNbRanks(ranks), "ILayer.num_ranks"); },
          "Devices that take part.")
      .def_prop_ro("type", &ILayer::getType, "Its kind.")
      .def_prop_ro("num_inputs", &ILayer::getNbInputs, "How many inputs it has.")
      .def_prop_ro("num_outputs", &ILayer::getNbOutputs, "How many results it has.")
      .def_prop_rw("precision", &ILayer::getPrecision, &ILayer::setPrecision,
                   "The type it computes in: a wish, or an order.")
      .def_prop_ro("precision_is_set", &ILayer::precisionIsSet, "Whether precision was set.")
      .def("set_input", &ILayer::setInput, "index"_a, "tensor"_a, "Replaces an input.")
      .def("get_input", &ILayer::getInput, "index"_a, own, "An input; None where there is none.")
      .def("get_output", &ILayer::getOutput, "index"_a, own, "A result; None where there is none.")
      .def("reset_precision", &ILayer::resetPrecision, "As if precision had never been set.")
      .def("set_output_type", &ILayer::setOutputType, "index"_a, "dtype"_a,
           "The type that a result shall have.")
      .def("get_output_type", &ILayer::getOutputType, "index"_a, "The type of a result.")
      .def("output_type_is_set", &ILayer::outputTypeIsSet, "index"_a,
           "Whether set_output_type() was called.")
      .def("reset_output_type", &ILayer::resetOutputType, "index"_a,
           "As if set_output_type() had never been called.");
}

}  // namespace trt_python
