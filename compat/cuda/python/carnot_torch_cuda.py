"""Under `carnot exec`: what PyTorch computes on "cuda" is computed by PyTorch's kernels of the CPU.

Its memory of the device is the host's, so a tensor there is looked at as one of the CPU, without a
copy; an operator's result is put into a tensor of the device. Each operator that has a kernel of CUDA
gets one that does so, but those that only make tensors or look at them in another way.
"""

import ctypes
import warnings

import torch

# These launch no kernel.
_NATIVE = {
    "aten::_pin_memory", "aten::_reshape_alias", "aten::as_strided", "aten::empty.memory_format",
    "aten::empty_strided", "aten::is_pinned", "aten::is_set_to", "aten::record_stream",
    "aten::resize_", "aten::set_", "aten::set_.source_Storage",
    "aten::set_.source_Storage_storage_offset", "aten::set_.source_Tensor", "aten::unfold",
    "aten::view", "aten::view.dtype", "aten::view_as_complex", "aten::view_as_real",
}
# These choose a library of the device's further down.
_CHOOSING = ("aten::_convolution", "aten::copy_")
# The rest is about kernels that programs bring, or about several devices.
_SPACES = ("aten", "prims", "torchaudio", "torchvision")

_libraries = {}
_covered = set()
_generators = {}


def _host(tensor):
    """A tensor of the CPU in the very memory of one of the device."""
    storage = tensor.untyped_storage()
    if storage.nbytes() == 0:
        return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype)
    memory = (ctypes.c_char * storage.nbytes()).from_address(storage.data_ptr())
    there = torch.frombuffer(memory, dtype=torch.uint8).untyped_storage()
    return torch.empty(0, dtype=tensor.dtype).set_(there, tensor.storage_offset(), tensor.size(),
                                                   tensor.stride())


def _generator(generator):
    if generator.device.type != "cuda":
        return generator
    if generator not in _generators:
        _generators[generator] = torch.Generator().manual_seed(generator.initial_seed())
    return _generators[generator]


class _Call:
    """The arguments of one call on their way to the host, its results on their way back."""

    def __init__(self):
        self.seen = []

    def to_host(self, value):
        if isinstance(value, torch.Tensor):
            if value.device.type != "cuda":
                return value
            alias = _host(value)
            self.seen.append((alias, value))
            return alias
        if isinstance(value, (list, tuple)):
            return type(value)(self.to_host(v) for v in value)
        if isinstance(value, torch.device):
            return torch.device("cpu")
        if isinstance(value, torch.Generator):
            return _generator(value)
        return value

    def to_device(self, value):
        if isinstance(value, torch.Tensor):
            for alias, own in self.seen:
                if alias is value:
                    if own.size() != value.size():  # of `out`, which the operator has resized
                        own.resize_(value.size())
                        _host(own).copy_(value)
                    return own
            made = torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device="cuda")
            _host(made).copy_(value)
            return made
        if isinstance(value, (list, tuple)):
            return type(value)(self.to_device(v) for v in value)
        return value


def _trace():
    """The one that is being made by torch.jit.trace() and that operators are written to."""
    tracing = torch._C._get_tracing_state()
    paused = tracing and torch._C._dispatch_tls_is_dispatch_key_excluded("Tracer")
    return None if paused else tracing


def _kernel(operator):
    def compute(*arguments, **named):
        if torch.cuda.is_current_stream_capturing():
            raise RuntimeError(f"{operator}: carnot exec computes PyTorch's operators when they are "
                               "called, not in a CUDA graph; run it without torch.cuda.graph()")
        # A trace has the operator; what is done for it here is no part of the program.
        tracing = _trace()
        if tracing:
            torch._C._set_tracing_state(None)
        try:
            call = _Call()
            return call.to_device(operator(*call.to_host(arguments),
                                           **{n: call.to_host(v) for n, v in named.items()}))
        finally:
            if tracing:
                torch._C._set_tracing_state(tracing)

    return compute


def _lstm_cell(from_input, from_hidden, cell, *biases):
    gates = from_input + from_hidden
    for bias in biases:
        gates = gates if bias is None else gates + bias
    i, f, g, o = gates.chunk(4, 1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell, gates


def _gru_cell(from_input, from_hidden, hidden, input_bias=None, hidden_bias=None):
    a = from_input if input_bias is None else from_input + input_bias
    b = from_hidden if hidden_bias is None else from_hidden + hidden_bias
    (ra, za, na), (rb, zb, nb) = a.chunk(3, 1), b.chunk(3, 1)
    z, n = (za + zb).sigmoid(), (na + (ra + rb).sigmoid() * nb).tanh()
    return (hidden - n) * z + n, a


_REPLACED = {
    "aten::_thnn_fused_gru_cell": _gru_cell,
    "aten::_thnn_fused_lstm_cell": _lstm_cell,
}


def _find(name):
    space, _, rest = name.partition("::")
    operator, _, overload = rest.partition(".")
    return getattr(getattr(getattr(torch.ops, space), operator), overload or "default")


def cover():
    """Gives every operator with a kernel of CUDA, that has none yet, one that computes on the host."""
    names = set(torch._C._dispatch_get_registrations_for_dispatch_key("CUDA")) | set(_CHOOSING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a kernel is replaced
        for name in sorted(names - _covered - _NATIVE):
            _covered.add(name)
            space = name.partition("::")[0]
            if space not in _SPACES:
                continue
            if space not in _libraries:
                _libraries[space] = torch.library.Library(space, "IMPL")
            _libraries[space].impl(name, _REPLACED.get(name) or _kernel(_find(name)), "CUDA")


def start():
    """Once PyTorch is there, and again once others are that bring operators."""
    if not getattr(getattr(torch, "version", None), "cuda", None):
        return  # made without CUDA
    # Of several ways to compute something, the one whose operators the CPU has.
    torch.backends.cudnn.enabled = False
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)
    cover()
