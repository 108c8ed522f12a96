"""Plugins as decorated functions: what it computes (`register`), which types and formats it takes
(`autotune`), its code (`impl`). `op.<namespace>.<name>(tensors, attributes)` gives what
INetworkDefinition.add_plugin() adds."""

from __future__ import annotations

import inspect
import math
import types
import typing
from typing import Callable, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

import tensorrt as trt

__path__: List[str] = []  # a package: programs look whether it has certain modules (PyTorch-TensorRT)

__all__ = [
    "AutoTuneCombination", "KernelLaunchParams", "Shape", "ShapeExpr", "ShapeExprs",
    "SizeTensorDesc", "SizeTensorShapeExpr", "SymExprs", "SymInt32", "SymIntExpr", "SymIntExprs",
    "Tensor", "TensorDesc", "aot_impl", "autotune", "cdiv", "from_shape_expr", "impl", "max", "min", "op", "register",
    "size_tensor",
]  # fmt: skip

_OPERATION = trt.DimensionOperation


class SymIntExpr:
    """A size as an expression; a fake one where sizes do not matter yet."""

    _builder: Optional[trt.IExprBuilder] = None  # while shapes are computed

    def __init__(self, value=None):
        self._number = value if isinstance(value, int) else None
        self._made = value if isinstance(value, trt.IDimensionExpr) else None
        if isinstance(value, SymIntExpr):
            self._number, self._made = value._number, value._made

    @property
    def _expr(self):
        if self._made is None and self._number is not None and SymIntExpr._builder:
            self._made = SymIntExpr._builder.constant(self._number)
        return self._made

    @property
    def is_fake(self) -> bool:
        """Whether it is no size, because shapes are not being computed."""
        return self._expr is None and self._number is None

    @property
    def is_size_tensor(self) -> bool:
        """Whether an output of the plugin tells it."""
        return False

    @property
    def is_constant(self) -> bool:
        """Whether it is known. RuntimeError for fakes."""
        if self.is_fake:
            raise RuntimeError("a fake expression has no value: ask is_fake first")
        return self._number is not None or self._expr.is_constant()

    def constant_value(self) -> int:
        """The number that it is. RuntimeError where it is none."""
        if not self.is_constant:
            raise RuntimeError("the expression is no constant: ask is_constant first")
        return self._number if self._number is not None else self._expr.get_constant_value()

    def _op(self, operation, other) -> "SymIntExpr":
        other = other if isinstance(other, SymIntExpr) else ShapeExpr(int(other))
        if self.is_size_tensor or other.is_size_tensor:
            raise ValueError("there is no arithmetic on sizes that a run tells")
        if self._expr is None or other._expr is None:
            return type(self)()
        return type(self)(SymIntExpr._builder.operation(operation, self._expr, other._expr))

    def __add__(self, other):
        return self._op(_OPERATION.SUM, other)

    def __sub__(self, other):
        return self._op(_OPERATION.SUB, other)

    def __mul__(self, other):
        return self._op(_OPERATION.PROD, other)

    def __floordiv__(self, other):
        return self._op(_OPERATION.FLOOR_DIV, other)

    def __eq__(self, other):
        return self._op(_OPERATION.EQUAL, other)

    def __lt__(self, other):
        return self._op(_OPERATION.LESS, other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self.constant_value())

    def __repr__(self) -> str:
        known = not self.is_fake and self.is_constant
        return f"{type(self).__name__}[{self.constant_value() if known else 'fake' if self.is_fake else '?'}]"


class SymInt32(SymIntExpr):
    """An expression of 32 bits."""


class ShapeExpr(SymInt32):
    """The size of one dimension."""


class SizeTensorShapeExpr(ShapeExpr):
    """A size that an output of the plugin tells."""

    def __init__(self, desc: "SizeTensorDesc"):
        super().__init__()
        self._desc = desc

    @property
    def _expr(self):
        if SymIntExpr._builder is None:
            return None
        opt, bound = self._desc.opt._expr, self._desc.upper_bound._expr
        return SymIntExpr._builder.declare_size_tensor(self._desc.index, opt, bound)

    @property
    def is_size_tensor(self) -> bool:
        return True


class SymExprs(list):
    """Several expressions."""


class SymIntExprs(SymExprs):
    """Several expressions of integers."""

    def __init__(self, length_or_items: Union[int, Iterable]):
        many = isinstance(length_or_items, int)
        super().__init__([None] * length_or_items if many else length_or_items)

    @classmethod
    def from_tuple(cls, items):
        """Of expressions and numbers."""
        return cls([i if isinstance(i, SymIntExpr) else ShapeExpr(int(i)) for i in items])


class ShapeExprs(SymIntExprs):
    """A shape of expressions; fake ones where only their number is given."""

    def __init__(self, length_or_items):
        super().__init__(length_or_items)
        self[:] = [ShapeExpr() if i is None else i for i in self]

    def __setitem__(self, index, value):
        if isinstance(index, int) and isinstance(value, int):
            value = ShapeExpr(value)
        super().__setitem__(index, value)

    def numel(self) -> ShapeExpr:
        """The number of elements."""
        out = ShapeExpr(1)
        for size in self:
            out = out * size
        return out


class Shape(tuple):
    """Sizes; -1 for those that differ from run to run, whose ranges are min, opt and max."""

    min = opt = max = ()

    def __new__(cls, sizes=()):
        dynamic = isinstance(sizes, trt.DynamicPluginTensorDesc)
        out = super().__new__(cls, sizes.desc.dims if dynamic else getattr(sizes, "dims", sizes))
        if dynamic:
            out.min, out.opt, out.max = tuple(sizes.min), tuple(sizes.opt), tuple(sizes.max)
        return out

    @property
    def is_dynamic(self) -> bool:
        """Whether some size differs from run to run."""
        return -1 in self

    def numel(self) -> int:
        """The number of elements."""
        if self.is_dynamic:
            raise ValueError("the shape differs from run to run")
        return math.prod(self)


class TensorDesc:
    """What is known of a tensor of a plugin while an engine is built."""

    is_size_tensor = False

    def __init__(self, shape_expr=None, dtype=None, format=None, scale=None):
        self.shape_expr, self.dtype, self.format, self.scale = shape_expr, dtype, format, scale
        self.shape: Optional[Shape] = None
        self._aliased: Optional[TensorDesc] = None

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape_expr)

    @property
    def has_shape(self) -> bool:
        """Whether `shape` is there."""
        return self.shape is not None

    @property
    def has_shape_expr(self) -> bool:
        """Whether `shape_expr` is there."""
        return self.shape_expr is not None

    @property
    def is_dynamic(self) -> bool:
        """Whether some size differs from run to run."""
        return self.shape is None or self.shape.is_dynamic

    @property
    def is_aliased(self) -> bool:
        """Whether it shares an input's memory."""
        return self._aliased is not None

    def numel(self) -> int:
        """The number of elements."""
        return self.shape.numel()

    def like(self) -> "TensorDesc":
        """Another tensor of this shape and type."""
        return TensorDesc(ShapeExprs(self.shape_expr), self.dtype, self.format, self.scale)

    def aliased(self) -> "TensorDesc":
        """The same, in this tensor's memory."""
        out = self.like()
        out._aliased = self
        return out

    def get_aliased(self) -> Optional["TensorDesc"]:
        """The input whose memory it shares, or None."""
        return self._aliased


class SizeTensorDesc(TensorDesc):
    """A scalar output that tells a size."""

    is_size_tensor = True

    def __init__(self, opt: ShapeExpr, upper_bound: ShapeExpr):
        super().__init__(ShapeExprs(0), trt.int32)
        self.opt, self.upper_bound, self.index = opt, upper_bound, -1

    def expr(self) -> SizeTensorShapeExpr:
        """That size."""
        return SizeTensorShapeExpr(self)


class Tensor:
    """A tensor in a run: an array for what knows __cuda_array_interface__ (torch, CuPy) or, on the
    CPU, for NumPy."""

    def __init__(self, desc, address: int, strides, stream: int):
        self.shape, self.dtype, self.format = Shape(desc), desc.type, desc.format
        self.scale, self.data_ptr, self.strides = desc.scale, address, tuple(strides)
        self._stream = stream
        self._aliased: Optional[Tensor] = None

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def is_data_dependent(self) -> bool:
        """Whether the run tells its shape: see aliased()."""
        return self.shape.is_dynamic

    @property
    def is_aliased(self) -> bool:
        """Whether it shares another tensor's memory."""
        return self._aliased is not None

    def get_aliased(self) -> Optional["Tensor"]:
        """The tensor whose memory it shares, or None."""
        return self._aliased

    def numel(self) -> int:
        """The number of elements."""
        return self.shape.numel()

    def aliased(self, shape=None) -> "Tensor":
        """The same memory with another shape."""
        out = Tensor.__new__(Tensor)
        out.__dict__.update(self.__dict__)
        out._aliased = self
        if shape is not None:
            out.shape = Shape(shape)
            out.strides = _strides(out.shape, trt.TensorFormat.LINEAR)
        return out

    def _interface(self):
        dtype = np.dtype(trt.nptype(self.dtype))
        strides = tuple(s * dtype.itemsize for s in self.strides)
        return {
            "shape": tuple(self.shape), "typestr": dtype.str, "version": 3, "strides": strides,
            "data": (self.data_ptr, False),
        }  # fmt: skip

    @property
    def __cuda_array_interface__(self):
        return {**self._interface(), "stream": self._stream or None}

    @property
    def __array_interface__(self):
        if self._stream:  # the null stream of a GPU is not 0 to a plugin
            raise AttributeError("the tensor is in a GPU's memory")
        return self._interface()


_VECTORS = {"CHW2": 2, "CHW4": 4, "CHW16": 16, "CHW32": 32, "CDHW32": 32, "HWC": 1, "DHWC": 1,
            "HWC8": 8, "HWC16": 16, "DHWC8": 8}  # fmt: skip


def _strides(shape, format) -> Tuple[int, ...]:
    """Steps in elements, of which a format with vectors has one for several channels."""
    vector = _VECTORS.get(format.name, 0)
    order = list(range(len(shape)))
    channels = len(shape) - (4 if "D" in format.name else 3) if vector else -1
    if vector and format.name.endswith(tuple("HWC" + n for n in ("", "8", "16"))):
        order.append(order.pop(channels))
    out, step = [0] * len(shape), 1
    for axis in reversed(order):
        out[axis] = step
        step *= -(-shape[axis] // vector) if axis == channels and vector else shape[axis]
    return tuple(out)


def cdiv(first, second) -> ShapeExpr:
    """first / second, rounded up."""
    return _expression(first)._op(_OPERATION.CEIL_DIV, second)


def max(first, second) -> ShapeExpr:
    """The greater one."""
    return _expression(first)._op(_OPERATION.MAX, second)


def min(first, second) -> ShapeExpr:
    """The lesser one."""
    return _expression(first)._op(_OPERATION.MIN, second)


def _expression(value) -> SymIntExpr:
    known = isinstance(value, (SymIntExpr, trt.IDimensionExpr))
    return value if isinstance(value, SymIntExpr) else ShapeExpr(value if known else int(value))


def size_tensor(opt: ShapeExpr, upper_bound: ShapeExpr) -> SizeTensorDesc:
    """An output that tells a size, which is at most upper_bound."""
    return SizeTensorDesc(opt, upper_bound)


def from_shape_expr(shape_expr, dtype) -> TensorDesc:
    """A tensor of this shape and type."""
    return TensorDesc(ShapeExprs(ShapeExprs.from_tuple(shape_expr)), dtype)


class AutoTuneCombination:
    """Types and formats that a plugin takes: "FP32|FP16, FP32|FP16" go together, "FP32*FP16" is
    free."""

    def __init__(self, io_types: Optional[str] = None, layouts: str = "LINEAR", tactics=None):
        self._types: List[Optional[str]] = []
        self._layouts: List[Optional[str]] = []
        self._tactics = list(tactics or [])
        if io_types is not None:
            self._types = [t.strip() for t in io_types.split(",")]
            given = [t.strip() for t in (layouts or "LINEAR").split(",")]
            self._layouts = given * len(self._types) if len(given) == 1 else given
            if len(self._layouts) != len(self._types):
                raise ValueError(f"{len(self._types)} types and {len(self._layouts)} layouts")

    def pos(self, pos: Union[int, Iterable[int]], io_types: str, layouts: str = "LINEAR") -> None:
        """The same for tensors by their positions, inputs first."""
        for at in [pos] if isinstance(pos, int) else pos:
            while at >= len(self._types):
                self._types.append(None)
                self._layouts.append(None)
            if self._types[at] is not None:
                raise ValueError(f"types of position {at} are there already")
            self._types[at], self._layouts[at] = io_types, layouts

    def tactics(self, tactics: Iterable[int]) -> None:
        """Positive numbers, of which one is given to the code."""
        self._tactics = list(tactics)

    def _all(self):
        return [
            ([_data_type(t) for t in row], [getattr(trt.TensorFormat, f) for f in formats])
            for row in _spread(self._types)
            for formats in _spread(self._layouts)
        ]


def _data_type(name: str):
    return {"FP32": trt.DataType.FLOAT, "FP16": trt.DataType.HALF}.get(name) or getattr(
        trt.DataType, name
    )


def _spread(columns: Sequence[str]) -> List[List[str]]:
    """Rows of "A|B, A|B, C*D": what stands with | goes together, what stands with * is free."""
    together = [len(c.split("|")) for c in columns if "|" in c]
    if any("|" in c and "*" in c for c in columns) or len(set(together)) > 1:
        raise ValueError(f"{', '.join(columns)} mixes | and *, or has lists of different lengths")
    rows: List[List[str]] = [[] for _ in range(together[0] if together else 1)]
    for column in columns:
        if "|" in column:
            choices = [c.strip() for c in column.split("|")]
            rows = [row + [choices[i % len(choices)]] for i, row in enumerate(rows)]
    taken = [c for c in columns if "|" in c]
    out: List[List[str]] = []
    for row in rows:
        free: List[List[str]] = [[]]
        for column in columns:
            fixed = "|" in column
            choices = [row[taken.index(column)]] if fixed else [c.strip() for c in column.split("*")]
            free = [f + [c] for f in free for c in choices]
        out += free
    return out


_FIELDS = {
    int: ("int64", trt.PluginFieldType.INT64),
    float: ("float64", trt.PluginFieldType.FLOAT64),
    bool: ("int8", trt.PluginFieldType.INT8),
    "float16": ("float16", trt.PluginFieldType.FLOAT16),
    "float32": ("float32", trt.PluginFieldType.FLOAT32),
    "float64": ("float64", trt.PluginFieldType.FLOAT64),
    "int8": ("int8", trt.PluginFieldType.INT8),
    "bool": ("int8", trt.PluginFieldType.INT8),
    "int16": ("int16", trt.PluginFieldType.INT16),
    "int32": ("int32", trt.PluginFieldType.INT32),
    "int64": ("int64", trt.PluginFieldType.INT64),
}


class _Definition:
    """A plugin's functions."""

    def __init__(self, plugin_id: str, function: Callable):
        self.id, self.register = plugin_id, function
        self.autotune = self.code = self.compiled = None
        hints = typing.get_type_hints(function)
        names = list(inspect.signature(function).parameters)
        self.attributes = {n: hints[n] for n in names if hints.get(n) is not TensorDesc}
        self.operands = [n for n in names if n not in self.attributes]
        self.results = len(_tuple(hints.get("return"))) or 1

    def field(self, name: str, value) -> trt.PluginField:
        """An attribute as a plugin's field."""
        if isinstance(value, str):
            return trt.PluginField(name, value.encode(), trt.PluginFieldType.CHAR)
        if isinstance(value, bytes):
            return trt.PluginField(name, value, trt.PluginFieldType.UNKNOWN)
        known = value.dtype.name if isinstance(value, np.ndarray) else type(value)
        dtype, kind = _FIELDS[known]
        return trt.PluginField(name, np.atleast_1d(np.asarray(value, dtype)), kind)

    def value(self, field: trt.PluginField):
        """An attribute of a field."""
        kind = self.attributes[field.name]
        if kind is str:
            return field.data.tobytes().decode()
        if kind is bytes:
            return field.data.tobytes()
        if kind in (int, float, bool):
            return kind(field.data[0])
        arguments = typing.get_args(kind)  # numpy.typing.NDArray[...]
        dtype = typing.get_args(arguments[1])[0] if len(arguments) > 1 else field.data.dtype
        return np.array(field.data).astype(dtype)

    def make(self, attributes: dict, aot: Optional[bool] = None):
        """A plugin: of its code, or where `aot` or there is none, of its compiled kernel."""
        compiled = aot or (aot is None and self.code is None)
        if (self.compiled if compiled else self.code) is None:
            raise ValueError(f"{self.id} has no {'aot_impl' if compiled else 'impl'}")
        return (_Compiled if compiled else _Called)(self, attributes)

    def __call__(self, *tensors, **attributes):
        if len(tensors) != len(self.operands) or set(attributes) != set(self.attributes):
            raise ValueError(
                f"{self.id} takes {len(self.operands)} tensors and the attributes "
                f"{', '.join(self.attributes) or 'none'}, each by its name"
            )

        def create(aot: Optional[bool] = None):
            return list(tensors), [], self.make(attributes, aot)

        return create


def _tuple(hint) -> tuple:
    return typing.get_args(hint) if typing.get_origin(hint) is tuple else ()


class _Plugin(trt.IPluginV3):
    """What both kinds of plugins do."""

    def __init__(self, definition: _Definition, attributes: dict):
        for base in type(self).__bases__:
            if base is not _Plugin:
                base.__init__(self)
        trt.IPluginV3.__init__(self)
        self.plugin_namespace, self.plugin_name = definition.id.split("::")
        self.plugin_version, self.num_outputs = "1", definition.results
        self._definition, self._attributes = definition, attributes
        self._ranks: List[int] = []
        self._aliases = [-1] * definition.results
        self._types: list = []
        self._rows: list = []
        self._chosen = None
        self._tactic = 0

    def get_capability_interface(self, type):
        return self

    def clone(self) -> "_Plugin":
        out = type(self)(self._definition, self._attributes)
        keep = {k: v for k, v in self.__dict__.items() if not k.startswith("_native")}
        out.__dict__.update(keep)
        return out

    def _describe(self, operands: Sequence[TensorDesc]) -> Tuple[TensorDesc, ...]:
        results = self._definition.register(*operands, **self._attributes)
        results = results if isinstance(results, tuple) else (results,)
        for i, result in enumerate(results):
            if isinstance(result, SizeTensorDesc):
                result.index = i
        return results

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        SymIntExpr._builder = expr_builder
        try:
            self._ranks = [len(sizes) for sizes in inputs]
            operands = [TensorDesc(ShapeExprs([ShapeExpr(d) for d in s])) for s in inputs]
            results = self._describe(operands)
            self._aliases = [
                operands.index(r.get_aliased()) if r.is_aliased else -1 for r in results
            ]
            return [trt.DimsExprs([e._expr for e in r.shape_expr]) for r in results]
        finally:
            SymIntExpr._builder = None

    def _described(self, input_types):
        operands = [TensorDesc(ShapeExprs(r), t) for r, t in zip(self._ranks, input_types)]
        return operands, self._describe(operands)

    def get_aliased_input(self, output_index: int) -> int:
        return self._aliases[output_index]

    def _combinations(self, in_out, num_inputs):
        linear = [trt.TensorFormat.LINEAR] * len(self._types)
        if self._definition.autotune is None:
            return [(self._types, linear, [])]
        operands, results = self._described(self._inputs)
        for desc, given in zip([*operands, *results], in_out):
            desc.shape, desc.format, desc.scale = Shape(given), given.desc.format, given.desc.scale
        chosen = _call(self._definition.autotune, operands, self._attributes, outputs=results)
        rows = [(t, f, c._tactics) for c in chosen for t, f in c._all()]
        return rows or [(self._types, linear, [])]

    def configure_plugin(self, input_desc, output_desc) -> None:
        every = [*input_desc, *output_desc]
        self._chosen = ([d.desc.type for d in every], [d.desc.format for d in every])

    def get_valid_tactics(self):
        found = [n for t, f, tactics in self._rows if (t, f) == self._chosen for n in tactics]
        return list(dict.fromkeys(found))

    def set_tactic(self, tactic: int) -> None:
        self._tactic = tactic

    def _typed(self, input_types):
        self._inputs = list(input_types)
        types = [result.dtype for result in self._described(input_types)[1]]
        self._types = list(input_types) + types
        return types


class _Called(_Plugin, trt.IPluginV3OneCore, trt.IPluginV3OneBuildV2, trt.IPluginV3OneRuntime):
    """A plugin whose code is a function."""

    def get_output_data_types(self, input_types):
        return self._typed(input_types)

    def supports_format_combination(self, pos, in_out, num_inputs) -> bool:
        if pos == 0:
            self._rows = self._combinations(in_out, num_inputs)
        has = [(d.desc.type, d.desc.format) for d in in_out[: pos + 1]]
        return any(list(zip(t, f))[: pos + 1] == has for t, f, _ in self._rows)

    def get_fields_to_serialize(self):
        fields = [self._definition.field(n, v) for n, v in self._attributes.items()]
        return trt.PluginFieldCollection(fields)

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream) -> None:
        def tensors(descs, addresses):
            return [
                Tensor(d, a, _strides(tuple(d.dims), d.format), stream)
                for d, a in zip(descs, addresses)
            ]

        operands, results = tensors(input_desc, inputs), tuple(tensors(output_desc, outputs))
        for result, source in zip(results, self._aliases):
            if source >= 0:
                result._aliased = operands[source]
        run = {"outputs": results, "stream": stream, "tactic": self._tactic}
        _call(self._definition.code, operands, self._attributes, **run)


class _Compiled(_Plugin, trt.IPluginV3QuickCore, trt.IPluginV3QuickAOTBuild):
    """A plugin whose code is a compiled kernel, which a function gives."""

    def get_capability_interface(self, type):
        return self if type != trt.PluginCapabilityType.RUNTIME else None

    def get_output_data_types(self, input_types, ranks):
        self._ranks = list(ranks)
        return self._typed(input_types)

    def get_supported_format_combinations(self, in_out, num_inputs):
        self._rows = self._combinations(in_out, num_inputs)
        out = []
        for types_of_row, formats, _ in self._rows:
            for dtype, layout in zip(types_of_row, formats):
                desc = trt.PluginTensorDesc()
                desc.type, desc.format = dtype, layout
                out.append(desc)
        return out

    def get_launch_params(
        self, inputs, in_out, num_inputs, launch_params, extra_args, expr_builder
    ) -> None:
        SymIntExpr._builder = expr_builder
        try:
            operands = [TensorDesc(ShapeExprs([ShapeExpr(d) for d in s])) for s in inputs]
            results = self._describe(operands)
            for desc, given in zip([*operands, *results], in_out):
                desc.dtype, desc.shape = given.desc.type, Shape(given)
                desc.format, desc.scale = given.desc.format, given.desc.scale
            others = {"outputs": results, "tactic": self._tactic}
            made = _call(self._definition.compiled, operands, self._attributes, **others)
            name, image, launch, extra = made
            self._kernel = (name, image)
            for key in KernelLaunchParams._NUMBERS:
                setattr(launch_params, key, _argument(getattr(launch, key)))
            extra_args.nbSymExprs = len(extra)
            for i, value in enumerate(extra):
                extra_args[i] = _argument(value)
        finally:
            SymIntExpr._builder = None

    def get_kernel(self, input_desc, output_desc):
        return self._kernel


class KernelLaunchParams:
    """How many blocks and threads a kernel is launched with, and its dynamic shared memory in
    bytes: expressions or numbers."""

    _NUMBERS = ("grid_x", "grid_y", "grid_z", "block_x", "block_y", "block_z", "shared_mem")

    def __init__(
        self, grid_x=1, grid_y=1, grid_z=1, block_x=1, block_y=1, block_z=1, shared_mem=0
    ):
        self.grid_x, self.grid_y, self.grid_z = grid_x, grid_y, grid_z
        self.block_x, self.block_y, self.block_z = block_x, block_y, block_z
        self.shared_mem = shared_mem


def _argument(value) -> trt.ISymExpr:
    """An expression as the library takes it."""
    out = trt.ISymExpr()
    out.expr = _expression(value)._expr
    return out


def _call(function: Callable, operands, attributes, **others):
    """With those of the named arguments that the function has."""
    names = list(inspect.signature(function).parameters)[len(operands) :]
    given = {**attributes, **others}
    return function(*operands, **{n: given[n] for n in names})


class _Creator(trt.IPluginCreatorV3One):
    def __init__(self, definition: _Definition):
        trt.IPluginCreatorV3One.__init__(self)
        self.plugin_namespace, self.name = definition.id.split("::")
        self.plugin_version, self._definition = "1", definition
        kinds = []
        for name, hint in definition.attributes.items():
            arguments = typing.get_args(hint)
            array = len(arguments) > 1
            known = np.dtype(typing.get_args(arguments[1])[0]).name if array else hint
            kind = _FIELDS[known][1] if known in _FIELDS else trt.PluginFieldType.CHAR
            kinds.append(trt.PluginField(name, b"", kind))
        self.field_names = trt.PluginFieldCollection(kinds)

    def create_plugin(self, name, field_collection, phase):
        values = {f.name: self._definition.value(f) for f in field_collection}
        return self._definition.make(values)


_definitions: dict = {}
op = types.ModuleType("tensorrt.plugin.op", "The registered plugins, by namespace and name.")


def register(plugin_id: str, lazy_register: bool = False) -> Callable:
    """The function tells the outputs' shapes and types of a plugin "namespace::name"."""
    space, separator, name = plugin_id.partition("::")
    if not separator or not space.isidentifier() or not name.isidentifier():
        raise ValueError(f"'{plugin_id}' is not of the form namespace::name")

    def take(function: Callable) -> Callable:
        if plugin_id in _definitions:
            raise ValueError(f"{plugin_id} is registered already")
        definition = _definitions[plugin_id] = _Definition(plugin_id, function)
        if not hasattr(op, space):
            setattr(op, space, types.ModuleType(f"tensorrt.plugin.op.{space}"))
        setattr(getattr(op, space), name, definition)
        trt.get_plugin_registry().register_creator(_Creator(definition), space)
        return function

    return take


def _part(name: str, what: str) -> Callable[[str], Callable]:
    def decorate(plugin_id: str) -> Callable:
        def take(function: Callable) -> Callable:
            if plugin_id not in _definitions:
                raise ValueError(f"{plugin_id} is not registered: register() comes first")
            setattr(_definitions[plugin_id], name, function)
            return function

        return take

    decorate.__doc__ = what
    return decorate


impl = _part("code", "The function computes the outputs, on a stream.")
autotune = _part("autotune", "The function gives the types and formats that the plugin takes.")
aot_impl = _part("compiled", "The function gives a compiled kernel, its launch and its arguments.")
