"""Begins a test of the Python modules: the pinned packages, and the modules that were built."""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "models"))


def start(packages):
    """Restarts under the environment that has `packages`; returns the arguments that are left.

    --modules is the folder that holds the packages tensorrt and carnot, --libraries that of
    libnvinfer.so.10, which NVIDIA's own module needs to find.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--modules", type=Path, required=True)
    parser.add_argument("--libraries", type=Path)
    options, rest = parser.parse_known_args()
    modules = str(options.modules.resolve())
    if os.environ.get("PYTHONPATH") != modules:
        import environment

        os.environ["PYTHONPATH"] = modules
        os.environ["CARNOT_DEVICE"] = "cpu"
        if options.libraries:
            os.environ["LD_LIBRARY_PATH"] = str(options.libraries.resolve())
        python = environment.ensure(packages)
        os.execv(python, [str(python), *sys.argv])
    return [sys.argv[0], *rest]
