"""What programs call on plugins, creators and expressions that the library hands them."""

import ctypes
import os
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import tensorrt_bindings as trt
from onnx import TensorProto

from .memory import Memory
from .support import Recorder, Session, infer, model, reference
from .test_plugins import ScaleV3

FLOAT = TensorProto.FLOAT


def capsule(address):
    """An address as bindings take one."""
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(address or 1, None, None)  # there is no capsule of null


class Asking(ScaleV3):
    """Looks at all that it is given."""

    seen: dict = {}

    def clone(self):
        return Asking(self.factor)

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        free, fixed = inputs[0][0], inputs[0][1]
        Asking.seen["sizes"] = (
            [free.is_constant(), fixed.is_constant()],
            fixed.get_constant_value(),
            [free.is_size_tensor(), fixed.is_size_tensor()],
        )
        return [inputs[0]]

    def configure_plugin(self, inputs, outputs):
        desc = inputs[0]
        Asking.seen["ranges"] = [tuple(d) for d in (desc.min, desc.opt, desc.max, desc.desc.dims)]

    def attach_to_context(self, context):
        Asking.seen["context"] = (context.gpu_allocator, context.error_recorder)
        return self.clone()


class Compiled(trt.IPluginV3, trt.IPluginV3QuickCore, trt.IPluginV3QuickAOTBuild):
    """A kernel by the interface below NVIDIA's decorators."""

    counts: list = []

    def __init__(self):
        for base in Compiled.__bases__:
            base.__init__(self)
        self.plugin_name, self.plugin_version, self.plugin_namespace = "Compiled", "1", ""
        self.num_outputs = 1

    def get_capability_interface(self, type):
        return self

    def clone(self):
        return Compiled()

    def get_num_outputs(self):
        return 1

    def get_output_data_types(self, input_types, ranks):
        return input_types

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        return inputs

    def configure_plugin(self, inputs, outputs):
        pass

    def get_aliased_input(self, index):
        return -1

    def get_valid_tactics(self):
        return []

    def set_tactic(self, tactic):
        pass

    def get_supported_format_combinations(self, in_out, num_inputs):
        both = [trt.PluginTensorDesc(), trt.PluginTensorDesc()]
        for desc in both:
            desc.type, desc.format = trt.float32, trt.TensorFormat.LINEAR
        return both

    def get_kernel(self, inputs, outputs):
        return "k", b"// PTX"

    def get_launch_params(self, inputs, in_out, num_inputs, launch, extra, builder):
        self.kept = []
        for name in ("grid_x", "block_x"):
            setattr(launch, name, self.number(builder.constant(1)))
        extra.nbSymExprs = 2
        for i in range(2):
            extra[i] = self.number(inputs[0][i])
        Compiled.counts.append((len(extra), extra[1] is not None))

    def number(self, expression):
        out = trt.ISymExpr()
        out.type, out.dtype = trt.PluginArgType.INT, trt.PluginArgDataType.INT32
        out.expr = expression
        self.kept.append((out, expression))
        return out


class CallTest(unittest.TestCase):
    def test_descriptions_and_contexts(self):
        session = Session()
        x = session.network.add_input("x", trt.float32, (-1, 3))
        layer = session.network.add_plugin_v3([x], [], Asking(2))
        layer.get_output(0).name = "y"
        session.network.mark_output(layer.get_output(0))
        profile = session.builder.create_optimization_profile()
        profile.set_shape("x", (1, 3), (2, 3), (4, 3))
        session.config.add_optimization_profile(profile)
        runtime = trt.Runtime(session.log)
        runtime.error_recorder = Recorder()
        registry = trt.get_plugin_registry()
        creator = AskingCreator()
        self.assertTrue(registry.register_creator(creator, ""))
        try:
            engine = runtime.deserialize_cuda_engine(session.plan())
            x = np.arange(6, dtype=np.float32).reshape(2, 3)
            np.testing.assert_array_equal(infer(engine, {"x": x}, session.log)["y"], x * 2)
        finally:
            registry.deregister_creator(creator)
        self.assertEqual(Asking.seen["sizes"], ([False, True], 3, [False, False]))
        self.assertEqual(Asking.seen["ranges"], [(1, 3), (2, 3), (4, 3), (-1, 3)])
        self.assertIn("context", Asking.seen)

    def test_plugins_of_the_library(self):
        trt.init_libnvinfer_plugins(None, "")
        registry = trt.get_plugin_registry()
        creator = registry.get_creator("TopkLastDim", "1", "")
        k = trt.PluginField("k", np.array([2], np.int32), trt.PluginFieldType.INT32)
        plugin = creator.create_plugin("k", trt.PluginFieldCollection([k]), trt.TensorRTPhase.BUILD)
        core = plugin.get_capability_interface(trt.PluginCapabilityType.CORE)
        self.assertEqual((core.plugin_name, core.plugin_version), ("TopkLastDim", "1"))
        build = plugin.get_capability_interface(trt.PluginCapabilityType.BUILD)
        self.assertEqual((build.num_outputs, build.format_combination_limit), (2, 100))
        self.assertFalse(build.timing_cache_id or build.metadata_string)
        session = Session()
        x = session.network.add_input("x", trt.float32, (2, 5))
        layer = session.network.add_plugin_v3([x], [], plugin)
        layer.get_output(0).name = "y"
        session.network.mark_output(layer.get_output(0))
        x = np.random.default_rng(1).random((2, 5), np.float32)
        np.testing.assert_array_equal(session.run({"x": x})["y"], -np.sort(-x, 1)[:, :2])

    def test_old_plugins_of_the_library(self):
        trt.init_libnvinfer_plugins(None, "")
        creator = trt.get_plugin_registry().get_creator("LReLU_TRT", "1", "")
        slope = trt.PluginField("negSlope", np.array([0.125], np.float32), trt.PluginFieldType.FLOAT32)
        plugin = creator.create_plugin("leaky", trt.PluginFieldCollection([slope]))
        x, y = Memory(np.array([-1, 2], np.float32)), Memory(np.full(2, 7, np.float32))
        work = capsule(0)
        arguments = 1, [capsule(x.address)], [capsule(y.address)], work, 0
        self.assertNotEqual(plugin.execute_async(*arguments), 0)  # of what sizes nobody said
        self.assertEqual(tuple(plugin.get_output_shape(0, [(2,)])), (2,))
        linear = trt.TensorFormat.LINEAR
        self.assertTrue(plugin.supports_format(trt.float32, linear))
        plugin.configure_with_format([(2,)], [(2,)], trt.float32, linear, 1)
        self.assertEqual(plugin.execute_async(*arguments), 0)
        np.testing.assert_array_equal(y.array(), [-0.125, 2])

    def test_libraries_of_plugins(self):
        folder = Path(os.environ["LD_LIBRARY_PATH"].split(":")[0])
        registry = trt.get_plugin_registry()
        handle = registry.load_library(str(folder / "libtensorrt_plugin_library.so"))
        self.assertIsNotNone(handle)
        self.assertIsNotNone(registry.get_creator("OfALibrary", "1", ""))
        registry.deregister_library(handle)
        self.assertIsNone(registry.get_creator("OfALibrary", "1", ""))

    def test_compiled_kernels(self):
        session = Session()
        x = session.network.add_input("x", trt.float32, (2, 5))
        layer = session.network.add_plugin_v3([x], [], Compiled())
        session.network.mark_output(layer.get_output(0))
        self.assertIn(b"// PTX", bytes(session.plan()))
        self.assertEqual(Compiled.counts[-1], (2, True))

    def test_refitting_from_memory(self):
        weights = np.random.default_rng(2).standard_normal((2, 3, 4)).astype(np.float32)
        node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
        shapes = {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, [2, 4])}
        session = Session()
        session.config.set_flag(trt.BuilderFlag.REFIT)
        self.assertTrue(session.parse(model([node], *shapes, {"w": weights[0]})))
        engine = session.engine()
        new = model([node], *shapes, {"w": weights[1]})
        outside = onnx.load_from_string(new)
        with tempfile.TemporaryDirectory() as folder:
            onnx.external_data_helper.convert_model_to_external_data(outside, size_threshold=0)
            onnx.save(outside, os.path.join(folder, "m.onnx"))
            outside = Path(folder, "m.onnx").read_bytes()
        refitter = trt.Refitter(engine, session.log)
        parser = trt.OnnxParserRefitter(refitter, session.log)
        self.assertTrue(parser.load_model_proto(outside))
        held = np.ascontiguousarray(weights[1])
        self.assertTrue(parser.load_initializer("w", held.ctypes.data, held.nbytes))
        self.assertTrue(parser.refit_model_proto(), session.log.errors())
        self.assertTrue(refitter.refit_cuda_engine(), session.log.errors())
        x = np.random.default_rng(3).standard_normal((2, 3)).astype(np.float32)
        found = infer(engine, {"x": x}, session.log)["y"]
        np.testing.assert_allclose(found, reference(new, {"x": x})["y"], rtol=1e-4, atol=1e-5)


class AskingCreator(trt.IPluginCreatorV3One):
    def __init__(self):
        trt.IPluginCreatorV3One.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "PyScale", "1", ""
        self.field_names = trt.PluginFieldCollection([])

    def create_plugin(self, name, fields, phase):
        return Asking(float(fields[0].data[0]))
