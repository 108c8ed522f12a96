// The native module, tensorrt.tensorrt.
#include "bind.h"

NB_MODULE(tensorrt, m) {
  using namespace trt_python;
  // Programs keep objects in globals, which the interpreter does not always free at its end.
  nb::set_leak_warnings(false);
  m.doc() = "TensorRT's interface on Carnot: what the package tensorrt is made of.";
  bind_enumerations(m);
  bind_values(m);
  bind_tensors(m);
  bind_filter_layers(m);
  bind_math_layers(m);
  bind_shape_layers(m);
  bind_flow_layers(m);
  bind_attention_layers(m);
  bind_recurrent_layers(m);
  bind_config(m);
  bind_builder(m);
  bind_network(m);
  bind_plugins(m);
  bind_engine(m);
  bind_context(m);
  bind_runtime(m);
  bind_refitter(m);
  bind_parser(m);
  m.def("_set_callback_classes", &set_callback_classes, "module"_a);
}
