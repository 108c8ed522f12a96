"""Buffers for an engine, as the `common` module of samples for TensorRT has them.

    inputs, outputs, bindings, stream = allocate_buffers(engine)
    inputs[0].host = image
    scores = do_inference(context, engine, bindings, inputs, outputs, stream)[0]

On a GPU memory comes from CUDA's runtime. On the CPU there is nothing to copy: `device` is the
address of `host`.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
from typing import Optional

import numpy as np

from . import __version__, ICudaEngine, IExecutionContext, TensorIOMode, nptype, volume

_TO_DEVICE, _TO_HOST = 1, 2  # cudaMemcpyKind


class _Cuda:
    """CUDA's runtime, where there is a GPU."""

    def __init__(self) -> None:
        self.library = None
        if os.environ.get("CARNOT_DEVICE", "").startswith("cpu"):
            return
        for name in ("libcudart.so.13", "libcudart.so.12", "libcudart.so"):
            try:
                library = ctypes.CDLL(name)
            except OSError:
                continue
            count = ctypes.c_int(0)
            if library.cudaGetDeviceCount(ctypes.byref(count)) == 0 and count.value > 0:
                self.library = library
            return

    def call(self, name: str, *arguments) -> None:
        if code := getattr(self.library, name)(*arguments):
            raise RuntimeError(f"{name}() failed: error {code} of CUDA")


_cuda: Optional[_Cuda] = None


def _runtime() -> _Cuda:
    global _cuda
    if _cuda is None:
        _cuda = _Cuda()
    return _cuda


def device_name() -> str:
    """A name for the device that engines are built for: of a GPU with its UUID."""
    cuda = _runtime()
    if not cuda.library:
        return f"cpu-{platform.machine()}"
    index = ctypes.c_int(0)
    cuda.call("cudaGetDevice", ctypes.byref(index))
    properties = ctypes.create_string_buffer(8192)  # begins with char name[256], uuid[16]
    cuda.call("cudaGetDeviceProperties", properties, index)
    name = properties.raw[:256].split(b"\0")[0].decode(errors="replace")
    return f"{name}-{properties.raw[256:272].hex()}".replace(" ", "_")


def engine_file_name(model, **options) -> str:
    """A name for the engine of a model's file with these options of its build: another one where
    the file, an option, the device or the version is another, so that a folder of engines needs no
    other index. `engine_file_name("yolo.onnx", fp16=True, batch=4)`"""
    text = json.dumps([__version__, device_name(), sorted(options.items())], default=str)
    digest = hashlib.sha256(text.encode())
    with open(model, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    stem = os.path.splitext(os.path.basename(model))[0]
    return f"{stem}.{device_name()}.{digest.hexdigest()[:16]}.engine"


class HostDeviceMem:
    """An array of the host, and memory of the device of the same size."""

    def __init__(self, size: int, dtype, name: str = "", shape=None) -> None:
        self.name = name
        self.shape = (size,) if shape is None else tuple(shape)
        self._host = np.zeros(size, dtype)
        self._device = self._host.ctypes.data
        cuda = _runtime()
        if cuda.library:
            address = ctypes.c_void_p()
            cuda.call("cudaMalloc", ctypes.byref(address), ctypes.c_size_t(max(self.nbytes, 1)))
            self._device = address.value

    @property
    def host(self) -> np.ndarray:
        """The numbers, in one dimension. Assigning copies into them."""
        return self._host

    @host.setter
    def host(self, data) -> None:
        array = np.asarray(data)
        if array.size > self._host.size:
            raise ValueError(f"{array.size} numbers do not fit into {self._host.size}")
        np.copyto(self._host[: array.size], array.ravel(), casting="same_kind")

    @property
    def device(self) -> int:
        """The address for set_tensor_address() and bindings."""
        return self._device

    @property
    def nbytes(self) -> int:
        """The bytes of either."""
        return self._host.nbytes

    def copy(self, kind: int, stream: int) -> None:
        """To the device (1) or to the host (2), in the order of a stream."""
        cuda = _runtime()
        if not cuda.library:
            return
        here, there = ctypes.c_void_p(self._host.ctypes.data), ctypes.c_void_p(self._device)
        to, source = (there, here) if kind == _TO_DEVICE else (here, there)
        size = ctypes.c_size_t(self.nbytes)
        cuda.call("cudaMemcpyAsync", to, source, size, kind, ctypes.c_void_p(stream))

    def free(self) -> None:
        """Gives the device's memory back."""
        cuda = _runtime()
        if cuda.library and self._device:
            cuda.call("cudaFree", ctypes.c_void_p(self._device))
        self._device = 0

    def __repr__(self) -> str:
        return f"<{self.name or 'memory'}: {self._host.dtype} {self.shape}>"


def allocate_buffers(engine: ICudaEngine, profile_idx: Optional[int] = None):
    """(inputs, outputs, bindings, stream) for an engine: its static shapes, or the greatest ones of
    a profile (0 where it is not given and shapes are dynamic)."""
    inputs, outputs, bindings = [], [], []
    shapes = _greatest_shapes(engine, profile_idx)
    for name, shape in shapes.items():
        memory = HostDeviceMem(volume(shape), nptype(engine.get_tensor_dtype(name)), name, shape)
        bindings.append(memory.device)
        is_input = engine.get_tensor_mode(name) == TensorIOMode.INPUT
        (inputs if is_input else outputs).append(memory)
    stream = ctypes.c_void_p()
    if _runtime().library:
        _runtime().call("cudaStreamCreate", ctypes.byref(stream))
    return inputs, outputs, bindings, stream.value or 0


def _greatest_shapes(engine: ICudaEngine, profile: Optional[int]) -> dict[str, tuple[int, ...]]:
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    shapes = {name: tuple(engine.get_tensor_shape(name)) for name in names}
    if all(size >= 0 for shape in shapes.values() for size in shape):
        return shapes
    # What outputs have follows from the inputs: a context tells.
    context = engine.create_execution_context()
    context.set_optimization_profile_async(profile or 0, 0)
    for name in names:
        if engine.get_tensor_mode(name) == TensorIOMode.INPUT and min(shapes[name], default=0) < 0:
            shapes[name] = tuple(engine.get_tensor_profile_shape(name, profile or 0)[2])
            context.set_input_shape(name, shapes[name])
    for name in names:
        shapes[name] = tuple(context.get_tensor_shape(name))
        if min(shapes[name], default=0) < 0:
            raise ValueError(f"the size of output '{name}' is not known before a run: give it an "
                             "IOutputAllocator")  # fmt: skip
    return shapes


def do_inference(
    context: IExecutionContext,
    engine: ICudaEngine,
    bindings,
    inputs: list[HostDeviceMem],
    outputs: list[HostDeviceMem],
    stream: int,
) -> list[np.ndarray]:
    """Copies inputs, runs, copies outputs, waits; the outputs' arrays."""
    for memory in inputs:
        memory.copy(_TO_DEVICE, stream)
    for i, address in enumerate(bindings):
        context.set_tensor_address(engine.get_tensor_name(i), address)
    if not context.execute_async_v3(stream_handle=stream):
        raise RuntimeError("the run failed; the logger has the reason")
    for memory in outputs:
        memory.copy(_TO_HOST, stream)
    if _runtime().library:
        _runtime().call("cudaStreamSynchronize", ctypes.c_void_p(stream))
    return [memory.host for memory in outputs]


def free_buffers(inputs: list[HostDeviceMem], outputs: list[HostDeviceMem], stream: int) -> None:
    """Gives back what allocate_buffers() made."""
    for memory in [*inputs, *outputs]:
        memory.free()
    if stream:
        _runtime().call("cudaStreamDestroy", ctypes.c_void_p(stream))
