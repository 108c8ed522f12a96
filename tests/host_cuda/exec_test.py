#!/usr/bin/env python3
"""`carnot exec`: the program's own words, streams, status and signals; what it finds in place."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

OPTIONS = argparse.Namespace()


def carnot(*words, **more):
    return subprocess.run([OPTIONS.carnot, *words], capture_output=True, text=True, **more)


class Exec(unittest.TestCase):
    def test_status_and_streams_are_the_programs(self):
        done = carnot("exec", "--", "sh", "-c", "cat; echo no >&2; exit 7", input="yes")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "yes", "no\n"))
        self.assertEqual(carnot("exec", "sh", "-c", "kill -TERM $$").returncode, -signal.SIGTERM)

    def test_words_are_the_programs(self):
        done = carnot("exec", "--", "printf", "%s|", "--help", "--", "-x", "", "a b")
        self.assertEqual(done.stdout, "--help|--|-x||a b|")

    def test_broken_pipes_end_the_program(self):
        done = subprocess.run(f"{OPTIONS.carnot} exec -- yes | head -1", shell=True, timeout=20,
                              capture_output=True, text=True)
        self.assertEqual((done.stdout, done.stderr), ("y\n", ""))

    def test_what_cannot_run(self):
        with tempfile.NamedTemporaryFile() as file:
            self.assertEqual(carnot("exec", "--", file.name).returncode, 126)
        done = carnot("exec", "--", "/no/such/program")
        self.assertEqual(done.returncode, 127)
        self.assertIn("/no/such/program: No such file", done.stderr)
        done = carnot("exec", "--")
        self.assertEqual(done.returncode, 2)
        self.assertIn("PROGRAM", done.stderr)
        self.assertEqual(carnot("exec", "--help").returncode, 0)

    def test_the_environment_is_the_programs_alone(self):
        show = "import os; print([os.environ.get(n, '') for n in %s])"
        names = ["LD_LIBRARY_PATH", "CARNOT_DEVICE", "PYTHONPATH"]
        environment = {**os.environ, "LD_LIBRARY_PATH": "/mine", "PYTHONPATH": "/own"}
        done = carnot("exec", "--", sys.executable, "-c", show % names, env=environment)
        libraries, device, python = eval(done.stdout)
        self.assertTrue(libraries.endswith(":/mine") and python.endswith(":/own"))
        self.assertEqual(device, "cpu")
        self.assertTrue(Path(libraries.split(":")[0], "libcudart.so.13").exists())
        self.assertTrue(Path(libraries.split(":")[1], "libnvinfer.so.10").exists())

    def test_python_keeps_its_own_sitecustomize(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "sitecustomize.py").write_text("import sys; sys.mine = __file__")
            done = carnot("exec", "--", sys.executable, "-c", "import sys; print(sys.mine)",
                          env={**os.environ, "PYTHONPATH": folder})
            self.assertEqual(done.stdout.strip(), str(Path(folder, "sitecustomize.py")), done.stderr)

    def test_pytorch_gets_the_cuda_of_the_host(self):
        """A library that is loaded already comes before those of the folders that its own name."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "torch.py").write_text("maps = open('/proc/self/maps').read()")
            done = carnot("exec", "--", sys.executable, "-c", "import torch; print(torch.maps)",
                          env={**os.environ, "PYTHONPATH": folder})
            for name in ("libcudart.so.12", "libcudart.so.13"):
                self.assertIn(f"/carnot-host-cuda/{name}", done.stdout, done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--carnot", required=True)
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    return unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    sys.exit(main())
