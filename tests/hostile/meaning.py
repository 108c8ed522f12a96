"""Attributes without a meaning, models that ask for too much, functions and control flow."""
import math
import random

from cases import Catalogue
from proto import *

AXES = (-2**31, 2**31 - 1, LEAST, MOST, -3, 2, 31)


def attributes():
    c = Catalogue()
    bad = lambda name, *args, **more: c.bad(name, one(*args, **more), "n1")
    for axis in AXES:
        for op, operands in (("Softmax", ()), ("LogSoftmax", ()), ("Concat", ()), ("ArgMax", ()),
                             ("Gather", ([0],)), ("TopK", ([1],)), ("Hardmax", ()),
                             ("LayerNormalization", (lambda n: f32(n, [1, 1, 1]),))):
            bad(f"axis_{op}_{axis}", op, operands, axis=axis)
        bad(f"axis_ReduceMean_{axis}", "ReduceMean", axes=[axis])
        bad(f"axis_CumSum_{axis}", "CumSum", [lambda n, a=axis: i64(n, [a], [])])
        bad(f"axis_Squeeze_{axis}", "Squeeze", [[axis]])
    bad("axis_Flatten", "Flatten", axis=3)
    bad("axis_Unsqueeze", "Unsqueeze", [[5]])
    bad("axes_twice_Unsqueeze", "Unsqueeze", [[1, 1]])
    bad("axes_twice_ReduceSum", "ReduceSum", [[0, 0]])

    image, weights = (1, 4, 8, 8), lambda n: f32(n, [0.5] * 72, [2, 4, 3, 3])
    conv = lambda name, **more: bad("conv_" + name, "Conv", [weights], image, **more)
    conv("kernel", kernel_shape=[0, 3])
    conv("kernel_differs", kernel_shape=[5, 5])
    for value_ in (0, -1, LEAST, MOST):
        conv(f"strides_{value_}", strides=[value_, 1])
        conv(f"dilations_{value_}", dilations=[value_, 1])
        conv(f"group_{value_}", group=value_)
        if value_:
            conv(f"pads_{value_}", pads=[value_, 0, value_, 0])
    conv("pads_overflow", pads=[2**62, 0, 2**62, 0])
    conv("pads_count", pads=[1, 1])
    conv("strides_count", strides=[1])
    conv("auto_pad", auto_pad="SOMETIMES")
    conv("group_3", group=3)
    conv("dilation_large", dilations=[5, 5])
    c.any("conv_pads_2_40", one("Conv", [weights], image, pads=[2**40, 0, 2**40, 0]))
    bad("conv_rank", "Conv", [lambda n: f32(n, [0.0] * 36, [1, 4, 3, 3, 1])], image)
    bad("conv_rank_1", "Conv", [weights], (8,))
    pool = lambda name, op="MaxPool", **more: bad(f"pool_{name}", op, [], image, **more)
    for op in ("MaxPool", "AveragePool", "LpPool"):
        pool(f"{op}_kernel_0", op, kernel_shape=[0, 0])
        pool(f"{op}_kernel_negative", op, kernel_shape=[-1, 2])
        pool(f"{op}_kernel_large", op, kernel_shape=[9, 9])
        pool(f"{op}_stride_0", op, kernel_shape=[2, 2], strides=[0, 0])
        pool(f"{op}_kernel_absent", op)
        pool(f"{op}_kernel_rank", op, kernel_shape=[2])
    c.any("pool_ceil", one("MaxPool", [], image, kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1))
    c.any("pool_huge_window", one("MaxPool", [], (1, 1, 400, 400), kernel_shape=[400, 400]))
    c.any("pool_all_padding", one("MaxPool", [], image, kernel_shape=[2, 2], pads=[2, 2, 2, 2]))
    transposed = lambda n: f32(n, [0.5] * 72, [4, 2, 3, 3])
    for name, more in (("output_padding", {"output_padding": [1, 1]}),
                       ("output_shape", {"output_shape": [1, 1]}),
                       ("output_shape_huge", {"output_shape": [MOST, MOST]}),
                       ("stride", {"strides": [MOST, MOST]}), ("group", {"group": 0})):
        c.any(f"conv_transpose_{name}", one("ConvTranspose", [transposed], image, **more))

    for i, sizes in enumerate(([-1, -1], [4, 2], [4, -1], [-2, 3], [0, 0, 0], [MOST, MOST],
                               [2**32, 2**32], [7, -1, 0])):
        bad(f"reshape_{i}", "Reshape", [sizes])
    bad("reshape_both", "Reshape", [[0, -1]], (0, 3), allowzero=1)
    for op, lists in (("Expand", ([2, 4], [2, -3], [MOST, 2, 3], [-1], [LEAST, 3])),
                      ("Tile", ([2], [2, -1], [MOST, MOST], [LEAST, 1])),
                      ("Pad", ([1], [MOST] * 4, [LEAST] * 4, [-2, -2, -2, -2], [0, -4, 0, 0])),
                      ("Split", ([7], [-1, 3], [0], [MOST, MOST]))):
        for i, operand in enumerate(lists):
            bad(f"{op}_{i}", op, [operand])
    bad("split_0", "Split", version=18, num_outputs=0)
    bad("split_many", "Split", version=18, num_outputs=MOST)
    bad("slice_step_0", "Slice", [[0], [1], [0], [0]])
    bad("slice_lengths", "Slice", [[0, 0], [1]])
    bad("slice_axes_repeat", "Slice", [[0, 0], [1, 1], [1, 1]])
    bad("slice_axis", "Slice", [[0], [1], [2]])
    c.good("slice_extremes", one("Slice", [[LEAST, MOST], [MOST, LEAST], [0, 1], [1, -1]]))
    c.good("slice_step_extreme", one("Slice", [[MOST, 0], [LEAST, MOST], [0, 1], [LEAST, MOST]]),
           "f32[1, 1]")
    bad("slice_bounds_missing", "Slice", [[0]])
    c.good("slice_empty_lists", one("Slice", [[], [], []]))
    bad("transpose_repeat", "Transpose", perm=[0, 0])
    bad("transpose_range", "Transpose", perm=[0, 2])
    bad("transpose_short", "Transpose", perm=[0])
    for block in (0, -1, 3, MOST):
        bad(f"depth_to_space_{block}", "DepthToSpace", [], image, blocksize=block)
        bad(f"space_to_depth_{block}", "SpaceToDepth", [], image, blocksize=block)
    for k in (-1, 4, MOST, LEAST):
        bad(f"top_k_{k}", "TopK", [[k]])
    for index in (2, -3, MOST, LEAST):
        row, rows = (lambda n, i=index: i64(n, [i], [1, 1])), [0] * 400 + [index]
        updates = lambda n: f32(n, [1, 2, 3], [1, 3])
        bad(f"gather_range_{index}", "Gather", [[index]])
        bad(f"gather_range_long_{index}", "Gather", [rows])
        bad(f"gather_elements_range_{index}", "GatherElements", [row])
        bad(f"gather_nd_range_{index}", "GatherND", [row])
        bad(f"gather_nd_batch_range_{index}", "GatherND",
            [lambda n, i=index: i64(n, [0, i + (i == 2) - (i == -3)], [2, 1])], batch_dims=1)
        bad(f"scatter_nd_range_{index}", "ScatterND", [row, updates])
        bad(f"scatter_elements_range_{index}", "ScatterElements",
            [row, lambda n: f32(n, [1], [1, 1])])
    c.fails("gather_range_unknown_size", one("Gather", [[70]], ["n", 3]), "n1")
    c.fails("gather_range_by_input", model(graph(
        [node("Gather", ["x", "i"], ["y"], "n1")],
        [value("x", dims=[0, 3]), value("i", INT64, [2])], [data(1, "y")])), "n1")
    c.good("gather_negative", one("Gather", [[-2, 1]]))
    bad("gather_nd_depth", "GatherND", [lambda n: i64(n, [0, 0, 0], [3])])
    for depth in (-1, 0, 2**40, MOST):
        c.any(f"one_hot_{depth}", one("OneHot", [[depth], lambda n: f32(n, [0, 1])], (2, 3), INT64))
    for i, equation in enumerate(("", "ij", "...,...->...", "ij->ii", "ij->k", "i,j->ij",
                                  "".join(chr(97 + i) for i in range(26)) + "->a", "i j , ->",
                                  "ij->", "ijk->i", "..i..->i", "ij->ji->ij", "i1->i")):
        c.any(f"einsum_{i}", one("Einsum", equation=equation))
    c.bad("einsum_long", one("Einsum", equation="i" * 1_000_000), "n1")
    for i, scales in enumerate(([0.0, 1.0], [-1.0, 1.0], [math.nan, 1.0], [math.inf, 1.0],
                                [1e30, 1.0], [1.0], [1e-30, 1e-30])):
        c.any(f"resize_scales_{i}", one("Resize", [None, lambda n, s=scales: f32(n, s)]))
    for i, sizes in enumerate(([-1, 3], [0, 3], [MOST, MOST], [2])):
        c.any(f"resize_sizes_{i}", one("Resize", [None, None, sizes]))
    scalar = lambda v: lambda n: i64(n, [v], [])
    for i, (start, limit, delta) in enumerate(((0, 5, 0), (0, 2**62, 1), (LEAST, MOST, 1),
                                               (5, 0, 1), (MOST, LEAST, -1), (0, 2**33, 1))):
        c.any(f"range_{i}", simple([node("Range", ["a", "b", "c"], ["y"], "n1")],
                                   [scalar(start)("a"), scalar(limit)("b"), scalar(delta)("c")]))
    c.any("range_nan", simple([node("Range", ["a", "b", "c"], ["y"], "n1")],
                              [f32("a", [0], []), f32("b", [math.inf], []),
                               f32("c", [math.nan], [])]))
    for i, sizes in enumerate(([-1], [LEAST, 2], [MOST, MOST], [2**62], [2**62, 0])):
        c.any(f"constant_of_shape_{i}", simple([node("ConstantOfShape", ["s"], ["y"], "n1")],
                                               [i64("s", sizes)]))
    for op in ("BlackmanWindow", "HannWindow"):
        for size in (-1, 0, 2**33, MOST):
            c.any(f"{op}_{size}", simple([node(op, ["s"], ["y"], "n1")], [i64("s", [size], [])]))
    for name, sizes in (("huge", [2**31, 2**31]), ("negative", [-1]), ("overflow", [2**62, 4])):
        c.bad(f"random_{name}", simple([node("RandomUniform", [], ["y"], "n1", shape=sizes)]))
    byte = lambda v: lambda n: tensor(n, UINT8, [], bytes([v]))
    for i, scale in enumerate((0.0, -1.0, math.nan, math.inf, 1e-45)):
        c.any(f"quantize_scale_{i}", one("QuantizeLinear", [lambda n, s=scale: f32(n, [s], []),
                                                            byte(3)]))
    for axis in AXES:
        c.bad(f"quantize_axis_{axis}", one("QuantizeLinear", [lambda n: f32(n, [1, 1, 1])],
                                           axis=axis), "n1")
    for block in (-1, 2, MOST):
        c.any(f"quantize_block_{block}", one("QuantizeLinear", [lambda n: f32(n, [1] * 6, [2, 3])],
                                             version=21, block_size=block))
    c.bad("quantize_zero_point", one("DequantizeLinear", [lambda n: f32(n, [1.0], []), byte(1)],
                                     kind=INT8), "n1")
    rnn = [lambda n: f32(n, [0.1] * 24, [1, 8, 3]), lambda n: f32(n, [0.1] * 16, [1, 8, 2])]
    c.good("lstm", one("LSTM", rnn, (2, 1, 3), hidden_size=2))
    for name, more in (("hidden_0", {"hidden_size": 0}), ("hidden_5", {"hidden_size": 5}),
                       ("hidden_huge", {"hidden_size": MOST}),
                       ("activation", {"hidden_size": 2, "activations": ["Nope", "Tanh", "Tanh"]}),
                       ("direction", {"hidden_size": 2, "direction": "sideways"}),
                       ("bidirectional", {"hidden_size": 2, "direction": "bidirectional"})):
        c.bad(f"lstm_{name}", one("LSTM", rnn, (2, 1, 3), **more), "n1")
    for to in (0, 99, -1, MOST, STRING):
        c.bad(f"cast_{to}", one("Cast", to=to), "n1")
    bad("cast_missing", "Cast")
    raw = lambda content: simple([node("Flatten", ["x"], ["y"], "n1", raw=data(5, content))])
    c.bad("attribute_type", raw(data(1, "axis") + real(2, 1.5) + integer(20, 1)), "axis")
    c.bad("attribute_type_99", raw(data(1, "axis") + integer(3, 1) + integer(20, 99)), "axis")
    c.bad("attribute_two_values", raw(data(1, "axis") + integer(3, 1) + data(4, "x") +
                                      integer(20, 2)), "axis")
    c.bad("attribute_twice", simple([node("Flatten", ["x"], ["y"], "n1",
                                          raw=data(5, attribute("axis", 1)) * 2)]), "given twice")
    c.any("attribute_unknown", raw(attribute("no_such_attribute", 1)))
    c.bad("attribute_reference", raw(data(1, "axis") + data(21, "a") + integer(20, 2)), "axis")
    return c


def chain(op, count, first="x", **attributes_):
    return [node(op, [f"v{i}" if i else first] * (2 if op in ("Concat", "Add") else 1),
                 ["y" if i == count - 1 else f"v{i + 1}"], **attributes_) for i in range(count)]


def bombs():
    """Small files, large wishes. Folding must not grant them; running must say no in words."""
    c = Catalogue()
    of_shape = lambda size: ([node("ConstantOfShape", ["s"], ["c"], "n1")], [i64("s", [size])])
    nodes, constants = of_shape(2**40)
    c.any("fill_2_40", simple([*nodes, node("Relu", ["c"], ["y"])], constants))
    nodes, constants = of_shape(2**28)
    c.any("fill_2_28_relu", simple([*nodes, node("Relu", ["c"], ["y"])], constants))
    c.any("fill_non_zero", simple([*nodes, node("NonZero", ["c"], ["y"])], constants))
    c.any("fill_cumsum", simple([*nodes, node("CumSum", ["c", "a"], ["y"])],
                                [*constants, i64("a", [0], [])]))
    c.any("fill_reduce", simple([*nodes, node("ReduceSum", ["c"], ["y"], keepdims=0)], constants))
    c.any("fill_sort", simple([*nodes, node("TopK", ["c", "k"], ["y", "i"])],
                              [*constants, i64("k", [5])]))
    c.any("fill_conv", simple([node("ConstantOfShape", ["s"], ["c"]),
                               node("Conv", ["c", "w"], ["y"])],
                              [i64("s", [1, 1, 4096, 4096]), f32("w", [1.0] * 9, [1, 1, 3, 3])]))
    c.any("fill_matmul", simple([node("ConstantOfShape", ["s"], ["c"]),
                                 node("MatMul", ["c", "c"], ["y"])], [i64("s", [4096, 4096])]))
    c.any("expand_2_34", one("Expand", [[2**34, 2, 3]]))
    c.any("expand_constant", simple([node("Expand", ["w", "s"], ["c"]),
                                     node("Mul", ["x", "c"], ["y"])],
                                    [f32("w", [1.0]), i64("s", [2**20, 1])], [1]))
    c.any("tile_2_40", one("Tile", [[2**20, 2**20]]))
    tiled = [node("Tile", ["w", "r"], ["c"]), node("Tile", ["c", "r"], ["d"]),
             node("ReduceMax", ["d"], ["e"], keepdims=0), node("Mul", ["x", "e"], ["y"])]
    c.any("tile_constant", simple(tiled, [f32("w", [1.0]), i64("r", [2**20])]))
    c.any("range_2_33", simple([node("Range", ["a", "b", "d"], ["c"]),
                                node("ReduceSum", ["c"], ["y"], keepdims=0)],
                               [i64("a", [0], []), i64("b", [2**33], []), i64("d", [1], [])]))
    c.any("one_hot_2_32", one("OneHot", [[2**32], lambda n: f32(n, [0, 1])], (4,), INT64))
    c.any("concat_40_times", simple(chain("Concat", 40, axis=0)))
    c.any("concat_40_constants", simple([*chain("Concat", 40, "w", axis=0)], [f32("w", [1, 2])]))
    sums = []
    for i in range(40):
        a = f"v{i}" if i else "x"
        sums += [node("Unsqueeze", [a, "p"], [f"a{i}"]), node("Unsqueeze", [a, "q"], [f"b{i}"]),
                 node("Add", [f"a{i}", f"b{i}"], [f"s{i}"]),
                 node("Reshape", [f"s{i}", "f"], [f"v{i + 1}" if i < 39 else "y"])]
    c.any("outer_sums", simple(sums, [i64("p", [0]), i64("q", [1]), i64("f", [-1])], [2]))
    c.any("pad_2_40", one("Pad", [[0, 0, 2**40, 0]]))
    resizes = [node("Resize", [f"v{i}" if i else "x", "", "k"], [f"v{i + 1}" if i < 29 else "y"])
               for i in range(30)]
    c.any("resize_30_times", simple(resizes, [f32("k", [1, 1, 2, 2])], [1, 1, 4, 4]))
    c.any("expand_by_input", model(graph(
        [node("Expand", ["x", "s"], ["y"], "n1")], [value("x", dims=[1]), value("s", INT64, [2])],
        [data(1, "y")])))
    gathered = [node("ConstantOfShape", ["s"], ["c"]), node("Gather", ["c", "i"], ["d"], axis=0),
                node("ReduceMax", ["d"], ["e"], keepdims=0), node("Mul", ["x", "e"], ["y"])]
    c.any("gather_copies", simple(gathered, [i64("s", [1, 2**18]), i64("i", [0] * 4096)]))
    many = []
    for i in range(3000):
        many += [node("Expand", ["w", "s"], [f"e{i}"]),
                 node("Mul", [f"e{i}", f"v{i}" if i else "x"], [f"v{i + 1}" if i < 2999 else "y"])]
    c.any("many_large_constants", simple(many, [f32("w", [2.0]), i64("s", [2**18])], [1]))
    for count in (20, 96, 400):  # sizes whose expressions grow at each step
        symbols = []
        for i in range(count):
            a = f"v{i}" if i else "x"
            symbols += [node("Concat", [a, a], [f"c{i}"], axis=0),
                        node("Slice", [f"c{i}", "z", "m", "z", "t"],
                             [f"v{i + 1}" if i < count - 1 else "y"])]
        constants = [i64("z", [0]), i64("m", [MOST]), i64("t", [3])]
        c.add(f"size_expressions_{count}", simple(symbols, constants, ["n"]),
              "good" if count == 20 else "bad", "" if count == 20 else "too complex")
    parts = [[f"i{i}" for i in range(at, at + 21)] for at in (0, 21)]
    sums = [node("Concat", parts[0], ["a0"], axis=0), node("Concat", parts[1], ["b0"], axis=0),
            node("Unsqueeze", ["a0", "p"], ["a"]), node("Unsqueeze", ["b0", "q"], ["b"])]
    for i in range(100):  # products of sums of sizes
        sums += [node("Add", ["a", "b"], [f"s{i}"]), node("Flatten", [f"s{i}"], [f"y{i}"], axis=0)]
    c.any("size_products", model(graph(
        sums, [value(name, dims=["d" + name]) for name in parts[0] + parts[1]],
        [data(1, f"y{i}") for i in range(100)], [i64("p", [1]), i64("q", [0])])))
    c.good("sizes_without_names", model(graph(
        [node("Sum", [f"i{i}" for i in range(2000)], ["y"])],
        [value(f"i{i}", dims=[None]) for i in range(2000)], [data(1, "y")])), seconds=4,
        runs=False)
    c.good("sizes_named_alike", model(graph(
        [node("Relu", ["i0"], ["y"])],
        [value(f"i{i}", dims=[chr(0x4E00 + i)]) for i in range(3000)], [data(1, "y")])),
        runs=False)
    c.any("dims_product", simple([node("Flatten", ["x"], ["f"], axis=0),
                                  node("Concat", ["f", "f"], ["y"], axis=1)],
                                 x=[f"d{i}" for i in range(8)]))
    return c


def numbers():
    """Weights that no training gives: whatever the bits say, the engine computes it."""
    c = Catalogue()
    bits = lambda n, dims: lambda name: tensor(name, FLOAT, dims, random.Random(1).randbytes(4 * n))
    large = lambda n, dims: lambda name: f32(name, [random.Random(i).uniform(-2e38, 2e38)
                                                    for i in range(n)], dims)
    for name, fill in (("bits", bits), ("large", large)):
        c.good(f"weights_{name}_matmul", one("MatMul", [fill(64 * 48, [64, 48])], (5, 64)))
        c.good(f"weights_{name}_gemm", one("Gemm", [fill(64 * 48, [64, 48]), fill(48, [48])],
                                           (5, 64)))
        c.good(f"weights_{name}_conv", one("Conv", [fill(16 * 8 * 9, [16, 8, 3, 3])],
                                           (1, 8, 12, 12)))
        c.good(f"weights_{name}_depthwise", one("Conv", [fill(8 * 9, [8, 1, 3, 3])],
                                                (1, 8, 12, 12), group=8))
        c.good(f"weights_{name}_lstm", one("LSTM", [fill(24, [1, 8, 3]), fill(16, [1, 8, 2])],
                                           (2, 1, 3), hidden_size=2))
        for op in ("Add", "Mul", "Div", "Pow", "Max"):
            c.good(f"weights_{name}_{op}", one(op, [fill(300, [300])], (2, 300)))
        c.good(f"weights_{name}_norm", one("LayerNormalization", [fill(300, [300])], (2, 300)))
        c.good(f"weights_{name}_batch_norm", one("BatchNormalization", [fill(8, [8])] * 4,
                                                 (1, 8, 5, 5)))
    return c


def branch(nodes, out="b", dims=(2, 3), tensors=(), kind=FLOAT):
    return graph(nodes, [], [value(out, kind, dims)], tensors)


def if_model(then, other, nodes=()):
    return model(graph([*nodes, node("If", ["c"], ["y"], "n1", then_branch=then,
                                     else_branch=other)],
                       [value("x", dims=[2, 3]), value("c", BOOL, [])], [data(1, "y")]))


def nested_if(depth):
    inner = leaf = branch([node("Relu", ["x"], ["b"])])
    for _ in range(depth):
        inner = branch([node("If", ["c"], ["b"], then_branch=inner, else_branch=leaf)])
    return inner


def doubled_if(depth):
    """Each branch has two of the next: small by sharing nothing, so only to a modest depth."""
    inner = branch([node("Relu", ["x"], ["b"])])
    for _ in range(depth):
        inner = branch([node("If", ["c"], ["b"], then_branch=inner, else_branch=inner)])
    return inner


def loop_model(trips, condition, body_nodes, inputs=("v",), outputs=("o", "s"), tensors=(),
               dims=(1,), results=("y", "z")):
    body = graph(body_nodes, [value("i", INT64, []), value("k", BOOL, []),
                              *(value(n, dims=dims) for n in inputs)],
                 [value("k", BOOL, []), *(value(n, dims=None) for n in outputs)], tensors)
    constants = [] if trips is None else [i64("m", [trips], [])]
    if condition is not None:
        constants.append(tensor("c", BOOL, [], bytes([condition])))
    return model(graph([node("Loop", ["m" if trips is not None else "",
                                      "c" if condition is not None else "", "x"], results, "n1",
                             body=body)],
                       [value("x", dims=dims)], [data(1, r) for r in results], constants))


def functions():
    c = Catalogue()
    call = lambda name, a="x", b="y", **more: node(name, [a], [b], "n1", "f", **more)
    relu = node("Relu", ["a"], ["b"])
    make = lambda name, nodes, **more: function(name, ["a"], ["b"], nodes, **more)
    c.good("function", simple([call("g")], extra=make("g", [relu])))
    c.bad("function_recursive", simple([call("g")], extra=make("g", [call("g", "a", "b")])),
          "cycle")
    c.bad("functions_mutual", simple([call("g")], extra=make("g", [call("h", "a", "b")]) +
                                     make("h", [call("g", "a", "b")])), "cycle")
    body = branch([call("g", "a", "b")])
    c.bad("function_recursive_in_branch",
          model(graph([call("g")], [value("x", BOOL, [])], [data(1, "y")]),
                extra=make("g", [node("If", ["a"], ["b"], then_branch=body, else_branch=body)])))
    twice = lambda name, of: make(name, [call(of, "a", "t"), call(of, "t", "b")])
    doubling = make("f0", [relu]) + b"".join(twice(f"f{i}", f"f{i - 1}") for i in range(1, 61))
    c.bad("functions_double", simple([call("f60")], extra=doubling))
    empty = make("f0", []).replace(data(5, "b"), data(5, "a"))
    c.bad("functions_double_empty", simple([call("f60")], extra=empty + b"".join(
        twice(f"f{i}", f"f{i - 1}") for i in range(1, 61))))
    chained = make("f0", [relu]) + b"".join(make(f"f{i}", [call(f"f{i - 1}", "a", "b")])
                                            for i in range(1, 200))
    c.bad("functions_deep", simple([call("f199")], extra=chained), "nested deeper")
    c.bad("functions_10001", simple([call("f0")], extra=b"".join(make(f"f{i}", [relu])
                                                                for i in range(10_001))), "10001")
    c.bad("function_twice", simple([call("g")], extra=make("g", [relu]) * 2), "twice")
    c.bad("function_inputs", simple([node("g", ["x", "x"], ["y"], "n1", "f")],
                                    extra=make("g", [relu])), "n1")
    c.bad("function_outputs", simple([node("g", ["x"], ["y", "z"], "n1", "f")],
                                     extra=make("g", [relu])), "n1")
    c.bad("function_output_missing", simple([call("g")], extra=make("g", [])), "n1")
    axis = lambda kind: make("g", [node("Flatten", ["a"], ["b"], raw=data(
        5, data(1, "axis") + data(21, "at") + integer(20, kind)))], attributes=["at"])
    c.good("function_attribute", simple([call("g", at=1)], extra=axis(2)))
    c.bad("function_attribute_missing", simple([call("g")], extra=axis(2)), "at")
    c.bad("function_attribute_type", simple([call("g", at="x")], extra=axis(2)), "axis")
    c.bad("function_unused_input", simple([call("g")], extra=function(
        "g", ["a", "a"], ["b"], [relu])), "twice")
    c.any("function_shadows", simple([node("Relu", ["x"], ["y"])], extra=make(
        "Relu", [node("Neg", ["a"], ["b"])]).replace(data(10, "f"), data(10, ""))))
    return c


def control_flow():
    c = Catalogue()
    relu = branch([node("Relu", ["x"], ["b"])])
    c.good("if", if_model(relu, branch([node("Neg", ["x"], ["b"])])))
    c.bad("if_kinds", if_model(relu, branch([node("Cast", ["x"], ["b"], to=INT64)])), "n1")
    c.any("if_ranks", if_model(relu, branch([node("Flatten", ["x"], ["b"], axis=0)])))
    c.bad("if_output_count", if_model(relu, graph([], [], [])), "n1")
    c.bad("if_with_inputs", if_model(relu, graph([node("Relu", ["q"], ["b"])], [value("q")],
                                                 [value("b")])), "n1")
    c.bad("if_no_branches", one("If", x=(), kind=BOOL), "n1")
    c.bad("if_undefined", if_model(relu, branch([node("Relu", ["nowhere"], ["b"])])), "nowhere")
    c.bad("if_own_output", if_model(relu, branch([node("Relu", ["y"], ["b"])])), "y")
    c.bad("if_shadows", if_model(relu, branch([node("Relu", ["x"], ["b"]),
                                               node("Relu", ["b"], ["b"])])), "b")
    c.bad("if_condition", one("If", then_branch=relu, else_branch=relu), "n1")
    for depth in (10, 31, 33, 65, 1000):
        (c.good if depth == 10 else c.any if depth < 33 else c.bad)(
            f"if_depth_{depth}", if_model(nested_if(depth), relu))
    c.any("if_doubled_8", if_model(doubled_if(8), relu))

    keep = [node("Relu", ["v"], ["o"]), node("Neg", ["v"], ["s"])]
    c.good("loop", loop_model(3, 1, keep))
    c.good("loop_zero", loop_model(0, 1, keep))
    c.any("loop_negative", loop_model(-1, 1, keep))
    c.any("loop_endless", loop_model(MOST, 1, keep), runs=False)
    c.any("loop_no_end", loop_model(None, None, keep), runs=False)
    c.any("loop_never", loop_model(None, 0, keep))
    c.any("loop_grows", loop_model(64, 1, [node("Concat", ["v", "v"], ["o"], axis=0),
                                           node("Neg", ["v"], ["s"])]))
    c.any("loop_grows_declared", loop_model(64, 1, [node("Concat", ["v", "v"], ["o"], axis=0),
                                                    node("Neg", ["v"], ["s"])], dims=["n"]))
    c.any("loop_kind_changes", loop_model(3, 1, [node("Cast", ["v"], ["o"], to=INT64),
                                                 node("Neg", ["v"], ["s"])]))
    c.bad("loop_outputs", loop_model(3, 1, keep, results=("y", "z", "extra")), "n1")
    c.bad("loop_body_inputs", loop_model(3, 1, keep, inputs=("v", "w2")), "n1")
    c.bad("loop_no_body", one("Loop", [None]), "n1")
    scan = lambda nodes, ins, count, **more: simple(
        [node("Scan", ["x"], ["y"], "n1", num_scan_inputs=count,
              body=graph(nodes, [value(n) for n in ins], [value("o")]), **more)])
    body = [node("Relu", ["v"], ["o"])]
    c.any("scan", scan(body, ["v"], 1))
    for count in (0, -1, 2, MOST, LEAST):
        c.bad(f"scan_inputs_{count}", scan(body, ["v"], count), "n1")
    c.bad("scan_axis", scan(body, ["v"], 1, scan_input_axes=[7]), "n1")
    c.bad("scan_direction", scan(body, ["v"], 1, scan_input_directions=[2]), "n1")
    c.bad("scan_axes_count", scan(body, ["v"], 1, scan_input_axes=[0, 0]), "n1")
    c.bad("scan_body", scan(body, [], 1), "n1")
    return c


def catalogue():
    return attributes() + bombs() + numbers() + functions() + control_flow()
