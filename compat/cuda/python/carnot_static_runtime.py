"""Under `carnot exec`: a Python extension with NVIDIA's CUDA runtime linked in calls that of host memory.

The linked runtime works with NVIDIA's driver alone. Where the library has a table of symbols, as CuPy's
has, each function of the runtime begins with a jump to libcudart.so's of that name from now on.
"""

import ctypes
import mmap
import struct

_FUNCTION, _SYMBOLS = 2, 2  # of STT_ and SHT_
_NAMES = ("cuda", "__cudaLaunch", "__cudaPopCall", "__cudaPushCall")
_JUMP = b"\x49\xbb%b\x41\xff\xe3"  # mov r11, address; jmp r11


def _functions(path):
    """Name, address and size of each function in the table of symbols of an ELF file of 64 bits."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as elf:
        if elf[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", elf, 18)[0] != 62:
            return  # not of x86-64
        at, = struct.unpack_from("<Q", elf, 40)
        size, count = struct.unpack_from("<HH", elf, 58)
        sections = [struct.unpack_from("<IIQQQQIIQQ", elf, at + i * size) for i in range(count)]
        for _, kind, _, _, offset, length, link, _, _, entry in sections:
            if kind != _SYMBOLS:
                continue
            names = sections[link][4]
            for symbol in range(offset, offset + length, entry):
                name, info, _, section, value, bytes_ = struct.unpack_from("<IBBHQQ", elf, symbol)
                if info & 15 == _FUNCTION and section:
                    text = elf[names + name:elf.find(b"\0", names + name)]
                    yield text.decode(), value, bytes_


def _loaded_at(path):
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            words = line.split(maxsplit=5)
            if len(words) == 6 and words[5].strip() == path and int(words[2], 16) == 0:
                return int(words[0].split("-")[0], 16)
    return None


def redirect(path, runtime):
    """Whether calls within the loaded library go to `runtime`, a ctypes library, now."""
    base, libc, page = _loaded_at(path), ctypes.CDLL(None, use_errno=True), mmap.PAGESIZE
    redirected = 0
    for name, value, size in _functions(path) if base is not None else ():
        jump_bytes = len(_JUMP % bytes(8))
        function = getattr(runtime, name, None) if name.startswith(_NAMES) else None
        if function is None or size < jump_bytes:
            continue
        address = ctypes.cast(function, ctypes.c_void_p).value
        begin = (base + value) // page * page
        length = base + value + jump_bytes - begin
        read_write, read_run = 1 | 2, 1 | 4
        if libc.mprotect(ctypes.c_void_p(begin), ctypes.c_size_t(length), read_write | 4) != 0:
            return False
        ctypes.memmove(base + value, _JUMP % struct.pack("<Q", address), jump_bytes)
        libc.mprotect(ctypes.c_void_p(begin), ctypes.c_size_t(length), read_run)
        redirected += 1
    return redirected > 0
