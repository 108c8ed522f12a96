#!/usr/bin/env python3
"""Downloads the ONNX backend suite: the data folder of the onnx wheel, nothing else of it.

usage: fetch.py [FOLDER]     (default: build/onnx-data; prints the path of its test data)
"""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

VERSION = "1.22.0"
INSIDE = "onnx/backend/test/data/"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "onnx-data"
    stamp = folder / f"onnx-{VERSION}"
    if not stamp.exists():
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--quiet",
                            "--only-binary", ":all:", "--dest", scratch, f"onnx=={VERSION}"],
                           check=True)
            wheel = next(pathlib.Path(scratch).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder, [n for n in archive.namelist() if n.startswith(INSIDE)])
        stamp.touch()
    print(folder / INSIDE)


if __name__ == "__main__":
    main()
