"""The systems Carnot is measured against, each in a child process that sleeps between its slices.

Run as a program it is such a child: `peers.py onnxruntime`. Requests and replies are lines of JSON.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPLY_SECONDS_MAX = 600  # no load, slice or run of a benchmarked model takes this long
WARM_UP_RUNS = 2  # untimed, at the start of a slice: the caches hold another system's weights
RUNS_MIN = 3  # timed runs in a slice, however slow the model


class BenchError(Exception):
    """A model could not be measured; the text says why."""


def statistics(latencies_ms: list[float]) -> dict[str, float]:
    """Minimum, median and high percentiles of latencies in milliseconds."""
    ordered = sorted(latencies_ms)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return {"min": ordered[0], "median": at(0.5), "p90": at(0.9), "p99": at(0.99)}


class OnnxRuntime:
    """CPU provider, every optimization, symbols set to the timed shapes, all tensors bound."""

    def __init__(self, model: str, inputs: dict, threads: int) -> None:
        import onnxruntime as ort

        self.version = ort.__version__
        options = ort.SessionOptions()
        options.log_severity_level = 3  # errors
        plain = ort.SessionOptions()
        plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        plain.log_severity_level = 3
        symbols = {}
        for item in ort.InferenceSession(
            model, plain, providers=["CPUExecutionProvider"]
        ).get_inputs():
            for symbol, size in zip(item.shape, inputs[item.name].shape, strict=True):
                if isinstance(symbol, str):
                    symbols[symbol] = size
        for symbol, size in symbols.items():
            options.add_free_dimension_override_by_name(symbol, size)
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        started = time.perf_counter()
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.load_s = time.perf_counter() - started
        self.binding = self.session.io_binding()
        for name, value in inputs.items():
            self.binding.bind_cpu_input(name, value)
        self.names = [item.name for item in self.session.get_outputs()]
        for name, value in zip(self.names, self.session.run(None, inputs), strict=True):
            self.binding.bind_ortvalue_output(name, ort.OrtValue.ortvalue_from_numpy(value))

    def run(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def outputs(self) -> dict:
        return dict(zip(self.names, self.binding.copy_outputs_to_cpu(), strict=True))


class OpenVino:
    """CPU plugin at float32, latency mode, the model reshaped to the timed shapes, inputs bound."""

    def __init__(self, model: str, inputs: dict, threads: int) -> None:
        import openvino as ov

        self.version = ov.__version__.split("-")[0]
        core = ov.Core()
        started = time.perf_counter()
        network = core.read_model(model)
        network.reshape({name: list(value.shape) for name, value in inputs.items()})
        compiled = core.compile_model(
            network,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": threads,
            },
        )
        self.load_s = time.perf_counter() - started
        self.request = compiled.create_infer_request()
        self.inputs = inputs  # shared with the tensors, so kept
        for name, value in inputs.items():
            self.request.set_tensor(name, ov.Tensor(value, shared_memory=True))
        self.names = [port.get_any_name() for port in compiled.outputs]

    def run(self) -> None:
        self.request.infer(None, share_inputs=True, share_outputs=True)

    def outputs(self) -> dict:
        return {name: self.request.get_tensor(name).data.copy() for name in self.names}


SYSTEMS: dict[str, Callable] = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}


def timed_slice(run: Callable[[], None], seconds: float) -> dict:
    """Runs for about `seconds`; latencies in ms, and the CPU seconds spent by all threads."""
    cpu_started, latencies_ms = time.process_time(), []
    for _ in range(WARM_UP_RUNS):
        run()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(latencies_ms) < RUNS_MIN:
        started = time.perf_counter()
        run()
        latencies_ms.append((time.perf_counter() - started) * 1e3)
    return {
        **statistics(latencies_ms),
        "runs": len(latencies_ms),
        "cpu_s": time.process_time() - cpu_started,
    }


def serve(system: str) -> None:
    """The child's loop: load, slice and outputs requests, until the pipe closes."""
    import numpy as np

    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not reach the pipe
    peer = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "load":
            inputs = dict(np.load(request["inputs"]))
            peer = SYSTEMS[system](request["model"], inputs, request["threads"])
            reply = {"version": peer.version, "load_s": peer.load_s}
        elif request["do"] == "slice":
            reply = timed_slice(peer.run, request["seconds"])
        else:
            peer.run()
            np.savez(request["file"], **peer.outputs())
            reply = {}
        print(json.dumps(reply), file=replies, flush=True)


class Peer:
    """The parent's end of a child: one model in one system."""

    def __init__(self, system: str, model: Path, inputs: Path, threads: int) -> None:
        self.system = system
        self.errors = tempfile.TemporaryFile("w+")
        self.child = subprocess.Popen(
            [sys.executable, __file__, system],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        try:
            loaded = self.ask(do="load", model=str(model), inputs=str(inputs), threads=threads)
        except BenchError:
            self.close()
            raise
        self.version, self.load_s = loaded["version"], loaded["load_s"]

    def ask(self, **request: object) -> dict:
        """Sends one request and waits for its reply."""
        try:
            print(json.dumps(request), file=self.child.stdin, flush=True)
        except BrokenPipeError:
            pass  # the reason is in its errors
        ready, _, _ = select.select([self.child.stdout], [], [], REPLY_SECONDS_MAX)
        line = self.child.stdout.readline() if ready else ""
        if not line:
            self.errors.seek(0)
            last = (self.errors.read().strip().splitlines() or ["no reply"])[-1]
            raise BenchError(f"{self.system}: {last}")
        return json.loads(line)

    def slice(self, seconds: float) -> dict:
        return self.ask(do="slice", seconds=seconds)

    def outputs(self, folder: Path) -> dict:
        """Its outputs by name, as arrays."""
        import numpy as np

        file = folder / f"{self.system}.npz"
        self.ask(do="outputs", file=str(file))
        return dict(np.load(file))

    def close(self) -> None:
        self.child.stdin.close()
        self.child.stdout.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.errors.close()


if __name__ == "__main__":
    serve(sys.argv[1])
