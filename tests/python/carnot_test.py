#!/usr/bin/env python3
"""The package carnot: building, running, inspecting, comparing; its errors."""

import gc
import os
import pickle
import sys
import tempfile
import threading
import time
import unittest

import start

ARGUMENTS = start.start(["numpy", "onnx", "onnxruntime"])

import numpy as np  # noqa: E402
import carnot  # noqa: E402

RNG = np.random.default_rng(5)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def mlp(batch="n"):
    network = carnot.Network()
    x = network.input("x", (batch, 8))
    w, b = floats(8, 4), floats(4)
    h = network.add("matmul", x, w)
    network.output(network.pointwise("max(add($0, $1), 0.0:f32)", h, b), "y")
    return network, lambda x: np.maximum(x @ w + b, 0)


def onnx_model():
    """x [n, 3, 8, 8] -> convolution, ReLU, mean over the image."""
    import onnx

    helper, numbers = onnx.helper, onnx.numpy_helper
    w = numbers.from_array(floats(4, 3, 3, 3), "w")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="the_conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="the_relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["y"], name="the_mean"),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [info("x", 1, ["n", 3, 8, 8])], [info("y", 1, ["n", 4, 1, 1])], [w]
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


def onnxruntime_of(model):
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return lambda x: dict(zip(["y"], session.run(None, {"x": x})))


class Building(unittest.TestCase):
    def test_layer_by_layer(self):
        network, want = mlp()
        self.assertEqual(network.inputs, [("x", "f32", ["?n", 8])])
        engine = carnot.build(network, effort=0)
        for n in (1, 3, 17):
            x = floats(n, 8)
            np.testing.assert_allclose(engine.run(x)["y"], want(x), 1e-5, 1e-5)
        again = carnot.Network.from_text(network.to_text())
        x = floats(2, 8)
        np.testing.assert_allclose(again.reference(x)["y"], want(x), 1e-5, 1e-5)

    def test_onnx(self):
        model = onnx_model()
        x = floats(2, 3, 8, 8)
        want = onnxruntime_of(model)(x)["y"]
        engine = carnot.build(model, effort=0, metadata={"who": "me"})
        np.testing.assert_allclose(engine(x)["y"], want, 1e-4, 1e-5)
        self.assertEqual(engine.metadata["who"], "me")
        self.assertGreater(engine.summary.total_s, 0)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.onnx")
            with open(path, "wb") as file:
                file.write(model)
            engine = carnot.build(path, effort=0, shapes={"x": [2, 3, 8, 8]})
            self.assertEqual(engine.inputs[0].shape, [2, 3, 8, 8])
            engine.save(os.path.join(folder, "m.engine"))
            loaded = carnot.load(os.path.join(folder, "m.engine"))
            np.testing.assert_allclose(loaded.run(x=x)["y"], want, 1e-4, 1e-5)

    def test_compare(self):
        model = onnx_model()
        self.assertLess(carnot.compare(model, effort=0)["y"].relative, 1e-5)
        against = onnxruntime_of(model)
        self.assertLess(carnot.compare(model, against=against, effort=0)["y"].relative, 1e-4)

    def test_progress_and_cancel(self):
        seen = []
        carnot.build(mlp()[0], effort=1, progress=lambda *at: seen.append(at))
        self.assertTrue(seen and all(len(at) == 5 for at in seen))

        def stop(*at):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            carnot.build(mlp()[0], effort=1, progress=stop)

    def test_inspect(self):
        engine = carnot.build(onnx_model(), effort=0)
        steps = engine.steps
        self.assertIn("the_conv (Conv)", sum((s.origin for s in steps), []))
        self.assertTrue(engine.plan_text and engine.kernels_text)
        self.assertGreater(engine.weight_bytes, 4 * 27 * 4 - 1)
        context = engine.context(threads=1)
        context.run(floats(2, 3, 8, 8))
        times = context.profile(3)
        self.assertEqual([t.tactic for t in times], [s.tactic for s in steps])
        self.assertEqual(context.threads, 1)


class Running(unittest.TestCase):
    def test_given_outputs_and_names(self):
        network, want = mlp()
        engine = carnot.build(network, effort=0)
        x, y = floats(3, 8), np.zeros((3, 4), np.float32)
        with engine.context() as context:
            self.assertIs(context.run(x=x, outputs={"y": y})["y"], y)
            np.testing.assert_allclose(y, want(x), 1e-5, 1e-5)
            first = context.run(x)["y"]
            second = context.run(2 * x)["y"]
            np.testing.assert_allclose(first, y, 1e-6)  # results are the caller's
            self.assertFalse(np.shares_memory(first, second))
            np.testing.assert_array_equal(context.run({"x": x})["y"], first)
            for wrong in (np.zeros((3, 5), np.float32), np.zeros((4, 3), np.float32).T, [0.0] * 12):
                with self.assertRaisesRegex(carnot.Error, "output 'y'"):
                    context.run(x, outputs={"y": wrong})
            np.testing.assert_array_equal(context.run(x)["y"], first)
            strided = np.asfortranarray(x)
            np.testing.assert_allclose(context.run(strided)["y"], y, 1e-6)

    def test_dlpack(self):
        """Anything with __dlpack__ goes in; results have it."""

        class Tensor:
            def __init__(self, array):
                self.array = array

            def __dlpack__(self, **options):
                return self.array.__dlpack__(**options)

            def __dlpack_device__(self):
                return self.array.__dlpack_device__()

        network, want = mlp()
        x = floats(2, 8)
        y = carnot.build(network, effort=0).run(Tensor(x))["y"]
        np.testing.assert_allclose(np.from_dlpack(y), want(x), 1e-5, 1e-5)

    def test_types(self):
        kinds = {"i64": np.int64, "i32": np.int32, "u8": np.uint8, "f16": np.float16}
        for dtype, kind in kinds.items():
            network = carnot.Network()
            network.output(network.pointwise("add($0, $0)", network.input("x", (3,), dtype)), "y")
            x = np.array([1, 2, 3], kind)
            y = carnot.build(network, effort=0).run(x)["y"]
            self.assertEqual((y.dtype, y.tolist()), (kind, [2, 4, 6]))

    def test_shapes_that_the_data_tell(self):
        network = carnot.Network()
        x = network.input("x", (4,))
        network.output(network.add("non_zero", x, count="k"), "y")
        engine = carnot.build(network, effort=0)
        self.assertEqual(engine.run(np.array([0, 5, 0, 7], np.float32))["y"].tolist(), [[1, 3]])
        self.assertEqual(engine.run(np.ones(4, np.float32))["y"].shape, (1, 4))

    def test_threads_release_the_gil(self):
        network = carnot.Network()
        x = network.input("x", (512, 512))
        for _ in range(6):
            x = network.add("matmul", x, floats(512, 512) / 20)
        network.output(x, "y")
        context = carnot.build(network, effort=0).context(threads=1)
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
            for _ in range(5):
                context.run(floats(512, 512))
            during = ticks[0] - before
        finally:
            stop.set()
            sys.setswitchinterval(interval)
            thread.join()
        self.assertGreater(during, 0)

    def test_lifetimes(self):
        network, want = mlp()
        value = network.add("softmax", network.input("z", (2,)), axis=0)
        del network
        gc.collect()
        self.assertEqual(value.shape, [2])
        context = carnot.build(mlp()[0], effort=0).context()
        y = context.run(np.zeros((1, 8), np.float32))["y"]
        del context
        gc.collect()
        self.assertEqual(y.shape, (1, 4))


class Errors(unittest.TestCase):
    def raises(self, code, text, call):
        with self.assertRaises(carnot.Error) as caught:
            call()
        self.assertEqual(caught.exception.code, code)
        self.assertIn(text, str(caught.exception))
        copy = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((copy.code, str(copy)), (code, str(caught.exception)))

    def test_messages(self):
        network, _ = mlp()
        x = network.input("z", (2, 3))
        self.raises("unsupported", "softmax", lambda: network.add("softmacks", x))
        self.raises("invalid argument", "axis", lambda: network.add("softmax", x, axes=1))
        with self.assertRaises(carnot.Error):
            network.add("softmax", x, axis=7)
        with self.assertRaises(carnot.Error):
            carnot.build(b"junk")
        with self.assertRaises(carnot.Error):
            carnot.load(b"junk")
        engine = carnot.build(mlp()[0], effort=0)
        self.raises("invalid argument", "f32", lambda: engine.run(np.zeros((1, 8))))
        self.raises("invalid argument", "there are x", lambda: engine.run(q=floats(1, 8)))
        with self.assertRaises(carnot.Error):
            engine.run(floats(1, 9))
        with self.assertRaises(TypeError):
            engine.run(floats(1, 8), floats(1, 8))
        with self.assertRaises(TypeError):
            engine.run(floats(1, 8), x=floats(1, 8))

    def test_devices(self):
        self.assertEqual(carnot.devices()[0].name, "cpu")
        self.assertIn("softmax", carnot.operations())


if __name__ == "__main__":
    unittest.main(argv=ARGUMENTS)
