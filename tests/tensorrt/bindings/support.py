"""What the tests share: a logger that keeps messages, building, running, ONNX models by hand."""

import numpy as np
import onnx
import onnxruntime
import tensorrt_bindings as trt

from .memory import Memory


class Log(trt.ILogger):
    """Keeps every message."""

    def __init__(self):
        trt.ILogger.__init__(self)
        self.messages = []

    def log(self, severity, msg):
        self.messages.append((severity, msg))

    def errors(self):
        return [m for s, m in self.messages if s in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR)]


class Recorder(trt.IErrorRecorder):
    """An error recorder in Python."""

    def __init__(self):
        trt.IErrorRecorder.__init__(self)
        self.errors = []

    def num_errors(self):
        return len(self.errors)

    def get_error_code(self, index):
        return self.errors[index][0]

    def get_error_desc(self, index):
        return self.errors[index][1]

    def has_overflowed(self):
        return False

    def clear(self):
        self.errors.clear()

    def report_error(self, code, text):
        self.errors.append((code, text))
        return True


def model(nodes, inputs, outputs, initializers=(), opset=18):
    """A serialized model. inputs, outputs: name -> (elem_type, shape)."""

    def infos(tensors):
        return [onnx.helper.make_tensor_value_info(n, t, s) for n, (t, s) in tensors.items()]

    graph = onnx.helper.make_graph(
        nodes,
        "test",
        infos(inputs),
        infos(outputs),
        [onnx.numpy_helper.from_array(a, n) for n, a in dict(initializers).items()],
    )
    opsets = [onnx.helper.make_opsetid("", opset)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def reference(serialized, feeds):
    """ONNX Runtime's results by name."""
    session = onnxruntime.InferenceSession(serialized, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))


class Session:
    """A builder with a network and a configuration of the quickest kind."""

    def __init__(self, flags=0):
        self.log = Log()
        self.builder = trt.Builder(self.log)
        self.network = self.builder.create_network(flags)
        self.config = self.builder.create_builder_config()
        self.config.builder_optimization_level = 0

    def parse(self, serialized):
        self.parser = trt.OnnxParser(self.network, self.log)
        return self.parser.parse(serialized)

    def plan(self):
        plan = self.builder.build_serialized_network(self.network, self.config)
        if plan is None:
            raise AssertionError(self.log.errors())
        return plan

    def engine(self):
        self.runtime = trt.Runtime(self.log)
        engine = self.runtime.deserialize_cuda_engine(self.plan())
        if engine is None:
            raise AssertionError(self.log.errors())
        return engine

    def run(self, feeds=None):
        """Builds, and runs once; results by name."""
        return infer(self.engine(), feeds or {}, self.log)

    def constant(self, array):
        array = np.array(array, order="C")
        self.kept = getattr(self, "kept", []) + [array]
        layer = self.network.add_constant(array.shape, trt.Weights(array))
        return layer.get_output(0)


class Allocator(trt.IOutputAllocator):
    """Memory for results whose sizes the run tells."""

    def __init__(self):
        trt.IOutputAllocator.__init__(self)
        self.buffer, self.shape = None, None

    def reallocate_output(self, name, memory, size, alignment):
        self.buffer = Memory(np.zeros(max(size, 1), np.uint8))
        return self.buffer.address

    def reallocate_output_async(self, name, memory, size, alignment, stream):
        return self.reallocate_output(name, memory, size, alignment)

    def notify_shape(self, name, shape):
        self.shape = tuple(shape)

    def array(self, dtype):
        count = int(np.prod(self.shape))
        size = count * np.dtype(dtype).itemsize
        return self.buffer.array()[:size].view(dtype).reshape(self.shape)


def infer(engine, feeds, log=None):
    """Runs an engine once through allocators; results by name."""
    context = engine.create_execution_context()
    kept, allocators = [], {}
    for i in range(engine.num_io_tensors):
        name = engine.get_tensor_name(i)
        dtype = trt.nptype(engine.get_tensor_dtype(name))
        if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            array = np.array(feeds[name], dtype, order="C")
            if not context.set_input_shape(name, array.shape):
                raise AssertionError(log.errors() if log else name)
            kept.append(array)
            if engine.get_tensor_location(name) == trt.TensorLocation.HOST:
                context.set_tensor_address(name, array.ctypes.data)
                continue
            kept.append(Memory(array))
            context.set_tensor_address(name, kept[-1].address)
        else:
            allocators[name] = (Allocator(), dtype)
            context.set_output_allocator(name, allocators[name][0])
    if not context.execute_async_v3(0):
        raise AssertionError(log.errors() if log else "execute_async_v3")
    return {name: a.array(dtype) for name, (a, dtype) in allocators.items()}
