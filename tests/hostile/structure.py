"""Bytes that are no protobuf, graphs that are no graphs, tensors that lie about their size."""
import gzip
import io
import os
import struct
import zipfile

from cases import Catalogue
from proto import *


def zip_of(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("model.onnx", content)
    return out.getvalue()


def nested(depth, inner, *wrappers):
    for _ in range(depth):
        for wrap in wrappers:
            inner = wrap(inner)
    return inner


def bytes_and_protobuf():
    c = Catalogue()
    good = one("Relu")
    c.bad("empty", b"", "no graph")
    c.bad("one_byte", b"\x08", "not an ONNX model")
    c.bad("text", b"dummy", "not an ONNX model")
    c.bad("json", b'{"irVersion": "8", "graph": {}}', "not an ONNX model")
    c.bad("gzip", gzip.compress(good), "not an ONNX model")
    c.bad("elf", b"\x7fELF\x02\x01\x01" + bytes(64), "not an ONNX model")
    c.bad("zip", zip_of(good), "not an ONNX model")
    c.bad("zip_tail", good + zip_of(good), "not an ONNX model")
    whole = good[:-len(opset(1, "f"))]  # what is cut before here lacks a required field
    for length in range(1, len(whole), 3):
        c.bad(f"cut_{length}", good[:length])
    c.bad("varint_long", b"\x08" + b"\xff" * 11, "malformed")
    c.bad("field_zero", b"\x00\x01", "no protobuf field")
    c.bad("group", good + b"\xa3\x06\xa4\x06", "wire type 3")
    c.bad("wire_type_6", good + b"\xa6\x06", "wire type 6")
    c.bad("wrong_wire_type", b"\x38\x01", "instead of 2")
    c.good("unknown_fields", good + integer(4000, 7) + data(4001, "x") + real(4002, 1.0))
    for size in (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1):
        c.bad(f"length_{size}", b"\x3a" + varint(size) + b"x", "are left")
    attribute_in_node = (lambda m: data(5, data(6, m)), lambda m: data(1, m))
    for depth in (40, 101, 10_000):
        body = nested(depth, b"", *attribute_in_node)
        c.bad(f"deep_graphs_{depth}", model(body))
    types = nested(1000, b"", lambda m: data(4, data(1, m)))
    c.any("deep_types", model(graph([node("Relu", ["x"], ["y"])],
                                    [value("x"), data(1, "z") + data(2, types)], [value("y")])))
    c.bad("many_empty_nodes", data(7, data(1, b"") * 5_000_000), "more objects")
    c.bad("many_empty_tensors", data(7, data(5, b"") * 2_000_000), "more objects")
    c.bad("packed_odd", with_tensor(integer(1, 1) + integer(2, FLOAT) + data(8, "w") +
                                    data(4, b"abc")), "not a multiple of 4")
    c.good("packed_and_not", with_tensor(integer(1, 3) + integer(2, FLOAT) + data(8, "w") +
                                         real(4, 1.0) + data(4, struct.pack("<2f", 2, 3))))
    c.good("fields_repeat", integer(1, 3) + good + integer(1, 8))
    c.any("names_not_utf8", simple([node("Relu", ["x"], ["y"], b"\xff\xfe\0".decode("latin-1"))]))
    c.bad("names_control", simple([node("Nope\x1b[31m\n\x07", ["x"], ["y"], "n\r\x1b]0;a\x07")]))
    c.any("name_long", simple([node("Relu", ["x"], ["y"], "n" * 10_000_000)]))
    c.bad("opset_0", one("Relu", version=0), "opset")
    c.bad("opset_negative", one("Relu", version=-1), "opset")
    c.bad("opset_999", one("Relu", version=999), "999")
    c.bad("opset_absent", integer(1, 8) + data(7, b""), "opset")
    c.bad("opset_twice", one("Relu") + opset(9), "twice")
    c.bad("domain_unknown", one("Relu", domain="com.example"), "com.example")
    for version in (0, -1, MOST):
        c.bad(f"ir_version_{version}",
              model(graph([node("Relu", ["x"], ["y"])], [value("x")], [value("y")]), ir=version),
              "IR version")
    c.bad("sparse_2gib", b"", prepare=sparse_file)
    c.bad("is_folder", b"", prepare=lambda f: (os.unlink(f / "model.onnx"),
                                               os.mkdir(f / "model.onnx")))
    c.bad("is_pipe", b"", prepare=lambda f: (os.unlink(f / "model.onnx"),
                                             os.mkfifo(f / "model.onnx")))
    c.bad("is_device", b"", prepare=lambda f: (os.unlink(f / "model.onnx"),
                                               os.symlink("/dev/zero", f / "model.onnx")))
    c.bad("is_absent", b"", prepare=lambda f: os.unlink(f / "model.onnx"))
    return c


def sparse_file(folder):
    """Three GiB of zeros that take no room."""
    with open(folder / "model.onnx", "wb") as file:
        file.write(data(2, "p") + b"\x3a" + varint(3 << 30))
        file.truncate(3 << 30)


def with_tensor(proto, x=(1,)):
    return simple([node("Mul", ["x", "w"], ["y"], "n1")], [proto], x)


def graphs():
    c = Catalogue()
    relu = lambda a, b, name="": node("Relu", [a], [b], name)
    x, y = value("x", dims=[2]), value("y", dims=[2])
    c.bad("no_graph", integer(1, 8) + opset(17), "no graph")
    c.bad("empty_graph", model(b""), "no outputs")
    c.good("input_is_output", model(graph([], [x], [x])))
    c.good("initializer_is_output", model(graph([], [], [value("w", dims=[2])],
                                                [f32("w", [1, 2])])), "1, 2")
    c.good("outputs_repeat_value", model(graph([relu("x", "y"), node("Identity", ["y"], ["z"])],
                                               [x], [y, value("z", dims=[2])])))
    c.any("outputs_repeat_name", model(graph([relu("x", "y")], [x], [y, y])))
    c.bad("self_loop", simple([relu("y", "y")]), "cycle")
    c.bad("cycle", simple([relu("b", "a"), relu("a", "b"), relu("b", "y")]), "cycle")
    c.bad("unsorted", simple([relu("a", "y"), relu("x", "a")]), "not sorted")
    c.bad("two_producers", simple([relu("x", "y"), relu("x", "y")]), "already defined")
    c.bad("two_inputs", model(graph([relu("x", "y")], [x, x], [y])), "twice")
    c.bad("two_initializers", simple([relu("x", "y")], [f32("w", [1]), f32("w", [2])]), "twice")
    c.bad("initializer_and_node", simple([relu("x", "y")], [f32("y", [1])]), "y")
    c.good("node_names_repeat", simple([relu("x", "a", "n"), relu("a", "y", "n")]))
    c.bad("dangling", simple([relu("nowhere", "y")]), "nowhere")
    c.bad("output_missing", simple([relu("x", "z")]), "y")
    c.bad("input_unnamed", model(graph([relu("x", "y")], [x, value("")], [y])), "name")
    c.bad("needs_input", simple([node("Add", ["x", ""], ["y"], "n1")]), "n1")
    c.bad("too_many_inputs", simple([node("Relu", ["x", "x"], ["y"], "n1")]), "n1")
    c.bad("too_few_inputs", simple([node("Add", ["x"], ["y"], "n1")]), "n1")
    c.bad("too_many_outputs", simple([node("Relu", ["x"], ["y", "z"], "n1")]), "n1")
    c.bad("no_outputs_of_node", simple([node("Relu", ["x"], [], "n1")]), "n1")
    c.bad("unknown_op", one("Frobnicate"), "Frobnicate")
    c.bad("removed_op", one("Upsample", version=17), "Upsample")
    c.bad("op_too_new", one("Gelu", version=9), "Gelu")
    count = 20_000
    chain = [relu("x" if i == 0 else f"v{i}", "y" if i == count - 1 else f"v{i + 1}")
             for i in range(count)]
    c.good("chain_20000", simple(chain), seconds=4)
    c.good("fan_out_10000", simple([node("Neg", ["x"], [f"v{i}"]) for i in range(10_000)] +
                                   [relu("v9999", "y")]), seconds=4)
    c.good("sum_of_20000", simple([node("Sum", ["x"] * 20_000, ["y"])]), seconds=4)
    c.good("concat_of_20000", simple([node("Concat", ["x"] * 20_000, ["y"], axis=0)]), seconds=4)
    c.bad("nodes_300000", simple([node("Neg", ["x"], ["y"])] * 300_000), "more than")
    wide = 2000
    c.good("outputs_2000", model(graph([node("Neg", ["x"], [f"y{i}"]) for i in range(wide)], [x],
                                       [value(f"y{i}", dims=[2]) for i in range(wide)])))
    diamonds = []
    for i in range(60):
        a, b = ("x" if i == 0 else f"d{i}"), ("y" if i == 59 else f"d{i + 1}")
        diamonds += [node("Neg", [a], [f"l{i}"]), node("Abs", [a], [f"r{i}"]),
                     node("Min", [f"l{i}", f"r{i}"], [b])]
    c.good("diamonds_60", simple(diamonds))
    c.good("diamonds_matmul", simple([node("MatMul", [f"m{i}" if i else "x"] * 2,
                                           [f"m{i + 1}" if i < 39 else "y"])
                                      for i in range(40)], x=(2, 2)))
    c.bad("output_kind", simple([relu("x", "y")], y=(2, 3), x=(2, 3)).replace(
        value("y", dims=(2, 3)), value("y", INT64, (2, 3))), "INT64")
    c.good("dim_param_repeats", model(graph([node("Add", ["x", "z"], ["y"])],
                                            [value("x", dims=["n", 2]), value("z", dims=["n", 2])],
                                            [value("y", dims=["n", 2])])))
    c.bad("dims_differ", model(graph([node("Add", ["x", "z"], ["y"], "n1")],
                                     [value("x", dims=[3]), value("z", dims=[2])], [y])), "n1")
    c.good("dim_-1", simple([relu("x", "y")], x=[-1]))  # what exporters write for "unknown"
    for size in (-5, LEAST):
        c.bad(f"dim_{size}", simple([relu("x", "y")], x=[size]), "axis 0")
    for size in (2**31, 2**40, 2**62, MOST):
        c.any(f"dim_{size}", simple([relu("x", "y")], x=[size]))
        c.any(f"dims_both_{size}", simple([relu("x", "y")], x=[size, size]))
    for rank in (0, 9, 64, 65, 1025, 20_000):
        c.any(f"rank_{rank}", simple([relu("x", "y")], x=[1] * rank))
    c.any("dim_param_odd", simple([relu("x", "y")], x=["?a] } add(", "", "n" * 100_000]))
    for op in ("Relu", "Softmax", "Transpose", "ReduceSum", "CumSum"):
        operands = [lambda n: i64(n, [0], [])] if op == "CumSum" else []
        c.good(f"zero_size_{op}", one(op, operands, x=(0, 3)))
    c.good("zero_size_matmul", model(graph(
        [node("MatMul", ["x", "z"], ["y"])], [value("x", dims=[2, 0]), value("z", dims=[0, 3])],
        [value("y", dims=[2, 3])])), "{0, 0, 0, 0, 0, 0}")
    c.any("zero_size_reduce_max", one("ReduceMax", x=(0, 3)))
    c.bad("zero_size_pool", one("MaxPool", x=(1, 1, 0, 3), kernel_shape=[2, 2]))
    sparse = lambda dims, values, indices, shape_of=None: model(graph(
        [node("Mul", ["x", "w"], ["y"], "n1")], [value("x", dims=[1])], [value("y", dims=[3])],
        extra=data(15, data(1, f32("w", values)) + data(2, i64("i", indices, shape_of)) +
                   b"".join(integer(3, d) for d in dims))))
    c.good("sparse", sparse([3], [1.0, 2.0], [0, 2]))
    c.bad("sparse_outside", sparse([3], [1.0], [7]), "out of range")
    c.bad("sparse_negative", sparse([3], [1.0], [-1]))
    c.bad("sparse_twice", sparse([3], [1.0, 2.0], [1, 1]))
    c.bad("sparse_unsorted", sparse([3], [1.0, 2.0], [2, 1]))
    c.bad("sparse_rank", sparse([3], [1.0], [1], [1, 1, 1]))
    c.bad("sparse_huge", sparse([2**40], [1.0], [0]))
    c.bad("sparse_overflow", sparse([2**40, 2**40], [1.0], [0]))
    c.good("annotations", model(graph([relu("x", "y")], [x], [y], extra=data(14, b"\x0a\x01q")),
                                extra=data(14, data(1, "k")) + data(20, b"\x0a\x00")))
    return c


def tensors():
    c = Catalogue()
    floats = bytes(24)
    for name, dims, raw in (("short_byte", [2, 3], floats[1:]), ("short", [2, 3], floats[4:]),
                            ("long_byte", [2, 3], floats + b"\0"), ("long", [1], bytes(1024)),
                            ("dims_absent", [], floats), ("empty", [2, 3], b"")):
        c.bad(f"raw_{name}", with_tensor(tensor("w", FLOAT, dims, raw)), "raw_data")
    c.bad("no_data", with_tensor(tensor("w", FLOAT, [2])), "w")
    typed = lambda kind, dims, extra: with_tensor(tensor("w", kind, dims, None, extra))
    c.bad("typed_short", typed(FLOAT, [2], real(4, 1.0)), "1 elements")
    c.bad("typed_long", typed(FLOAT, [1], real(4, 1.0) * 2), "2 elements")
    c.bad("typed_and_raw", with_tensor(tensor("w", FLOAT, [1], bytes(4), real(4, 1.0))), "both")
    c.bad("typed_wrong_field", typed(FLOAT, [1], integer(5, 1)), "another element type")
    c.any("typed_out_of_range", typed(INT8, [1], integer(5, 1000)))
    for dims in ([2**32, 2**32], [2**31, 2, 2**31], [-1], [MOST], [65537, 65536, 2**31],
                 [LEAST], [-2, -3]):
        c.bad(f"dims_{'_'.join(map(str, dims))}", with_tensor(tensor("w", FLOAT, dims, floats)))
    c.any("dims_zero_and_huge", with_tensor(tensor("w", FLOAT, [0, 2**62], b"")))
    c.bad("dims_zero_and_negative", with_tensor(tensor("w", FLOAT, [0, -1], b"")))
    c.bad("tensor_rank_1025", with_tensor(tensor("w", FLOAT, [1] * 1025, bytes(4))), "1025")
    for kind in (0, 77, -1, MOST):
        c.bad(f"data_type_{kind}", with_tensor(tensor("w", kind, [1], bytes(4))), "w")
    c.bad("int4_odd", with_tensor(tensor("w", 22, [3], b"\xff")), "raw_data")
    c.any("int4_stray", with_tensor(tensor("w", 22, [1], b"\xff")))
    c.any("bool_7", simple([node("Not", ["w"], ["z"]), node("Cast", ["z"], ["c"], to=1),
                            node("Mul", ["x", "c"], ["y"])],
                           [tensor("w", BOOL, [3], b"\x07\x00\xff")], [3]))
    c.bad("string_raw", with_tensor(tensor("w", STRING, [24], floats)), "raw_data")
    c.bad("string_many", with_tensor(tensor("w", STRING, [10**8], None, data(6, ""))))
    c.any("string_nul", simple([node("Relu", ["x"], ["y"])],
                               [tensor("w", STRING, [1], None, data(6, "a\0b"))]))
    c.bad("segment", with_tensor(tensor("w", FLOAT, [1], bytes(4), data(3, b""))), "segment")
    c.bad("unnamed", with_tensor(tensor("", FLOAT, [1], bytes(4))), "name")
    for pad in range(4):  # weights at each alignment
        c.good(f"alignment_{pad}", with_tensor(
            tensor("w", FLOAT, [4], bytes(16), data(12, "d" * pad)), [4]))
    return c


def external_files():
    c = Catalogue()

    def external(location, more=b"", dims=(4,), extra=b""):
        entry = lambda k, v: data(13, data(1, k) + data(2, v))
        fields = b"" if location is None else entry("location", location)
        for key, content in (more or {}).items() if isinstance(more, dict) else ():
            fields += entry(key, content)
        return with_tensor(integer(1, dims[0]) + integer(2, FLOAT) + data(8, "w") + fields + extra +
                           integer(14, 1), [1])

    def files(folder):
        (folder / "w.bin").write_bytes(struct.pack("<4f", 1, 2, 3, 4))
        (folder / "sub").mkdir()
        (folder / "sub" / "w.bin").write_bytes(struct.pack("<4f", 1, 2, 3, 4))
        (folder.parent / "secret.bin").write_bytes(b"secret" * 10)
        (folder / "linked").symlink_to("w.bin")
        (folder / "out").symlink_to("../secret.bin")
        (folder / "up").symlink_to("..")
        (folder / "zero").symlink_to("/dev/zero")
        (folder / "loop").symlink_to("loop")
        (folder / "memory").symlink_to("/proc/self/mem")
        os.mkfifo(folder / "pipe")

    add = lambda name, location, says="", **more: c.bad(
        "external_" + name, external(location, **more), says, prepare=files)
    c.good("external", external("w.bin"), prepare=files)
    c.good("external_sub", external("sub/w.bin"), prepare=files)
    c.good("external_offset", external("w.bin", {"offset": "4", "length": "12"}, (3,)),
           prepare=files)
    c.any("external_offset_odd", external("w.bin", {"offset": "3", "length": "12"}, (3,)),
          prepare=files)
    for i, location in enumerate((
            "../secret.bin", "sub/../../secret.bin", "/etc/passwd", "C:\\x", "\\\\server\\s",
            "sub\\..\\..\\secret.bin", "//etc/passwd", "./../secret.bin", "#../secret.bin",
            "%2e%2e/secret.bin", "file:///etc/passwd", "w.bin\0.txt", "", ".", "..", "sub",
            "x" * 5000, "a/" * 3000 + "w.bin", "up/secret.bin", "out", "linked", "zero", "loop",
            "memory", "pipe", "absent", "w.bin/", "/dev/stdin", "~/x", "$HOME/x")):
        add(f"path_{i}", location, "w")
    c.bad("external_bad_utf8", external(b"\xff\xfe"), prepare=files)
    add("no_location", None)
    for i, numbers in enumerate((
            {"offset": "999999"}, {"offset": "-1"}, {"offset": str(2**64 - 1)},
            {"offset": str(2**63 - 1), "length": "16"}, {"length": "15"}, {"length": "17"},
            {"length": "-16"}, {"length": "0x10"}, {"length": " 16"}, {"length": "1e1"},
            {"offset": ""}, {"offset": "8", "length": "16"}, {"length": str(2**64)},
            {"offset": "16", "length": "0"})):
        add(f"numbers_{i}", "w.bin", "w", more=numbers)
    c.any("external_unknown_key", external("w.bin", {"__class__": "x", "checksum": "00"}),
          prepare=files)
    add("key_twice", "w.bin", extra=data(13, data(1, "location") + data(2, "sub/w.bin")))
    add("and_raw", "w.bin", extra=data(9, bytes(16)))
    return c


def catalogue():
    return bytes_and_protobuf() + graphs() + tensors() + external_files()
