"""Writes ONNX models byte by byte, wrong ones too, without any package."""
import struct

FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE = 1, 2, 3, 6, 7, 8, 9, 10, 11
LEAST, MOST = -2**63, 2**63 - 1


def varint(value):
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field, value):
    return varint(field << 3) + varint(value)


def real(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def data(field, value):
    """A message, string or bytes field."""
    if isinstance(value, str):
        value = value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


def tensor(name, kind, dims, raw=None, extra=b""):
    out = b"".join(integer(1, d) for d in dims) + integer(2, kind) + data(8, name)
    return out + (data(9, raw) if raw is not None else b"") + extra


def i64(name, values, dims=None):
    return tensor(name, INT64, [len(values)] if dims is None else dims,
                  struct.pack(f"<{len(values)}q", *values))


def f32(name, values, dims=None):
    return tensor(name, FLOAT, [len(values)] if dims is None else dims,
                  struct.pack(f"<{len(values)}f", *values))


def shape(dims):
    return b"".join(data(1, data(2, d) if isinstance(d, str) else
                         b"" if d is None else integer(1, d)) for d in dims)


def value(name, kind=FLOAT, dims=()):
    """A ValueInfoProto; dims None leaves out the shape."""
    body = integer(1, kind) + (b"" if dims is None else data(2, shape(dims)))
    return data(1, name) + data(2, data(1, body))


class Graph(bytes):
    """A GraphProto, so that attribute() knows it from a tensor."""


def graph(nodes=(), inputs=(), outputs=(), tensors=(), extra=b""):
    return Graph(b"".join(data(1, n) for n in nodes) + data(2, "g") +
                 b"".join(data(5, t) for t in tensors) +
                 b"".join(data(11, i) for i in inputs) +
                 b"".join(data(12, o) for o in outputs) + extra)


def attribute(name, content):
    out = data(1, name)
    if isinstance(content, bool):
        raise TypeError("ONNX has no Boolean attributes")
    if isinstance(content, int):
        return out + integer(3, content) + integer(20, 2)
    if isinstance(content, float):
        return out + real(2, content) + integer(20, 1)
    if isinstance(content, str):
        return out + data(4, content) + integer(20, 3)
    if isinstance(content, Graph):
        return out + data(6, content) + integer(20, 5)
    if isinstance(content, bytes):
        return out + data(5, content) + integer(20, 4)
    if content and isinstance(content[0], float):
        return out + b"".join(real(7, v) for v in content) + integer(20, 6)
    if content and isinstance(content[0], str):
        return out + b"".join(data(9, v) for v in content) + integer(20, 8)
    return out + b"".join(integer(8, v) for v in content) + integer(20, 7)


def node(op, inputs, outputs, name="", domain="", raw=b"", **attributes):
    """`raw` is appended: attributes that attribute() would not write."""
    return (b"".join(data(1, i) for i in inputs) + b"".join(data(2, o) for o in outputs) +
            (data(3, name) if name else b"") + data(4, op) +
            b"".join(data(5, attribute(k, v)) for k, v in attributes.items()) +
            (data(7, domain) if domain else b"") + raw)


def function(name, inputs, outputs, nodes, attributes=(), extra=b""):
    """A field of the ModelProto; of the domain "f", which model() imports with it."""
    return data(25, data(1, name) + b"".join(data(4, i) for i in inputs) +
                b"".join(data(5, o) for o in outputs) + b"".join(data(6, a) for a in attributes) +
                b"".join(data(7, n) for n in nodes) + data(9, integer(2, 17)) + data(10, "f") +
                extra)


def opset(version, domain=""):
    return data(8, (data(1, domain) if domain else b"") + integer(2, version))


def model(body, version=17, extra=b"", ir=8):
    return integer(1, ir) + data(7, body) + opset(version) + opset(1, "f") + extra


def simple(nodes, tensors=(), x=(2, 3), kind=FLOAT, y=None, version=17, extra=b"", more=()):
    """x of a shape, through nodes, to y."""
    return model(graph(nodes, [value("x", kind, x), *more],
                       [value("y", kind, y) if y is not None else data(1, "y")], tensors),
                 version, extra)


def one(op, operands=(), x=(2, 3), kind=FLOAT, version=17, domain="", **attributes):
    """A node "n1" on x, its further operands integer constants (or tensors, where bytes)."""
    names, tensors = ["x"], []
    for i, operand in enumerate(operands):
        names.append(f"c{i}" if operand is not None else "")
        if operand is not None:
            tensors.append(operand(names[-1]) if callable(operand) else i64(names[-1], operand))
    return simple([node(op, names, ["y"], "n1", domain, **attributes)], tensors, x, kind,
                  version=version)
