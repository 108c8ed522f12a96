#!/usr/bin/env python3
"""Runs `carnot` over the hostile catalogue: run.py CARNOT [--only TEXT] [--keep FOLDER].

Each file must be refused with exit status 2 and a reason, or run; none may crash, hang, use more
than a GB or a second of `check`. Standard library only.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import engines
import meaning
import structure

MEMORY = 1 << 30
SECONDS = 20  # of processor time, for what a case does not limit
WALL = 180  # on a machine that others keep busy; SECONDS is what finds a hang
EFFORT = ["--effort", "0"]

# Memory that cannot be had is an error of the program's own, under AddressSanitizer too.
ASAN = {"ASAN_OPTIONS": "allocator_may_return_null=1"}


class Runner:
    def __init__(self, program, sanitized, slowness):
        self.program, self.sanitized, self.slowness = program, sanitized, slowness
        self.used = []  # (seconds of processor time, what for)

    def run(self, arguments, folder, stdout=None):
        """(exit status, stdout, stderr, seconds of processor time)"""
        memory = "" if self.sanitized else f"ulimit -v {MEMORY >> 10}; "  # shadow memory counts too
        limits = f'{memory}ulimit -c 0; ulimit -t {int(SECONDS * self.slowness) + 10}; exec "$@"'
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(["sh", "-c", limits, "sh", self.program, *arguments],
                                       cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout or out,
                                       stderr=err, env=os.environ | ASAN)
            killer = threading.Timer(WALL * self.slowness, process.kill)
            killer.start()
            _, status, usage = os.wait4(process.pid, 0)
            killer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            used = usage.ru_utime + usage.ru_stime
            self.used.append((used, f"{Path(folder).parent.name} {' '.join(arguments)[:80]}"))
            return (process.returncode, out.read().decode(errors="replace"),
                    err.read().decode(errors="replace"), used)

    def faults(self, arguments, result, expect, says="", check_seconds=SECONDS):
        """What is wrong with a result: a list of sentences."""
        code, out, err, seconds = result
        found = []
        allowed = {"bad": (2,), "good": (0,), "any": (0, 2)}[expect]
        if code not in allowed:
            found.append(f"exit status {code}, not {' or '.join(map(str, allowed))}")
        if seconds > (check_seconds if arguments[0] == "check" else SECONDS) * self.slowness:
            found.append(f"{seconds:.1f} s of processor time")
        text = out if code == 0 else err
        if code == expect == "bad" and not err:
            found.append("no message")
        if code == 2 and len(err.strip()) < 20:
            found.append("no reason is given")
        if any(ord(ch) < 32 and ch not in "\n\t" for ch in err):
            found.append("control characters in the message")
        if len(err) > 20_000:
            found.append(f"a message of {len(err)} bytes")
        if says and says not in text:
            found.append(f"does not say {says!r}")
        if found:
            found.append(f"it said: {(err or out)[:300].strip()}")
        return found

    def case(self, case, root):
        folder = Path(root) / case.name / "model"
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(case.bytes)
        if case.prepare:
            case.prepare(folder)
        problems = []

        def step(name, arguments, expect, says=""):
            arguments = [name, "model.onnx", *arguments]
            result = self.run(arguments, folder)
            found = self.faults(arguments, result, expect, says, case.seconds)
            if found:
                problems.append(f"{case.name}: carnot {' '.join(arguments)}: " + "; ".join(found))
            return result[0]

        early = {"fails": "any"}.get(case.expect, case.expect)
        checked = step("check", [], early, case.says if case.expect == "bad" else "")
        if checked != 0:  # every command has the same verdict
            step("build", [*EFFORT, "-o", "out.engine"], "bad")
        elif step("build", [*EFFORT, "-o", "out.engine"], early) == 0 and case.runs:
            step("run", EFFORT, {"fails": "bad"}.get(case.expect, case.expect), case.says)
        left = {p.name for p in folder.iterdir() if ".tmp" in p.name}
        if left or (checked != 0 and (folder / "out.engine").exists()):
            problems.append(f"{case.name}: left behind: {sorted(left) or 'out.engine'}")
        return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=lambda p: str(Path(p).resolve()))
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--keep", help="write the files here, and run nothing")
    parser.add_argument("--sanitized", action="store_true", help="no limit on address space")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    runner = Runner(options.program, options.sanitized, 30 if options.sanitized else 1)
    cases = [c for c in structure.catalogue() + meaning.catalogue() if options.only in c.name]
    names = [c.name for c in cases]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    if options.keep:
        for case in cases:
            folder = Path(options.keep) / case.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "model.onnx").write_bytes(case.bytes)
        return 0
    problems, begin = [], time.monotonic()
    with tempfile.TemporaryDirectory() as root, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for found in pool.map(lambda c: runner.case(c, root), cases):
            problems += found
        count, found = engines.run(runner, Path(root), options.only)
        problems += found
    for problem in problems:
        print(problem)
    print(f"{sum(used for used, _ in runner.used):.0f} s of processor time; most:")
    for used, what in sorted(runner.used, reverse=True)[:10]:
        print(f"  {used:6.2f} s  {what}")
    print(f"{len(cases)} models and {count} other files and flags, {len(problems)} problems, "
          f"{time.monotonic() - begin:.0f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
