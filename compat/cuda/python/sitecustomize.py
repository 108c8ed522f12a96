"""Under `carnot exec`: cuda-python's runtime module and PyTorch call the CUDA of host memory.

Its wheels hold NVIDIA's runtime, linked in statically, which works with NVIDIA's driver alone. The
modules that wrap it offer each function as a capsule, which other modules import: here they are
pointed at libcudart.so of the same major version, before anybody does. PyTorch's libraries name
folders of NVIDIA's runtime, which come before LD_LIBRARY_PATH: a library of that name that is loaded
already comes before both; what it computes on the device carnot_torch_cuda.py computes. Everything
else, and a sitecustomize of the user's own, is as it was.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys


def _point_at_host_cuda(module):
    import ctypes

    capsules = getattr(module, "__pyx_capi__", None)
    if not capsules or "_cudaMalloc" not in capsules and "cudaMalloc" not in capsules:
        return
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_New.restype = ctypes.py_object
    api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    # What the functions' structures look like is the major version's.
    major = 12 if "cudaGetDeviceProperties_v2" in {n.lstrip("_") for n in capsules} else 13
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # By its path: another library of this name may be loaded already, by torch for one.
    runtime = ctypes.CDLL(os.path.join(folder, f"libcudart.so.{major}"))
    for name, capsule in list(capsules.items()):
        function = getattr(runtime, name.lstrip("_"), None)
        if function is None:
            continue
        signature = ctypes.create_string_buffer(api.PyCapsule_GetName(capsule))
        _KEPT.append(signature)
        address = ctypes.cast(function, ctypes.c_void_p)
        capsules[name] = api.PyCapsule_New(address, ctypes.addressof(signature), None)


def _load_host_cuda():
    import ctypes

    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for major in (12, 13):
        _KEPT.append(ctypes.CDLL(os.path.join(folder, f"libcudart.so.{major}")))


def _point_cupy_at_host_cuda(module):
    import ctypes

    import carnot_static_runtime

    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    version = sys.modules["cupy_backends.cuda.api.runtime"].runtimeGetVersion()
    runtime = ctypes.CDLL(os.path.join(folder, f"libcudart.so.{version // 1000}"))
    _KEPT.append(runtime)
    carnot_static_runtime.redirect(os.path.realpath(module.__file__), runtime)


def _load_nvidias_cublas():
    """Those of PyTorch's wheels, where there are some: it cannot use ours, and one name is one library."""
    import ctypes

    for folder in sys.path:
        for part in ("nvidia/cu13/lib", "nvidia/cublas/lib"):
            for name in ("libcublasLt.so.13", "libcublas.so.13", "libcublasLt.so.12", "libcublas.so.12"):
                path = os.path.join(folder, part, name)
                if os.path.exists(path):
                    _KEPT.append(ctypes.CDLL(path))


def _compute_for_torch(module):
    try:
        import carnot_torch_cuda

        carnot_torch_cuda.start()
    except Exception as error:  # a PyTorch of another time: its tensors still hold and are copied
        print(f"carnot exec: PyTorch {getattr(module, '__version__', '')} computes nothing on "
              f"\"cuda\" here: {error}", file=sys.stderr)


_KEPT = []
# What is done to a module once it is there.
_MODULES = {
    "cuda.bindings._internal.runtime": _point_at_host_cuda,
    "cuda.bindings._internal.runtime_ptds": _point_at_host_cuda,
    "cuda.bindings._bindings.cyruntime": _point_at_host_cuda,
    "cuda.bindings._bindings.cyruntime_ptds": _point_at_host_cuda,
    "cuda._cuda.ccudart": _point_at_host_cuda,
    "cuda._lib.ccudart.ccudart": _point_at_host_cuda,
    "cupy.cuda.cub": _point_cupy_at_host_cuda,
    "cupy.cuda.jitify": _point_cupy_at_host_cuda,
    "cupy.cuda.thrust": _point_cupy_at_host_cuda,
    "cupy.random._generator_api": _point_cupy_at_host_cuda,
    "cupy_backends.cuda.api.runtime": _point_cupy_at_host_cuda,
    "torch": _compute_for_torch,
    "torchaudio": _compute_for_torch,  # these have operators of their own
    "torchvision": _compute_for_torch,
}


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            _load_host_cuda()
        if name == "cupy":
            _load_nvidias_cublas()
        if name not in _MODULES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                _MODULES[name](module)

            spec.loader.exec_module = exec_module
        return spec


def _next_sitecustomize():
    """The one that this file hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    others = [p for p in sys.path if os.path.abspath(p or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


sys.meta_path.insert(0, _Finder())
_next_sitecustomize()
