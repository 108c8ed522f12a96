"""TensorRT's Python interface on Carnot: calls of versions 7 to 11, on CPUs and GPUs."""

from __future__ import annotations

import sys as _sys
import warnings as _warnings
from typing import TYPE_CHECKING, Iterable

from . import tensorrt
from . import _callbacks, _plugins

__version__ = "10.16.1.11"


def _publish(module) -> None:
    """What a module defines becomes part of the native module, where TensorRT has it."""
    for name, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__ and name[0] != "_":
            value.__module__ = tensorrt.__name__
            setattr(tensorrt, name, value)


_publish(_callbacks)
_publish(_plugins)
tensorrt._set_callback_classes(tensorrt)

from .tensorrt import *  # noqa: E402, F401, F403

if TYPE_CHECKING:
    from ._callbacks import *  # noqa: F403
    from ._plugins import *  # noqa: F403
    from .tensorrt import DataType

float32 = tensorrt.DataType.FLOAT
float16 = tensorrt.DataType.HALF
bfloat16 = tensorrt.DataType.BF16
int8 = tensorrt.DataType.INT8
int32 = tensorrt.DataType.INT32
int64 = tensorrt.DataType.INT64
bool = tensorrt.DataType.BOOL
uint8 = tensorrt.DataType.UINT8
fp8 = tensorrt.DataType.FP8
int4 = tensorrt.DataType.INT4
fp4 = tensorrt.DataType.FP4
e8m0 = tensorrt.DataType.E8M0

# As versions 7 and 8 called them.
ResizeMode = tensorrt.InterpolationMode
SliceMode = tensorrt.SampleMode


def volume(iterable: Iterable[int]) -> int:
    """The product of the sizes of a shape; 1 for a scalar."""
    product = 1
    for size in iterable:
        product *= size
    return product


_NUMPY_NAMES = {
    float32: "float32",
    float16: "float16",
    int8: "int8",
    int32: "int32",
    int64: "int64",
    bool: "bool_",
    uint8: "uint8",
}
_BITS = {
    float32: 32,
    float16: 16,
    bfloat16: 16,
    int8: 8,
    int32: 32,
    int64: 64,
    bool: 8,
    uint8: 8,
    fp8: 8,
    int4: 4,
    fp4: 4,
    e8m0: 8,
}


def nptype(trt_type: DataType) -> type:
    """NumPy's type of the same elements; TypeError where it has none."""
    import numpy

    if trt_type not in _NUMPY_NAMES:
        raise TypeError(f"NumPy has no type for {trt_type}; its elements can be cast to float32")
    return getattr(numpy, _NUMPY_NAMES[trt_type])


def _itemsize(trt_type: DataType) -> float:
    """Bytes of an element; half a byte where two share one."""
    bits = _BITS[trt_type]
    return bits // 8 if bits % 8 == 0 else bits / 8


tensorrt.DataType.itemsize = property(_itemsize)


def _items(self):
    return (self[i] for i in range(len(self)))


tensorrt.INetworkDefinition.__iter__ = _items
tensorrt.ICudaEngine.__iter__ = _items


def _enter(self):
    _warnings.warn(
        "`with` has no effect on objects of TensorRT: they are freed when nothing refers to them",
        DeprecationWarning,
        stacklevel=2,
    )
    return self


def _exit(self, exc_type, exc_value, traceback):
    pass


for _class in (
    tensorrt.ILogger,
    tensorrt.ICudaEngine,
    tensorrt.IExecutionContext,
    tensorrt.Runtime,
    tensorrt.IHostMemory,
    tensorrt.Builder,
    tensorrt.INetworkDefinition,
    tensorrt.OnnxParser,
    tensorrt.IBuilderConfig,
    tensorrt.ITimingCache,
    tensorrt.Refitter,
    tensorrt.EngineInspector,
):
    _class.__enter__ = _enter
    _class.__exit__ = _exit
del _class
