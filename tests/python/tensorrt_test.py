#!/usr/bin/env python3
"""What our tensorrt module does that is its own: Python's side, and calls of versions 7 and 8."""

import gc
import sys
import threading
import time
import unittest
import warnings

import start

ARGUMENTS = start.start(["numpy"])

import numpy as np  # noqa: E402
import tensorrt as trt  # noqa: E402

warnings.simplefilter("ignore", DeprecationWarning)


class Log(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.messages = []

    def log(self, severity, msg):
        self.messages.append((severity, msg))

    def errors(self):
        return [text for severity, text in self.messages if severity == trt.Logger.ERROR]


def relu_engine(log, shape=(2, 3), dynamic=False):
    builder = trt.Builder(log)
    network = builder.create_network()
    config = builder.create_builder_config()
    config.builder_optimization_level = 0
    x = network.add_input("x", trt.float32, (-1, *shape[1:]) if dynamic else shape)
    layer = network.add_activation(x, trt.ActivationType.RELU)
    layer.get_output(0).name = "y"
    network.mark_output(layer.get_output(0))
    if dynamic:
        profile = builder.create_optimization_profile()
        profile.set_shape("x", (1, *shape[1:]), shape, (4 * shape[0], *shape[1:]))
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    return trt.Runtime(log).deserialize_cuda_engine(plan)


class Values(unittest.TestCase):
    def test_dims_are_a_sequence(self):
        d = trt.Dims((1, 2, 3))
        self.assertEqual((len(d), d[0], d[-1], d[1:], list(d)), (3, 1, 3, (2, 3), [1, 2, 3]))
        self.assertTrue(d == (1, 2, 3) == tuple(d) and d == [1, 2, 3] and d != (1, 2))
        d[0], d[1:] = 4, (5, 6)
        self.assertEqual((repr(d), trt.volume(d)), ("(4, 5, 6)", 120))
        self.assertEqual(repr(trt.Dims(np.array([7]))), "(7,)")
        hw = trt.DimsHW(5, 6)
        self.assertEqual((hw.h, hw.w, isinstance(hw, trt.Dims2)), (5, 6, True))
        for bad in (range(9), "ab", (1.5,), b"12"):
            with self.assertRaises((TypeError, ValueError)):
                trt.Dims(bad)

    def test_weights_share_the_array(self):
        a = np.arange(6, dtype=np.float32)
        w = trt.Weights(a)
        a[0] = 9
        self.assertEqual((w.numpy()[0], w.size, w.nbytes, w.dtype), (9, 6, 24, trt.float32))
        del a
        gc.collect()
        self.assertEqual(w.numpy()[5], 5)
        for bad in (np.zeros(2), np.zeros((4, 4), np.float32)[:, ::2]):
            with self.assertRaises(ValueError):
                trt.Weights(bad)

    def test_enumerations(self):
        self.assertEqual(1 << int(trt.BuilderFlag.INT8), 2)
        self.assertTrue(trt.BuilderFlag.FP16 < trt.BuilderFlag.INT8)
        self.assertIs(trt.DataType(1), trt.float16)
        self.assertEqual(repr(trt.float16), "<DataType.HALF: 1>")
        self.assertIs(trt.Logger.Severity.ERROR, trt.ILogger.ERROR)
        self.assertEqual([t.itemsize for t in (trt.float32, trt.int4)], [4, 0.5])
        with self.assertRaises(TypeError):
            trt.nptype(trt.bfloat16)


class Callbacks(unittest.TestCase):
    def test_an_exception_in_a_callback_fails_the_call_only(self):
        class Broken(trt.IOutputAllocator):
            def __init__(self):
                trt.IOutputAllocator.__init__(self)

            def reallocate_output(self, name, memory, size, alignment):
                raise KeyError("no memory today")

            def notify_shape(self, name, shape):
                pass

        log = Log()
        context = relu_engine(log).create_execution_context()
        x = np.zeros((2, 3), np.float32)
        context.set_tensor_address("x", x.ctypes.data)
        context.set_output_allocator("y", Broken())
        seen = []
        sys.unraisablehook, kept = seen.append, sys.unraisablehook
        try:
            self.assertFalse(context.execute_async_v3(0))
        finally:
            sys.unraisablehook = kept
        self.assertTrue(seen and all(s.exc_type is KeyError for s in seen))

    def test_a_callback_without_its_base_constructor(self):
        class Quiet(trt.ILogger):
            def __init__(self):
                self.count = 0

            def log(self, severity, msg):
                self.count += 1

        quiet = Quiet()
        self.assertIsNotNone(relu_engine(quiet))
        self.assertGreater(quiet.count, 0)

    def test_interfaces_mix(self):
        class Both(trt.IProfiler, trt.IProgressMonitor):
            steps, layers, going = 0, 0, True

            def phase_start(self, phase_name, parent_phase, num_steps):
                pass

            def phase_finish(self, phase_name):
                pass

            def step_complete(self, phase_name, step):
                self.steps += 1
                return self.going

            def report_layer_time(self, layer_name, ms):
                self.layers += 1

        both = Both()
        context = relu_engine(Log()).create_execution_context()
        context.profiler = both
        x, y = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)
        self.assertTrue(context.execute_v2([x.ctypes.data, y.ctypes.data]))
        self.assertEqual((both.layers, context.profiler is both), (context.engine.num_layers, True))

    def test_loggers_may_die_early(self):
        engine = relu_engine(Log())  # the logger has no other reference
        gc.collect()
        self.assertEqual(engine.get_tensor_shape("none").__repr__(), "(invalid)")


class Lifetimes(unittest.TestCase):
    def test_any_order(self):
        names = ["log", "builder", "network", "config", "layer", "runtime", "engine", "context"]
        for first in range(len(names)):
            kept = {"log": Log()}
            kept["builder"] = trt.Builder(kept["log"])
            kept["network"] = kept["builder"].create_network()
            kept["config"] = kept["builder"].create_builder_config()
            kept["config"].builder_optimization_level = 0
            x = kept["network"].add_input("x", trt.float32, (2, 3))
            kept["layer"] = kept["network"].add_unary(x, trt.UnaryOperation.NEG)
            del x
            kept["layer"].get_output(0).name = "y"
            kept["network"].mark_output(kept["layer"].get_output(0))
            plan = kept["builder"].build_serialized_network(kept["network"], kept["config"])
            kept["runtime"] = trt.Runtime(kept["log"])
            kept["engine"] = kept["runtime"].deserialize_cuda_engine(plan)
            del plan
            kept["context"] = kept["engine"].create_execution_context()
            for i in range(len(names)):
                del kept[names[(first + i) % len(names)]]
                gc.collect()

    def test_parts_keep_the_whole(self):
        log = Log()
        tensor = trt.Builder(log).create_network().add_input("x", trt.float32, (2,))
        gc.collect()
        self.assertEqual((tensor.name, tuple(tensor.shape)), ("x", (2,)))

    def test_threads(self):
        """Runs of several threads overlap: each releases the GIL."""
        context = relu_engine(Log(), (256, 4096)).create_execution_context()
        x = np.zeros((256, 4096), np.float32)
        y = np.zeros_like(x)
        ticks, stop = [0], threading.Event()

        def count():
            while not stop.is_set():
                ticks[0] += 1
                time.sleep(0)

        thread = threading.Thread(target=count)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(10)  # the other thread runs only where the GIL is given up
        try:
            thread.start()
            before = ticks[0]
            for _ in range(20):
                self.assertTrue(context.execute_v2([x.ctypes.data, y.ctypes.data]))
            during = ticks[0] - before
        finally:
            stop.set()
            sys.setswitchinterval(interval)
            thread.join()
        self.assertGreater(during, 0)


class OlderVersions(unittest.TestCase):
    def test_version_7(self):
        """A program of version 7: implicit batch, properties of the builder, bindings."""
        log = Log()
        with trt.Builder(log) as builder, builder.create_network(
            1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
        ) as network:
            builder.max_batch_size = 1
            builder.max_workspace_size = 1 << 20
            builder.fp16_mode = True
            self.assertEqual((builder.max_workspace_size, builder.fp16_mode), (1 << 20, True))
            builder.fp16_mode = False
            x = network.add_input("x", trt.float32, (1, 1, 4, 4))
            kernel = np.ones((2, 1, 3, 3), np.float32)
            layer = network.add_convolution(x, 2, (3, 3), kernel, np.zeros(2, np.float32))
            layer.padding = (1, 1)
            full = network.add_fully_connected(
                layer.get_output(0), 3, np.ones((3, 32), np.float32)
            )
            full.get_output(0).name = "y"
            network.mark_output(full.get_output(0))
            engine = builder.build_cuda_engine(network)
        self.assertIsNotNone(engine, log.errors())
        self.assertEqual((engine.num_bindings, engine.max_batch_size, len(engine)), (2, 1, 2))
        self.assertEqual([engine[name] for name in engine], [0, 1])
        self.assertTrue(engine.binding_is_input("x") and not engine.binding_is_input(1))
        self.assertEqual(engine.get_binding_name(1), "y")
        self.assertEqual(engine.get_binding_index("y"), 1)
        self.assertEqual(tuple(engine.get_binding_shape(0)), (1, 1, 4, 4))
        self.assertEqual(engine.get_binding_dtype("y"), trt.float32)
        self.assertEqual([engine.get_binding_size(i) for i in range(2)], [64, 12])
        with engine.create_execution_context() as context:
            a = np.ones((1, 1, 4, 4), np.float32)
            b = np.zeros((1, 3, 1, 1), np.float32)
            bindings = [a.ctypes.data, b.ctypes.data]
            self.assertTrue(context.execute(batch_size=1, bindings=bindings))
            np.testing.assert_allclose(b.ravel(), [200, 200, 200])
            b[:] = 0
            self.assertTrue(context.execute_async(1, bindings, 0))
            np.testing.assert_allclose(b.ravel(), [200, 200, 200])

    def test_recurrent_layers(self):
        builder = trt.Builder(Log())
        network = builder.create_network()
        x = network.add_input("x", trt.float32, (1, 3, 4))
        rnn = network.add_rnn_v2(x, 1, 5, 3, trt.RNNOperation.TANH)
        r = np.random.default_rng(0)
        w, u = (r.uniform(-1, 1, s).astype(np.float32) for s in ((5, 4), (5, 5)))
        gate = trt.RNNGateType.INPUT
        rnn.set_weights_for_gate(0, gate, True, w)
        rnn.set_weights_for_gate(0, gate, False, u)
        self.assertIsInstance(rnn, trt.IRNNv2Layer)
        self.assertEqual((rnn.num_layers, rnn.hidden_size, rnn.max_seq_length, rnn.data_length), (1, 5, 3, 4))
        self.assertEqual((rnn.direction, rnn.input_mode), (trt.RNNDirection.UNIDIRECTION, trt.RNNInputMode.LINEAR))
        self.assertIsNone(rnn.hidden_state)
        np.testing.assert_array_equal(rnn.get_weights_for_gate(0, gate, True).reshape(5, 4), w)
        rnn.get_output(0).name = "y"
        network.mark_output(rnn.get_output(0))
        plan = builder.build_serialized_network(network, builder.create_builder_config())
        context = trt.Runtime(Log()).deserialize_cuda_engine(plan).create_execution_context()
        data, out = r.uniform(-1, 1, (1, 3, 4)).astype(np.float32), np.empty((1, 3, 5), np.float32)
        context.set_tensor_address("x", data.ctypes.data)
        context.set_tensor_address("y", out.ctypes.data)
        self.assertTrue(context.execute_async_v3(0))
        h = np.zeros(5, np.float32)
        for i in range(3):
            h = np.tanh(w @ data[0, i] + u @ h)
            np.testing.assert_allclose(out[0, i], h, atol=1e-5)

    def test_version_8(self):
        """A program of version 8: workspace of the configuration, numbered dynamic shapes."""
        engine = relu_engine(Log(), (2, 3), dynamic=True)
        context = engine.create_execution_context()
        self.assertTrue(context.set_binding_shape(0, (4, 3)))
        self.assertEqual(tuple(context.get_binding_shape(1)), (4, 3))
        self.assertEqual(tuple(engine.get_profile_shape(0, "x")[2]), (8, 3))
        with self.assertRaises(ValueError):
            engine.get_binding_size(0)
        x, y = np.full((4, 3), -1, np.float32), np.ones((4, 3), np.float32)
        self.assertTrue(context.execute_async_v2([x.ctypes.data, y.ctypes.data], 0))
        self.assertEqual(y.max(), 0)
        config = trt.Builder(Log()).create_builder_config()
        config.max_workspace_size = 1 << 22
        self.assertEqual(config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE), 1 << 22)
        config.set_flag(trt.BuilderFlag.STRICT_TYPES)
        self.assertTrue(config.get_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS))


class Registry(unittest.TestCase):
    def test_fields(self):
        field = trt.PluginField("a", np.arange(3, dtype=np.int32), trt.PluginFieldType.INT32)
        self.assertEqual((field.name, field.size, list(field.data)), ("a", 3, [0, 1, 2]))
        fields = trt.PluginFieldCollection([field])
        self.assertEqual((len(fields), fields[0].type), (1, trt.PluginFieldType.INT32))

    def test_creators_in_python(self):
        class Creator(trt.IPluginCreatorV3One):
            def __init__(self):
                trt.IPluginCreatorV3One.__init__(self)
                self.name, self.plugin_version, self.plugin_namespace = "Mine", "1", ""
                self.field_names = trt.PluginFieldCollection([trt.PluginField("n")])

            def create_plugin(self, name, field_collection, phase):
                return None

        registry, creator = trt.get_plugin_registry(), Creator()
        self.assertTrue(registry.register_creator(creator, ""))
        self.assertFalse(registry.register_creator(Creator(), ""))
        self.assertIs(registry.get_creator("Mine", "1", ""), creator)
        self.assertIn(creator, registry.all_creators)
        self.assertTrue(registry.deregister_creator(creator))
        self.assertIsNone(registry.get_creator("Mine", "1", ""))


if __name__ == "__main__":
    unittest.main(argv=ARGUMENTS)
