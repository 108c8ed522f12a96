// Recurrent networks as one layer, which versions 4 to 8 had.
#include "layers.h"

namespace trt_python {
namespace {

constexpr auto kOwn = nb::rv_policy::reference_internal;
using Rnn = IRNNv2Layer;

template <Weights (Rnn::*Get)(int32_t, RNNGateType, bool) const noexcept>
nb::object gate(nb::handle_t<Rnn> self, int32_t layer, RNNGateType gate, Truth is_w) {
  return array_of((nb::inst_ptr<Rnn>(self)->*Get)(layer, gate, is_w.value), self);
}

/// Which step of a sequence, its first or its last state: tensors that may be left out.
template <ITensor* (Rnn::*Get)() const noexcept, void (Rnn::*Set)(ITensor&) noexcept>
void tensor_property(nb::class_<Rnn, ILayer>& rnn, const char* name, const char* doc) {
  rnn.def_prop_rw(name, Get, Set, nb::for_getter(kOwn), nb::for_setter(nb::arg("tensor")), doc);
}

}  // namespace

void bind_recurrent_layers(nb::module_& m) {
  nb::class_<Rnn, ILayer> rnn(m, "IRNNv2Layer", "A stack of recurrent cells (versions 4 to 8).");
  rnn.def_prop_ro("num_layers", &Rnn::getLayerCount, "Layers of the stack.")
      .def_prop_ro("hidden_size", &Rnn::getHiddenSize, "The width of the state.")
      .def_prop_ro("max_seq_length", &Rnn::getMaxSeqLength, "Steps of the longest sequence.")
      .def_prop_ro("data_length", &Rnn::getDataLength, "The width of the input.")
      .def_prop_rw("op", &Rnn::getOperation, &Rnn::setOperation, "The cell.")
      .def_prop_rw("input_mode", &Rnn::getInputMode, &Rnn::setInputMode,
                   "What the first layer sees of the input.")
      .def_prop_rw("direction", &Rnn::getDirection, &Rnn::setDirection,
                   "Whether it also runs from the end.")
      .def("set_weights_for_gate", lenient<&Rnn::setWeightsForGate>, "layer_index"_a, "gate"_a,
           "is_w"_a, "weights"_a, nb::keep_alive<1, 5>(),
           "Weights of a gate: for the input (is_w), or for the state.")
      .def("get_weights_for_gate", &gate<&Rnn::getWeightsForGate>, "layer_index"_a, "gate"_a,
           "is_w"_a, "Weights of a gate.")
      .def("set_bias_for_gate", lenient<&Rnn::setBiasForGate>, "layer_index"_a, "gate"_a, "is_w"_a,
           "bias"_a, nb::keep_alive<1, 5>(), "What a gate adds.")
      .def("get_bias_for_gate", &gate<&Rnn::getBiasForGate>, "layer_index"_a, "gate"_a, "is_w"_a,
           "What a gate adds.");
  tensor_property<&Rnn::getSequenceLengths, &Rnn::setSequenceLengths>(
      rnn, "seq_lengths", "How many steps each sequence has; None: all have all.");
  tensor_property<&Rnn::getHiddenState, &Rnn::setHiddenState>(
      rnn, "hidden_state", "The state before the first step; None: zeros.");
  tensor_property<&Rnn::getCellState, &Rnn::setCellState>(
      rnn, "cell_state", "The cell of an LSTM before the first step; None: zeros.");
  m.attr("IRNNLayer") = m.attr("IRNNv2Layer");
}

}  // namespace trt_python
