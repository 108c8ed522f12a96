// Layers of arithmetic: activations, element by element, reductions, products, quantization.
#include "layers.h"

namespace trt_python {
namespace {

void bind_elementwise(nb::module_& m) {
  nb::class_<IActivationLayer, ILayer>(m, "IActivationLayer", "A function of each element.")
      .def_prop_rw("type", &IActivationLayer::getActivationType,
                   &IActivationLayer::setActivationType, "The function.")
      .def_prop_rw("alpha", &IActivationLayer::getAlpha, &IActivationLayer::setAlpha,
                   "Its first parameter.")
      .def_prop_rw("beta", &IActivationLayer::getBeta, &IActivationLayer::setBeta,
                   "Its second parameter.");
  nb::class_<IElementWiseLayer, ILayer>(m, "IElementWiseLayer", "An operation on two tensors.")
      .def_prop_rw("op", &IElementWiseLayer::getOperation, &IElementWiseLayer::setOperation,
                   "The operation.");
  nb::class_<IUnaryLayer, ILayer>(m, "IUnaryLayer", "An operation on each element.")
      .def_prop_rw("op", &IUnaryLayer::getOperation, &IUnaryLayer::setOperation, "The operation.");
  nb::class_<IParametricReLULayer, ILayer>(m, "IParametricReLULayer",
                                           "x, or slope * x where x is negative.");
  nb::class_<ISelectLayer, ILayer>(m, "ISelectLayer", "Elements of one or the other tensor.");
  nb::class_<IIdentityLayer, ILayer>(m, "IIdentityLayer", "Its input, perhaps in another type.");
  nb::class_<ICastLayer, ILayer>(m, "ICastLayer", "Its input in another type.")
      .def_prop_rw("to_type", &ICastLayer::getToType, &ICastLayer::setToType, "That type.");
}

void bind_reductions(nb::module_& m) {
  nb::class_<IReduceLayer, ILayer>(m, "IReduceLayer", "One number for all along some axes.")
      .def_prop_rw("op", &IReduceLayer::getOperation, &IReduceLayer::setOperation, "The operation.")
      .def_prop_rw("axes", &IReduceLayer::getReduceAxes, &IReduceLayer::setReduceAxes,
                   "A bit for each axis.")
      .def_prop_rw("keep_dims", &IReduceLayer::getKeepDimensions,
                   lenient<&IReduceLayer::setKeepDimensions>,
                   "Whether the axes stay, with size one.");
  nb::class_<ITopKLayer, ILayer>(m, "ITopKLayer", "The k greatest or least, and their indices.")
      .def_prop_rw("op", &ITopKLayer::getOperation, &ITopKLayer::setOperation, "Which elements.")
      .def_prop_rw("k", &ITopKLayer::getK, &ITopKLayer::setK, "How many; input 1 has it too.")
      .def_prop_rw("axes", &ITopKLayer::getReduceAxes, &ITopKLayer::setReduceAxes,
                   "The axis, as a bit.")
      .def("set_input", &ITopKLayer::setInput, "index"_a, "tensor"_a, "1: how many.")
      .def_prop_rw("indices_type", &ITopKLayer::getIndicesType,
                   &checked<&ITopKLayer::setIndicesType>, "The type of the indices.");
  nb::class_<ICumulativeLayer, ILayer>(m, "ICumulativeLayer", "Sums along an axis.")
      .def_prop_rw("op", &ICumulativeLayer::getOperation, &checked<&ICumulativeLayer::setOperation>,
                   "The operation.")
      .def_prop_rw("exclusive", &ICumulativeLayer::getExclusive,
                   lenient<&ICumulativeLayer::setExclusive>,
                   "Whether an element's own value is left out.")
      .def_prop_rw("reverse", &ICumulativeLayer::getReverse, lenient<&ICumulativeLayer::setReverse>,
                   "Whether it begins at the end.");
}

template <int32_t Index>
MatrixOperation operation_of(const IMatrixMultiplyLayer& layer) {
  return layer.getOperation(Index);
}

template <int32_t Index>
void set_operation_of(IMatrixMultiplyLayer& layer, MatrixOperation op) {
  layer.setOperation(Index, op);
}

template <int32_t Index>
bool transposes(const IMatrixMultiplyLayer& layer) {
  return layer.getTranspose(Index);
}

template <int32_t Index>
void set_transposes(IMatrixMultiplyLayer& layer, bool transpose) {
  layer.setTranspose(Index, transpose);
}

void bind_products(nb::module_& m) {
  nb::class_<IMatrixMultiplyLayer, ILayer>(m, "IMatrixMultiplyLayer", "The product of matrices.")
      .def_prop_rw("op0", &operation_of<0>, &set_operation_of<0>, "Of the first operand.")
      .def_prop_rw("op1", &operation_of<1>, &set_operation_of<1>, "Of the second operand.")
      .def_prop_rw("transpose0", &transposes<0>, &set_transposes<0>,
                   "op0 as a truth value (versions 5 to 7).")
      .def_prop_rw("transpose1", &transposes<1>, &set_transposes<1>,
                   "op1 as a truth value (versions 5 to 7).");
  nb::class_<IEinsumLayer, ILayer>(m, "IEinsumLayer", "Sums of products by an equation of letters.")
      .def_prop_rw("equation", &IEinsumLayer::getEquation, &checked<&IEinsumLayer::setEquation>,
                   "Such as ij,jk->ik.");
}

void bind_quantization(nb::module_& m) {
  nb::class_<IQuantizeLayer, ILayer>(m, "IQuantizeLayer", "x / scale, rounded to a small type.")
      .def_prop_rw("axis", &IQuantizeLayer::getAxis, &IQuantizeLayer::setAxis,
                   "The axis that has a scale for each index.")
      .def_prop_rw("block_shape", &IQuantizeLayer::getBlockShape,
                   &checked<&IQuantizeLayer::setBlockShape>, "How many elements share a scale.")
      .def_prop_rw("to_type", &IQuantizeLayer::getToType, &IQuantizeLayer::setToType,
                   "The type of the result.");
  nb::class_<IDequantizeLayer, ILayer>(m, "IDequantizeLayer", "x * scale.")
      .def_prop_rw("axis", &IDequantizeLayer::getAxis, &IDequantizeLayer::setAxis,
                   "The axis that has a scale for each index.")
      .def_prop_rw("block_shape", &IDequantizeLayer::getBlockShape,
                   &checked<&IDequantizeLayer::setBlockShape>, "How many elements share a scale.")
      .def_prop_rw("to_type", &IDequantizeLayer::getToType, &IDequantizeLayer::setToType,
                   "The type of the result.");
  nb::class_<IDynamicQuantizeLayer, ILayer>(m, "IDynamicQuantizeLayer",
                                            "Quantization with scales of its own, by blocks.")
      .def_prop_rw("axis", &IDynamicQuantizeLayer::getAxis, &IDynamicQuantizeLayer::setAxis,
                   "The axis that is cut into blocks.")
      .def_prop_rw("block_size", &IDynamicQuantizeLayer::getBlockSize,
                   &IDynamicQuantizeLayer::setBlockSize, "Elements of a block.")
      .def_prop_rw("block_shape", &IDynamicQuantizeLayer::getBlockShape,
                   &IDynamicQuantizeLayer::setBlockShape, "The shape of a block.")
      .def_prop_rw("to_type", &IDynamicQuantizeLayer::getToType, &IDynamicQuantizeLayer::setToType,
                   "The type of the result.")
      .def_prop_rw("scale_type", &IDynamicQuantizeLayer::getScaleType,
                   &IDynamicQuantizeLayer::setScaleType, "The type of the scales.");
}

}  // namespace

void bind_math_layers(nb::module_& m) {
  bind_elementwise(m);
  bind_reductions(m);
  bind_products(m);
  bind_quantization(m);
}

}  // namespace trt_python
