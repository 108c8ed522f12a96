"""Refitting: an engine gets other weights, by names, by layers, from a model; stripped plans."""

import tempfile
import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt
from onnx import TensorProto

from .memory import wait
from .support import Session, infer, model, reference

FLOAT = TensorProto.FLOAT


def weights_of(seed):
    rng = np.random.default_rng(seed)
    return {
        "w": rng.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "b": rng.standard_normal(4).astype(np.float32),
        "m": rng.standard_normal((4, 5)).astype(np.float32),
    }


def small_net(weights):
    """Conv, Relu, mean over the image, MatMul."""
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        onnx.helper.make_node("Relu", ["c"], ["r"]),
        onnx.helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        onnx.helper.make_node("Flatten", ["g"], ["f"]),
        onnx.helper.make_node("MatMul", ["f", "m"], ["y"]),
    ]
    return model(nodes, {"x": (FLOAT, [2, 3, 6, 6])}, {"y": (FLOAT, [2, 5])}, weights)


class RefitTest(unittest.TestCase):
    def setUp(self):
        self.x = np.random.default_rng(1).standard_normal((2, 3, 6, 6)).astype(np.float32)
        self.old, self.new = small_net(weights_of(1)), small_net(weights_of(2))

    def session(self, *flags):
        session = Session()
        for flag in flags:
            session.config.set_flag(flag)
        self.assertTrue(session.parse(self.old), session.log.errors())
        return session

    def check(self, engine, session, serialized):
        want = reference(serialized, {"x": self.x})["y"]
        got = infer(engine, {"x": self.x}, session.log)["y"]
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    def test_from_a_model(self):
        session = self.session(trt.BuilderFlag.REFIT)
        engine = session.engine()
        self.assertTrue(engine.refittable)
        self.check(engine, session, self.old)
        context = engine.create_execution_context()
        refitter = trt.Refitter(engine, session.log)
        self.assertEqual(set(refitter.get_all_weights()), {"w", "b", "m"})
        self.assertEqual(refitter.get_missing_weights(), [])
        parser = trt.OnnxParserRefitter(refitter, session.log)
        self.assertTrue(parser.refit_from_bytes(self.new), session.log.errors())
        self.assertEqual(parser.num_errors, 0)
        self.assertTrue(refitter.refit_cuda_engine(), session.log.errors())
        self.check(engine, session, self.new)
        # A context from before, and the plan as it is now.
        y = np.zeros((2, 5), np.float32)
        context.set_tensor_address("x", self.x.ctypes.data)
        context.set_tensor_address("y", y.ctypes.data)
        self.assertTrue(context.execute_async_v3(0))
        wait()
        want = reference(self.new, {"x": self.x})["y"]
        np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)
        again = session.runtime.deserialize_cuda_engine(engine.serialize())
        self.check(again, session, self.new)

    def test_by_name_and_by_layer(self):
        session = self.session(trt.BuilderFlag.REFIT_IDENTICAL)
        engine = session.engine()
        refitter = trt.Refitter(engine, session.log)
        new = weights_of(2)
        layers, roles = refitter.get_all()
        self.assertIn(("conv", trt.WeightsRole.KERNEL), list(zip(layers, roles)))
        prototype = refitter.get_weights_prototype("w")
        self.assertEqual((prototype.dtype, prototype.size), (trt.float32, new["w"].size))
        self.assertTrue(refitter.set_weights("conv", trt.WeightsRole.KERNEL, new["w"]))
        self.assertTrue(refitter.set_weights("conv", trt.WeightsRole.BIAS, new["b"]))
        self.assertTrue(refitter.set_named_weights("m", new["m"]))
        self.assertTrue(refitter.unset_named_weights("m"))
        self.assertTrue(refitter.set_named_weights("m", new["m"]))
        self.assertFalse(refitter.set_named_weights("m", new["b"]))
        self.assertFalse(refitter.set_named_weights("nothing", new["b"]))
        self.assertTrue(refitter.refit_cuda_engine_async(0), session.log.errors())
        self.check(engine, session, self.new)

    def test_dynamic_ranges(self):
        session = Session()
        session.config.set_flag(trt.BuilderFlag.REFIT)
        session.config.set_flag(trt.BuilderFlag.INT8)
        x = session.network.add_input("x", trt.float32, (2, 8))
        x.dtype, x.dynamic_range = trt.int8, (-1.27, 1.27)
        relu = session.network.add_activation(x, trt.ActivationType.RELU).get_output(0)
        relu.name, relu.dynamic_range = "between", (-3, 4)
        y = session.network.add_elementwise(relu, relu, trt.ElementWiseOperation.SUM).get_output(0)
        y.name, y.dtype, y.dynamic_range = "y", trt.int8, (-2.54, 2.54)
        session.network.mark_output(y)
        engine = session.engine()
        steps = np.arange(-128, 128, 16, dtype=np.int8).reshape(2, 8)

        def check(engine, step_x, step_y):
            wanted = np.maximum(steps * np.float32(step_x), 0) * 2 / np.float32(step_y)
            wanted = np.clip(np.rint(wanted), -128, 127).astype(np.int8)
            found = infer(engine, {"x": steps}, session.log)["y"]
            np.testing.assert_allclose(found.astype(int), wanted.astype(int), atol=1)

        check(engine, 0.01, 0.02)
        refitter = trt.Refitter(engine, session.log)
        self.assertEqual(refitter.get_tensors_with_dynamic_range(), ["x", "between", "y"])
        self.assertEqual(refitter.get_dynamic_range("between"), (-3, 4))
        self.assertTrue(refitter.set_dynamic_range("x", (-2.54, 2.54)))
        self.assertTrue(refitter.set_dynamic_range("y", (-12.7, 12.7)))
        self.assertTrue(refitter.set_dynamic_range("between", (-5, 5)))
        self.assertFalse(refitter.set_dynamic_range("x", (1, -1)))
        self.assertFalse(refitter.set_dynamic_range("nothing", (-1, 1)))
        np.testing.assert_allclose(refitter.get_dynamic_range("x"), (-2.54, 2.54))
        self.assertTrue(refitter.refit_cuda_engine(), session.log.errors())
        self.assertEqual(refitter.get_dynamic_range("between"), (-5, 5))
        check(engine, 0.02, 0.1)
        again = session.runtime.deserialize_cuda_engine(engine.serialize())
        check(again, 0.02, 0.1)
        np.testing.assert_allclose(
            trt.Refitter(again, session.log).get_dynamic_range("y"), (-12.7, 12.7)
        )

    def test_what_else_a_refitter_answers(self):
        session = self.session(trt.BuilderFlag.REFIT)
        engine = session.engine()
        refitter = trt.Refitter(engine, session.log)
        new = weights_of(2)
        self.assertTrue(refitter.set_named_weights("b", new["b"], trt.TensorLocation.HOST))
        self.assertEqual(refitter.get_named_weights("b").size, 4)
        self.assertEqual(refitter.get_weights_location("b"), trt.TensorLocation.HOST)
        self.assertEqual(refitter.get_missing(), ([], []))
        self.assertFalse(refitter.set_dynamic_range("x", (-1, 1)))
        self.assertTrue(np.isnan(refitter.get_dynamic_range("x")).all())
        self.assertEqual(refitter.get_tensors_with_dynamic_range(), [])
        refitter.max_threads, refitter.weights_validation = 2, False
        self.assertEqual((refitter.max_threads, refitter.weights_validation), (2, False))
        self.assertIsNone(refitter.error_recorder)
        self.assertIsNotNone(refitter.logger)
        parser = trt.OnnxParserRefitter(refitter, session.log)
        self.assertFalse(parser.refit_from_bytes(b"no model"))
        self.assertFalse(parser.refit_from_file("/nowhere.onnx"))
        self.assertEqual(parser.num_errors, 2)
        self.assertIn("nowhere", parser.get_error(1).desc())
        parser.clear_errors()
        self.assertEqual(parser.num_errors, 0)
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            file.write(self.new)
            file.flush()
            self.assertTrue(parser.refit_from_file(file.name), session.log.errors())
        self.assertTrue(parser.load_model_proto(self.new))
        self.assertTrue(parser.refit_model_proto(), session.log.errors())
        self.assertTrue(refitter.refit_cuda_engine(), session.log.errors())
        self.check(engine, session, self.new)

    def test_stripped(self):
        whole = self.session(trt.BuilderFlag.REFIT)
        session = self.session(trt.BuilderFlag.STRIP_PLAN)
        plan = session.plan()
        self.assertLess(plan.nbytes, whole.plan().nbytes)
        session.runtime = trt.Runtime(session.log)
        engine = session.runtime.deserialize_cuda_engine(plan)
        refitter = trt.Refitter(engine, session.log)
        self.assertEqual(set(refitter.get_missing_weights()), {"w", "b", "m"})
        self.assertFalse(refitter.refit_cuda_engine())
        self.assertIn("getMissing", session.log.errors()[-1])
        for name, array in weights_of(2).items():
            self.assertTrue(refitter.set_named_weights(name, array))
        self.assertTrue(refitter.refit_cuda_engine(), session.log.errors())
        self.check(engine, session, self.new)
        config = engine.create_serialization_config()
        config.set_flag(trt.SerializationFlag.EXCLUDE_WEIGHTS)
        self.assertLess(engine.serialize_with_config(config).nbytes, engine.serialize().nbytes)

    def test_what_is_not_refittable(self):
        session = self.session()
        engine = session.engine()
        self.assertFalse(engine.refittable)
        with self.assertRaises(Exception):
            trt.Refitter(engine, session.log).get_all()
        self.assertIn("kREFIT", session.log.errors()[-1])
        session = self.session(trt.BuilderFlag.REFIT_INDIVIDUAL)
        self.assertTrue(session.network.mark_weights_refittable("m"))
        refitter = trt.Refitter(session.engine(), session.log)
        self.assertEqual(refitter.get_all_weights(), ["m"])


if __name__ == "__main__":
    unittest.main()
