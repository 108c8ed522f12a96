#!/usr/bin/env python3
"""Exports well-known networks with random weights (fixed seed) to build/models/NAME.onnx, opset 17.

The weights say nothing, but behave: BatchNorm statistics are those of the data that flows through,
and no parameter is left at zero, so every activation is finite, of ordinary size, worth comparing.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import environment

if TYPE_CHECKING:
    import torch

PACKAGES = ["numpy", "onnx", "onnxscript", "torch", "torchvision", "transformers"]
OPSET = 17
SEED = 20240229
CALIBRATION_BATCHES = 3  # enough for statistics; the networks need not be good
CALIBRATION_SIZE = 128  # pixels a side: BatchNorm statistics hardly depend on it


@dataclass(frozen=True)
class Exported:
    """One network; a `shape` of four dimensions is an image's, of two a token sequence's."""

    name: str
    make: Callable[[], torch.nn.Module]
    shape: tuple[int, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def vision(name: str, **options: object) -> Callable[[], torch.nn.Module]:
    def make() -> torch.nn.Module:
        import torchvision

        return torchvision.models.get_model(name, weights=None, **options)

    return make


def deeplab() -> torch.nn.Module:
    """DeepLabV3 whose forward returns the class map's tensor alone, not a dictionary."""
    import torch

    class Segmentation(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = vision("deeplabv3_resnet50", weights_backbone=None)()

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.network(image)["out"]

    return Segmentation()


def bert() -> torch.nn.Module:
    """BERT-base: 12 layers of 768, 12 heads, 30,522 tokens; returns (hidden state, pooled)."""
    import torch
    import transformers

    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            config = transformers.BertConfig()
            config._attn_implementation = "eager"
            self.network = transformers.BertModel(config)

        def forward(
            self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor
        ) -> tuple[torch.Tensor, ...]:
            found = self.network(
                input_ids=ids, attention_mask=mask, token_type_ids=types, return_dict=False
            )
            return found[0], found[1]

    return Encoder()


IMAGE, LOGITS = ("image",), ("logits",)
TABLE = (
    Exported("resnet50", vision("resnet50"), (1, 3, 224, 224), IMAGE, LOGITS),
    Exported("mobilenet_v3_small", vision("mobilenet_v3_small"), (1, 3, 224, 224), IMAGE, LOGITS),
    Exported("efficientnet_b0", vision("efficientnet_b0"), (1, 3, 224, 224), IMAGE, LOGITS),
    Exported("vit_b_16", vision("vit_b_16"), (1, 3, 224, 224), IMAGE, LOGITS),
    Exported(
        "bert_base",
        bert,
        (1, 128),
        ("input_ids", "attention_mask", "token_type_ids"),
        ("last_hidden_state", "pooler_output"),
    ),
    Exported("deeplabv3_resnet50", deeplab, (1, 3, 512, 512), IMAGE, ("classes",)),
)


def settle(module: torch.nn.Module, image: bool) -> None:
    """Makes random weights behave: no zero parameters, BatchNorm statistics of random batches."""
    import torch

    norms = [part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for parameter in module.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
        for norm in norms:
            norm.weight.uniform_(0.7, 1.3)
            norm.bias.uniform_(-0.2, 0.2)
            norm.momentum = None  # a plain mean over the batches
            norm.reset_running_stats()
            norm.train()
        if norms and image:
            for _ in range(CALIBRATION_BATCHES):
                module(torch.randn(2, 3, CALIBRATION_SIZE, CALIBRATION_SIZE))
    module.eval()


def example(item: Exported) -> tuple[torch.Tensor, ...]:
    """Inputs to trace with: an image, or token ids with their mask and types."""
    import torch

    if len(item.shape) == 4:
        return (torch.randn(item.shape),)
    return (
        torch.randint(0, 30522, item.shape),
        torch.ones(item.shape, dtype=torch.int64),
        torch.zeros(item.shape, dtype=torch.int64),
    )


def export(item: Exported, out: Path, dynamic: list[bool], check: bool) -> None:
    """Writes NAME.onnx (dynamic: False) or NAME_dynamic.onnx (True), whose batch is a symbol."""
    import torch

    import onnx

    torch.manual_seed(SEED)
    module = item.make().eval()
    settle(module, len(item.shape) == 4)
    inputs = example(item)
    with torch.no_grad():
        found = module(*inputs)
    found = found if isinstance(found, tuple) else (found,)
    for name, value in zip(item.outputs, found, strict=True):
        if not value.isfinite().all() or not value.any():
            sys.exit(f"export: {item.name}: output {name} is not finite, or all zero")
    for symbolic in dynamic:
        path = out / f"{item.name}{'_dynamic' if symbolic else ''}.onnx"
        started = time.monotonic()
        partial = path.with_suffix(".part")
        axes = {name: {0: "batch"} for name in item.inputs + item.outputs} if symbolic else None
        torch.onnx.export(
            module,
            inputs,
            str(partial),
            input_names=list(item.inputs),
            output_names=list(item.outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        if check:
            onnx.checker.check_model(str(partial), full_check=True)
        partial.replace(path)
        spread = float(found[0].std())
        print(
            f"export: {path.name}  {path.stat().st_size / 1e6:.1f} MB, output spread {spread:.3g} "
            f"({time.monotonic() - started:.1f} s)",
            flush=True,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", default="", metavar="A,B", help="networks: " + ", ".join(i.name for i in TABLE)
    )
    parser.add_argument(
        "--dynamic", action="store_true", help="also NAME_dynamic.onnx, with a symbolic batch"
    )
    parser.add_argument("--force", action="store_true", help="export again what is there")
    parser.add_argument(
        "--check", action="store_true", help="run onnx.checker over the files (slow)"
    )
    parser.add_argument(
        "--out", type=Path, default=environment.ROOT / "build/models", help="where the models go"
    )
    parser.add_argument(
        "--venv", type=Path, default=environment.DEFAULT_VENV, help="the Python environment"
    )
    options = parser.parse_args()
    wanted = [word for word in options.only.split(",") if word]
    if unknown := set(wanted) - {item.name for item in TABLE}:
        sys.exit(
            f"export: unknown {', '.join(sorted(unknown))}; "
            f"known: {', '.join(item.name for item in TABLE)}"
        )
    items = [item for item in TABLE if not wanted or item.name in wanted]
    versions = [False, True] if options.dynamic else [False]
    out = options.out.absolute()
    todo = {
        item: [
            symbolic
            for symbolic in versions
            if options.force
            or not (out / f"{item.name}{'_dynamic' if symbolic else ''}.onnx").exists()
        ]
        for item in items
    }
    if not any(todo.values()):
        print(f"export: {len(items) * len(versions)} files up to date in {environment.shown(out)}")
        return 0
    environment.enter(PACKAGES, options.venv.absolute())
    warnings.filterwarnings(
        "ignore"
    )  # the exporter warns of its age, and of every constant that it traces
    out.mkdir(parents=True, exist_ok=True)
    for item, dynamic in todo.items():
        if dynamic:
            export(item, out, dynamic, options.check)
    return 0


if __name__ == "__main__":
    sys.exit(main())
