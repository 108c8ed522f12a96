"""What a run shows of itself: debug tensors; what is kept beside an engine: budgets and timings."""

import ctypes
import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt
from onnx import TensorProto

from .memory import wait
from .support import Session, model, reference

FLOAT = TensorProto.FLOAT


class DebugTensors(unittest.TestCase):
    def test_listener(self):
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        nodes = [
            onnx.helper.make_node("Mul", ["x", "x"], ["squares"]),
            onnx.helper.make_node("ReduceSum", ["squares"], ["y"], keepdims=0),
        ]
        session = Session()
        done = session.parse(model(nodes, {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, [])}))
        self.assertTrue(done, session.log.errors())
        layers = [session.network.get_layer(i) for i in range(session.network.num_layers)]
        tensor = next(l.get_output(0) for l in layers if l.get_output(0).name == "squares")
        self.assertFalse(session.network.is_debug_tensor(tensor))
        self.assertTrue(session.network.mark_debug(tensor))
        self.assertTrue(session.network.unmark_debug(tensor))
        self.assertTrue(session.network.mark_debug(tensor))
        self.assertTrue(session.network.is_debug_tensor(tensor))
        engine = session.engine()
        self.assertTrue(engine.is_debug_tensor("squares"))
        self.assertEqual(engine.num_io_tensors, 2)

        class Listener(trt.IDebugListener):
            def __init__(self):
                trt.IDebugListener.__init__(self)
                self.seen = []

            def process_debug_tensor(self, addr, location, type, shape, name, stream):
                count = int(np.prod(tuple(shape)))
                values = np.ctypeslib.as_array((ctypes.c_float * count).from_address(addr))
                self.seen.append((name, tuple(shape), type, values.copy()))
                return True

        listener, y = Listener(), np.zeros((), np.float32)
        context = engine.create_execution_context()
        self.assertTrue(context.set_debug_listener(listener))
        context.set_tensor_address("x", x.ctypes.data)
        context.set_tensor_address("y", y.ctypes.data)
        self.assertTrue(context.execute_async_v3(0))
        self.assertEqual(listener.seen, [])
        self.assertFalse(context.get_debug_state("squares"))
        self.assertTrue(context.set_tensor_debug_state("squares", True))
        self.assertFalse(context.set_tensor_debug_state("y", True))
        self.assertTrue(context.execute_async_v3(0))
        wait()
        self.assertEqual(y, 55)
        name, shape, dtype, values = listener.seen[0]
        self.assertEqual((name, shape, dtype), ("squares", (2, 3), trt.float32))
        np.testing.assert_array_equal(values, (x * x).ravel())
        self.assertTrue(context.set_all_tensors_debug_state(False))
        self.assertTrue(context.execute_async_v3(0))
        self.assertEqual(len(listener.seen), 1)


    def test_unfused_tensors(self):
        rng = np.random.default_rng(3)
        x = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
        nodes = [
            onnx.helper.make_node("Conv", ["x", "w"], ["c"]),
            onnx.helper.make_node("Relu", ["c"], ["r"]),
            onnx.helper.make_node("Softmax", ["r"], ["s"], axis=1),
            onnx.helper.make_node("MatMul", ["s", "m"], ["y"]),
        ]
        weights = {"w": rng.standard_normal((4, 3, 3, 3)), "m": rng.standard_normal((6, 5))}
        weights = {n: w.astype(np.float32) for n, w in weights.items()}
        names = ["c", "r", "s"]
        every = model(nodes, {"x": (FLOAT, x.shape)}, {n: (FLOAT, None) for n in [*names, "y"]}, weights)
        wanted = reference(every, {"x": x})
        session = Session()
        shapes = {"x": (FLOAT, x.shape)}, {"y": (FLOAT, [1, 4, 6, 5])}
        self.assertTrue(session.parse(model(nodes, *shapes, weights)), session.log.errors())
        network = session.network
        self.assertTrue(network.mark_unfused_tensors_as_debug_tensors())
        engine = session.engine()
        self.assertEqual(engine.num_io_tensors, 2)
        self.assertFalse(any(engine.is_debug_tensor(name) for name in names))

        class Listener(trt.IDebugListener):
            def __init__(self):
                trt.IDebugListener.__init__(self)
                self.seen = {}

            def process_debug_tensor(self, addr, location, type, shape, name, stream):
                count = int(np.prod(tuple(shape)))
                values = np.ctypeslib.as_array((ctypes.c_float * count).from_address(addr))
                self.seen[name] = values.reshape(tuple(shape)).copy()
                return True

        listener, y = Listener(), np.zeros((1, 4, 6, 5), np.float32)
        context = engine.create_execution_context()
        context.set_debug_listener(listener)
        context.set_tensor_address("x", x.ctypes.data)
        context.set_tensor_address("y", y.ctypes.data)
        self.assertTrue(context.execute_async_v3(0))
        self.assertEqual(listener.seen, {})
        self.assertTrue(context.set_all_tensors_debug_state(True))
        self.assertTrue(context.unfused_tensors_debug_state)
        self.assertTrue(context.execute_async_v3(0))
        wait()
        np.testing.assert_allclose(y, wanted["y"], rtol=1e-4, atol=1e-5)
        self.assertTrue(listener.seen)
        self.assertNotIn("c", listener.seen)  # the activation is part of the convolution
        for name, values in listener.seen.items():
            np.testing.assert_allclose(values, wanted[name], rtol=1e-4, atol=1e-5, err_msg=name)
        self.assertTrue(network.unmark_unfused_tensors_as_debug_tensors())
        listener.seen.clear()
        context = session.engine().create_execution_context()
        context.set_debug_listener(listener)
        context.unfused_tensors_debug_state = True
        context.set_tensor_address("x", x.ctypes.data)
        context.set_tensor_address("y", y.ctypes.data)
        self.assertTrue(context.execute_async_v3(0))
        self.assertEqual(listener.seen, {})


class Budgets(unittest.TestCase):
    def session(self):
        weights = np.ones((4, 8), np.float32)
        node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
        session = Session()
        shapes = {"x": (FLOAT, [3, 4])}, {"y": (FLOAT, [3, 8])}
        self.assertTrue(session.parse(model([node], *shapes, {"w": weights})))
        return session

    def test_weight_streaming(self):
        session = self.session()
        engine = session.engine()
        self.assertEqual(engine.streamable_weights_size, 0)
        engine.weight_streaming_budget_v2 = 16
        self.assertEqual(engine.weight_streaming_budget_v2, 0)
        self.assertIn("kWEIGHT_STREAMING", session.log.errors()[-1])
        session = self.session()
        session.config.set_flag(trt.BuilderFlag.WEIGHT_STREAMING)
        engine = session.engine()
        size = engine.streamable_weights_size
        self.assertGreaterEqual(size, 128)
        self.assertEqual(engine.weight_streaming_budget_v2, size)
        self.assertEqual(engine.get_weight_streaming_automatic_budget(), size)
        engine.weight_streaming_budget_v2 = 16
        self.assertEqual(engine.weight_streaming_budget_v2, 16)
        engine.weight_streaming_budget_v2 = size + 1000
        self.assertEqual(engine.weight_streaming_budget_v2, size)

    def test_timings_are_edited(self):
        session = self.session()
        session.config.builder_optimization_level = 3
        cache = session.config.create_timing_cache(b"")
        session.config.set_timing_cache(cache, False)
        session.plan()
        keys = cache.queryKeys()
        self.assertGreater(len(keys), 0)
        old = cache.query(keys[0])
        new = trt.TimingCacheValue(old.tacticHash, old.timingMSec * 2)
        self.assertTrue(cache.update(keys[0], new))
        self.assertAlmostEqual(cache.query(keys[0]).timingMSec, new.timingMSec, places=4)
        other = trt.TimingCacheValue(old.tacticHash ^ 1, 1.0)
        self.assertFalse(cache.update(keys[0], other))
        self.assertTrue(cache.update(keys[0], trt.TimingCacheValue(2**64 - 1, 0.0)))
        self.assertEqual(len(cache.queryKeys()), len(keys) - 1)


if __name__ == "__main__":
    unittest.main()
