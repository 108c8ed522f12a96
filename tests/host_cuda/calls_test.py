#!/usr/bin/env python3
"""CUDA over host memory: what each call does, and that none minds what it is given.

--libraries is the folder of libcudart.so.13. The standard library's ctypes is the client, as in many
programs in Python; every call that the libraries export is made with nonsense, in a process of its own.
"""

import argparse
import ctypes
import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

OPTIONS = argparse.Namespace()
INVALID_VALUE, NO_MEMORY, BAD_PITCH, BAD_DIRECTION = 1, 2, 12, 21
BAD_DEVICE, NO_KERNEL_IMAGE, BAD_HANDLE, ILLEGAL_STATE, NOT_SUPPORTED = 101, 209, 400, 401, 801
HOST, DEVICE, MANAGED = 1, 2, 3
H2D, D2H, D2D, ANY = 1, 2, 3, 4


class Library:
    """Every integer argument is passed in 64 bits, as the interface's pointers and sizes are."""

    def __init__(self, name):
        self.library = ctypes.CDLL(str(OPTIONS.libraries / name))

    def __getattr__(self, name):
        function = getattr(self.library, name)

        def call(*arguments):
            return function(*[ctypes.c_size_t(a) if isinstance(a, int) else a for a in arguments])

        return call


def exports(path):
    """The functions of a library's dynamic symbol table."""
    lines = subprocess.run(["nm", "-D", "--defined-only", path], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    names = {line.split()[2].split("@")[0] for line in lines if line.split()[1] in "TtWi"}
    return sorted(n for n in names if n.startswith(("cu", "__cuda")))


def out(kind=ctypes.c_void_p):
    return kind()


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cuda = Library("libcudart.so.13")

    def setUp(self):
        self.cuda.cudaGetLastError()

    def ok(self, error):
        self.assertEqual(error, 0)

    def malloc(self, size):
        p = out()
        self.ok(self.cuda.cudaMalloc(ctypes.byref(p), size))
        self.addCleanup(self.cuda.cudaFree, p.value)
        return p.value

    def stream(self):
        s = out()
        self.ok(self.cuda.cudaStreamCreate(ctypes.byref(s)))
        self.addCleanup(self.cuda.cudaStreamDestroy, s.value)
        return s.value

    def event(self, flags=0):
        e = out()
        self.ok(self.cuda.cudaEventCreateWithFlags(ctypes.byref(e), flags))
        self.addCleanup(self.cuda.cudaEventDestroy, e.value)
        return e.value

    def put(self, text):
        p = self.malloc(len(text))
        self.ok(self.cuda.cudaMemcpy(p, text, len(text), H2D))
        return p

    def test_memory(self):
        p = out()
        self.ok(self.cuda.cudaMalloc(ctypes.byref(p), 1000))
        self.assertEqual(p.value % 512, 0)
        self.ok(self.cuda.cudaFree(p.value))
        self.assertEqual(self.cuda.cudaFree(p.value), INVALID_VALUE)
        self.ok(self.cuda.cudaFree(0))
        self.assertEqual(self.cuda.cudaMalloc(0, 8), INVALID_VALUE)
        self.assertEqual(self.cuda.cudaMalloc(ctypes.byref(p), 1 << 60), NO_MEMORY)
        self.assertIsNone(p.value)
        self.ok(self.cuda.cudaMalloc(ctypes.byref(p), 0))
        self.assertIsNone(p.value)
        self.ok(self.cuda.cudaHostAlloc(ctypes.byref(p), 64, 0))
        self.assertEqual(self.cuda.cudaFree(p.value), INVALID_VALUE)  # pinned: another call's
        q = out()
        self.ok(self.cuda.cudaHostGetDevicePointer(ctypes.byref(q), p, 0))
        self.assertEqual(q.value, p.value)
        self.ok(self.cuda.cudaFreeHost(p.value))
        self.ok(self.cuda.cudaMallocManaged(ctypes.byref(p), 64, 1))
        self.ok(self.cuda.cudaFree(p.value))
        free, total = out(ctypes.c_size_t), out(ctypes.c_size_t)
        self.ok(self.cuda.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)))
        self.assertTrue(0 < free.value <= total.value)

    def test_what_an_address_is(self):
        own = ctypes.create_string_buffer(64)
        attributes = (ctypes.c_int64 * 11)()
        self.ok(self.cuda.cudaPointerGetAttributes(attributes, ctypes.addressof(own)))
        self.assertEqual(attributes[0] & 0xFFFFFFFF, 0)
        self.ok(self.cuda.cudaHostRegister(own, 64, 0))
        self.assertEqual(self.cuda.cudaHostRegister(own, 64, 0), 712)
        self.ok(self.cuda.cudaPointerGetAttributes(attributes, ctypes.addressof(own) + 9))
        self.assertEqual(attributes[0] & 0xFFFFFFFF, HOST)
        self.ok(self.cuda.cudaHostUnregister(own))
        self.assertEqual(self.cuda.cudaHostUnregister(own), 713)
        p = self.malloc(64)
        self.ok(self.cuda.cudaPointerGetAttributes(attributes, p + 63))
        self.assertEqual((attributes[0] & 0xFFFFFFFF, attributes[1]), (DEVICE, p + 63))

    def test_copies(self):
        p, back = self.put(b"abcdefgh"), ctypes.create_string_buffer(8)
        self.ok(self.cuda.cudaMemcpyAsync(back, p, 8, D2H, self.stream()))
        self.assertEqual(back.raw, b"abcdefgh")
        self.assertEqual(self.cuda.cudaMemcpy(p, back, 9, H2D), INVALID_VALUE)  # one too many
        self.assertEqual(self.cuda.cudaMemcpy(p + 4, back, 5, ANY), INVALID_VALUE)
        self.assertEqual(self.cuda.cudaMemcpy(p, back, 8, 77), BAD_DIRECTION)
        self.assertEqual(self.cuda.cudaMemcpy(0, back, 8, H2D), INVALID_VALUE)
        self.assertEqual(self.cuda.cudaMemcpyAsync(p, back, 8, H2D, 0xDEAD), BAD_HANDLE)
        self.ok(self.cuda.cudaMemcpy2D(p, 2, b"1.2.3.4.", 2, 1, 4, H2D))
        self.ok(self.cuda.cudaMemcpy(back, p, 8, D2H))
        self.assertEqual(back.raw, b"1b2d3f4h")
        self.assertEqual(self.cuda.cudaMemcpy2D(p, 1, back, 2, 2, 4, H2D), BAD_PITCH)
        self.assertEqual(self.cuda.cudaMemcpy2D(p, 2, back, 2, 2, 5, H2D), INVALID_VALUE)
        self.ok(self.cuda.cudaMemset2D(p, 4, ord("-"), 2, 2))
        self.ok(self.cuda.cudaMemcpy(back, p, 8, D2H))
        self.assertEqual(back.raw, b"--2d--4h")
        self.ok(self.cuda.cudaMemsetAsync(p, ord("x"), 8, 0))
        self.assertEqual(self.cuda.cudaMemset(p, 0, 9), INVALID_VALUE)
        self.ok(self.cuda.cudaMemcpy(back, p, 8, D2H))
        self.assertEqual(back.raw, b"x" * 8)

    def test_errors(self):
        text = self.cuda.library.cudaGetErrorName
        text.restype = ctypes.c_char_p
        self.assertEqual([text(n) for n in (0, 1, 400)],
                         [b"cudaSuccess", b"cudaErrorInvalidValue", b"cudaErrorInvalidResourceHandle"])
        text = self.cuda.library.cudaGetErrorString
        text.restype = ctypes.c_char_p
        self.assertEqual([text(n) for n in (0, 400, 123456)],
                         [b"no error", b"invalid resource handle", b"unrecognized error code"])
        self.cuda.cudaSetDevice(1)
        self.assertEqual(self.cuda.cudaPeekAtLastError(), BAD_DEVICE)
        self.assertEqual(self.cuda.cudaGetLastError(), BAD_DEVICE)
        self.assertEqual(self.cuda.cudaGetLastError(), 0)

    def test_device(self):
        count, value = out(ctypes.c_int), out(ctypes.c_int)
        self.ok(self.cuda.cudaGetDeviceCount(ctypes.byref(count)))
        self.assertEqual(count.value, 1)
        self.ok(self.cuda.cudaDeviceGetAttribute(ctypes.byref(value), 16, 0))
        self.assertGreater(value.value, 0)
        self.assertEqual(self.cuda.cudaDeviceGetAttribute(ctypes.byref(value), 9999, 0), INVALID_VALUE)
        self.assertEqual(self.cuda.cudaDeviceGetAttribute(ctypes.byref(value), 16, 3), BAD_DEVICE)
        guard = b"\xa5" * 64  # behind the structure of each version
        for name, size in (("cudaGetDeviceProperties", 1008), ("cudaGetDeviceProperties_v2", 1032)):
            library = Library("libcudart.so.13" if size == 1008 else "libcudart.so.12")
            properties = ctypes.create_string_buffer(guard * 40)
            self.ok(getattr(library, name)(properties, 0))
            self.assertTrue(properties.raw.startswith(b"CPU"))
            self.assertEqual(properties.raw[size:size + 64], guard)
            self.assertNotEqual(properties.raw[size - 64:size], guard)

    def test_events_and_streams(self):
        begin, end, s, ms = self.event(), self.event(), self.stream(), out(ctypes.c_float)
        self.assertEqual(self.cuda.cudaEventElapsedTime(ctypes.byref(ms), begin, end), BAD_HANDLE)
        self.ok(self.cuda.cudaEventRecord(begin, s))
        self.ok(self.cuda.cudaEventRecord(end, s))
        self.ok(self.cuda.cudaStreamWaitEvent(s, end, 0))
        self.ok(self.cuda.cudaEventSynchronize(end))
        self.ok(self.cuda.cudaEventElapsedTime(ctypes.byref(ms), begin, end))
        self.assertGreaterEqual(ms.value, 0)
        for call in ("cudaStreamDestroy", "cudaStreamSynchronize", "cudaStreamQuery",
                     "cudaEventDestroy", "cudaEventQuery", "cudaEventSynchronize"):
            self.assertEqual(getattr(self.cuda, call)(0xDEAD0), BAD_HANDLE, call)
        self.assertEqual(self.cuda.cudaStreamDestroy(0), BAD_HANDLE)
        for default in (0, 1, 2):
            self.ok(self.cuda.cudaStreamSynchronize(default))

    def test_host_function_and_order(self):
        seen = []
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(seen.append)
        s = self.stream()
        for i in (1, 2, 3):
            self.ok(self.cuda.cudaLaunchHostFunc(s, call, i))
        self.ok(self.cuda.cudaStreamSynchronize(s))
        self.assertEqual(seen, [1, 2, 3])

    def test_captured_graph(self):
        p, back, s, t = self.put(b"....."), ctypes.create_string_buffer(5), self.stream(), self.stream()
        graph, execution, count, joined = out(), out(), out(ctypes.c_size_t), self.event()
        self.ok(self.cuda.cudaStreamBeginCapture(s, 0))
        self.assertEqual(self.cuda.cudaStreamBeginCapture(s, 0), ILLEGAL_STATE)
        self.assertEqual(self.cuda.cudaStreamSynchronize(s), 900)
        self.ok(self.cuda.cudaMemsetAsync(p, ord("1"), 2, s))
        self.ok(self.cuda.cudaEventRecord(joined, s))
        self.ok(self.cuda.cudaStreamWaitEvent(t, joined, 0))  # t joins the capture
        self.ok(self.cuda.cudaMemsetAsync(p + 1, ord("2"), 2, t))
        self.ok(self.cuda.cudaEventRecord(joined, t))
        self.ok(self.cuda.cudaStreamWaitEvent(s, joined, 0))
        self.ok(self.cuda.cudaMemcpyAsync(back, p, 5, D2H, s))
        self.ok(self.cuda.cudaStreamEndCapture(s, ctypes.byref(graph)))
        self.assertEqual(back.raw, bytes(5))  # nothing has run
        self.ok(self.cuda.cudaGraphGetNodes(graph, 0, ctypes.byref(count)))
        self.assertEqual(count.value, 6)
        self.ok(self.cuda.cudaGraphInstantiate(ctypes.byref(execution), graph, 0))
        self.ok(self.cuda.cudaGraphDestroy(graph))
        self.ok(self.cuda.cudaGraphLaunch(execution, s))
        self.ok(self.cuda.cudaStreamSynchronize(s))
        self.assertEqual(back.raw, b"122..")
        self.ok(self.cuda.cudaGraphExecDestroy(execution))
        self.assertEqual(self.cuda.cudaGraphLaunch(execution, s), INVALID_VALUE)

    def test_built_graph_and_cycles(self):
        seen, graph, a, b, execution = [], out(), out(), out(), out()
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(seen.append)
        self.ok(self.cuda.cudaGraphCreate(ctypes.byref(graph), 0))
        for node, number in ((a, 1), (b, 2)):
            parameters = (ctypes.c_void_p * 2)(ctypes.cast(call, ctypes.c_void_p), number)
            self.ok(self.cuda.cudaGraphAddHostNode(ctypes.byref(node), graph, 0, 0, parameters))
        self.ok(self.cuda.cudaGraphAddDependencies(graph, ctypes.byref(b), ctypes.byref(a), 0, 1))
        self.ok(self.cuda.cudaGraphInstantiate(ctypes.byref(execution), graph, 0))
        self.ok(self.cuda.cudaGraphLaunch(execution, 0))
        self.assertEqual(seen, [2, 1])
        self.ok(self.cuda.cudaGraphAddDependencies(graph, ctypes.byref(a), ctypes.byref(b), 0, 1))
        self.assertEqual(self.cuda.cudaGraphInstantiate(ctypes.byref(execution), graph, 0), INVALID_VALUE)
        self.ok(self.cuda.cudaGraphDestroy(graph))

    def test_kernels_are_refused(self):
        cuda = self.cuda
        self.assertEqual(cuda.cudaLaunchKernel(0, 0, 0, 0, 0, 0), NO_KERNEL_IMAGE)
        self.assertEqual(cuda.cudaGetLastError(), NO_KERNEL_IMAGE)
        self.ok(cuda.cudaDeviceSynchronize())
        # A program that does not look is told when it waits for what was not computed.
        driver = Library("libcuda.so.1")
        for wait in (cuda.cudaDeviceSynchronize, driver.cuCtxSynchronize):
            for launch in (cuda.cudaLaunchKernel, cuda.__getattr__("__cudaLaunchKernel")):
                launch(0, 0, 0, 0, 0, 0)
                self.assertEqual(wait(), NO_KERNEL_IMAGE)
                self.ok(wait())
        self.assertEqual(cuda.cudaGetLastError(), NO_KERNEL_IMAGE)
        self.assertEqual(self.cuda.cudaMallocArray(0, 0, 0, 0, 0), NOT_SUPPORTED)

    def test_driver(self):
        driver, context, p, function = Library("libcuda.so.1"), out(), out(), out()
        self.ok(driver.cuInit(0))
        self.ok(driver.cuCtxSetCurrent(0))
        self.assertEqual(driver.cuCtxPopCurrent_v2(0), 201)
        self.ok(driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0))
        self.ok(driver.cuCtxSetCurrent(context))
        self.ok(driver.cuMemAlloc_v2(ctypes.byref(p), 64))
        self.ok(driver.cuMemsetD32_v2(p, 0x01020304, 16))
        back = ctypes.create_string_buffer(64)
        self.ok(self.cuda.cudaMemcpy(back, p, 64, D2H))  # the two know each other's memory
        self.assertEqual(back.raw, b"\4\3\2\1" * 16)
        self.assertEqual(driver.cuMemcpyHtoD_v2(p, back, 65), INVALID_VALUE)
        self.ok(driver.cuMemFree_v2(p))
        self.ok(driver.cuGetProcAddress_v2(b"cuMemAlloc", ctypes.byref(function), 12000, 0, 0))
        self.assertTrue(function.value)
        self.assertEqual(driver.cuModuleLoadData(0, 0), NO_KERNEL_IMAGE)
        self.assertEqual(driver.cuGetExportTable(0, 0), 500)

    def current(self, driver):
        context = out()
        self.ok(driver.cuCtxGetCurrent(ctypes.byref(context)))
        return context.value

    def test_contexts(self):
        driver, primary, a, b, popped = Library("libcuda.so.1"), out(), out(), out(), out()
        self.ok(driver.cuCtxSetCurrent(0))
        self.assertIsNone(self.current(driver))
        self.ok(self.cuda.cudaFree(0))  # the runtime makes the primary one current
        self.ok(driver.cuDevicePrimaryCtxRetain(ctypes.byref(primary), 0))
        self.assertEqual(self.current(driver), primary.value)
        self.ok(driver.cuCtxCreate_v2(ctypes.byref(a), 0, 0))
        self.ok(driver.cuCtxCreate_v4(ctypes.byref(b), 0, 0, 0))
        self.assertEqual(driver.cuCtxCreate_v2(ctypes.byref(popped), 0, 1), BAD_DEVICE)
        self.assertNotEqual(a.value, b.value)
        self.assertEqual(self.current(driver), b.value)
        self.ok(driver.cuCtxPopCurrent_v2(ctypes.byref(popped)))
        self.assertEqual(popped.value, b.value)
        self.ok(driver.cuCtxDestroy_v2(b))
        self.assertEqual(driver.cuCtxPushCurrent_v2(b), 201)
        self.assertEqual(self.current(driver), a.value)
        self.ok(driver.cuCtxDetach(a))
        self.assertEqual(self.current(driver), primary.value)
        self.assertEqual(driver.cuCtxDestroy_v2(primary), 201)

    def test_driver_planes(self):
        driver, p, pitch = Library("libcuda.so.1"), out(), out(ctypes.c_size_t)
        self.ok(driver.cuMemAllocPitch_v2(ctypes.byref(p), ctypes.byref(pitch), 3, 2, 4))
        self.assertEqual(pitch.value % 512, 0)
        text, back = ctypes.create_string_buffer(b"abcdef"), ctypes.create_string_buffer(6)
        host, device = 1, 2
        # Of each side x, y, kind, host, device, array, pitch; then width and height.
        there = [0, 0, host, ctypes.addressof(text), 0, 0, 3]
        here = [0, 0, device, 0, p.value, 0, pitch.value]
        back_side = [0, 0, host, ctypes.addressof(back), 0, 0, 3]
        words = lambda *w: (ctypes.c_size_t * 16)(*w)
        self.ok(driver.cuMemcpy2D_v2(words(*there, *here, 3, 2)))
        self.ok(driver.cuMemsetD2D8_v2(p.value + 1, pitch.value, ord("-"), 1, 2))
        self.ok(driver.cuMemcpy2D_v2(words(*here, *back_side, 3, 2)))
        self.assertEqual(back.raw, b"a-cd-f")
        self.assertEqual(driver.cuMemcpy2D_v2(words(*here, *back_side, 4, 2)), INVALID_VALUE)
        here[2] = 3  # an array
        self.assertEqual(driver.cuMemcpy2D_v2(words(*here, *back_side, 3, 2)), NOT_SUPPORTED)
        self.ok(driver.cuMemFree_v2(p))

    def test_versions_of_calls(self):
        """A program gets the call that the version of CUDA it was made for had."""
        driver = Library("libcuda.so.1")
        address = lambda name: ctypes.cast(getattr(driver.library, name), ctypes.c_void_p).value
        for name, version, symbol in (
                (b"cuCtxCreate", 4000, "cuCtxCreate_v2"), (b"cuCtxCreate", 11040, "cuCtxCreate_v3"),
                (b"cuCtxCreate", 13000, "cuCtxCreate_v4"), (b"cuInit", 2000, "cuInit"),
                (b"cuStreamGetCaptureInfo", 12000, "cuStreamGetCaptureInfo_v2")):
            found = out()
            self.ok(driver.cuGetProcAddress_v2(name, ctypes.byref(found), version, 0, 0))
            self.assertEqual(found.value, address(symbol), symbol)
            self.ok(self.cuda.cudaGetDriverEntryPointByVersion(name, ctypes.byref(found), version, 0, 0))
            self.assertEqual(found.value, address(symbol), symbol)
        # What is refused is not there for those who ask.
        for name in (b"cuNone", b"cuMemCreate"):
            self.assertEqual(driver.cuGetProcAddress_v2(name, ctypes.byref(found), 13000, 0, 0), 500)

    def test_what_pycuda_links(self):
        text = (Path(__file__).parent / "pycuda_links.txt").read_text()
        words = [w for line in text.splitlines() if line[:1] != "#" for w in line.split()]
        libraries = [OPTIONS.libraries / n for n in ("libcuda.so.1", "libcurand.so.10")]
        self.assertLessEqual(set(words), {n for path in libraries for n in exports(path)})


class Nonsense(unittest.TestCase):
    def test_every_export(self):
        for name in ("libcudart.so.12", "libcudart.so.13", "libcuda.so.1"):
            process = subprocess.run([sys.executable, __file__, "--libraries", OPTIONS.libraries,
                                      "--nonsense", name], capture_output=True, text=True, timeout=100)
            self.assertEqual(process.returncode, 0, f"{name}: {process.stdout[-300:]}")
            self.assertGreater(int(process.stdout.split()[-1]), 100)


# What a structure passed by value, or a function to call, would be made of is the stack's or ours.
BY_VALUE = ("cudaCreateChannelDesc", "cudaMemset3D", "cudaMalloc3D")
CALLS_BACK = ("HostFunc", "AddCallback", "AddHostNode")
# Here numbers that are no addresses can be told from addresses: handles, and what is copied.
CHECKED = ("StreamDestroy", "StreamSync", "StreamQuery", "Free", "EventDestroy", "EventQuery",
           "GraphDestroy", "GraphLaunch", "Memcpy", "Memset", "HostUnregister")
STRUCTURES = ("3D", "cuMemcpy2D", "Batch", "MemsetNode", "MemcpyNode")


def nonsense(name):
    """Calls every export with random arguments; the last line printed is how many there are."""
    library, choose = ctypes.CDLL(str(OPTIONS.libraries / name)), random.Random(1)
    functions = exports(OPTIONS.libraries / name)
    spare = ctypes.create_string_buffer(1 << 16)  # room for what a call may write
    has = lambda function, words: any(word in function for word in words)
    for function in functions:
        print(function, flush=True)  # the last one printed is the one that fails
        if function.startswith(BY_VALUE):
            continue
        kinds = "0" if has(function, CALLS_BACK) else "0a"
        if has(function, CHECKED) and not has(function, STRUCTURES):
            kinds = "0an"
        for _ in range(60):
            words = [{"0": 0, "a": ctypes.addressof(spare) + 8 * choose.randrange(64),
                      "n": choose.choice([-1, 1, 2, 3, 4, 64, 100])}[choose.choice(kinds)]
                     for _ in range(8)]
            ctypes.memset(spare, 0, len(spare))
            getattr(library, function)(*[ctypes.c_ssize_t(w) for w in words])
    print(len(functions))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--libraries", type=Path, required=True)
    parser.add_argument("--nonsense")
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    OPTIONS.libraries = OPTIONS.libraries.resolve()
    if OPTIONS.nonsense:
        return nonsense(OPTIONS.nonsense)
    return unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    sys.exit(main())
