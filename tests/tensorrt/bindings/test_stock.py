"""Plugins of TensorRT's library that whole models are made of, against numbers by NumPy."""

import math
from pathlib import Path

import numpy as np
import tensorrt_bindings as trt

from .stock_case import StockCase, bilinear
from .support import Session

HERE = Path(__file__).resolve().parent
RNG = np.random.default_rng(5)


class StockTest(StockCase):
    def test_disentangled_attention(self):
        span, size, factor = 8, 14, 0.25
        data = [RNG.standard_normal((3, size, n), np.float32) for n in (size, 2 * span, 2 * span)]
        middle = span // 2

        def bucket(apart):
            if abs(apart) <= middle:
                return apart + span
            steps = math.log(abs(apart) / middle) / math.log((2 * span - 1) / middle) * (middle - 1)
            out = math.ceil(steps * (1 - 1e-7)) + middle
            return min(max(span + (out if apart > 0 else -out), 0), 2 * span - 1)

        wanted = np.empty((3, size, size), np.float32)
        for i in range(size):
            for j in range(size):
                at = bucket(i - j)
                wanted[:, i, j] = data[0][:, i, j] + data[1][:, i, at] + data[2][:, j, at]
        feeds = dict(zip("abc", data))
        for version in ("1", "2"):
            (found,) = self.run_node(
                "DisentangledAttention_TRT", feeds, span=span, factor=factor, plugin_version=version
            )
            np.testing.assert_allclose(found, wanted * factor, rtol=1e-5, atol=1e-6)

    def test_multiscale_deformable_attention(self):
        shapes = np.array([[4, 5], [2, 3]], np.int32)
        starts = np.array([0, 20], np.int32)
        n, m, d, q, p = 2, 3, 4, 5, 2
        value = RNG.standard_normal((n, 26, m, d), np.float32)
        place = RNG.uniform(-0.1, 1.1, (n, q, m, 2, p, 2)).astype(np.float32)
        weight = RNG.random((n, q, m, 2, p), np.float32)
        wanted = np.zeros((n, q, m, d))
        for l, (h, w) in enumerate(shapes):
            level = value[:, starts[l] : starts[l] + h * w].reshape(n, h, w, m, d)
            for i in np.ndindex(n, q, m, p):
                x, y = place[i[0], i[1], i[2], l, i[3]]
                image = level[i[0], :, :, i[2]].transpose(2, 0, 1)
                sample = bilinear(image, y * h - 0.5, x * w - 0.5)
                wanted[i[0], i[1], i[2]] += sample * weight[i[0], i[1], i[2], l, i[3]]
        constants = {"shapes": shapes, "starts": starts}
        (found,) = self.run_node(
            "MultiscaleDeformableAttnPlugin_TRT",
            {"value": value, "place": place, "weight": weight},
            constants,
            order=["value", "shapes", "starts", "place", "weight"],
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)

    def test_crop_and_resize(self):
        image = RNG.standard_normal((2, 3, 6, 8), np.float32)
        boxes = RNG.uniform(-0.2, 1.2, (2, 4, 4, 1)).astype(np.float32)
        height, width = 3, 4
        wanted = np.zeros((2, 4, 3, height, width))
        for i in np.ndindex(2, 4, height, width):
            y1, x1, y2, x2 = boxes[i[0], i[1], :, 0]
            y = (y1 + (y2 - y1) * i[2] / (height - 1)) * 5
            x = (x1 + (x2 - x1) * i[3] / (width - 1)) * 7
            if 0 <= y <= 5 and 0 <= x <= 7:
                wanted[i[0], i[1], :, i[2], i[3]] = bilinear(image[i[0]], y, x)
        feeds = {"x": image, "b": boxes}
        for name in ("CropAndResizeDynamic", "CropAndResize"):
            (found,) = self.run_node(name, feeds, crop_height=height, crop_width=width)
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)

    def test_deformable_convolution(self):
        n, c, h, w, o, k = 2, 4, 5, 6, 4, 3
        strides, pads, dilations, groups, parts = (2, 1), (1, 2), (1, 2), 2, 2
        out = [
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, p, d, s in zip((h, w), pads, dilations, strides)
        ]
        x = RNG.standard_normal((n, c, h, w), np.float32)
        offsets = RNG.uniform(-2, 2, (n, 2 * parts * k * k, *out)).astype(np.float32)
        mask = RNG.random((n, parts * k * k, *out), np.float32)
        weights = RNG.standard_normal((o, c // groups, k, k), np.float32)
        bias = RNG.standard_normal(o, np.float32)
        wanted = np.zeros((n, o, *out)) + bias[:, None, None]
        for i, q, row, col in np.ndindex(n, o, *out):
            group = q // (o // groups)
            for j, ky, kx in np.ndindex(c // groups, k, k):
                channel = group * (c // groups) + j
                tap = channel // (c // parts) * k * k + ky * k + kx
                y = row * strides[0] - pads[0] + ky * dilations[0] + offsets[i, 2 * tap, row, col]
                u = col * strides[1] - pads[1] + kx * dilations[1] + offsets[i, 2 * tap + 1, row, col]
                sample = bilinear(x[i, channel], y, u) * mask[i, tap, row, col]
                wanted[i, q, row, col] += sample * weights[q, j, ky, kx]
        feeds = {"x": x, "offsets": offsets, "mask": mask}
        for version in ("1", "2"):
            (found,) = self.run_node(
                "ModulatedDeformConv2d",
                feeds,
                {"weights": weights, "bias": bias},
                stride=strides,
                padding=pads,
                dilation=dilations,
                group=groups,
                deformable_group=parts,
                plugin_version=version,
            )
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)

    def test_rearrangements(self):
        x = RNG.standard_normal((2, 3, 4, 5), np.float32)
        (found,) = self.run_node("CoordConvAC", {"x": x})
        y, u = np.meshgrid(np.linspace(-1, 1, 4), np.linspace(-1, 1, 5), indexing="ij")
        wanted = np.concatenate([x, np.broadcast_to([y, u], (2, 2, 4, 5))], 1)
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
        one = RNG.standard_normal((1, 2, 2, 2), np.float32)
        (found,) = self.run_node("BatchTilePlugin_TRT", {"x": x, "one": one})
        np.testing.assert_array_equal(found, np.repeat(one, 2, 0))
        detections = RNG.random((2, 7, 6), np.float32)
        (found,) = self.run_node("SpecialSlice_TRT", {"d": detections})
        np.testing.assert_array_equal(found, detections[..., :4])

    def test_split(self):
        fields = [
            trt.PluginField(name, np.array(values, np.int32), trt.PluginFieldType.INT32)
            for name, values in (("axis", [1]), ("output_lengths", [1, 3, 2]))
        ]
        creator = trt.get_plugin_registry().get_creator("Split", "1", "")
        plugin = creator.create_plugin("split", trt.PluginFieldCollection(fields))
        session = Session()
        tensor = session.network.add_input("x", trt.float32, (2, 6))
        layer = session.network.add_plugin_v2([tensor], plugin)
        self.assertEqual(layer.num_outputs, 3)
        for i in range(3):
            layer.get_output(i).name = f"y{i}"
            session.network.mark_output(layer.get_output(i))
        x = RNG.standard_normal((2, 6), np.float32)
        found = session.run({"x": x})
        for i, wanted in enumerate(np.split(x, [1, 4], 1)):
            np.testing.assert_array_equal(found[f"y{i}"], wanted)

    def test_all_are_there(self):
        """Every creator of the library as of versions 8.6 and 10.16, by name and versions."""
        registry = trt.get_plugin_registry()
        for line in (HERE.parent / "stock_plugins.txt").read_text().splitlines():
            name, *versions = line.split()
            for version in versions:
                self.assertIsNotNone(registry.get_creator(name, version, ""), (name, version))

    def test_prior_boxes(self):
        feature = np.zeros((1, 4, 2, 3), np.float32)
        image = np.zeros((1, 3, 20, 30), np.float32)
        (found,) = self.run_node(
            "PriorBox_TRT",
            {"f": feature, "i": image},
            minSize=[4.0],
            maxSize=[9.0],
            aspectRatios=[1.0, 2.0],
            flip=1,
            variance=[0.1, 0.1, 0.2, 0.3],
            offset=0.5,
        )
        root = math.sqrt(2)
        sizes = [(4, 4), (6, 6), (4 * root, 4 / root), (4 / root, 4 * root)]
        wanted = [
            [(cx - w / 2) / 30, (cy - h / 2) / 20, (cx + w / 2) / 30, (cy + h / 2) / 20]
            for cy in (5, 15)
            for cx in (5, 15, 25)
            for w, h in sizes
        ]
        self.assertEqual(found.shape, (1, 2, len(wanted) * 4, 1))
        np.testing.assert_allclose(found[0, 0, :, 0], np.ravel(wanted), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found[0, 1, :8, 0], [0.1, 0.1, 0.2, 0.3] * 2, rtol=1e-6)

    def test_grid_anchors(self):
        found = self.run_node(
            "GridAnchor_TRT",
            {"x": np.zeros((1, 1), np.float32)},
            results=2,
            numLayers=2,
            featureMapShapes=[2, 1],
            minSize=0.2,
            maxSize=0.8,
            aspectRatios=[1.0, 2.0, 0.5],
            variance=[0.1, 0.1, 0.2, 0.2],
        )
        self.assertEqual([f.shape for f in found], [(1, 2, 4 * 3 * 4, 1), (1, 2, 4 * 4, 1)])
        np.testing.assert_allclose(
            found[0][0, 0, :4, 0], [0.25 - 0.05, 0.25 - 0.05, 0.25 + 0.05, 0.25 + 0.05], atol=1e-6
        )
        root, edge = math.sqrt(2), math.sqrt(0.8)
        sizes = [(0.8, 0.8), (0.8 * root, 0.8 / root), (0.8 / root, 0.8 * root), (edge, edge)]
        wanted = [[0.5 - w / 2, 0.5 - h / 2, 0.5 + w / 2, 0.5 + h / 2] for w, h in sizes]
        np.testing.assert_allclose(found[1][0, 0, :, 0], np.ravel(wanted), atol=1e-6)


def setUpModule():
    trt.init_libnvinfer_plugins(None, "")
