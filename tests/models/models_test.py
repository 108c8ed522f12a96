#!/usr/bin/env python3
"""Pretrained networks through the `carnot` command: built, run, compared with ONNX Runtime.

Also what else the command promises: one engine for a range of shapes, the same bits for any number
of threads, an engine file that is whole or not there, exit status 2 for whatever the user can mend.
Needs models (tools/models/fetch.py) and packages (tools/models/environment.py); brings both.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "build/models"
sys.path.insert(0, str(ROOT / "tools/models"))

import environment  # noqa: E402  (after the path)

ERROR_MAX = 1e-3  # of the largest value, for sums in another order
SCALE_MIN = 1e-2  # values below it are noise: they are compared at this scale
EFFORTS = (0, 1)
THREADS = (1, 2, 3)
SECONDS_MAX = 120  # for one command; a hang fails

carnot_path = ROOT / "build/release/bin/carnot"


@dataclass(frozen=True)
class Case:
    """A model, what it is built for, and the sizes of its first input that it is run with."""

    model: str
    shapes: str  # of `carnot build`
    runs: tuple[tuple[int, ...], ...]
    error_axis: int | None = None  # outputs are compared per index of it: boxes, then scores


CASES = (
    Case("ppocr_cls", "x=1x3x48x192", ((1, 3, 48, 192),)),
    Case(
        "ppocr_rec",
        "x=1x3x48x64:1x3x48x320:1x3x48x1280",
        ((1, 3, 48, 64), (1, 3, 48, 320), (1, 3, 48, 501), (1, 3, 48, 1280)),
    ),
    Case(
        "ppocr_det",
        "x=1x3x320x320:1x3x640x640:1x3x960x960",
        ((1, 3, 320, 320), (1, 3, 352, 608), (1, 3, 960, 960)),
    ),
    Case(
        "nudenet_320n",
        "images=1x3x320x320:1x3x320x320:2x3x320x320",
        ((1, 3, 320, 320), (2, 3, 320, 320)),
        error_axis=1,
    ),
    Case("magika", "bytes=1x2048:1x2048:8x2048", ((1, 2048), (3, 2048))),
    Case("silero_vad", "input=1x288,state=2x1x128", ((1, 288),)),  # sizes of both its networks
    Case("silero_vad_half", "input=1x576,state=2x1x128", ((1, 576),)),
    # LSTMs that were exported as loops.
    Case(
        "chars2vec",
        "lstm_input=1x1x59:1x12x59:4x32x59",
        ((1, 1, 59), (1, 12, 59), (3, 20, 59)),
    ),
    # GRUs behind convolutions, and an embedding of the rater.
    Case(
        "plcmos",
        "degraded_audio=1x1x40x257:1x1x400x257:1x1x600x257",
        ((1, 1, 40, 257), (1, 1, 500, 257)),
    ),
    # A spectrogram and a pitch: slices, scatters and gathers of computed positions.
    Case("swift_f0", "audio=1x4000:1x16000:1x24000", ((1, 4000), (1, 16000), (1, 20001))),
)
# Inputs that are settings: silero's sampling rate, the band that a pitch is looked for in.
SCALARS = {"sr": 8000, "fmin": 50, "fmax": 2000}


def carnot(*arguments: object) -> subprocess.CompletedProcess:
    command = [str(carnot_path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)


def error_of(found, want, axis: int | None) -> float:
    import numpy as np

    others = tuple(i for i in range(want.ndim) if i != axis) if axis is not None else None
    found, want = found.astype(np.float64), want.astype(np.float64)
    scale = np.maximum(np.abs(want).max(axis=others), SCALE_MIN)
    return float(np.max(np.abs(found - want).max(axis=others) / scale))


def inputs_of(session, shape: tuple[int, ...]) -> dict:
    """Values for all inputs of an ONNX Runtime session; the first one has `shape`."""
    import numpy as np

    random, feed = np.random.default_rng(7), {}
    for item in session.get_inputs():
        sizes = [1 if isinstance(size, str) or size is None else size for size in item.shape]
        if item.name in SCALARS:
            dtype = np.int64 if item.type == "tensor(int64)" else np.float32
            feed[item.name] = np.array(SCALARS[item.name], dtype=dtype)
        elif item.name == "state":
            feed[item.name] = np.zeros((2, 1, 128), dtype=np.float32)
        elif item.type == "tensor(int32)":
            feed[item.name] = random.integers(0, 256, shape, dtype=np.int32)
        else:
            feed[item.name] = random.random(sizes if feed else shape, dtype=np.float32)
    return feed


class Test(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def expect(self, status: int, *arguments: object) -> subprocess.CompletedProcess:
        done = carnot(*arguments)
        text = " ".join(["carnot", *map(str, arguments)])
        self.assertEqual(done.returncode, status, f"{text}\n{done.stdout}\n{done.stderr}")
        if status:
            self.assertTrue(done.stderr.strip(), f"{text}: no reason given")
        return done

    def build(self, model: str, shapes: str, effort: int = 0) -> Path:
        engine = self.folder / f"{model}-{effort}.engine"
        arguments = ["--shapes", shapes, "--effort", effort]
        self.expect(0, "build", MODELS / f"{model}.onnx", "-o", engine, *arguments)
        return engine

    def outputs(self, engine: Path, feed: dict, threads: int) -> dict[str, Path]:
        """Runs the engine once; the file of each output by name."""
        import numpy as np

        folder = self.folder / f"{engine.stem}-{threads}"
        arguments = ["--threads", threads, "--save", folder]
        for i, (name, value) in enumerate(feed.items()):
            np.save(self.folder / f"{i}.npy", value)
            arguments += ["--input", f"{name}={self.folder / f'{i}.npy'}"]
        self.expect(0, "run", engine, *arguments)
        return {path.stem: path for path in folder.glob("*.npy")}


class Networks(Test):
    def check(self, case: Case) -> None:
        import numpy as np
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            str(MODELS / f"{case.model}.onnx"), options, providers=["CPUExecutionProvider"]
        )
        names = [item.name for item in session.get_outputs()]
        engines = {effort: self.build(case.model, case.shapes, effort) for effort in EFFORTS}
        for shape in case.runs:
            feed = inputs_of(session, shape)
            wanted = dict(zip(names, session.run(None, feed)))
            for effort, engine in engines.items():
                found = {n: self.outputs(engine, feed, n) for n in THREADS}
                for name, want in wanted.items():
                    what = f"{case.model}, effort {effort}, {shape}: output {name}"
                    paths = {n: found[n][name.replace("/", "_")] for n in THREADS}
                    have = np.load(paths[1])
                    self.assertEqual(have.shape, want.shape, what)
                    error = error_of(have, want, case.error_axis)
                    self.assertLess(error, ERROR_MAX, what)
                    for n in THREADS[1:]:
                        same = paths[n].read_bytes() == paths[1].read_bytes()
                        self.assertTrue(same, f"{what}: 1 and {n} threads give other bits")
                    print(f"{what}: error {error:.1e}")

    def test_branches_of_different_ranks_need_no_shapes(self) -> None:
        self.expect(0, "check", MODELS / "silero_vad.onnx")


def add_network(case: Case) -> None:
    setattr(Networks, f"test_{case.model}", lambda self: self.check(case))


for each in CASES:
    add_network(each)


class EngineFiles(Test):
    SHAPES = "bytes=1x2048"

    def temporaries(self) -> list[str]:
        return [entry.name for entry in self.folder.iterdir() if "carnot-tmp" in entry.name]

    def test_killed_build_leaves_the_old_engine(self) -> None:
        engine = self.build("magika", self.SHAPES)
        old = engine.read_bytes()
        command = [carnot_path, "build", MODELS / "magika.onnx", "-o", engine, "--effort", "0"]
        for wait_for_file in (False, True):
            process = subprocess.Popen(
                list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while wait_for_file and process.poll() is None and not self.temporaries():
                pass  # until the new file is being written
            process.send_signal(signal.SIGKILL)
            process.wait()
            if engine.read_bytes() != old:  # renamed before the signal came: then it is whole
                self.expect(0, "run", engine)
                old = engine.read_bytes()
            # What a kill in mid-write leaves behind, even if this one came too late.
            (self.folder / f".{engine.name}.carnot-tmp-{process.pid}-0").touch()
        self.assertEqual(self.build("magika", self.SHAPES), engine)
        self.assertEqual(self.temporaries(), [])
        self.expect(0, "run", engine)

    def test_damaged_engine_is_refused(self) -> None:
        whole = self.build("magika", self.SHAPES).read_bytes()
        damaged = {f"first {n} bytes": whole[:n] for n in (0, 1, 63, 64, 4096, len(whole) - 1)}
        damaged["one byte more"] = whole + b"\0"
        for at in (0, 8, 20, 100, 1000, *(len(whole) * i // 12 for i in range(1, 12))):
            damaged[f"byte {at}"] = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]
        engine = self.folder / "damaged.engine"
        for what, content in damaged.items():
            with self.subTest(what):
                engine.write_bytes(content)
                done = self.expect(2, "run", engine)
                self.assertIn("damaged.engine", done.stderr)


class Usage(Test):
    def test_what_the_user_can_mend_is_status_2(self) -> None:
        model = MODELS / "magika.onnx"
        engine = self.folder / "x.engine"
        for arguments in (
            (),
            ("no-such-command",),
            ("build",),
            ("build", model),
            ("build", model, "-o", engine, "--no-such-flag"),
            ("build", model, "-o", engine, "--effort", "9"),
            ("build", model, "-o", engine, "--effort", "much"),
            ("build", model, "-o", engine, "--device", "abacus"),
            ("build", model, "-o", engine, "--shapes", "bytes"),
            ("build", model, "-o", engine, "--shapes", "bytes=1x-1"),
            ("build", model, "-o", engine, "--shapes", "other=1x2048"),
            ("build", model, "-o", engine, "--shapes", "bytes=1x2047"),
            ("build", model, "-o", engine, "--shapes", "bytes=4x2048:2x2048:1x2048"),
            ("build", model, "-o", self.folder / "missing/x.engine"),
            ("build", self.folder / "missing.onnx", "-o", engine),
            ("build", MODELS / "magika.json", "-o", engine),
            ("run", self.folder / "missing.engine"),
            ("run", model, "--input", "bytes"),
            ("run", model, "--input", "bytes=/no/such/file.npy"),
            ("bench", model, "--threads", "-1"),
        ):
            with self.subTest(" ".join(map(str, arguments))):
                self.expect(2, *arguments)
                self.assertFalse(engine.exists())

    def test_a_shape_outside_the_range_is_refused(self) -> None:
        import numpy as np

        engine = self.build("magika", "bytes=1x2048:1x2048:2x2048")
        for shape in ((3, 2048), (0, 2048), (1, 2047), (2048,)):
            np.save(self.folder / "x.npy", np.zeros(shape, dtype=np.int32))
            with self.subTest(str(shape)):
                self.expect(2, "run", engine, "--input", f"bytes={self.folder / 'x.npy'}")


def main() -> None:
    global carnot_path
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--carnot", type=Path, default=carnot_path, help="the command to test")
    options, rest = parser.parse_known_args()
    carnot_path = options.carnot.absolute()
    environment.enter(["numpy", "onnxruntime"])
    names = ",".join(f"{case.model}.onnx" for case in CASES) + ",magika.json"
    fetch = [sys.executable, str(ROOT / "tools/models/fetch.py"), "--only", names]
    subprocess.run(fetch, check=True, stdout=sys.stderr)
    os.environ["OMP_NUM_THREADS"] = "2"
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
