"""Every property of every layer: what is set is read, and nothing that is set ends the program."""

import unittest

import numpy as np
import tensorrt_bindings as trt

from .makers import MAKERS, Bench, branch_parts, loop_parts
from .support import Session


def plain(value):
    """A property's value in a form that compares."""
    if isinstance(value, trt.Weights):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        return [round(float(v), 5) for v in value.reshape(-1)]
    if isinstance(value, (trt.Dims, trt.Permutation, tuple, list)):
        return [round(float(v), 5) for v in value]
    return round(value, 5) if isinstance(value, float) else value


def outputs(layer):
    return [layer.get_output(i) for i in range(layer.num_outputs)]


def mark(s, b, layer):
    """Marks what the layer gives, or what its loop or conditional gives."""
    for tensor in outputs(getattr(b, "extra", layer)):
        s.network.mark_output(tensor)


class Properties(unittest.TestCase):
    def test_what_is_set_is_read(self):
        for kind, (make, values) in MAKERS.items():
            b = Bench(Session())
            layer = make(b)
            for name, choices in values(b).items():
                for value in choices:
                    with self.subTest(f"{kind}.{name} = {value}"):
                        setattr(layer, name, value)
                        read = plain(getattr(layer, name))
                        if name == "second_transpose" or name == "first_transpose":
                            read = read[: len(value)]
                        self.assertEqual(read, plain(value))

    def test_every_layer_builds(self):
        for kind, (make, _) in MAKERS.items():
            with self.subTest(kind):
                s = Session()
                b = Bench(s)
                layer = make(b)
                mark(s, b, layer)
                if kind == "assertion":
                    s.network.mark_output(s.network.add_identity(b.x).get_output(0))
                self.assertGreater(s.plan().nbytes, 0)

    def test_parts_know_their_whole(self):
        b = Bench(Session())
        loop, limit, rows, state, out = loop_parts(b)
        loop.name = "count"
        self.assertEqual(loop.name, "count")
        for part in (limit, rows, state, out):
            self.assertEqual(part.loop.name, "count")
        self.assertEqual(limit.kind, trt.TripLimit.COUNT)
        self.assertEqual(out.kind, trt.LoopOutput.CONCATENATE)
        branch, condition, entry, out = branch_parts(b)
        branch.name = "either"
        self.assertEqual(branch.name, "either")
        for part in (condition, entry, out):
            self.assertEqual(part.conditional.name, "either")

    def test_nonsense_is_survived(self):
        """Every property with what it cannot mean; then shapes, and a build that may fail loudly."""
        for kind, (make, values) in MAKERS.items():
            b = Bench(Session())
            layer = make(b)
            for name in values(b):
                for bad in nonsense(getattr(layer, name)):
                    with self.subTest(f"{kind}.{name} = {bad}"):
                        self.survives(kind, make, name, bad)

    def survives(self, kind, make, name, bad):
        s = Session()
        b = Bench(s)
        layer = make(b)
        try:
            setattr(layer, name, bad)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            return  # the bindings refuse it, or say that the layer did
        mark(s, b, layer)
        for tensor in outputs(layer):
            tensor.shape, tensor.dtype
        if kind == "assertion":
            s.network.mark_output(s.network.add_identity(b.x).get_output(0))
        if s.builder.build_serialized_network(s.network, s.config) is None:
            self.assertTrue(s.log.errors())


def nonsense(value):
    """Values of a property's type that mean nothing."""
    kind = type(value)
    if isinstance(value, bool):
        return []
    if hasattr(kind, "__members__"):
        try:
            return [kind(99), kind(-1)]
        except ValueError:
            return []  # a module whose enumerations have no such values
    if isinstance(value, int):
        return [-1, 0, 7, 2**31 - 1, -(2**31), 2**62]
    if isinstance(value, float):
        return [float("nan"), float("inf"), -1e30]
    if isinstance(value, str):
        return ["", "->", "a,b", "\x00\xff", "a" * 5000]
    if isinstance(value, trt.Permutation):
        return [(3, 3, 3, 3), (9, -1, 0, 1), ()]
    if isinstance(value, (trt.Dims, tuple, list)) and not isinstance(value, np.ndarray):
        many = [(), (0,), (-1, -1), (0, 0), (2**31, 2**31), (2**62, 2**62, 2), (-(2**63), 1)]
        return [*many, (-5, -5, -5, -5), (2**40, 1, 1, 1), (1,) * 8, (2**63 - 1,) * 8]
    none = trt.Weights(trt.float32)
    return [none, trt.Weights(np.zeros(3, np.int8)), trt.Weights(np.zeros(1000, np.float32))]


if __name__ == "__main__":
    unittest.main()
