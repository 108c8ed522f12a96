#!/usr/bin/env python3
"""What goes wrong around `carnot`: faults.py CARNOT [--kills N]. Standard library only.

Processes killed while they save, files that shrink while they are mapped, disks that are full,
standard streams that are closed, runs without an end.
"""
import argparse
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from meaning import MOST, loop_model
from proto import *

WALL = 180
EFFORT = ["--effort", "0"]


def weights(seed, side):
    row = [random.Random(seed).uniform(-0.01, 0.01) for _ in range(side)]
    return tensor("w", FLOAT, [side, side], struct.pack(f"<{side}f", *row) * side)


def product_model(seed, side=512):
    return simple([node("MatMul", ["x", "w"], ["y"], "n1")], [weights(seed, side)], ["n", side])


def endless_model(side=1024):
    """Multiplies by 4 MB of weights for ever."""
    return loop_model(MOST, 1, [node("MatMul", ["v", "w"], ["o"])], outputs=("o",), results=("y",),
                      tensors=[weights(1, side)], dims=(1, side))


class Faults:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.problems, self.checks = [], 0

    def start(self, *arguments, **more):
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                "stdin": subprocess.DEVNULL} | more
        return subprocess.Popen([self.program, *arguments], cwd=self.folder, **more)

    def run(self, *arguments, **more):
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=WALL)
        return process.returncode, (out or b"").decode(), (err or b"").decode()

    def expect(self, what, held, result=None):
        self.checks += 1
        if not held:
            self.problems.append(what + ("" if result is None else f": it gave {result}"))

    def write(self, name, content):
        (self.folder / name).write_bytes(content)

    def names(self):
        return sorted(p.name for p in self.folder.iterdir())

    def kills(self, count):
        """kill -9 of builds: the target is the old engine or the new one, temporaries go."""
        builds = []
        for seed in (1, 2):
            self.write("model.onnx", product_model(seed))
            begin = time.monotonic()
            result = self.run("build", "model.onnx", *EFFORT, "-o", "out.engine")
            seconds = time.monotonic() - begin
            self.expect("the model builds", result[0] == 0, result)
            builds.append((self.folder / "out.engine").read_bytes())
        self.expect("engines differ", builds[0] != builds[1])
        chance, ended, stale, most = random.Random(1), 0, 0, 0
        for i in range(count):
            self.write("model.onnx", product_model(1 + i % 2))
            process = self.start("build", "model.onnx", *EFFORT, "-o", "out.engine")
            try:  # sometimes it gets there
                process.wait(chance.uniform(0, 1.1 * seconds))
                ended += 1
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
            self.expect(f"kill {i}: the old engine or the new one",
                        (self.folder / "out.engine").read_bytes() in builds)
            temporaries = sum("carnot-tmp" in name for name in self.names())
            stale += temporaries > 0
            most = max(most, temporaries)
        self.expect("at most one temporary file is left", most <= 1, most)
        self.run("build", "model.onnx", *EFFORT, "-o", "out.engine")
        self.expect("the next build removes it", self.names() == ["model.onnx", "out.engine"],
                    self.names())
        print(f"{count} kills: {ended} builds had ended, {stale} left a temporary file")

    def shrinking_files(self):
        self.write("loop.onnx", endless_model())
        result = self.run("build", "loop.onnx", *EFFORT, "-o", "loop.engine")
        self.expect("the endless model builds", result[0] == 0, result)
        process = self.start("run", "loop.engine")
        time.sleep(1)
        os.truncate(self.folder / "loop.engine", 4096)
        out, err = process.communicate(timeout=WALL)
        self.expect("an engine that shrinks ends the run with a reason",
                    process.returncode == 2 and b"became shorter" in err,
                    (process.returncode, err))

    def endings(self):
        self.write("loop.onnx", endless_model(64))
        result = self.run("run", "loop.onnx", *EFFORT, "--time-limit", "0.5")
        self.expect("a run ends at its limit", result[0] == 2 and "--time-limit" in result[2],
                    result)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("run", "loop.onnx", *EFFORT)
            time.sleep(1)
            process.send_signal(number)
            out, err = process.communicate(timeout=WALL)
            self.expect("a signal ends a run with a message",
                        process.returncode == -number and b"interrupted" in err,
                        (process.returncode, err))
        process = self.start("run", "loop.onnx", *EFFORT,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        self.expect("an ignored signal stays ignored", process.poll() is None)
        process.kill()
        process.communicate()

    def full_disks(self):
        self.write("model.onnx", product_model(1))
        old = b"what was there"
        before = self.names()

        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        for arguments in (["build", "model.onnx", *EFFORT, "-o", "old.engine"],
                          ["build", "model.onnx", *EFFORT, "-o", "new.engine"]):
            self.write("old.engine", old)
            result = self.run(*arguments, preexec_fn=limited)
            self.expect("a full disk is an error", result[0] == 2 and "write" in result[2], result)
            self.expect("the old file stays", (self.folder / "old.engine").read_bytes() == old)
        self.expect("nothing is left behind", self.names() == sorted([*before, "old.engine"]),
                    self.names())

    def unwritable_folder(self):
        """As root the permissions do not hold: there it is another user who tries."""
        self.write("model.onnx", simple([node("Relu", ["x"], ["y"])]))
        os.chmod(self.folder, 0o755)
        closed = self.folder / "closed"
        closed.mkdir(mode=0o555)
        more = {"user": 65534} if os.getuid() == 0 else {}
        try:
            result = self.run("build", "model.onnx", *EFFORT, "-o", "closed/out.engine", **more)
        except PermissionError:
            print("skipped: another user may not run the program")
            return
        self.expect("a folder that is not ours", result[0] == 2 and "closed" in result[2], result)
        self.expect("stays empty", not any(closed.iterdir()))

    def closed_streams(self):
        self.write("model.onnx", simple([node("Relu", ["x"], ["y"])]))
        result = self.run("build", "model.onnx", *EFFORT, "-o", "good.engine")
        good = (self.folder / "good.engine").read_bytes()
        for streams in ([1], [2], [0, 1, 2]):
            result = self.run("build", "model.onnx", *EFFORT, "-o", "out.engine", "--print", "plan",
                              stdout=None, stderr=None, stdin=None,
                              preexec_fn=lambda s=streams: [os.close(fd) for fd in s])
            wanted = (0,) if streams == [2] else (2,)
            self.expect(f"closed streams {streams}", result[0] in wanted, result)
            self.expect("the engine is whole", (self.folder / "out.engine").read_bytes() == good)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=lambda p: str(Path(p).resolve()))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    problems, checks = [], 0
    tests = {"kills": lambda f: f.kills(options.kills), "shrinking": Faults.shrinking_files,
             "endings": Faults.endings, "disks": Faults.full_disks,
             "folder": Faults.unwritable_folder, "streams": Faults.closed_streams}
    for name, test in tests.items():
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            faults = Faults(options.program, Path(folder))
            test(faults)
            problems += [f"{name}: {problem}" for problem in faults.problems]
            checks += faults.checks
    print(*problems, f"{checks} checks, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
