"""Plugins: fields, the interfaces that plugins in Python implement, and those of the library."""

from __future__ import annotations

from typing import Any, NoReturn, Optional, Sequence

from . import tensorrt as _native
from ._callbacks import IVersionedInterface


def _attribute(name: str, doc: str, *default):
    """A property of the instance, which programs set; AttributeError before, without a default."""
    key = f"_{name}"

    def get(self):
        if key in self.__dict__:
            return self.__dict__[key]
        if default:
            return default[0]
        raise AttributeError(f"{type(self).__name__}.{name} is to be set before it is used")

    def put(self, value):
        self.__dict__[key] = value

    return property(get, put, doc=doc)


_FIELD_TYPES = {
    "FLOAT16": "float16",
    "FLOAT32": "float32",
    "FLOAT64": "float64",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "BF16": "uint16",
}


class FallbackString(str):
    """Text, or bytes that are text."""

    def __new__(cls, text="") -> "FallbackString":
        return super().__new__(cls, text.decode() if isinstance(text, bytes) else text)


class NodeIndices(list):
    """Indices of nodes."""


class SubGraphCollection(list):
    """Parts of a model, each with whether it is supported."""


class PluginField:
    """A parameter of a plugin. It keeps a copy of its data."""

    def __init__(
        self,
        name: str = "",
        data: Any = None,
        type: _native.PluginFieldType = _native.PluginFieldType.UNKNOWN,
        size: Optional[int] = None,
    ) -> None:
        self.name = FallbackString(name)
        self.type = type
        self.data = b"" if data is None else data
        if size is not None:
            self.size = size

    name = _attribute("name", "Its name.")
    size = _attribute("size", "How many numbers there are.")
    type = _attribute("type", "The type of the numbers.")

    @property
    def data(self):
        """The numbers, as an array."""
        import numpy

        array = numpy.frombuffer(self._bytes, _FIELD_TYPES.get(self.type.name, "int8"))
        return array[: self.size]

    @data.setter
    def data(self, data) -> None:
        view = memoryview(data.encode() if isinstance(data, str) else data)
        self.size = view.nbytes // view.itemsize
        self._bytes = view.tobytes()


class PluginFieldCollection(list):
    """Parameters of a plugin."""


class PluginFieldCollection_(PluginFieldCollection):
    """Parameters that the library hands over."""


class IPluginCapability(IVersionedInterface):
    """A part of a plugin of version 3."""

    def __init__(self) -> None:
        pass


class IPluginV3(IVersionedInterface):
    """A plugin of version 3: an object of three parts, which may be itself."""

    _kind = "PLUGIN"

    def __init__(self, other: Optional["IPluginV3"] = None) -> None:
        pass

    def get_capability_interface(self, type: "_native.PluginCapabilityType"):
        """The part of that kind, or None."""
        return self

    def clone(self) -> "IPluginV3":
        """A plugin that does the same."""
        raise NotImplementedError("IPluginV3.clone() is to be overridden")

    def destroy(self) -> None:
        """The library needs the plugin no more."""


class IPluginV3OneCore(IPluginCapability):
    """What names a plugin. Set plugin_name, plugin_version and plugin_namespace."""

    _kind = "PLUGIN_V3ONE_CORE"
    plugin_name = _attribute("plugin_name", "The name, as its creator has it.")
    plugin_version = _attribute("plugin_version", "The version, as its creator has it.")
    plugin_namespace = _attribute("plugin_namespace", "The namespace.", "")

    def __init__(self, other: Optional["IPluginV3OneCore"] = None) -> None:
        pass


class IPluginV3OneBuild(IPluginCapability):
    """What a plugin answers while an engine is built. Set num_outputs."""

    _kind = "PLUGIN_V3ONE_BUILD"
    DEFAULT_FORMAT_COMBINATION_LIMIT = 100
    num_outputs = _attribute("num_outputs", "How many outputs it has.")
    format_combination_limit = _attribute(
        "format_combination_limit", "How many combinations are timed at most.", 100
    )
    metadata_string = _attribute("metadata_string", "Text that EngineInspector shows.", None)
    timing_cache_id = _attribute("timing_cache_id", "Names timings in the cache.", None)

    def __init__(self, other: Optional["IPluginV3OneBuild"] = None) -> None:
        pass

    def get_output_data_types(self, input_types):
        """The type of each output."""
        raise NotImplementedError("IPluginV3OneBuild.get_output_data_types() is to be overridden")

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        """The shape of each output, as DimsExprs."""
        raise NotImplementedError("IPluginV3OneBuild.get_output_shapes() is to be overridden")

    def get_workspace_size(self, input_desc, output_desc) -> int:
        """Scratch bytes of enqueue()."""
        return 0

    def configure_plugin(self, input_desc, output_desc) -> None:
        """The ranges of the shapes."""

    def supports_format_combination(self, pos, in_out, num_inputs) -> bool:
        """Whether tensor `pos` may have its type and format."""
        raise NotImplementedError(
            "IPluginV3OneBuild.supports_format_combination() is to be overridden"
        )

    def get_valid_tactics(self) -> Sequence[int]:
        """The tactics to be timed."""
        return []


class IPluginV3OneBuildV2(IPluginV3OneBuild):
    """Adds outputs that share the memory of an input."""

    _version = (2, 0)

    def get_aliased_input(self, output_index: int) -> int:
        """The input whose memory an output shares; -1 for none."""
        return -1


class IPluginV3OneRuntime(IPluginCapability):
    """What a plugin does in a run. An exception is a failure."""

    _kind = "PLUGIN_V3ONE_RUNTIME"

    def __init__(self, other: Optional["IPluginV3OneRuntime"] = None) -> None:
        pass

    def on_shape_change(self, input_desc, output_desc) -> None:
        """The shapes of the runs to come."""

    def set_tactic(self, tactic: int) -> None:
        """One of get_valid_tactics(), or 0."""

    def get_fields_to_serialize(self) -> PluginFieldCollection:
        """What an engine file keeps of the plugin."""
        return PluginFieldCollection()

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream) -> None:
        """Computes outputs from inputs, which are addresses."""
        raise NotImplementedError("IPluginV3OneRuntime.enqueue() is to be overridden")

    def attach_to_context(self, resource_context) -> IPluginV3:
        """A plugin for one execution context."""
        return self.clone()


class IPluginV3QuickCore(IPluginCapability):
    """What names a quick plugin. Set plugin_name, plugin_version and plugin_namespace."""

    _kind = "PLUGIN_V3QUICK_CORE"
    plugin_name = _attribute("plugin_name", "The name, as its creator has it.")
    plugin_version = _attribute("plugin_version", "The version, as its creator has it.")
    plugin_namespace = _attribute("plugin_namespace", "The namespace.", "")

    def __init__(self, other: Optional["IPluginV3QuickCore"] = None) -> None:
        pass


class IPluginV3QuickBuild(IPluginCapability):
    """What a quick plugin answers while an engine is built. Set num_outputs."""

    _kind = "PLUGIN_V3QUICK_BUILD"
    num_outputs = _attribute("num_outputs", "How many outputs it has.")

    def __init__(self, other: Optional["IPluginV3QuickBuild"] = None) -> None:
        pass

    def get_num_outputs(self) -> int:
        """How many outputs it has."""
        return self.num_outputs

    def get_output_data_types(self, input_types, ranks):
        """The type of each output; asked for before the others."""
        raise NotImplementedError("IPluginV3QuickBuild.get_output_data_types() is to be overridden")

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        """The shape of each output, as DimsExprs."""
        raise NotImplementedError("IPluginV3QuickBuild.get_output_shapes() is to be overridden")

    def configure_plugin(self, input_desc, output_desc) -> None:
        """The ranges of the shapes."""

    def get_supported_format_combinations(self, in_out, num_inputs):
        """A PluginTensorDesc of each tensor, one combination after another."""
        raise NotImplementedError(
            "IPluginV3QuickBuild.get_supported_format_combinations() is to be overridden"
        )

    def get_aliased_input(self, output_index: int) -> int:
        """The input whose memory an output shares; -1 for none."""
        return -1

    def get_valid_tactics(self) -> Sequence[int]:
        """The tactics to be timed."""
        return []


class IPluginV3QuickAOTBuild(IPluginV3QuickBuild):
    """Adds a compiled kernel, which the plan keeps."""

    _kind = "PLUGIN_V3QUICKAOT_BUILD"

    def get_launch_params(
        self, inputs, in_out, num_inputs, launch_params, extra_args, expr_builder
    ) -> None:
        """Sets what the kernel is launched with, and its arguments between inputs and outputs."""
        raise NotImplementedError("IPluginV3QuickAOTBuild.get_launch_params() is to be overridden")

    def get_kernel(self, input_desc, output_desc):
        """The kernel's name, and PTX or a cubin."""
        raise NotImplementedError("IPluginV3QuickAOTBuild.get_kernel() is to be overridden")

    def set_tactic(self, tactic: int) -> None:
        """One of get_valid_tactics(), or 0."""


class IPluginV3QuickRuntime(IPluginCapability):
    """What a quick plugin does in a run. An exception is a failure."""

    _kind = "PLUGIN_V3QUICK_RUNTIME"

    def __init__(self, other: Optional["IPluginV3QuickRuntime"] = None) -> None:
        pass

    def set_tactic(self, tactic: int) -> None:
        """One of get_valid_tactics(), or 0."""

    def get_fields_to_serialize(self) -> PluginFieldCollection:
        """What an engine file keeps of the plugin."""
        return PluginFieldCollection()

    def enqueue(
        self, input_desc, output_desc, inputs, outputs, in_strides, out_strides, stream
    ) -> None:
        """Computes outputs from inputs, which are addresses."""
        raise NotImplementedError("IPluginV3QuickRuntime.enqueue() is to be overridden")


class ISymExpr:
    """A number that follows from shapes."""

    type = _attribute("type", "What it is.", _native.PluginArgType.INT)
    dtype = _attribute("dtype", "How wide it is.", _native.PluginArgDataType.INT32)
    expr = _attribute("expr", "The number, an IDimensionExpr.", None)

    def __init__(self) -> None:
        pass


class ISymExprs:
    """Arguments of a kernel between those of its inputs and outputs."""

    def __init__(self) -> None:
        self._all: list = []

    @property
    def nbSymExprs(self) -> int:
        """How many there are."""
        return len(self._all)

    @nbSymExprs.setter
    def nbSymExprs(self, count: int) -> None:
        self._all = (self._all + [None] * count)[:count]

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, index: int):
        return self._all[index]

    def __setitem__(self, index: int, expression) -> None:
        self._all[index] = expression


class KernelLaunchParams:
    """How many blocks and threads a kernel is launched with, and its dynamic shared memory."""

    grid_x = _attribute("grid_x", "Blocks along x.", None)
    grid_y = _attribute("grid_y", "Blocks along y.", None)
    grid_z = _attribute("grid_z", "Blocks along z.", None)
    block_x = _attribute("block_x", "Threads of a block along x.", None)
    block_y = _attribute("block_y", "Threads of a block along y.", None)
    block_z = _attribute("block_z", "Threads of a block along z.", None)
    shared_mem = _attribute("shared_mem", "Bytes of dynamic shared memory.", None)


def _refuse(plugin, call: str) -> NoReturn:
    raise NotImplementedError(f"{type(plugin).__name__}.{call}() is the library's to call")


class IPluginV2:
    """A plugin of version 2."""

    num_outputs = _attribute("num_outputs", "How many outputs it has.")
    tensorrt_version = _attribute("tensorrt_version", "The version it was made for.", 101601)
    plugin_type = _attribute("plugin_type", "The name, as its creator has it.")
    plugin_version = _attribute("plugin_version", "The version, as its creator has it.")
    plugin_namespace = _attribute("plugin_namespace", "The namespace.", "")

    def initialize(self):
        """The engine is there."""

    def terminate(self) -> None:
        """The engine goes."""

    def destroy(self) -> None:
        """The library needs the plugin no more."""

    def serialize(self) -> bytes:
        """What an engine file keeps of the plugin."""
        return b""

    @property
    def serialization_size(self) -> int:
        """The bytes of that."""
        return len(self.serialize())

    def clone(self):
        """A plugin that does the same."""
        raise NotImplementedError(f"{type(self).__name__}.clone() is to be overridden")

    def get_output_shape(self, index, input_shapes):
        """Called by the library only."""
        _refuse(self, "get_output_shape")

    def supports_format(self, dtype, format) -> bool:
        """Called by the library only."""
        _refuse(self, "supports_format")

    def configure_with_format(
        self, input_shapes, output_shapes, dtype, format, max_batch_size
    ) -> None:
        """Called by the library only."""
        _refuse(self, "configure_with_format")

    def get_workspace_size(self, max_batch_size) -> int:
        """Called by the library only."""
        _refuse(self, "get_workspace_size")

    def execute_async(self, batch_size, inputs, outputs, workspace, stream_handle) -> int:
        """Called by the library only."""
        _refuse(self, "execute_async")


class IPluginV2Ext(IPluginV2):
    """Adds types of outputs and contexts."""

    def get_output_data_type(self, index, input_types):
        """Called by the library only."""
        _refuse(self, "get_output_data_type")

    def configure_plugin(
        self,
        input_shapes,
        output_shapes,
        input_types,
        output_types,
        input_is_broadcasted,
        output_is_broacasted,
        format,
        max_batch_size,
    ) -> None:
        """Called by the library only."""
        _refuse(self, "configure_plugin")

    def attach_to_context(self, cudnn, cublas, allocator) -> None:
        """Called by the library only."""
        _refuse(self, "attach_to_context")

    def detach_from_context(self) -> None:
        """Called by the library only."""
        _refuse(self, "detach_from_context")


class IPluginV2DynamicExtBase(IPluginV2):
    """Common to plugins of version 2 with dynamic shapes."""


class IPluginV2DynamicExt(IPluginV2DynamicExtBase):
    """A plugin of version 2 with dynamic shapes."""

    FORMAT_COMBINATION_LIMIT = 100

    def __init__(self, other: Optional["IPluginV2DynamicExt"] = None) -> None:
        pass

    def initialize(self) -> None:
        """The engine is there."""

    def terminate(self) -> None:
        """The engine goes."""

    def destroy(self) -> None:
        """The library needs the plugin no more."""

    def serialize(self) -> bytes:
        """What an engine file keeps of the plugin."""
        return b""

    def get_serialization_size(self) -> int:
        """The bytes of that."""
        return len(self.serialize())

    def get_output_datatype(self, index, input_types):
        """The type of an output."""
        return input_types[0] if input_types else _native.DataType.FLOAT

    def get_output_dimensions(self, output_index, inputs, expr_builder):
        """The shape of an output, as DimsExprs."""
        raise NotImplementedError(
            "IPluginV2DynamicExt.get_output_dimensions() is to be overridden"
        )

    def get_workspace_size(self, input_desc, output_desc) -> int:
        """Scratch bytes of enqueue()."""
        return 0

    def configure_plugin(self, pos, in_out) -> None:
        """The ranges of the shapes."""

    def supports_format_combination(self, pos, in_out, num_inputs) -> bool:
        """Whether tensor `pos` may have its type and format."""
        raise NotImplementedError(
            "IPluginV2DynamicExt.supports_format_combination() is to be overridden"
        )

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream) -> None:
        """Computes outputs from inputs, which are addresses."""
        raise NotImplementedError("IPluginV2DynamicExt.enqueue() is to be overridden")

    def clone(self) -> "IPluginV2DynamicExt":
        """A plugin that does the same."""
        raise NotImplementedError("IPluginV2DynamicExt.clone() is to be overridden")


class IPluginCreatorInterface(IVersionedInterface):
    """Makes plugins."""

    name = _attribute("name", "The name of the plugins.")
    plugin_version = _attribute("plugin_version", "Their version.")
    plugin_namespace = _attribute("plugin_namespace", "Their namespace.", "")
    field_names = _attribute("field_names", "The parameters that plugins are made with.", None)

    def __init__(self) -> None:
        pass


class IPluginCreator(IPluginCreatorInterface):
    """Makes plugins of version 2. Set name, plugin_version and field_names."""

    _kind = "PLUGIN CREATOR_V1"

    def create_plugin(self, name: str, field_collection: PluginFieldCollection):
        """A plugin with these parameters, or None."""
        raise NotImplementedError("IPluginCreator.create_plugin() is to be overridden")

    def deserialize_plugin(self, name: str, serialized_plugin: bytes):
        """The plugin that serialize() wrote."""
        raise NotImplementedError("IPluginCreator.deserialize_plugin() is to be overridden")


class IPluginCreatorV3One(IPluginCreatorInterface):
    """Makes plugins of version 3. Set name, plugin_version and field_names."""

    _kind = "PLUGIN CREATOR_V3ONE"

    def create_plugin(
        self, name: str, field_collection: PluginFieldCollection, phase: "_native.TensorRTPhase"
    ):
        """A plugin with these parameters, or None."""
        raise NotImplementedError("IPluginCreatorV3One.create_plugin() is to be overridden")


class IPluginCreatorV3Quick(IPluginCreatorInterface):
    """Makes quick plugins. Set name, plugin_version and field_names."""

    _kind = "PLUGIN CREATOR_V3QUICK"

    def create_plugin(
        self,
        name: str,
        namespace: str,
        field_collection: PluginFieldCollection,
        phase: "_native.TensorRTPhase",
        quickPluginType: "_native.QuickPluginCreationRequest",
    ):
        """A plugin with these parameters, or None."""
        raise NotImplementedError("IPluginCreatorV3Quick.create_plugin() is to be overridden")


class IPluginResource(IVersionedInterface):
    """What plugins share by a key."""

    _kind = "IPluginResource"

    def __init__(self) -> None:
        pass

    def release(self) -> None:
        """Nobody needs it any more."""
        raise NotImplementedError("IPluginResource.release() is to be overridden")

    def clone(self) -> "IPluginResource":
        """One that is shared."""
        raise NotImplementedError("IPluginResource.clone() is to be overridden")


_resources: dict = {}  # key -> [resource, users]


def _acquire_resource(registry, key, resource):
    shared = _resources.get(key)
    if shared is None:
        if resource is None:
            return None
        shared = _resources[key] = [resource.clone(), 0]
    shared[1] += 1
    return shared[0]


def _release_resource(key) -> int:
    shared = _resources.get(key)
    if shared is None:
        return -1
    shared[1] -= 1
    if shared[1] == 0:
        del _resources[key]
        shared[0].release()
    return 0


class _LibraryPluginV2(IPluginV2):
    """A plugin of version 2 that is not of Python."""

    def __init__(self, plugin, owned) -> None:
        self._library_plugin, self._owned = plugin, owned
        self.num_outputs = plugin.num_outputs
        self.tensorrt_version = plugin.tensorrt_version
        self.plugin_type = plugin.plugin_type
        self.plugin_version = plugin.plugin_version
        self.plugin_namespace = plugin.plugin_namespace

    def initialize(self):
        return self._library_plugin.initialize()

    def terminate(self) -> None:
        self._library_plugin.terminate()

    def destroy(self) -> None:
        if self._owned:
            self._owned = False
            self._library_plugin.destroy()

    def serialize(self) -> bytes:
        return self._library_plugin.serialize()

    def clone(self):
        return self._library_plugin.clone()

    def get_output_shape(self, index, input_shapes):
        return self._library_plugin.get_output_shape(index, input_shapes)

    def supports_format(self, dtype, format) -> bool:
        return self._library_plugin.supports_format(dtype, format)

    def configure_with_format(
        self, input_shapes, output_shapes, dtype, format, max_batch_size
    ) -> None:
        self._library_plugin.configure_with_format(
            input_shapes, output_shapes, dtype, format, max_batch_size
        )

    def get_workspace_size(self, max_batch_size) -> int:
        return self._library_plugin.get_workspace_size(max_batch_size)

    def execute_async(self, batch_size, inputs, outputs, workspace, stream_handle) -> int:
        return self._library_plugin.execute_async(
            batch_size, inputs, outputs, workspace, stream_handle
        )

    def __del__(self) -> None:
        self.destroy()


class _LibraryPluginV3(IPluginV3):
    """A plugin of version 3 that is not of Python."""

    def __init__(self, plugin) -> None:
        self._library_plugin = plugin

    def __getattr__(self, name: str):
        """plugin_name, num_outputs ...: it is its own parts."""
        if name[0] != "_" and name in (facts := self._library_plugin.facts()):
            return facts[name]
        raise AttributeError(f"a plugin of the library has no attribute '{name}'")

    def clone(self):
        return self._library_plugin.clone()


class _LibraryCreatorV2(IPluginCreator):
    """A creator that is not of Python."""

    def create_plugin(self, name, field_collection):
        return self._library_creator.create_v2(name, field_collection)

    def deserialize_plugin(self, name, serialized_plugin):
        return self._library_creator.deserialize_v2(name, serialized_plugin)


class _LibraryCreatorV3(IPluginCreatorV3One):
    """A creator that is not of Python."""

    def create_plugin(self, name, field_collection, phase):
        return self._library_creator.create_v3(name, field_collection, phase)


def _creator(cls, native, name, version, namespace, fields):
    creator = cls()
    creator._library_creator = native
    creator.name, creator.plugin_version = name, version
    creator.plugin_namespace, creator.field_names = namespace, fields
    return creator


def _library_creator_v2(*facts):
    return _creator(_LibraryCreatorV2, *facts)


def _library_creator_v3(*facts):
    return _creator(_LibraryCreatorV3, *facts)


_library_plugin_v2 = _LibraryPluginV2
_library_plugin_v3 = _LibraryPluginV3
