"""What layers that move, choose or quantize elements do with their properties and inputs."""

import unittest

import numpy as np
import tensorrt_bindings as trt
from onnx.reference.ops.op_grid_sample import GridSample

from .test_effects import Case, runtime
from .test_layers import floats, out


class Moves(Case):
    def test_resize(self):
        x = floats(1, 2, 5, 4)
        C, R, I = trt.ResizeCoordinateTransformation, trt.ResizeRoundMode, trt.InterpolationMode
        rounds = {
            R.HALF_UP: "round_prefer_ceil", R.HALF_DOWN: "round_prefer_floor", R.FLOOR: "floor",
            R.CEIL: "ceil",
        }  # fmt: skip
        ways = {
            C.ALIGN_CORNERS: "align_corners", C.ASYMMETRIC: "asymmetric", C.HALF_PIXEL: "half_pixel"
        }  # fmt: skip
        cases = [
            ({"nearest_rounding": r, "coordinate_transformation": c}, {"mode": "nearest", "nearest_mode": rn, "coordinate_transformation_mode": cn})
            for r, rn in rounds.items()
            for c, cn in ways.items()
        ]
        cases += [
            ({"resize_mode": m, "coordinate_transformation": c}, {"mode": mn, "coordinate_transformation_mode": cn})
            for m, mn in {I.LINEAR: "linear", I.CUBIC: "cubic"}.items()
            for c, cn in ways.items()
        ]
        for extra, told in (
            ({"cubic_coeff": -0.5}, {"cubic_coeff_a": -0.5}),
            ({"exclude_outside": True}, {"exclude_outside": 1}),
        ):
            settings = {"resize_mode": I.CUBIC, "coordinate_transformation": C.HALF_PIXEL, **extra}
            told = {"mode": "cubic", "coordinate_transformation_mode": "half_pixel", **told}
            cases.append((settings, told))
        single = {"resize_mode": I.LINEAR, "coordinate_transformation": C.HALF_PIXEL}
        upper = {**single, "selector_for_single_pixel": trt.ResizeSelector.UPPER}
        told = {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}
        sizes = [(1, 2, 8, 7)] * len(cases) + [(1, 2, 1, 1)]
        cases.append((upper, told))

        def build(s, x):
            layers = []
            for (settings, _), size in zip(cases, sizes):
                layers.append(s.network.add_resize(x))
                layers[-1].shape = size
                for name, value in settings.items():
                    setattr(layers[-1], name, value)
            return [out(layer) for layer in layers]

        want = [
            runtime("Resize", {"x": x}, weights={"r": np.array([], np.float32), "s": np.array([], np.float32), "to": np.array(size, np.int64)}, **a)[0]
            for (_, a), size in zip(cases, sizes)
        ]  # fmt: skip
        self.same(build, {"x": x}, want)

    def test_resize_by_a_tensor(self):
        x = floats(1, 1, 2, 2)

        def build(s, x):
            layer = s.network.add_resize(x)
            layer.set_input(1, s.constant(np.array([1, 1, 4, 6], np.int32)))
            scaled = s.network.add_resize(x)
            scaled.scales = [1, 1, 3, 2]
            self.assertEqual(list(scaled.scales), [1, 1, 3, 2])
            return [out(layer), out(scaled)]

        self.same(build, {"x": x}, [x.repeat(2, 2).repeat(3, 3), x.repeat(3, 2).repeat(2, 3)])

    def test_grid_sample(self):
        x, grid = floats(1, 2, 5, 4), (floats(1, 3, 3, 2) * 1.5)
        modes = {"LINEAR": "linear", "NEAREST": "nearest", "CUBIC": "cubic"}
        pads = {"FILL": "zeros", "CLAMP": "border", "REFLECT": "reflection"}
        cases = [(m, p, a) for m in modes for p in pads for a in (False, True)]

        def build(s, x, g):
            outputs = []
            for mode, pad, align in cases:
                layer = s.network.add_grid_sample(x, g)
                layer.interpolation_mode = trt.InterpolationMode.__members__[mode]
                layer.sample_mode = trt.SampleMode.__members__[pad]
                layer.align_corners = align
                outputs.append(out(layer))
            return outputs

        feeds = {"x": x, "g": grid}
        want = [  # ONNX's own reference: ONNX Runtime clamps cubic coordinates before it weighs them
            GridSample.eval(x, grid, mode=modes[m], padding_mode=pads[p], align_corners=int(a))
            for m, p, a in cases
        ]
        self.same(build, feeds, want)

    def test_gather(self):
        x = floats(2, 3, 4)
        index = np.array([[0, 2, 1], [1, 1, 0]], np.int32)

        def build(s, x, i):
            n = s.network
            each = n.add_gather(x, i, 1)
            each.num_elementwise_dims = 1
            late = n.add_gather(x, s.constant(np.array([1, 0], np.int32)), 0)
            late.axis = 2
            nd = n.add_gather(x, s.constant(np.array([[0], [2]], np.int32)), 0)
            nd.mode, nd.num_elementwise_dims = trt.GatherMode.ND, 1
            return [out(each), out(late), out(nd)]

        want = [np.stack([x[b][index[b]] for b in range(2)]), x[..., [1, 0]], x[[0, 1], [0, 2]]]
        self.same(build, {"x": x, "i": index}, want)

    def test_scatter(self):
        x = floats(3, 4)

        def build(s, x):
            n = s.network
            where = s.constant(np.array([[0, 2], [1, 3]], np.int32))
            new = s.constant(np.array([[7, 8], [9, 10]], np.float32))
            columns = n.add_scatter(x, where, new, trt.ScatterMode.ELEMENT)
            columns.axis = 1
            points = s.constant(np.array([[0, 2], [1, 3]], np.int32))
            nd = n.add_scatter(x, points, s.constant(np.array([5, 6], np.float32)), trt.ScatterMode.ELEMENT)
            nd.mode = trt.ScatterMode.ND
            return [out(columns), out(nd)]

        a, b = x.copy(), x.copy()
        a[0, [0, 2]], a[1, [1, 3]] = (7, 8), (9, 10)
        b[0, 2], b[1, 3] = 5, 6
        self.same(build, {"x": x}, [a, b])

    def test_slice(self):
        x = floats(3, 5)

        def build(s, x, at):
            n = s.network
            late = n.add_slice(x, (0, 0), (1, 1), (1, 1))
            late.start, late.shape, late.stride = (2, 4), (2, 3), (-1, -2)
            wrap = n.add_slice(x, (1, 3), (3, 5), (1, 1))
            wrap.mode = trt.SampleMode.WRAP
            mirror = n.add_slice(x, (0, 2), (3, 5), (1, 1))
            mirror.mode = trt.SampleMode.REFLECT
            fill = n.add_slice(x, (0, 3), (3, 4), (1, 1))
            fill.mode = trt.SampleMode.FILL
            fill.set_input(4, s.constant(np.array(9, np.float32)))
            axes = n.add_slice(x, (1,), (2,), (1,))
            axes.axes = (1,)
            tensor = n.add_slice(x, (0, 0), (2, 2), (1, 1))
            tensor.set_input(1, at)
            return [out(layer) for layer in (late, wrap, mirror, fill, axes, tensor)]

        filled = np.pad(x, ((0, 0), (0, 2)), constant_values=9)[:, 3:7]
        wrapped = np.pad(x, ((0, 1), (0, 3)), mode="wrap")[1:4, 3:8]
        mirrored = np.pad(x, ((0, 0), (0, 2)), mode="reflect")[:, 2:7]
        want = [x[2:0:-1, 4::-2], wrapped, mirrored, filled, x[:, 1:3], x[1:3, 2:4]]
        self.same(build, {"x": x, "at": np.array([1, 2], np.int32)}, want)

    def test_sizes_are_computed(self):
        """As parsers do: a slice whose size is arithmetic on constants has that size."""
        x = floats(6, 5)

        def build(s, x):
            E, n = trt.ElementWiseOperation, s.network
            ints = lambda *v: s.constant(np.array(v, np.int64))  # noqa: E731
            back = out(n.add_elementwise(ints(-9, -8), ints(-2, -2), E.FLOOR_DIV))  # 4, 4
            size = out(n.add_elementwise(back, out(n.add_elementwise(ints(3, -7), ints(-4, 2), E.FLOOR_DIV)), E.MAX))
            layer = n.add_slice(x, (1, 0), (1, 1), (1, 1))
            layer.set_input(2, size)
            self.assertEqual(tuple(out(layer).shape), (4, 4))
            wide = n.add_slice(x, (0, 2), (1, 1), (1, 0))  # a stride of 0 repeats
            wide.set_input(2, ints(6, 3))
            self.assertEqual(tuple(out(wide).shape), (6, 3))
            return [out(layer), out(wide)]

        self.same(build, {"x": x}, [x[1:5, :4], x[:, 2:3].repeat(3, 1)])

    def test_shuffle(self):
        x = floats(2, 3, 4)

        def build(s, x, to):
            n = s.network
            by_tensor = n.add_shuffle(x)
            by_tensor.set_input(1, to)
            empty = n.add_shuffle(n.add_slice(x, (0, 0, 0), (0, 3, 4), (1, 1, 1)).get_output(0))
            empty.zero_is_placeholder, empty.reshape_dims = False, (0, 7)
            return [out(by_tensor), out(empty)]

        to = np.array([6, 4], np.int32)
        self.same(build, {"x": x, "to": to}, [x.reshape(6, 4), np.zeros((0, 7))])

    def test_squeeze_with_another_input(self):
        x = floats(1, 3, 1)

        def build(s, x):
            n = s.network
            drop = n.add_squeeze(x, s.constant(np.array([0], np.int64)))
            drop.set_input(1, s.constant(np.array([0, -1], np.int64)))
            add = n.add_unsqueeze(x, s.constant(np.array([0], np.int64)))
            add.set_input(1, s.constant(np.array([-1], np.int64)))
            return [out(drop), out(add)]

        self.same(build, {"x": x}, [x[0, :, 0], x[..., None]])

    def test_one_hot_padding_reverse(self):
        x = floats(2, 3, 4)
        index = np.array([2, 0], np.int32)

        def build(s, x, i):
            n = s.network
            hot = n.add_one_hot(i, s.constant(np.array([2, 5], np.float32)), s.constant(np.array(3, np.int32)), -1)
            hot.axis = 0
            pad = n.add_padding_nd(x, (0, 0), (0, 0))
            pad.pre_padding_nd, pad.post_padding_nd = (1, -1), (-1, 2)
            back = n.add_reverse_sequence(x, s.constant(np.array([3, 1], np.int32)))
            back.batch_axis, back.sequence_axis = 0, 1
            return [out(layer) for layer in (hot, pad, back)]

        reversed_ = x.copy()
        reversed_[0] = x[0, ::-1]
        padded = np.pad(x, ((0, 0), (1, 0), (0, 2)))[:, :3, 1:]
        self.same(build, {"x": x, "i": index}, [2 + 3 * np.eye(3)[index].T, padded, reversed_])

    def test_nms(self):
        centers = np.array([[[0.5, 0.5, 1, 1], [0.5, 0.55, 1, 1], [2.5, 2.5, 1, 1]]], np.float32)
        scores = np.array([[[0.9], [0.8], [0.7]]], np.float32)

        def build(s, b, c):
            layer = s.network.add_nms(b, c, s.constant(np.array(5, np.int32)))
            layer.bounding_box_format = trt.BoundingBoxFormat.CENTER_SIZES
            layer.topk_box_limit, layer.indices_type = 10, trt.int64
            layer.set_input(3, s.constant(np.array(0.5, np.float32)))
            self.assertEqual(layer.get_output(0).dtype, trt.int64)
            return out(layer)

        self.same(build, {"b": centers, "c": scores}, np.array([[0, 0, 0], [0, 0, 2]]))

    def test_non_zero(self):
        x = np.array([[True, False], [True, True]])

        def build(s, x):
            layer = s.network.add_non_zero(x)
            layer.indices_type = trt.int64
            self.assertEqual(layer.get_output(0).dtype, trt.int64)
            return out(layer)

        self.same(build, {"x": x}, np.stack(np.nonzero(x)))


class Quantized(Case):
    def test_along_an_axis(self):
        x, scales = floats(3, 4) * 4, np.array([0.1, 0.2, 0.4], np.float32)

        def build(s, x):
            n, c = s.network, s.constant(scales)
            q = n.add_quantize(x, c, trt.int8)
            q.axis = 0
            d = n.add_dequantize(out(q), c, trt.float32)
            d.axis = 0
            return out(d)

        step = scales[:, None]
        self.same(build, {"x": x}, np.clip(np.round(x / step), -128, 127) * step)

    def test_in_blocks(self):
        x = floats(2, 8)
        scales = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)

        def build(s, x):
            n, c = s.network, s.constant(scales)
            q = n.add_quantize(x, c, trt.int8)
            q.block_shape = (1, 4)
            d = n.add_dequantize(out(q), c, trt.float32)
            d.block_shape, d.to_type = (1, 4), trt.float32
            self.assertEqual(q.to_type, trt.int8)
            return out(d)

        step = scales.repeat(4, 1)
        self.same(build, {"x": x}, np.round(x / step) * step)

    def test_dynamic(self):
        x = floats(4, 32)

        def build(s, x):
            n = s.network
            old = n.add_dynamic_quantize(x, 1, 16, trt.fp8, trt.float32)
            new = n.add_dynamic_quantize_v2(x, (2, 16), trt.fp8, trt.float32)
            results = [out(old, 1), out(new, 1)]
            for layer in (old, new):
                d = n.add_dequantize(out(layer), out(layer, 1), trt.float32)
                d.block_shape = layer.block_shape
                results.append(out(d))
            return results

        most = np.abs(x).reshape(4, 2, 16).max(2)
        blocks = np.abs(x).reshape(2, 2, 2, 16).max((1, 3))
        scales = [most / 448, blocks / 448]
        near = [x, x]
        self.same(build, {"x": x}, [*scales, *near], rtol=0.07, atol=0.01)


if __name__ == "__main__":
    unittest.main()
