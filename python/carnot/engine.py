"""Engine and Context: a compiled network, and one inference at a time."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import native
from .arrays import incoming, numpy_type, outgoing, writable
from .errors import Error


class TensorInfo(NamedTuple):
    """An input or output. Sizes are numbers, or texts such as "?n" where they may differ."""

    name: str
    dtype: str
    shape: list[Union[int, str]]

    @property
    def numpy_type(self) -> Optional[np.dtype]:
        """NumPy's type of its elements; None where there is none."""
        return numpy_type(self.dtype)


class Step(NamedTuple):
    """One step of an engine, in the order in which they run."""

    tactic: str
    origin: list[str]
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    measured_us: float


class StepTime(NamedTuple):
    """What a step took: the median of some runs."""

    tactic: str
    origin: list[str]
    median_us: float


@dataclass
class BuildSummary:
    """How a build went."""

    total_s: float
    stages_ms: dict[str, float]
    kernels: list[dict[str, Any]] = field(repr=False, default_factory=list)
    notes: list[str] = field(repr=False, default_factory=list)


class Engine:
    """A compiled network. Any number of threads may share one, each with a Context.

    `summary` tells of the build, of engines that this process built.
    """

    summary: Optional[BuildSummary] = None

    def __init__(self, source: Union[str, "os.PathLike[str]", bytes]) -> None:
        self._bytes: Optional[bytes] = None
        if isinstance(source, (bytes, bytearray, memoryview)):
            self._bytes = bytes(source)
            self._held = native.Held.from_bytes(self._bytes)
        else:
            self._held = native.Held.from_file(os.fspath(source))
        self._context: Optional[Context] = None

    @classmethod
    def load(cls, source: Union[str, "os.PathLike[str]", bytes]) -> Engine:
        """The engine of a file, or of its bytes. It holds machine code: load what you trust."""
        return cls(source)

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes the file, or replaces it, all or nothing."""
        self._held.save(os.fspath(path))

    @property
    def inputs(self) -> list[TensorInfo]:
        """The inputs, in their order."""
        return [TensorInfo(*info) for info in self._held.inputs()]

    @property
    def outputs(self) -> list[TensorInfo]:
        """The outputs, in their order."""
        return [TensorInfo(*info) for info in self._held.outputs()]

    @property
    def metadata(self) -> dict[str, str]:
        """What build() was given."""
        return self._held.metadata()

    @property
    def steps(self) -> list[Step]:
        """What runs, with the times measured while it was built (0: not measured)."""
        return [
            Step(t, o, [TensorInfo(*i) for i in ins], [TensorInfo(*i) for i in outs], us)
            for t, o, ins, outs, us in self._held.steps()
        ]

    @property
    def plan_text(self) -> str:
        """What runs, for people: steps, buffers, times."""
        return self._held.plan_text()

    @property
    def kernels_text(self) -> str:
        """What each kernel computes, for people."""
        return self._held.kernels_text()

    @property
    def timings_text(self) -> str:
        """What was measured, for people."""
        return self._held.timings_text()

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights."""
        return self._held.weight_bytes()

    @property
    def code_bytes(self) -> int:
        """Bytes of machine code."""
        return self._held.code_bytes()

    def context(
        self, *, threads: int = 0, memory_bytes: int = 0, device: str = "", stream: int = 0
    ) -> Context:
        """A Context. `threads` 0: all CPUs. `stream`: a CUDA stream (its address) that work is
        queued in; run() then returns while the GPU may be at work."""
        return Context(self, threads, memory_bytes, device, stream)

    def run(self, *inputs: Any, **named: Any) -> dict[str, np.ndarray]:
        """Runs in a Context of the engine's own: for one thread."""
        if self._context is None:
            self._context = self.context()
        return self._context.run(*inputs, **named)

    __call__ = run

    def __repr__(self) -> str:
        def listed(infos):
            return ", ".join(f"{i.name}: {i.dtype}{i.shape}" for i in infos)

        return f"<carnot.Engine ({listed(self.inputs)}) -> ({listed(self.outputs)})>"


class Context:
    """Runs an Engine: one thread at a time. Runs release the GIL.

    Usable in `with`, which frees its memory at the end.
    """

    def __init__(
        self, engine: Engine, threads: int = 0, memory_bytes: int = 0, device: str = "", stream: int = 0
    ) -> None:
        self.engine = engine
        self._inputs, self._outputs = engine.inputs, engine.outputs
        self._names = [info.name for info in self._inputs]
        self._types = {info.name: info.dtype for info in self._outputs}
        self._stream = stream
        self._given: dict[str, Any] = {}  # the session has their addresses
        self._kept: Any = None
        self._session: Any = engine._held.session(threads, memory_bytes, device, stream)

    def run(
        self, *inputs: Any, outputs: Mapping[str, Any] = {}, **named: Any
    ) -> dict[str, np.ndarray]:
        """Results by name.

        Inputs come in their order, by name or as one dict, as arrays of NumPy or anything with DLPack, such as
        tensors of PyTorch, in the host's memory or that of the engine's GPU; they are used where
        they are. `outputs` are arrays of the same kinds that results are written to; the others
        become arrays of NumPy.
        """
        if len(inputs) == 1 and isinstance(inputs[0], Mapping):
            inputs, named = (), {**inputs[0], **named}
        if len(inputs) > len(self._names):
            raise TypeError(f"{len(inputs)} inputs for {len(self._names)}: {self._names}")
        given = dict(zip(self._names, inputs))
        if both := given.keys() & named.keys():
            raise TypeError(f"input {sorted(both)} is given twice")
        given.update(named)
        arrays = {name: self._outgoing(value) for name, value in given.items()}
        for name, (array, dtype) in arrays.items():
            self._set(name, array, dtype)
        self._given.update(arrays)
        results = {}
        for name, value in outputs.items():
            array, dtype = writable(value, name)
            self._session.set_output(name, array, dtype)
            self._check_shape(name, array)
            results[name] = value
        if self._stream:
            self._kept = (arrays, results)  # the GPU may read them when this returns
        made = self._session.run(list(outputs))
        for name, (array, shape) in made.items():
            results[name] = incoming(array, self._types[name], shape)
        return {info.name: results[info.name] for info in self._outputs}

    __call__ = run

    def _check_shape(self, name: str, array: Any) -> None:
        try:
            shape = self._session.output_shape(name)
        except Error:  # only the data tell
            return
        if list(array.shape) != shape:
            raise Error(
                "invalid argument",
                f"output {name!r} has the shape {shape}, the array given for it {list(array.shape)}",
            )

    @staticmethod
    def _outgoing(value: Any) -> tuple[Any, str]:
        if callable(make := getattr(value, "contiguous", None)):
            value = make()  # a tensor of PyTorch, itself where it is so already
        if isinstance(value, np.ndarray) and value.dtype.kind in "OUS":
            return value, "string"
        return outgoing(value)

    def _set(self, name: str, array: Any, dtype: str) -> None:
        if dtype == "string":
            self._session.set_texts(name, [str(t) for t in array.ravel()], list(array.shape))
        else:
            self._session.set_input(name, array, dtype)

    def profile(self, runs: int = 20) -> list[StepTime]:
        """Runs with the inputs of the last run; the median time of each step."""
        return [StepTime(*time) for time in self._session.profile(runs)]

    def cancel(self) -> None:
        """From any thread: the run in progress ends with an Error soon."""
        self._session.cancel()

    @property
    def threads(self) -> int:
        """Threads that run() uses."""
        return self._session.threads()

    def close(self) -> None:
        """Frees its memory; it cannot run any more."""
        self._session = None
        self._given, self._kept = {}, None

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


def range_of(profile: Sequence[Sequence[int]]) -> tuple[list[int], list[int], list[int]]:
    """(min, opt, max) as the native module takes it."""
    least, usual, greatest = ([int(size) for size in shape] for shape in profile)
    return least, usual, greatest
