#!/usr/bin/env python3
"""Damages real models: mutate.py CARNOT FOLDER [--count N] [--bytes-max N] [--seed N].

Flips, cuts, copies, removes and overwrites bytes of the .onnx files beneath a folder, small ones
more often in what describes the graph, and runs `carnot check`, `build` and `run` on each: the exit
status must be 0 or 2, with a reason, within the time that the sound model takes and a second, and
a GB.
"""
import argparse
import concurrent.futures
import os
import random
import re
import sys
import tempfile
from pathlib import Path

from run import EFFORT, Runner


WORD = re.compile(rb"[A-Za-z_]{5}")


def place(data, chance):
    """Most often near a name, where nodes and shapes are; else anywhere, mostly in weights."""
    at = chance.randrange(len(data))
    word = WORD.search(data, at, at + 200_000) if chance.random() < 0.8 else None
    return min(len(data) - 1, max(0, word.start() + chance.randrange(-24, 24))) if word else at


def mutated(data, chance):
    """One to four changes."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if not data:
            break
        at = place(data, chance)
        length = min(chance.choice((1, 2, 8, 100, 5000)), len(data) - at)
        kind = chance.choices(("flip", "set", "overwrite", "copy", "remove", "repeat", "cut"),
                              (6, 4, 2, 2, 1, 1, 0.3))[0]
        if kind == "flip":
            data[at] ^= 1 << chance.randrange(8)
        elif kind == "set":
            data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == "overwrite":
            data[at:at + 8] = (2**chance.randrange(64)).to_bytes(8, "little")
        elif kind == "copy":
            other = place(data, chance)
            data[at:at + length] = data[other:other + length]
        elif kind == "remove":
            del data[at:at + length]
        elif kind == "repeat":
            data[at:at] = data[at:at + length]
        else:
            del data[at:]
    return bytes(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=lambda p: str(Path(p).resolve()))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--bytes-max", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    models = [p for p in sorted(options.folder.rglob("*.onnx"))
              if p.stat().st_size <= options.bytes_max]
    if not models:
        sys.exit(f"no models of at most {options.bytes_max} bytes beneath {options.folder}")
    runner = Runner(options.program, False, 1)
    problems, verdicts, limits = [], {}, {}

    def steps(folder):
        yield ["check", "model.onnx"]
        yield ["build", "model.onnx", *EFFORT, "-o", "out.engine"]
        yield ["run", "out.engine"]

    def attempt(number, data, name, limit):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "model.onnx").write_bytes(data)
            for arguments in steps(folder):
                result = runner.run(arguments, folder)
                found = runner.faults(arguments, result, "any", check_seconds=20)
                if limit and result[3] > limit.get(arguments[0], 0) + 1:
                    found.append(f"{result[3]:.1f} s of processor time")
                if found:
                    problems.append(f"{name} seed {number}: {arguments[0]}: {'; '.join(found)}")
                    kept = Path(tempfile.gettempdir()) / f"mutated_{number}.onnx"
                    kept.write_bytes(data)
                used = limits.setdefault(name, {}) if limit is None else {}
                used[arguments[0]] = result[3]
                if result[0] != 0:
                    verdicts[arguments[0]] = verdicts.get(arguments[0], 0) + 1
                    return
            verdicts["runs"] = verdicts.get("runs", 0) + 1

    for path in models:
        attempt(0, path.read_bytes(), path.name, None)
    verdicts.clear()

    def one(number):
        chance = random.Random(options.seed * 1_000_003 + number)
        path = chance.choice(models)
        attempt(number, mutated(path.read_bytes(), chance), path.name, limits[path.name])

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(one, range(1, options.count + 1)))
    print(*problems, sep="\n")
    print(f"{options.count} mutations of {len(models)} models: refused by "
          + ", ".join(f"{k} {v}" if k != "runs" else f"none {v}" for k, v in verdicts.items())
          + f"; {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
