"""Plugins: written in Python, named by a model, and those that come with the library."""

import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt
from onnx import TensorProto

from .memory import read, write
from .support import Session, model, reference

FLOAT = TensorProto.FLOAT
RNG = np.random.default_rng(7)


class ScaleV3(trt.IPluginV3, trt.IPluginV3OneCore, trt.IPluginV3OneBuild, trt.IPluginV3OneRuntime):
    """y = x * factor."""

    def __init__(self, factor):
        trt.IPluginV3.__init__(self)
        trt.IPluginV3OneCore.__init__(self)
        trt.IPluginV3OneBuild.__init__(self)
        trt.IPluginV3OneRuntime.__init__(self)
        self.factor = factor
        self.plugin_name, self.plugin_version, self.plugin_namespace = "PyScale", "1", ""
        self.num_outputs = 1

    def get_capability_interface(self, type):
        return self

    def clone(self):
        return ScaleV3(self.factor)

    def get_output_data_types(self, input_types):
        return [input_types[0]]

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        out = trt.DimsExprs(len(inputs[0]))
        for i in range(len(inputs[0])):
            out[i] = expr_builder.operation(
                trt.DimensionOperation.MAX, inputs[0][i], expr_builder.constant(1)
            )
        return [out]

    def supports_format_combination(self, pos, in_out, num_inputs):
        desc = in_out[pos].desc
        return desc.type == trt.float32 and desc.format == trt.TensorFormat.LINEAR

    def configure_plugin(self, inputs, outputs):
        pass

    def on_shape_change(self, inputs, outputs):
        self.shape = tuple(inputs[0].dims)

    def attach_to_context(self, context):
        return self.clone()

    def set_tactic(self, tactic):
        return 0

    def get_fields_to_serialize(self):
        factor = np.array([self.factor], np.float32)
        return trt.PluginFieldCollection(
            [trt.PluginField("factor", factor, trt.PluginFieldType.FLOAT32)]
        )

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream):
        write(outputs[0], read(inputs[0], self.shape) * np.float32(self.factor))


class ScaleV3Creator(trt.IPluginCreatorV3One):
    def __init__(self):
        trt.IPluginCreatorV3One.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "PyScale", "1", ""
        self.field_names = trt.PluginFieldCollection(
            [trt.PluginField("factor", np.array([], np.float32), trt.PluginFieldType.FLOAT32)]
        )

    def create_plugin(self, name, fields, phase):
        return ScaleV3(float(fields[0].data[0]))


class ScaleV2(trt.IPluginV2DynamicExt):
    """The same by the interface before."""

    def __init__(self, factor):
        trt.IPluginV2DynamicExt.__init__(self)
        self.factor, self.num_outputs = factor, 1
        self.plugin_type, self.plugin_version, self.plugin_namespace = "PyScaleV2", "1", ""

    def get_output_datatype(self, index, input_types):
        return input_types[0]

    def get_output_dimensions(self, index, inputs, expr_builder):
        return inputs[0]

    def supports_format_combination(self, pos, in_out, num_inputs):
        return in_out[pos].type == trt.float32 and in_out[pos].format == trt.TensorFormat.LINEAR

    def configure_plugin(self, inputs, outputs):
        pass

    def get_workspace_size(self, inputs, outputs):
        return 0

    def get_serialization_size(self):
        return len(self.serialize())

    def serialize(self):
        return np.float32(self.factor).tobytes()

    def clone(self):
        return ScaleV2(self.factor)

    def initialize(self):
        pass

    def terminate(self):
        pass

    def destroy(self):
        pass

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream):
        shape = tuple(input_desc[0].dims)
        write(outputs[0], read(inputs[0], shape) * np.float32(self.factor))


class ScaleV2Creator(trt.IPluginCreator):
    def __init__(self):
        trt.IPluginCreator.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "PyScaleV2", "1", ""
        self.field_names = trt.PluginFieldCollection(
            [trt.PluginField("factor", np.array([], np.float32), trt.PluginFieldType.FLOAT32)]
        )

    def create_plugin(self, name, fields):
        return ScaleV2(float(fields[0].data[0]))

    def deserialize_plugin(self, name, data):
        return ScaleV2(float(np.frombuffer(bytes(data), np.float32)[0]))


def overlap(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.clip(high - low, 0, None))
    areas = [np.prod(x[2:] - x[:2]) for x in (a, b)]
    return both / (sum(areas) - both)


def detect(boxes, scores, threshold, iou, kept):
    """Detections (score, class, box) of one image, best first, class by class suppressed."""
    out = []
    for c in range(scores.shape[1]):
        chosen = []
        for i in np.argsort(-scores[:, c], kind="stable"):
            if scores[i, c] < threshold:
                break
            if all(overlap(boxes[i], boxes[j]) <= iou for j in chosen):
                chosen.append(i)
        out += [(scores[i, c], c, i) for i in chosen]
    return sorted(out, key=lambda d: -d[0])[:kept]


class PluginTest(unittest.TestCase):
    def node_of(self, op_type, inputs, outputs, feeds, results, opset=18, **attributes):
        """A model of one node run by the library."""
        nodes = [onnx.helper.make_node(op_type, inputs, outputs, name="node", **attributes)]
        types = {n: (onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feeds.items()}
        session = Session()
        self.assertTrue(session.parse(model(nodes, types, results, opset=opset)), session.log.errors())
        return session.run(feeds)

    def test_python_plugins(self):
        creators = [ScaleV3Creator(), ScaleV2Creator()]
        registry = trt.get_plugin_registry()
        for creator in creators:
            self.assertTrue(registry.register_creator(creator, ""))
        try:
            x = RNG.random((2, 3), np.float32)
            session = Session()
            tensor = session.network.add_input("x", trt.float32, (2, 3))
            first = session.network.add_plugin_v3([tensor], [], ScaleV3(3.0))
            self.assertEqual(first.type, trt.LayerType.PLUGIN_V3)
            self.assertEqual(tuple(first.get_output(0).shape), (2, 3))
            second = session.network.add_plugin_v2([first.get_output(0)], ScaleV2(0.5))
            self.assertEqual(second.plugin.plugin_type, "PyScaleV2")
            second.get_output(0).name = "y"
            session.network.mark_output(second.get_output(0))
            np.testing.assert_array_equal(session.run({"x": x})["y"], x * np.float32(1.5))
            # By the model's own names, between other operators.
            nodes = [
                onnx.helper.make_node("Relu", ["x"], ["a"]),
                onnx.helper.make_node("PyScale", ["a"], ["b"], name="mine", factor=4.0),
                onnx.helper.make_node("PyScaleV2", ["b"], ["c"], factor=0.25, domain="mine"),
                onnx.helper.make_node("Shape", ["c"], ["s"]),
                onnx.helper.make_node("Reshape", ["x", "s"], ["d"]),
                onnx.helper.make_node("Add", ["c", "d"], ["y"]),
            ]
            session = Session()
            done = session.parse(model(nodes, {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, None)}))
            self.assertTrue(done, session.log.errors())
            layers = [session.network.get_layer(i) for i in range(session.network.num_layers)]
            self.assertIn("mine", [layer.name for layer in layers])
            np.testing.assert_array_equal(session.run({"x": x})["y"], x * 2)
        finally:
            for creator in creators:
                registry.deregister_creator(creator)

    def test_in_loops_and_branches(self):
        creator = ScaleV3Creator()
        registry = trt.get_plugin_registry()
        self.assertTrue(registry.register_creator(creator, ""))
        try:
            session = Session()
            net = session.network
            x = net.add_input("x", trt.float32, (2, 3))
            flag = net.add_input("flag", trt.bool, ())
            loop = net.add_loop()
            three = net.add_constant((), np.array(3, np.int32)).get_output(0)
            loop.add_trip_limit(three, trt.TripLimit.COUNT)
            carried = loop.add_recurrence(x)
            scaled = net.add_plugin_v3([carried.get_output(0)], [], ScaleV3(2.0)).get_output(0)
            carried.set_input(1, scaled)
            last = loop.add_loop_output(scaled, trt.LoopOutput.CONCATENATE, 0)
            last.set_input(1, three)
            last.get_output(0).name = "last"
            net.mark_output(last.get_output(0))
            branch = net.add_if_conditional()
            branch.set_condition(flag)
            inside = branch.add_input(x).get_output(0)
            yes = net.add_plugin_v3([inside], [], ScaleV3(5.0)).get_output(0)
            no = net.add_unary(inside, trt.UnaryOperation.NEG).get_output(0)
            out = branch.add_output(yes, no).get_output(0)
            out.name = "out"
            net.mark_output(out)
            x = RNG.random((2, 3), np.float32)
            for flag in (True, False):
                results = session.run({"x": x, "flag": np.array(flag)})
                np.testing.assert_array_equal(results["last"], np.stack([x * 2, x * 4, x * 8]))
                np.testing.assert_array_equal(results["out"], x * 5 if flag else -x)
        finally:
            registry.deregister_creator(creator)

    def test_in_bodies_of_models(self):
        creator = ScaleV3Creator()
        registry = trt.get_plugin_registry()
        self.assertTrue(registry.register_creator(creator, ""))
        make = onnx.helper.make_node

        def body(name, nodes, inputs, outputs):
            infos = [onnx.helper.make_tensor_value_info(*i) for i in inputs]
            return onnx.helper.make_graph(
                nodes, name, infos, [onnx.helper.make_tensor_value_info(*o) for o in outputs]
            )

        try:
            value = [("b", FLOAT, [2, 3])]
            yes = body("yes", [make("PyScale", ["x"], ["b"], factor=5.0)], [], value)
            no = body("no", [make("LReLU_TRT", ["x"], ["b"], negSlope=0.5)], [], value)
            step = body(
                "step",
                [
                    make("PyScale", ["v"], ["w"], factor=2.0),
                    make("Identity", ["c"], ["d"]),
                ],
                [("i", TensorProto.INT64, []), ("c", TensorProto.BOOL, []), ("v", FLOAT, [2, 3])],
                [("d", TensorProto.BOOL, []), ("w", FLOAT, [2, 3])],
            )
            nodes = [
                make("If", ["flag"], ["y"], then_branch=yes, else_branch=no),
                make("Constant", [], ["three"], value_int=3),
                make("Loop", ["three", "", "x"], ["z"], body=step),
            ]
            session = Session()
            done = session.parse(
                model(
                    nodes,
                    {"x": (FLOAT, [2, 3]), "flag": (TensorProto.BOOL, [])},
                    {"y": (FLOAT, [2, 3]), "z": (FLOAT, [2, 3])},
                )
            )
            self.assertTrue(done, session.log.errors())
            x = RNG.random((2, 3), np.float32) - np.float32(0.5)
            for flag in (True, False):
                results = session.run({"x": x, "flag": np.array(flag)})
                wanted = x * 5 if flag else np.where(x < 0, x / 2, x)
                np.testing.assert_array_equal(results["y"], wanted)
                np.testing.assert_array_equal(results["z"], x * 8)
        finally:
            registry.deregister_creator(creator)

    def test_unknown_operators_are_named(self):
        node = onnx.helper.make_node("NobodyKnowsIt", ["x"], ["y"])
        session = Session()
        self.assertFalse(session.parse(model([node], {"x": (FLOAT, [2])}, {"y": (FLOAT, [2])})))
        self.assertIn("NobodyKnowsIt", str(session.parser.get_error(0)))

    def test_stock_creators(self):
        self.assertTrue(trt.init_libnvinfer_plugins(None, ""))
        registry = trt.get_plugin_registry()
        creator = registry.get_creator("EfficientNMS_TRT", "1", "")
        self.assertIsNotNone(creator)
        names = [field.name for field in creator.field_names]
        self.assertIn("score_threshold", names)
        field = trt.PluginField(
            "negSlope", np.array([0.25], np.float32), trt.PluginFieldType.FLOAT32
        )
        plugin = registry.get_creator("LReLU_TRT", "1", "").create_plugin(
            "leaky", trt.PluginFieldCollection([field])
        )
        x = np.array([-4, 8], np.float32)
        session = Session()
        tensor = session.network.add_input("x", trt.float32, (2,))
        layer = session.network.add_plugin_v2([tensor], plugin)
        layer.get_output(0).name = "y"
        session.network.mark_output(layer.get_output(0))
        np.testing.assert_array_equal(session.run({"x": x})["y"], [-1, 8])

    def test_efficient_nms(self):
        kept = 8
        corners = RNG.random((2, 40, 2, 2), np.float32)
        corners.sort(axis=2)
        boxes = corners.reshape(2, 40, 4)
        scores = RNG.random((2, 40, 3), np.float32)
        results = {
            "count": (TensorProto.INT32, [2, 1]),
            "boxes": (FLOAT, [2, kept, 4]),
            "scores": (FLOAT, [2, kept]),
            "classes": (TensorProto.INT32, [2, kept]),
        }
        for threshold, iou in ((0.5, 0.3), (0.97, 0.5)):
            out = self.node_of(
                "EfficientNMS_TRT",
                ["b", "s"],
                list(results),
                {"b": boxes, "s": scores},
                results,
                score_threshold=threshold,
                iou_threshold=iou,
                max_output_boxes=kept,
                background_class=-1,
                plugin_version="1",
            )
            for image in range(2):
                want = detect(boxes[image], scores[image], threshold, iou, kept)
                n = len(want)
                self.assertEqual(out["count"][image, 0], n)
                np.testing.assert_array_equal(out["scores"][image, :n], [d[0] for d in want])
                np.testing.assert_array_equal(out["classes"][image, :n], [d[1] for d in want])
                chosen = boxes[image][[d[2] for d in want]] if n else np.zeros((0, 4))
                np.testing.assert_array_equal(out["boxes"][image, :n], chosen)
                self.assertFalse(out["boxes"][image, n:].any())

    def test_batched_nms(self):
        corners = RNG.random((1, 30, 2, 2), np.float32)
        corners.sort(axis=2)
        boxes = corners.reshape(1, 30, 1, 4)
        scores = RNG.random((1, 30, 4), np.float32)
        results = {
            "count": (TensorProto.INT32, [1, 1]),
            "boxes": (FLOAT, [1, 10, 4]),
            "scores": (FLOAT, [1, 10]),
            "classes": (FLOAT, [1, 10]),
        }
        out = self.node_of(
            "BatchedNMSDynamic_TRT",
            ["b", "s"],
            list(results),
            {"b": boxes, "s": scores},
            results,
            shareLocation=1,
            backgroundLabelId=0,
            numClasses=4,
            topK=30,
            keepTopK=10,
            scoreThreshold=0.6,
            iouThreshold=0.4,
        )
        masked = scores[0].copy()
        masked[:, 0] = 0
        want = detect(boxes[0, :, 0], masked, 0.6, 0.4, 10)
        self.assertEqual(out["count"][0, 0], len(want))
        np.testing.assert_array_equal(out["scores"][0, : len(want)], [d[0] for d in want])
        np.testing.assert_array_equal(out["classes"][0, : len(want)], [d[1] for d in want])
        self.assertTrue((out["classes"][0, len(want) :] == -1).all())

    def test_normalizations_and_regions(self):
        x = RNG.standard_normal((2, 4, 5, 6)).astype(np.float32)
        scale, bias = (RNG.standard_normal(4).astype(np.float32) for _ in range(2))
        nodes = [
            onnx.helper.make_node("InstanceNormalization", ["x", "s", "b"], ["y"], epsilon=1e-4)
        ]
        feeds = {"x": x, "s": scale, "b": bias}
        types = {n: (FLOAT, a.shape) for n, a in feeds.items()}
        want = reference(model(nodes, types, {"y": (FLOAT, x.shape)}), feeds)["y"]
        for version in ("1", "3"):
            got = self.node_of(
                "InstanceNormalization_TRT",
                ["x", "s", "b"],
                ["y"],
                feeds,
                {"y": (FLOAT, x.shape)},
                epsilon=1e-4,
                plugin_version=version,
            )["y"]
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
        rois = np.array([[0, 0, 4, 3], [1, 1, 5, 4]], np.float32)
        index = np.array([0, 1], np.int64)
        attributes = dict(output_height=2, output_width=3, sampling_ratio=2, spatial_scale=0.9)
        nodes = [onnx.helper.make_node("RoiAlign", ["x", "r", "i"], ["y"], **attributes)]
        feeds = {"x": x, "r": rois, "i": index}
        types = {"x": (FLOAT, x.shape), "r": (FLOAT, [2, 4]), "i": (TensorProto.INT64, [2])}
        want = reference(model(nodes, types, {"y": (FLOAT, [2, 4, 2, 3])}), feeds)["y"]
        feeds["i"] = index.astype(np.int32)
        got = self.node_of(
            "ROIAlign_TRT",
            ["x", "r", "i"],
            ["y"],
            feeds,
            {"y": (FLOAT, [2, 4, 2, 3])},
            coordinate_transformation_mode=1,
            mode=1,
            **attributes,
        )["y"]
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    def test_rearrangements(self):
        x = np.arange(2 * 4 * 4 * 6, dtype=np.float32).reshape(2, 4, 4, 6)
        got = self.node_of("Reorg_TRT", ["x"], ["y"], {"x": x}, {"y": (FLOAT, [2, 16, 2, 3])},
                           stride=2)["y"]
        want = np.zeros(x.size, np.float32)  # Darknet's own loops
        flat, (b, c, h, w), s = x.ravel(), x.shape, 2
        out_c = c // (s * s)
        for n in range(b):
            for k in range(c):
                for j in range(h):
                    for i in range(w):
                        offset = k // out_c
                        w2, h2 = i * s + offset % s, j * s + offset // s
                        at = w2 + w * s * (h2 + h * s * (k % out_c + out_c * n))
                        want[i + w * (j + h * (k + c * n))] = flat[at]
        np.testing.assert_array_equal(got.ravel(), want)


if __name__ == "__main__":
    unittest.main()
