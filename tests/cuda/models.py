#!/usr/bin/env python3
"""Builds and runs networks that nobody tuned for on a GPU, and says how far they are off.

Random weights, from torchvision and transformers or written here: odd sizes and batches, heads of
32, 80 and 96, sequences of 77 and 509, convolutions in one and three dimensions, recurrences,
sizes that are symbols. Each is exported, built for the CPU and for the GPU in float32, float16 and
bfloat16, and compared: float32 on the GPU with the CPU's, what is half as wide with PyTorch's own
error in float16. --times adds what an engine in float16 takes, beside PyTorch (float16,
channels-last, a CUDA graph).

Needs what the machine has: torch, torchvision, transformers, onnx. Nothing is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import multiprocessing
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

SEED = 20240229
OPSET = 17
F32_MAX = 1e-4  # of the largest value, beside the CPU
HALF_MAX = {"fp16": 2.0, "bf16": 20.0}  # times PyTorch's error in float16; bfloat16 has 3 bits less
HALF_LEAST = 2e-3  # below it PyTorch's error is luck
Inputs = Callable[[], tuple[torch.Tensor, ...]]


@dataclass(frozen=True)
class Network:
    """What to make, what it is given, and which of the first input's sizes are symbols."""

    make: Callable[[], nn.Module]
    inputs: Inputs
    symbols: dict[int, str] = field(default_factory=dict)


def image(*shape: int) -> Inputs:
    return lambda: (torch.randn(shape),)


def tokens(batch: int, length: int) -> Inputs:
    return lambda: (torch.randint(0, 500, (batch, length)),)


class Picked(nn.Module):
    """A network whose answer is one of its dictionary's, or all of them."""

    def __init__(self, network: nn.Module, key: str | None) -> None:
        super().__init__()
        self.network, self.key = network, key

    def forward(self, x: torch.Tensor) -> object:
        found = self.network(x)
        return found[self.key] if self.key else tuple(found.values())


def vision(name: str, key: str | None = None, **options: object) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import torchvision

        network = torchvision.models.get_model(name, weights=None, **options)
        return Picked(network, key) if key else network

    return make


def detector(name: str) -> Callable[[], nn.Module]:
    """Backbone and heads; anchors and suppression are left out."""

    def make() -> nn.Module:
        import torchvision

        whole = torchvision.models.get_model(name, weights=None, weights_backbone=None)

        class Heads(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.backbone, self.head = whole.backbone, whole.head

            def forward(self, x: torch.Tensor) -> object:
                return self.head(list(self.backbone(x).values()))

        return Picked(Heads(), None)

    return make


class Language(nn.Module):
    """The first answer of one of transformers' networks."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x, return_dict=False)[0]


def language(network: str, config: str, **sizes: object) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import transformers
        import transformers.masking_utils

        # Nobody packs sequences here, and the exporter lacks what looks for them.
        transformers.masking_utils.find_packed_sequence_indices = lambda *_, **__: None
        made = getattr(transformers, config)(**sizes)
        made._attn_implementation, made.use_cache = "eager", False
        return Language(getattr(transformers, network)(made))

    return make


def bert(hidden: int, heads: int) -> Callable[[], nn.Module]:
    return language("BertModel", "BertConfig", vocab_size=800, num_hidden_layers=2,
                    hidden_size=hidden, num_attention_heads=heads, intermediate_size=2 * hidden)


def block(inner: int, outer: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inner, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer), nn.ReLU(),
        nn.Conv2d(outer, outer, 3, padding=1), nn.LeakyReLU(0.1),
    )


class UNet(nn.Module):
    """Channels that no vector divides."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c = 13, 37, 61
        self.down = nn.ModuleList([block(3, a), block(a, b), block(b, c)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(c, b, 2, 2), nn.ConvTranspose2d(b, a, 2, 2)])
        self.join = nn.ModuleList([block(2 * b, b), block(2 * a, a)])
        self.out = nn.Conv2d(a, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.down[0](x)
        b = self.down[1](functional.max_pool2d(a, 2))
        c = self.down[2](functional.max_pool2d(b, 2))
        b = self.join[0](torch.cat([self.up[0](c), b], 1))
        return self.out(self.join[1](torch.cat([self.up[1](b), a], 1)))


def stylist(c: int = 32) -> nn.Module:
    def layer(inner: int, outer: int, size: int, *more: nn.Module, stride: int = 1) -> nn.Module:
        return nn.Sequential(*more, nn.ReflectionPad2d(size // 2),
                             nn.Conv2d(inner, outer, size, stride),
                             nn.InstanceNorm2d(outer, affine=True), nn.ReLU())

    return nn.Sequential(
        layer(3, c, 9), layer(c, 2 * c, 3, stride=2), layer(2 * c, 2 * c, 3),
        layer(2 * c, c, 3, nn.Upsample(scale_factor=2)), nn.Conv2d(c, 3, 9, padding=4),
    )


def larger(scale: int = 3) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1), nn.Tanh(),
        nn.Conv2d(32, 3 * scale * scale, 3, padding=1), nn.PixelShuffle(scale),
    )


def coder() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ELU(),
        nn.Conv2d(32, 64, 4, 2, 1), nn.GroupNorm(8, 64), nn.SiLU(),
        nn.ConvTranspose2d(64, 32, 3, 2, 1, output_padding=1), nn.BatchNorm2d(32), nn.PReLU(32),
        nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Sigmoid(),
    )


class Sound(nn.Module):
    """One dimension: dilated and depthwise, then a recurrence both ways."""

    def __init__(self, c: int = 96) -> None:
        super().__init__()
        self.first = nn.Conv1d(40, c, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv1d(c, c, 3, dilation=1 << i, padding=1 << i, groups=c),
                          nn.BatchNorm1d(c), nn.Conv1d(c, c, 1), nn.GELU()) for i in range(4))
        self.recurrent = nn.LSTM(c, 48, bidirectional=True, batch_first=True)
        self.last = nn.Linear(96, 29)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for layer in self.layers:
            x = x + layer(x)
        x, _ = self.recurrent(x.transpose(1, 2))
        return self.last(x).log_softmax(-1)


NETWORKS = {
    "resnet18": Network(vision("resnet18"), image(3, 3, 131, 97)),
    "resnext50": Network(vision("resnext50_32x4d"), image(7, 3, 225, 223)),
    "densenet121": Network(vision("densenet121"), image(3, 3, 224, 224)),
    "convnext_tiny": Network(vision("convnext_tiny"), image(1, 3, 224, 224)),
    "regnet_y_400mf": Network(vision("regnet_y_400mf"), image(7, 3, 224, 224)),
    "squeezenet": Network(vision("squeezenet1_1"), image(3, 3, 225, 223)),
    "shufflenet": Network(vision("shufflenet_v2_x1_0"), image(7, 3, 224, 224)),
    "mnasnet": Network(vision("mnasnet0_5"), image(1, 3, 224, 224)),
    "swin_t": Network(vision("swin_t"), image(1, 3, 224, 224)),
    "maxvit_t": Network(vision("maxvit_t"), image(1, 3, 224, 224)),
    "vit_b_32": Network(vision("vit_b_32"), image(3, 3, 224, 224)),
    "lraspp": Network(vision("lraspp_mobilenet_v3_large", "out", weights_backbone=None),
                      image(3, 3, 224, 224)),
    "ssdlite": Network(detector("ssdlite320_mobilenet_v3_large"), image(1, 3, 320, 320)),
    "r3d_18": Network(vision("r3d_18"), image(1, 3, 8, 112, 112)),
    "unet": Network(UNet, image(3, 3, 132, 100)),
    "unet_any_size": Network(UNet, image(1, 3, 128, 96), {0: "n", 2: "h", 3: "w"}),
    "stylist": Network(stylist, image(1, 3, 132, 100)),
    "larger": Network(larger, image(1, 3, 131, 97)),
    "coder": Network(coder, image(7, 3, 64, 96)),
    "sound": Network(Sound, image(3, 40, 509)),
    "bert_heads_32": Network(bert(256, 8), tokens(7, 77)),
    "bert_heads_80": Network(bert(320, 4), tokens(3, 509)),
    "bert_heads_96": Network(bert(384, 4), tokens(3, 77)),
    "bert_any_size": Network(bert(256, 4), tokens(2, 77), {0: "n", 1: "s"}),
    "gpt2": Network(language("GPT2LMHeadModel", "GPT2Config", vocab_size=700, n_embd=256,
                             n_layer=2, n_head=4), tokens(3, 77)),
    "llama": Network(language("LlamaForCausalLM", "LlamaConfig", vocab_size=700, hidden_size=256,
                              intermediate_size=688, num_hidden_layers=2, num_attention_heads=8,
                              num_key_value_heads=2), tokens(3, 77)),
}


def settle(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """No zero parameters, and BatchNorm statistics of random batches."""
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    with torch.no_grad():
        for parameter in module.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
        for norm in norms:
            norm.momentum = None
            norm.reset_running_stats()
            norm.train()
        if norms:
            module(torch.randn((max(2, inputs[0].shape[0]), *inputs[0].shape[1:])))
    module.eval()


def made(name: str) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    torch.manual_seed(SEED)
    module = NETWORKS[name].make().eval()
    inputs = NETWORKS[name].inputs()
    settle(module, inputs)
    return module, inputs


def listed(found: object) -> list[torch.Tensor]:
    return list(found) if isinstance(found, (tuple, list)) else [found]


def export(name: str, work: Path) -> None:
    """NAME.onnx and NAME.npz: inputs x0 ..., results y0 ... in float32."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(2)
    module, inputs = made(name)
    with torch.no_grad():
        results = listed(module(*inputs))
    given = [f"x{i}" for i in range(len(inputs))]
    wanted = [f"y{i}" for i in range(len(results))]
    torch.backends.mha.set_fastpath_enabled(False)
    symbols = NETWORKS[name].symbols
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(module, inputs, str(work / f"{name}.onnx"), input_names=given,
                          output_names=wanted, opset_version=OPSET, dynamo=False,
                          dynamic_axes={"x0": symbols} if symbols else None)
    arrays = {n: x.numpy() for n, x in zip(given + wanted, [*inputs, *results], strict=True)}
    np.savez(work / f"{name}.npz", **arrays)


def off(found: dict, wanted: dict) -> float:
    """The largest difference over the largest value, of the worst result."""
    worst = 0.0
    for name, want in wanted.items():
        difference = np.abs(found[name].astype(np.float64) - want.astype(np.float64)).max()
        worst = max(worst, float(difference / (np.abs(want).max() or 1)))
    return worst


class Runner:
    """The command, and the files of one network."""

    def __init__(self, carnot: str, work: Path, name: str) -> None:
        self.carnot, self.work, self.name = carnot, work, name
        arrays = np.load(work / f"{name}.npz")
        self.wanted = {n: arrays[n] for n in arrays.files if n[0] == "y"}
        self.flags: list = []
        for n in arrays.files:
            if n[0] == "x":
                path = work / f"{name}.{n}.npy"
                np.save(path, arrays[n])
                self.flags += ["--input", f"{n}={path}"]

    def call(self, *command: object) -> str:
        done = subprocess.run([self.carnot, *map(str, command)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def results(self, *flags: str) -> dict:
        engine, folder = self.work / f"{self.name}.engine", self.work / f"{self.name}.results"
        self.call("build", self.work / f"{self.name}.onnx", "-o", engine, *flags)
        self.call("run", engine, *self.flags, "--save", folder)
        return {n: np.load(folder / f"{n}.npy") for n in self.wanted}

    def device_ms(self) -> float:
        report = self.work / f"{self.name}.json"
        self.call("bench", self.work / f"{self.name}.engine", *self.flags, "--seconds", "0.3",
                  "--json", report)
        return json.loads(report.read_text())["device_ms"]


def peer(name: str, wanted: dict, timed: bool) -> tuple[float, float]:
    """PyTorch in float16: its error, and its milliseconds as a CUDA graph (0: not asked)."""
    torch.backends.mha.set_fastpath_enabled(True)
    module, inputs = made(name)
    for part in module.modules():
        if hasattr(getattr(part, "config", None), "_attn_implementation"):
            part.config._attn_implementation = "sdpa"
    module = module.half().cuda()
    last = torch.channels_last if inputs[0].dim() == 4 else torch.preserve_format
    module = module.to(memory_format=last) if inputs[0].dim() == 4 else module
    given = [x.cuda().half().to(memory_format=last) if x.is_floating_point() else x.cuda()
             for x in inputs]
    with torch.inference_mode():
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(2):
                results = listed(module(*given))
        torch.cuda.synchronize()
        error = off({f"y{i}": y.float().cpu().numpy() for i, y in enumerate(results)}, wanted)
        if not timed:
            return error, 0.0
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            module(*given)
        times = []
        for _ in range(9):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            for _ in range(8):
                graph.replay()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end) / 8)
    return error, float(np.median(times))


def check(runner: Runner, effort: int, timed: bool) -> tuple[bool, str]:
    cpu = runner.results("--effort", "0")
    gpu = ("--device", "cuda", "--effort", str(effort))
    errors = {"f32": off(runner.results(*gpu), cpu)}
    errors["bf16"] = off(runner.results(*gpu, "--bf16"), cpu)
    begin = time.monotonic()
    errors["fp16"] = off(runner.results(*gpu, "--fp16"), cpu)
    text = f"fp16 built and run in {time.monotonic() - begin:.1f} s"
    theirs, peer_ms = peer(runner.name, runner.wanted, timed)
    yardstick = max(theirs, HALF_LEAST)
    good = errors["f32"] <= F32_MAX
    good = good and all(errors[n] <= most * yardstick for n, most in HALF_MAX.items())
    text = ", ".join(f"{n} {e:.1e}" for n, e in errors.items()) + f" (PyTorch {theirs:.1e}), {text}"
    if timed:
        ms = runner.device_ms()
        text += f", {ms:.3f} ms, PyTorch {peer_ms:.3f}: {peer_ms / ms:.2f} times"
    return good, text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--carnot", default="build/release/bin/carnot", help="the command")
    parser.add_argument("--only", default="", metavar="A,B", help=", ".join(NETWORKS))
    parser.add_argument("--effort", type=int, default=0, help="of the builds for the GPU")
    parser.add_argument("--times", action="store_true", help="time them, beside PyTorch")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("skipped: no CUDA device")
        return 0
    names = options.only.split(",") if options.only else list(NETWORKS)
    if unknown := set(names) - set(NETWORKS):
        sys.exit(f"models: unknown {', '.join(sorted(unknown))}; known: {', '.join(NETWORKS)}")
    failed = []
    apart = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(8, apart) as pool:
        work = Path(folder)
        for done in as_completed(exports := {pool.submit(export, n, work): n for n in names}):
            name = exports[done]
            try:
                done.result()
                good, text = check(Runner(options.carnot, work, name), options.effort,
                                   options.times)
            except Exception as problem:  # of one network: the others go on
                good, text = False, f"{type(problem).__name__}: {problem}"
            print(f"{'ok' if good else 'FAIL':6} {name:16} {text}", flush=True)
            failed += [] if good else [name]
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed: {', '.join(failed)}")
    return len(failed) > 0


if __name__ == "__main__":
    sys.exit(main())
