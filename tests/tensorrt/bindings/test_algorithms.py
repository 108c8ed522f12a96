"""Tactics that a selector in Python records and replays."""

import unittest

import numpy as np
import onnx
import tensorrt_bindings as trt
from onnx import TensorProto

from .support import Session, model

FLOAT = TensorProto.FLOAT


def fingerprint(context, algorithm):
    """What tells one candidate from another, and is the same in the next build."""
    variant = algorithm.algorithm_variant
    infos = [
        algorithm.get_algorithm_io_info(i) for i in range(context.num_inputs + context.num_outputs)
    ]
    operands = tuple(
        (i.dtype, tuple(i.strides), i.vectorized_dim, i.components_per_element) for i in infos
    )
    return variant.implementation, variant.tactic, operands


class Selector(trt.IAlgorithmSelector):
    """Takes what it is told for a layer, else everything."""

    def __init__(self, told=None):
        trt.IAlgorithmSelector.__init__(self)
        self.told, self.offered, self.chosen, self.shapes = told or {}, {}, {}, {}

    def select_algorithms(self, context, choices):
        found = [fingerprint(context, c) for c in choices]
        self.offered[context.name] = found
        self.shapes[context.name] = context.get_shape(0)
        if context.name in self.told:
            return [found.index(self.told[context.name])]
        return list(range(len(choices)))

    def report_algorithms(self, contexts, choices):
        self.times = [c.timing_msec for c in choices]
        self.workspaces = [c.workspace_size for c in choices]
        for context, choice in zip(contexts, choices):
            self.chosen[context.name] = fingerprint(context, choice)


class Algorithms(unittest.TestCase):
    def build(self, told=None):
        weights = np.random.default_rng(1).random((64, 64), np.float32)
        node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
        shapes = {"x": (FLOAT, [32, 64])}, {"y": (FLOAT, [32, 64])}
        session, selector = Session(), Selector(told)
        self.assertTrue(session.parse(model([node], *shapes, {"w": weights})))
        session.config.builder_optimization_level = 3
        session.config.algorithm_selector = selector
        self.assertIs(session.config.algorithm_selector, selector)
        session.plan()
        return selector

    def test_record_and_replay(self):
        recorded = self.build()
        self.assertIn("product", recorded.offered)
        self.assertEqual([tuple(s) for s in recorded.shapes["product"]], [(32, 64)] * 3)
        self.assertGreater(max(recorded.times), 0)
        self.assertGreaterEqual(min(recorded.workspaces), 0)
        for wanted in recorded.offered["product"]:
            self.assertEqual(self.build({"product": wanted}).chosen["product"], wanted)


if __name__ == "__main__":
    unittest.main()
