"""Plugins of TensorRT's library that whole models are made of, against numbers by NumPy."""

import math
import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt
from onnx import TensorProto

from .support import Session, model

FLOAT = TensorProto.FLOAT
RNG = np.random.default_rng(5)


def bilinear(image, y, x):
    """image [..., h, w] at a point, 0 outside of it."""
    h, w = image.shape[-2:]
    out = 0
    for row, down in ((math.floor(y), 1 - y + math.floor(y)), (math.floor(y) + 1, y - math.floor(y))):
        for col, right in (
            (math.floor(x), 1 - x + math.floor(x)),
            (math.floor(x) + 1, x - math.floor(x)),
        ):
            if 0 <= row < h and 0 <= col < w:
                out = out + image[..., row, col] * down * right
    return out


class StockTest(unittest.TestCase):
    def run_node(self, op_type, feeds, initializers=(), results=1, **attributes):
        names = [*feeds, *initializers]
        order = attributes.pop("order", names)
        outputs = [f"y{i}" for i in range(results)]
        node = onnx.helper.make_node(op_type, order, outputs, name="node", **attributes)
        types = {n: (onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feeds.items()}
        session = Session()
        made = model([node], types, {o: (FLOAT, None) for o in outputs}, initializers)
        self.assertTrue(session.parse(made), session.log.errors())
        found = session.run(feeds)
        return [found[o] for o in outputs]

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
        (found,) = self.run_node(
            "CropAndResizeDynamic", {"x": image, "b": boxes}, crop_height=height, crop_width=width
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)

    def test_skip_layer_norm(self):
        x, skip = (RNG.standard_normal((4, 2, 16, 1, 1), np.float32) for _ in range(2))
        fields = {n: RNG.standard_normal(16, np.float32) for n in ("gamma", "beta", "bias")}
        shape = (1, 1, 16, 1, 1)
        total = (x + skip + fields["bias"].reshape(shape)).astype(np.float64)
        wanted = (total - total.mean(2, keepdims=True)) / total.std(2, keepdims=True)
        wanted = wanted * fields["gamma"].reshape(shape) + fields["beta"].reshape(shape)
        for version in ("1", "5"):
            (found,) = self.run_node(
                "CustomSkipLayerNormPluginDynamic",
                {"x": x, "s": skip},
                ld=16,
                type_id=0,
                plugin_version=version,
                **{n: [float(v) for v in values] for n, values in fields.items()},
            )
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)

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
