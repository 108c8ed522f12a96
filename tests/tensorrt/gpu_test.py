#!/usr/bin/env python3
"""The layer on a GPU: NVIDIA's own Python bindings over our libraries, memory and streams by torch.

usage: gpu_test.py [--module tensorrt] [CASE...]; needs tensorrt_bindings (or the module named), torch
and libnvinfer.so.10 on the loader's path. Prints a line for each case.
"""

import os
import struct
import sys
import threading
import time
from typing import Tuple, Union

import numpy as np
import torch
from gpu_session import DTYPES, HERE, Log, Output, Session, bind, mlp, near, run_cases, trt


def case_device():
    s = Session()
    assert s.builder.platform_has_fast_fp16 and s.builder.platform_has_tf32
    assert s.builder.num_DLA_cores == 0
    free = s.config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE)
    assert free == torch.cuda.get_device_properties(0).total_memory, free


def case_enqueue_and_execute():
    s, reference = mlp()
    context = s.engine().create_execution_context()
    stream = torch.cuda.Stream()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    torch.cuda.synchronize()
    bind(context, x=x, y=y)
    assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
    stream.synchronize()
    near(y, reference(x))
    y.zero_()
    x.normal_()
    assert context.execute_v2([x.data_ptr(), y.data_ptr()]), s.log.errors()
    near(y, reference(x))


def case_null_stream():
    s, reference = mlp()
    context = s.engine().create_execution_context()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    bind(context, x=x, y=y)
    big = torch.randn(4096, 4096, device="cuda")
    for _ in range(20):
        (big @ big).sum()
        x.mul_(0.9)  # queued behind the products, on the null stream
        assert context.execute_async_v3(0), s.log.errors()
        z = y.clone()
    near(z, reference(x))


def case_asynchronous():
    s, reference = mlp()
    context = s.engine().create_execution_context()
    stream = torch.cuda.Stream()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    bind(context, x=x, y=y)
    assert context.execute_async_v3(stream.cuda_stream)
    torch.cuda.synchronize()
    big = torch.randn(8192, 8192, device="cuda")
    with torch.cuda.stream(stream):
        for _ in range(5):
            big = big @ big
        begin = time.perf_counter()
        assert context.execute_async_v3(stream.cuda_stream)
        queued = time.perf_counter() - begin
    stream.synchronize()
    whole = time.perf_counter() - begin
    near(y, reference(x))
    print(f"  queued in {queued * 1e6:.1f} us, done after {whole * 1e6:.0f} us")
    assert queued < whole / 3
    times = []
    for _ in range(2000):
        begin = time.perf_counter()
        context.execute_async_v3(stream.cuda_stream)
        times.append(time.perf_counter() - begin)
    stream.synchronize()
    print(f"  a call takes {sorted(times)[1000] * 1e6:.2f} us")


def case_dynamic_shapes():
    s, reference = mlp(dynamic=True)
    context = s.engine().create_execution_context()
    stream = torch.cuda.Stream()
    for rows in (1, 8, 64, 3, 64):
        x = torch.randn(rows, 64, device="cuda")
        y = torch.zeros(rows, 16, device="cuda")
        torch.cuda.synchronize()
        assert context.set_input_shape("x", (rows, 64)), s.log.errors()
        assert tuple(context.get_tensor_shape("y")) == (rows, 16)
        bind(context, x=x, y=y)
        assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
        stream.synchronize()
        near(y, reference(x))
    assert not context.set_input_shape("x", (65, 64))


def non_zero():
    s = Session()
    x = s.network.add_input("x", trt.float32, (4, 32))
    layer = s.network.add_non_zero(x)
    layer.get_output(0).name = "at"
    s.network.mark_output(layer.get_output(0))
    twice = s.network.add_elementwise(x, x, trt.ElementWiseOperation.SUM).get_output(0)
    twice.name = "twice"
    s.network.mark_output(twice)
    return s


def case_output_allocator():
    s = non_zero()
    engine = s.engine()
    context = engine.create_execution_context()
    stream = torch.cuda.Stream()
    outputs = {"at": Output(), "twice": Output()}
    for name, allocator in outputs.items():
        context.set_output_allocator(name, allocator)
    dtype = DTYPES[engine.get_tensor_dtype("at")]
    for limit in (0.5, 3.0, 100.0):
        x = torch.randn(4, 32, device="cuda")
        x[x.abs() > limit] = 0
        torch.cuda.synchronize()
        bind(context, x=x)
        assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
        stream.synchronize()
        want = x.nonzero().T
        assert outputs["at"].shape == tuple(want.shape), outputs["at"].shape
        assert torch.equal(outputs["at"].tensor(dtype).long(), want)
        assert torch.equal(outputs["twice"].tensor(torch.float32), x + x)


def case_consumed_event():
    s, reference = mlp()
    context = s.engine().create_execution_context()
    stream = torch.cuda.Stream()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    event = torch.cuda.Event()
    event.record(stream)
    bind(context, x=x, y=y)
    assert context.set_input_consumed_event(event.cuda_event)
    assert context.get_input_consumed_event() == event.cuda_event
    big = torch.randn(8192, 8192, device="cuda")
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        for _ in range(5):
            big = big @ big
    assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
    assert not event.query()
    event.synchronize()
    near(y, reference(x))


def case_contexts_and_streams():
    s, reference = mlp(widths=(64, 512, 512, 16), rows=64)
    engine = s.engine()
    failures = []

    def work(seed):
        torch.cuda.set_device(0)
        context = engine.create_execution_context()
        stream = torch.cuda.Stream()
        x = torch.full((64, 64), 0.01 * seed, device="cuda") + torch.eye(64, device="cuda")
        y = torch.zeros(64, 16, device="cuda")
        want = reference(x)
        torch.cuda.synchronize()
        bind(context, x=x, y=y)
        for _ in range(50):
            if not context.execute_async_v3(stream.cuda_stream):
                failures.append("refused")
        stream.synchronize()
        if (y - want).abs().max() > 1e-3 * want.abs().max():
            failures.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, (failures, s.log.errors())


def case_cuda_graph():
    s, reference = mlp()
    engine = s.engine()
    stream = torch.cuda.Stream()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    torch.cuda.synchronize()
    for warm in (True, False):
        context = engine.create_execution_context()
        bind(context, x=x, y=y)
        if warm:
            assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
            stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
        for _ in range(3):
            x.normal_()
            y.zero_()
            graph.replay()
            torch.cuda.synchronize()
            near(y, reference(x))
        assert context.execute_async_v3(stream.cuda_stream)
        stream.synchronize()
        near(y, reference(x))


def case_capture_refused():
    s = non_zero()
    context = s.engine().create_execution_context()
    stream = torch.cuda.Stream()
    x = torch.ones(4, 32, device="cuda")
    output, twice = Output(), Output()
    bind(context, x=x)
    context.set_output_allocator("at", output)
    context.set_output_allocator("twice", twice)
    graph = torch.cuda.CUDAGraph()
    done = None
    try:
        with torch.cuda.graph(graph, stream=stream):
            done = context.execute_async_v3(stream.cuda_stream)
    except Exception as error:
        print("  the capture ended with", type(error).__name__, str(error).split("\n")[0])
    assert done is False
    print("  ", s.log.errors()[-1])
    assert "captured" in s.log.errors()[-1]
    assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
    stream.synchronize()
    assert output.shape == (2, 128)


class Pool(trt.IGpuAllocator):
    def __init__(self):
        trt.IGpuAllocator.__init__(self)
        self.live, self.total = {}, 0

    def allocate(self, size, alignment, flags):
        memory = torch.cuda.caching_allocator_alloc(size)
        self.live[memory] = size
        self.total += size
        return memory

    def deallocate(self, memory):
        self.live.pop(memory)
        torch.cuda.caching_allocator_delete(memory)
        return True


def case_gpu_allocator():
    s, reference = mlp(widths=(64, 512, 512, 16))
    pool = Pool()
    engine = s.engine(pool)
    weights = 4 * (64 * 512 + 512 * 512 + 512 * 16)
    assert pool.total >= weights, pool.total
    context = engine.create_execution_context()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    assert context.execute_v2([x.data_ptr(), y.data_ptr()]), s.log.errors()
    near(y, reference(x))
    del context, engine, s
    assert not pool.live, pool.live


def case_user_managed_memory():
    s, reference = mlp(widths=(64, 512, 512, 16), dynamic=True)
    engine = s.engine()
    size = engine.device_memory_size_v2
    print(f"  {size} bytes")
    context = engine.create_execution_context(trt.ExecutionContextAllocationStrategy.USER_MANAGED)
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    assert context.set_input_shape("x", (8, 64))
    if size > 0:
        assert not context.execute_v2([x.data_ptr(), y.data_ptr()])
        block = torch.empty(size + 1024, dtype=torch.uint8, device="cuda").fill_(0x7F)
        context.set_device_memory(block.data_ptr(), size)
        assert context.execute_v2([x.data_ptr(), y.data_ptr()]), s.log.errors()
        near(y, reference(x))
        assert (block[:size] != 0x7F).any() and (block[size:] == 0x7F).all()


def case_foreign_devices():
    os.environ["CARNOT_DEVICE"] = "cpu"
    cpu, _ = mlp()
    assert not cpu.builder.platform_has_tf32
    cpu_plan = cpu.plan()
    os.environ.pop("CARNOT_DEVICE")
    gpu, _ = mlp()
    gpu_plan = gpu.plan()
    log = Log()
    assert trt.Runtime(log).deserialize_cuda_engine(cpu_plan) is None
    assert "built for the CPU" in log.errors()[-1], log.errors()
    os.environ["CARNOT_DEVICE"] = "cpu"
    assert trt.Runtime(log).deserialize_cuda_engine(gpu_plan) is None
    assert "built for a GPU" in log.errors()[-1], log.errors()
    assert trt.Runtime(log).deserialize_cuda_engine(cpu_plan) is not None
    os.environ["CARNOT_DEVICE"] = "cuda:63"
    log = Log()
    try:
        assert not trt.Runtime(log)
    except (TypeError, AssertionError, RuntimeError):
        pass
    assert "CARNOT_DEVICE is 'cuda:63'" in log.errors()[-1], log.errors()
    os.environ.pop("CARNOT_DEVICE")


def case_half():
    for flag, dtype, limit in ((trt.BuilderFlag.FP16, "Half", 5e-3), (trt.BuilderFlag.BF16, "BFloat16", 3e-2)):
        s, reference = mlp(widths=(256, 512, 512, 64))
        s.config.set_flag(flag)
        s.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        engine = s.engine()
        text = engine.create_engine_inspector().get_engine_information(
            trt.LayerInformationFormat.JSON
        )
        assert f'"{dtype}"' in text, text
        context = engine.create_execution_context()
        x, y = torch.randn(8, 256, device="cuda"), torch.zeros(8, 64, device="cuda")
        assert context.execute_v2([x.data_ptr(), y.data_ptr()]), s.log.errors()
        near(y, reference(x), limit)


def case_layer_precision():
    s, reference = mlp(widths=(256, 512, 512, 64))
    s.config.set_flag(trt.BuilderFlag.FP16)
    s.config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
    s.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    for i in range(s.network.num_layers):
        s.network.get_layer(i).precision = trt.float32
    text = s.engine().create_engine_inspector().get_engine_information(
        trt.LayerInformationFormat.JSON
    )
    assert '"Half"' not in text, text


def case_shape_tensor():
    s = Session()
    x = s.network.add_input("x", trt.float32, (2, 12))
    size = s.network.add_input("size", trt.int64, (2,))
    shuffle = s.network.add_shuffle(x)
    shuffle.set_input(1, size)
    doubled = s.network.add_elementwise(
        shuffle.get_output(0), shuffle.get_output(0), trt.ElementWiseOperation.SUM
    ).get_output(0)
    doubled.name = "y"
    s.network.mark_output(doubled)
    profile = s.builder.create_optimization_profile()
    profile.set_shape_input("size", (1, 1), (4, 6), (24, 24))
    s.config.add_optimization_profile(profile)
    engine = s.engine()
    assert engine.get_tensor_location("size") == trt.TensorLocation.HOST
    context = engine.create_execution_context()
    x = torch.randn(2, 12, device="cuda")
    output = Output()
    context.set_output_allocator("y", output)
    bind(context, x=x)
    for shape in ((4, 6), (8, 3), (24, 1)):
        values = np.array(shape, np.int64)
        context.set_tensor_address("size", values.ctypes.data)
        assert context.execute_async_v3(0), s.log.errors()
        torch.cuda.synchronize()
        assert output.shape == shape
        assert torch.equal(output.tensor(torch.float32), (x + x).reshape(shape))


class Times(trt.IProfiler):
    def __init__(self):
        trt.IProfiler.__init__(self)
        self.times = {}

    def report_layer_time(self, name, ms):
        self.times[name] = ms


def case_profiler():
    s, reference = mlp()
    context = s.engine().create_execution_context()
    context.profiler = times = Times()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    bind(context, x=x, y=y)
    stream = torch.cuda.Stream()
    assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
    near(y, reference(x))
    assert times.times and all(0 <= t < 100 for t in times.times.values()), times.times


def case_onnx_as_on_the_cpu():
    model = (HERE / "tiny_cnn.onnx").read_bytes()
    results = []
    for device in ("cpu", "cuda"):
        os.environ["CARNOT_DEVICE"] = device
        s = Session()
        parser = trt.OnnxParser(s.network, s.log)
        assert parser.parse(model), s.log.errors()
        shape = [d if d > 0 else 1 for d in s.network.get_input(0).shape]
        if list(s.network.get_input(0).shape) != shape:
            profile = s.builder.create_optimization_profile()
            profile.set_shape(s.network.get_input(0).name, shape, shape, shape)
            s.config.add_optimization_profile(profile)
        engine = s.engine()
        context = engine.create_execution_context()
        context.set_input_shape(engine.get_tensor_name(0), shape)
        x = torch.linspace(-1, 1, int(np.prod(shape))).reshape(shape).to(device)
        out = torch.zeros(tuple(context.get_tensor_shape(engine.get_tensor_name(1))), device=device)
        assert context.execute_v2([x.data_ptr(), out.data_ptr()]), s.log.errors()
        results.append(out.cpu())
    os.environ.pop("CARNOT_DEVICE")
    near(results[1], results[0])


def case_profiles():
    s, reference = mlp(dynamic=True)
    for sizes in ((100, 128, 200), (33, 33, 33)):
        profile = s.builder.create_optimization_profile()
        profile.set_shape("x", *((rows, 64) for rows in sizes))
        s.config.add_optimization_profile(profile)
    engine = s.engine()
    context = engine.create_execution_context()
    stream = torch.cuda.Stream()
    for profile, rows in ((0, 8), (1, 128), (2, 33), (1, 200), (0, 64)):
        x, y = torch.randn(rows, 64, device="cuda"), torch.zeros(rows, 16, device="cuda")
        torch.cuda.synchronize()
        assert context.set_optimization_profile_async(profile, stream.cuda_stream)
        assert context.set_input_shape("x", (rows, 64)), s.log.errors()
        bind(context, x=x, y=y)
        assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
        stream.synchronize()
        near(y, reference(x))


def case_little_shared_memory():
    s, reference = mlp(widths=(256, 512, 512, 64))
    s.config.set_memory_pool_limit(trt.MemoryPoolType.TACTIC_SHARED_MEMORY, 48 << 10)
    context = s.engine().create_execution_context()
    x, y = torch.randn(8, 256, device="cuda"), torch.zeros(8, 64, device="cuda")
    assert context.execute_v2([x.data_ptr(), y.data_ptr()]), s.log.errors()
    near(y, reference(x))


def case_any_order_of_deletion():
    s, _ = mlp()
    engine = s.engine()
    context = engine.create_execution_context()
    stream = torch.cuda.Stream()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    bind(context, x=x, y=y)
    assert context.execute_async_v3(stream.cuda_stream)
    stream.synchronize()
    del stream, engine, s
    del context
    torch.cuda.synchronize()


def tensor_at(address, desc):
    """The memory of a plugin's tensor, for torch."""

    class Memory:
        half = desc.type == trt.DataType.HALF
        __cuda_array_interface__ = {
            "shape": tuple(desc.dims),
            "typestr": "<f2" if half else "<f4",
            "data": (address, False),
            "version": 3,
        }

    return torch.as_tensor(Memory(), device="cuda")


class TorchPlugin(
    trt.IPluginV3, trt.IPluginV3OneCore, trt.IPluginV3OneBuild, trt.IPluginV3OneRuntime
):
    """softmax(x * factor) of rows, by torch."""

    def __init__(self, factor, dtype):
        for base in TorchPlugin.__bases__:
            base.__init__(self)
        self.plugin_name, self.plugin_version, self.plugin_namespace = "TorchPlugin", "1", ""
        self.num_outputs, self.factor, self.dtype = 1, factor, dtype

    def get_capability_interface(self, type):
        return self

    def get_output_data_types(self, input_types):
        return [input_types[0]]

    def get_output_shapes(self, inputs, shape_inputs, expr_builder):
        return [trt.DimsExprs(inputs[0])]

    def get_fields_to_serialize(self):
        factor = np.array([self.factor], np.float32)
        kind = np.array([int(self.dtype)], np.int32)
        return trt.PluginFieldCollection(
            [
                trt.PluginField("factor", factor, trt.PluginFieldType.FLOAT32),
                trt.PluginField("dtype", kind, trt.PluginFieldType.INT32),
            ]
        )

    def configure_plugin(self, inp, out):
        pass

    def on_shape_change(self, inp, out):
        pass

    def supports_format_combination(self, pos, in_out, num_inputs):
        desc = in_out[pos].desc
        return desc.format == trt.TensorFormat.LINEAR and desc.type == self.dtype

    def attach_to_context(self, context):
        return self.clone()

    def set_tactic(self, tactic):
        assert tactic == 0

    def enqueue(self, input_desc, output_desc, inputs, outputs, workspace, stream):
        x = tensor_at(inputs[0], input_desc[0])
        y = tensor_at(outputs[0], output_desc[0])
        with torch.cuda.stream(torch.cuda.ExternalStream(stream)):
            y.copy_(torch.softmax(x.float() * self.factor, -1))

    def clone(self):
        return TorchPlugin(self.factor, self.dtype)


class TorchCreator(trt.IPluginCreatorV3One):
    def __init__(self):
        trt.IPluginCreatorV3One.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "TorchPlugin", "1", ""
        self.field_names = trt.PluginFieldCollection([])

    def create_plugin(self, name, fc, phase):
        values = {field.name: field.data[0] for field in fc}
        return TorchPlugin(float(values["factor"]), trt.DataType(int(values["dtype"])))


CREATOR = TorchCreator()


def case_plugin_in_python():
    registry = trt.get_plugin_registry()
    assert registry.register_creator(CREATOR, "")
    try:
        for dtype in (trt.float32, trt.float16):
            s = Session()
            x = s.network.add_input("x", trt.float32, (-1, 64))
            a = s.network.add_unary(x, trt.UnaryOperation.ABS).get_output(0)
            plugin = TorchPlugin(0.5, dtype)
            b = s.network.add_plugin_v3([a], [], plugin).get_output(0)
            y = s.network.add_elementwise(b, b, trt.ElementWiseOperation.SUM).get_output(0)
            y.name = "y"
            s.network.mark_output(y)
            profile = s.builder.create_optimization_profile()
            profile.set_shape("x", (1, 64), (8, 64), (64, 64))
            s.config.add_optimization_profile(profile)
            context = s.engine().create_execution_context()
            stream = torch.cuda.Stream()
            for rows in (8, 64, 1):
                x, y = torch.randn(rows, 64, device="cuda"), torch.zeros(rows, 64, device="cuda")
                torch.cuda.synchronize()
                assert context.set_input_shape("x", (rows, 64))
                bind(context, x=x, y=y)
                assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
                stream.synchronize()
                near(y, 2 * torch.softmax(x.abs() * 0.5, -1), 1e-5 if dtype == trt.float32 else 2e-3)
    finally:
        registry.deregister_creator(CREATOR)


def case_formats():
    """Channels last, filled up to a multiple of eight; and in pairs."""
    s = Session()
    x = s.network.add_input("x", trt.float16, (2, 11, 4, 5))
    x.allowed_formats = 1 << int(trt.TensorFormat.HWC8)
    y = s.network.add_unary(x, trt.UnaryOperation.NEG).get_output(0)
    y.name = "y"
    y.allowed_formats = 1 << int(trt.TensorFormat.CHW2)
    s.network.mark_output(y)
    context = s.engine().create_execution_context()
    x = torch.randn(2, 11, 4, 5, device="cuda").half()
    filled = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, 5)).permute(0, 2, 3, 1).contiguous()
    y = torch.zeros(2, 6, 4, 5, 2, device="cuda").half()
    bind(context, x=filled, y=y)
    assert tuple(context.get_tensor_strides("y")) == (120, 20, 5, 1)
    assert context.execute_async_v3(0), s.log.errors()
    torch.cuda.synchronize()
    assert torch.equal(y.permute(0, 1, 4, 2, 3).reshape(2, 12, 4, 5)[:, :11], -x)


def case_calibration():
    """Batches lie in the GPU's memory, and may still be on their way there."""
    s, _ = mlp()
    s.config.set_flag(trt.BuilderFlag.INT8)

    class Calibrator(trt.IInt8MinMaxCalibrator):
        def __init__(self):
            trt.IInt8MinMaxCalibrator.__init__(self)
            self.given, self.cache = 0, b""

        def get_batch_size(self):
            return 8

        def get_batch(self, names):
            assert names == ["x"], names
            self.given += 1
            if self.given > 3:
                return None
            self.batch = torch.full((8, 64), float(self.given), device="cuda")
            return [self.batch.data_ptr()]

        def read_calibration_cache(self):
            return None

        def write_calibration_cache(self, cache):
            self.cache = memoryview(cache).tobytes()

    calibrator = Calibrator()
    s.config.int8_calibrator = calibrator
    s.plan()
    header, *lines = calibrator.cache.decode().splitlines()
    assert header.endswith("-MinMaxCalibration"), header
    scales = dict(line.rsplit(": ", 1) for line in lines)
    scale = struct.unpack(">f", bytes.fromhex(scales["x"]))[0]
    assert abs(scale * 127 - 3) < 1e-5, scale


# y = x + k, of n elements.
ADD = """
.version 8.0
.target sm_80
.address_size 64
.visible .entry add(.param .u64 px, .param .u32 pn, .param .u32 pk, .param .u64 py) {
  .reg .u32 %i, %n, %k, %block, %size, %thread;
  .reg .u64 %x, %y, %at;
  .reg .f32 %a, %b;
  .reg .pred %out;
  ld.param.u64 %x, [px];
  ld.param.u32 %n, [pn];
  ld.param.u32 %k, [pk];
  ld.param.u64 %y, [py];
  mov.u32 %block, %ctaid.x;
  mov.u32 %size, %ntid.x;
  mov.u32 %thread, %tid.x;
  mad.lo.u32 %i, %block, %size, %thread;
  setp.ge.u32 %out, %i, %n;
  @%out ret;
  mul.wide.u32 %at, %i, 4;
  add.u64 %x, %x, %at;
  add.u64 %y, %y, %at;
  ld.global.f32 %a, [%x];
  cvt.rn.f32.s32 %b, %k;
  add.f32 %a, %a, %b;
  st.global.f32 [%y], %a;
  ret;
}
"""


def case_quick_plugins():
    sys.modules.setdefault("tensorrt", trt)
    import tensorrt.plugin as trtp

    def turn(inp0, k):
        return inp0.like()

    def called(inp0, k, outputs, stream):
        with torch.cuda.stream(torch.cuda.ExternalStream(stream)):
            x = torch.as_tensor(inp0, device="cuda")
            torch.as_tensor(outputs[0], device="cuda").copy_(x + int(k))

    def compiled(inp0, k, outputs, tactic):
        launch = trtp.KernelLaunchParams()
        count = inp0.shape_expr.numel()
        launch.grid_x, launch.block_x = trtp.cdiv(count, 64), 64
        arguments = trtp.SymIntExprs(2)
        arguments[0] = trtp.SymInt32(count)
        arguments[1] = trtp.SymInt32(int(k))
        return "add", ADD, launch, arguments

    text = Union[str, bytes]
    called.__annotations__ = {
        "inp0": trtp.Tensor,
        "k": str,
        "outputs": Tuple[trtp.Tensor],
        "stream": int,
        "return": None,
    }
    compiled.__annotations__ = {
        "inp0": trtp.TensorDesc,
        "k": str,
        "outputs": Tuple[trtp.TensorDesc],
        "tactic": int,
        "return": Tuple[text, text, trtp.KernelLaunchParams, trtp.SymExprs],
    }
    turn.__annotations__ = {"inp0": trtp.TensorDesc, "k": str, "return": trtp.TensorDesc}
    trtp.register("gpu::turn")(turn)
    trtp.impl("gpu::turn")(called)
    trtp.aot_impl("gpu::turn")(compiled)
    for aot in (False, True):
        s = Session()
        x = s.network.add_input("x", trt.float32, (-1, 100))
        layer = s.network.add_plugin(trtp.op.gpu.turn(x, k="7"), aot=aot)
        y = s.network.add_unary(layer.get_output(0), trt.UnaryOperation.NEG).get_output(0)
        y.name = "y"
        s.network.mark_output(y)
        profile = s.builder.create_optimization_profile()
        profile.set_shape("x", (1, 100), (8, 100), (64, 100))
        s.config.add_optimization_profile(profile)
        context = s.engine().create_execution_context()
        assert context, s.log.errors()
        stream = torch.cuda.Stream()
        for rows in (8, 64, 3):
            x, y = torch.randn(rows, 100, device="cuda"), torch.zeros(rows, 100, device="cuda")
            torch.cuda.synchronize()
            assert context.set_input_shape("x", (rows, 100))
            bind(context, x=x, y=y)
            assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
            stream.synchronize()
            assert torch.equal(y, -(x + 7)), aot
        if not aot:
            continue
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
        x.normal_()
        graph.replay()
        torch.cuda.synchronize()
        assert torch.equal(y, -(x + 7))


if __name__ == "__main__":
    run_cases(globals())
