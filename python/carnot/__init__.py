"""Carnot: compiles neural networks to machine code, and runs them.

    import carnot
    engine = carnot.build("model.onnx")
    y = engine.run(x)["y"]
    engine.save("model.engine")
"""

from __future__ import annotations

import os
from typing import Any, Callable, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import native
from .engine import BuildSummary, Context, Engine, Step, StepTime, TensorInfo, range_of
from .errors import Error
from .network import Model, Network, Shapes, Value, as_network

__version__ = "0.1.0"
__all__ = [
    "BuildSummary", "Context", "Device", "Difference", "Engine", "Error", "Network", "Step",
    "StepTime", "TensorInfo", "Value", "build", "compare", "devices", "load", "operations",
]  # fmt: skip

Ranges = Mapping[str, Sequence[Sequence[int]]]


class Device(NamedTuple):
    """What engines can be built for and run on here."""

    name: str  #: "cpu", "cuda:0": as build() takes it
    product: str  #: "NVIDIA H200"; empty for a CPU
    description: str


class Difference(NamedTuple):
    """How far results are from what they should be."""

    largest: float  #: the largest absolute difference
    relative: float  #: that, over the largest absolute value


def devices() -> list[Device]:
    """The CPU, then the GPUs of this machine."""
    return [Device(*device) for device in native.devices()]


def operations() -> list[str]:
    """The names that Network.add() takes."""
    return native.operations()


def load(source: Union[str, "os.PathLike[str]", bytes]) -> Engine:
    """The engine of a file, or of its bytes."""
    return Engine(source)


def build(
    model: Model,
    *,
    device: str = "cpu",
    effort: int = 3,
    threads: int = 0,
    shapes: Shapes = {},
    profiles: Ranges = {},
    storage: str = "f32",
    tf32: bool = False,
    timing_cache: Union[str, "os.PathLike[str]"] = "",
    metadata: Mapping[str, str] = {},
    memory_bytes: int = 0,
    shared_bytes_max: int = 0,
    exclude_tactics: Sequence[str] = (),
    progress: Optional[Callable[[str, int, int, float, float], Any]] = None,
) -> Engine:
    """Compiles a model: an ONNX file's path, its bytes, or a Network.

    device: "cpu", "cuda:1", or "cuda:sm_90a" for a GPU that is not here.
    effort: 0, the cost model alone, to 5, every candidate measured.
    shapes: pins sizes of inputs. profiles: (min, opt, max) shapes of inputs whose sizes differ.
    storage: "f16" or "bf16" allow that values between kernels are stored so.
    tf32: allows products of f32 whose factors are rounded to 10 bits (GPUs).
    timing_cache: a file to read and extend.
    shared_bytes_max: the most shared memory that a block of a GPU's kernels may have.
    progress: called with (stage, done, total, elapsed seconds, seconds to come); what it raises
    ends the build.
    """
    request = native.Request()
    request.device, request.effort, request.threads = device, effort, threads
    request.storage, request.timing_cache = storage, os.fspath(timing_cache)
    request.tf32, request.shared_bytes_max = tf32, shared_bytes_max
    request.metadata, request.memory_bytes = dict(metadata), memory_bytes
    request.exclude_tactics = list(exclude_tactics)
    request.profiles = {name: range_of(profile) for name, profile in profiles.items()}
    file, summary = native.build(as_network(model, shapes)._model, request, progress)
    engine = Engine(file)
    engine.summary = BuildSummary(**summary)
    return engine


def compare(
    model: Model,
    *inputs: Any,
    engine: Optional[Engine] = None,
    against: Optional[Callable[..., Mapping[str, np.ndarray]]] = None,
    shapes: Shapes = {},
    **options: Any,
) -> dict[str, Difference]:
    """How far an engine's results are from the reference's, by output.

    `inputs` in their order; random ones where there are none. `engine`: one of the model's; built
    with `options` where it is not given. `against`: a function of the inputs that gives results by
    name; the network's own definition where it is not given.
    """
    network = as_network(model, shapes)
    engine = engine or build(network, **options)
    arrays = list(inputs) or [_random(*spec) for spec in network.inputs]
    want = (against or network.reference)(*arrays)
    got = engine.run(*arrays)
    return {name: _difference(got[name], want[name]) for name in got}


def _random(name: str, dtype: str, shape: Sequence[Union[int, str]]) -> np.ndarray:
    sizes = [size if isinstance(size, int) else 2 for size in shape]
    info = TensorInfo(name, dtype, list(shape))
    if info.numpy_type is None:
        raise Error("invalid argument", f"input '{name}' of {dtype} cannot be made up: give it")
    generator = np.random.default_rng(len(name))
    if info.numpy_type.kind == "f":
        return generator.standard_normal(sizes).astype(info.numpy_type)
    return generator.integers(0, 2, sizes).astype(info.numpy_type)


def _difference(got: np.ndarray, want: np.ndarray) -> Difference:
    if got.shape != want.shape:
        raise Error("wrong result", f"the shape {got.shape} is not {want.shape}")
    a, b = got.astype(np.float64), want.astype(np.float64)
    both = np.where(a == b, 0.0, np.abs(a - b))
    if np.array_equal(np.isnan(a), np.isnan(b)):
        both = np.nan_to_num(both, nan=0.0, posinf=np.inf)
    largest = float(both.max(initial=0.0))
    scale = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
    return Difference(largest, largest / scale if scale > 0 else largest)
