"""An ONNX model as tutorials for TensorRT in Python run it: builder, parser, engine, buffers, stream.

    python3 infer.py MODEL.onnx                     on a GPU
    carnot exec -- python3 infer.py MODEL.onnx      on the CPU
"""

import sys

import numpy as np
import tensorrt as trt
from cuda.bindings import runtime as cudart


def check(result):
    """cuda-python returns an error with the values."""
    error, *values = result
    if error != cudart.cudaError_t.cudaSuccess:
        raise RuntimeError(cudart.cudaGetErrorString(error)[1].decode())
    return values[0] if len(values) == 1 else values


def build(path, logger):
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(path):
        raise RuntimeError("\n".join(parser.get_error(i).desc() for i in range(parser.num_errors)))
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 30)
    profile = builder.create_optimization_profile()
    for i in range(network.num_inputs):
        shape = [max(d, 1) for d in network.get_input(i).shape]
        profile.set_shape(network.get_input(i).name, shape, shape, shape)
    config.add_optimization_profile(profile)
    return builder.build_serialized_network(network, config)


def main():
    logger = trt.Logger(trt.Logger.WARNING)
    engine = trt.Runtime(logger).deserialize_cuda_engine(build(sys.argv[1], logger))
    context = engine.create_execution_context()
    stream = check(cudart.cudaStreamCreate())
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    is_input = {n: engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT for n in names}
    for name in filter(is_input.get, names):
        context.set_input_shape(name, engine.get_tensor_profile_shape(name, 0)[1])
    random = np.random.default_rng(0)
    host, device = {}, {}
    for name in names:
        shape = tuple(context.get_tensor_shape(name))
        host[name] = random.random(shape).astype(trt.nptype(engine.get_tensor_dtype(name)))
        device[name] = check(cudart.cudaMalloc(host[name].nbytes))
        context.set_tensor_address(name, device[name])

    h2d, d2h = (cudart.cudaMemcpyKind.cudaMemcpyHostToDevice,
                cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)
    for name in filter(is_input.get, names):
        array = host[name]
        check(cudart.cudaMemcpyAsync(device[name], array.ctypes.data, array.nbytes, h2d, stream))
    if not context.execute_async_v3(stream):
        raise RuntimeError("the run failed")
    for name in names:
        if not is_input[name]:
            array = host[name]
            check(cudart.cudaMemcpyAsync(array.ctypes.data, device[name], array.nbytes, d2h, stream))
    check(cudart.cudaStreamSynchronize(stream))
    for name in names:
        if not is_input[name]:
            print(name, host[name].shape, host[name].ravel()[:5])
            check(cudart.cudaFree(device[name]))
    check(cudart.cudaStreamDestroy(stream))


if __name__ == "__main__":
    main()
