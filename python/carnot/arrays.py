"""Arrays on their way to Carnot and back: NumPy, DLPack, and types that NumPy lacks."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from .errors import Error

# Types of the package ml_dtypes, which NumPy cannot hand over by itself.
_FOREIGN = {
    "bfloat16": "bf16",
    "float8_e4m3fn": "f8e4m3",
    "float8_e4m3fnuz": "f8e4m3uz",
    "float8_e5m2": "f8e5m2",
    "float8_e5m2fnuz": "f8e5m2uz",
    "float8_e8m0fnu": "f8e8m0",
}
_BACK = {name: foreign for foreign, name in _FOREIGN.items()}
_NUMPY = {
    "f64": np.float64,
    "f32": np.float32,
    "f16": np.float16,
    "i64": np.int64,
    "i32": np.int32,
    "i16": np.int16,
    "i8": np.int8,
    "u64": np.uint64,
    "u32": np.uint32,
    "u16": np.uint16,
    "u8": np.uint8,
    "bool": np.bool_,
}


def outgoing(array: Any) -> tuple[Any, str]:
    """The array as the native module takes it, and the name of its type where that is needed."""
    if isinstance(array, (int, float, bool, list, tuple, np.generic)):
        array = np.asarray(array)
    if isinstance(array, np.ndarray):
        if not array.flags.c_contiguous:
            array = np.ascontiguousarray(array)
        if name := _FOREIGN.get(array.dtype.name):
            return array.view(f"u{array.dtype.itemsize}"), name
    return array, ""


def writable(array: Any, name: str) -> tuple[Any, str]:
    """As outgoing(), of an array that a result is written to: it is never a copy."""
    is_array = isinstance(array, np.ndarray)
    if array.flags.c_contiguous if is_array else hasattr(array, "__dlpack__"):
        return outgoing(array)
    raise Error(
        "invalid argument",
        f"output {name!r} cannot be written to "
        + ("an array whose elements do not follow one another" if is_array else f"a {type(array).__name__}")
        + "; give an array of numpy.empty(), or leave it out to get a new one",
    )


def incoming(array: np.ndarray, dtype: str, shape: list[int]) -> np.ndarray:
    """An array of the native module with its own type, where Python has one."""
    if foreign := _BACK.get(dtype):
        try:
            import ml_dtypes
        except ImportError:
            return array  # its bits
        return array.view(getattr(ml_dtypes, foreign))
    return array


def numpy_type(dtype: str) -> Optional[np.dtype]:
    """NumPy's type of elements that Carnot calls `dtype`; None where there is none."""
    return np.dtype(_NUMPY[dtype]) if dtype in _NUMPY else None
