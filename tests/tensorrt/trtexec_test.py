#!/usr/bin/env python3
"""trtexec as people's scripts use it: flags of every version, the output's grammar, its files."""

import argparse
import concurrent.futures
import json
import re
import shlex
import string
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODEL = HERE / "tiny_cnn.onnx"
FLAGS = HERE / "trtexec_flags.txt"
NUMBER = r"[0-9.e+-]+"


def run(*flags, folder=None):
    command = [str(TRTEXEC), *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    return done.returncode, done.stdout + done.stderr


class Trtexec(unittest.TestCase):
    quick = ("--builderOptimizationLevel=0", "--duration=0", "--warmUp=0", "--iterations=20")

    def test_build_save_load(self):
        with tempfile.TemporaryDirectory() as folder:
            engine = f"{folder}/m.engine"
            code, out = run(f"--onnx={MODEL}", f"--saveEngine={engine}", "--buildOnly", *self.quick)
            self.assertEqual(code, 0, out)
            self.assertRegex(out, r"Engine built in [0-9.]+ sec\.")
            code, out = run(f"--loadEngine={engine}", "--streams=2", "--threads", *self.quick)
            self.assertEqual(code, 0, out)

    def test_output_grammar(self):
        code, out = run(f"--onnx={MODEL}", "--avgRuns=5", "--percentile=50,99", "--dumpProfile", *self.quick)
        self.assertEqual(code, 0, out)
        lines = out.splitlines()
        self.assertRegex(lines[0], r"^&&&& RUNNING TensorRT.trtexec \[TensorRT v101601\] # .*trtexec")
        self.assertRegex(lines[-1], r"^&&&& PASSED TensorRT.trtexec")
        self.assertRegex(lines[1], r"^\[\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d\] \[[FEWIV]\] ")
        self.assertRegex(out, rf"Throughput: {NUMBER} qps")
        spread = rf"min = {NUMBER} ms, max = {NUMBER} ms, mean = {NUMBER} ms, median = {NUMBER} ms"
        for what in ("Latency", "Enqueue Time", "H2D Latency", "GPU Compute Time", "D2H Latency"):
            self.assertRegex(out, rf"\] {what}: {spread}, percentile\(50%\) = {NUMBER} ms")
        self.assertRegex(out, rf"Total Host Walltime: {NUMBER} s")
        self.assertIn("=== Performance summary ===", out)
        self.assertRegex(out, r"=== Profile \(20 iterations \) ===")
        self.assertRegex(out, r"100\.0   Total")

    def test_exports(self):
        with tempfile.TemporaryDirectory() as folder:
            names = ("Times", "Profile", "LayerInfo", "Output")
            flags = [f"--export{n}={folder}/{n}" for n in names]
            code, out = run(f"--onnx={MODEL}", "--profilingVerbosity=detailed", *flags, *self.quick)
            self.assertEqual(code, 0, out)
            times, profile, layers, output = (json.loads(Path(folder, n).read_text()) for n in names)
            self.assertEqual(len(times), 20)
            self.assertIn("latencyMs", times[0])
            self.assertEqual(profile[0], {"count": 20})
            self.assertEqual(set(profile[1]), {"name", "timeMs", "averageMs", "medianMs", "percentage"})
            self.assertEqual(len(layers["Layers"]), len(profile) - 1)
            self.assertEqual(set(output[0]), {"name", "dimensions", "values"})

    def test_commands_of_guides(self):
        """As they are printed, but for the model and shorter times."""
        shapes = ("--minShapes=image:1x3x16x16", "--optShapes=image:4x3x16x16",
                  "--maxShapes=image:16x3x16x16")  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            build = (f"--onnx={MODEL}", f"--saveEngine={folder}/m.engine")
            pools = [f"--memPoolSize=workspace:{n}MiB" for n in (512, 1024, 2048, 4096)]
            for flags in (
                (*build, "--fp16", pools[2], "--verbose"),
                (*build, "--fp16", *shapes),
                (*build, "--best"),
                *((*build, pool) for pool in pools),
                (*build, "--hardwareCompatibilityLevel=ampere+"),
                (f"--loadEngine={folder}/m.engine", "--iterations=1000", "--avgRuns=100",
                 "--warmUp=5", "--duration=0"),
                (f"--loadEngine={folder}/m.engine", "--percentile=50,90,95,99", "--verbose",
                 "--duration=0"),
            ):  # fmt: skip
                code, out = run(*flags, *(f for f in self.quick if f.split("=")[0] not in str(flags)))
                self.assertEqual(code, 0, out)
                self.assertIn("&&&& PASSED TensorRT.trtexec", out)
            self.assertIn("percentile(99%)", out)
            code, out = run(*build, "--memPoolSize=workspace:512MiB", *self.quick)
            self.assertIn("Max Scratch Memory:", out)
            self.assertIn("(of a workspace of 536870912)", out)

    def test_old_and_idle_flags(self):
        idle = ("--explicitBatch", "--useCudaGraph", "--noDataTransfers", "--workspace=2048", "--fp16",
                "--memPoolSize=workspace:2048MiB", "--sparsity=enable", "--minTiming=1")  # fmt: skip
        code, out = run(f"--onnx={MODEL}", *idle, *self.quick)
        self.assertEqual(code, 0, out)
        self.assertIn("--useCudaGraph has no effect here", out)

    def test_refusals(self):
        for flags, why in (
            (("--onnx=x", "--itrations=3"), "the nearest is --iterations"),
            (("--uff=x.uff",), "convert the model to ONNX"),
            ((), "give a model"),
            ((f"--onnx={MODEL}", "--shapes=x"), "is not NAME:SIZE"),
            ((f"--onnx={MODEL}", "--useDLACore=0"), "no DLA"),
            (("--onnx=nowhere.onnx",), "nowhere.onnx"),
            ((f"--loadEngine={MODEL}",), "ONNX model"),
        ):
            code, out = run(*flags)
            self.assertEqual(code, 1, out)
            self.assertIn(why, out)
            self.assertIn("&&&& FAILED", out)

    def test_every_flag(self):
        """trtexec_flags.txt, a line a run."""
        rows = [line.split(" | ") for line in FLAGS.read_text().splitlines() if line[:1] not in "#"]
        code, text = run("--help")
        known = {word.split("=")[0] for word in re.findall(r"^  (--\S+)", text, re.M)}
        tested = {flag.split("=")[0] for flags, *_ in rows for flag in flags.split()}
        self.assertEqual(known - tested - {"--onnx"}, set())
        with tempfile.TemporaryDirectory() as folder:
            files = {"model": MODEL, "work": folder, "engine": f"{folder}/m.engine", "input": f"{folder}/x",
                     "junk": f"{folder}/junk"}  # fmt: skip
            Path(folder, "junk").write_bytes(b"\0what this is not" * 10)
            Path(folder, "x").write_bytes(bytes(3 * 16 * 16 * 4))
            run(f"--onnx={MODEL}", f"--saveEngine={folder}/m.engine", "--buildOnly", *self.quick)
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                for problem in pool.map(lambda row: self.one(files, *row), rows):
                    with self.subTest(problem):
                        self.assertIsNone(problem)

    def one(self, files, flags, status, phrase):
        arguments = shlex.split(string.Template(flags.replace("'", "\\'")).substitute(files))
        given = any(a.startswith(("--onnx", "--loadEngine")) for a in arguments)
        model = [] if given else [f"--onnx={MODEL}"]
        usual = [f for f in self.quick if not any(a.split("=")[0] == f.split("=")[0] for a in arguments)]
        code, out = run(*model, *usual, *arguments, folder=files["work"])
        ends = "--help" in arguments or "-h" in arguments or re.search(r"^&&&& (PASSED|FAILED)", out, re.M)
        if code not in ((0, 1) if status == "?" else (int(status),)) or phrase not in out or not ends:
            return f"{flags}: exit {code}\n{out}"
        return None

    def test_help(self):
        code, out = run("--help")
        self.assertEqual(code, 0)
        self.assertTrue(re.search(r"--onnx=VALUE", out))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trtexec", type=Path, required=True)
    options, rest = parser.parse_known_args()
    TRTEXEC = options.trtexec.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
