#!/usr/bin/env python3
"""Runs each program of examples/python as a user does, on the CPU."""

import subprocess
import sys

import start

MODEL = start.ROOT / "tests" / "tensorrt" / "tiny_cnn.onnx"
# What they print, among other things.
EXPECTED = {
    "infer.py": "scores (1, ",
    "classify.py": "0.",
    "dynamic_batch.py": "batch 16: (16, ",
    "lenet.py": "digit ",
    "plugin.py": "largest difference ",
    "native.py": "refused: 'image' has elements of f32, not f64",
}


def main():
    start.start(["numpy"])
    folder = start.ROOT / "examples" / "python"
    assert {p.name for p in folder.glob("*.py")} == set(EXPECTED), "an example without a test"
    failed = False
    for name, expected in EXPECTED.items():
        arguments = [] if name == "lenet.py" else [str(MODEL)]
        run = subprocess.run(
            [sys.executable, str(folder / name), *arguments], capture_output=True, text=True
        )
        good = run.returncode == 0 and expected in run.stdout
        print("ok    " if good else "FAILED", name)
        if not good:
            print(run.stdout, run.stderr, sep="\n")
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
