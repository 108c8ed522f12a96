"""What the benchmark prints: the table, the machine it ran on, the file it leaves."""

from __future__ import annotations

import datetime
import math
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")
TITLES = {"onnxruntime": "ORT", "openvino": "OpenVINO", "carnot": "Carnot"}


def processor() -> str:
    """The CPU's name and count, and the instruction sets that matter here."""
    listing = Path("/proc/cpuinfo")
    blocks = listing.read_text().strip().split("\n\n") if listing.exists() else [""]
    pairs = [line.split(":", 1) for line in blocks[0].splitlines() if ":" in line]
    found = {key.strip(): value.strip() for key, value in pairs}
    flags = found.get("flags", "").split()
    sets = [name for name in INSTRUCTION_SETS if name in flags]
    name = found.get("model name", platform.machine())
    exact = f"family {found.get('cpu family', '?')} model {found.get('model', '?')}"
    return f"{name} ({exact}), {len(blocks)} CPUs, {' '.join(sets)}"


def revision() -> str:
    """The commit measured, with a plus if the tree differs from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"


def cell(timing: dict) -> str:
    """Minimum and median in ms: 23.81 (24.10)."""
    digits = 3 if timing["min_ms"] < 10 else 2 if timing["min_ms"] < 100 else 1
    return f"{timing['min_ms']:.{digits}f} ({timing['median_ms']:.{digits}f})"


def ratio(row: dict, key: str = "min_ms") -> float:
    """The faster peer's time over Carnot's: above 1, Carnot is the fastest."""
    times = {system: timing[key] for system, timing in row["timings"].items()}
    carnot = times.pop("carnot")
    return min(times.values()) / carnot


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def aligned(lines: list[list[str]]) -> str:
    """A Markdown table, padded so that it reads as text too: names to the left, numbers right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    text = []
    for line in [lines[0], rule, *lines[1:]]:
        padded = [value.rjust(width) for value, width in zip(line, widths, strict=True)]
        text.append(" | ".join(["| " + line[0].ljust(widths[0]), *padded[1:]]) + " |")
    return "\n".join(text)


def cells(row: dict, systems: list[str]) -> list[str]:
    """One line of the table, or the marks of a failure."""
    if "failed" in row:
        return [
            row["title"],
            *["FAILED"] * len(systems),
            *["-"] * (5 if "carnot" in systems else 3),
        ]
    line = [row["title"], *(cell(row["timings"][system]) for system in systems)]
    if "carnot" in systems:
        line.append(f"{ratio(row):.2f} ({ratio(row, 'median_ms'):.2f})")
        line += [f"{row['build_s']:.1f}", f"{row['load_ms']:.1f}"]
    else:
        line.append(" ".join(f"{seconds:.2f}" for seconds in row["peer_load_s"].values()))
    return [*line, f"{row['error']:.1e}", f"{row['others']:.0%}"]


def table(rows: list[dict], systems: list[str]) -> str:
    """All rows, the geometric means, and the models that failed with their reasons."""
    head = ["model", *(f"{TITLES[system]} ms" for system in systems)]
    head += ["faster / Carnot", "build s", "load ms"] if "carnot" in systems else ["load s"]
    text = aligned([[*head, "error", "others"], *(cells(row, systems) for row in rows)])
    good = [row for row in rows if "failed" not in row]
    if good and "carnot" in systems:
        means = [
            geometric_mean([ratio(row, key) for row in good]) for key in ("min_ms", "median_ms")
        ]
        text += f"\n\ngeometric mean of the faster peer's time over Carnot's, {len(good)} models: "
        text += f"{means[0]:.3f} ({means[1]:.3f})"
    return text + "".join(
        f"\nFAILED {row['name']}: {row['failed']}" for row in rows if row not in good
    )


def heading(versions: dict[str, str], threads: int, seconds: float, rounds: int) -> str:
    """Where, when, how and with what versions the table came about."""
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    # Where the Python environment lies changes nothing, and says where this checkout does.
    arguments = shlex.join(sys.argv[1:])
    command = "python3 bench/bench.py " + re.sub(r" ?--(venv|json)[ =]\S+", "", arguments).strip()
    named = ", ".join(f"{TITLES[system]} {version}" for system, version in versions.items())
    lines = {
        "command": command,
        "date": date,
        "commit": revision(),
        "cpu": processor(),
        "versions": f"{named}, Python {platform.python_version()}, Linux {platform.release()}",
        "method": f"float32, {threads} threads; minimum (median) over {rounds} rounds, in each of "
        f"which the systems take turns of {seconds:g} s, each alone",
        "error": "the largest difference from ORT over its largest value",
        "others": "the share of the CPUs that other processes took meanwhile",
    }
    return "\n".join(f"{key + ':':10}{value}" for key, value in lines.items())
