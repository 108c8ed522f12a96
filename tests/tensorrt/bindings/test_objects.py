"""Everything around a network: configurations, engines, contexts, profilers, monitors, caches."""

import json
import os
import tempfile
import unittest
import warnings

import numpy as np
import tensorrt_bindings as trt

from .memory import CUDA, wait
from .support import Allocator, Log, Recorder, Session
from .test_build import F32, node, small_model
from .support import model

warnings.simplefilter("ignore", DeprecationWarning)


def session():
    s = Session()
    s.parse(small_model(2))
    return s


class Writer(trt.IStreamWriter):
    def __init__(self):
        trt.IStreamWriter.__init__(self)
        self.data = b""

    def write(self, data):
        self.data += bytes(data)
        return len(data)


class Reader(trt.IStreamReader):
    def __init__(self, data):
        trt.IStreamReader.__init__(self)
        self.data, self.at = data, 0

    def read(self, size):
        piece = self.data[self.at : self.at + size]
        self.at += len(piece)
        return piece


class Monitor(trt.IProgressMonitor):
    def __init__(self, stop=False):
        trt.IProgressMonitor.__init__(self)
        self.open, self.closed, self.steps, self.stop = [], [], 0, stop

    def phase_start(self, phase_name, parent_phase, num_steps):
        self.open.append(phase_name)

    def step_complete(self, phase_name, step):
        self.steps += 1
        return not self.stop

    def phase_finish(self, phase_name):
        self.closed.append(phase_name)


class Profiler(trt.IProfiler):
    def __init__(self):
        trt.IProfiler.__init__(self)
        self.times = []

    def report_layer_time(self, layer_name, ms):
        self.times.append((layer_name, ms))


class Configuration(unittest.TestCase):
    def test_defaults_and_setters(self):
        s = Session()
        c = s.builder.create_builder_config()
        self.assertEqual(c.avg_timing_iterations, 1)
        self.assertEqual(c.builder_optimization_level, 3)
        self.assertEqual(c.engine_capability, trt.EngineCapability.STANDARD)
        self.assertEqual(c.default_device_type, trt.DeviceType.GPU)
        self.assertEqual(c.profiling_verbosity, trt.ProfilingVerbosity.LAYER_NAMES_ONLY)
        self.assertEqual(c.hardware_compatibility_level, trt.HardwareCompatibilityLevel.NONE)
        self.assertEqual(c.runtime_platform, trt.RuntimePlatform.SAME_AS_BUILD)
        self.assertEqual(c.tiling_optimization_level, trt.TilingOptimizationLevel.NONE)
        self.assertEqual((c.DLA_core, c.quantization_flags, c.num_optimization_profiles), (-1, 0, 0))
        self.assertEqual(c.flags, 1 << int(trt.BuilderFlag.TF32))
        self.assertEqual((c.max_num_tactics, c.plugins_to_serialize), (-1, []))
        self.assertIsNone(c.int8_calibrator)
        self.assertIsNone(c.algorithm_selector)
        self.assertIsNone(c.progress_monitor)
        for flag in trt.BuilderFlag.__members__.values():
            c.set_flag(flag)
            self.assertTrue(c.get_flag(flag))
            c.clear_flag(flag)
            self.assertFalse(c.get_flag(flag))
        c.set_quantization_flag(trt.QuantizationFlag.CALIBRATE_BEFORE_FUSION)
        self.assertTrue(c.get_quantization_flag(trt.QuantizationFlag.CALIBRATE_BEFORE_FUSION))
        c.clear_quantization_flag(trt.QuantizationFlag.CALIBRATE_BEFORE_FUSION)
        values = {
            "avg_timing_iterations": 8, "builder_optimization_level": 5, "max_num_tactics": 3,
            "max_aux_streams": 2, "l2_limit_for_tiling": 1 << 20, "DLA_core": -1, "profile_stream": 0,
            "engine_capability": trt.EngineCapability.SAFETY, "flags": 3,
            "default_device_type": trt.DeviceType.DLA, "runtime_platform": trt.RuntimePlatform.WINDOWS_AMD64,
            "profiling_verbosity": trt.ProfilingVerbosity.DETAILED, "quantization_flags": 1,
            "hardware_compatibility_level": trt.HardwareCompatibilityLevel.AMPERE_PLUS,
            "tiling_optimization_level": trt.TilingOptimizationLevel.FULL,
            "plugins_to_serialize": ["a.so", "b.so"],
        }  # fmt: skip
        for name, value in values.items():
            setattr(c, name, value)
            self.assertEqual(getattr(c, name), value, name)
        c.DLA_core = 0  # there is none
        self.assertEqual(c.DLA_core, -1)
        for pool in trt.MemoryPoolType.__members__.values():
            c.set_memory_pool_limit(pool, 1 << 20)
            self.assertEqual(c.get_memory_pool_limit(pool), 1 << 20)
        feature = trt.PreviewFeature.ALIASED_PLUGIN_IO_10_03
        c.set_preview_feature(feature, True)
        self.assertTrue(c.get_preview_feature(feature))
        self.assertTrue(c.set_tactic_sources(1 << int(trt.TacticSource.JIT_CONVOLUTIONS)))
        self.assertEqual(c.get_tactic_sources(), 1 << int(trt.TacticSource.JIT_CONVOLUTIONS))
        profile = s.builder.create_optimization_profile()
        self.assertTrue(c.set_calibration_profile(profile))
        self.assertIsNotNone(c.get_calibration_profile())
        x = s.network.add_input("x", trt.float32, (1,))
        layer = s.network.add_identity(x)
        c.set_device_type(layer, trt.DeviceType.GPU)
        self.assertEqual(c.get_device_type(layer), trt.DeviceType.GPU)
        self.assertTrue(c.is_device_type_set(layer))
        c.reset_device_type(layer)
        self.assertFalse(c.is_device_type_set(layer) or c.can_run_on_DLA(layer))
        c.reset()
        self.assertEqual(c.builder_optimization_level, 3)

    def test_profiles(self):
        s = Session()
        p = s.builder.create_optimization_profile()
        p.set_shape("x", (1, 2), (3, 2), (5, 2))
        p.set_shape_input("s", [1], [2], [3])
        p.extra_memory_target = 0.5
        self.assertEqual(p.extra_memory_target, 0.5)
        self.assertEqual([tuple(d) for d in p.get_shape("x")], [(1, 2), (3, 2), (5, 2)])
        self.assertEqual([list(v) for v in p.get_shape_input("s")], [[1], [2], [3]])
        self.assertTrue(p)
        bad = s.builder.create_optimization_profile()
        bad.set_shape("x", (4,), (3,), (5,))
        self.assertFalse(bad)
        self.assertEqual(s.config.add_optimization_profile(bad), -1)

    def test_timing_cache(self):
        s = session()
        s.config.builder_optimization_level = 1
        cache = s.config.create_timing_cache(b"")
        self.assertTrue(s.config.set_timing_cache(cache, False))
        s.plan()
        blob = bytes(s.config.get_timing_cache().serialize())
        self.assertGreater(len(blob), 0)
        again = s.config.create_timing_cache(blob)
        keys = again.queryKeys()
        self.assertGreater(len(keys), 0)
        self.assertGreater(again.query(keys[0]).timingMSec, 0)
        self.assertTrue(again.update(keys[0], again.query(keys[0])))
        self.assertTrue(cache.combine(again, True))
        self.assertTrue(again.reset())
        self.assertEqual(len(again.queryKeys()), 0)

    def test_progress_and_cancel(self):
        s = session()
        s.config.builder_optimization_level = 2
        s.config.progress_monitor = monitor = Monitor()
        s.plan()
        self.assertEqual(sorted(monitor.open), sorted(monitor.closed))
        self.assertGreater(monitor.steps, 2)
        s.config.progress_monitor = Monitor(stop=True)
        self.assertIsNone(s.builder.build_serialized_network(s.network, s.config))
        self.assertIn("asked to stop", s.log.errors()[-1])

    def test_builder(self):
        s = session()
        b = s.builder
        self.assertEqual((b.max_DLA_batch_size, b.num_DLA_cores, b.max_threads), (0, 0, 1))
        b.max_threads = 2
        self.assertEqual(b.max_threads, 2)
        self.assertIsInstance(b.platform_has_fast_fp16 and b.platform_has_fast_int8, bool)
        self.assertEqual(b.platform_has_tf32, CUDA is not None)
        self.assertIs(b.logger, s.log)
        b.gpu_allocator = None
        self.assertTrue(b.is_network_supported(s.network, s.config))
        self.assertIsNotNone(b.build_engine_with_config(s.network, s.config))
        writer = Writer()
        self.assertTrue(b.build_serialized_network_to_stream(s.network, s.config, writer))
        runtime = trt.Runtime(s.log)
        self.assertIsNotNone(runtime.deserialize_cuda_engine(writer.data))
        self.assertIsNotNone(runtime.deserialize_cuda_engine(Reader(writer.data)))
        b.reset()
        self.assertIsNotNone(b.get_plugin_registry())


class Engines(unittest.TestCase):
    def test_engine(self):
        s = session()
        s.network.name = "small"
        s.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        e = s.engine()
        self.assertEqual((e.name, e.num_io_tensors, e.num_optimization_profiles), ("small", 2, 1))
        self.assertEqual(e.profiling_verbosity, trt.ProfilingVerbosity.DETAILED)
        self.assertEqual((e[0], e[1]), ("x", "y"))
        self.assertGreater(e.num_layers, 0)
        self.assertFalse(e.refittable or e.has_implicit_batch_dimension or e.is_debug_tensor("x"))
        self.assertEqual(e.engine_capability, trt.EngineCapability.STANDARD)
        self.assertEqual(e.hardware_compatibility_level, trt.HardwareCompatibilityLevel.NONE)
        self.assertEqual(e.tactic_sources, s.config.get_tactic_sources())
        self.assertEqual((e.num_aux_streams, e.streamable_weights_size), (0, 0))
        sizes = (e.device_memory_size, e.device_memory_size_v2)
        sizes += (e.get_device_memory_size_for_profile(0), e.get_device_memory_size_for_profile_v2(0))
        self.assertEqual(len(set(sizes)), 1)
        sizes = (e.minimum_weight_streaming_budget, e.weight_streaming_budget, e.weight_streaming_budget_v2)
        sizes += (e.get_weight_streaming_automatic_budget(), e.weight_streaming_scratch_memory_size)
        self.assertEqual(set(sizes), {0})
        self.assertGreater(e.get_engine_stat(trt.EngineStat.TOTAL_WEIGHTS_SIZE), 0)
        for name in ("x", "y"):
            self.assertEqual(e.get_tensor_bytes_per_component(name), -1)  # not vectorized
            self.assertEqual(e.get_tensor_components_per_element(name), -1)
            self.assertEqual(e.get_tensor_format(name), trt.TensorFormat.LINEAR)
            self.assertIn("FP32", e.get_tensor_format_desc(name))
            self.assertEqual(e.get_tensor_location(name), trt.TensorLocation.DEVICE)
            self.assertEqual(e.get_tensor_vectorized_dim(name), -1)
            self.assertFalse(e.is_shape_inference_io(name))
        self.assertIsNone(e.get_aliased_input_tensor("y"))
        config = e.create_serialization_config()
        config.set_flag(trt.SerializationFlag.EXCLUDE_LEAN_RUNTIME)
        self.assertTrue(config.get_flag(trt.SerializationFlag.EXCLUDE_LEAN_RUNTIME))
        self.assertEqual(config.flags, 2)
        self.assertEqual(bytes(e.serialize()), bytes(e.serialize_with_config(config)))
        config.clear_flag(trt.SerializationFlag.EXCLUDE_LEAN_RUNTIME)
        config.set_flag(trt.SerializationFlag.EXCLUDE_WEIGHTS)
        self.assertIsNone(e.serialize_with_config(config))
        e.error_recorder = recorder = Recorder()
        self.assertEqual(e.error_recorder.num_errors(), recorder.num_errors())
        e.get_tensor_shape("nothing")
        self.assertEqual(recorder.num_errors(), 1)

    def test_inspector(self):
        s = session()
        s.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        e = s.engine()
        inspector = e.create_engine_inspector()
        whole = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
        self.assertEqual(whole["Bindings"], ["x", "y"])
        self.assertEqual(len(whole["Layers"]), e.num_layers)
        one = json.loads(inspector.get_layer_information(0, trt.LayerInformationFormat.JSON))
        self.assertEqual(one, whole["Layers"][0])
        self.assertIn("the_Conv", " ".join(layer["Name"] for layer in whole["Layers"]))
        known = {"x"}  # tools draw the engine by the names of tensors
        for layer in whole["Layers"]:
            self.assertLessEqual({t["Name"] for t in layer["Inputs"]}, known)
            known.update(t["Name"] for t in layer["Outputs"])
        self.assertIn("y", known)
        conv = next(layer for layer in whole["Layers"] if "the_Conv" in layer["Name"])
        self.assertEqual(conv["Weights"]["Type"], "Float")
        self.assertGreater(conv["Weights"]["Count"], 0)
        self.assertEqual((conv["LayerType"], conv["ParameterType"]), ("Convolution", "Convolution"))
        layer = next(layer for layer in s.network if layer.name == "the_Conv")
        layer.__class__ = trt.IConvolutionLayer
        self.assertEqual(conv["Kernel"], list(layer.kernel_size_nd))
        self.assertEqual(conv["PrePadding"], list(layer.pre_padding))
        self.assertEqual((conv["OutMaps"], conv["Groups"]), (layer.num_output_maps, layer.num_groups))
        # In the network's order of axes, whatever the kernel's.
        self.assertEqual(conv["Outputs"][0]["Dimensions"][1], layer.num_output_maps)
        lines = inspector.get_engine_information(trt.LayerInformationFormat.ONELINE)
        self.assertIn("Bindings", lines)
        self.assertIn("LayerType: Convolution, Inputs: [{", lines)
        context = e.create_execution_context()  # the inspector does not keep it
        inspector.execution_context = context
        self.assertIsNotNone(inspector.execution_context)
        inspector.error_recorder = Recorder()
        self.assertEqual(inspector.get_layer_information(999, trt.LayerInformationFormat.JSON), "")
        self.assertEqual(inspector.error_recorder.num_errors(), 1)

    def test_context(self):
        s = session()
        e = s.engine()
        c = e.create_execution_context(trt.ExecutionContextAllocationStrategy.ON_PROFILE_CHANGE)
        x, y = np.ones((2, 3, 8, 8), np.float32), np.zeros((2, 8), np.float32)
        c.name = "one"
        self.assertEqual(c.name, "one")
        self.assertIsNotNone(c.engine)
        self.assertEqual(c.active_optimization_profile, 0)
        self.assertTrue(c.all_binding_shapes_specified and c.all_shape_inputs_specified)
        self.assertEqual(tuple(c.get_tensor_shape("y")), (2, 8))
        self.assertEqual(tuple(c.get_tensor_strides("x")), (192, 64, 8, 1))
        self.assertFalse(c.execute_async_v3(0))
        self.assertIn("has no address", s.log.errors()[-1])
        self.assertEqual(c.infer_shapes(), [])
        c.set_tensor_address("x", x.ctypes.data)
        c.set_tensor_address("y", y.ctypes.data)
        self.assertEqual(c.get_tensor_address("x"), x.ctypes.data)
        self.assertFalse(c.set_tensor_address("z", 0))
        self.assertEqual(c.get_max_output_size("y"), y.nbytes)
        c.debug_sync, c.persistent_cache_limit = True, 4096
        self.assertEqual((c.debug_sync, c.persistent_cache_limit), (True, 4096))
        c.nvtx_verbosity = trt.ProfilingVerbosity.NONE
        self.assertEqual(c.nvtx_verbosity, trt.ProfilingVerbosity.NONE)
        self.assertTrue(c.set_input_consumed_event(0))
        self.assertEqual(c.get_input_consumed_event(), 0)
        self.assertTrue(c.set_optimization_profile_async(0, 0))
        with self.assertRaises(RuntimeError):
            c.set_optimization_profile_async(1, 0)
        c.profiler = profiler = Profiler()
        self.assertTrue(c.execute_async_v3(0))
        self.assertEqual(len(profiler.times), e.num_layers)
        c.enqueue_emits_profile = False
        self.assertFalse(c.enqueue_emits_profile)
        self.assertTrue(c.execute_async_v3(0) and len(profiler.times) == e.num_layers)
        self.assertTrue(c.report_to_profiler())
        self.assertEqual(len(profiler.times), 2 * e.num_layers)
        self.assertIsNotNone(c.profiler)
        allocator = Allocator()
        self.assertTrue(c.set_output_allocator("y", allocator))
        self.assertIsNotNone(c.get_output_allocator("y"))
        self.assertTrue(c.execute_async_v3(0))
        wait()
        np.testing.assert_array_equal(allocator.array(np.float32), y)
        self.assertLessEqual(c.update_device_memory_size_for_shapes(), e.device_memory_size_v2)
        self.assertFalse(c.set_tensor_debug_state("y", True) or c.get_debug_state("y"))
        self.assertTrue(c.set_all_tensors_debug_state(False))
        c.unfused_tensors_debug_state = False
        self.assertFalse(c.unfused_tensors_debug_state)
        self.assertIsNone(c.get_debug_listener())
        c.error_recorder = Recorder()
        self.assertFalse(c.execute_v2([0, 0]))
        self.assertEqual(c.error_recorder.num_errors(), 1)

    def test_objects_die_in_any_order(self):
        s = session()
        runtime = trt.Runtime(s.log)
        engine = runtime.deserialize_cuda_engine(s.plan())
        context = engine.create_execution_context()
        del engine, runtime, s
        x, y = np.ones((2, 3, 8, 8), np.float32), np.zeros((2, 8), np.float32)
        self.assertTrue(context.execute_v2([x.ctypes.data, y.ctypes.data]))

    def test_runtime(self):
        log = Log()
        r = trt.Runtime(log)
        self.assertEqual((r.DLA_core, r.num_DLA_cores, r.max_threads), (-1, 0, 1))
        r.max_threads = 4
        self.assertEqual(r.max_threads, 4)
        r.temporary_directory = "/tmp"
        self.assertEqual(r.temporary_directory, "/tmp")
        r.tempfile_control_flags = 1
        self.assertEqual(r.tempfile_control_flags, 1)
        r.engine_host_code_allowed = True
        self.assertTrue(r.engine_host_code_allowed)
        r.gpu_allocator = None
        r.error_recorder = Recorder()
        self.assertIs(r.logger, log)
        self.assertIsNotNone(r.get_plugin_registry())
        self.assertIsNone(r.load_runtime("nowhere.so"))
        self.assertEqual(r.error_recorder.num_errors(), 1)

    def test_another_runtime(self):
        s = Session()
        s.network.mark_output(s.constant(np.arange(3, dtype=np.float32)))
        plan = s.plan()
        lean = trt.Runtime(s.log).load_runtime("libnvinfer_lean.so.10")
        self.assertIsNotNone(lean, s.log.errors())
        self.assertIsNotNone(lean.deserialize_cuda_engine(plan), s.log.errors())


class Networks(unittest.TestCase):
    def test_network(self):
        s = Session(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        n = s.network
        self.assertTrue(n.get_flag(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        self.assertEqual((n.flags, n.has_implicit_batch_dimension), (2, False))
        self.assertIsNotNone(n.builder)
        x = n.add_input("x", trt.float32, (-1, 3))
        layer = n.add_identity(x)
        self.assertEqual((len(n), n[0].name), (1, layer.name))
        self.assertEqual(layer.type, trt.LayerType.IDENTITY)
        layer.metadata = "mine"
        self.assertEqual((layer.metadata, layer.num_inputs, layer.num_outputs), ("mine", 1, 1))
        self.assertEqual(layer.get_input(0).name, "x")
        layer.precision = trt.float16  # the types are the tensors', and nothing else
        layer.set_output_type(0, trt.float16)
        self.assertFalse(layer.precision_is_set or layer.output_type_is_set(0))
        self.assertEqual(len(s.log.errors()), 2)
        s.log.messages.clear()
        weak = s.builder.create_network()
        free = weak.add_identity(weak.add_input("x", trt.float32, (-1, 3)))
        free.precision = trt.float16
        self.assertTrue(free.precision_is_set and free.precision == trt.float16)
        free.reset_precision()
        self.assertFalse(free.precision_is_set)
        free.set_output_type(0, trt.float16)
        self.assertTrue(free.output_type_is_set(0))
        self.assertEqual(free.get_output_type(0), trt.float16)
        free.reset_output_type(0)
        layer.set_input(0, x)
        self.assertEqual(layer.num_ranks, 1)
        y = layer.get_output(0)
        self.assertEqual(tuple(y.shape), (-1, 3))
        n.mark_output(y)
        self.assertTrue(y.is_network_output and x.is_network_input)
        n.unmark_output(y)
        self.assertEqual(n.num_outputs, 0)
        x.set_dimension_name(0, "batch")
        self.assertEqual(x.get_dimension_name(0), "batch")
        x.allowed_formats = 1
        self.assertEqual(x.allowed_formats, 1)
        self.assertTrue(x.is_execution_tensor and not x.is_shape_tensor)
        self.assertEqual((x.location, x.broadcast_across_batch), (trt.TensorLocation.DEVICE, False))
        x.dynamic_range = (-1, 1)
        self.assertEqual(x.dynamic_range, (-1, 1))
        x.reset_dynamic_range()
        self.assertIsNone(x.dynamic_range)
        self.assertTrue(x.set_dynamic_range(-2, 2))
        self.assertEqual(x.dtype, trt.float32)
        self.assertTrue(n.mark_debug(y) and n.is_debug_tensor(y) and n.unmark_debug(y))
        self.assertTrue(n.mark_unfused_tensors_as_debug_tensors())
        self.assertTrue(n.unmark_unfused_tensors_as_debug_tensors())
        self.assertTrue(n.mark_weights_refittable("w") and n.are_weights_marked_refittable("w"))
        self.assertTrue(n.unmark_weights_refittable("w"))
        self.assertTrue(n.mark_output_for_shapes(y) and n.unmark_output_for_shapes(y))
        n.remove_tensor(x)  # it is in use
        self.assertEqual(n.num_inputs, 1)
        n.name = "net"
        self.assertEqual(n.name, "net")
        n.error_recorder = Recorder()
        self.assertIsNotNone(n.error_recorder)

    def test_parsed_input_is_resized(self):
        serialized = model(
            [node("Flatten", ["x"], ["f"]), node("Relu", ["f"], ["y"])],
            {"x": (F32, ["n", 2, 3])},
            {"y": (F32, ["n", 6])},
        )
        s = Session()
        self.assertTrue(s.parse(serialized))
        s.network.get_input(0).shape = (4, 2, 3)
        self.assertEqual(tuple(s.network.get_output(0).shape), (4, 6))
        x = np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 2, 3)
        np.testing.assert_array_equal(s.run({"x": x})["y"], np.maximum(x.reshape(4, 6), 0))

    def test_parsed_layers_have_kinds_and_parameters(self):
        s = session()
        layers = {layer.name: layer for layer in s.network}
        conv, relu = layers["the_Conv"], layers["the_Relu"]
        self.assertEqual(conv.type, trt.LayerType.CONVOLUTION)
        self.assertEqual(relu.type, trt.LayerType.ACTIVATION)
        conv.__class__ = trt.IConvolutionLayer
        self.assertEqual((conv.num_output_maps, conv.num_groups), (8, 1))
        self.assertEqual((tuple(conv.kernel_size_nd), tuple(conv.padding_nd)), ((3, 3), (1, 1)))
        conv.stride_nd = (2, 2)
        self.assertEqual(tuple(relu.get_output(0).shape), (2, 8, 4, 4))
        relu.__class__ = trt.IActivationLayer
        relu.type = trt.ActivationType.SIGMOID
        y = s.run({"x": np.zeros((2, 3, 8, 8), np.float32)})["y"]
        self.assertTrue(((y > 0) & (y < 1)).all())

    def test_layers_are_added_to_a_parsed_network(self):
        s = session()
        y = s.network.get_output(0)
        s.network.unmark_output(y)
        negative = s.network.add_unary(y, trt.UnaryOperation.NEG).get_output(0)
        negative.name = "negative"
        s.network.mark_output(y)
        s.network.mark_output(negative)
        got = s.run({"x": np.ones((2, 3, 8, 8), np.float32)})
        np.testing.assert_array_equal(got["negative"], -got["y"])


class Parsers(unittest.TestCase):
    def test_parser(self):
        s = session()
        p = s.parser
        p.set_flag(trt.OnnxParserFlag.NATIVE_INSTANCENORM)
        self.assertTrue(p.get_flag(trt.OnnxParserFlag.NATIVE_INSTANCENORM))
        p.clear_flag(trt.OnnxParserFlag.NATIVE_INSTANCENORM)
        self.assertEqual(p.flags, 0)
        self.assertEqual(p.get_used_vc_plugin_libraries(), [])
        self.assertEqual(tuple(p.get_layer_output_tensor("the_Conv", 0).shape), (2, 8, 8, 8))
        self.assertTrue(p.set_builder_config(s.config))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.onnx")
            with open(path, "wb") as f:
                f.write(small_model(1))
            other = Session()
            self.assertTrue(trt.OnnxParser(other.network, other.log).parse_from_file(path))
            missing = trt.OnnxParser(other.network, other.log)
            self.assertFalse(missing.parse_from_file(path + ".no"))
            self.assertEqual(missing.get_error(0).code(), trt.ErrorCode.MODEL_DESERIALIZE_FAILED)
            missing.clear_errors()
            self.assertEqual(missing.num_errors, 0)
        third = Session()
        loader = trt.OnnxParser(third.network, third.log)
        self.assertTrue(loader.load_model_proto(small_model(1)) and loader.parse_model_proto())

    def test_supported_parts(self):
        bad = model(
            [node("Relu", ["x"], ["h"]), node("NoSuchOp", ["h"], ["k"]), node("Neg", ["k"], ["y"])],
            {"x": (F32, [2])},
            {"y": (F32, [2])},
        )
        s = Session()
        p = trt.OnnxParser(s.network, s.log)
        self.assertFalse(p.supports_model_v2(bad))
        parts = [(p.is_subgraph_supported(i), p.get_subgraph_nodes(i)) for i in range(p.num_subgraphs)]
        self.assertEqual(parts, [(True, [0]), (False, [2])])
        error = p.get_error(0)
        self.assertEqual(error.node_name(), "the_NoSuchOp")
        self.assertEqual(error.local_function_stack_size(), 0)
        self.assertEqual((error.file(), error.line()), ("carnot", 0))
        self.assertTrue(p.supports_model_v2(small_model(1)))


class Registry(unittest.TestCase):
    def test_registry(self):
        self.assertTrue(trt.init_libnvinfer_plugins(Log(), ""))
        r = trt.get_plugin_registry()
        self.assertEqual(len(r.all_creators), len(r.all_creators_recursive))
        self.assertLessEqual(len(r.plugin_creator_list), len(r.all_creators))
        self.assertIsNone(r.get_creator("none", "1", ""))
        self.assertIsNone(r.get_plugin_creator("none", "1", ""))
        r.parent_search_enabled = False
        self.assertFalse(r.parent_search_enabled)
        r.parent_search_enabled = True
        self.assertIsNone(r.error_recorder)
        self.assertIsNone(r.load_library("nowhere.so"))
        self.assertEqual(trt.get_nv_onnx_parser_version(), 100)
