"""Values that calls exchange, and the classes that a program derives: C++ reaches what Python defines."""

import contextlib
import ctypes
import unittest

import numpy as np
import tensorrt_bindings as trt

from .support import Log, Recorder as PlainRecorder, Session
from .test_build import small_model
from .test_objects import Monitor, Profiler, Reader, Writer


def capsule(address):
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return make(address, None, None)


class Recorder(PlainRecorder):
    get_num_errors = PlainRecorder.num_errors  # the name by which the bindings look it up


class Takes:
    """Hands out one address."""

    def allocate(self, size, alignment, flags):
        self.calls.append(("take", size))
        return self.next

    def deallocate(self, memory):
        self.calls.append(("give", memory))
        return True

    def allocate_async(self, size, alignment, flags, stream):
        return self.allocate(size, alignment, flags)

    def deallocate_async(self, memory, stream):
        return self.deallocate(memory)

    def reallocate(self, address, alignment, new_size):
        return 0


class Allocator(Takes, trt.IGpuAllocator):
    def __init__(self):
        trt.IGpuAllocator.__init__(self)
        self.calls, self.next = [], 0


class AsyncAllocator(Takes, trt.IGpuAsyncAllocator):
    def __init__(self):
        trt.IGpuAsyncAllocator.__init__(self)
        self.calls, self.next = [], 0


class Values(unittest.TestCase):
    def test_dims(self):
        hw = trt.DimsHW(3, 5)
        hw.h, hw.w = 4, 6
        self.assertEqual((hw.h, hw.w, tuple(hw)), (4, 6, (4, 6)))
        order = trt.Permutation([2, 0, 1])
        self.assertEqual((order[0], order[2], len(order)), (2, 1, 8))
        self.assertEqual(trt.volume(trt.Dims([2, 3, 4])), 24)

    def test_weights(self):
        array = np.arange(6, dtype=np.float32)
        w = trt.Weights(array)
        self.assertEqual((len(w), w.size, w.nbytes, w.dtype), (6, 6, 24, trt.float32))
        np.testing.assert_array_equal(w.numpy(), array)
        for dtype in (np.float16, np.int8, np.int32, np.int64, np.bool_, np.uint8):
            w = trt.Weights(np.zeros(3, dtype))
            self.assertEqual(trt.nptype(w.dtype), dtype)
            self.assertEqual(w.nbytes, 3 * np.dtype(dtype).itemsize)

    def test_host_memory(self):
        s = Session()
        s.parse(small_model(1))
        plan = s.plan()
        self.assertEqual((plan.nbytes, plan.dtype), (len(bytes(plan)), trt.int8))

    def test_lists(self):
        # What supports_model() of old versions gave. In this build of the bindings the methods take
        # lists of Python's, and change a copy.
        nodes, parts = trt.tensorrt.NodeIndices, trt.tensorrt.SubGraphCollection
        for kind, items in ((nodes, [3, 1, 2]), (parts, [([1], True), ([2, 3], False), ([], True)])):
            self.assertEqual((kind.__len__(items), kind.__getitem__(items, 1)), (3, items[1]))
            self.assertEqual((kind.pop(items), kind.count(items, items[0])), (items[2], 1))
            kind.append(items, items[0]), kind.extend(items, items), kind.insert(items, 0, items[1])
            kind.remove(items, items[0]), kind.clear(items)
            self.assertEqual(len(items), 3)

    def test_interfaces_say_what_they_are(self):
        allocator = Allocator()
        info = allocator.interface_info
        self.assertEqual((info.kind, info.major, info.minor), ("IGpuAllocator", 1, 0))
        info.kind, info.major, info.minor = "other", 2, 3
        self.assertEqual((info.major, info.minor), (2, 3))
        self.assertEqual(allocator.api_language, trt.APILanguage.CPP)


class Callbacks(unittest.TestCase):
    def test_loggers(self):
        log = Log()
        trt.ILogger.log(log, trt.ILogger.Severity.WARNING, "mind")
        self.assertEqual(log.messages, [(trt.ILogger.WARNING, "mind")])
        logger = trt.Logger(trt.Logger.Severity.ERROR)
        self.assertEqual(logger.min_severity, trt.Logger.ERROR)
        logger.min_severity = trt.Logger.INTERNAL_ERROR
        logger.log(trt.Logger.WARNING, "not shown")
        self.assertIsNotNone(trt.Builder(logger))

    def test_recorder(self):
        r, base = Recorder(), trt.IErrorRecorder
        code = trt.ErrorCodeTRT.INVALID_ARGUMENT
        self.assertTrue(base.report_error(r, code, "wrong"))
        self.assertEqual((base.num_errors(r), base.has_overflowed(r)), (1, False))
        self.assertEqual((base.get_error_code(r, 0), base.get_error_desc(r, 0)), (code, "wrong"))
        base.clear(r)
        self.assertEqual(base.num_errors(r), 0)
        with self.assertRaises(TypeError):  # the bindings' getter takes no object
            r.MAX_DESC_LENGTH

    def test_profilers(self):
        p = Profiler()
        trt.IProfiler.report_layer_time(p, "conv", 1.5)
        self.assertEqual(p.times, [("conv", 1.5)])
        trt.Profiler().report_layer_time("conv", 0.5)  # prints

    def test_monitor(self):
        m, base = Monitor(stop=True), trt.IProgressMonitor
        base.phase_start(m, "build", "", 2)
        self.assertFalse(base.step_complete(m, "build", 0))
        base.phase_finish(m, "build")
        self.assertEqual((m.open, m.closed, m.steps), (["build"], ["build"], 1))

    def test_streams(self):
        target = np.zeros(4, np.uint8)
        self.assertEqual(trt.IStreamReader.read(Reader(b"abcdef"), capsule(target.ctypes.data), 4), 4)
        self.assertEqual(bytes(target), b"abcd")
        writer = Writer()
        self.assertEqual(trt.IStreamWriter.write(writer, capsule(target.ctypes.data), 3), 3)
        self.assertEqual(writer.data, b"abc")

    def test_allocators(self):
        memory = np.zeros(64, np.uint8).ctypes.data
        for base, made in ((trt.IGpuAllocator, Allocator()), (trt.IGpuAsyncAllocator, AsyncAllocator())):
            made.next = memory
            base.allocate_async(made, 8, 256, 0, 0)
            self.assertTrue(base.deallocate_async(made, capsule(memory), 0))
            base.allocate(made, 8, 256, 0)
            self.assertTrue(base.deallocate(made, capsule(memory)))
            self.assertEqual(made.calls[:2], [("take", 8), ("give", memory)])
        trt.IGpuAllocator.reallocate(made, capsule(memory), 256, 16)

    def test_allocators_are_kept(self):
        s, made = Session(), Allocator()
        s.parse(small_model(1))
        s.builder.gpu_allocator = made
        engine = s.engine()
        s.runtime.gpu_allocator = made
        context = engine.create_execution_context()
        context.temporary_allocator = made
        self.assertIs(context.temporary_allocator, made)

    def test_calibrators(self):
        for name, algorithm in (
            ("Entropy", "ENTROPY_CALIBRATION"),
            ("Entropy2", "ENTROPY_CALIBRATION_2"),
            ("MinMax", "MINMAX_CALIBRATION"),
            ("Legacy", "LEGACY_CALIBRATION"),
        ):
            number = name[7:] if name.startswith("Entropy") else ""
            base = getattr(trt, f"IInt8{name.removesuffix(number)}Calibrator{number}")
            self.calibrator(base, trt.CalibrationAlgoType.__members__[algorithm])
        self.calibrator(trt.IInt8Calibrator, trt.CalibrationAlgoType.MINMAX_CALIBRATION)

    def calibrator(self, base, algorithm):
        class Calibrator(base):
            def __init__(self):
                base.__init__(self)
                self.cache = b"none"

            def get_batch_size(self):
                return 4

            def get_batch(self, names):
                return [len(name) for name in names]

            def get_algorithm(self):
                return algorithm

            def read_calibration_cache(self):
                return self.cache

            def write_calibration_cache(self, cache):
                self.cache = bytes(cache)

        made, config = Calibrator(), Session().config
        config.int8_calibrator = made
        self.assertIs(config.int8_calibrator, made)
        self.assertEqual((base.get_batch_size(made), base.get_algorithm(made)), (4, algorithm))
        self.assertIsInstance(base.get_batch(made, ["x"]), list)
        base.write_calibration_cache(made, b"table")
        with contextlib.suppress(TypeError):  # the bindings lack the type of what it returns
            base.read_calibration_cache(made)

    def test_timing_cache_keys(self):
        s = Session()
        s.parse(small_model(1))
        s.config.builder_optimization_level = 1
        s.plan()
        self.assertIsNone(s.config.get_timing_cache())  # the build's own is not shown
        cache = s.config.create_timing_cache(b"")
        s.config.set_timing_cache(cache, False)
        s.plan()
        key = cache.queryKeys()[0]
        self.assertEqual(str(trt.TimingCacheKey.parse(str(key))), str(key))
        value = cache.query(trt.TimingCacheKey.parse(str(key)))
        before = value.tacticHash
        value.tacticHash = before + 1
        self.assertEqual(value.tacticHash, before + 1)


if __name__ == "__main__":
    unittest.main()
