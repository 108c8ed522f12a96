"""Which layers an ONNX operator becomes: the table parser_layers.txt, in the order of the network.

A case is a model in ONNX's text form, and below `--` a line for each layer: kind, name, inputs,
outputs. What is expected is what NVIDIA's parser does. Run as a script with --bless to rewrite it by
what ours does, which is for new cases only.
"""

import sys
import unittest
from pathlib import Path

import onnx.parser
import tensorrt_bindings as trt

from .support import Session

TABLE = Path(__file__).resolve().parents[1] / "parser_layers.txt"


def cases():
    for case in TABLE.read_text().split("\n== ")[1:]:
        title, rest = case.split("\n", 1)
        text, lines = rest.split("\n--\n")
        yield title, text, lines.strip("\n").splitlines()


def describe(layer):
    inputs = [layer.get_input(i) for i in range(layer.num_inputs)]
    outputs = [layer.get_output(i) for i in range(layer.num_outputs)]
    return " | ".join(
        [
            layer.type.name,
            layer.name,
            ", ".join(t.name if t else "-" for t in inputs),
            ", ".join(f"{t.name} {t.dtype.name}{list(t.shape)}" for t in outputs),
        ]
    ).replace(" |  | ", " | | ").rstrip()


def layers_of(text):
    s = Session()
    model = onnx.parser.parse_model(text).SerializeToString()
    if not trt.OnnxParser(s.network, s.log).parse(model):
        return s.log.errors()
    return [describe(s.network.get_layer(i)) for i in range(s.network.num_layers)]


class ParserLayers(unittest.TestCase):
    def test_table(self):
        count = 0
        for title, text, expected in cases():
            count += 1
            with self.subTest(title):
                self.assertEqual(layers_of(text), expected)
        self.assertGreater(count, 80)


def bless():
    head = TABLE.read_text().split("\n== ")[0].rstrip("\n")
    parts = [f"{t}\n{text}\n--\n" + "\n".join(layers_of(text)) for t, text, _ in cases()]
    TABLE.write_text("\n\n== ".join([head, *parts]) + "\n")


if __name__ == "__main__" and "--bless" in sys.argv:
    bless()
