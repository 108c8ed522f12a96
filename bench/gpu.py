#!/usr/bin/env python3
"""Measures Carnot beside PyTorch on an NVIDIA GPU, in half precision, as a table.

For each network: PyTorch eager (channels-last, float16) as a CUDA graph, torch.compile in its
reduce-overhead mode at batch 1, and Carnot (`--device cuda --fp16`) with vendor libraries among its
tactics and ("own") without. Outputs of both are compared with PyTorch's in float32. Times are medians
of graph replays on the GPU, in milliseconds.
Networks that exist as ONNX files only (--onnx) have no peer: their row says what Carnot takes, and
how far float16 is from Carnot's own float32 on the CPU.

Needs what the machine has: torch, torchvision, transformers, onnx. Nothing is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools/models"))

import export as models  # noqa: E402  (after the path)

QUEUED = 16
ROUNDS = 25
# name, batches, whether torch.compile runs beside it
ROWS = (
    ("resnet50", (1, 128)),
    ("mobilenet_v3_small", (1, 128)),
    ("efficientnet_b0", (1, 128)),
    ("vit_b_16", (1, 64)),
    ("bert_base", (1, 32)),
    ("deeplabv3_resnet50", (1,)),
)


def made(item: models.Exported) -> torch.nn.Module:
    torch.manual_seed(models.SEED)
    module = item.make().eval()
    models.settle(module, len(item.shape) == 4)
    return module


def inputs_of(item: models.Exported, batch: int) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(batch)
    if len(item.shape) == 4:
        return (torch.randn((batch, *item.shape[1:])),)
    shape = (batch, *item.shape[1:])
    return (
        torch.randint(0, 30522, shape),
        torch.ones(shape, dtype=torch.int64),
        torch.zeros(shape, dtype=torch.int64),
    )


class Tokens(torch.nn.Module):
    """An encoder without its mask."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: torch.Tensor, types: torch.Tensor) -> object:
        return self.network(input_ids=ids, token_type_ids=types, return_dict=False)


def first(outputs: object) -> torch.Tensor:
    return outputs[0] if isinstance(outputs, tuple) else outputs


def median_ms(run) -> float:
    times = []
    for _ in range(ROUNDS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(QUEUED):
            run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / QUEUED)
    return float(np.median(times))


def on_gpu(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]):
    if len(inputs) == 3:
        # A mask of ones is none. Eager attention would make one of it on the host, which cannot be
        # captured; PyTorch's fused attention needs none, and is the faster peer.
        network = module.network
        network.config._attn_implementation = "sdpa"
        module = Tokens(network)
        inputs = (inputs[0], inputs[2])
    module = module.half().cuda().to(memory_format=torch.channels_last)
    moved = []
    for x in inputs:
        x = x.cuda()
        if x.is_floating_point():
            x = x.half()
        if x.dim() == 4:
            x = x.to(memory_format=torch.channels_last)
        moved.append(x)
    return module, tuple(moved)


def eager_ms(module, inputs) -> float:
    with torch.inference_mode():
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            for _ in range(3):
                module(*inputs)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            module(*inputs)
        graph.replay()
        torch.cuda.synchronize()
        return median_ms(graph.replay)


def compiled_ms(module, inputs) -> float:
    with torch.inference_mode():
        compiled = torch.compile(module, mode="reduce-overhead")
        for _ in range(4):
            compiled(*inputs)
        torch.cuda.synchronize()
        return median_ms(lambda: compiled(*inputs))


def largest_error(found: np.ndarray, want: np.ndarray) -> float:
    """Over the largest value that is wanted."""
    found, want = found.astype(np.float64), want.astype(np.float64)
    return float(np.abs(found - want).max() / np.abs(want).max())


def own_ms(options, command: list, flags: list, engine: Path, work: Path) -> dict:
    """The same engine without the vendor's libraries; the timings of the first build are known."""
    without = [*command, "--tactics", "-cublaslt,-cudnn"]
    if subprocess.run(without, capture_output=True, text=True).returncode:
        return {}
    report = work / "own.json"
    done = subprocess.run([options.carnot, "bench", engine, *flags, "--seconds", "0.5", "--json",
                           report], capture_output=True, text=True)
    return {} if done.returncode else {"own_ms": json.loads(report.read_text())["device_ms"]}


def carnot(options, path: Path, names, inputs, output: str, want: np.ndarray, work: Path,
           shapes=()) -> dict:
    engine = work / "model.engine"
    command = [options.carnot, "build", path, "--device", "cuda", "-o", engine]
    command += ["--timing-cache", work / "timings"]
    command += ["--effort", str(options.effort), *shapes] + ([] if options.fp32 else ["--fp16"])
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"problem": "build: " + done.stderr.strip()[-400:]}
    built = time.monotonic() - begin
    out = {"build_s": built}
    flags = []
    for name, x in zip(names, inputs, strict=True):
        np.save(work / f"{name}.npy", x)
        flags += ["--input", f"{name}={work / name}.npy"]
    result, report = work / "results", work / "bench.json"
    done = subprocess.run([options.carnot, "run", engine, *flags, "--save", result],
                          capture_output=True, text=True)
    if done.returncode:
        return out | {"problem": "run: " + done.stderr.strip()[-400:]}
    found = np.load(result / f"{output}.npy")
    out["error"] = largest_error(found, want)
    if found.ndim == 2:
        out["same_top1"] = float((found.argmax(1) == want.argmax(1)).mean())
    done = subprocess.run([options.carnot, "bench", engine, *flags, "--seconds", "0.5", "--json",
                           report], capture_output=True, text=True)
    if done.returncode:
        return out | {"problem": "bench: " + done.stderr.strip()[-400:]}
    out |= json.loads(report.read_text())
    if options.profiles:
        text = subprocess.run([options.carnot, "inspect", engine], capture_output=True,
                              text=True).stdout
        (options.profiles / f"{path.stem}.txt").write_text(text)
    out["build_s"] = built
    return out | own_ms(options, command, flags, engine, work)


HEAD = ("eager+graph", "compile", "Carnot", "own", "eager/Carnot", "build s", "error", "f16 error",
        "top-1")


def report(row: str, ours: dict, eager=None, compiled=None, peer_error=None) -> bool:
    """One line of the table; false where Carnot had a problem."""
    mine = ours.get("device_ms")
    ratio = eager / mine if eager and mine else None
    cells = [(eager, ".3f"), (compiled, ".3f"), (mine, ".3f"), (ours.get("own_ms"), ".3f"),
             (ratio, ".2f"), (ours.get("build_s"), ".1f"), (ours.get("error"), ".1e"),
             (peer_error, ".1e"), (ours.get("same_top1"), ".0%")]
    print(f"{row:24}" + "".join(f"{'-' if v is None else format(v, how):>13}" for v, how in cells),
          flush=True)
    if "problem" in ours:
        print("  " + ours["problem"].replace("\n", "\n  "), flush=True)
    return "problem" not in ours


def network_row(options, item, module, batch: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        inputs = inputs_of(item, batch)
        reference = made(item).cuda()
        with torch.inference_mode():
            want = first(reference(*(x.cuda() for x in inputs))).cpu().numpy()
        del reference
        path = work / f"{item.name}_b{batch}.onnx"
        torch.onnx.export(module, inputs, str(path), input_names=list(item.inputs),
                          output_names=list(item.outputs), opset_version=models.OPSET, dynamo=False)
        ours = carnot(options, path, item.inputs, [x.numpy() for x in inputs], item.outputs[0],
                      want, work)
    gpu, moved = on_gpu(made(item), inputs)
    eager = compiled = error = None
    try:
        with torch.inference_mode():
            error = largest_error(first(gpu(*moved)).float().cpu().numpy(), want)
        eager = eager_ms(gpu, moved)
        compiled = compiled_ms(gpu, moved) if options.compile and batch == 1 else None
    except RuntimeError as failure:  # the peer's; ours stands
        print(f"  {item.name}: PyTorch: {str(failure)[:200]}", flush=True)
    del gpu, moved
    torch.cuda.empty_cache()
    return report(f"{item.name} b{batch}", ours, eager, compiled, error)


def file_row(options, path: Path) -> bool:
    """A network of one image input with fixed sizes; free ones are 1, or 320 of an image."""
    import onnx

    graph = onnx.load(path).graph
    shape = [d.dim_value or (1 if i < 2 else 320)
             for i, d in enumerate(graph.input[0].type.tensor_type.shape.dim)]
    name, output = graph.input[0].name, graph.output[0].name
    x = np.random.default_rng(1).random(shape, dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        np.save(work / "x.npy", x)
        exact = [options.carnot, "run", path, "--effort", "0", "--input", f"{name}={work}/x.npy",
                 "--save", work / "exact"]
        done = subprocess.run(exact, capture_output=True, text=True)
        if done.returncode:
            return report(path.stem, {"problem": "run: " + done.stderr.strip()[-400:]})
        want = np.load(work / "exact" / f"{output}.npy")
        flags = ["--shapes", f"{name}={'x'.join(map(str, shape))}"]
        return report(path.stem, carnot(options, path, [name], [x], output, want, work, flags))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--carnot", default=str(ROOT / "build/release/bin/carnot"))
    parser.add_argument("--only", default="", metavar="A,B")
    parser.add_argument("--batch", type=int, help="this batch alone")
    parser.add_argument("--effort", type=int, default=3)
    parser.add_argument("--fp32", action="store_true", help="Carnot without --fp16")
    parser.add_argument("--compile", action="store_true", help="torch.compile too, at batch 1")
    parser.add_argument("--profiles", type=Path, help="a folder for `carnot inspect`'s text")
    parser.add_argument("--onnx", type=Path, nargs="*", default=[], help="files without a peer")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # the exporter warns of every constant that it traces
    if options.profiles:
        options.profiles.mkdir(parents=True, exist_ok=True)
    print("command:  python3 bench/gpu.py", " ".join(sys.argv[1:]))
    print(f"device:   {torch.cuda.get_device_name()}, torch {torch.__version__}")
    print(f"{'model':24}" + "".join(f"{h:>13}" for h in HEAD), flush=True)
    wanted = [name for name in options.only.split(",") if name]
    table = {item.name: item for item in models.TABLE}
    good = True
    for name, batches in ROWS:
        if wanted and name not in wanted:
            continue
        module = made(table[name])
        for batch in batches:
            if not options.batch or batch == options.batch:
                good = network_row(options, table[name], module, batch) and good
    for path in options.onnx:
        good = file_row(options, path) and good
    return 0 if good else 1


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
