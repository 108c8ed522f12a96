"""PointPillars' plugins of TensorRT's library, against loops over points."""

import math

import numpy as np
from onnx import TensorProto

from .stock_case import StockCase

FLOAT, INT32 = TensorProto.FLOAT, TensorProto.INT32
RNG = np.random.default_rng(19)


class StockPointsTest(StockCase):
    def test_voxels(self):
        low, high, step = [-2, -3, -1], [4, 3, 2], [1, 2, 3]  # 6 columns, 3 rows
        for channels, features, voxels, room in ((4, 10, 30, 3), (5, 11, 5, 2), (4, 9, 30, 40)):
            points = RNG.uniform(-4, 5, (2, 60, channels)).astype(np.float32)
            points[0, 0, :3] = low
            counts = np.array([50, 60], np.int32)
            wanted = np.zeros((2, voxels, room, features))
            places, numbers = np.zeros((2, voxels, 4), np.int32), []
            for b in range(2):
                cells = {}
                for p in points[b, : counts[b]]:
                    if all(l <= v < h for v, l, h in zip(p, low, high)):
                        x, y = (math.floor((p[i] - low[i]) / step[i]) for i in range(2))
                        cells.setdefault((y, x), []).append(p.astype(np.float64))
                numbers.append(min(len(cells), voxels))
                for v, (y, x) in enumerate(sorted(cells)[:voxels]):
                    kept = np.array(cells[y, x][:room])
                    places[b, v] = [0, 0, y, x]
                    middle = [low[i] + (at + 0.5) * step[i] for i, at in enumerate((x, y, 0))]
                    parts = [kept, kept[:, :3] - kept[:, :3].mean(0), kept[:, :3] - middle]
                    rows = np.concatenate(parts, 1)[:, :features]
                    wanted[b, v, : len(rows)] = rows
            found, coordinates, number = self.run_node(
                "VoxelGeneratorPlugin",
                {"p": points, "n": counts},
                results=[FLOAT, INT32, INT32],
                max_num_points_per_voxel=room,
                max_voxels=voxels,
                point_cloud_range=[float(v) for v in low + high],
                voxel_feature_num=features,
                voxel_size=[float(v) for v in step],
            )
            np.testing.assert_array_equal(number, numbers)
            np.testing.assert_array_equal(coordinates, places)
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)

    def test_scatter(self):
        h, w, p, c = 4, 5, 6, 3
        pillars = RNG.standard_normal((2, p, c), np.float32)
        places = np.zeros((2, p, 4), np.int32)
        counts = np.array([4, 6], np.int32)
        wanted = np.zeros((2, c, h, w))
        for b in range(2):
            cells = RNG.permutation(h * w)[:p]
            places[b, :, 2], places[b, :, 3] = cells // w, cells % w
            for i in range(counts[b]):
                wanted[b, :, cells[i] // w, cells[i] % w] = pillars[b, i]
        feeds = {"v": pillars, "p": places, "n": counts}
        (found,) = self.run_node("PillarScatterPlugin", feeds, dense_shape=[h, w])
        np.testing.assert_array_equal(found, wanted)

    def test_boxes(self):
        h, w, classes = 3, 4, 2
        anchors = RNG.uniform(0.5, 4, (2 * classes, 4)).astype(np.float32)
        bottoms = np.float32([-1.5, -0.5])
        low, high, threshold = [-4.0, -2.0, -3.0], [8.0, 6.0, 1.0], 0.6
        offset, limit, bins = 0.78539, 0.25, 2
        scores = RNG.standard_normal((2, h, w, 2 * classes * classes), np.float32)
        boxes = RNG.standard_normal((2, h, w, 2 * classes * 7), np.float32)
        turns = RNG.standard_normal((2, h, w, 2 * classes * 2), np.float32)
        count = h * w * 2 * classes
        wanted, numbers = np.zeros((2, count, 9)), []
        for b in range(2):
            rows = []
            for y, x, a in np.ndindex(h, w, 2 * classes):
                logits = scores[b, y, x].reshape(-1, classes)[a]
                score = 1 / (1 + np.exp(-logits.max()))
                if score < threshold:
                    continue
                e = boxes[b, y, x].reshape(-1, 7)[a].astype(np.float64)
                dx, dy, dz, angle = anchors[a]
                cx = low[0] + x * (high[0] - low[0]) / (w - 1)
                cy = low[1] + y * (high[1] - low[1]) / (h - 1)
                cz = dz / 2 + bottoms[a // 2]
                diagonal = math.hypot(dx, dy)
                first, second = turns[b, y, x].reshape(-1, 2)[a]
                period = 2 * math.pi / bins
                turn = e[6] + angle - offset
                turn -= math.floor(turn / period + limit) * period
                turn += offset + (0 if first > second else period)
                sizes = np.exp(e[3:6]) * [dx, dy, dz]
                place = [e[0] * diagonal + cx, e[1] * diagonal + cy, e[2] * dz + cz]
                rows.append([*place, *sizes, turn, logits.argmax(), score])
            numbers.append(len(rows))
            wanted[b, : len(rows)] = rows
        found, number = self.run_node(
            "DecodeBbox3DPlugin",
            {"s": scores, "b": boxes, "d": turns},
            results=[FLOAT, INT32],
            point_cloud_range=low + high,
            anchors=[float(v) for v in anchors.ravel()],
            anchor_bottom_height=[float(v) for v in bottoms],
            dir_offset=offset,
            dir_limit_offset=limit,
            num_dir_bins=bins,
            score_thresh=threshold,
        )
        np.testing.assert_array_equal(number, numbers)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
