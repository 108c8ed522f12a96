"""LeNet by hand: a network made layer by layer, as in programs for TensorRT 7 and 8.

python3 lenet.py [WEIGHTS.npz]     conv1, conv2, ip1, ip2 and their biases; without, random ones
"""

import sys

import numpy as np
import tensorrt as trt

SHAPES = {
    "conv1": (20, 1, 5, 5), "conv2": (50, 20, 5, 5), "ip1": (500, 800), "ip2": (10, 500),
}  # fmt: skip


def weights():
    if len(sys.argv) > 1:
        return dict(np.load(sys.argv[1]))
    random = np.random.default_rng(0)
    made = {}
    for name, shape in SHAPES.items():
        made[name] = random.uniform(-0.05, 0.05, shape).astype(np.float32)
        made[name + "_bias"] = np.zeros(shape[0], np.float32)
    return made


def lenet(network, w):
    data = network.add_input("data", trt.float32, (1, 1, 28, 28))
    conv1 = network.add_convolution(data, 20, (5, 5), w["conv1"], w["conv1_bias"])
    pool1 = network.add_pooling(conv1.get_output(0), trt.PoolingType.MAX, (2, 2))
    pool1.stride = (2, 2)
    conv2 = network.add_convolution(
        pool1.get_output(0), 50, (5, 5), w["conv2"], w["conv2_bias"]
    )
    pool2 = network.add_pooling(conv2.get_output(0), trt.PoolingType.MAX, (2, 2))
    pool2.stride = (2, 2)
    ip1 = network.add_fully_connected(pool2.get_output(0), 500, w["ip1"], w["ip1_bias"])
    relu = network.add_activation(ip1.get_output(0), trt.ActivationType.RELU)
    ip2 = network.add_fully_connected(relu.get_output(0), 10, w["ip2"], w["ip2_bias"])
    softmax = network.add_softmax(ip2.get_output(0))
    softmax.get_output(0).name = "prob"
    network.mark_output(softmax.get_output(0))


logger = trt.Logger()
with trt.Builder(logger) as builder, builder.create_network(1) as network:
    builder.max_workspace_size = 1 << 20
    lenet(network, weights())
    engine = builder.build_cuda_engine(network)

with engine.create_execution_context() as context:
    digit = np.zeros((1, 1, 28, 28), np.float32)
    digit[..., 4:24, 13:15] = 1  # a one
    prob = np.zeros(10, np.float32)
    assert context.execute(batch_size=1, bindings=[digit.ctypes.data, prob.ctypes.data])
print("digit", prob.argmax(), prob.round(3))
assert abs(prob.sum() - 1) < 1e-5
