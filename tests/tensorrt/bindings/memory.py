"""Memory where the engines of these tests run: a GPU's if they run on one, else arrays of the host.

CUDA's runtime is called directly, as these tests need no package for it. On a GPU what is read or
written waits for all that was queued before.
"""

import ctypes
import os

import numpy as np

DEFAULT = 4  # cudaMemcpyDefault: addresses tell which side they belong to


def runtime():
    """CUDA's runtime where there is a GPU that the library would take; else None."""
    if os.environ.get("CARNOT_DEVICE", "").startswith("cpu"):
        return None
    for name in ("libcudart.so.13", "libcudart.so.12"):
        try:
            cuda, count = ctypes.CDLL(name), ctypes.c_int()
        except OSError:
            continue
        if cuda.cudaGetDeviceCount(ctypes.byref(count)) == 0 and count.value > 0:
            return cuda
    return None


CUDA = runtime()


def check(status):
    assert status == 0, f"CUDA's runtime says {status}"


def wait():
    """Until all that was queued is done."""
    if CUDA:
        check(CUDA.cudaDeviceSynchronize())


def copy(to, source, size):
    wait()
    check(CUDA.cudaMemcpy(ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(size), DEFAULT))
    wait()


def read(address, shape, dtype=np.float32):
    """The elements at an address, as an array of their own."""
    out = np.empty(shape, dtype)
    if CUDA:
        copy(out.ctypes.data, address, out.nbytes)
    elif out.size:
        ctypes.memmove(out.ctypes.data, address, out.nbytes)
    return out


def write(address, array):
    """Puts an array's elements to an address."""
    array = np.ascontiguousarray(array)
    if CUDA:
        copy(address, array.ctypes.data, array.nbytes)
    elif array.size:
        ctypes.memmove(address, array.ctypes.data, array.nbytes)


class Memory:
    """A copy of an array that engines can be given."""

    def __init__(self, array):
        self.host = np.array(array, order="C")
        self.address, self.size = self.host.ctypes.data, self.host.nbytes
        self.owned = None
        if CUDA:
            self.owned = ctypes.c_void_p()
            size = ctypes.c_size_t(max(self.size, 1))
            check(CUDA.cudaMalloc(ctypes.byref(self.owned), size))
            self.address = self.owned.value
            write(self.address, self.host)

    def array(self):
        """What it holds now."""
        return read(self.address, self.host.shape, self.host.dtype)

    def __del__(self):
        if self.owned:
            CUDA.cudaFree(self.owned)
