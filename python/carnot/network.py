"""Network: what is to be computed, from an ONNX model or operation by operation."""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np

from . import native
from .arrays import incoming, outgoing

Value = native.Value
Model = Union[str, "os.PathLike[str]", bytes, "Network"]
Shapes = Mapping[str, Sequence[int]]

# Functions of elements: what Network.pointwise() is most often asked for.
_FUNCTIONS = {
    "relu": "max($0, 0.0:f32)",
    "sigmoid": "sigmoid($0)",
    "tanh": "tanh($0)",
    "exp": "exp($0)",
    "neg": "neg($0)",
    "abs": "abs($0)",
    "sqrt": "sqrt($0)",
    "add": "add($0, $1)",
    "sub": "sub($0, $1)",
    "mul": "mul($0, $1)",
    "div": "div($0, $1)",
    "max": "max($0, $1)",
    "min": "min($0, $1)",
}


class Network:
    """Values and operations. Build it with carnot.build(); it can be built again."""

    def __init__(self) -> None:
        self._model = native.Model()

    @classmethod
    def from_onnx(cls, model: Union[str, "os.PathLike[str]", bytes], shapes: Shapes = {}) -> Network:
        """Reads an ONNX model: a file's path, or its bytes. `shapes` pins sizes of inputs; -1
        leaves a size as the model has it."""
        given = {name: [int(size) for size in shape] for name, shape in shapes.items()}
        network = cls.__new__(cls)
        if isinstance(model, (bytes, bytearray, memoryview)):
            network._model = native.Model.from_bytes(bytes(model), given)
        else:
            network._model = native.Model.from_file(os.fspath(model), given)
        return network

    @classmethod
    def from_text(cls, text: str) -> Network:
        """Reads what to_text() writes (docs/languages.md)."""
        network = cls.__new__(cls)
        network._model = native.Model.from_text(text)
        return network

    def to_text(self) -> str:
        """The network, readable."""
        return self._model.to_text()

    def input(self, name: str, shape: Sequence[Union[int, str]], dtype: str = "f32") -> Value:
        """An input. A size that may differ from run to run is a name: ("n", 3, 224, 224)."""
        return self._model.add_input(name, dtype, list(shape))

    def constant(self, array: Any) -> Value:
        """Numbers; arrays are used where they are, and kept."""
        return self._model.add_constant(*outgoing(array))

    def add(self, operation: str, *inputs: Any, **attributes: Any) -> Any:
        """Adds an operation (carnot.operations() lists them): its result, or a list of them.

        Inputs that are no values become constants. Attributes are those of the operation in
        carnot/op_structs.h: `add("softmax", x, axis=-1)`.
        """
        values = [v if isinstance(v, Value) else self.constant(v) for v in inputs]
        results = self._model.add(operation, values, attributes)
        return results[0] if len(results) == 1 else results

    def pointwise(self, function: str, *inputs: Any) -> Value:
        """A function of elements, by name ("relu", "add") or as text: "max(add($0, $1), 0.0:f32)"."""
        return self.add("pointwise", *inputs, body=_FUNCTIONS.get(function, function))

    def output(self, value: Value, name: Optional[str] = None) -> Value:
        """Makes a value an output."""
        self._model.mark_output(value, name if name is not None else value.name)
        return value

    @property
    def inputs(self) -> list[tuple[str, str, list]]:
        """(name, dtype, shape) of each input."""
        return self._model.inputs()

    @property
    def outputs(self) -> list[tuple[str, str, list]]:
        """(name, dtype, shape) of each output."""
        return self._model.outputs()

    def reference(self, *inputs: Any, **named: Any) -> dict[str, np.ndarray]:
        """The results by the definition of each operation: slow, and what engines are compared
        with. Inputs in their order, or by name."""
        arrays = list(inputs) or [named[name] for name, _, _ in self.inputs]
        results = self._model.reference([outgoing(array) for array in arrays])
        names = [name for name, _, _ in self.outputs]
        return {name: incoming(*result) for name, result in zip(names, results)}

    def __repr__(self) -> str:
        def listed(tensors):
            return ", ".join(f"{n}: {t}{s}" for n, t, s in tensors)

        return f"<carnot.Network ({listed(self.inputs)}) -> ({listed(self.outputs)})>"


def as_network(model: Model, shapes: Shapes = {}) -> Network:
    """The network itself, or the one of an ONNX model."""
    return model if isinstance(model, Network) else Network.from_onnx(model, shapes)
