"""What the properties of layers do: numbers beside ONNX Runtime's, or numpy's where it has no such
operator."""

import itertools
import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt

from .support import Session, model, reference
from .test_layers import floats, out, result

F32 = onnx.TensorProto.FLOAT
SAME = {trt.PaddingMode.SAME_UPPER: "SAME_UPPER", trt.PaddingMode.SAME_LOWER: "SAME_LOWER"}


def runtime(op, feeds, count=1, weights=None, opset=20, **attributes):
    """What ONNX Runtime gives for one operator; weights follow the inputs."""
    weights = weights or {}
    kinds = {n: onnx.helper.np_dtype_to_tensor_dtype(a.dtype) for n, a in feeds.items()}
    inputs = {n: (kinds[n], list(a.shape)) for n, a in feeds.items()}
    names = [f"y{i}" for i in range(count)]
    node = onnx.helper.make_node(op, [*feeds, *weights], names, **attributes)
    graph = onnx.helper.make_graph(
        [node], "one", [onnx.helper.make_tensor_value_info(n, *t) for n, t in inputs.items()],
        [onnx.ValueInfoProto(name=n) for n in names],
        [onnx.numpy_helper.from_array(a, n) for n, a in weights.items()],
    )  # fmt: skip
    opsets = [onnx.helper.make_opsetid("", opset)]
    whole = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return list(reference(whole.SerializeToString(), feeds).values())


class Case(unittest.TestCase):
    def same(self, build, feeds, want, rtol=1e-4, atol=1e-5):
        got = result(build, feeds)
        want = want if isinstance(want, list) else [want]
        self.assertEqual(len(got), len(want))
        for g, w in zip(got, want):
            self.assertEqual(g.shape, np.shape(w))
            np.testing.assert_allclose(g.astype(float), np.asarray(w, float), rtol, atol)


class Windows(Case):
    x = floats(2, 4, 9, 8)

    def filters(self, kind, shape, settings, attributes):
        w, b = floats(*shape), floats(4)

        def build(s, x):
            s.keep = (w, b)
            add = getattr(s.network, f"add_{kind}_nd")
            layer = add(x, 4, shape[2:], trt.Weights(w), trt.Weights(b))
            for name, value in settings.items():
                setattr(layer, name, value)
            return out(layer)

        op = {"convolution": "Conv", "deconvolution": "ConvTranspose"}[kind]
        weights = {"w": w, "b": b}
        self.same(build, {"x": self.x}, runtime(op, {"x": self.x}, weights=weights, **attributes))

    def test_convolution(self):
        shape = (4, 4, 3, 3)
        self.filters("convolution", shape, {"dilation_nd": (2, 1)}, {"dilations": [2, 1]})
        self.filters(
            "convolution", shape, {"pre_padding": (1, 0), "post_padding": (0, 2)}, {"pads": [1, 0, 0, 2]}
        )
        self.filters("convolution", (4, 1, 3, 3), {"num_groups": 4}, {"group": 4})
        for mode, name in SAME.items():
            settings = {"padding_mode": mode, "stride_nd": (2, 2)}
            self.filters("convolution", shape, settings, {"auto_pad": name, "strides": [2, 2]})

    def test_deconvolution(self):
        shape = (4, 4, 3, 3)
        self.filters("deconvolution", shape, {"dilation_nd": (2, 1)}, {"dilations": [2, 1]})
        settings = {"stride_nd": (2, 2), "pre_padding": (1, 0), "post_padding": (0, 1)}
        self.filters("deconvolution", shape, settings, {"strides": [2, 2], "pads": [1, 0, 0, 1]})
        self.filters("deconvolution", (4, 2, 3, 3), {"num_groups": 2}, {"group": 2})
        self.filters(
            "deconvolution", shape, {"padding_nd": (1, 1), "num_output_maps": 4}, {"pads": [1] * 4}
        )

    def test_weights_are_replaced_by_tensors(self):
        w, b = floats(4, 4, 3, 3), floats(4)

        def build(s, x):
            layer = s.network.add_convolution_nd(x, 4, (3, 3), trt.Weights(trt.float32))
            layer.set_input(1, s.constant(w))
            layer.set_input(2, s.constant(b))
            return out(layer)

        self.same(build, {"x": self.x}, runtime("Conv", {"x": self.x}, weights={"w": w, "b": b}))

    def pool(self, kind, settings, op, **attributes):
        def build(s, x):
            layer = s.network.add_pooling_nd(x, kind, (3, 2))
            for name, value in settings.items():
                setattr(layer, name, value)
            return out(layer)

        attributes = {"kernel_shape": [3, 2], "strides": [1, 1], **attributes}
        self.same(build, {"x": self.x}, runtime(op, {"x": self.x}, **attributes))

    def test_pooling(self):
        kind, mode = trt.PoolingType, trt.PaddingMode
        pad = {"padding_nd": (1, 1)}
        self.pool(kind.AVERAGE, pad, "AveragePool", pads=[1] * 4)
        whole = {**pad, "average_count_excludes_padding": False}
        self.pool(kind.AVERAGE, whole, "AveragePool", pads=[1] * 4, count_include_pad=1)
        strides = {"stride_nd": (2, 1), "pre_padding": (1, 0), "post_padding": (0, 1)}
        self.pool(kind.MAX, strides, "MaxPool", strides=[2, 1], pads=[1, 0, 0, 1])
        up = {"padding_mode": mode.EXPLICIT_ROUND_UP, "stride_nd": (2, 3)}
        self.pool(kind.MAX, up, "MaxPool", strides=[2, 3], ceil_mode=1)
        for m, name in SAME.items():
            self.pool(kind.MAX, {"padding_mode": m}, "MaxPool", auto_pad=name)

    def test_blend(self):
        def build(s, x):
            layer = s.network.add_pooling_nd(x, trt.PoolingType.MAX_AVERAGE_BLEND, (3, 2))
            layer.blend_factor = 0.25
            return out(layer)

        most, mean = (
            runtime(op, {"x": self.x}, kernel_shape=[3, 2])[0]
            for op in ("MaxPool", "AveragePool")
        )
        self.same(build, {"x": self.x}, 0.75 * most + 0.25 * mean)


class Numbers(Case):
    def test_scale(self):
        x, p = np.abs(floats(2, 3, 2, 2)) + 0.5, np.array([2.0], np.float32)
        one, per, whole = floats(1), floats(3), np.abs(floats(3, 2, 2))
        rows = floats(2)

        def build(s, x):
            s.keep = (one, per, whole, rows, p)
            n, m = s.network, trt.ScaleMode
            weights = [trt.Weights(a) for a in (one, per, whole, rows, p)]
            uniform = n.add_scale(x, m.UNIFORM, weights[0], weights[0])
            element = n.add_scale(x, m.ELEMENTWISE, weights[2], weights[2])
            axis = n.add_scale_nd(x, m.CHANNEL, weights[3], weights[3], trt.Weights(trt.float32), 2)
            power = n.add_scale_nd(x, m.UNIFORM, power=weights[4], channel_axis=1)
            late = n.add_scale(x, m.UNIFORM)
            late.mode, late.scale, late.shift = m.CHANNEL, weights[1], weights[1]
            return [out(layer) for layer in (uniform, element, axis, power, late)]

        per_row = rows.reshape(1, 1, 2, 1)
        channel = per.reshape(1, 3, 1, 1)
        want = [x * one + one, x * whole + whole, x * per_row + per_row, x**2, x * channel + channel]
        self.same(build, {"x": x}, want)

    def test_lrn(self):
        x = floats(1, 8, 3, 3)

        def build(s, x):
            layer = s.network.add_lrn(x, 3, 0.2, 0.5, 2.0)
            layer.window_size, layer.alpha, layer.beta, layer.k = 5, 0.3, 0.6, 1.5
            return out(layer)

        self.same(build, {"x": x}, runtime("LRN", {"x": x}, size=5, alpha=0.3, beta=0.6, bias=1.5))

    def test_reduce(self):
        x = floats(2, 3, 4)
        R = trt.ReduceOperation
        ways = {R.SUM: np.sum, R.PROD: np.prod, R.MAX: np.max, R.MIN: np.min, R.AVG: np.mean}

        def build(s, x):
            layers = [s.network.add_reduce(x, op, 0b101, keep) for op in ways for keep in (0, 1)]
            late = s.network.add_reduce(x, R.SUM, 1, False)
            late.op, late.axes, late.keep_dims = R.MAX, 0b10, True
            return [out(layer) for layer in [*layers, late]]

        want = [f(x, (0, 2), keepdims=bool(k)) for f in ways.values() for k in (0, 1)]
        self.same(build, {"x": x}, [*want, x.max(1, keepdims=True)])

    def test_softmax_and_ragged(self):
        x = floats(2, 3, 5)
        bounds = np.array([[[1], [5], [3]], [[2], [4], [5]]], np.int32)

        def build(s, x, b):
            soft = s.network.add_softmax(x)
            soft.axes = 0b010
            return [out(soft), out(s.network.add_ragged_softmax(x, b))]

        want = np.zeros_like(x)
        for i, j in itertools.product(range(2), range(3)):
            e = np.exp(x[i, j, : bounds[i, j, 0]])
            want[i, j, : len(e)] = e / e.sum()
        e = np.exp(x)
        self.same(build, {"x": x, "b": bounds}, [e / e.sum(1, keepdims=True), want])

    def test_matrix_multiply(self):
        a, b, v = floats(2, 3, 4), floats(2, 4, 3), floats(2, 4)
        M = trt.MatrixOperation

        def build(s, a, b, v):
            n = s.network
            both = n.add_matrix_multiply(a, M.NONE, b, M.NONE)
            both.op0, both.op1 = M.TRANSPOSE, M.TRANSPOSE
            right = n.add_matrix_multiply(a, M.NONE, v, M.VECTOR)
            left = n.add_matrix_multiply(v, M.VECTOR, b, M.NONE)
            dot = n.add_matrix_multiply(v, M.VECTOR, v, M.VECTOR)
            return [out(layer) for layer in (both, right, left, dot)]

        want = [
            a.transpose(0, 2, 1) @ b.transpose(0, 2, 1),
            np.einsum("bij,bj->bi", a, v), np.einsum("bi,bij->bj", v, b), np.einsum("bi,bi->b", v, v),
        ]  # fmt: skip
        self.same(build, {"a": a, "b": b, "v": v}, want)

    def test_einsum(self):
        a, b = floats(3, 4), floats(4, 3)

        def build(s, a, b):
            layers = [s.network.add_einsum([a, b], e) for e in ("ij,jk->ik", "ij,ji->")]
            late = s.network.add_einsum([a, b], "ij,jk->ik")
            late.equation = "ij,ji->ji"
            trace = s.network.add_einsum([a], "ij->j")
            return [out(layer) for layer in [*layers, late, trace]]

        self.same(build, {"a": a, "b": b}, [a @ b, (a * b.T).sum(), a.T * b, a.sum(0)])

    def test_topk(self):
        x = floats(3, 5, 2)

        def build(s, x, k):
            low = s.network.add_topk(x, trt.TopKOperation.MAX, 1, 1)
            low.op, low.k, low.axes = trt.TopKOperation.MIN, 2, 0b010
            wide = s.network.add_topk(x, trt.TopKOperation.MAX, 2, 0b001, trt.int64)
            self.assertEqual(wide.get_output(1).dtype, trt.int64)
            some = s.network.add_topk(x, trt.TopKOperation.MAX, 1, 0b010)
            some.set_input(1, k)
            return [*(out(low, i) for i in (0, 1)), *(out(wide, i) for i in (0, 1)), out(some)]

        low = np.argsort(x, 1)[:, :2]
        high = np.argsort(-x, 0)[:2]
        want = [np.take_along_axis(x, low, 1), low, np.take_along_axis(x, high, 0), high]
        want.append(-np.sort(-x, 1)[:, :3])
        self.same(build, {"x": x, "k": np.array(3, np.int32)}, want)

    def test_cumulative(self):
        x = floats(2, 4)

        def build(s, x):
            add = lambda *how: out(  # noqa: E731
                s.network.add_cumulative(x, s.constant(np.array(1, np.int32)), trt.CumulativeOperation.SUM, *how)
            )
            late = s.network.add_cumulative(
                x, s.constant(np.array(0, np.int32)), trt.CumulativeOperation.SUM, False, False
            )
            late.exclusive, late.reverse = True, True
            return [add(True, False), add(False, True), out(late)]

        back = x[:, ::-1].cumsum(1)[:, ::-1]
        late = x[::-1].cumsum(0)[::-1] - x
        self.same(build, {"x": x}, [x.cumsum(1) - x, back, late])

    def test_fill(self):
        def build(s, x):
            n, F = s.network, trt.FillOperation
            whole = n.add_fill((4,), F.LINSPACE, trt.int64)
            whole.alpha, whole.beta = 3, 2
            self.assertTrue(whole.is_alpha_beta_int64())
            grid = n.add_fill((2, 3), F.LINSPACE, trt.float32)
            grid.set_input(1, s.constant(np.array(1, np.float32)))
            grid.set_input(2, s.constant(np.array([10, 1], np.float32)))
            self.assertFalse(n.add_fill((1,), F.LINSPACE, trt.float32).is_alpha_beta_int64())
            late = n.add_fill((1,), F.LINSPACE, trt.float32)
            late.set_input(0, n.add_shape(x).get_output(0))
            late.set_input(1, s.constant(np.array(0, np.float32)))
            late.set_input(2, s.constant(np.array([1, 0], np.float32)))
            return [out(layer) for layer in (whole, grid, late)]

        grid = 1 + 10 * np.arange(2)[:, None] + np.arange(3)
        want = [3 + 2 * np.arange(4), grid, np.repeat(np.arange(3)[:, None], 2, 1)]
        self.same(build, {"x": floats(3, 2)}, want)

    def test_nothing_is_normalized(self):
        x = np.zeros((4, 0), np.float32)

        def build(s, x):
            return out(s.network.add_normalization(x, x, x, 0b11))

        self.same(build, {"x": x}, x)

    def test_random_fill(self):
        def build(s, x):
            layer = s.network.add_fill((20000,), trt.FillOperation.RANDOM_UNIFORM, trt.float32)
            layer.operation, layer.alpha, layer.beta = trt.FillOperation.RANDOM_NORMAL, 2.0, 3.0
            return out(layer)

        (got,) = result(build, {"x": floats(1)})
        self.assertAlmostEqual(got.mean(), 2, delta=0.1)
        self.assertAlmostEqual(got.std(), 3, delta=0.1)

    def test_normalization(self):
        x, scale, bias = floats(2, 4, 3, 3), floats(1, 4, 1, 1), floats(1, 4, 1, 1)

        def build(s, x):
            n = s.network
            layer = n.add_normalization_v2(x, s.constant(scale), s.constant(bias), 0b1100)
            self.assertTrue(layer.is_v2)
            old = n.add_normalization(x, s.constant(scale), s.constant(bias), 0b1000)
            self.assertFalse(old.is_v2)
            old.axes, old.epsilon = 0b1110, 0.1
            old.compute_precision = trt.float32
            groups = n.add_normalization_v2(x, s.constant(scale), s.constant(bias), 0b1100)
            groups.num_groups = 2
            return [out(layer), out(old), out(groups)]

        def norm(v, axes, epsilon):
            return (v - v.mean(axes, keepdims=True)) / np.sqrt(v.var(axes, keepdims=True) + epsilon)

        grouped = norm(x.reshape(2, 2, 2, 3, 3), (2, 3, 4), 1e-5).reshape(x.shape)
        want = [norm(x, (2, 3), 1e-5), norm(x, (1, 2, 3), 0.1), grouped]
        self.same(build, {"x": x}, [w * scale + bias for w in want])


if __name__ == "__main__":
    unittest.main()
