"""Detectors' plugins of TensorRT's library, against loops over boxes."""

import numpy as np
from onnx import TensorProto

from .stock_case import StockCase, random_boxes, survivors

FLOAT, INT32 = TensorProto.FLOAT, TensorProto.INT32
RNG = np.random.default_rng(11)
CLIP = np.log(1000 / 16)


def best_of_classes(boxes, scores, threshold, limit, per_class, kept):
    """(score, class, box) of what survives in its class, best first; boxes [n, 4], scores [n, c]."""
    out = []
    for c in range(scores.shape[1]):
        wanted = [i for i in range(len(boxes)) if scores[i, c] >= threshold]
        best = survivors(boxes, scores[:, c], limit, indices=wanted)[:per_class]
        out += [(scores[i, c], c, i) for i in best]
    return sorted(out, key=lambda r: -r[0])[:kept]


def moved(boxes, deltas, scales, more=0, clip=np.inf, last=(1, 1)):
    """boxes [n, 4] of y1, x1, y2, x2 moved by deltas [n, 4]."""
    deltas = np.asarray(deltas, np.float64) * scales
    size = boxes[:, 2:] - boxes[:, :2] + more
    center = boxes[:, :2] + size / 2 + deltas[:, :2] * size
    extent = size * np.exp(np.minimum(deltas[:, 2:], clip))
    first = center - extent / 2
    out = np.concatenate([first, first + extent - more], 1)
    return np.clip(out, 0, [*last, *last])


class StockBoxesTest(StockCase):
    def test_onnx_nms(self):
        boxes, scores = random_boxes(RNG, 3, 20), RNG.random((3, 20, 2), np.float32)
        scores[2] = 0
        kept = 6
        for centers in (0, 1):
            rows = []
            for b in range(3):
                corners = boxes[b]
                if centers:
                    half = corners[:, 2:] / 2
                    corners = np.concatenate([corners[:, :2] - half, corners[:, :2] + half], 1)
                for _, c, i in best_of_classes(corners, scores[b], 0.6, 0.3, kept, kept):
                    rows.append((b, c, i))
            rows += [rows[-1]] * (3 * kept - len(rows))
            (found,) = self.run_node(
                "EfficientNMS_ONNX_TRT",
                {"b": boxes, "s": scores},
                results=[INT32],
                score_threshold=0.6,
                iou_threshold=0.3,
                max_output_boxes_per_class=kept,
                center_point_box=centers,
            )
            np.testing.assert_array_equal(found, rows)
        (found,) = self.run_node(
            "EfficientNMS_ONNX_TRT",
            {"b": boxes, "s": scores},
            results=[INT32],
            score_threshold=2.0,
            max_output_boxes_per_class=kept,
        )
        np.testing.assert_array_equal(found, np.full((18, 3), -1))

    def test_combined_nms(self):
        boxes, scores = random_boxes(RNG, 2, 20) * 1.5, RNG.random((2, 20, 3), np.float32)
        for pad in (0, 1):
            size = 6 if pad else 8
            wanted = [np.zeros((2, size, 4)), np.zeros((2, size)), np.zeros((2, size))]
            for b in range(2):
                best = best_of_classes(boxes[b], scores[b], 0.4, 0.5, 2, size)
                self.assertLessEqual(len(best), 6)
                for r, (score, c, i) in enumerate(best):
                    wanted[0][b, r] = np.clip(boxes[b, i], 0, 1)
                    wanted[1][b, r], wanted[2][b, r] = score, c
            for kind, shape in (("Explicit", (2, 1)), ("Implicit", (2,))):
                count, *found = self.run_node(
                    f"EfficientNMS_{kind}_TF_TRT",
                    {"b": boxes[:, :, None], "s": scores},
                    results=[INT32, FLOAT, FLOAT, INT32],
                    max_output_size_per_class=2,
                    max_total_size=8,
                    iou_threshold=0.5,
                    score_threshold=0.4,
                    pad_per_class=pad,
                    clip_boxes=1,
                )
                self.assertEqual(count.shape, shape)
                np.testing.assert_array_equal(count.ravel(), (wanted[1] > 0).sum(1))
                for mine, other in zip(found, wanted):
                    np.testing.assert_allclose(mine, other, rtol=1e-6)

    def test_ssd_nms(self):
        n, classes, kept = 15, 3, 10
        anchors = random_boxes(RNG, 2, n)
        variance = RNG.uniform(0.1, 0.3, (2, n, 4)).astype(np.float32)
        priors = np.stack([anchors, variance], 1).reshape(2, 2, n * 4, 1)
        scores = RNG.random((2, n, classes), np.float32)
        for name, coding, shared, encoded in (
            ("NMS_TRT", 0, 1, 0),
            ("NMS_TRT", 1, 0, 0),
            ("NMSDynamic_TRT", 1, 1, 1),
            ("NMSDynamic_TRT", 2, 1, 0),
            ("NMSDynamic_TRT", 3, 0, 1),
        ):
            heads = 1 if shared else classes
            loc = RNG.standard_normal((2, n, heads, 4), np.float32)
            wanted, counts = np.zeros((2, 1, kept, 7)), []
            for b in range(2):
                from_image = b if name == "NMSDynamic_TRT" else 0
                boxes = np.zeros((n, heads, 4))
                for i, k in np.ndindex(n, heads):
                    p, v, d = anchors[from_image, i], variance[from_image, i], loc[b, i, k]
                    size = p[2:] - p[:2]
                    if coding == 3:
                        d = d[[1, 0, 3, 2]]
                    if not encoded or coding == 3:
                        d = d * v
                    if coding == 0:
                        boxes[i, k] = p + d
                    elif coding == 2:
                        boxes[i, k] = p + d * np.tile(size, 2)
                    else:
                        center = d[:2] * size + (p[:2] + p[2:]) / 2
                        half = np.exp(d[2:]) * size / 2
                        boxes[i, k] = [*(center - half), *(center + half)]
                rows = []
                for c in range(1, classes):
                    top = sorted(range(n), key=lambda i: -scores[b, i, c])[:12]
                    top = [i for i in top if scores[b, i, c] > 0.3]
                    of = boxes[:, 0 if shared else c]
                    best = survivors(of, scores[b, :, c], 0.45, indices=top)
                    rows += [(scores[b, i, c], c, of[i]) for i in best]
                rows = sorted(rows, key=lambda r: -r[0])[:kept]
                counts.append(len(rows))
                wanted[b, 0, :, 0], wanted[b, 0, len(rows) :, 1] = b, -1
                for r, (score, c, box) in enumerate(rows):
                    wanted[b, 0, r, 1:] = [c, score, *np.clip(box, 0, 1)]
            inputs = {
                "loc": loc.reshape(2, -1, 1, 1),
                "conf": scores.reshape(2, -1, 1, 1),
                "priors": priors,
            }
            found, count = self.run_node(
                name,
                inputs,
                order=["loc", "priors", "conf"],
                results=2,
                shareLocation=shared,
                varianceEncodedInTarget=encoded,
                backgroundLabelId=0,
                numClasses=classes,
                topK=12,
                keepTopK=kept,
                confidenceThreshold=0.3,
                nmsThreshold=0.45,
                inputOrder=[0, 2, 1],
                codeType=coding,
                isNormalized=1,
            )
            np.testing.assert_array_equal(count.view(np.int32).ravel(), counts)
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5, err_msg=name)

    def test_mask_rcnn_proposals(self):
        image, kept, first = 64, 12, 50
        anchors = []
        for stride in (4, 8, 16, 32, 64):
            for y in range(0, image, stride):
                for x in range(0, image, stride):
                    for ratio in (0.5, 1, 2):
                        h, w = 8 * stride / np.sqrt(ratio), 8 * stride * np.sqrt(ratio)
                        anchors.append([y - h / 2, x - w / 2, y + h / 2 - 1, x + w / 2 - 1])
        anchors = np.array(anchors) / (image - 1)
        n = len(anchors)
        scores = RNG.random((2, n, 2, 1), np.float32)
        deltas = RNG.standard_normal((2, n, 4, 1)).astype(np.float32)
        wanted = np.zeros((2, kept, 4))
        for b in range(2):
            boxes = moved(anchors, deltas[b, :, :, 0], [0.1, 0.1, 0.2, 0.2])
            score = scores[b, :, 1, 0]
            top = sorted(range(n), key=lambda i: -score[i])[:first]
            best = survivors(boxes, score, 0.6, indices=top)[:kept]
            wanted[b, : len(best)] = boxes[best]
        (found,) = self.run_node(
            "ProposalLayer_TRT",
            {"s": scores, "d": deltas},
            prenms_topk=first,
            keep_topk=kept,
            iou_threshold=0.6,
            image_size=[3, image, image],
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)

    def test_multilevel_proposals(self):
        height, width, kept, first = 64, 96, 9, 20
        feeds, pools = {}, []
        for level, stride in enumerate((4, 8, 16, 32, 64)):
            anchors = []
            for y in range(stride // 2, height, stride):
                for x in range(stride // 2, width, stride):
                    for wide, high in ((1, 1), (1.4, 0.7), (0.7, 1.4)):
                        h, w = 4 * stride * high, 4 * stride * wide
                        anchors.append([y - h, x - w, y + h, x + w])
            n = len(anchors)
            deltas = RNG.standard_normal((1, n, 4, 1)).astype(np.float32) * 0.3
            scores = RNG.random((1, n, 1, 1), np.float32)
            feeds[f"d{level}"], feeds[f"s{level}"] = deltas, scores
            last = (height - 1, width - 1)
            boxes = moved(np.array(anchors), deltas[0, :, :, 0], np.ones(4), 1, CLIP, last)
            score = scores[0, :, 0, 0]
            top = sorted(range(n), key=lambda i: -score[i])[:first]
            top = [i for i in top if score[i] >= 0.5]
            for i in survivors(boxes, score, 0.5, indices=top)[:kept]:
                pools.append((score[i], boxes[i]))
        pools.sort(key=lambda r: -r[0])
        (found,) = self.run_node(
            "MultilevelProposeROI_TRT",
            feeds,
            prenms_topk=first,
            keep_topk=kept,
            fg_threshold=0.5,
            iou_threshold=0.5,
            image_size=[3, height, width],
        )
        np.testing.assert_allclose(found[0], [p[1] for p in pools[:kept]], rtol=1e-4, atol=1e-3)

    def test_final_detections(self):
        n, classes, kept = 16, 4, 10
        for name, last, more, clip in (
            ("DetectionLayer_TRT", (1, 1), 0, np.inf),
            ("GenerateDetection_TRT", (63, 95), 1, CLIP),
        ):
            regions = random_boxes(RNG, 2, n) * [*last, *last]
            regions = regions.astype(np.float32)
            scores = RNG.random((2, n, classes), np.float32)
            deltas = RNG.standard_normal((2, n, classes, 4)).astype(np.float32)
            wanted = np.zeros((2, kept, 6))
            wanted[:, :, 4] = -1
            for b in range(2):
                given = scores[b].copy()
                if more:
                    given[:, 0] = -1
                label = given.argmax(1)
                score = given.max(1)
                own = deltas[b][np.arange(n), label]
                boxes = moved(regions[b], own, [0.1, 0.1, 0.2, 0.2], more, clip, last)
                rows = []
                for c in range(1, classes):
                    of = [i for i in range(n) if label[i] == c and score[i] >= 0.6]
                    rows += [(score[i], c, boxes[i]) for i in survivors(boxes, score, 0.2, indices=of)]
                rows = sorted(rows, key=lambda r: -r[0])[:kept]
                for r, (value, c, box) in enumerate(rows):
                    wanted[b, r] = [*box, c, value]
            extra = {"image_size": [3, 64, 96]} if more else {}
            (found,) = self.run_node(
                name,
                {
                    "d": deltas.reshape(2, n, -1, 1, 1),
                    "s": scores.reshape(2, n, classes, 1, 1),
                    "r": regions,
                },
                num_classes=classes,
                keep_topk=kept,
                score_threshold=0.6,
                iou_threshold=0.2,
                **extra,
            )
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4, err_msg=name)

    def faster_rcnn(self, widths, heights, centers, deltas, scores, size, least, first, kept):
        """Boxes x1, y1, x2, y2 of one image; deltas [a, 4, h, w], scores [a, h, w]."""
        boxes, values = [], []
        for a, y, x in np.ndindex(scores.shape):
            d = deltas[a, :, y, x].astype(np.float64)
            extent = np.array([widths[a], heights[a]])
            center = np.array([centers(x), centers(y)]) + d[:2] * extent
            half = np.exp(d[2:]) * extent / 2
            last = [size[1] - 1, size[0] - 1]
            box = np.clip(np.concatenate([center - half, center + half]), 0, [*last, *last])
            boxes.append(box)
            small = (box[2:] - box[:2] <= least).any()
            values.append(-1e9 if small else scores[a, y, x])
        boxes = np.array(boxes)
        top = sorted(range(len(boxes)), key=lambda i: -values[i])[:first]
        best = survivors(boxes, values, 0.5, 1, top)[:kept]
        out = np.zeros((kept, 4))
        out[: len(best)] = boxes[best]
        return out

    def test_faster_rcnn_proposals(self):
        sizes, ratios, stride, height, width = [16.0, 40.0], [1.0, 0.7], 16, 64, 80
        h, w, kept = 4, 5, 8
        widths = [s * r for s in sizes for r in ratios]
        heights = [s / r for s in sizes for r in ratios]
        scores = RNG.random((2, 4, h, w), np.float32)
        deltas = (RNG.standard_normal((2, 16, h, w)) * 0.3).astype(np.float32)
        wanted = []
        for b in range(2):
            boxes = self.faster_rcnn(
                widths,
                heights,
                lambda i: (i + 0.5) * stride,
                deltas[b].reshape(4, 4, h, w),
                scores[b],
                (height, width),
                10,
                30,
                kept,
            )
            scaled = boxes / [width - 1, height - 1, width - 1, height - 1]
            wanted.append(scaled[:, [1, 0, 3, 2], None])
        for name in ("Proposal", "ProposalDynamic"):
            (found,) = self.run_node(
                name,
                {"s": scores, "d": deltas},
                input_height=height,
                input_width=width,
                rpn_stride=stride,
                roi_min_size=10.0,
                nms_iou_threshold=0.5,
                pre_nms_top_n=30,
                post_nms_top_n=kept,
                anchor_sizes=sizes,
                anchor_ratios=ratios,
            )
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)

    def test_fused_proposals_and_pooling(self):
        ratios, scales, stride, height, width = [0.5, 1.0, 2.0], [1.0, 2.5], 16, 64, 96
        h, w, kept, channels, bins = 4, 6, 7, 3, (2, 3)
        widths, heights = [], []
        for ratio in ratios:
            for scale in scales:
                wide = round(np.sqrt(stride * stride / ratio))
                widths.append(wide * scale), heights.append(round(wide * ratio) * scale)
        count = len(widths)
        scores = RNG.random((2, 2 * count, h, w), np.float32)
        deltas = (RNG.standard_normal((2, 4 * count, h, w)) * 0.3).astype(np.float32)
        features = RNG.standard_normal((2, channels, h, w), np.float32)
        info = np.tile(np.float32([height, width, 1.5]), (2, 1)).reshape(2, 1, 1, 3)
        regions, pooled = np.zeros((2, 1, kept, 4)), np.zeros((2, kept, channels, *bins))
        for b in range(2):
            regions[b, 0] = self.faster_rcnn(
                widths,
                heights,
                lambda i: i * stride + (stride - 1) / 2,
                deltas[b].reshape(count, 4, h, w),
                scores[b, count:],
                (height, width),
                8 * 1.5 - 1 - 1e-6,
                40,
                kept,
            )
            for r in range(kept):
                x1, y1, x2, y2 = np.floor(regions[b, 0, r] / stride + 0.5).astype(int)
                for i, j in np.ndindex(bins):
                    rows, columns = max(y2 - y1 + 1, 1) / bins[0], max(x2 - x1 + 1, 1) / bins[1]
                    top, down = (int(np.floor(i * rows)), int(np.ceil((i + 1) * rows)))
                    left, right = (int(np.floor(j * columns)), int(np.ceil((j + 1) * columns)))
                    part = features[b, :, y1 + top : y1 + down, x1 + left : x1 + right]
                    if part.size:
                        pooled[b, r, :, i, j] = part.max((1, 2))
        found = self.run_node(
            "RPROI_TRT",
            {"s": scores, "d": deltas, "f": features, "i": info},
            results=2,
            poolingH=bins[0],
            poolingW=bins[1],
            featureStride=stride,
            preNmsTop=40,
            nmsMaxOut=kept,
            anchorsRatioCount=3,
            anchorsScaleCount=2,
            iouThreshold=0.5,
            minBoxSize=8.0,
            spatialScale=1 / stride,
            anchorsRatios=ratios,
            anchorsScales=scales,
        )
        np.testing.assert_allclose(found[0], regions, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(found[1], pooled, rtol=1e-6)
