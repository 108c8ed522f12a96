"""Plugins by NVIDIA's decorators: their package `tensorrt.plugin`, unmodified, over our libraries."""

import sys
import unittest
from typing import List, Tuple, Union

import numpy as np
import onnx
import tensorrt_bindings as trt
from onnx import TensorProto

from . import memory
from .support import Session, model

sys.modules.setdefault("tensorrt", trt)  # as NVIDIA's package of this name does

import tensorrt.plugin as trtp  # noqa: E402

RNG = np.random.default_rng(11)
# numpy.typing.NDArray is no class in every version of NumPy, and NVIDIA's package asks for one.
INTEGERS = np.ndarray[Tuple[int, ...], np.dtype[np.int32]]


def put(tensor, values):
    """Writes the elements of a plugin's tensor."""
    memory.write(tensor.data_ptr, np.asarray(values, trt.nptype(tensor.dtype)))


def shape_of(tensor):
    return [int(d) for d in tensor.shape]


@trtp.register("quick::wrap")
def wrap_register(inp0: trtp.TensorDesc, pads: INTEGERS) -> trtp.TensorDesc:
    out = inp0.like()
    out.shape_expr[1] += int(pads[0] + pads[1])
    return out


@trtp.autotune("quick::wrap")
def wrap_autotune(
    inp0: trtp.TensorDesc, outputs: Tuple[trtp.TensorDesc]
) -> List[trtp.AutoTuneCombination]:
    chosen = trtp.AutoTuneCombination()
    chosen.pos([0, 1], "FP32")
    chosen.tactics([3, 4])
    return [chosen]




@trtp.impl("quick::wrap")
def wrap_impl(
    inp0: trtp.Tensor,
    pads: INTEGERS,
    outputs: Tuple[trtp.Tensor],
    stream: int,
    tactic: int,
) -> None:
    assert tactic in (3, 4)
    rows, columns = shape_of(inp0)
    assert tuple(inp0.strides) == (columns, 1)
    x = memory.read(inp0.data_ptr, (rows, columns))
    put(outputs[0], np.pad(x, [(0, 0), tuple(pads)], mode="wrap"))


@trtp.register("quick::nonzero")
def nonzero_register(inp0: trtp.TensorDesc) -> Tuple[trtp.TensorDesc, trtp.TensorDesc]:
    bound = inp0.shape_expr[0] * inp0.shape_expr[1]
    size = trtp.size_tensor(bound // 2, bound)
    size.dtype = trt.int64
    return trtp.from_shape_expr((size.expr(), 2), dtype=trt.int32), size


@trtp.autotune("quick::nonzero")
def nonzero_autotune(inp0, outputs) -> List[trtp.AutoTuneCombination]:
    return [trtp.AutoTuneCombination("FP32, INT32, INT64")]


@trtp.impl("quick::nonzero")
def nonzero_impl(inp0, outputs, stream) -> None:
    found = np.argwhere(memory.read(inp0.data_ptr, shape_of(inp0)))
    put(outputs[0], found)
    put(outputs[1], [len(found)])


@trtp.register("quick::compiled")
def compiled_register(inp0: trtp.TensorDesc) -> trtp.TensorDesc:
    return inp0.like()


@trtp.aot_impl("quick::compiled")
def compiled_aot(
    inp0: trtp.TensorDesc, outputs: Tuple[trtp.TensorDesc], tactic: int
) -> Tuple[
    Union[str, bytes], Union[str, bytes], trtp.KernelLaunchParams, trtp.SymExprs
]:
    launch = trtp.KernelLaunchParams()
    launch.grid_x = trtp.cdiv(inp0.shape_expr.numel(), 128)
    launch.block_x = 128
    arguments = trtp.SymIntExprs(1)
    arguments[0] = trtp.SymInt32(inp0.shape_expr.numel())
    return "double_it", "// PTX", launch, arguments


class QuickPluginTest(unittest.TestCase):
    def test_code_that_is_called(self):
        session = Session()
        x = session.network.add_input("x", trt.float32, (2, 5))
        pads = np.array([2, 1], np.int32)
        layer = session.network.add_plugin(trtp.op.quick.wrap(x, pads=pads), aot=False)
        self.assertIsInstance(layer.plugin, trt.IPluginV3)
        self.assertEqual(tuple(layer.get_output(0).shape), (2, 8))
        layer.get_output(0).name = "y"
        session.network.mark_output(layer.get_output(0))
        x = RNG.random((2, 5), np.float32)
        wanted = np.pad(x, [(0, 0), (2, 1)], mode="wrap")
        np.testing.assert_array_equal(session.run({"x": x})["y"], wanted)

    def test_a_size_that_the_run_tells(self):
        session = Session()
        x = session.network.add_input("x", trt.float32, (4, 6))
        layer = session.network.add_plugin(trtp.op.quick.nonzero(x))
        doubled = session.network.add_elementwise(
            layer.get_output(0), layer.get_output(0), trt.ElementWiseOperation.SUM
        ).get_output(0)
        count = layer.get_output(1)
        count.name = "count"
        session.network.mark_output(count)
        total = session.network.add_reduce(doubled, trt.ReduceOperation.SUM, 3, False).get_output(0)
        total.name = "total"
        session.network.mark_output(total)
        x = (RNG.random((4, 6)) > 0.6).astype(np.float32)
        results = session.run({"x": x})
        self.assertEqual(results["count"], np.count_nonzero(x))
        self.assertEqual(results["total"], 2 * np.argwhere(x).sum())

    def test_a_model_names_it(self):
        node = onnx.helper.make_node(
            "wrap", ["x"], ["y"], domain="mine", pads=[1, 1], plugin_namespace="quick"
        )
        x = RNG.random((2, 3), np.float32)
        trtp.op.quick.wrap  # registered with its first use, or by register()
        session = Session()
        trtp.op.quick.wrap(
            session.network.add_input("other", trt.float32, (2, 3)), pads=np.array([0, 0], np.int32)
        )
        session = Session()
        done = session.parse(
            model([node], {"x": (TensorProto.FLOAT, [2, 3])}, {"y": (TensorProto.FLOAT, None)})
        )
        self.assertTrue(done, session.log.errors())
        wanted = np.pad(x, [(0, 0), (1, 1)], mode="wrap")
        np.testing.assert_array_equal(session.run({"x": x})["y"], wanted)

    def test_compiled_kernels_want_a_gpu(self):
        session = Session()
        x = session.network.add_input("x", trt.float32, (2, 5))
        layer = session.network.add_plugin(trtp.op.quick.compiled(x), aot=True)
        layer.get_output(0).name = "y"
        session.network.mark_output(layer.get_output(0))
        plan = session.builder.build_serialized_network(session.network, session.config)
        engine = trt.Runtime(session.log).deserialize_cuda_engine(plan)
        self.assertIsNone(engine.create_execution_context())
        why = "double_it" if memory.CUDA else "compiled ahead of time, for a GPU"
        self.assertIn(why, session.log.errors()[-1])
