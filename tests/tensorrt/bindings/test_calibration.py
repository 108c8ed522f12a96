"""INT8 from Python: calibrators of every kind, asked by the builder."""

import struct
import unittest

import numpy as np
import tensorrt_bindings as trt

from .memory import Memory
from .support import Session

BASES = {
    "EntropyCalibration2": trt.IInt8EntropyCalibrator2,
    "EntropyCalibration": trt.IInt8EntropyCalibrator,
    "MinMaxCalibration": trt.IInt8MinMaxCalibrator,
    "LegacyCalibration": trt.IInt8LegacyCalibrator,
}


def calibrator(base, batches, cache=None):
    """One as programs write it: arrays on the device, whose addresses a batch is."""

    class Calibrator(base):
        def __init__(self):
            base.__init__(self)
            self.batches, self.cache, self.names = list(batches), cache, []

        def get_batch_size(self):
            return 1

        def get_batch(self, names):
            self.names.append(list(names))
            if not self.batches:
                return None
            self.current = {name: Memory(array) for name, array in self.batches.pop(0).items()}
            return [self.current[name].address for name in names]

        def read_calibration_cache(self):
            return self.cache

        def write_calibration_cache(self, cache):
            self.cache = memoryview(cache).tobytes()

        def get_quantile(self):
            return 1.0

        def get_regression_cutoff(self):
            return 1.0

        def read_histogram_cache(self, length):
            return None

        def write_histogram_cache(self, ptr, length):
            pass

    if base is trt.IInt8Calibrator:
        Calibrator.get_algorithm = lambda self: trt.CalibrationAlgoType.MINMAX_CALIBRATION
    return Calibrator()


def ranges(cache):
    """127 times the scale of each tensor of a cache, and its first line."""
    header, *lines = cache.decode().splitlines()
    pairs = (line.rsplit(": ", 1) for line in lines)
    return header, {n: struct.unpack(">f", bytes.fromhex(h))[0] * 127 for n, h in pairs}


class Calibration(unittest.TestCase):
    def session(self):
        session = Session()
        a, b = (session.network.add_input(n, trt.float32, (2, 2)) for n in "ab")
        layer = session.network.add_elementwise(a, b, trt.ElementWiseOperation.SUM)
        layer.get_output(0).name = "sum"
        session.network.mark_output(layer.get_output(0))
        session.config.set_flag(trt.BuilderFlag.INT8)
        return session

    def batches(self, count=2):
        x = np.array([[1, -2], [0.5, 3]], np.float32)
        return [{"a": x * (i + 1), "b": np.ones_like(x)} for i in range(count)]

    def test_every_base(self):
        for name, base in BASES.items():
            with self.subTest(name):
                session, made = self.session(), calibrator(base, self.batches())
                session.config.int8_calibrator = made
                session.plan()
                self.assertEqual(made.names, [["a", "b"]] * 3)
                header, found = ranges(made.cache)
                self.assertRegex(header, rf"^TRT-\d+-{name}$")
                self.assertEqual(set(found), {"a", "b", "sum"})
                # What has few values keeps them all.
                self.assertAlmostEqual(found["a"], 6, places=4)
                self.assertAlmostEqual(found["sum"], 7, places=4)

    def test_base_of_all(self):
        session, made = self.session(), calibrator(trt.IInt8Calibrator, self.batches(1))
        session.config.int8_calibrator = made
        session.plan()
        header, found = ranges(made.cache)
        self.assertTrue(header.endswith("-MinMaxCalibration"), header)
        self.assertAlmostEqual(found["sum"], 4, places=4)

    def test_cache_is_enough(self):
        cache = b"TRT-8601-EntropyCalibration2\na: 3c010a14\nb: 3c010a14\nsum: 3c8c3efb\n"
        session = self.session()
        made = calibrator(trt.IInt8EntropyCalibrator2, [], cache)
        session.config.int8_calibrator = made
        session.plan()
        self.assertEqual(made.names, [])
        said = "\n".join(m for _, m in session.log.messages)
        self.assertIn("Reading Calibration Cache for calibrator: EntropyCalibration2", said)

    def test_no_data(self):
        session = self.session()
        made = calibrator(trt.IInt8EntropyCalibrator2, [])
        session.config.int8_calibrator = made
        self.assertIsNone(session.builder.build_serialized_network(session.network, session.config))
        self.assertIn("no scaling factors detected", session.log.errors()[-1])


if __name__ == "__main__":
    unittest.main()
