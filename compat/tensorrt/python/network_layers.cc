// INetworkDefinition: the calls that add layers of arithmetic, filters and constants.
#include "bind.h"

namespace trt_python {
namespace {

constexpr auto kOwn = nb::rv_policy::reference_internal;
using Network = INetworkDefinition;

/// Weights that may be left out.
Weights optional(const Weights* weights) {
  return weights == nullptr ? Weights{DataType::kFLOAT, nullptr, 0} : *weights;
}

// The network keeps arrays that weights were made of: keep_alive counts self as 1.
using KeepsArg4 = nb::keep_alive<1, 4>;
using KeepsArg5 = nb::keep_alive<1, 5>;
using KeepsArg6 = nb::keep_alive<1, 6>;

void bind_convolutions(nb::class_<Network>& network) {
  network
      .def(
          "add_convolution_nd",
          [](Network& self, ITensor& input, int64_t maps, const Dims& shape, const Weights& kernel,
             const Weights* bias) {
            return self.addConvolutionNd(input, maps, shape, kernel, optional(bias));
          },
          "input"_a, "num_output_maps"_a, "kernel_shape"_a, "kernel"_a,
          "bias"_a.none() = nb::none(), kOwn, KeepsArg5(), KeepsArg6(),
          "Convolution in two or three axes.")
      .def(
          "add_deconvolution_nd",
          [](Network& self, ITensor& input, int64_t maps, const Dims& shape, const Weights& kernel,
             const Weights* bias) {
            return self.addDeconvolutionNd(input, maps, shape, kernel, optional(bias));
          },
          "input"_a, "num_output_maps"_a, "kernel_shape"_a, "kernel"_a,
          "bias"_a.none() = nb::none(), kOwn, KeepsArg5(), KeepsArg6(),
          "The transpose of convolution.")
      .def("add_pooling_nd", &Network::addPoolingNd, "input"_a, "type"_a, "window_size"_a, kOwn,
           "One number for each window, in two or three axes.");
}

/// Versions 5 to 9 had these for two axes.
void bind_older(nb::class_<Network>& network) {
  network
      .def(
          "add_convolution",
          [](Network& self, ITensor& input, int32_t maps, const DimsHW& shape,
             const Weights& kernel, const Weights* bias) {
            return self.addConvolution(input, maps, shape, kernel, optional(bias));
          },
          "input"_a, "num_output_maps"_a, "kernel_shape"_a, "kernel"_a,
          "bias"_a.none() = nb::none(), kOwn, KeepsArg5(), KeepsArg6(),
          "add_convolution_nd() of two axes (versions 5 to 9).")
      .def(
          "add_deconvolution",
          [](Network& self, ITensor& input, int32_t maps, const DimsHW& shape,
             const Weights& kernel, const Weights* bias) {
            return self.addDeconvolution(input, maps, shape, kernel, optional(bias));
          },
          "input"_a, "num_output_maps"_a, "kernel_shape"_a, "kernel"_a,
          "bias"_a.none() = nb::none(), kOwn, KeepsArg5(), KeepsArg6(),
          "add_deconvolution_nd() of two axes (versions 5 to 9).")
      .def(
          "add_fully_connected",
          [](Network& self, ITensor& input, int32_t outputs, const Weights& kernel,
             const Weights* bias) {
            return self.addFullyConnected(input, outputs, kernel, optional(bias));
          },
          "input"_a, "num_outputs"_a, "kernel"_a, "bias"_a.none() = nb::none(), kOwn, KeepsArg4(),
          KeepsArg5(), "A convolution whose window is the whole image (versions 5 to 9).")
      .def("add_rnn_v2", &Network::addRNNv2, "input"_a, "layer_count"_a, "hidden_size"_a,
           "max_seq_length"_a, "op"_a, kOwn, "A stack of recurrent cells (versions 4 to 8).")
      .def("add_pooling", &Network::addPooling, "input"_a, "type"_a, "window_size"_a, kOwn,
           "add_pooling_nd() of two axes (versions 5 to 9).")
      .def("add_padding", &Network::addPadding, "input"_a, "pre_padding"_a, "post_padding"_a, kOwn,
           "add_padding_nd() of two axes (versions 5 to 9).");
}

void bind_scales(nb::class_<Network>& network) {
  network
      .def(
          "add_scale",
          [](Network& self, ITensor& input, ScaleMode mode, const Weights* shift,
             const Weights* scale, const Weights* power) {
            return self.addScale(input, mode, optional(shift), optional(scale), optional(power));
          },
          "input"_a, "mode"_a, "shift"_a.none() = nb::none(), "scale"_a.none() = nb::none(),
          "power"_a.none() = nb::none(), kOwn, KeepsArg4(), KeepsArg5(), KeepsArg6(),
          "(x * scale + shift) ** power.")
      .def(
          "add_scale_nd",
          [](Network& self, ITensor& input, ScaleMode mode, const Weights* shift,
             const Weights* scale, const Weights* power, int32_t axis) {
            return self.addScaleNd(input, mode, optional(shift), optional(scale), optional(power),
                                   axis);
          },
          "input"_a, "mode"_a, "shift"_a.none() = nb::none(), "scale"_a.none() = nb::none(),
          "power"_a.none() = nb::none(), "channel_axis"_a = 1, kOwn, KeepsArg4(), KeepsArg5(),
          KeepsArg6(), "add_scale() with channels on any axis.")
      .def("add_lrn", &Network::addLRN, "input"_a, "window"_a, "alpha"_a, "beta"_a, "k"_a, kOwn,
           "Local response normalization across channels.")
      .def("add_constant", &Network::addConstant, "shape"_a, "weights"_a, kOwn,
           nb::keep_alive<1, 3>(), "Numbers of the program.");
}

void bind_arithmetic(nb::class_<Network>& network) {
  network
      .def("add_activation", &Network::addActivation, "input"_a, "type"_a, kOwn,
           "A function of each element.")
      .def("add_softmax", &Network::addSoftMax, "input"_a, kOwn, "exp(x) / sum(exp(x)).")
      .def("add_elementwise", &Network::addElementWise, "input1"_a, "input2"_a, "op"_a, kOwn,
           "An operation on two tensors.")
      .def("add_unary", &Network::addUnary, "input"_a, "op"_a, kOwn,
           "An operation on each element.")
      .def("add_reduce", lenient<&Network::addReduce>, "input"_a, "op"_a, "axes"_a, "keep_dims"_a,
           kOwn, "One number for all along some axes.")
      .def("add_ragged_softmax", &Network::addRaggedSoftMax, "input"_a, "bounds"_a, kOwn,
           "Softmax of sequences of different lengths.")
      .def("add_matrix_multiply",
           nb::overload_cast<ITensor&, MatrixOperation, ITensor&, MatrixOperation>(
               &Network::addMatrixMultiply),
           "input0"_a, "op0"_a, "input1"_a, "op1"_a, kOwn, "The product of matrices.")
      .def("add_matrix_multiply_deprecated",
           nb::overload_cast<ITensor&, bool, ITensor&, bool>(&Network::addMatrixMultiply),
           "input0"_a, "transpose0"_a, "input1"_a, "transpose1"_a, kOwn,
           "add_matrix_multiply() with truth values (versions 5 to 7).")
      .def("add_identity", &Network::addIdentity, "input"_a, kOwn, "The input.")
      .def("add_cast", &Network::addCast, "input"_a, "to_type"_a, kOwn,
           "The input in another type.")
      .def("add_parametric_relu", &Network::addParametricReLU, "input"_a, "slopes"_a, kOwn,
           "x, or slope * x where x is negative.")
      .def("add_select", &Network::addSelect, "condition"_a, "then_input"_a, "else_input"_a, kOwn,
           "Elements of one or the other tensor.")
      .def("add_cumulative", lenient<&Network::addCumulative>, "input"_a, "axis"_a, "op"_a,
           "exclusive"_a, "reverse"_a, kOwn, "Sums along an axis.")
      .def(
          "add_einsum",
          [](Network& self, const std::vector<ITensor*>& inputs, const char* equation) {
            return self.addEinsum(inputs.data(), static_cast<int32_t>(inputs.size()), equation);
          },
          "inputs"_a, "equation"_a, kOwn, "Sums of products by an equation of letters.");
}

void bind_quantization(nb::class_<Network>& network) {
  network
      .def("add_quantize", nb::overload_cast<ITensor&, ITensor&>(&Network::addQuantize), "input"_a,
           "scale"_a, kOwn, "x / scale, rounded to INT8.")
      .def("add_quantize", nb::overload_cast<ITensor&, ITensor&, DataType>(&Network::addQuantize),
           "input"_a, "scale"_a, "output_type"_a, kOwn, "x / scale, rounded to a small type.")
      .def("add_dequantize", nb::overload_cast<ITensor&, ITensor&>(&Network::addDequantize),
           "input"_a, "scale"_a, kOwn, "x * scale.")
      .def("add_dequantize",
           nb::overload_cast<ITensor&, ITensor&, DataType>(&Network::addDequantize), "input"_a,
           "scale"_a, "output_type"_a, kOwn, "x * scale.")
      .def("add_dynamic_quantize", &Network::addDynamicQuantize, "input"_a, "axis"_a,
           "block_size"_a, "output_type"_a, "scale_type"_a, kOwn,
           "Quantization with scales of its own, by blocks of an axis.")
      .def("add_dynamic_quantize_v2", &Network::addDynamicQuantizeV2, "input"_a, "block_shape"_a,
           "output_type"_a, "scale_type"_a, kOwn,
           "Quantization with scales of its own, by blocks.");
}

}  // namespace

void bind_network_layers(nb::class_<Network>& network) {
  bind_convolutions(network);
  bind_older(network);
  bind_scales(network);
  bind_arithmetic(network);
  bind_quantization(network);
}

}  // namespace trt_python
