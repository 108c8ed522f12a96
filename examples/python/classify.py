"""Classification: the five best classes of a picture.

python3 classify.py MODEL.onnx [PICTURE.npy]     float32 [3, H, W]; without one, a ramp
"""

import sys

import carnot
import numpy as np

network = carnot.Network.from_onnx(sys.argv[1])
(name, _, shape) = network.inputs[0]
one = [1, *shape[1:]]  # a batch of one
engine = carnot.build(sys.argv[1], shapes={name: one})

if len(sys.argv) > 2:
    picture = np.load(sys.argv[2]).astype(np.float32)[np.newaxis]
else:
    picture = np.linspace(0, 1, int(np.prod(one)), dtype=np.float32).reshape(one)

scores = next(iter(engine.run(picture).values())).reshape(-1)
probabilities = np.exp(scores - scores.max())
probabilities /= probabilities.sum()
for index in probabilities.argsort()[::-1][:5]:
    print(f"{index:6d}  {probabilities[index]:.4f}")
