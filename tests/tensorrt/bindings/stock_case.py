"""What the tests of stock plugins share: a model of one node, and arithmetic of boxes in plain loops."""

import math
import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt
from onnx import TensorProto

from .support import Session, model


class StockCase(unittest.TestCase):
    def setUp(self):
        self.assertTrue(trt.init_libnvinfer_plugins(None, ""))

    def run_node(self, op_type, feeds, initializers=(), results=1, **attributes):
        """Results of a node; `results` is their number, or their types."""
        names = [*feeds, *initializers]
        order = attributes.pop("order", names)
        types = [TensorProto.FLOAT] * results if isinstance(results, int) else results
        outputs = [f"y{i}" for i in range(len(types))]
        node = onnx.helper.make_node(op_type, order, outputs, name="node", **attributes)
        inputs = {n: (onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feeds.items()}
        session = Session()
        made = model([node], inputs, {o: (t, None) for o, t in zip(outputs, types)}, initializers)
        self.assertTrue(session.parse(made), session.log.errors())
        found = session.run(feeds)
        return [found[o] for o in outputs]


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


def overlap(a, b, more=0):
    """Intersection over union of corners; `more` is what a size has beyond the difference."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(high - low + more, 0))
    either = np.prod(a[2:] - a[:2] + more) + np.prod(b[2:] - b[:2] + more) - both
    return both / either if either > 0 else 0


def survivors(boxes, scores, limit, more=0, indices=None):
    """Indices of the boxes that overlap no better one by more than `limit`, best first."""
    kept = []
    indices = range(len(boxes)) if indices is None else indices
    for i in sorted(indices, key=lambda i: -scores[i]):
        if all(overlap(boxes[i], boxes[k], more) <= limit for k in kept):
            kept.append(i)
    return kept


def random_boxes(rng, *shape):
    corners = rng.random((*shape, 2, 2), np.float32)
    corners.sort(axis=-2)
    return corners.reshape(*shape, 4)
