// Loops and conditions, and the layers where values enter and leave them.
#include "layers.h"

namespace trt_python {
namespace {

constexpr auto kOwn = nb::rv_policy::reference_internal;

void bind_loops(nb::module_& m) {
  nb::class_<ILoop> loop(m, "ILoop", "A loop of a network.");
  nb::class_<ILoopBoundaryLayer, ILayer>(m, "ILoopBoundaryLayer",
                                         "Where values enter or leave a loop.")
      .def_prop_ro("loop", &ILoopBoundaryLayer::getLoop, kOwn, "The loop.");
  nb::class_<IRecurrenceLayer, ILoopBoundaryLayer>(m, "IRecurrenceLayer",
                                                   "A value that a round hands to the next.")
      .def("set_input", &IRecurrenceLayer::setInput, "index"_a, "tensor"_a,
           "1: the value for the next round.");
  nb::class_<ILoopOutputLayer, ILoopBoundaryLayer>(m, "ILoopOutputLayer", "What a loop hands out.")
      .def("set_input", &ILoopOutputLayer::setInput, "index"_a, "tensor"_a,
           "1: how many values are concatenated.")
      .def_prop_rw("axis", &ILoopOutputLayer::getAxis, &ILoopOutputLayer::setAxis,
                   "Along which values are concatenated.")
      .def_prop_ro("kind", &ILoopOutputLayer::getLoopOutput, "The last value, or all.");
  nb::class_<ITripLimitLayer, ILoopBoundaryLayer>(m, "ITripLimitLayer", "What ends a loop.")
      .def_prop_ro("kind", &ITripLimitLayer::getTripLimit, "A number of rounds, or a condition.");
  nb::class_<IIteratorLayer, ILoopBoundaryLayer>(m, "IIteratorLayer",
                                                 "A part of a tensor for each round.")
      .def_prop_rw("axis", &IIteratorLayer::getAxis, &IIteratorLayer::setAxis, "The axis.")
      .def_prop_rw("reverse", &IIteratorLayer::getReverse, lenient<&IIteratorLayer::setReverse>,
                   "Whether it begins at the end.");
  loop.def("add_recurrence", &ILoop::addRecurrence, "initial_value"_a, kOwn,
           "A value that a round hands to the next.")
      .def("add_trip_limit", &ILoop::addTripLimit, "tensor"_a, "kind"_a, kOwn,
           "What ends the loop.")
      .def("add_iterator", lenient<&ILoop::addIterator>, "tensor"_a, "axis"_a = 0,
           "reverse"_a = false, kOwn, "A part of a tensor for each round.")
      .def("add_loop_output", &ILoop::addLoopOutput, "tensor"_a, "kind"_a, "axis"_a = 0, kOwn,
           "What the loop hands out.")
      .def_prop_rw("name", &ILoop::getName, &ILoop::setName, "Its name.");
}

void bind_conditions(nb::module_& m) {
  nb::class_<IIfConditional> conditional(m, "IIfConditional", "One of two parts of a network.");
  nb::class_<IIfConditionalBoundaryLayer, ILayer>(m, "IIfConditionalBoundaryLayer",
                                                  "Where values enter or leave a condition.")
      .def_prop_ro("conditional", &IIfConditionalBoundaryLayer::getConditional, kOwn,
                   "The condition.");
  nb::class_<IConditionLayer, IIfConditionalBoundaryLayer>(m, "IConditionLayer",
                                                           "Which part runs.");
  nb::class_<IIfConditionalOutputLayer, IIfConditionalBoundaryLayer>(
      m, "IIfConditionalOutputLayer", "The result of the part that ran.");
  nb::class_<IIfConditionalInputLayer, IIfConditionalBoundaryLayer>(m, "IIfConditionalInputLayer",
                                                                    "A value that a part uses.");
  conditional
      .def("set_condition", &IIfConditional::setCondition, "condition"_a, kOwn,
           "A scalar that says which part runs.")
      .def("add_output", &IIfConditional::addOutput, "true_subgraph_output"_a,
           "false_subgraph_output"_a, kOwn, "A result, of either part.")
      .def("add_input", &IIfConditional::addInput, "input"_a, kOwn, "A value that a part uses.")
      .def_prop_rw("name", &IIfConditional::getName, &IIfConditional::setName, "Its name.");
}

}  // namespace

void bind_flow_layers(nb::module_& m) {
  bind_loops(m);
  bind_conditions(m);
}

}  // namespace trt_python
