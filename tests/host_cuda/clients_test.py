#!/usr/bin/env python3
"""Programs as people have them, unchanged, on the CPU: `carnot exec -- PROGRAM`.

The examples in C++, compiled with NVIDIA's CUDA headers and linked with NVIDIA's libcudart.so; the
one in Python, with NVIDIA's bindings and cuda-python; Polygraphy and onnx-graphsurgeon as they come
from PyPI. Brings its packages itself (tools/models/environment.py).
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGES = ["numpy", "onnx", "onnxruntime", "tensorrt-cu13-bindings", "cuda-bindings", "polygraphy",
            "onnx-graphsurgeon", "nvidia-cuda-runtime-cu12"]
MODEL = ROOT / "tests/tensorrt/tiny_cnn.onnx"
OPTIONS = argparse.Namespace()


def setUpModule():
    global folder, environment
    sys.path.insert(0, str(ROOT / "tools" / "models"))
    import environment as packages

    OPTIONS.python = packages.ensure(PACKAGES).absolute()
    kept = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(kept.cleanup)
    folder = Path(kept.name)
    if not OPTIONS.modules:
        # NVIDIA's package `tensorrt` brings its libraries along; its bindings alone do not.
        (folder / "tensorrt.py").write_text("from tensorrt_bindings import *\n"
                                            "from tensorrt_bindings import __version__\n")
    environment = {**os.environ, "PYTHONPATH": str(OPTIONS.modules or folder),
                   "POLYGRAPHY_AUTOINSTALL_DEPS": "0"}


def run(case, *words):
    """Runs it under `carnot exec`; returns what it printed."""
    done = subprocess.run([OPTIONS.carnot, "exec", "--", *map(str, words)], cwd=folder, text=True,
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    case.assertEqual(done.returncode, 0, f"{words}:\n{done.stdout[-3000:]}")
    return done.stdout


def polygraphy(case, *words):
    # Not by itself: its first line names the interpreter of where the environment was made.
    return run(case, OPTIONS.python, OPTIONS.python.with_name("polygraphy"), *words)


class Programs(unittest.TestCase):
    def compiled(self, name):
        cuda = next(Path(OPTIONS.python).parents[1].glob("lib/python3*/site-packages/nvidia/"
                                                         "cuda_runtime"))
        done = subprocess.run(
            [OPTIONS.compiler, "-std=c++14", "-O1", "-Wall", "-Wextra", "-Werror",
             ROOT / f"examples/tensorrt/{name}.cpp", "-I", ROOT / "compat/tensorrt/include",
             "-isystem", cuda / "include", cuda / "lib/libcudart.so.12",
             OPTIONS.libraries / "libnvinfer.so", f"-Wl,-rpath-link,{OPTIONS.libraries}",
             "-o", folder / name], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return folder / name

    def test_programs_with_cuda(self):
        engine = folder / "program.engine"
        run(self, OPTIONS.trtexec, f"--onnx={MODEL}", f"--saveEngine={engine}", "--skipInference")
        printed = run(self, self.compiled("infer"), engine)
        scores = [float(x) for x in re.search(r"scores:(.*)", printed)[1].split()]
        self.assertTrue(len(scores) == 8 and all(0 < s < 1 for s in scores), printed)
        self.assertIn("the same results", run(self, self.compiled("streams"), engine))

    def test_python(self):
        printed = run(self, OPTIONS.python, ROOT / "examples/tensorrt/infer.py", MODEL)
        self.assertIn("scores (1, 10)", printed)

    def test_captured_graph(self):
        (folder / "graph.py").write_text(f"""
import sys
import numpy as np
import tensorrt as trt
from cuda.bindings import runtime as cuda
sys.path.insert(0, {str(ROOT / 'examples/tensorrt')!r})
from infer import build, check
logger = trt.Logger(trt.Logger.WARNING)
engine = trt.Runtime(logger).deserialize_cuda_engine(build({str(MODEL)!r}, logger))
context, stream = engine.create_execution_context(), check(cuda.cudaStreamCreate())
context.set_input_shape("image", (1, 3, 16, 16))
image, scores = np.ones((1, 3, 16, 16), np.float32), np.zeros((1, 10), np.float32)
memory = [check(cuda.cudaMalloc(a.nbytes)) for a in (image, scores)]
elsewhere = check(cuda.cudaMalloc(scores.nbytes))
h2d, d2h = cuda.cudaMemcpyKind(1), cuda.cudaMemcpyKind(2)
def enqueue():
    check(cuda.cudaMemcpyAsync(memory[0], image.ctypes.data, image.nbytes, h2d, stream))
    assert context.execute_async_v3(stream)
    check(cuda.cudaMemcpyAsync(scores.ctypes.data, memory[1], scores.nbytes, d2h, stream))
context.set_tensor_address("image", memory[0])
context.set_tensor_address("scores", memory[1])
enqueue()
check(cuda.cudaStreamSynchronize(stream))
wanted = scores.copy()
scores[:] = 0
check(cuda.cudaStreamBeginCapture(stream, cuda.cudaStreamCaptureMode(0)))
enqueue()
graph = check(cuda.cudaStreamEndCapture(stream))
assert not scores.any(), "it ran while it was captured"
run = check(cuda.cudaGraphInstantiate(graph, 0))
context.set_tensor_address("scores", elsewhere)  # the graph keeps what it was captured with
for scale in (1, 2, 1):
    image[:] = scale
    check(cuda.cudaGraphLaunch(run, stream))
    check(cuda.cudaStreamSynchronize(stream))
    assert np.array_equal(scores, wanted) == (scale == 1), (scale, scores, wanted)
assert context.get_tensor_address("scores") == elsewhere
check(cuda.cudaGraphExecDestroy(run))
check(cuda.cudaGraphDestroy(graph))
print("as it was")
""")
        self.assertIn("as it was", run(self, OPTIONS.python, "graph.py"))


    def test_driver(self):
        """As programs of PyCUDA's kind do it: the driver's calls alone, a context that they make."""
        (folder / "driver.py").write_text(f"""
import sys
import numpy as np
import tensorrt as trt
from cuda.bindings import driver as cuda
sys.path.insert(0, {str(ROOT / 'examples/tensorrt')!r})
from infer import build
def check(answer):
    if answer[0] != cuda.CUresult.CUDA_SUCCESS:
        raise RuntimeError(cuda.cuGetErrorString(answer[0])[1])
    return answer[1] if len(answer) == 2 else answer[1:]
check(cuda.cuInit(0))
own = check(cuda.cuCtxCreate(None, 0, check(cuda.cuDeviceGet(0))))
logger = trt.Logger(trt.Logger.WARNING)
engine = trt.Runtime(logger).deserialize_cuda_engine(build({str(MODEL)!r}, logger))
context, stream = engine.create_execution_context(), check(cuda.cuStreamCreate(0))
image, scores = np.ones((1, 3, 16, 16), np.float32), np.zeros((1, 10), np.float32)
context.set_input_shape("image", image.shape)
memory = [check(cuda.cuMemAlloc(a.nbytes)) for a in (image, scores)]
context.set_tensor_address("image", int(memory[0]))
context.set_tensor_address("scores", int(memory[1]))
check(cuda.cuMemcpyHtoDAsync(memory[0], image.ctypes.data, image.nbytes, stream))
assert context.execute_async_v3(int(stream))
check(cuda.cuMemcpyDtoHAsync(scores.ctypes.data, memory[1], scores.nbytes, stream))
check(cuda.cuStreamSynchronize(stream))
assert abs(scores.sum() - 1) < 1e-5, scores
assert cuda.cuModuleLoadData(b"")[0] == cuda.CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU
for address in memory:
    check(cuda.cuMemFree(address))
check(cuda.cuCtxDestroy(own))
print("by the driver")
""")
        self.assertIn("by the driver", run(self, OPTIONS.python, "driver.py"))


class Polygraphy(unittest.TestCase):
    def test_run(self):
        printed = polygraphy(self, "run", MODEL, "--trt", "--onnxrt", "--atol", "1e-5", "--validate")
        self.assertIn("Pass Rate: 100.00%", printed)

    def test_run_of_dynamic_shapes_in_half_precision_saved_and_loaded(self):
        shapes = ["--trt-min-shapes", "image:[1,3,16,16]", "--trt-opt-shapes", "image:[2,3,16,16]",
                  "--trt-max-shapes", "image:[4,3,16,16]", "--input-shapes", "image:[3,3,16,16]"]
        polygraphy(self, "run", MODEL, "--trt", "--fp16", "--onnxrt", "--atol", "1e-2", "--rtol",
                   "1e-2", *shapes, "--save-engine", "dynamic.engine", "--save-inputs", "in.json",
                   "--save-outputs", "out.json")
        polygraphy(self, "run", "--trt", "dynamic.engine", "--model-type", "engine", "--load-inputs",
                   "in.json", "--load-outputs", "out.json", "--atol", "1e-2", "--rtol", "1e-2",
                   "--trt-min-shapes", "image:[1,3,16,16]", "--input-shapes", "image:[4,3,16,16]")

    def test_convert_and_inspect(self):
        polygraphy(self, "convert", MODEL, "-o", "converted.engine")
        printed = polygraphy(self, "inspect", "model", "converted.engine", "--model-type", "engine",
                             "--show", "layers", "attrs")
        self.assertIn("scores", printed)
        self.assertIn("1 Engine Input(s)", printed)
        printed = polygraphy(self, "inspect", "model", MODEL, "--display-as", "trt", "--show",
                             "layers", "attrs")
        self.assertIn("LayerType.SOFTMAX", printed)

    def failing(self):
        """A model with one operator that ONNX Runtime has and we do not."""
        (folder / "failing.py").write_text('''
import numpy as np, onnx, onnx.helper as h
from onnx import numpy_helper
nodes = [h.make_node("Relu", ["x"], ["a"]), h.make_node("Mul", ["a", "w"], ["b"]),
         h.make_node("Inverse", ["b"], ["c"], domain="com.microsoft"),
         h.make_node("Add", ["c", "w"], ["y"])]
graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", 1, [4, 4])],
                     [h.make_tensor_value_info("y", 1, [4, 4])],
                     [numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")])
opsets = [h.make_opsetid("", 17), h.make_opsetid("com.microsoft", 1)]
onnx.save(h.make_model(graph, opset_imports=opsets, ir_version=8), "failing.onnx")
''')
        run(self, OPTIONS.python, "failing.py")
        return folder / "failing.onnx"

    def test_capability_and_reduce(self):
        printed = polygraphy(self, "inspect", "capability", self.failing())
        self.assertRegex(printed, r"Inverse\b.*Plugin not found")
        polygraphy(self, "debug", "reduce", "failing.onnx", "-o", "reduced.onnx", "--mode", "bisect",
                   "--check", OPTIONS.python, OPTIONS.python.with_name("polygraphy"), "run",
                   "polygraphy_debug.onnx", "--trt")
        printed = polygraphy(self, "inspect", "model", "reduced.onnx", "--show", "layers")
        self.assertRegex(printed, r"1 Node\(s\)(.|\n)*Inverse")

    def test_folded_constants_and_graphsurgeon(self):
        (folder / "surgeon.py").write_text('''
import sys
import numpy as np, onnx, onnx_graphsurgeon as gs
graph = gs.import_onnx(onnx.load(sys.argv[1]))
for node in graph.nodes:
    if node.op == "Relu":
        node.op, node.attrs["alpha"] = "LeakyRelu", 0.1
quarter = gs.Constant("quarter", np.array(0.25, np.float32))
half, out = gs.Variable("half", np.float32), graph.outputs[0]
scaled = gs.Variable("scaled", np.float32, out.shape)
graph.nodes.append(gs.Node("Add", "sum", {}, [quarter, quarter], [half]))
graph.nodes.append(gs.Node("Mul", "scale", {}, [out, half], [scaled]))
graph.outputs = [scaled]
onnx.save(gs.export_onnx(graph.toposort()), "unfolded.onnx")
onnx.save(gs.export_onnx(graph.fold_constants().cleanup().toposort()), "folded.onnx")
''')
        run(self, OPTIONS.python, "surgeon.py", MODEL)
        polygraphy(self, "surgeon", "sanitize", "unfolded.onnx", "--fold-constants", "-o",
                   "sanitized.onnx")
        for name in ("folded.onnx", "sanitized.onnx"):
            printed = polygraphy(self, "run", name, "--trt", "--onnxrt", "--atol", "1e-5")
            self.assertIn("'scaled'", printed)

    def test_scripts_that_it_writes(self):
        polygraphy(self, "template", "trt-network", MODEL, "-o", "network.py")
        polygraphy(self, "template", "trt-config", "-o", "config.py", "--fp16")
        polygraphy(self, "run", "--trt", "network.py", "--model-type", "trt-network-script",
                   "--trt-config-script", "config.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--carnot", required=True)
    parser.add_argument("--trtexec", required=True)
    parser.add_argument("--libraries", type=Path, required=True)
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--modules", type=Path, help="the folder of our own package tensorrt")
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    return unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    sys.exit(main())
