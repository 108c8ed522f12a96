"""add_* calls that cannot be: None, and an error that names the call, in the log and the recorder."""

import unittest

import numpy as np
import tensorrt_bindings as trt

from .makers import Bench
from .support import Recorder, Session

NOTHING = trt.Weights(trt.float32)
A, E, S = trt.ActivationType, trt.ElementWiseOperation, trt.ScatterMode


def bad_calls(b):
    """(what is wrong, the call)."""
    n, x = b.n, b.x
    small = b.weights(3)
    return {
        "a size of -2": lambda: n.add_input("a", trt.float32, (-2,)),
        "a name that is taken": lambda: n.add_input("x", trt.float32, (1,)),
        "a type that is none": lambda: n.add_input("a", trt.DataType(99), (1,)),
        "an activation that is none": lambda: n.add_activation(x, A(99)),
        "an even window": lambda: n.add_lrn(x, 4, 1, 1, 1),
        "a huge window": lambda: n.add_lrn(x, 2**31 - 1, 1, 1, 1),
        "a scale mode that is none": lambda: n.add_scale(x, trt.ScaleMode(9), small),
        "nothing to concatenate": lambda: n.add_concatenation([]),
        "an elementwise operation that is none": lambda: n.add_elementwise(x, x, E(99)),
        "a unary operation that is none": lambda: n.add_unary(x, trt.UnaryOperation(-1)),
        "a reduction that is none": lambda: n.add_reduce(x, trt.ReduceOperation(77), 1, False),
        "a reduction for collectives": lambda: n.add_reduce(x, trt.ReduceOperation.NONE, 1, False),
        "a top of -1": lambda: n.add_topk(x, trt.TopKOperation.MAX, -1, 1),
        "float indices": lambda: n.add_topk(x, trt.TopKOperation.MAX, 1, 1, trt.float32),
        "a gather mode that is none": lambda: n.add_gather_v2(x, x, trt.GatherMode(5)),
        "a matrix operation that is none": lambda: n.add_matrix_multiply(
            x, trt.MatrixOperation(7), x, trt.MatrixOperation.NONE
        ),
        "too few weights": lambda: n.add_constant((2, 3), small),
        "weights of 2**80 elements": lambda: n.add_constant((2**40, 2**40), small),
        "a negative size": lambda: n.add_constant((-3,), small),
        "a cast to no type": lambda: n.add_cast(x, trt.DataType(77)),
        "slices of different ranks": lambda: n.add_slice(x, (0, 0), (1, 1, 1), (1, 1)),
        "a kernel of one axis": lambda: n.add_convolution_nd(x, 4, (3,), small),
        "no output maps": lambda: n.add_convolution_nd(x, 0, (3, 3), small),
        "-1 output maps": lambda: n.add_deconvolution_nd(x, -1, (3, 3), small),
        "a window of four axes": lambda: n.add_pooling_nd(x, trt.PoolingType.MAX, (2, 2, 2, 2)),
        "a pooling that is none": lambda: n.add_pooling_nd(x, trt.PoolingType(9), (2, 2)),
        "padding of three axes": lambda: n.add_padding_nd(x, (1, 1, 1), (1, 1, 1)),
        "a fill that is none": lambda: n.add_fill((2,), trt.FillOperation(9), trt.float32),
        "a scatter that is none": lambda: n.add_scatter(x, x, x, S(9)),
        "an equation of nothing": lambda: n.add_einsum([], "->"),
        "float indices of non-zeros": lambda: n.add_non_zero(x, trt.float16),
        "no axes": lambda: n.add_normalization(x, x, x, 0),
        "no axes either": lambda: n.add_normalization_v2(x, x, x, 0),
        "a quantized type that is none": lambda: n.add_quantize(x, x, trt.DataType(50)),
        "a dequantized type that is none": lambda: n.add_dequantize(x, x, trt.DataType(50)),
        "blocks of no elements": lambda: n.add_dynamic_quantize(x, 1, 0, trt.fp4, trt.fp8),
        "an odd rotation": lambda: n.add_rotary_embedding(x, x, x, False, 3),
        "a cache mode that is none": lambda: n.add_kv_cache_update(x, x, x, trt.KVCacheMode(4)),
        "attention of no kind": lambda: n.add_attention(x, x, x, trt.AttentionNormalizationOp(6), False),
        "a sum that is none": lambda: n.add_cumulative(x, x, trt.CumulativeOperation(3), False, False),
        "an exchange with nobody": lambda: n.add_dist_collective(
            x, trt.CollectiveOperation.ALL_REDUCE, trt.ReduceOperation.SUM, -1, None
        ),
    }


class Refusals(unittest.TestCase):
    def test_calls_that_cannot_be(self):
        s = Session()
        b = Bench(s)
        s.network.error_recorder = recorder = Recorder()
        for what, call in bad_calls(b).items():
            with self.subTest(what):
                before, layers = recorder.num_errors(), s.network.num_layers
                try:
                    made = call()
                except ValueError:
                    continue  # a module whose enumerations have no such values
                self.assertIsNone(made)
                self.assertEqual(recorder.num_errors(), before + 1)
                self.assertRegex(s.log.errors()[-1], r"^INetworkDefinition::\w+: Error Code \d+: ")
                self.assertEqual(s.network.num_layers, layers)

    def test_nothing_is_no_tensor(self):
        s = Session()
        b = Bench(s)
        for call in (
            lambda: b.n.add_identity(None),
            lambda: b.n.add_elementwise(b.x, None, E.SUM),
            lambda: b.n.add_concatenation([b.x, None]),
            lambda: b.n.add_einsum([None], "i->i"),
            lambda: b.n.mark_output(None),
            lambda: b.n.add_identity(b.x).set_input(0, None),
        ):
            with self.assertRaises((TypeError, RuntimeError)):
                if call() is None:
                    raise RuntimeError("refused")

    def test_indices_that_are_nowhere(self):
        s = Session()
        b = Bench(s)
        layer = b.n.add_identity(b.x)
        for i in (-1, 1, 2**31 - 1):
            self.assertIsNone(layer.get_input(i))
            self.assertIsNone(layer.get_output(i))
            layer.set_input(i, b.x)
            self.assertIn("has no input", s.log.errors()[-1])
            layer.set_output_type(i, trt.float16)
            self.assertIn("there is no output", s.log.errors()[-1])
        for get in (b.n.get_layer, b.n.get_input, b.n.get_output):
            self.assertIsNone(get(99))
            self.assertIsNone(get(-1))

    def test_what_only_the_build_sees(self):
        """Layers whose inputs do not fit: the shape says so, and the build, naming the layer."""
        for what, make in {
            "axis 9": lambda b: b.n.add_gather(b.x, b.ints(0), 9),
            "rank": lambda b: b.n.add_matrix_multiply(
                b.ints(1), trt.MatrixOperation.NONE, b.x, trt.MatrixOperation.NONE
            ),
            "types": lambda b: b.n.add_elementwise(b.ints(1), b.constant(1), E.SUM),
            "branches": lambda b: b.n.add_select(b.constant(1, dtype=np.bool_), b.ints(1), b.constant(1)),
            "twice": lambda b: b.n.add_squeeze(b.tokens(1, 1), b.ints(0, 0)),
        }.items():
            with self.subTest(what):
                s = Session()
                b = Bench(s)
                b.n.mark_output(make(b).get_output(0))
                self.assertIsNone(s.builder.build_serialized_network(s.network, s.config))
                self.assertIn("layer '(Unnamed Layer*", s.log.errors()[-1])
                self.assertIn("Error Code", s.log.errors()[-1])


if __name__ == "__main__":
    unittest.main()
