"""Networks by hand: every add_* call, its results beside numpy's."""

import math
import unittest

import numpy as np
import tensorrt_bindings as trt

from .support import Session

RNG = np.random.default_rng(3)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def result(build, feeds, flags=0):
    """Runs the network that `build` makes of a session and its inputs; results in order."""
    s = Session(flags)
    inputs = {}
    for name, array in feeds.items():
        kinds = {"float32": trt.float32, "int32": trt.int32, "int64": trt.int64, "bool": trt.bool}
        inputs[name] = s.network.add_input(name, kinds[array.dtype.name], array.shape)
    outputs = build(s, **inputs)
    for i, tensor in enumerate(outputs if isinstance(outputs, (list, tuple)) else [outputs]):
        tensor.name = f"out{i}"
        s.network.mark_output(tensor)
    got = s.run(feeds)
    return [got[f"out{i}"] for i in range(len(got))]


def out(layer, index=0):
    if layer is None:
        raise AssertionError("the layer was refused")
    return layer.get_output(index)


class Layers(unittest.TestCase):
    def check(self, build, feeds, *want, rtol=1e-4, atol=1e-5):
        got = result(build, feeds)
        self.assertEqual(len(got), len(want))
        for g, w in zip(got, want):
            w = np.asarray(w)
            self.assertEqual(g.shape, w.shape)
            np.testing.assert_allclose(g.astype(np.float64), w.astype(np.float64), rtol, atol)

    def test_activations(self):
        x = floats(2, 3, 4)
        A = trt.ActivationType
        sigmoid = 1 / (1 + np.exp(-x))
        erf = np.vectorize(math.erf)
        cases = {
            A.RELU: np.maximum(x, 0),
            A.SIGMOID: sigmoid,
            A.TANH: np.tanh(x),
            A.LEAKY_RELU: np.where(x >= 0, x, x * 0.3),
            A.ELU: np.where(x >= 0, x, 0.3 * (np.exp(x) - 1)),
            A.SELU: 0.7 * np.where(x > 0, x, 0.3 * np.exp(x) - 0.3),
            A.SOFTSIGN: x / (1 + np.abs(x)),
            A.SOFTPLUS: 0.3 * np.log(1 + np.exp(0.7 * x)),
            A.CLIP: np.clip(x, 0.3, 0.7),
            A.HARD_SIGMOID: np.clip(0.3 * x + 0.7, 0, 1),
            A.SCALED_TANH: 0.3 * np.tanh(0.7 * x),
            A.THRESHOLDED_RELU: np.where(x > 0.3, x, 0),
            A.GELU_ERF: 0.5 * x * (1 + erf(x / math.sqrt(2))),
            A.GELU_TANH: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        }

        def build(s, x):
            outputs = []
            for kind in cases:
                layer = s.network.add_activation(x, kind)
                layer.alpha, layer.beta = 0.3, 0.7
                self.assertEqual(layer.type, kind)
                self.assertAlmostEqual(layer.alpha, 0.3, 6)
                self.assertAlmostEqual(layer.beta, 0.7, 6)
                outputs.append(out(layer))
            return outputs

        self.check(build, {"x": x}, *cases.values())

    def test_elementwise(self):
        a, b = floats(2, 3), np.abs(floats(1, 3)) + 0.5
        E = trt.ElementWiseOperation
        cases = {
            E.SUM: a + b,
            E.PROD: a * b,
            E.MAX: np.maximum(a, b),
            E.MIN: np.minimum(a, b),
            E.SUB: a - b,
            E.DIV: a / b,
            E.FLOOR_DIV: np.floor(a / b),
            E.EQUAL: a == b,
            E.GREATER: a > b,
            E.LESS: a < b,
        }

        def build(s, a, b):
            layers = [s.network.add_elementwise(a, b, op) for op in cases]
            self.assertEqual([layer.op for layer in layers], list(cases))
            power = s.network.add_elementwise(b, b, E.POW)
            bits = [s.network.add_elementwise(out(layers[8]), out(layers[9]), op) for op in (E.AND, E.OR, E.XOR)]
            return [out(layer) for layer in [*layers, power, *bits]]

        gt, lt = a > b, a < b
        self.check(build, {"a": a, "b": b}, *cases.values(), b**b, gt & lt, gt | lt, gt ^ lt)

    def test_unary(self):
        x = np.abs(floats(4)) * 0.4 + 0.2
        U = trt.UnaryOperation
        cases = {
            U.EXP: np.exp(x), U.LOG: np.log(x), U.SQRT: np.sqrt(x), U.RECIP: 1 / x,
            U.ABS: np.abs(x), U.NEG: -x, U.SIN: np.sin(x), U.COS: np.cos(x), U.TAN: np.tan(x),
            U.SINH: np.sinh(x), U.COSH: np.cosh(x), U.ASIN: np.arcsin(x), U.ACOS: np.arccos(x),
            U.ATAN: np.arctan(x), U.ASINH: np.arcsinh(x), U.ATANH: np.arctanh(x),
            U.CEIL: np.ceil(x), U.FLOOR: np.floor(x), U.ERF: np.vectorize(math.erf)(x),
            U.SIGN: np.sign(x), U.ROUND: np.round(x), U.ISINF: np.isinf(x), U.ISNAN: np.isnan(x),
        }  # fmt: skip
        x = np.clip(x, 0, 0.9).astype(np.float32)
        fixed = {k: v for k, v in cases.items()}
        for kind, f in {U.ASIN: np.arcsin, U.ACOS: np.arccos, U.ATANH: np.arctanh}.items():
            fixed[kind] = f(x)

        def build(s, x):
            layers = [s.network.add_unary(x, op) for op in (U.ASIN, U.ACOS, U.ATANH, U.EXP, U.ROUND)]
            nan = s.network.add_unary(x, U.ISNAN)
            return [out(layer) for layer in [*layers, nan, s.network.add_unary(out(nan), U.NOT)]]

        self.check(
            build, {"x": x}, np.arcsin(x), np.arccos(x), np.arctanh(x), np.exp(x), np.round(x),
            np.isnan(x), ~np.isnan(x),
        )  # fmt: skip

        def rest(s, x):
            return [out(s.network.add_unary(x, op)) for op in cases]

        want = {**{k: None for k in cases}}
        functions = {
            U.EXP: np.exp, U.LOG: np.log, U.SQRT: np.sqrt, U.RECIP: np.reciprocal, U.ABS: np.abs,
            U.NEG: np.negative, U.SIN: np.sin, U.COS: np.cos, U.TAN: np.tan, U.SINH: np.sinh,
            U.COSH: np.cosh, U.ASIN: np.arcsin, U.ACOS: np.arccos, U.ATAN: np.arctan,
            U.ASINH: np.arcsinh, U.ATANH: np.arctanh, U.CEIL: np.ceil, U.FLOOR: np.floor,
            U.ERF: np.vectorize(math.erf), U.SIGN: np.sign, U.ROUND: np.round,
            U.ISINF: np.isinf, U.ISNAN: np.isnan,
        }  # fmt: skip
        want = {k: functions[k](x) for k in cases}
        self.check(rest, {"x": x}, *want.values())

    def test_convolution_and_pooling(self):
        x, w, b = floats(1, 4, 7, 7), floats(6, 2, 3, 3), floats(6)

        def build(s, x):
            s.keep = (w, b)
            conv = s.network.add_convolution_nd(x, 6, (3, 3), trt.Weights(w), trt.Weights(b))
            conv.num_groups, conv.stride_nd, conv.padding_nd = 2, (2, 2), (1, 1)
            self.assertEqual((conv.num_output_maps, conv.num_groups), (6, 2))
            self.assertEqual(tuple(conv.get_output(0).shape), (1, 6, 4, 4))
            pool = s.network.add_pooling_nd(out(conv), trt.PoolingType.MAX, (2, 2))
            average = s.network.add_pooling_nd(out(conv), trt.PoolingType.AVERAGE, (2, 2))
            self.assertEqual(tuple(pool.stride_nd), (1, 1))
            pool.stride_nd = average.stride_nd = (2, 2)
            return [out(conv), out(pool), out(average)]

        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        y = np.zeros((1, 6, 4, 4), np.float32)
        for k in range(6):
            part = padded[0, (k // 3) * 2 : (k // 3) * 2 + 2]
            for i in range(4):
                for j in range(4):
                    window = part[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
                    y[0, k, i, j] = (window * w[k]).sum() + b[k]
        blocks = y.reshape(1, 6, 2, 2, 2, 2)
        self.check(build, {"x": x}, y, blocks.max((3, 5)), blocks.mean((3, 5)))

    def test_axes_before_the_channels(self):
        """They are one batch: a window of two axes over five."""
        x, w = floats(2, 3, 2, 5, 5), floats(4, 2, 3, 3)

        def build(s, x):
            conv = s.network.add_convolution_nd(x, 4, (3, 3), trt.Weights(w))
            pool = s.network.add_pooling_nd(x, trt.PoolingType.MAX, (2, 2))
            self.assertEqual(tuple(out(conv).shape), (2, 3, 4, 3, 3))
            return [out(conv), out(pool)]

        windows = np.lib.stride_tricks.sliding_window_view
        y = np.einsum("abchwij,kcij->abkhw", windows(x, (3, 3), (3, 4)), w)
        self.check(build, {"x": x}, y, windows(x, (2, 2), (3, 4)).max((5, 6)))

    def test_einsum_of_any_axes_and_without_a_result(self):
        a, b = floats(2, 3, 4), floats(4, 5)

        def build(s, a, b):
            n = s.network
            return [out(n.add_einsum([a, b], e)) for e in ("...j,jk->k...", "hij,jk", "...j,jk")]

        self.check(build, {"a": a, "b": b}, *[np.einsum(e, a, b) for e in
                                             ("...j,jk->k...", "hij,jk", "...j,jk")])

    def test_layers_name_themselves(self):
        x, n = floats(2, 4), trt.Builder(trt.Logger(trt.Logger.ERROR)).create_network(0)
        x = n.add_input("x", trt.float32, x.shape)
        layers = [n.add_softmax(x), n.add_non_zero(x), n.add_resize(x), n.add_identity(x)]
        self.assertEqual([layer.get_output(0).name for layer in layers],
                         [f"(Unnamed Layer* {i}) [{kind}]_output" for i, kind in
                          enumerate(("Softmax", "NonZero", "Resize", "Identity"))])

    def test_deconvolution(self):
        x, w = floats(1, 2, 3, 3), floats(2, 3, 2, 2)

        def build(s, x):
            s.keep = w
            d = s.network.add_deconvolution_nd(x, 3, (2, 2), trt.Weights(w))
            d.stride_nd = (2, 2)
            return out(d)

        want = np.einsum("nchw,ckij->nkhiwj", x, w).reshape(1, 3, 6, 6)
        self.check(build, {"x": x}, want)

    def test_scale_lrn_softmax_reduce(self):
        x = floats(2, 4, 3, 3)
        scale, shift = floats(4), floats(4)

        def build(s, x):
            s.keep = (scale, shift)
            n = s.network
            scaled = n.add_scale(x, trt.ScaleMode.CHANNEL, trt.Weights(shift), trt.Weights(scale))
            soft = n.add_softmax(x)
            self.assertEqual(soft.axes, 2)
            total = n.add_reduce(x, trt.ReduceOperation.AVG, 0b1100, True)
            lrn = n.add_lrn(x, 3, 0.1, 0.75, 1.0)
            return [out(layer) for layer in (scaled, soft, total, lrn)]

        e = np.exp(x - x.max(1, keepdims=True))
        squares = np.pad(x**2, ((0, 0), (1, 1), (0, 0), (0, 0)))
        sums = squares[:, :4] + squares[:, 1:5] + squares[:, 2:]
        self.check(
            build,
            {"x": x},
            x * scale.reshape(4, 1, 1) + shift.reshape(4, 1, 1),
            e / e.sum(1, keepdims=True),
            x.mean((2, 3), keepdims=True),
            x / (1 + 0.1 / 3 * sums) ** 0.75,
        )

    def test_matrix_multiply_einsum_topk(self):
        a, b = floats(2, 3, 4), floats(2, 5, 4)
        M = trt.MatrixOperation

        def build(s, a, b):
            n = s.network
            product = n.add_matrix_multiply(a, M.NONE, b, M.TRANSPOSE)
            einsum = n.add_einsum([a, b], "bij,bkj->bik")
            best = n.add_topk(a, trt.TopKOperation.MAX, 2, 1 << 2)
            return [out(product), out(einsum), out(best), out(best, 1)]

        want = a @ b.transpose(0, 2, 1)
        order = np.argsort(-a, -1)[..., :2]
        self.check(build, {"a": a, "b": b}, want, want, np.take_along_axis(a, order, -1), order)

    def test_shuffle_slice_concatenation(self):
        x = floats(2, 3, 4)

        def build(s, x):
            n = s.network
            shuffle = n.add_shuffle(x)
            shuffle.first_transpose = (2, 0, 1)
            shuffle.reshape_dims = (0, -1)
            shuffle.second_transpose = (1, 0)
            slices = n.add_slice(x, (0, 2, 1), (2, 2, 2), (1, -1, 2))
            filled = n.add_slice(x, (0, -1, 0), (2, 5, 4), (1, 1, 1))
            filled.mode = trt.SampleMode.FILL
            clamped = n.add_slice(x, (0, -1, 0), (2, 5, 4), (1, 1, 1))
            clamped.mode = trt.SampleMode.CLAMP
            concat = n.add_concatenation([x, x])
            concat.axis = 2
            return [out(layer) for layer in (shuffle, slices, filled, clamped, concat)]

        self.check(
            build,
            {"x": x},
            x.transpose(2, 0, 1).reshape(4, 6).T,
            x[:, 2:0:-1, 1::2],
            np.pad(x, ((0, 0), (1, 1), (0, 0))),
            np.pad(x, ((0, 0), (1, 1), (0, 0)), mode="edge"),
            np.concatenate([x, x], 2),
        )

    def test_gather_scatter(self):
        x = floats(4, 3)
        index = np.array([[0, 2], [3, 3]], np.int32)

        def build(s, x, i):
            n = s.network
            rows = n.add_gather(x, i, 0)
            pairs = s.constant(np.array([[0, 2], [3, 1]], np.int32))
            nd = n.add_gather_v2(x, pairs, trt.GatherMode.ND)
            where = s.constant(np.array([[1, 0, 3]], np.int32))
            element = n.add_gather_v2(x, where, trt.GatherMode.ELEMENT)
            updates = s.constant(np.array([[7, 8, 9]], np.float32))
            scattered = n.add_scatter(x, where, updates, trt.ScatterMode.ELEMENT)
            return [out(layer) for layer in (rows, nd, element, scattered)]

        scattered = x.copy()
        scattered[[1, 0, 3], [0, 1, 2]] = [7, 8, 9]
        self.check(
            build,
            {"x": x, "i": index},
            x[index],
            x[[0, 3], [2, 1]],
            x[[[1, 0, 3]], [[0, 1, 2]]],
            scattered,
        )

    def test_small_ones(self):
        x = floats(2, 1, 4)

        def build(s, x):
            n = s.network
            slope = s.constant(np.full((1, 1, 1), 0.2, np.float32))
            where = n.add_elementwise(x, s.constant(np.zeros((1, 1, 1), np.float32)), trt.ElementWiseOperation.GREATER)
            axes = s.constant(np.array([1], np.int64))
            axis = s.constant(np.array(2, np.int32))
            return [
                out(n.add_identity(x)),
                out(n.add_cast(x, trt.int32)),
                out(n.add_parametric_relu(x, slope)),
                out(n.add_select(out(where), x, slope)),
                out(n.add_shape(x)),
                out(n.add_squeeze(x, axes)),
                out(n.add_unsqueeze(x, axes)),
                out(n.add_cumulative(x, axis, trt.CumulativeOperation.SUM, False, False)),
                out(n.add_padding_nd(x, (0, 1), (0, 2))),
            ]

        self.check(
            build,
            {"x": x},
            x,
            x.astype(np.int32),
            np.where(x >= 0, x, 0.2 * x),
            np.where(x > 0, x, np.float32(0.2)),
            np.array(x.shape),
            x.reshape(2, 4),
            x.reshape(2, 1, 1, 4),
            x.cumsum(2),
            np.pad(x, ((0, 0), (0, 0), (1, 2))),
        )

    def test_resize_and_grid_sample(self):
        x = floats(1, 1, 2, 2)
        grid = np.zeros((1, 1, 1, 2), np.float32)

        def build(s, x, g):
            up = s.network.add_resize(x)
            up.scales = [1, 1, 2, 2]
            to = s.network.add_resize(x)
            to.shape = (1, 1, 4, 4)
            to.resize_mode = trt.InterpolationMode.LINEAR
            to.coordinate_transformation = trt.ResizeCoordinateTransformation.ALIGN_CORNERS
            sample = s.network.add_grid_sample(x, g)
            return [out(up), out(to), out(sample)]

        line = np.linspace(0, 1, 4)
        rows = x[0, 0, 0][None] * (1 - line[:, None]) + x[0, 0, 1][None] * line[:, None]
        linear = rows[:, :1] * (1 - line) + rows[:, 1:] * line
        self.check(
            build,
            {"x": x, "g": grid},
            x.repeat(2, 2).repeat(2, 3),
            linear.reshape(1, 1, 4, 4),
            x.mean().reshape(1, 1, 1, 1),
        )

    def test_data_dependent(self):
        x = np.array([[0, 1.5, 0], [2, 0, 3]], np.float32)
        boxes = np.array([[[0, 0, 1, 1], [0, 0, 1, 1.1], [2, 2, 3, 3]]], np.float32)
        scores = np.array([[[0.9], [0.8], [0.7]]], np.float32)

        def build(s, x, b, c):
            n = s.network
            nonzero = n.add_non_zero(x)
            nms = n.add_nms(b, c, s.constant(np.array(5, np.int32)))
            nms.set_input(3, s.constant(np.array(0.5, np.float32)))
            nms.set_input(4, s.constant(np.array(0.1, np.float32)))
            return [out(nonzero), out(nms), out(nms, 1)]

        selected = np.array([[0, 0, 0], [0, 0, 2]])
        self.check(
            build, {"x": x, "b": boxes, "c": scores}, np.stack(np.nonzero(x)), selected, np.array(2)
        )

    def test_fill_one_hot_reverse(self):
        lengths = np.array([2, 3], np.int32)
        x = floats(3, 2, 1)

        def build(s, x, l):
            n = s.network
            line = n.add_fill((5,), trt.FillOperation.LINSPACE, trt.float32)
            line.alpha, line.beta = 1.0, 0.5
            random = n.add_fill((1000,), trt.FillOperation.RANDOM_UNIFORM, trt.float32)
            random.alpha, random.beta = -1.0, 1.0
            mean = n.add_reduce(out(random), trt.ReduceOperation.AVG, 1, True)
            hot = n.add_one_hot(l, s.constant(np.array([0, 1], np.float32)), s.constant(np.array(4, np.int32)), -1)
            back = n.add_reverse_sequence(x, l)
            return [out(layer) for layer in (line, mean, hot, back)]

        reversed_ = x.copy()
        for i, n in enumerate(lengths):
            reversed_[:n, i] = x[:n, i][::-1]
        got = result(build, {"x": x, "l": lengths})
        np.testing.assert_allclose(got[0], 1 + 0.5 * np.arange(5))
        self.assertLess(abs(got[1][0]), 0.1)
        np.testing.assert_array_equal(got[2], np.eye(4)[lengths])
        np.testing.assert_array_equal(got[3], reversed_)

    def test_normalization(self):
        x = floats(2, 4, 3, 3)
        ones = np.ones((1, 4, 1, 1), np.float32)

        def build(s, x):
            n, scale, bias = s.network, s.constant(ones * 2), s.constant(ones)
            instance = n.add_normalization(x, scale, bias, 0b1100)
            groups = n.add_normalization(x, s.constant(np.ones((1, 2, 1, 1), np.float32)), s.constant(np.zeros((1, 2, 1, 1), np.float32)), 0b1100)
            groups.num_groups = 2
            return [out(instance), out(groups)]

        def normal(v, axes):
            return (v - v.mean(axes, keepdims=True)) / np.sqrt(v.var(axes, keepdims=True) + 1e-5)

        grouped = normal(x.reshape(2, 2, 2, 3, 3), (2, 3, 4)).reshape(x.shape)
        self.check(build, {"x": x}, normal(x, (2, 3)) * 2 + 1, grouped)

    def test_quantize(self):
        x = floats(3, 4)
        scale = np.array(0.05, np.float32)

        def build(s, x):
            n, step = s.network, s.constant(scale)
            q = n.add_quantize(x, step, trt.int8)
            d = n.add_dequantize(out(q), step, trt.float32)
            return out(d)

        self.check(build, {"x": x}, np.clip(np.round(x / 0.05), -128, 127) * 0.05)

    def test_attention_and_rotary(self):
        q, k, v = floats(1, 2, 3, 4), floats(1, 2, 3, 4), floats(1, 2, 3, 4)
        c, si = floats(1, 3, 2), floats(1, 3, 2)

        def build(s, q, k, v, c, si):
            a = s.network.add_attention(q, k, v, trt.AttentionNormalizationOp.SOFTMAX, False)
            causal = s.network.add_attention(q, k, v, trt.AttentionNormalizationOp.SOFTMAX, True)
            rope = s.network.add_rotary_embedding(q, c, si, False, 0)
            return [a.get_output(0), causal.get_output(0), out(rope)]

        def attend(mask):
            score = q @ k.transpose(0, 1, 3, 2) + mask
            e = np.exp(score - score.max(-1, keepdims=True))
            return e / e.sum(-1, keepdims=True) @ v

        a, b = q[..., :2], q[..., 2:]
        rope = np.concatenate([a * c[:, None] - b * si[:, None], a * si[:, None] + b * c[:, None]], -1)
        mask = np.where(np.tril(np.ones((3, 3))) > 0, 0, -1e9)
        feeds = {"q": q, "k": k, "v": v, "c": c, "si": si}
        self.check(build, feeds, attend(0), attend(mask), rope)

    def test_cache_and_experts(self):
        cache, update = floats(2, 1, 5, 3), floats(2, 1, 2, 3)
        at = np.array([0, 3], np.int32)
        x = floats(1, 3, 4)
        chosen = np.array([[[0], [1], [0]]], np.int32)
        score = np.abs(floats(1, 3, 1))
        gate, up, down = floats(2, 4, 5), floats(2, 4, 5), floats(2, 5, 4)

        def build(s, cache, update, at, x, chosen, score):
            n = s.network
            kv = n.add_kv_cache_update(cache, update, at, trt.KVCacheMode.LINEAR)
            moe = n.add_moe(x, chosen, score)
            moe.set_gated_weights(s.constant(gate), s.constant(up), s.constant(down), trt.MoEActType.SILU)
            return [out(kv), out(moe)]

        want = cache.copy()
        want[0, :, 0:2], want[1, :, 3:5] = update[0], update[1]
        y = np.zeros_like(x)
        for t in range(3):
            e = chosen[0, t, 0]
            g = x[0, t] @ gate[e]
            y[0, t] = score[0, t, 0] * ((g / (1 + np.exp(-g)) * (x[0, t] @ up[e])) @ down[e])
        feeds = {"cache": cache, "update": update, "at": at, "x": x, "chosen": chosen, "score": score}
        self.check(build, feeds, want, y)

    def test_loop(self):
        x = floats(4, 3)

        def build(s, x):
            n = s.network
            loop = n.add_loop()
            loop.add_trip_limit(s.constant(np.array(4, np.int32)), trt.TripLimit.COUNT)
            row = loop.add_iterator(x)
            total = loop.add_recurrence(s.constant(np.zeros(3, np.float32)))
            following = n.add_elementwise(out(total), out(row), trt.ElementWiseOperation.SUM)
            total.set_input(1, out(following))
            last = loop.add_loop_output(out(total), trt.LoopOutput.LAST_VALUE)
            every = loop.add_loop_output(out(following), trt.LoopOutput.CONCATENATE)
            every.set_input(1, s.constant(np.array(4, np.int32)))
            self.assertEqual(tuple(out(every).shape), (4, 3))
            return [out(last), out(every)]

        self.check(build, {"x": x}, x.sum(0), x.cumsum(0))

    def test_while(self):
        x = np.array([1.0], np.float32)

        def build(s, x):
            n = s.network
            loop = n.add_loop()
            value = loop.add_recurrence(x)
            twice = n.add_elementwise(out(value), out(value), trt.ElementWiseOperation.SUM)
            value.set_input(1, out(twice))
            small = n.add_elementwise(out(value), s.constant(np.array([100], np.float32)), trt.ElementWiseOperation.LESS)
            flat = n.add_shuffle(out(small))
            flat.reshape_dims = ()
            loop.add_trip_limit(out(flat), trt.TripLimit.WHILE)
            return out(loop.add_loop_output(out(value), trt.LoopOutput.LAST_VALUE))

        self.check(build, {"x": x}, np.array([128.0]))

    def test_conditional(self):
        x = floats(3)
        for flag in (True, False):

            def build(s, c, x):
                n = s.network
                branch = n.add_if_conditional()
                branch.set_condition(c)
                inner = out(branch.add_input(x))
                yes = n.add_unary(inner, trt.UnaryOperation.NEG)
                no = n.add_elementwise(inner, inner, trt.ElementWiseOperation.SUM)
                return out(branch.add_output(out(yes), out(no)))

            self.check(build, {"c": np.array(flag), "x": x}, -x if flag else 2 * x)

    def test_cycles_are_refused(self):
        s = Session()
        layer = s.network.add_identity(s.network.add_input("x", trt.float32, (2,)))
        layer.set_input(0, out(layer))
        s.network.mark_output(out(layer))
        self.assertIsNone(s.builder.build_serialized_network(s.network, s.config))
        self.assertIn("its own input", s.log.errors()[-1])

    def test_refusals(self):
        s = Session()
        n = s.network
        x = n.add_input("x", trt.float32, (2, 3))
        other = Session()
        y = other.network.add_input("y", trt.float32, (2, 3))
        self.assertIsNone(n.add_elementwise(x, y, trt.ElementWiseOperation.SUM))
        self.assertIn("another network", s.log.errors()[-1])
        self.assertIsNone(n.add_input("x", trt.float32, (1,)))
        self.assertIsNone(n.add_lrn(x, 4, 1, 1, 1))
        self.assertIsNone(n.add_concatenation([]))
        bad = n.add_elementwise(x, s.constant(np.zeros((4, 3), np.float32)), trt.ElementWiseOperation.SUM)
        n.mark_output(out(bad))
        self.assertIsNone(s.builder.build_serialized_network(n, s.config))
        self.assertIn("(ElementWise)", s.log.errors()[-1])
