#!/usr/bin/env python3
"""Measures Carnot, ONNX Runtime and OpenVINO side by side on the CPU and compares their outputs.

The systems take turns in short slices, so that a machine whose speed drifts is fair to all, and
each is alone while it runs. Exits with 1 if any model fails to build, to run or to agree.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools/models"))

import environment  # noqa: E402  (after the path)
import report  # noqa: E402
from engine import Carnot  # noqa: E402
from models import MODELS, Model, inputs_of  # noqa: E402
from peers import SYSTEMS, BenchError, Peer  # noqa: E402

ERROR_MAX = 1e-3  # of the largest value: float32 sums in another order differ by 1e-6 to 1e-4
SCALE_MIN = 1e-2  # a channel whose values are all below this is compared at this scale
SLICE_RUNS_MIN = 3  # a slice lasts at least as long as this many runs of the slowest system


def error_of(found: dict, expected: dict, axis: int | None) -> float:
    """The largest difference over the largest value, the worst of the outputs.

    With an `axis` both are taken per index of it, and the worst counts.
    """
    import numpy as np

    worst = 0.0
    for name, want in expected.items():
        have = found[name]
        if have.shape != want.shape:
            raise BenchError(
                f"output {name} has shape {list(have.shape)}, ONNX Runtime gives {list(want.shape)}"
            )
        if not np.isfinite(have).all():
            raise BenchError(f"output {name} has values that are not finite")
        others = tuple(i for i in range(want.ndim) if i != axis) if axis is not None else None
        want, have = want.astype(np.float64), have.astype(np.float64)
        scale = np.abs(want).max(axis=others)
        scale = (
            np.maximum(scale, SCALE_MIN)
            if axis is not None
            else max(scale, np.finfo(np.float32).tiny)
        )
        worst = max(worst, float(np.max(np.abs(have - want).max(axis=others) / scale)))
    return worst


def busy_s() -> float:
    """CPU seconds that this machine has spent on anything, stolen ones included."""
    ticks = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf(
        "SC_CLK_TCK"
    )  # less idle and waiting for the disk


def take_turns(systems: list, seconds: float, rounds: int) -> tuple[dict, float]:
    """Slices of all systems, alternating.

    Returns their timings in ms, and the share of the CPUs that other processes took meanwhile.
    """
    slices: dict[str, list[dict]] = {system.system: [] for system in systems}
    others_s = wall_s = 0.0
    for turn in range(rounds):
        shift = turn % len(systems)
        for system in systems[shift:] + systems[:shift]:  # nobody always follows the same one
            busy, started = busy_s(), time.monotonic()
            found = system.slice(seconds)
            wall_s += time.monotonic() - started
            others_s += max(0.0, busy_s() - busy - found["cpu_s"])
            slices[system.system].append(found)
    timings = {
        name: {
            "min_ms": min(found["min"] for found in taken),
            "median_ms": statistics.median(found["median"] for found in taken),
            "p99_ms": statistics.median(found["p99"] for found in taken),
            "slice_medians_ms": [found["median"] for found in taken],
        }
        for name, taken in slices.items()
    }
    return timings, others_s / (wall_s * (os.cpu_count() or 1))


def measure(model: Model, options: argparse.Namespace, versions: dict[str, str]) -> dict:
    """One row: builds, compares, times. Raises BenchError with the reason if something fails."""
    import numpy as np

    path = options.models_folder / f"{model.name}.onnx"
    if not path.exists():
        raise BenchError(f"{environment.shown(path)} is missing: {model.source}")
    inputs = inputs_of(model)
    row: dict = {"name": model.name, "title": model.title}
    systems: list = []
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        np.savez(scratch / "inputs.npz", **inputs)
        try:
            for name in SYSTEMS:
                systems.append(Peer(name, path, scratch / "inputs.npz", options.threads))
            row["peer_load_s"] = {peer.system: peer.load_s for peer in systems}
            expected = systems[0].outputs(scratch)
            row["peer_error"] = error_of(systems[1].outputs(scratch), expected, model.error_axis)
            row["error"] = row["peer_error"] if options.peers_only else None
            if not options.peers_only:
                options.engines.mkdir(parents=True, exist_ok=True)
                carnot = Carnot(
                    options.carnot,
                    model,
                    path,
                    options.engines,
                    options.threads,
                    shlex.split(options.build_options),
                )
                systems.append(carnot)
                row["build_s"] = carnot.build_s
                row["error"] = error_of(
                    carnot.outputs(inputs, list(expected)), expected, model.error_axis
                )
            versions.update({system.system: system.version for system in systems})
            slowest_ms = max(peer.slice(0)["median"] for peer in systems[: len(SYSTEMS)])
            seconds = max(options.seconds, SLICE_RUNS_MIN * slowest_ms / 1e3)
            row["timings"], row["others"] = take_turns(systems, seconds, options.rounds)
            if not options.peers_only:
                row["load_ms"] = carnot.load_ms
        finally:
            for system in systems:
                system.close()
    if not options.peers_only and row["error"] > ERROR_MAX:
        raise BenchError(
            f"outputs differ from ONNX Runtime's by {row['error']:.1e} of the largest value, "
            f"over {ERROR_MAX:g}; times {row['timings']['carnot']['min_ms']:.3f} ms"
        )
    return row


def parsed() -> argparse.Namespace:
    known = ",".join(model.name for model in MODELS)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=known, metavar="A,B", help=f"some of {known}")
    parser.add_argument(
        "--seconds", type=float, default=0.7, help="length of a slice (default 0.7)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="slices of each system (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each system (default 2)")
    parser.add_argument("--peers-only", action="store_true", help="without Carnot")
    parser.add_argument(
        "--carnot", type=Path, default=ROOT / "build/release/bin/carnot", help="the command"
    )
    parser.add_argument(
        "--build-options", default="", metavar="TEXT", help="more options for carnot build"
    )
    parser.add_argument(
        "--models-folder", type=Path, default=ROOT / "build/models", help="where the models lie"
    )
    parser.add_argument(
        "--engines", type=Path, default=ROOT / "build/bench", help="where engines are built"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the table to bench/results/cpu.txt"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number to FILE")
    parser.add_argument(
        "--venv", type=Path, default=environment.DEFAULT_VENV, help="the Python environment"
    )
    options = parser.parse_args()
    options.names = [name for name in options.models.split(",") if name]
    if unknown := [name for name in options.names if name not in known.split(",")]:
        parser.error(f"unknown model {', '.join(unknown)}; known: {known}")
    if options.seconds <= 0 or options.rounds < 1 or options.threads < 1:
        parser.error("--seconds, --rounds and --threads must be positive")
    if not options.peers_only and not options.carnot.exists():
        parser.error(
            f"{environment.shown(options.carnot)} does not exist: build it, or give --peers-only"
        )
    return options


def main() -> int:
    options = parsed()
    environment.enter(["numpy", "onnxruntime", "openvino"], options.venv.absolute())
    systems = [*SYSTEMS] + ([] if options.peers_only else ["carnot"])
    rows, versions = [], {}
    for model in (model for model in MODELS if model.name in options.names):
        try:
            row = measure(model, options, versions)
            text = ", ".join(
                f"{report.TITLES[name]} {report.cell(row['timings'][name])}" for name in systems
            )
        except BenchError as error:
            row = {"name": model.name, "title": model.title, "failed": str(error)}
            text = f"FAILED: {error}"
        rows.append(row)
        print(f"{model.name}: {text}", file=sys.stderr, flush=True)
    text = (
        report.heading(versions, options.threads, options.seconds, options.rounds)
        + "\n\n"
        + report.table(rows, systems)
        + "\n"
    )
    print(text)
    if options.write:
        target = ROOT / "bench/results/cpu.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        print(f"written to {environment.shown(target)}", file=sys.stderr)
    if options.json:
        options.json.write_text(
            json.dumps({"versions": versions, "cpu": report.processor(), "rows": rows}, indent=1)
        )
    return int(any("failed" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
