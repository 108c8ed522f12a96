#!/usr/bin/env python3
"""Plugins in Python: of versions 3 and 2, in networks, engine files and runs on the CPU."""

import ctypes
import importlib.util
import sys
import unittest
from typing import List, Tuple

import start

ARGUMENTS = start.start(["numpy", "onnx"])

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import tensorrt as trt  # noqa: E402
import tensorrt.plugin as trtp  # noqa: E402


def array_at(address, desc):
    """The memory of a tensor of float32."""
    shape = tuple(desc.dims)
    count = int(np.prod(shape))
    floats = ctypes.cast(address, ctypes.POINTER(ctypes.c_float))
    return np.ctypeslib.as_array(floats, (count,)).reshape(shape)


class Log(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.errors = []

    def log(self, severity, msg):
        if severity <= trt.ILogger.ERROR:
            self.errors.append(msg)


class RepeatV3(
    trt.IPluginV3, trt.IPluginV3OneCore, trt.IPluginV3OneBuildV2, trt.IPluginV3OneRuntime
):
    """[n, c] -> [n, times * c]: each row several times, scaled."""

    def __init__(self, times, scale, log=None):
        trt.IPluginV3.__init__(self)
        trt.IPluginV3OneCore.__init__(self)
        trt.IPluginV3OneBuildV2.__init__(self)
        trt.IPluginV3OneRuntime.__init__(self)
        self.plugin_name, self.plugin_version, self.plugin_namespace = "RepeatPy", "1", ""
        self.num_outputs = 1
        self.times, self.scale = times, scale

    def get_capability_interface(self, type):
        return self

    def get_output_data_types(self, input_types):
        return [input_types[0]]

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        out = trt.DimsExprs(2)
        out[0] = inputs[0][0]
        times = expr_builder.constant(self.times)
        out[1] = expr_builder.operation(trt.DimensionOperation.PROD, inputs[0][1], times)
        return [out]

    def get_fields_to_serialize(self):
        kinds = trt.PluginFieldType
        return trt.PluginFieldCollection(
            [
                trt.PluginField("times", np.array([self.times], np.int32), kinds.INT32),
                trt.PluginField("scale", np.array([self.scale], np.float32), kinds.FLOAT32),
            ]
        )

    def configure_plugin(self, input_desc, output_desc):
        pass

    def on_shape_change(self, input_desc, output_desc):
        assert len(input_desc) == 1 and len(output_desc) == 1

    def supports_format_combination(self, pos, in_out, num_inputs):
        desc = in_out[pos].desc
        return desc.format == trt.TensorFormat.LINEAR and desc.type == trt.DataType.FLOAT

    def attach_to_context(self, context):
        return self.clone()

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream):
        if self.scale == 13:
            raise ValueError("an unlucky number")
        x, y = array_at(inputs[0], input_desc[0]), array_at(outputs[0], output_desc[0])
        y[:] = np.tile(x, (1, self.times)) * self.scale

    def clone(self):
        copy = RepeatV3(self.times, self.scale)
        copy.__dict__.update({k: v for k, v in self.__dict__.items() if not k.startswith("_native")})
        return copy


class RepeatCreator(trt.IPluginCreatorV3One):
    def __init__(self):
        trt.IPluginCreatorV3One.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "RepeatPy", "1", ""
        self.field_names = trt.PluginFieldCollection(
            [
                trt.PluginField("times", np.array([]), trt.PluginFieldType.INT32),
                trt.PluginField("scale", np.array([]), trt.PluginFieldType.FLOAT32),
            ]
        )
        self.phases = []

    def create_plugin(self, name, fc, phase):
        self.phases.append(phase)
        values = {field.name: field.data[0] for field in fc}
        return RepeatV3(int(values.get("times", 1)), float(values.get("scale", 1)))


class SquareV2(trt.IPluginV2DynamicExt):
    """x * x, by a plugin of version 2."""

    def __init__(self):
        trt.IPluginV2DynamicExt.__init__(self)
        self.num_outputs, self.plugin_namespace = 1, ""
        self.plugin_type, self.plugin_version = "SquarePy", "1"

    def get_output_datatype(self, index, input_types):
        return input_types[0]

    def get_output_dimensions(self, output_index, inputs, expr_builder):
        return trt.DimsExprs(inputs[0])

    def serialize(self):
        return b"square"

    def configure_plugin(self, inp, out):
        pass

    def supports_format_combination(self, pos, in_out, num_inputs):
        return in_out[pos].type == trt.float32 and in_out[pos].format == trt.TensorFormat.LINEAR

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream):
        x = array_at(inputs[0], input_desc[0])
        array_at(outputs[0], output_desc[0])[:] = x * x

    def clone(self):
        copy = SquareV2()
        copy.plugin_namespace = self.plugin_namespace
        return copy


class SquareCreator(trt.IPluginCreator):
    def __init__(self):
        trt.IPluginCreator.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "SquarePy", "1", ""
        self.field_names = trt.PluginFieldCollection([])
        self.loaded = []

    def create_plugin(self, name, fc):
        return SquareV2()

    def deserialize_plugin(self, name, data):
        self.loaded.append(bytes(data))
        return SquareV2()


def network_of(log, add, shape=(-1, 3)):
    """A network of `add(network, x)` between two layers, and its configuration."""
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    x = network.add_input("x", trt.float32, shape)
    layer = add(network, network.add_unary(x, trt.UnaryOperation.NEG).get_output(0))
    assert layer is not None, log.errors
    y = network.add_unary(layer.get_output(0), trt.UnaryOperation.NEG).get_output(0)
    y.name = "y"
    network.mark_output(y)
    config = builder.create_builder_config()
    config.builder_optimization_level = 0
    profile = builder.create_optimization_profile()
    profile.set_shape("x", (1, 3), (2, 3), (8, 3))
    config.add_optimization_profile(profile)
    return builder, network, config


def infer(engine, x):
    context = engine.create_execution_context()
    context.set_input_shape("x", x.shape)
    y = np.zeros(tuple(context.get_tensor_shape("y")), np.float32)
    context.set_tensor_address("x", x.ctypes.data)
    context.set_tensor_address("y", y.ctypes.data)
    return y if context.execute_async_v3(0) else None


class Plugins(unittest.TestCase):
    def setUp(self):
        self.registry, self.creators = trt.get_plugin_registry(), []

    def tearDown(self):
        for creator in self.creators:
            self.registry.deregister_creator(creator)

    def register(self, creator):
        self.assertTrue(self.registry.register_creator(creator, ""))
        self.creators.append(creator)
        return creator

    def test_version_3(self):
        creator = self.register(RepeatCreator())
        log = Log()
        plugin = creator.create_plugin(
            "p", trt.PluginFieldCollection([trt.PluginField("times", np.array([2], np.int32),
                                                            trt.PluginFieldType.INT32)]),
            trt.TensorRTPhase.BUILD)  # fmt: skip
        plugin.scale = 10.0
        builder, network, config = network_of(log, lambda n, x: n.add_plugin_v3([x], [], plugin))
        self.assertEqual(network.get_layer(1).type, trt.LayerType.PLUGIN_V3)
        plan = builder.build_serialized_network(network, config)
        self.assertIsNotNone(plan, log.errors)
        del builder, network, config, plugin
        engine = trt.Runtime(log).deserialize_cuda_engine(plan)
        self.assertIsNotNone(engine, log.errors)
        self.assertIn(trt.TensorRTPhase.RUNTIME, creator.phases)
        for n in (1, 2, 5):
            x = np.random.default_rng(n).random((n, 3), np.float32)
            np.testing.assert_allclose(infer(engine, x), np.tile(x, (1, 2)) * 10, 1e-6)

    def test_an_exception_fails_the_run(self):
        self.register(RepeatCreator())
        log = Log()
        builder, network, config = network_of(
            log, lambda n, x: n.add_plugin_v3([x], [], RepeatV3(1, 13))
        )
        plan = builder.build_serialized_network(network, config)
        seen = []
        sys.unraisablehook, kept = seen.append, sys.unraisablehook
        try:
            if plan is not None:  # a build that runs plugins fails already
                engine = trt.Runtime(log).deserialize_cuda_engine(plan)
                self.assertIsNone(infer(engine, np.zeros((2, 3), np.float32)))
        finally:
            sys.unraisablehook = kept
        self.assertTrue(log.errors)

    def test_version_2(self):
        creator = self.register(SquareCreator())
        log = Log()
        builder, network, config = network_of(log, lambda n, x: n.add_plugin_v2([x], SquareV2()))
        plan = builder.build_serialized_network(network, config)
        self.assertIsNotNone(plan, log.errors)
        engine = trt.Runtime(log).deserialize_cuda_engine(plan)
        self.assertEqual(creator.loaded, [b"square"])
        x = np.random.default_rng(3).random((4, 3), np.float32)
        np.testing.assert_allclose(infer(engine, x), -(x * x), 1e-6)

    def test_from_onnx(self):
        import onnx

        self.register(RepeatCreator())
        helper = onnx.helper
        node = helper.make_node("RepeatPy", ["x"], ["y"], domain="mine", times=3, scale=2.0)
        info = helper.make_tensor_value_info
        graph = helper.make_graph([node], "g", [info("x", 1, [2, 3])], [info("y", 1, None)])
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
        log = Log()
        builder = trt.Builder(log)
        network = builder.create_network()
        parser = trt.OnnxParser(network, log)
        self.assertTrue(parser.parse(model), log.errors)
        plan = builder.build_serialized_network(network, builder.create_builder_config())
        engine = trt.Runtime(log).deserialize_cuda_engine(plan)
        x = np.random.default_rng(4).random((2, 3), np.float32)
        np.testing.assert_allclose(infer(engine, x), np.tile(x, (1, 3)) * 2, 1e-6)

    def test_the_registry_lists_the_library(self):
        trt.init_libnvinfer_plugins(Log(), "")
        for creator in self.registry.all_creators:
            self.assertTrue(creator.name and creator.plugin_version)
            self.assertIsInstance(creator, (trt.IPluginCreator, trt.IPluginCreatorV3One))

    def test_a_plugin_of_the_library(self):
        log = Log()
        trt.init_libnvinfer_plugins(log, "")
        creator = self.registry.get_plugin_creator("LReLU_TRT", "1", "")
        slope = np.array([0.5], np.float32)
        field = trt.PluginField("negSlope", slope, trt.PluginFieldType.FLOAT32)
        plugin = creator.create_plugin("leaky", trt.PluginFieldCollection([field]))
        self.assertEqual((plugin.plugin_type, plugin.num_outputs), ("LReLU_TRT", 1))
        self.assertEqual(plugin.clone().plugin_type, "LReLU_TRT")
        builder, network, config = network_of(log, lambda n, x: n.add_plugin_v2([x], plugin))
        self.assertEqual(network.get_layer(1).type, trt.LayerType.PLUGIN_V2)
        plan = builder.build_serialized_network(network, config)
        del builder, network, config, plugin
        engine = trt.Runtime(log).deserialize_cuda_engine(plan)
        x = np.ones((2, 3), np.float32)
        np.testing.assert_allclose(infer(engine, x), x / 2)


@trtp.register("mine::wrap")
def wrap(
    x: trtp.TensorDesc, pads: npt.NDArray[np.int32], factor: int, how: str
) -> trtp.TensorDesc:
    out = x.like()
    out.shape_expr[1] += int(pads[0] + pads[1])
    return out


@trtp.autotune("mine::wrap")
def wrap_types(x: trtp.TensorDesc, outputs) -> List[trtp.AutoTuneCombination]:
    chosen = trtp.AutoTuneCombination()
    chosen.pos([0, 1], "FP32|FP16")
    chosen.tactics([3, 4])
    return [chosen]


@trtp.impl("mine::wrap")
def wrap_code(x, pads, factor, how, outputs, stream, tactic) -> None:
    assert tactic == 3 and tuple(x.strides) == (x.shape[1], 1)
    np.asarray(outputs[0])[:] = np.pad(np.asarray(x), [(0, 0), tuple(pads)], how) * factor


@trtp.register("mine::nonzero")
def nonzero(x: trtp.TensorDesc) -> Tuple[trtp.TensorDesc, trtp.TensorDesc]:
    bound = x.shape_expr.numel()
    size = trtp.size_tensor(trtp.cdiv(bound, 2), bound)
    size.dtype = trt.int64
    return trtp.from_shape_expr((size.expr(), x.ndim), trt.int32), size


@trtp.impl("mine::nonzero")
def nonzero_code(x, outputs, stream) -> None:
    found = np.argwhere(np.asarray(x))
    np.asarray(outputs[0].aliased(found.shape))[:] = found
    np.asarray(outputs[1])[()] = len(found)


class Decorated(unittest.TestCase):
    def test_rows_of_types(self):
        row = trtp.AutoTuneCombination("FP32|FP16, FP32*INT8, FP32|FP16", "LINEAR")
        types = [[str(t).split(".")[-1] for t in types] for types, _ in row._all()]
        self.assertEqual(
            types,
            [
                ["FLOAT", "FLOAT", "FLOAT"],
                ["FLOAT", "INT8", "FLOAT"],
                ["HALF", "FLOAT", "HALF"],
                ["HALF", "INT8", "HALF"],
            ],
        )

    def test_strides(self):
        self.assertEqual(trtp._strides((2, 11, 4, 5), trt.TensorFormat.HWC8), (40, 1, 10, 2))
        self.assertEqual(trtp._strides((2, 11, 4, 5), trt.TensorFormat.CHW2), (120, 20, 5, 1))
        self.assertEqual(trtp._strides((2, 11, 4, 5), trt.TensorFormat.HWC), (220, 1, 55, 11))
        self.assertEqual(trtp._strides((2, 3), trt.TensorFormat.LINEAR), (3, 1))

    def test_in_an_engine(self):
        log = Log()
        builder = trt.Builder(log)
        network, config = builder.create_network(0), builder.create_builder_config()
        x = network.add_input("x", trt.float32, (-1, 5))
        pads = np.array([2, 1], np.int32)
        made = network.add_plugin(trtp.op.mine.wrap(x, pads=pads, factor=3, how="wrap"))
        made.get_output(0).name = "y"
        network.mark_output(made.get_output(0))
        count = network.add_plugin(trtp.op.mine.nonzero(x), aot=False).get_output(1)
        count.name = "count"
        network.mark_output(count)
        profile = builder.create_optimization_profile()
        profile.set_shape("x", (1, 5), (2, 5), (4, 5))
        config.add_optimization_profile(profile)
        plan = builder.build_serialized_network(network, config)
        self.assertIsNotNone(plan, log.errors)
        engine = trt.Runtime(log).deserialize_cuda_engine(plan)
        self.assertIsNotNone(engine, log.errors)
        context = engine.create_execution_context()
        x = np.array([[1, 0, 2, 0, 3], [0, 0, 4, 5, 6]], np.float32)
        y, count = np.zeros((2, 8), np.float32), np.zeros((), np.int64)
        self.assertTrue(context.set_input_shape("x", x.shape))
        for name, array in (("x", x), ("y", y), ("count", count)):
            context.set_tensor_address(name, array.ctypes.data)
        self.assertTrue(context.execute_async_v3(0), log.errors)
        np.testing.assert_array_equal(y, np.pad(x, [(0, 0), (2, 1)], "wrap") * 3)
        self.assertEqual(count, 6)

    def test_programs_may_look_for_modules_in_it(self):
        self.assertIsNone(importlib.util.find_spec("tensorrt.plugin._lib"))

    def test_refusals(self):
        with self.assertRaisesRegex(ValueError, "registered already"):
            trtp.register("mine::wrap")(wrap)
        with self.assertRaisesRegex(ValueError, "not of the form"):
            trtp.register("wrap")
        network = trt.Builder(Log()).create_network(0)
        x = network.add_input("x", trt.float32, (2, 5))
        with self.assertRaisesRegex(ValueError, "takes 1 tensors and the attributes pads"):
            trtp.op.mine.wrap(x)
        with self.assertRaisesRegex(ValueError, "nonzero has no aot_impl"):
            network.add_plugin(trtp.op.mine.nonzero(x), aot=True)
        with self.assertRaisesRegex(ValueError, "twice has no impl"):
            network.add_plugin(trtp.op.mine.twice(x, factor=2), aot=False)

    def test_compiled_kernels(self):
        log = Log()
        builder = trt.Builder(log)
        network, config = builder.create_network(0), builder.create_builder_config()
        x = network.add_input("x", trt.float32, (-1, 5))
        layer = network.add_plugin(trtp.op.mine.twice(x, factor=3))
        self.assertEqual(tuple(layer.get_output(0).shape), (-1, 5))
        layer.get_output(0).name = "y"
        network.mark_output(layer.get_output(0))
        profile = builder.create_optimization_profile()
        profile.set_shape("x", (1, 5), (2, 5), (4, 5))
        config.add_optimization_profile(profile)
        plan = builder.build_serialized_network(network, config)
        self.assertIsNotNone(plan, log.errors)
        self.assertIn(b"// PTX of 3", bytes(plan))
        self.assertIn(b"times_3", bytes(plan))
        engine = trt.Runtime(log).deserialize_cuda_engine(plan)
        self.assertIsNone(engine.create_execution_context())
        self.assertIn("compiled ahead of time, for a GPU", log.errors[-1])


@trtp.register("mine::twice")
def twice(x: trtp.TensorDesc, factor: int) -> trtp.TensorDesc:
    return x.like()


@trtp.autotune("mine::twice")
def twice_types(x, outputs):
    chosen = trtp.AutoTuneCombination("FP32, FP32")
    chosen.tactics([7])
    return [chosen]


@trtp.aot_impl("mine::twice")
def twice_compiled(x, factor, outputs, tactic):
    assert tactic == 7 and x.dtype == trt.float32 and x.shape.min == (1, 5)
    launch = trtp.KernelLaunchParams(block_x=128)
    launch.grid_x = trtp.cdiv(x.shape_expr.numel(), 128)
    arguments = trtp.SymIntExprs(1)
    arguments[0] = trtp.SymInt32(outputs[0].shape_expr.numel())
    return f"times_{factor}", f"// PTX of {factor}", launch, arguments


class Quick(
    trt.IPluginV3, trt.IPluginV3QuickCore, trt.IPluginV3QuickBuild, trt.IPluginV3QuickRuntime
):
    """Negates, by the interfaces that the decorators of NVIDIA's package use."""

    def __init__(self):
        for base in Quick.__bases__:
            base.__init__(self)
        self.plugin_name, self.plugin_version, self.plugin_namespace = "Quick", "1", "mine"
        self.num_outputs = 1

    def get_capability_interface(self, type):
        return self

    def clone(self):
        return Quick()

    def get_output_data_types(self, input_types, ranks):
        assert ranks == [2]
        return input_types

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        return inputs

    def get_supported_format_combinations(self, in_out, num_inputs):
        both = [trt.PluginTensorDesc(), trt.PluginTensorDesc()]
        for desc in both:
            desc.type, desc.format = trt.float32, trt.TensorFormat.LINEAR
        return both

    def enqueue(self, input_desc, output_desc, inputs, outputs, in_strides, out_strides, stream):
        assert tuple(in_strides[0]) == tuple(out_strides[0]) == (3, 1)
        count = int(np.prod(tuple(input_desc[0].dims)))
        x, y = (
            np.ctypeslib.as_array((ctypes.c_float * count).from_address(a))
            for a in (inputs[0], outputs[0])
        )
        y[:] = -x


class QuickCreator(trt.IPluginCreatorV3Quick):
    def __init__(self):
        trt.IPluginCreatorV3Quick.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "Quick", "1", "mine"
        self.field_names = trt.PluginFieldCollection([])
        self.requests = []

    def create_plugin(self, name, namespace, field_collection, phase, request):
        self.requests.append((name, namespace, phase, request))
        return Quick()


class QuickInterfaces(unittest.TestCase):
    def test_run(self):
        log, creator = Log(), QuickCreator()
        registry = trt.get_plugin_registry()
        self.assertTrue(registry.register_creator(creator, "mine"))
        try:
            builder = trt.Builder(log)
            network, config = builder.create_network(0), builder.create_builder_config()
            x = network.add_input("x", trt.float32, (2, 3))
            layer = network.add_plugin_v3([x], [], Quick())
            layer.get_output(0).name = "y"
            network.mark_output(layer.get_output(0))
            plan = builder.build_serialized_network(network, config)
            self.assertIsNotNone(plan, log.errors)
            engine = trt.Runtime(log).deserialize_cuda_engine(plan)
            self.assertIsNotNone(engine, log.errors)
            self.assertEqual(creator.requests[0][:3], ("Quick", "mine", trt.TensorRTPhase.RUNTIME))
            x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((2, 3), np.float32)
            context = engine.create_execution_context()
            context.set_tensor_address("x", x.ctypes.data)
            context.set_tensor_address("y", y.ctypes.data)
            self.assertTrue(context.execute_async_v3(0), log.errors)
            np.testing.assert_array_equal(y, -x)
        finally:
            registry.deregister_creator(creator)

    def test_expressions(self):
        arguments = trt.ISymExprs()
        arguments.nbSymExprs = 2
        arguments[1] = trt.ISymExpr()
        self.assertEqual(len(arguments), 2)
        self.assertEqual(arguments[1].dtype, trt.PluginArgDataType.INT32)
        self.assertIsNone(trt.KernelLaunchParams().grid_x)


if __name__ == "__main__":
    unittest.main(argv=ARGUMENTS)
