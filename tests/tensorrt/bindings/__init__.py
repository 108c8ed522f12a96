"""The tests by subject; `every_test` is a module that has them all."""

from pathlib import Path

import tensorrt_bindings as trt

import coverage

NAMES, CALLED = coverage.watch(trt.tensorrt)
UNCALLED = Path(__file__).resolve().parents[1] / "uncalled.txt"

from . import every_test  # noqa: E402


def report():
    """Says what is neither called nor listed, and what is listed yet called. True if either."""
    listed = {line.split(" # ")[0].strip() for line in UNCALLED.read_text().splitlines()}
    listed.discard("")
    missing, stale = sorted(NAMES - CALLED - listed), sorted(listed & CALLED)
    print(f"{len(NAMES & CALLED)} of {len(NAMES)} functions are called, {len(listed)} are listed")
    for name in missing:
        print("not called, and not in uncalled.txt with a reason:", name)
    for name in stale:
        print("called; remove it from uncalled.txt:", name)
    return bool(missing or stale)
