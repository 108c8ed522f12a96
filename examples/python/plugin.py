"""A layer of one's own in Python: hard swish, as an IPluginV3, inside an engine.

python3 plugin.py     for the CPU device: the addresses that enqueue() gets are the host's
"""

import ctypes

import numpy as np
import tensorrt as trt


class HardSwish(
    trt.IPluginV3, trt.IPluginV3OneCore, trt.IPluginV3OneBuild, trt.IPluginV3OneRuntime
):
    """x * clip(x / 6 + 1/2, 0, 1)"""

    def __init__(self):
        trt.IPluginV3.__init__(self)
        trt.IPluginV3OneCore.__init__(self)
        trt.IPluginV3OneBuild.__init__(self)
        trt.IPluginV3OneRuntime.__init__(self)
        self.plugin_name, self.plugin_version, self.plugin_namespace = "MyHardSwish", "1", ""
        self.num_outputs = 1

    def get_capability_interface(self, type):
        return self

    def get_output_data_types(self, input_types):
        return [input_types[0]]

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        return [trt.DimsExprs(inputs[0])]

    def supports_format_combination(self, pos, in_out, num_inputs):
        desc = in_out[pos].desc
        return desc.type == trt.float32 and desc.format == trt.TensorFormat.LINEAR

    def attach_to_context(self, context):
        return self.clone()

    def clone(self):
        return HardSwish()

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream):
        count = trt.volume(input_desc[0].dims)
        floats = ctypes.POINTER(ctypes.c_float)
        x, y = (
            np.ctypeslib.as_array(ctypes.cast(memory, floats), (count,))
            for memory in (inputs[0], outputs[0])
        )
        np.multiply(x, np.clip(x / 6 + 0.5, 0, 1), out=y)


class HardSwishCreator(trt.IPluginCreatorV3One):
    """Makes the plugin again when an engine file is loaded."""

    def __init__(self):
        trt.IPluginCreatorV3One.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "MyHardSwish", "1", ""
        self.field_names = trt.PluginFieldCollection([])

    def create_plugin(self, name, fields, phase):
        return HardSwish()


trt.get_plugin_registry().register_creator(HardSwishCreator(), "")
logger = trt.Logger()
builder = trt.Builder(logger)
network = builder.create_network(0)
x = network.add_input("x", trt.float32, (2, 8))
scaled = network.add_activation(x, trt.ActivationType.TANH).get_output(0)
layer = network.add_plugin_v3([scaled], [], HardSwish())
layer.get_output(0).name = "y"
network.mark_output(layer.get_output(0))
plan = builder.build_serialized_network(network, builder.create_builder_config())

engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
context = engine.create_execution_context()
given = np.linspace(-4, 4, 16, dtype=np.float32).reshape(2, 8)
result = np.zeros((2, 8), np.float32)
assert context.execute_v2([given.ctypes.data, result.ctypes.data])
wanted = np.tanh(given) * np.clip(np.tanh(given) / 6 + 0.5, 0, 1)
print("largest difference", np.abs(result - wanted).max())
assert np.allclose(result, wanted, atol=1e-6)
