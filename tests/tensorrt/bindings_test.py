#!/usr/bin/env python3
"""NVIDIA's own Python bindings, unmodified, over our libraries: what a program in Python meets.

Brings its packages itself (tools/models/environment.py), or takes this interpreter's (--installed).
--libraries is the folder of libnvinfer.so.10. Where there is a GPU and CARNOT_DEVICE is not "cpu", engines
and their memory are the GPU's.
Functions of the module that no test calls are listed in uncalled.txt, which may only shrink.
"""

import argparse
import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools" / "models"))


def prepare():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--libraries", type=Path, required=True)
    parser.add_argument("--installed", action="store_true")
    options, rest = parser.parse_known_args()
    folder = str(options.libraries.resolve())
    path = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    if path[0] != folder:
        os.environ["LD_LIBRARY_PATH"] = ":".join([folder, *filter(None, path)])  # read at the start
        python = sys.executable
        if not options.installed:
            import environment

            python = environment.ensure(["numpy", "onnx", "onnxruntime", "tensorrt-cu13-bindings"])
        os.execv(python, [str(python), *sys.argv])
    return [sys.argv[0], *rest]


if __name__ == "__main__":
    arguments = prepare()
    sys.path.insert(0, str(HERE))
    from bindings import every_test, report

    program = unittest.main(module=every_test, argv=arguments, exit=False, verbosity=1)
    alone = len(arguments) > 1
    sys.exit(not program.result.wasSuccessful() or (not alone and report()))
