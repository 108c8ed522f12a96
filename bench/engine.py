"""Carnot as the benchmark sees it: its command, run as a person would."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import time
from pathlib import Path

from models import Model
from peers import BenchError

COMMAND_SECONDS_MAX = 900  # a build tunes; nothing else comes near


class Carnot:
    """One model built into an engine; the same calls as a Peer."""

    system = "carnot"

    def __init__(
        self,
        command: Path,
        model: Model,
        path: Path,
        folder: Path,
        threads: int,
        build_options: list[str],
    ) -> None:
        self.command, self.folder = command, folder
        self.engine = folder / f"{model.name}.engine"
        self.common = [
            "--shapes",
            ",".join(item.text() for item in model.inputs),
            "--threads",
            str(threads),
        ]
        self.version = (self.call("--version").split("\n", 1)[0].split() or ["?"])[-1]
        started = time.monotonic()
        self.call("build", str(path), "-o", str(self.engine), *self.common, *build_options)
        self.build_s = time.monotonic() - started
        self.load_ms: float | None = None  # the least, once there was a slice

    def call(self, *arguments: str) -> str:
        """Runs the command; its standard output. Raises with its last line when it fails."""
        try:
            done = subprocess.run(
                [str(self.command), *arguments],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=COMMAND_SECONDS_MAX,
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"carnot {arguments[0]}: over {COMMAND_SECONDS_MAX} s") from None
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
            raise BenchError(f"carnot {arguments[0]}: exit {done.returncode}: {said[-1]}")
        return done.stdout

    def slice(self, seconds: float) -> dict:
        file = self.folder / "slice.json"
        file.unlink(missing_ok=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.call(
            "bench",
            str(self.engine),
            *self.common,
            "--seconds",
            f"{seconds:g}",
            "--json",
            str(file),
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            found = json.loads(file.read_text())
            load_ms = float(found["load_ms"])
            latency = {
                key: float(found["latency_ms"][key]) for key in ("min", "median", "p90", "p99")
            }
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BenchError(
                f"carnot bench: no usable JSON ({type(error).__name__}: {error})"
            ) from None
        self.load_ms = load_ms if self.load_ms is None else min(load_ms, self.load_ms)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {**latency, "cpu_s": cpu_s}

    def outputs(self, inputs: dict, names: list[str]) -> dict:
        """Its outputs by name for those inputs, through .npy files."""
        import numpy as np

        given, saved = [], self.folder / "outputs"
        saved.mkdir(exist_ok=True)
        for old in saved.glob("*.npy"):
            old.unlink()
        for name, value in inputs.items():
            file = self.folder / f"in_{name}.npy"
            np.save(file, value)
            given += ["--input", f"{name}={file}"]
        self.call("run", str(self.engine), *given, "--save", str(saved), *self.common[2:])
        found = {}
        for name in names:
            # Characters of a name that no file name should hold may have become underscores.
            files = [
                saved / f"{name}.npy",
                saved / (re.sub(r"[^A-Za-z0-9._-]", "_", name) + ".npy"),
            ]
            present = [file for file in files if file.exists()]
            if not present:
                raise BenchError(f"carnot run: saved no {name}.npy")
            found[name] = np.load(present[0])
        return found

    def close(self) -> None:
        """Nothing runs between its slices."""
