"""What plugins of TensorRT's library take out of feature pyramids, against samples one by one."""

import math

import numpy as np

from .stock_case import StockCase, bilinear, random_boxes

RNG = np.random.default_rng(13)


def pyramid(levels, size, channels=2):
    return [RNG.standard_normal((2, channels, size >> i, size >> i), np.float32) for i in range(levels)]


def sample(image, y, x):
    """image [c, h, w] at a point, which is moved onto it."""
    h, w = image.shape[1:]
    return bilinear(image, min(max(y, 0), h - 1), min(max(x, 0), w - 1))


class StockPoolsTest(StockCase):
    def region(self, maps, box, area, first, transform, pooled, ratio):
        """One region; box y1, x1, y2, x2 in parts of the image, maps of one image."""
        level = sum(area > first * 4**i for i in range(len(maps) - 1))
        image = maps[level]
        size = np.array(image.shape[1:])
        if transform == -1:
            start, end, offset, parts = box[:2] * (size - 1), box[2:] * (size - 1), 0, pooled - 1
        else:
            back = 0.5 if transform == 2 else 0
            start, end = box[:2] * size - back, box[2:] * size - back
            offset, parts = 0 if transform == 0 else 0.5, pooled
        step = (end - start) / parts
        count = [ratio or max(1, math.ceil(v)) for v in (end - start) / pooled]
        out = np.zeros((image.shape[0], pooled, pooled))
        for i, j, a, b in np.ndindex(pooled, pooled, *count):
            y = start[0] + step[0] * (i + (a + offset) / count[0])
            x = start[1] + step[1] * (j + (b + offset) / count[1])
            out[:, i, j] += sample(image, y, x) / (count[0] * count[1])
        return out

    def test_pyramid(self):
        maps = pyramid(4, 32)
        boxes = random_boxes(RNG, 2, 6)
        boxes[0, 0] = 0  # what is left over of proposals
        boxes[1, 1] = [0, 0, 1, 1]
        pooled, height, width, scale = 3, 96, 128, 60
        for transform, ratio, absolute, swap, plus in (
            (2, 0, 1, 0, 0),
            (2, 2, 0, 1, 1),
            (1, 0, 1, 1, 0),
            (0, 2, 1, 0, 1),
            (0, 0, 0, 0, 0),
            (-1, 1, 0, 1, 0),
        ):
            edges = [height, width, height, width] if swap else [width, height, width, height]
            given = (boxes * edges if absolute else boxes).astype(np.float32)
            wanted = np.zeros((2, 6, 2, pooled, pooled))
            for b, r in np.ndindex(2, 6):
                box = boxes[b, r] if swap else boxes[b, r][[1, 0, 3, 2]]
                more = np.array([1 / height, 1 / width]) * plus
                area = np.prod(box[2:] - box[:2] + more)
                first = scale * scale / (height * width) / 4
                of_image = [m[b] for m in maps]
                wanted[b, r] = self.region(of_image, box, area, first, transform, pooled, ratio)
            (found,) = self.run_node(
                "PyramidROIAlign_TRT",
                {"r": given, **{f"p{i}": m for i, m in enumerate(maps)}},
                pooled_size=pooled,
                image_size=[height, width],
                fpn_scale=scale,
                sampling_ratio=ratio,
                roi_coords_absolute=absolute,
                roi_coords_swap=swap,
                roi_coords_plusone=plus,
                roi_coords_transform=transform,
            )
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-4, err_msg=str(transform))

    def test_legacy_pyramid(self):
        maps, boxes = pyramid(4, 16), random_boxes(RNG, 2, 4)
        boxes[:, 0] *= 0.05
        first = 224 * 224 * 2 / (1024 * 1024) / 16
        wanted = np.zeros((2, 4, 2, 3, 3))
        for b, r in np.ndindex(2, 4):
            box = boxes[b, r]
            area = np.prod(box[2:] - box[:2])
            wanted[b, r] = self.region([m[b] for m in maps], box, area, first, -1, 3, 1)
        feeds = {"r": boxes, **{f"p{i}": m for i, m in enumerate(maps)}}
        (found,) = self.run_node("PyramidROIAlign_TRT", feeds, pooled_size=3, legacy=1)
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-4)

    def test_multilevel_crops(self):
        maps = pyramid(5, 208)
        edge = 832.0
        boxes = (random_boxes(RNG, 2, 6) * edge).astype(np.float32)
        boxes[0, 0] = [5, 7, 60, 50]
        boxes[0, 1], boxes[0, 2] = [10, 10, 5, 20], [0, 0, edge + 9, 20]  # none
        boxes[1, 0] = [0, 0, edge, edge]
        pooled = 3
        wanted = np.zeros((2, 6, 2, pooled, pooled))
        for b, r in np.ndindex(2, 6):
            box = boxes[b, r]
            if (box < 0).any() or (box > edge).any() or (box[2:] <= box[:2]).any():
                continue
            area = np.prod(box[2:] - box[:2])
            level = sum(area > 224 * 224 / 4 * 4**i for i in range(4))
            start, end = box[:2] / (4 << level), box[2:] / (4 << level)
            step = (end - start) / pooled
            for i, j in np.ndindex(pooled, pooled):
                y, x = start + step * ([i + 0.5, j + 0.5])
                wanted[b, r, :, i, j] = sample(maps[level][b], y, x)
        (found,) = self.run_node(
            "MultilevelCropAndResize_TRT",
            {"r": boxes, **{f"p{i}": m for i, m in enumerate(maps)}},
            pooled_size=pooled,
            image_size=[3, int(edge), int(edge)],
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
