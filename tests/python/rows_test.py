#!/usr/bin/env python3
"""Programs that people write around an engine: buffers, a benchmark, threads, several engines."""

import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import start

ARGUMENTS = start.start(["numpy"])

import numpy as np  # noqa: E402
import tensorrt as trt  # noqa: E402
from tensorrt import common  # noqa: E402

MODEL = start.ROOT / "tests" / "tensorrt" / "tiny_cnn.onnx"
LOGGER = trt.Logger(trt.Logger.WARNING)


def model_engine(batch=1):
    builder = trt.Builder(LOGGER)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, LOGGER)
    assert parser.parse(MODEL.read_bytes())
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 30)
    profile = builder.create_optimization_profile()
    profile.set_shape("image", *[(batch, 3, 16, 16)] * 3)
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    return trt.Runtime(LOGGER).deserialize_cuda_engine(plan)


def product_engine(factor, width=64):
    """y = x * factor."""
    builder = trt.Builder(LOGGER)
    network = builder.create_network()
    config = builder.create_builder_config()
    config.builder_optimization_level = 0
    x = network.add_input("x", trt.float32, (width, width))
    weights = np.eye(width, dtype=np.float32) * np.float32(factor)
    kernel = network.add_constant((width, width), weights).get_output(0)
    none = trt.MatrixOperation.NONE
    y = network.add_matrix_multiply(x, none, kernel, none).get_output(0)
    y.name = "y"
    network.mark_output(y)
    plan = builder.build_serialized_network(network, config)
    return trt.Runtime(LOGGER).deserialize_cuda_engine(plan)


class Rows(unittest.TestCase):
    def test_a_benchmark(self):
        """As guides have it: buffers, a warm-up, a thousand runs, percentiles, the best five."""
        engine = model_engine()
        with engine.create_execution_context() as context:
            inputs, outputs, bindings, stream = common.allocate_buffers(engine)
            self.assertEqual((len(inputs), len(outputs), len(bindings)), (1, 1, 2))
            self.assertTrue(inputs[0].host.nbytes and inputs[0].device and outputs[0].device)
            self.assertTrue(context.set_input_shape("image", (1, 3, 16, 16)))
            inputs[0].host = np.random.random_sample((1, 3, 16, 16)).astype(np.float32)
            for _ in range(50):
                common.do_inference(context, engine, bindings, inputs, outputs, stream)
            times = []
            for _ in range(1000):
                before = time.perf_counter()
                context.execute_async_v3(stream_handle=stream)
                times.append((time.perf_counter() - before) * 1000)
            scores = outputs[0].host.reshape(context.get_tensor_shape("scores"))
            best = np.argsort(scores[0])[::-1][:5]
            self.assertEqual(len(set(best)), 5)
            p50, p90, p95, p99 = np.percentile(times, [50, 90, 95, 99])
            self.assertTrue(0 < min(times) <= p50 <= p90 <= p95 <= p99 <= max(times))
            self.assertGreater(1000 / np.mean(times), 1)  # per second
            self.assertGreaterEqual(np.std(times), 0)
            common.free_buffers(inputs, outputs, stream)

    def test_threads_with_contexts_of_their_own(self):
        engine = product_engine(3)
        x = np.random.rand(64, 64).astype(np.float32)
        wrong, done = [], []

        def work():
            context = engine.create_execution_context()
            y = np.zeros_like(x)
            for _ in range(50):
                y[:] = 0
                context.execute_v2([x.ctypes.data, y.ctypes.data])
                if not np.allclose(y, 3 * x, rtol=1e-5):
                    wrong.append(y)
            done.append(time.perf_counter())

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(wrong), len(done)), (0, 4))

    def test_engines_share_a_stream(self):
        engines = [product_engine(2), product_engine(5)]
        contexts = [engine.create_execution_context() for engine in engines]
        x = np.random.rand(64, 64).astype(np.float32)
        middle, y = np.zeros_like(x), np.zeros_like(x)
        for context, source, result in ((contexts[0], x, middle), (contexts[1], middle, y)):
            context.set_tensor_address("x", source.ctypes.data)
            context.set_tensor_address("y", result.ctypes.data)
        for context in contexts:
            self.assertTrue(context.execute_async_v3(0))
        np.testing.assert_allclose(y, 10 * x, rtol=1e-5)

    def test_names_of_engine_files(self):
        name = common.engine_file_name(MODEL, fp16=True, batch=4)
        self.assertRegex(name, r"^tiny_cnn\.[\w.-]+\.[0-9a-f]{16}\.engine$")
        self.assertEqual(name, common.engine_file_name(str(MODEL), batch=4, fp16=True))
        self.assertNotEqual(name, common.engine_file_name(MODEL, fp16=True, batch=8))
        with tempfile.TemporaryDirectory() as folder:
            other = Path(folder, MODEL.name)
            other.write_bytes(MODEL.read_bytes() + b"\0")
            self.assertNotEqual(name, common.engine_file_name(other, fp16=True, batch=4))
        self.assertTrue(common.device_name())

    def test_plans_have_any_name(self):
        plan = product_engine(1).serialize()
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("engine", "trt", "plan"):
                path = Path(folder, "m." + suffix)
                path.write_bytes(plan)
                engine = trt.Runtime(LOGGER).deserialize_cuda_engine(path.read_bytes())
                self.assertEqual(engine.num_io_tensors, 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *ARGUMENTS[1:]])
