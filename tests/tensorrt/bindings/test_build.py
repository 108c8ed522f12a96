"""From a model to results: parser, configuration, engine, context."""

import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt

from .support import Log, Recorder, Session, infer, model, reference

F32, I64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
RNG = np.random.default_rng(7)


def node(op, inputs, outputs, **attributes):
    return onnx.helper.make_node(op, inputs, outputs, name=f"the_{op}", **attributes)


def small_model(batch="n"):
    weights = {
        "w": RNG.standard_normal((8, 3, 3, 3)).astype(np.float32) / 5,
        "b": RNG.standard_normal(8).astype(np.float32),
    }
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["y"]),
    ]
    return model(nodes, {"x": (F32, [batch, 3, 8, 8])}, {"y": (F32, [batch, 8])}, weights)


class Building(unittest.TestCase):
    def test_static_model(self):
        serialized = small_model(2)
        s = Session()
        self.assertTrue(s.parse(serialized), s.log.errors())
        self.assertEqual(s.network.num_inputs, 1)
        self.assertEqual(tuple(s.network.get_input(0).shape), (2, 3, 8, 8))
        self.assertEqual(s.network.get_output(0).name, "y")
        self.assertIn("the_Conv", [s.network.get_layer(i).name for i in range(s.network.num_layers)])
        x = RNG.standard_normal((2, 3, 8, 8)).astype(np.float32)
        np.testing.assert_allclose(s.run({"x": x})["y"], reference(serialized, {"x": x})["y"], 1e-4)

    def test_layers_of_a_model_in_a_precision_of_their_own(self):
        serialized = small_model(2)
        s = Session()
        self.assertTrue(s.parse(serialized), s.log.errors())
        s.config.set_flag(trt.BuilderFlag.FP16)
        s.config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
        for i in range(s.network.num_layers):
            layer = s.network.get_layer(i)
            if layer.type == trt.LayerType.CONVOLUTION:
                layer.precision = trt.float16
                layer.set_output_type(0, trt.float16)
        x = RNG.standard_normal((2, 3, 8, 8)).astype(np.float32)
        got, want = s.run({"x": x})["y"], reference(serialized, {"x": x})["y"]
        self.assertEqual(got.dtype, np.float32)
        np.testing.assert_allclose(got, want, 1e-2, 1e-2)
        self.assertFalse(np.array_equal(got, want))  # half floats were in it

    def test_dynamic_batch(self):
        serialized = small_model()
        s = Session()
        self.assertTrue(s.parse(serialized))
        self.assertIsNone(s.builder.build_serialized_network(s.network, s.config))
        self.assertIn("no optimization profile has been defined", s.log.errors()[-1])
        profile = s.builder.create_optimization_profile()
        self.assertTrue(profile.set_shape("x", (1, 3, 8, 8), (2, 3, 8, 8), (4, 3, 8, 8)) is None)
        self.assertEqual(s.config.add_optimization_profile(profile), 0)
        engine = s.engine()
        self.assertEqual(tuple(engine.get_tensor_shape("x")), (-1, 3, 8, 8))
        self.assertEqual(
            [tuple(d) for d in engine.get_tensor_profile_shape("x", 0)],
            [(1, 3, 8, 8), (2, 3, 8, 8), (4, 3, 8, 8)],
        )
        for n in (1, 3, 4):
            x = RNG.standard_normal((n, 3, 8, 8)).astype(np.float32)
            want = reference(serialized, {"x": x})["y"]
            np.testing.assert_allclose(infer(engine, {"x": x})["y"], want, 1e-4, 1e-6)
        context = engine.create_execution_context()
        self.assertFalse(context.set_input_shape("x", (5, 3, 8, 8)))
        self.assertIn("outside of optimization profile 0", s.log.errors()[-1])

    def test_execute_v2(self):
        serialized = small_model(1)
        s = Session()
        s.parse(serialized)
        context = s.engine().create_execution_context()
        x = RNG.standard_normal((1, 3, 8, 8)).astype(np.float32)
        y = np.zeros((1, 8), np.float32)
        self.assertTrue(context.execute_v2([x.ctypes.data, y.ctypes.data]))
        np.testing.assert_allclose(y, reference(serialized, {"x": x})["y"], 1e-4)

    def test_errors_name_the_node(self):
        bad = model(
            [node("Relu", ["x"], ["h"]), node("NoSuchOp", ["h"], ["y"])],
            {"x": (F32, [2])},
            {"y": (F32, [2])},
        )
        s = Session()
        self.assertFalse(s.parse(bad))
        self.assertEqual(s.parser.num_errors, 1)
        error = s.parser.get_error(0)
        self.assertEqual((error.node(), error.node_operator()), (1, "NoSuchOp"))
        self.assertIn("NoSuchOp", str(error))
        self.assertTrue(s.parser.supports_operator("Conv"))
        self.assertFalse(s.parser.supports_operator("NoSuchOp"))

    def test_foreign_plans_are_recognised(self):
        log = Log()
        runtime = trt.Runtime(log)
        self.assertIsNone(runtime.deserialize_cuda_engine(b"ftrt" + bytes(20) + bytes([10, 3, 0, 1])))
        self.assertIn("plan of NVIDIA TensorRT 10.3.0.1", log.errors()[-1])
        self.assertIsNone(runtime.deserialize_cuda_engine(b"garbage" * 100))
        self.assertIn("Error Code", log.errors()[-1])

    def test_error_recorder(self):
        recorder = Recorder()
        s = Session()
        s.builder.error_recorder = recorder
        self.assertIsNone(s.builder.build_serialized_network(s.network, s.config))
        self.assertEqual(recorder.num_errors(), 1)
        self.assertIn("no outputs", recorder.get_error_desc(0))
