"""The ONNX parser: errors that say where, models in parts, weights beside models, what nodes give."""

import os
import tempfile
import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt

from .support import Session, model, reference
from .test_build import F32, I64, node, small_model


def with_weights(folder, data=b""):
    """A model whose weights lie in the file w.bin of the folder, or nowhere."""
    w = np.arange(12, dtype=np.float32).reshape(3, 4)
    serialized = model(
        [node("MatMul", ["x", "w"], ["y"])], {"x": (F32, [2, 3])}, {"y": (F32, [2, 4])}, {"w": w}
    )
    proto = onnx.load_from_string(serialized)
    tensor = proto.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "w.bin", 0, w.nbytes)
    tensor.ClearField("raw_data")
    with open(os.path.join(folder, "w.bin"), "wb") as f:
        f.write(w.tobytes())
    return proto.SerializeToString(), serialized, w


class Loading(unittest.TestCase):
    def check(self, s, serialized):
        x = {"x": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)}
        np.testing.assert_allclose(s.run(x)["y"], reference(serialized, x)["y"], 1e-4)

    def test_external_data(self):
        with tempfile.TemporaryDirectory() as folder:
            outside, whole, _ = with_weights(folder)
            path = os.path.join(folder, "m.onnx")
            s = Session()
            p = trt.OnnxParser(s.network, s.log)
            self.assertFalse(p.parse(outside))  # from where?
            self.assertIn("w.bin", p.get_error(0).desc())
            s = Session()  # the path says where, though no model lies there
            self.assertTrue(trt.OnnxParser(s.network, s.log).parse(outside, path), s.log.errors())
            self.check(s, whole)
            with open(path, "wb") as f:
                f.write(outside)
            for read in ("parse_from_file", "load_model_proto"):
                s = Session()
                p = trt.OnnxParser(s.network, s.log)
                if read == "parse_from_file":
                    self.assertTrue(p.parse_from_file(path))
                else:
                    self.assertTrue(p.load_model_proto(outside, path) and p.parse_model_proto())
                self.check(s, whole)
            self.assertTrue(trt.OnnxParser(Session().network, s.log).supports_model_v2(outside, path))

    def test_initializers_in_memory(self):
        with tempfile.TemporaryDirectory() as folder:
            outside, whole, w = with_weights(folder)
        s = Session()
        p = trt.OnnxParser(s.network, s.log)
        self.assertFalse(p.load_initializer("w", w.ctypes.data, w.nbytes))
        self.assertIn("'w'", s.log.errors()[-1])
        self.assertTrue(p.load_model_proto(outside))
        self.assertTrue(p.load_initializer("w", w.ctypes.data, w.nbytes))
        self.assertTrue(p.parse_model_proto(), s.log.errors())
        self.check(s, whole)
        s = Session()
        p = trt.OnnxParser(s.network, s.log)
        self.assertTrue(p.load_model_proto(outside))
        self.assertTrue(p.load_initializer("w", w.ctypes.data, 4))
        self.assertFalse(p.parse_model_proto())
        self.assertIn("needs 48 bytes", s.log.errors()[-1])

    def test_weight_descriptors(self):
        x = {"x": np.ones((1, 3, 8, 8), np.float32)}
        s = Session()
        p = trt.OnnxParser(s.network, s.log)
        serialized = small_model(1)
        self.assertTrue(p.parse_with_weight_descriptors(serialized))
        np.testing.assert_allclose(s.run(x)["y"], reference(serialized, x)["y"], 1e-4)

    def test_the_parser_may_go_first(self):
        s = Session()
        serialized = small_model(1)
        self.assertTrue(s.parse(serialized))
        del s.parser
        x = {"x": np.ones((1, 3, 8, 8), np.float32)}
        np.testing.assert_allclose(s.run(x)["y"], reference(serialized, x)["y"], 1e-4)

    def test_garbage(self):
        good = small_model(1)
        for bad in (b"", b"x", b"\x00" * 100, good[: len(good) // 2], good[:-1], os.urandom(999)):
            s = Session()
            p = trt.OnnxParser(s.network, s.log)
            self.assertFalse(p.parse(bad))
            self.assertEqual(p.num_errors, 1)
            self.assertEqual((p.get_error(0).node(), p.get_error(0).node_name()), (-1, ""))
            self.assertFalse(p.supports_model_v2(bad))


def seen_by_onnx_runtime(serialized, values=(), domains=("com.ms.internal.nhwc",)):
    """The model as ONNX Runtime asks about it: with what it knows of values, and its domains."""
    proto = onnx.load_from_string(serialized)
    for name, elem_type, shape in values:
        proto.graph.value_info.append(onnx.helper.make_tensor_value_info(name, elem_type, shape))
    proto.opset_import.extend(onnx.helper.make_opsetid(d, 1) for d in domains)
    return proto.SerializeToString()


class Parts(unittest.TestCase):
    """What can be cut out of a model: inputs and outputs of TensorRT's types, inputs of known rank."""

    def parts(self, serialized):
        s = Session()
        p = trt.OnnxParser(s.network, s.log)
        whole = p.supports_model_v2(serialized)
        self.assertEqual(whole, p.num_errors == 0 and p.num_subgraphs == 1)
        return [list(p.get_subgraph_nodes(i)) for i in range(p.num_subgraphs)]

    def test_types_that_no_tensor_has(self):
        kind = onnx.TensorProto
        nodes = [
            node("Cast", ["x"], ["a"], to=kind.INT16),
            node("Add", ["a", "a"], ["b"]),
            node("Cast", ["b"], ["c"], to=kind.FLOAT),
            node("Add", ["c", "w"], ["d"]),
            node("Cast", ["d"], ["y"], to=kind.UINT16),
        ]
        wide = model(nodes, {"x": (F32, [2]), "w": (F32, [2])}, {"y": (kind.UINT16, [2])})
        self.assertEqual(self.parts(wide), [[0, 1, 2, 3]])  # 16 bits inside are no matter
        wide = model(nodes[1:4], {"a": (kind.INT16, [2]), "w": (F32, [2])}, {"d": (F32, [2])})
        self.assertEqual(self.parts(wide), [[1, 2]])

    def test_what_the_model_says_of_values(self):
        nodes = [node("Relu", ["x"], ["a"]), node("Odd", ["a"], ["b"]), node("Neg", ["b"], ["c"]),
                 node("Neg", ["c"], ["d"]), node("Add", ["d", "z"], ["y"])]  # fmt: skip
        odd = model(nodes, {"x": (F32, [2]), "z": (F32, [2])}, {"y": (F32, [2])})
        self.assertEqual(self.parts(odd), [[0], [2, 3, 4]])
        runtime = seen_by_onnx_runtime
        self.assertEqual(self.parts(runtime(odd, [("b", F32, ["n"])])), [[0], [2, 3, 4]])
        # Without a rank nothing can begin there; ONNX Runtime wants each size to have a name, too.
        self.assertEqual(self.parts(runtime(odd, [("b", F32, None), ("c", F32, [2])])), [[0], [3, 4]])
        self.assertEqual(self.parts(runtime(odd, [("b", F32, [None]), ("c", F32, [2])])), [[0], [3, 4]])
        plain = runtime(odd, [("b", F32, [None])], [])
        self.assertEqual(self.parts(plain), [[0], [2, 3, 4]])

    def test_what_onnx_runtime_keeps(self):
        double = onnx.TensorProto.DOUBLE
        nodes = [node("Cast", ["x"], ["a"], to=double), node("Exp", ["a"], ["b"])]
        doubles = model(nodes, {"x": (F32, [2])}, {"b": (double, [2])})
        self.assertEqual(self.parts(doubles), [[0, 1]])
        self.assertEqual(self.parts(seen_by_onnx_runtime(doubles, [("a", double, [2])])), [])
        squeeze = model([node("Squeeze", ["x"], ["a"]), node("Exp", ["a"], ["y"])],
                        {"x": (F32, ["n", 1])}, {"y": (F32, None)})  # fmt: skip
        self.assertEqual(self.parts(squeeze), [[0, 1]])
        self.assertEqual(self.parts(seen_by_onnx_runtime(squeeze, [("a", F32, None)])), [])
        s = Session()
        p = trt.OnnxParser(s.network, s.log)
        names = model([node("Identity", ["x"], ["y"])], {"x": (F32, [2])}, {"y": (F32, [2])})
        self.assertTrue(p.supports_model_v2(names))
        self.assertFalse(p.supports_model_v2(seen_by_onnx_runtime(names)))
        self.assertEqual((p.num_subgraphs, p.num_errors), (0, 0))

    def test_a_convolution_that_is_no_layer_has_its_weights(self):
        s = Session()
        w = np.arange(54, dtype=np.float32).reshape(3, 2, 3, 3) / 9
        weights = {"w": w, "b": np.ones(2, np.float32)}
        serialized = model(
            [node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[2, 2], output_padding=[1, 1])],
            {"x": (F32, [1, 3, 4, 4])}, {"y": (F32, None)}, weights)  # fmt: skip
        self.assertTrue(s.parse(serialized))
        x = {"x": np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)}
        np.testing.assert_allclose(s.run(x)["y"], reference(serialized, x)["y"], 1e-5)

    def test_doubles_come_in_as_floats(self):
        double = onnx.TensorProto.DOUBLE
        s = Session()
        self.assertTrue(s.parse(model([node("Exp", ["x"], ["y"])], {"x": (double, [2])},
                                      {"y": (double, [2])})))  # fmt: skip
        self.assertEqual(s.network.get_input(0).dtype, trt.float32)
        x = np.array([0.1, 3], np.float32)
        np.testing.assert_array_equal(s.run({"x": x})["y"], np.exp(x.astype(np.float64)).astype(np.float32))

    def test_a_condition_is_no_size(self):
        s = Session()
        self.assertTrue(s.parse(model([node("Compress", ["x", "c"], ["y"], axis=0)],
                                      {"x": (F32, [3]), "c": (onnx.TensorProto.BOOL, [3])},
                                      {"y": (F32, ["n"])})))  # fmt: skip
        self.assertFalse(any(s.network.get_input(i).is_shape_tensor for i in range(2)))
        feeds = {"x": np.array([1, 2, 3], np.float32), "c": np.array([1, 0, 1], bool)}
        self.assertEqual(s.run(feeds)["y"].tolist(), [1, 3])


class Errors(unittest.TestCase):
    bad = model(
        [
            node("Relu", ["x"], ["h"]),
            onnx.helper.make_node("Sqr", ["h"], ["i"], name="first"),
            onnx.helper.make_node("Neg", ["i"], ["j"]),
            onnx.helper.make_node("Cube", ["j"], ["y"], name="second"),
        ],
        {"x": (F32, [2])},
        {"y": (F32, [2])},
    )

    def test_every_unknown_operator_is_named(self):
        s = Session()
        self.assertFalse(s.parse(self.bad))
        errors = [s.parser.get_error(i) for i in range(s.parser.num_errors)]
        self.assertEqual([(e.node(), e.node_name(), e.node_operator()) for e in errors],
                         [(1, "first", "Sqr"), (3, "second", "Cube")])  # fmt: skip
        for e in errors:
            self.assertEqual(e.code(), trt.ErrorCode.INVALID_NODE)
            self.assertIn("Plugin not found", e.desc())
            start = f"In node {e.node()} with name: {e.node_name()} and operator: {e.node_operator()} "
            self.assertTrue(str(e).startswith(start + f"({e.func()}): INVALID_NODE: "), str(e))
            self.assertEqual((e.file(), e.line()), ("carnot", 0))
            self.assertEqual((e.local_function_stack(), e.local_function_stack_size()), ([], 0))
        s.parser.clear_errors()
        self.assertEqual(s.parser.num_errors, 0)

    def test_unknown_operators_in_functions(self):
        make = onnx.helper.make_node
        opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("own", 1)]
        inner = onnx.helper.make_function("own", "Inner", ["a"], ["b"], [make("Sqr", ["a"], ["b"])], opsets)
        nodes = [make("Inner", ["a"], ["c"], name="in", domain="own"), make("Cube", ["c"], ["b"])]
        outer = onnx.helper.make_function("own", "Outer", ["a"], ["b"], nodes, opsets)
        proto = onnx.load_from_string(
            model([make("Outer", ["x"], ["y"], name="out", domain="own")], {"x": (F32, [2])}, {"y": (F32, [2])})
        )
        proto.opset_import.append(onnx.helper.make_opsetid("own", 1))
        proto.functions.extend([inner, outer])
        s = Session()
        self.assertFalse(s.parse(proto.SerializeToString()))
        errors = [s.parser.get_error(i) for i in range(s.parser.num_errors)]
        self.assertEqual([(e.node(), e.node_operator(), e.local_function_stack()) for e in errors],
                         [(0, "Sqr", ["out (Outer)", "in (Inner)"]), (0, "Cube", ["out (Outer)"])])  # fmt: skip

    def test_doubles_meet_floats(self):
        double = onnx.TensorProto.DOUBLE
        s = Session()
        one = {"one": np.ones(2, np.float32)}
        mixed = model([node("Add", ["x", "one"], ["y"])], {"x": (double, [2])}, {"y": (double, [2])}, one)
        self.assertTrue(trt.OnnxParser(s.network, s.log).supports_model_v2(mixed), s.log.errors())

    def test_subgraphs(self):
        s = Session()
        p = trt.OnnxParser(s.network, s.log)
        self.assertFalse(p.supports_model_v2(self.bad))
        parts = [(p.is_subgraph_supported(i), p.get_subgraph_nodes(i)) for i in range(p.num_subgraphs)]
        self.assertEqual(parts, [(True, [0]), (False, [2])])
        supported, old = p.supports_model(self.bad)
        self.assertEqual((supported, old), (False, [([0], True), ([2], False)]))
        self.assertEqual(p.supports_model(small_model(1)), (True, [([0, 1, 2, 3], True)]))
        self.assertFalse(p.is_subgraph_supported(9))

    def test_a_shape_that_does_not_fit(self):
        s = Session()
        bad = model(
            [node("MatMul", ["x", "z"], ["y"])],
            {"x": (F32, [2, 3]), "z": (F32, [4, 5])},
            {"y": (F32, [2, 5])},
        )
        self.assertFalse(s.parse(bad))
        error = s.parser.get_error(0)
        self.assertEqual((error.node(), error.node_name()), (0, "the_MatMul"))
        self.assertIn("[2, 3]", error.desc())

    def test_types_that_tensorrt_lacks(self):
        s = Session()
        strings = model(
            [node("Identity", ["x"], ["y"])],
            {"x": (onnx.TensorProto.STRING, [2])},
            {"y": (onnx.TensorProto.STRING, [2])},
        )
        self.assertFalse(s.parse(strings))
        self.assertEqual(s.parser.num_errors, 1)


class Views(unittest.TestCase):
    def test_identities_are_layers(self):
        nodes = [
            node("Identity", ["x"], ["a"]),
            node("Relu", ["a"], ["b"]),
            node("Identity", ["b"], ["y"]),
        ]
        s = Session()
        self.assertTrue(s.parse(model(nodes, {"x": (F32, [2])}, {"y": (F32, [2])})))
        layers = [s.network.get_layer(i) for i in range(s.network.num_layers)]
        kinds = [trt.LayerType.IDENTITY, trt.LayerType.ACTIVATION, trt.LayerType.IDENTITY]
        self.assertEqual([layer.type for layer in layers], kinds)
        self.assertEqual([layer.get_output(0).name for layer in layers], ["a", "b", "y"])
        for layer in layers[:2]:
            s.network.mark_output(layer.get_output(0))
        x = np.array([-1, 2], np.float32)
        results = s.run({"x": x})
        np.testing.assert_array_equal(results["a"], x)
        np.testing.assert_array_equal(results["b"], [0, 2])
        np.testing.assert_array_equal(results["y"], [0, 2])

    def test_inputs_that_say_shapes(self):
        s = Session()
        shapes = {"x": (F32, [1, 3]), "s": (I64, [2])}
        expand = model([node("Expand", ["x", "s"], ["y"])], shapes, {"y": (F32, [None, None])})
        self.assertTrue(s.parse(expand))
        self.assertTrue(s.network.get_input(1).is_shape_tensor)
        s = Session()
        size = s.network.add_input("size", trt.int32, ())
        fill = s.network.add_fill((), trt.FillOperation.LINSPACE)
        fill.set_input(0, size)
        self.assertTrue(size.is_shape_tensor)

    def test_sizes_that_profiles_fix_are_those_in_loops(self):
        make, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
        body = onnx.helper.make_graph(
            [
                make("MatMul", ["x", "w"], ["m"]),
                make("Split", ["m"], ["a", "b"], axis=1, num_outputs=2),
                make("Sigmoid", ["a"], ["c"]),
                make("Mul", ["c", "h"], ["d"]),
                make("Add", ["d", "b"], ["next"]),
                make("Identity", ["on"], ["still"]),
            ],
            "body",
            [info("i", I64, []), info("on", onnx.TensorProto.BOOL, []), info("h", F32, ["n", 4])],
            [info("still", onnx.TensorProto.BOOL, []), info("next", F32, ["n", 4])],
        )
        weights = {
            "w": np.linspace(-1, 1, 24, dtype=np.float32).reshape(3, 8),
            "trips": np.array(5), "true": np.array(True),
        }  # fmt: skip
        serialized = model(
            [make("Loop", ["trips", "true", "h0"], ["y"], body=body)],
            {"x": (F32, ["n", 3]), "h0": (F32, ["n", 4])},
            {"y": (F32, ["n", 4])},
            weights,
        )
        s = Session()
        self.assertTrue(s.parse(serialized), s.log.errors())
        profile = s.builder.create_optimization_profile()
        for name, size in (("x", 3), ("h0", 4)):
            profile.set_shape(name, (2, size), (2, size), (2, size))
        s.config.add_optimization_profile(profile)
        s.config.builder_optimization_level = 2  # of level 0 no kernel is compared
        x = {k: np.linspace(-2, 1, 2 * n, dtype=np.float32).reshape(2, n) for k, n in (("x", 3), ("h0", 4))}
        np.testing.assert_allclose(s.run(x)["y"], reference(serialized, x)["y"], 1e-4, 1e-5)

    def test_what_nodes_give(self):
        split = model(
            [
                node("Split", ["x"], ["a", "b"], axis=0, num_outputs=2),
                onnx.helper.make_node("Neg", ["a"], ["c"]),
                node("Sum", ["c", "b"], ["y"]),
            ],
            {"x": (F32, [4, 2])},
            {"y": (F32, [2, 2])},
        )
        s = Session()
        self.assertTrue(s.parse(split))
        p = s.parser
        self.assertEqual([p.get_layer_output_tensor("the_Split", i).name for i in (0, 1)], ["a", "b"])
        self.assertEqual(p.get_layer_output_tensor("the_Sum", 0).name, "y")
        for name, index in (("the_Split", 2), ("the_Split", -1), ("nothing", 0)):
            self.assertIsNone(p.get_layer_output_tensor(name, index))

    def test_layers_are_those_of_other_parsers(self):
        weights = {
            "w": np.ones((4, 3, 3, 3), np.float32), "b": np.ones(4, np.float32),
            "g": np.ones((4, 5), np.float32), "c": np.ones(5, np.float32),
        }  # fmt: skip
        ops = [
            ("Conv", ["x", "w", "b"], {}), ("LeakyRelu", ["0"], {"alpha": 0.25}),
            ("HardSigmoid", ["1"], {"alpha": 0.5, "beta": 0.25}), ("Clip", ["2"], {}),
            ("Elu", ["3"], {"alpha": 0.5}), ("Gelu", ["4"], {}), ("Softplus", ["5"], {}),
            ("GlobalAveragePool", ["6"], {}), ("Flatten", ["7"], {}), ("Gemm", ["8", "g", "c"], {}),
        ]  # fmt: skip
        nodes = [
            onnx.helper.make_node(op, i, [str(k) if k < 9 else "y"], name=f"n{k}", **a)
            for k, (op, i, a) in enumerate(ops)
        ]
        serialized = model(nodes, {"x": (F32, [1, 3, 5, 5])}, {"y": (F32, [1, 5])}, weights, opset=20)
        s = Session()
        self.assertTrue(s.parse(serialized), s.log.errors())
        layers = list(s.network)
        T, A = trt.LayerType, trt.ActivationType
        self.assertEqual(
            [(layer.name, layer.type) for layer in layers if layer.type != T.CONSTANT],
            [("n0", T.CONVOLUTION)] + [(f"n{i}", T.ACTIVATION) for i in range(1, 7)]
            + [("n7", T.REDUCE), ("n8", T.SHUFFLE), ("n9", T.MATRIX_MULTIPLY)]
            + [("ONNXTRT_Broadcast", T.SHUFFLE)]
            + [("n9_1", T.ELEMENTWISE)],
        )  # fmt: skip
        self.assertEqual({layer.name for layer in layers if layer.type == T.CONSTANT}, {"g", "c"})
        conv = layers[0]
        conv.__class__ = trt.IConvolutionLayer
        self.assertEqual((conv.num_inputs, conv.kernel.size, conv.bias.size), (1, 108, 4))
        activations = []
        for layer in layers:
            if layer.type == T.ACTIVATION:
                layer.__class__ = trt.IActivationLayer
                activations.append((layer.type, layer.alpha, layer.beta))
        self.assertEqual(activations[:2], [(A.LEAKY_RELU, 0.25, 0), (A.HARD_SIGMOID, 0.5, 0.25)])
        kinds = [A.CLIP, A.ELU, A.GELU_ERF, A.SOFTPLUS]
        self.assertEqual([a[0] for a in activations[2:]], kinds)
        x = {"x": np.linspace(-1, 1, 75, dtype=np.float32).reshape(1, 3, 5, 5)}
        np.testing.assert_allclose(s.run(x)["y"], reference(serialized, x)["y"], 1e-4)
        twice = np.full((4, 3, 3, 3), 2, np.float32)  # other weights take the place of the model's
        conv.kernel = trt.Weights(twice)
        weights["w"] = twice
        serialized = model(nodes, {"x": (F32, [1, 3, 5, 5])}, {"y": (F32, [1, 5])}, weights, opset=20)
        np.testing.assert_allclose(s.run(x)["y"], reference(serialized, x)["y"], 1e-4)

    def test_nodes_that_are_several_layers(self):
        weights = {k: np.linspace(0.5, 1.5, 3, dtype=np.float32) for k in "sbmv"}
        weights["ones"] = np.ones(4, np.float32)
        make = onnx.helper.make_node
        nodes = [
            make("HardSwish", ["x"], ["a"], name="swish"),
            make("HardSwish", ["a"], ["a2"], name="again"),
            make("BatchNormalization", ["a2", *"sbmv"], ["c"], name="norm"),
            make("GreaterOrEqual", ["c", "ones"], ["d"], name="least"),
            make("Cast", ["d"], ["y"], to=F32),  # without a name
        ]
        shape = (F32, [2, 3, 4, 4])
        serialized = model(nodes, {"x": shape}, {"y": shape}, weights, opset=17)
        s = Session()
        self.assertTrue(s.parse(serialized), s.log.errors())
        T = trt.LayerType
        self.assertEqual(
            [(layer.name, layer.type) for layer in s.network],
            [
                ("swish", T.ACTIVATION), ("swish_0", T.ELEMENTWISE),
                ("again", T.ACTIVATION), ("again_1", T.ELEMENTWISE), ("norm", T.SCALE),
                ("ones", T.CONSTANT), ("ONNXTRT_Broadcast", T.SHUFFLE), ("least", T.ELEMENTWISE),
                ("ONNXTRT_Broadcast_3", T.SHUFFLE), ("least_4", T.ELEMENTWISE),
                ("least_5", T.ELEMENTWISE), ("node_of_y", T.CAST),
            ],
        )  # fmt: skip
        scale = s.network[4]
        scale.__class__ = trt.IScaleLayer
        self.assertEqual((scale.mode, scale.scale.size, scale.shift.size), (trt.ScaleMode.CHANNEL, 3, 3))
        x = {"x": np.linspace(-4, 4, 96, dtype=np.float32).reshape(2, 3, 4, 4)}
        np.testing.assert_array_equal(s.run(x)["y"], reference(serialized, x)["y"])

    def test_inputs_and_outputs(self):
        serialized = model(
            [node("Shape", ["x"], ["y"]), node("Cast", ["x"], ["z"], to=onnx.TensorProto.FLOAT16)],
            {"x": (F32, ["n", 3])},
            {"y": (I64, [2]), "z": (onnx.TensorProto.FLOAT16, ["n", 3])},
        )
        s = Session()
        self.assertTrue(s.parse(serialized))
        n = s.network
        self.assertEqual([n.get_input(i).name for i in range(n.num_inputs)], ["x"])
        x, y, z = n.get_input(0), n.get_output(0), n.get_output(1)
        self.assertEqual((tuple(x.shape), x.dtype, x.get_dimension_name(0)), ((-1, 3), trt.float32, "n"))
        self.assertEqual((y.name, tuple(y.shape), y.dtype), ("y", (2,), trt.int64))
        self.assertEqual((z.name, tuple(z.shape), z.dtype), ("z", (-1, 3), trt.float16))

    def test_an_input_that_is_an_output(self):
        s = Session()
        self.assertTrue(
            s.parse(model([node("Identity", ["x"], ["y"])], {"x": (F32, [2])}, {"y": (F32, [2])}))
        )
        x = np.array([1, 2], np.float32)
        np.testing.assert_array_equal(s.run({"x": x})["y"], x)

    def test_flags(self):
        s = Session()
        p = trt.OnnxParser(s.network, s.log)
        self.assertTrue(p.get_flag(trt.OnnxParserFlag.NATIVE_INSTANCENORM))
        for flag in trt.OnnxParserFlag.__members__.values():
            p.set_flag(flag)
            self.assertTrue(p.get_flag(flag))
            p.clear_flag(flag)
            self.assertFalse(p.get_flag(flag))
        p.flags = 0b101
        self.assertEqual(p.flags, 0b101)
        self.assertEqual(p.get_used_vc_plugin_libraries(), [])
        self.assertFalse(p.supports_operator(""))


if __name__ == "__main__":
    unittest.main()
