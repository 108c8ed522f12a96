"""TensorRT in Python as every tutorial shows it: model, engine, buffers, result.

python3 infer.py MODEL.onnx
"""

import sys

import numpy as np
import tensorrt as trt
from tensorrt import common

logger = trt.Logger(trt.Logger.WARNING)
builder = trt.Builder(logger)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
parser = trt.OnnxParser(network, logger)
if not parser.parse_from_file(sys.argv[1]):
    sys.exit("\n".join(str(parser.get_error(i)) for i in range(parser.num_errors)))

config = builder.create_builder_config()
config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 30)
profile = builder.create_optimization_profile()
for i in range(network.num_inputs):
    shape = [max(size, 1) for size in network.get_input(i).shape]
    profile.set_shape(network.get_input(i).name, shape, shape, shape)
config.add_optimization_profile(profile)
plan = builder.build_serialized_network(network, config)

engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
inputs, outputs, bindings, stream = common.allocate_buffers(engine)
context = engine.create_execution_context()
for memory in inputs:
    context.set_input_shape(memory.name, memory.shape)
    memory.host = np.random.default_rng(0).random(memory.shape, np.float32)
common.do_inference(context, engine, bindings, inputs, outputs, stream)
for memory in outputs:
    print(memory.name, memory.shape, memory.host[:4])
common.free_buffers(inputs, outputs, stream)
