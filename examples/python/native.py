"""Carnot's own interface: build, save, run, look inside, compare.

python3 native.py MODEL.onnx
"""

import sys
import tempfile
from pathlib import Path

import carnot
import numpy as np

print("devices:", *(device.name for device in carnot.devices()))
name, _, shape = carnot.Network.from_onnx(sys.argv[1]).inputs[0]
sizes = [[n] + [s for s in shape[1:]] for n in (1, 4, 8)]
engine = carnot.build(sys.argv[1], profiles={name: sizes}, effort=1)
print(engine)

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "model.engine"
    engine.save(file)
    engine = carnot.load(file)

with engine.context(threads=2) as context:
    for n in (1, 3, 8):
        x = np.random.default_rng(n).random((n, *sizes[0][1:]), np.float32)
        print({name: y.shape for name, y in context.run(x).items()})
    for step in context.profile(10):
        print(f"{step.median_us:8.1f} us  {step.tactic:32} {', '.join(step.origin)}")

for output, difference in carnot.compare(sys.argv[1], x, engine=engine).items():
    print(f"{output}: {difference.relative:.1e} of the largest value beside the reference")

try:
    engine.run(x.astype(np.float64))
except carnot.Error as error:
    print("refused:", error)
