"""Memory, streams and configurations of contexts: what a program may hand over, and what that does."""

import unittest

import numpy as np
import tensorrt_bindings as trt

from .memory import Memory, wait
from .support import Session, infer, reference
from .test_build import small_model
from .test_objects import session

X = np.linspace(-1, 1, 2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)


class Contexts(unittest.TestCase):
    def runs(self, context):
        y = np.zeros((2, 8), np.float32)
        context.set_tensor_address("x", X.ctypes.data)
        context.set_tensor_address("y", y.ctypes.data)
        self.assertTrue(context.execute_async_v3(0))
        wait()
        return y

    def test_memory_of_the_program(self):
        s = session()
        engine = s.engine()
        want = self.runs(engine.create_execution_context())
        context = engine.create_execution_context_without_device_memory()
        memory = Memory(np.zeros(max(engine.device_memory_size_v2, 1), np.uint8))
        context.device_memory = memory.address
        context.set_device_memory(memory.address, memory.size)
        context.set_aux_streams([])
        np.testing.assert_array_equal(self.runs(context), want)
        self.assertFalse(context.set_communicator(None))

    def test_runtime_configs(self):
        engine = session().engine()
        config = engine.create_runtime_config()
        kind = trt.ExecutionContextAllocationStrategy
        self.assertEqual(config.get_execution_context_allocation_strategy(), kind.STATIC)
        config.set_execution_context_allocation_strategy(kind.USER_MANAGED)
        context = engine.create_execution_context(config)
        for _ in range(2):
            got = context.get_runtime_config()
            self.assertEqual(got.get_execution_context_allocation_strategy(), kind.USER_MANAGED)
            del got
        memory = Memory(np.zeros(max(engine.device_memory_size_v2, 1), np.uint8))
        context.set_device_memory(memory.address, memory.size)
        self.runs(context)

    def test_profile_values(self):
        s = Session()
        n = s.network
        x = n.add_input("x", trt.float32, (-1,))
        to = n.add_input("to", trt.int32, (2,))
        shuffle = n.add_shuffle(x)
        shuffle.set_input(1, to)
        n.mark_output(shuffle.get_output(0))
        self.assertTrue(to.is_shape_tensor)
        p = s.builder.create_optimization_profile()
        p.set_shape("x", (1,), (6,), (36,))
        p.set_shape_input("to", [1, 1], [2, 3], [6, 6])
        self.assertEqual(s.config.add_optimization_profile(p), 0)
        engine = s.engine()
        self.assertTrue(engine.is_shape_inference_io("to"))
        with self.assertRaises(TypeError):  # the bindings expect the arguments in the other order
            engine.get_tensor_profile_values("to", 0)
        got = infer(engine, {"x": np.arange(6), "to": np.array([3, 2])}, s.log)
        (y,) = got.values()
        np.testing.assert_array_equal(y, np.arange(6).reshape(3, 2))

    def test_tuning_is_local(self):
        c = Session().config
        c.remote_auto_tuning_config = "somewhere"
        self.assertIn(c.remote_auto_tuning_config, ("", "somewhere"))

    def test_weights_have_names(self):
        s = Session()
        array = np.ones(4, np.float32)
        w = trt.Weights(array)
        s.network.add_constant((4,), w)
        self.assertTrue(s.network.set_weights_name(w, "ones"))
        self.assertFalse(s.network.set_weights_name(trt.Weights(trt.float32), "none"))


if __name__ == "__main__":
    unittest.main()
