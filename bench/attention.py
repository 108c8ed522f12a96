#!/usr/bin/env python3
"""Measures attention alone, Carnot beside PyTorch on an NVIDIA GPU, as a table of microseconds.

A network of one attention, written out as exporters write it (matmul, scale, mask, softmax, matmul),
on float16 [batch, length, heads, width]; PyTorch's scaled_dot_product_attention on the same, by its
own choice of a backend and by flash attention. Both are replayed as CUDA graphs; the results are
compared.

Needs what the machine has: torch, onnx. Nothing is installed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch.nn.attention import SDPBackend, sdpa_kernel

QUEUED = 8
SECONDS = 0.2  # of each measurement: long enough for a GPU to slow down under its power limit
TOKENS = 16384  # of a batch

# batch, heads, heads of keys, queries, keys, width, mask
CASES = [
    (TOKENS // length, 2048 // width, None, length, length, width, mask)
    for width in (64, 128)
    for length in (512, 1024, 4096, 16384)
    for mask in ("none", "causal")
]
CASES += [
    (4, 16, None, 4096, 4096, width, mask)
    for width in (40, 80, 96, 256)
    for mask in ("none", "causal")
]
CASES += [
    (64, 12, None, 197, 197, 64, "none"),
    (1, 12, None, 197, 197, 64, "none"),
    (1, 12, None, 128, 128, 64, "keys"),
    (32, 12, None, 128, 128, 64, "keys"),
    (1, 12, None, 509, 509, 64, "keys"),
    (32, 12, None, 509, 509, 64, "keys"),
    (8, 8, None, 77, 77, 64, "causal"),
    (3, 12, None, 1000, 1000, 64, "scores"),
    (1, 12, None, 1024, 1024, 64, "causal"),
    (8, 32, 8, 1, 4096, 128, "none"),
    (1, 32, 8, 2048, 2048, 128, "causal"),
    (64, 4, None, 49, 49, 32, "scores"),
    (7, 8, None, 4096, 77, 40, "none"),
]


def network(case) -> onnx.ModelProto:
    batch, heads, shared, queries, keys, width, mask = case
    groups = shared or heads
    f16 = TensorProto.FLOAT16
    inputs = [
        helper.make_tensor_value_info("q", f16, [batch, queries, heads, width]),
        helper.make_tensor_value_info("k", f16, [batch, keys, groups, width]),
        helper.make_tensor_value_info("v", f16, [batch, keys, groups, width]),
    ]
    weights = [
        onnx.numpy_helper.from_array(np.array(width**-0.5, np.float16), "scale"),
    ]
    nodes = [
        helper.make_node("Transpose", ["q"], ["qt"], perm=[0, 2, 1, 3]),
        helper.make_node("Transpose", ["k"], ["kt"], perm=[0, 2, 3, 1]),
        helper.make_node("Transpose", ["v"], ["vt"], perm=[0, 2, 1, 3]),
    ]
    k, v = "kt", "vt"
    if groups != heads:
        for name, dims in (("kt", (width, keys)), ("vt", (keys, width))):
            every = [batch, groups, heads // groups, *dims]
            weights += [
                onnx.numpy_helper.from_array(np.array([batch, groups, 1, *dims]), name + "one"),
                onnx.numpy_helper.from_array(np.array(every), name + "all"),
                onnx.numpy_helper.from_array(np.array([batch, heads, *dims]), name + "heads"),
            ]
            nodes += [
                helper.make_node("Reshape", [name, name + "one"], [name + "1"]),
                helper.make_node("Expand", [name + "1", name + "all"], [name + "2"]),
                helper.make_node("Reshape", [name + "2", name + "heads"], [name + "3"]),
            ]
        k, v = "kt3", "vt3"
    nodes += [
        helper.make_node("MatMul", ["qt", k], ["products"]),
        helper.make_node("Mul", ["products", "scale"], ["scores"]),
    ]
    scores = "scores"
    if mask != "none":
        if mask == "causal":
            numbers = {"zero": 0, "one": 1, "queries": queries, "keys": keys,
                       "later": keys - queries}
            weights += [onnx.numpy_helper.from_array(np.array(n), name)
                        for name, n in numbers.items()]
            weights += [onnx.numpy_helper.from_array(np.array([axis]), f"axis{axis}")
                        for axis in (0, 1)]
            weights += [onnx.numpy_helper.from_array(np.array(n, np.float16), name)
                        for name, n in (("seen", 0), ("hidden", -np.inf))]
            nodes += [
                helper.make_node("Range", ["zero", "queries", "one"], ["rows"]),
                helper.make_node("Range", ["zero", "keys", "one"], ["columns"]),
                helper.make_node("Add", ["rows", "later"], ["last"]),
                helper.make_node("Unsqueeze", ["last", "axis1"], ["i"]),
                helper.make_node("Unsqueeze", ["columns", "axis0"], ["j"]),
                helper.make_node("LessOrEqual", ["j", "i"], ["visible"]),
                helper.make_node("Where", ["visible", "seen", "hidden"], ["mask"]),
            ]
        else:
            sizes = [batch, 1, 1, keys] if mask == "keys" else [1, heads, queries, keys]
            inputs.append(helper.make_tensor_value_info("mask", f16, sizes))
        nodes.append(helper.make_node("Add", ["scores", "mask"], ["masked"]))
        scores = "masked"
    nodes += [
        helper.make_node("Softmax", [scores], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", v], ["out"]),
        helper.make_node("Transpose", ["out"], ["y"], perm=[0, 2, 1, 3]),
    ]
    outputs = [helper.make_tensor_value_info("y", f16, [batch, queries, heads, width])]
    graph = helper.make_graph(nodes, "attention", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def median_us(run) -> float:
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(QUEUED):
            run()
    times = []
    while sum(times) * QUEUED < SECONDS * 1e6:
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1000 / QUEUED)
    return float(np.median(times))


def peers(case, tensors) -> tuple[dict, np.ndarray]:
    _, heads, shared, _, _, _, mask = case
    q, k, v = (torch.from_numpy(tensors[name]).cuda().transpose(1, 2) for name in "qkv")
    added = torch.from_numpy(tensors["mask"]).cuda() if "mask" in tensors else None

    def run():
        return torch.nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=added, is_causal=mask == "causal", enable_gqa=shared is not None
        )

    out = {"torch": median_us(run)}
    try:
        with sdpa_kernel([SDPBackend.FLASH_ATTENTION]):
            out["flash"] = median_us(run)
    except RuntimeError:
        out["flash"] = None
    return out, run().transpose(1, 2).float().cpu().numpy()


def ours(options, case, tensors, work: Path) -> dict:
    model, engine = work / "attention.onnx", work / "attention.engine"
    onnx.save(network(case), model)
    command = [options.carnot, "build", model, "--device", "cuda", "--explain", "-o", engine]
    done = subprocess.run(command, capture_output=True, text=True)
    kernels = re.findall(r": (cuda\.[^\]]+\]),", done.stdout)
    if done.returncode:
        return {"problem": done.stderr.strip()[-300:]}
    flags = []
    for name, x in tensors.items():
        np.save(work / f"{name}.npy", x)
        flags += ["--input", f"{name}={work / name}.npy"]
    done = subprocess.run([options.carnot, "run", engine, *flags, "--save", work],
                          capture_output=True, text=True)
    if done.returncode:
        return {"problem": done.stderr.strip()[-300:]}
    report = work / "bench.json"
    subprocess.run([options.carnot, "bench", engine, *flags, "--seconds", str(SECONDS), "--json",
                    report],
                   capture_output=True, text=True, check=True)
    return {"us": json.loads(report.read_text())["device_ms"] * 1000,
            "y": np.load(work / "y.npy").astype(np.float32), "kernels": kernels}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--carnot", required=True)
    parser.add_argument("--every", type=int, default=1, help="one case of so many")
    options = parser.parse_args()
    device = torch.cuda.get_device_name(0)
    print(f"{device}, torch {torch.__version__}; float16, microseconds", flush=True)
    head = ("batch", "heads", "queries", "keys", "width", "mask", "torch", "flash", "Carnot",
            "torch/Carnot", "error", "kernel")
    print(" ".join(f"{h:>9}" for h in head), flush=True)
    torch.manual_seed(0)
    failed = False
    for case in CASES[:: options.every]:
        batch, heads, shared, queries, keys, width, mask = case
        groups = shared or heads
        begin = time.monotonic()
        draw = lambda *sizes: torch.randn(sizes, device="cuda").half().cpu().numpy()  # noqa: E731
        tensors = {"q": draw(batch, queries, heads, width), "k": draw(batch, keys, groups, width),
                   "v": draw(batch, keys, groups, width)}
        if mask == "keys":
            tensors["mask"] = draw(batch, 1, 1, keys)
        if mask == "scores":
            tensors["mask"] = draw(1, heads, queries, keys)
        times, want = peers(case, tensors)
        torch.cuda.empty_cache()
        with tempfile.TemporaryDirectory() as work:
            mine = ours(options, case, tensors, Path(work))
        names = f"{heads}/{groups}" if shared else str(heads)
        row = f"{batch:9} {names:>9} {queries:9} {keys:9} {width:9} {mask:>9} {times['torch']:9.2f} "
        row += f"{times['flash']:9.2f} " if times["flash"] else f"{'-':>9} "
        if "problem" in mine:
            failed = True
            print(row + mine["problem"].replace("\n", " "), flush=True)
            continue
        error = float(np.abs(mine["y"] - want).max())
        failed |= not error < 2e-2
        row += f"{mine['us']:9.2f} {times['torch'] / mine['us']:12.2f} {error:9.1e} "
        print(row + " ".join(mine["kernels"]), flush=True)
        print(f"{time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
