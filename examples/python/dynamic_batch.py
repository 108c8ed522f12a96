"""One engine for batches of 1 to 16, written for TensorRT 10, run with arrays of NumPy.

python3 dynamic_batch.py MODEL.onnx
"""

import sys

import numpy as np
import tensorrt as trt

logger = trt.Logger()
builder = trt.Builder(logger)
network = builder.create_network(0)
parser = trt.OnnxParser(network, logger)
assert parser.parse_from_file(sys.argv[1]), parser.get_error(0)

x = network.get_input(0)
rest = tuple(x.shape)[1:]
profile = builder.create_optimization_profile()
profile.set_shape(x.name, min=(1, *rest), opt=(8, *rest), max=(16, *rest))
config = builder.create_builder_config()
config.add_optimization_profile(profile)
engine = trt.Runtime(logger).deserialize_cuda_engine(
    builder.build_serialized_network(network, config)
)
names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
out = next(n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.OUTPUT)
context = engine.create_execution_context()


def infer(batch):
    """Host addresses: this is for the CPU device; on a GPU use tensorrt.common's buffers."""
    batch = np.ascontiguousarray(batch, np.float32)
    assert context.set_input_shape(x.name, batch.shape)
    scores = np.empty(tuple(context.get_tensor_shape(out)), np.float32)
    context.set_tensor_address(x.name, batch.ctypes.data)
    context.set_tensor_address(out, scores.ctypes.data)
    assert context.execute_async_v3(0)
    return scores


pictures = np.random.default_rng(1).random((16, *rest), np.float32)
together = infer(pictures)
for n in (1, 5, 16):
    apart = infer(pictures[:n])
    print(f"batch {n:2d}: {apart.shape}, difference {np.abs(apart - together[:n]).max():.1e}")
assert not context.set_input_shape(x.name, (17, *rest))  # the logger says why
