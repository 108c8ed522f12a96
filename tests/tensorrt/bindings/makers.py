"""One small network for every kind of layer, and values for each of the layer's properties."""

import numpy as np
import tensorrt_bindings as trt

F32 = np.float32


class Bench:
    """Tensors of a session's network that layers are made of."""

    def __init__(self, session):
        self.s, self.n = session, session.network
        self.x = self.n.add_input("x", trt.float32, (2, 4, 6, 6))
        self.flag = self.n.add_input("flag", trt.bool, ())

    def constant(self, *shape, value=1.0, dtype=F32):
        return self.s.constant(np.full(shape, value, dtype))

    def ints(self, *values, dtype=np.int32):
        return self.s.constant(np.array(values, dtype))

    def scalar(self, value, dtype=np.int32):
        return self.s.constant(np.array(value, dtype))

    def weights(self, *shape):
        array = np.full(shape, 0.5, F32)
        self.s.kept = getattr(self.s, "kept", []) + [array]
        return trt.Weights(array)

    def tokens(self, *shape):
        return self.constant(*shape, value=0.25)


def loop_parts(b):
    loop = b.n.add_loop()
    limit = loop.add_trip_limit(b.scalar(2), trt.TripLimit.COUNT)
    rows = loop.add_iterator(b.x)
    state = loop.add_recurrence(b.constant(4, 6, 6))
    total = b.n.add_elementwise(state.get_output(0), rows.get_output(0), trt.ElementWiseOperation.SUM)
    state.set_input(1, total.get_output(0))
    out = loop.add_loop_output(total.get_output(0), trt.LoopOutput.CONCATENATE)
    out.set_input(1, b.scalar(2))
    b.extra = out
    return loop, limit, rows, state, out


def branch_parts(b):
    branch = b.n.add_if_conditional()
    condition = branch.set_condition(b.flag)
    entry = branch.add_input(b.x)
    negative = b.n.add_unary(entry.get_output(0), trt.UnaryOperation.NEG)
    out = branch.add_output(entry.get_output(0), negative.get_output(0))
    b.extra = out
    return branch, condition, entry, out


def nms(b):
    return b.n.add_nms(b.constant(1, 3, 4), b.constant(1, 3, 2), b.scalar(2))


def resize(b):
    layer = b.n.add_resize(b.x)
    layer.shape = (2, 4, 12, 9)
    return layer


def experts(b):
    layer = b.n.add_moe(b.tokens(1, 3, 4), b.s.constant(np.zeros((1, 3, 1), np.int32)), b.tokens(1, 3, 1))
    layer.set_gated_weights(
        b.tokens(2, 4, 5), b.tokens(2, 4, 5), b.tokens(2, 5, 4), trt.MoEActType.SILU
    )
    return layer


def window(b):
    return {
        "stride_nd": [(1, 1), (2, 1)],
        "padding_nd": [(0, 0), (1, 2)],
        "pre_padding": [(1, 0), (0, 0)],
        "post_padding": [(0, 1), (0, 0)],
        "padding_mode": list(trt.PaddingMode.__members__.values()),
    }


def filters(b, kernel):
    return {
        **window(b),
        "kernel_size_nd": [(3, 3)],
        "dilation_nd": [(2, 2), (1, 1)],
        "num_output_maps": [4],
        "num_groups": [2, 1],
        "bias": [b.weights(4)],
        "kernel": [b.weights(*kernel)],
    }


def members(enumeration):
    return list(enumeration.__members__.values())


INDEX = [trt.int64, trt.int32]
REALS = [0.25, -2.0, 1.0]

# name -> (what makes the layer of a Bench, its properties' legal values)
MAKERS = {
    "activation": (
        lambda b: b.n.add_activation(b.x, trt.ActivationType.RELU),
        lambda b: {"type": members(trt.ActivationType), "alpha": REALS, "beta": REALS},
    ),
    "assertion": (
        lambda b: b.n.add_assertion(b.scalar(True, np.bool_), "fine"),
        lambda b: {"message": ["other", ""]},
    ),
    "cast": (lambda b: b.n.add_cast(b.x, trt.int32), lambda b: {"to_type": [trt.float16, trt.int32]}),
    "concatenation": (lambda b: b.n.add_concatenation([b.x, b.x]), lambda b: {"axis": [0, 3, -1]}),
    "constant": (
        lambda b: b.n.add_constant((2, 3), b.weights(2, 3)),
        lambda b: {"shape": [(3, 2), (6,)], "weights": [b.weights(6)]},
    ),
    "convolution": (
        lambda b: b.n.add_convolution_nd(b.x, 4, (3, 3), b.weights(4, 4, 3, 3)),
        lambda b: filters(b, (4, 4, 3, 3)),
    ),
    "cumulative": (
        lambda b: b.n.add_cumulative(b.x, b.scalar(1), trt.CumulativeOperation.SUM, False, False),
        lambda b: {"op": members(trt.CumulativeOperation), "exclusive": [True], "reverse": [True]},
    ),
    "deconvolution": (
        lambda b: b.n.add_deconvolution_nd(b.x, 4, (3, 3), b.weights(4, 4, 3, 3)),
        lambda b: filters(b, (4, 4, 3, 3)),
    ),
    "dequantize": (
        lambda b: b.n.add_dequantize(
            b.n.add_quantize(b.x, b.scalar(0.5, F32), trt.int8).get_output(0),
            b.scalar(0.5, F32),
            trt.float32,
        ),
        lambda b: {"axis": [0, 1], "to_type": [trt.float16, trt.float32], "block_shape": [(1, 1, 1, 6)]},
    ),
    "dynamic_quantize": (
        lambda b: b.n.add_dynamic_quantize(b.tokens(4, 32), 1, 16, trt.fp4, trt.fp8),
        lambda b: {
            "axis": [0, 1], "block_size": [32, 16], "to_type": [trt.fp8, trt.fp4],
            "scale_type": [trt.float32, trt.fp8], "block_shape": [(1, 32), (1, 16)],
        },
    ),
    "einsum": (
        lambda b: b.n.add_einsum([b.x, b.x], "abcd,abed->abce"),
        lambda b: {"equation": ["abcd,abcd->ab"]},
    ),
    "elementwise": (
        lambda b: b.n.add_elementwise(b.x, b.x, trt.ElementWiseOperation.SUM),
        lambda b: {"op": members(trt.ElementWiseOperation)},
    ),
    "fill": (
        lambda b: b.n.add_fill((4,), trt.FillOperation.LINSPACE, trt.float32),
        lambda b: {
            "shape": [(3,), (5,)], "operation": members(trt.FillOperation), "alpha": [2.0],
            "beta": [0.5], "to_type": [trt.float16, trt.float32],
        },
    ),
    "gather": (
        lambda b: b.n.add_gather(b.x, b.ints(1, 0), 1),
        lambda b: {"axis": [0, 2], "mode": members(trt.GatherMode), "num_elementwise_dims": [1, 0]},
    ),
    "grid_sample": (
        lambda b: b.n.add_grid_sample(b.x, b.tokens(2, 3, 3, 2)),
        lambda b: {
            "interpolation_mode": members(trt.InterpolationMode), "align_corners": [True, False],
            "sample_mode": [trt.SampleMode.CLAMP, trt.SampleMode.REFLECT, trt.SampleMode.FILL],
        },
    ),
    "identity": (lambda b: b.n.add_identity(b.x), lambda b: {}),
    "lrn": (
        lambda b: b.n.add_lrn(b.x, 3, 0.1, 0.75, 1.0),
        lambda b: {"alpha": [0.5], "beta": [0.5], "k": [2.0], "window_size": [5]},
    ),
    "matrix_multiply": (
        lambda b: b.n.add_matrix_multiply(b.x, trt.MatrixOperation.NONE, b.x, trt.MatrixOperation.NONE),
        lambda b: {"op0": members(trt.MatrixOperation), "op1": members(trt.MatrixOperation)},
    ),
    "moe": (
        experts,
        lambda b: {
            "activation_type": members(trt.MoEActType), "quantization_to_type": [trt.fp8],
            "quantization_block_shape": [(1, 1, 16)], "dyn_q_output_scale_type": [trt.fp8],
            "swiglu_param_limit": [2.0], "swiglu_param_alpha": [0.5], "swiglu_param_beta": [1.0],
        },
    ),
    "nms": (
        nms,
        lambda b: {
            "bounding_box_format": members(trt.BoundingBoxFormat), "topk_box_limit": [10],
            "indices_type": INDEX,
        },
    ),
    "non_zero": (lambda b: b.n.add_non_zero(b.x), lambda b: {"indices_type": INDEX}),
    "normalization": (
        lambda b: b.n.add_normalization(b.x, b.constant(1, 4, 1, 1), b.constant(1, 4, 1, 1), 0b1100),
        lambda b: {
            "axes": [0b1000, 0b1100], "epsilon": [0.5], "num_groups": [2, 1],
            "compute_precision": [trt.float16, trt.float32],
        },
    ),
    "normalization_v2": (
        lambda b: b.n.add_normalization_v2(b.x, b.constant(1, 4, 1, 1), b.constant(1, 4, 1, 1), 0b1100),
        lambda b: {"epsilon": [0.25]},
    ),
    "one_hot": (
        lambda b: b.n.add_one_hot(b.ints(0, 2), b.s.constant(np.array([0, 1], F32)), b.scalar(3), -1),
        lambda b: {"axis": [0, -1]},
    ),
    "padding": (
        lambda b: b.n.add_padding_nd(b.x, (0, 1), (1, 0)),
        lambda b: {"pre_padding_nd": [(1, 1)], "post_padding_nd": [(2, 0)]},
    ),
    "parametric_relu": (
        lambda b: b.n.add_parametric_relu(b.x, b.constant(1, 4, 1, 1)),
        lambda b: {},
    ),
    "pooling": (
        lambda b: b.n.add_pooling_nd(b.x, trt.PoolingType.MAX, (2, 2)),
        lambda b: {
            **window(b), "type": members(trt.PoolingType), "window_size_nd": [(3, 3)],
            "blend_factor": [0.25], "average_count_excludes_padding": [False, True],
        },
    ),
    "quantize": (
        lambda b: b.n.add_quantize(b.x, b.scalar(0.5, F32), trt.int8),
        lambda b: {"axis": [0, 1], "to_type": [trt.fp8, trt.int8], "block_shape": [(1, 1, 1, 6)]},
    ),
    "ragged_softmax": (
        lambda b: b.n.add_ragged_softmax(b.tokens(2, 4, 5), b.s.constant(np.full((2, 4, 1), 3, np.int32))),
        lambda b: {},
    ),
    "reduce": (
        lambda b: b.n.add_reduce(b.x, trt.ReduceOperation.SUM, 0b1100, False),
        lambda b: {
            "op": [o for o in members(trt.ReduceOperation) if o != trt.ReduceOperation.NONE],
            "axes": [1, 6], "keep_dims": [True, False],
        },
    ),
    "resize": (
        resize,
        lambda b: {
            "shape": [(2, 4, 3, 9), (2, 4, 12, 12)], "scales": [[1, 1, 2, 2]],
            "resize_mode": members(trt.InterpolationMode),
            "coordinate_transformation": members(trt.ResizeCoordinateTransformation),
            "selector_for_single_pixel": members(trt.ResizeSelector),
            "nearest_rounding": members(trt.ResizeRoundMode), "cubic_coeff": [-0.5],
            "exclude_outside": [True, False],
        },
    ),
    "reverse_sequence": (
        lambda b: b.n.add_reverse_sequence(b.x, b.ints(1, 2, 3, 4)),
        lambda b: {"batch_axis": [1], "sequence_axis": [2]},
    ),
    "rotary_embedding": (
        lambda b: b.n.add_rotary_embedding(b.x, b.tokens(2, 6, 3), b.tokens(2, 6, 3), False, 0),
        lambda b: {"interleaved": [True, False], "rotary_embedding_dim": [6, 0]},
    ),
    "scale": (
        lambda b: b.n.add_scale(b.x, trt.ScaleMode.CHANNEL, b.weights(4), b.weights(4)),
        lambda b: {
            "mode": [trt.ScaleMode.UNIFORM, trt.ScaleMode.CHANNEL], "channel_axis": [1],
            "shift": [b.weights(4)], "scale": [b.weights(4)], "power": [b.weights(4)],
        },
    ),
    "scatter": (
        lambda b: b.n.add_scatter(
            b.x, b.s.constant(np.zeros((1, 1, 1, 1), np.int32)), b.constant(1, 1, 1, 1), trt.ScatterMode.ELEMENT
        ),
        lambda b: {"axis": [1, -1], "mode": [trt.ScatterMode.ND, trt.ScatterMode.ELEMENT]},
    ),
    "select": (
        lambda b: b.n.add_select(b.constant(1, 1, 1, 1, value=1, dtype=np.bool_), b.x, b.x),
        lambda b: {},
    ),
    "shape": (lambda b: b.n.add_shape(b.x), lambda b: {}),
    "shuffle": (
        lambda b: b.n.add_shuffle(b.x),
        lambda b: {
            "reshape_dims": [(2, 144), (0, -1)], "first_transpose": [(1, 0, 2, 3)],
            "second_transpose": [(1, 0)], "zero_is_placeholder": [False, True],
        },
    ),
    "slice": (
        lambda b: b.n.add_slice(b.x, (0, 0, 0, 0), (2, 2, 2, 2), (1, 1, 1, 1)),
        lambda b: {
            "start": [(0, 1, 0, 0)], "shape": [(1, 2, 3, 4)], "stride": [(1, 1, 2, 1)],
            "mode": members(trt.SampleMode), "axes": [(0, 1, 2, 3)],
        },
    ),
    "softmax": (lambda b: b.n.add_softmax(b.x), lambda b: {"axes": [1, 8]}),
    "squeeze": (lambda b: b.n.add_squeeze(b.tokens(2, 1), b.ints(1, dtype=np.int64)), lambda b: {}),
    "topk": (
        lambda b: b.n.add_topk(b.x, trt.TopKOperation.MAX, 2, 8),
        lambda b: {
            "op": members(trt.TopKOperation), "k": [1, 3], "axes": [4, 8], "indices_type": INDEX,
        },
    ),
    "unary": (
        lambda b: b.n.add_unary(b.x, trt.UnaryOperation.EXP),
        lambda b: {"op": members(trt.UnaryOperation)},
    ),
    "unsqueeze": (lambda b: b.n.add_unsqueeze(b.x, b.ints(1, dtype=np.int64)), lambda b: {}),
    "kv_cache_update": (
        lambda b: b.n.add_kv_cache_update(b.x, b.tokens(2, 4, 2, 6), b.ints(0, 1), trt.KVCacheMode.LINEAR),
        lambda b: {"cache_mode": members(trt.KVCacheMode)},
    ),
    "attention": (
        lambda b: b.n.add_attention(b.x, b.x, b.x, trt.AttentionNormalizationOp.SOFTMAX, False),
        lambda b: {
            "name": ["attend"], "metadata": ["mine"], "causal": [True, False],
            "decomposable": [True, False], "norm_op": members(trt.AttentionNormalizationOp),
            "normalization_quantize_to_type": [trt.fp8],
        },
    ),
    "iterator": (lambda b: loop_parts(b)[2], lambda b: {"reverse": [True, False], "axis": [0]}),
    "loop_output": (lambda b: loop_parts(b)[4], lambda b: {"axis": [1, 0]}),
}
