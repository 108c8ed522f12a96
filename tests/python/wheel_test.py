#!/usr/bin/env python3
"""The wheel: pip makes it of what was built, and it works unpacked anywhere."""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "models"))

PROGRAM = """
import carnot, numpy as np, tensorrt as trt
assert carnot.__file__.startswith(%(folder)r) and trt.__file__.startswith(%(folder)r)
network = carnot.Network()
x = network.input("x", ("n", 4))
network.output(network.add("softmax", x, axis=1), "y")
y = carnot.build(network, effort=0).run(np.zeros((2, 4), np.float32))["y"]
assert np.allclose(y, 0.25)
builder = trt.Builder(trt.Logger())
network = builder.create_network()
x = network.add_input("x", trt.float32, (2, 2))
network.mark_output(network.add_identity(x).get_output(0))
plan = builder.build_serialized_network(network, builder.create_builder_config())
assert trt.Runtime(trt.Logger()).deserialize_cuda_engine(plan).num_io_tensors == 2
assert trt.OnnxParser(network, trt.Logger()).supports_operator("Conv")
"""


def main():
    import environment

    python = environment.ensure(["numpy", "nanobind"])
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    clean["CARNOT_DEVICE"] = "cpu"
    with tempfile.TemporaryDirectory() as folder:
        make = [python, "-m", "pip", "wheel", ROOT, "--no-build-isolation", "--no-deps", "-w", folder]
        subprocess.run([*make, "-q", "--no-index", "--disable-pip-version-check"], check=True)
        (wheel,) = Path(folder).glob("carnot_rt-*.whl")
        unpacked = Path(folder) / "site"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked)
            names = archive.namelist()
        for name in ("carnot/py.typed", "tensorrt/tensorrt.pyi", "carnot/native.pyi"):
            assert name in names, name
        clean["PYTHONPATH"] = str(unpacked)
        program = PROGRAM % {"folder": str(unpacked)}
        subprocess.run([python, "-c", program], check=True, env=clean, cwd=folder)
        command = unpacked / "carnot" / "bin" / "carnot"
        command.chmod(0o755)
        launch = "import sys, carnot.command; sys.argv[1:] = ['ops']; carnot.command.main()"
        shown = subprocess.run([python, "-c", launch], env=clean, capture_output=True, text=True)
        assert shown.returncode == 0 and "Conv" in shown.stdout, shown.stderr
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, {len(names)} files")


if __name__ == "__main__":
    main()
