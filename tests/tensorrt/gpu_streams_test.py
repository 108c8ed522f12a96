#!/usr/bin/env python3
"""The layer on a GPU between other work: order in streams, memory of every kind, what stays behind.

usage: gpu_streams_test.py [--module tensorrt] [CASE...]; as gpu_test.py.
"""

import ctypes
import gc
import json
import os
import resource
import threading
import time
from pathlib import Path

import numpy as np
import torch
from gpu_session import Output, Session, bind, mlp, near, run_cases, trt

LEGACY, PER_THREAD = 1, 2  # CUDA's names for its two default streams


def order_in(stream, handle=None):
    """Copies, kernels of torch and runs, one behind another in a stream and never waited for."""
    s, reference = mlp(widths=(64, 256, 256, 16), rows=32)
    context = s.engine().create_execution_context()
    handle = stream.cuda_stream if handle is None else handle
    rounds = 200
    given = torch.randn(rounds, 32, 64).pin_memory()
    found = torch.zeros(rounds, 32, 16).pin_memory()
    x, y = torch.zeros(32, 64, device="cuda"), torch.zeros(32, 16, device="cuda")
    bind(context, x=x, y=y)
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        for i in range(rounds):
            x.copy_(given[i], non_blocking=True)
            x.mul_(2)
            assert context.execute_async_v3(handle), s.log.errors()
            y.add_(1)
            found[i].copy_(y, non_blocking=True)
            y.fill_(float("nan"))
    stream.synchronize()
    near(found.cuda(), reference((given * 2).cuda().reshape(-1, 64)).reshape(rounds, 32, 16) + 1)


def case_order_in_a_stream():
    order_in(torch.cuda.Stream())
    order_in(torch.cuda.Stream(priority=-1))


def case_order_in_default_streams():
    order_in(torch.cuda.default_stream())
    order_in(torch.cuda.default_stream(), LEGACY)
    order_in(torch.cuda.ExternalStream(PER_THREAD), PER_THREAD)


def case_events_between_streams():
    """Two engines one behind the other, each in a stream that does not wait by itself."""
    s, reference = mlp(widths=(64, 128, 64), rows=16)
    engine = s.engine()
    streams = [torch.cuda.Stream(), torch.cuda.Stream()]
    contexts = [engine.create_execution_context() for _ in streams]
    done = [torch.cuda.Event(), torch.cuda.Event()]
    x, y, z = (torch.zeros(16, 64, device="cuda") for _ in range(3))
    bind(contexts[0], x=x, y=y)
    bind(contexts[1], x=y, y=z)
    given = torch.randn(50, 16, 64, device="cuda")
    found = torch.zeros_like(given)
    torch.cuda.synchronize()
    for i in range(len(given)):
        with torch.cuda.stream(streams[0]):
            streams[0].wait_event(done[1])
            x.copy_(given[i])
            assert contexts[0].execute_async_v3(streams[0].cuda_stream)
            done[0].record(streams[0])
        with torch.cuda.stream(streams[1]):
            streams[1].wait_event(done[0])
            assert contexts[1].execute_async_v3(streams[1].cuda_stream)
            found[i].copy_(z)
            done[1].record(streams[1])
    torch.cuda.synchronize()
    near(found, torch.stack([reference(reference(g)) for g in given]))


def case_one_context_in_many_streams():
    """A context that goes from stream to stream keeps its runs' memory apart by waiting."""
    s, reference = mlp(widths=(64, 512, 512, 16), rows=64)
    context = s.engine().create_execution_context()
    streams = [torch.cuda.Stream() for _ in range(4)] + [torch.cuda.default_stream()]
    given = [torch.randn(64, 64, device="cuda") for _ in range(40)]
    found = [torch.zeros(64, 16, device="cuda") for _ in given]
    torch.cuda.synchronize()
    for i, (x, y) in enumerate(zip(given, found)):
        bind(context, x=x, y=y)
        assert context.execute_async_v3(streams[i % 5].cuda_stream), s.log.errors()
    torch.cuda.synchronize()
    for x, y in zip(given, found):
        near(y, reference(x))


def case_graph_of_two_contexts():
    """Both contexts in one graph, side by side, in streams that fork and join."""
    s, reference = mlp()
    engine = s.engine()
    contexts = [engine.create_execution_context() for _ in range(2)]
    inputs = [torch.randn(8, 64, device="cuda") for _ in contexts]
    outputs = [torch.zeros(8, 16, device="cuda") for _ in contexts]
    for context, x, y in zip(contexts, inputs, outputs):
        bind(context, x=x, y=y)
    main, side = torch.cuda.Stream(), torch.cuda.Stream()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=main):
        side.wait_stream(main)
        assert contexts[0].execute_async_v3(main.cuda_stream), s.log.errors()
        assert contexts[1].execute_async_v3(side.cuda_stream), s.log.errors()
        main.wait_stream(side)
    for _ in range(3):
        for x in inputs:
            x.normal_()
        graph.replay()
        torch.cuda.synchronize()
        for x, y in zip(inputs, outputs):
            near(y, reference(x))


def case_auxiliary_streams():
    s, reference = mlp()
    s.config.max_aux_streams = 2
    engine = s.engine()
    context = engine.create_execution_context()
    streams = [torch.cuda.Stream() for _ in range(max(engine.num_aux_streams, 1))]
    context.set_aux_streams([stream.cuda_stream for stream in streams])
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    bind(context, x=x, y=y)
    main = torch.cuda.Stream()
    torch.cuda.synchronize()
    for _ in range(10):
        assert context.execute_async_v3(main.cuda_stream), s.log.errors()
    main.synchronize()
    near(y, reference(x))


class AsyncPool(trt.IGpuAsyncAllocator):
    """Memory in the order of the stream that asks."""

    def __init__(self):
        trt.IGpuAsyncAllocator.__init__(self)
        self.live, self.streams = {}, set()

    def allocate_async(self, size, alignment, flags, stream):
        memory = torch.cuda.caching_allocator_alloc(size, stream=stream)
        assert memory % max(alignment, 1) == 0
        self.live[memory] = size
        self.streams.add(stream)
        return memory

    def deallocate_async(self, memory, stream):
        self.live.pop(memory)
        torch.cuda.caching_allocator_delete(memory)
        return True

    def reallocate(self, memory, alignment, size):
        return 0


def case_asynchronous_allocator():
    s, reference = mlp(widths=(64, 512, 512, 16))
    pool = AsyncPool()
    s.builder.gpu_allocator = pool
    engine = s.engine(pool)
    assert pool.live
    context = engine.create_execution_context()
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    bind(context, x=x, y=y)
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()
    assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
    stream.synchronize()
    near(y, reference(x))
    del context, engine, s
    gc.collect()
    assert not pool.live, pool.live


def case_addresses_of_every_kind():
    """Pageable, pinned and mapped memory of the host, a GPU's that is not aligned to 16 bytes."""
    s, reference = mlp()
    context = s.engine().create_execution_context()
    stream = torch.cuda.Stream()
    data = torch.randn(8 * 64 + 16)
    kinds = {
        "pageable": data.clone(),
        "pinned": data.clone().pin_memory(),
        "device": data.cuda(),
    }
    for kind, memory in kinds.items():
        for shift in (0, 1, 4):
            x = memory[shift : shift + 8 * 64].view(8, 64)
            y = torch.zeros_like(memory)[shift : shift + 8 * 16].view(8, 16)
            if kind == "pinned":
                y = torch.zeros(8 * 16 + shift).pin_memory()[shift:].view(8, 16)
            torch.cuda.synchronize()
            bind(context, x=x, y=y)
            done = context.execute_async_v3(stream.cuda_stream)
            assert done, (kind, shift, s.log.errors())
            stream.synchronize()
            near(y.cuda(), reference(x.cuda()))


def case_results_that_only_the_run_tells():
    """Sizes from the data, of one engine in several threads, each in a stream of its own."""
    s = Session()
    x = s.network.add_input("x", trt.float32, (64, 64))
    at = s.network.add_non_zero(x).get_output(0)
    at.name = "at"
    s.network.mark_output(at)
    engine = s.engine()
    failures = []

    wide = engine.get_tensor_dtype("at") == trt.int64

    def work(seed):
        context = engine.create_execution_context()
        output = Output()
        context.set_output_allocator("at", output)
        stream = torch.cuda.Stream()
        generator = torch.Generator("cuda").manual_seed(seed)
        for _ in range(20):
            x = torch.rand(64, 64, device="cuda", generator=generator)
            x = (x > 0.7).float()
            torch.cuda.synchronize()
            bind(context, x=x)
            if not context.execute_async_v3(stream.cuda_stream):
                failures.append("refused")
                return
            stream.synchronize()
            want = x.nonzero().T
            got = output.tensor(torch.int64 if wide else torch.int32)
            if output.shape != tuple(want.shape) or not torch.equal(got.long(), want):
                failures.append((seed, output.shape, tuple(want.shape)))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, (failures, s.log.errors())


def case_profiler_beside_events():
    """What the profiler tells of layers is about what a run takes."""
    s, _ = mlp(widths=(1024, 4096, 4096, 4096, 1024), rows=64)
    engine = s.engine()
    context = engine.create_execution_context()
    x, y = torch.randn(64, 1024, device="cuda"), torch.zeros(64, 1024, device="cuda")
    bind(context, x=x, y=y)
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    with torch.cuda.stream(stream):
        for i in range(40):
            if i == 20:
                begin.record(stream)
            assert context.execute_async_v3(stream.cuda_stream)
        end.record(stream)
    stream.synchronize()
    whole = begin.elapsed_time(end) / 20

    class Times(trt.IProfiler):
        def __init__(self):
            trt.IProfiler.__init__(self)
            self.runs = []

        def report_layer_time(self, name, ms):
            self.runs.append((name, ms))

    times = Times()
    context.profiler = times
    sums = []
    for _ in range(10):
        times.runs.clear()
        assert context.execute_async_v3(stream.cuda_stream)
        stream.synchronize()
        sums.append(sum(ms for _, ms in times.runs))
        assert len(times.runs) == engine.num_layers
    print(f"  a run {whole * 1e3:.1f} us, its layers {np.median(sums) * 1e3:.1f} us")
    assert 0.5 * whole < np.median(sums) < 3 * whole + 0.05
    times.runs.clear()
    context.enqueue_emits_profile = False
    assert context.execute_async_v3(stream.cuda_stream) and not times.runs
    assert context.report_to_profiler() and times.runs


def used_bytes():
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    return total - free


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def case_nothing_stays_behind():
    """Builds, engines, contexts and runs until the time is over; memory as it was after a fifth, on a
    GPU that nothing else uses."""
    seconds = float(os.environ.get("SECONDS_OF_LEAKS", 15))

    def once():
        s, _ = mlp(widths=(64, 256, 16))
        engine = s.engine()
        for _ in range(3):
            context = engine.create_execution_context()
            x, y = torch.ones(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
            bind(context, x=x, y=y)
            for _ in range(10):
                assert context.execute_async_v3(0)
            torch.cuda.synchronize()

    begin = time.monotonic()
    builds = 0
    while time.monotonic() < begin + seconds / 5 or builds < 5:
        once()
        builds += 1
    gc.collect()
    before, first = (used_bytes(), resident_bytes()), builds
    while time.monotonic() < begin + seconds:
        once()
        builds += 1
    gc.collect()
    gpu, host = used_bytes() - before[0], resident_bytes() - before[1]
    print(f"  {builds} builds; from {first} on {gpu >> 10} KiB of the GPU, {host >> 10} of the host")
    assert gpu <= 8 << 20, gpu
    assert host <= (16 << 20) + (builds - first) * 20000, host


def case_many_runs_stay_small():
    s, reference = mlp(dynamic=True)
    context = s.engine().create_execution_context()
    stream = torch.cuda.Stream()
    x, y = torch.randn(64, 64, device="cuda"), torch.zeros(64, 16, device="cuda")
    bind(context, x=x, y=y)

    def runs(count):
        for i in range(count):
            assert context.set_input_shape("x", (1 + i % 64, 64))
            assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
        stream.synchronize()

    runs(1000)
    before = used_bytes(), resident_bytes()
    runs(10000)
    gpu, host = used_bytes() - before[0], resident_bytes() - before[1]
    print(f"  10000 runs of 64 shapes: {gpu >> 10} KiB of the GPU, {host >> 10} KiB of the host")
    assert gpu <= 4 << 20 and host <= 16 << 20, (gpu, host)
    context.set_input_shape("x", (64, 64))
    assert context.execute_async_v3(stream.cuda_stream)
    stream.synchronize()
    near(y, reference(x))


def case_memory_given_from_run_to_run():
    """The program's memory, exchanged between runs; sizes of it for smaller shapes."""
    s, reference = mlp(widths=(64, 512, 512, 16), dynamic=True)
    engine = s.engine()
    kind = trt.ExecutionContextAllocationStrategy
    context = engine.create_execution_context(kind.USER_MANAGED)
    stream = torch.cuda.Stream()
    blocks = [torch.empty(engine.device_memory_size_v2 + 256, dtype=torch.uint8, device="cuda")
              for _ in range(2)]
    for i, rows in enumerate((8, 64, 1, 33)):
        x, y = torch.randn(rows, 64, device="cuda"), torch.zeros(rows, 16, device="cuda")
        torch.cuda.synchronize()
        assert context.set_input_shape("x", (rows, 64))
        size = context.update_device_memory_size_for_shapes()
        assert 0 <= size <= engine.device_memory_size_v2
        block = blocks[i % 2].fill_(0x7F)
        context.set_device_memory(block.data_ptr(), size)
        torch.cuda.synchronize()
        bind(context, x=x, y=y)
        assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
        stream.synchronize()
        near(y, reference(x))
        assert (block[size:] == 0x7F).all()


def case_two_gpus_named():
    """CARNOT_DEVICE names a GPU; a plan says which kind it was built for."""
    os.environ["CARNOT_DEVICE"] = "cuda:0"
    try:
        s, reference = mlp()
        s.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        engine = s.engine()
        text = engine.create_engine_inspector().get_engine_information(
            trt.LayerInformationFormat.JSON
        )
        assert json.loads(text)
        context = engine.create_execution_context()
        x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
        assert context.execute_v2([x.data_ptr(), y.data_ptr()])
        near(y, reference(x))
    finally:
        os.environ.pop("CARNOT_DEVICE")


def case_debug_tensors_on_the_way():
    """A listener reads what a kernel made, between runs that nobody waits for."""
    s, reference = mlp()
    inner = s.network.get_layer(s.network.num_layers - 1).get_input(0)
    assert s.network.mark_debug(inner)
    name = inner.name
    context = s.engine().create_execution_context()

    class Listener(trt.IDebugListener):
        def __init__(self):
            trt.IDebugListener.__init__(self)
            self.seen = []

        def process_debug_tensor(self, addr, location, type, shape, name, stream):
            assert location == trt.TensorLocation.HOST
            count = int(np.prod(tuple(shape)))
            values = np.ctypeslib.as_array((ctypes.c_float * count).from_address(addr))
            self.seen.append(values.reshape(tuple(shape)).copy())
            return True

    listener = Listener()
    context.set_debug_listener(listener)
    assert context.set_tensor_debug_state(name, True)
    x, y = torch.randn(8, 64, device="cuda"), torch.zeros(8, 16, device="cuda")
    bind(context, x=x, y=y)
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()
    for _ in range(3):
        assert context.execute_async_v3(stream.cuda_stream), s.log.errors()
    stream.synchronize()
    near(y, reference(x))
    assert len(listener.seen) == 3
    assert all(np.array_equal(a, listener.seen[0]) and a.any() for a in listener.seen)


def capsule(address):
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(address, None, None)


def case_stock_plugins_that_are_called():
    """By the program itself, between its own kernels; in a graph too, once an engine is there."""
    assert trt.init_libnvinfer_plugins(None, "")
    creator = trt.get_plugin_registry().get_creator("LReLU_TRT", "1", "")
    slope = trt.PluginField("negSlope", np.array([0.25], np.float32), trt.PluginFieldType.FLOAT32)
    plugin = creator.create_plugin("leaky", trt.PluginFieldCollection([slope]))
    plugin.configure_with_format([(64,)], [(64,)], trt.float32, trt.TensorFormat.LINEAR, 4)
    x, y = torch.randn(4, 64, device="cuda"), torch.zeros(4, 64, device="cuda")
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()
    arguments = 4, [capsule(x.data_ptr())], [capsule(y.data_ptr())], capsule(x.data_ptr())
    with torch.cuda.stream(stream):
        for _ in range(20):
            x.normal_()
            assert plugin.execute_async(*arguments, stream.cuda_stream) == 0
            z = y.clone()
    stream.synchronize()
    near(z, torch.nn.functional.leaky_relu(x, 0.25))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        assert plugin.execute_async(*arguments, stream.cuda_stream) == 0
    x.normal_()
    graph.replay()
    torch.cuda.synchronize()
    near(y, torch.nn.functional.leaky_relu(x, 0.25))


if __name__ == "__main__":
    run_cases(globals())
