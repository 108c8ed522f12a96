"""Fields of plugins, a plugin of the library called by hand, resources that plugins share."""

import unittest

import numpy as np
import tensorrt_bindings as trt

from .support import Log


class Fields(unittest.TestCase):
    def test_collections(self):
        a = trt.PluginField("a", np.arange(3, dtype=np.int32), trt.PluginFieldType.INT32)
        b = trt.PluginField("b", np.ones(2, np.float32), trt.PluginFieldType.FLOAT32)
        self.assertEqual((a.size, a.type, a.name), (3, trt.PluginFieldType.INT32, "a"))
        fields = trt.PluginFieldCollection([a])
        fields.append(b)
        fields.insert(0, b)
        fields.extend([a])
        self.assertEqual((len(fields), fields[0].name), (4, "b"))
        self.assertEqual((fields.pop().name, [f.name for f in fields]), ("a", ["b", "a", "b"]))
        self.assertEqual(len(trt.PluginFieldCollection_(fields)), 3)
        fields.clear()
        self.assertEqual(len(fields), 0)

    def test_a_plugin_by_hand(self):
        trt.init_libnvinfer_plugins(Log(), "")
        creator = trt.get_plugin_registry().get_plugin_creator("LReLU_TRT", "1", "")
        slope = trt.PluginField("negSlope", np.array([0.5], np.float32), trt.PluginFieldType.FLOAT32)
        plugin = creator.create_plugin("x", trt.PluginFieldCollection([slope]))
        self.assertEqual((plugin.num_outputs, plugin.plugin_type), (1, "LReLU_TRT"))
        self.assertEqual(len(bytes(plugin.serialize())), plugin.serialization_size)
        self.assertEqual(plugin.clone().plugin_version, plugin.plugin_version)
        self.assertGreater(plugin.tensorrt_version, 0)
        shape = trt.Dims((3, 4, 4))
        self.assertIsNotNone(plugin.get_output_shape(0, [shape]))
        linear = trt.DataType.FLOAT, trt.TensorFormat.LINEAR
        self.assertIn(plugin.supports_format(*linear), (True, False))
        plugin.configure_with_format([shape], [shape], *linear, 1)
        self.assertEqual((plugin.initialize(), plugin.get_workspace_size(1)), (0, 0))
        plugin.terminate()
        again = creator.deserialize_plugin("x", bytes(plugin.serialize()))
        self.assertEqual(again.plugin_type, "LReLU_TRT")

    def test_resources(self):
        made, released = [], []

        class Resource(trt.IPluginResource):
            def __init__(self, age):
                trt.IPluginResource.__init__(self)
                self.age = age

            def clone(self):
                made.append(Resource(self.age + 1))
                return made[-1]

            def release(self):
                released.append(self.age)

        registry = trt.get_plugin_registry()
        self.assertEqual(registry.acquire_plugin_resource("fields", Resource(0)).age, 1)
        self.assertEqual(registry.acquire_plugin_resource("fields", Resource(7)).age, 1)
        self.assertEqual(registry.release_plugin_resource("fields"), 0)
        self.assertEqual(released, [])
        registry.release_plugin_resource("fields")  # NVIDIA's class gives no status
        self.assertEqual((released, len(made)), ([1], 1))
