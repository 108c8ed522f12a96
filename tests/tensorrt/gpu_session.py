"""What the cases of gpu_test.py share: the bindings under test, a builder at hand, a small network."""

import importlib
import sys
import traceback
from pathlib import Path

import numpy as np
import torch

MODULE = sys.argv[2] if sys.argv[1:2] == ["--module"] else "tensorrt_bindings"
trt = importlib.import_module(MODULE)
HERE = Path(__file__).resolve().parent
DTYPES = {
    trt.DataType.FLOAT: torch.float32,
    trt.DataType.HALF: torch.float16,
    trt.DataType.BF16: torch.bfloat16,
    trt.DataType.INT32: torch.int32,
    trt.DataType.INT64: torch.int64,
    trt.DataType.BOOL: torch.bool,
}


class Log(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.messages = []

    def log(self, severity, msg):
        self.messages.append((severity, msg))

    def errors(self):
        return [m for s, m in self.messages if s in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR)]


class Session:
    def __init__(self, level=1, flags=0):
        self.log = Log()
        self.kept = []
        self.builder = trt.Builder(self.log)
        self.network = self.builder.create_network(flags)
        self.config = self.builder.create_builder_config()
        self.config.builder_optimization_level = level

    def constant(self, tensor):
        array = np.ascontiguousarray(tensor.numpy())
        self.kept.append(array)
        return self.network.add_constant(array.shape, trt.Weights(array)).get_output(0)

    def plan(self):
        out = self.builder.build_serialized_network(self.network, self.config)
        assert out is not None, self.log.errors()
        return out

    def engine(self, allocator=None):
        self.runtime = trt.Runtime(self.log)
        if allocator:
            self.runtime.gpu_allocator = allocator
        out = self.runtime.deserialize_cuda_engine(self.plan())
        assert out is not None, self.log.errors()
        return out


def mlp(widths=(64, 128, 128, 16), dynamic=False, rows=8, **options):
    """A session with relu(x W + b) ... and the same by torch."""
    torch.manual_seed(1)
    s = Session(**options)
    x = s.network.add_input("x", trt.float32, (-1 if dynamic else rows, widths[0]))
    layers = []
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        w, bias = torch.randn(a, b) / a**0.5, torch.randn(1, b)
        layers.append((w.cuda(), bias.cuda()))
        product = s.network.add_matrix_multiply(
            x, trt.MatrixOperation.NONE, s.constant(w), trt.MatrixOperation.NONE
        )
        product.name = f"fc{i}"
        x = s.network.add_elementwise(
            product.get_output(0), s.constant(bias), trt.ElementWiseOperation.SUM
        ).get_output(0)
        if i + 2 < len(widths):
            x = s.network.add_activation(x, trt.ActivationType.RELU).get_output(0)
    x.name = "y"
    s.network.mark_output(x)
    if dynamic:
        profile = s.builder.create_optimization_profile()
        profile.set_shape("x", (1, widths[0]), (rows, widths[0]), (64, widths[0]))
        s.config.add_optimization_profile(profile)

    def reference(v):
        for i, (w, b) in enumerate(layers):
            v = v.double() @ w.double() + b.double()
            v = v if i + 1 == len(layers) else v.relu()
        return v.float()

    return s, reference


def bind(context, **tensors):
    for name, tensor in tensors.items():
        assert context.set_tensor_address(name, tensor.data_ptr()), name


def near(a, b, limit=1e-4):
    error = ((a.float() - b.float()).abs().max() / b.float().abs().max()).item()
    assert error < limit, f"largest difference {error}"


class Output(trt.IOutputAllocator):
    """Memory of the GPU for a result whose size only the run tells."""

    def __init__(self):
        trt.IOutputAllocator.__init__(self)
        self.buffer = self.shape = None

    def reallocate_output_async(self, name, memory, size, alignment, stream):
        self.buffer = torch.empty(max(size, 1), dtype=torch.uint8, device="cuda")
        return self.buffer.data_ptr()

    def reallocate_output(self, name, memory, size, alignment):
        return self.reallocate_output_async(name, memory, size, alignment, 0)

    def notify_shape(self, name, shape):
        self.shape = tuple(shape)

    def tensor(self, dtype):
        count = int(np.prod(self.shape)) * torch.empty(0, dtype=dtype).element_size()
        return self.buffer[:count].view(dtype).reshape(self.shape)


def run_cases(names):
    """Runs the functions case_NAME of a module, or those that the command line names."""
    wanted = sys.argv[3 if sys.argv[1:2] == ["--module"] else 1 :]
    failed = []
    for name, case in list(names.items()):
        if not name.startswith("case_") or (wanted and name[5:] not in wanted):
            continue
        try:
            case()
            print("ok  ", name[5:], flush=True)
        except Exception:
            failed.append(name[5:])
            print("FAIL", name[5:], flush=True)
            traceback.print_exc(file=sys.stdout)
    print(f"{len(failed)} failed", *failed)
    sys.exit(bool(failed))
