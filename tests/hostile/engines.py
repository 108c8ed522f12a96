"""Engines and arrays that are damaged, flags that make no sense, places that cannot be written."""
import os
import struct
from pathlib import Path

from proto import *

MODEL = simple([node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["a"]),
                node("Relu", ["a"], ["y"])],
               [f32("w", [0.5] * 6, [3, 2]), f32("b", [1.0, -1.0])], ["n", 3])


def npy(descr="<f4", shape="(2, 3)", fortran="False", body=bytes(24), version=b"\x01\x00",
        header=None, length=None):
    text = header if header is not None else (
        f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
    text = text.encode().ljust(117) + b"\n"
    return (b"\x93NUMPY" + version +
            struct.pack("<H", len(text) if length is None else length) + text + body)


def arrays():
    good = npy()
    yield "good", good, "good"
    yield "fortran", npy(fortran="True"), "good"
    for length in range(0, len(good), 12):
        yield f"cut_{length}", good[:length], "bad"
    for i, shape in enumerate(("(9999999999999, 3)", "(-2, 3)", "(4294967296, 4294967296)", "(2,",
                               "(2.0, 3)", "2, 3", "(" + "1, " * 40 + "6)", "()", "(3, 2)",
                               "(2, 3, 1)", "(2, 4)", "(99999999999999999999999, 3)")):
        yield f"shape_{i}", npy(shape=shape), "bad"
    for i, descr in enumerate(("<f8", "|O", "<i4", ">f4", "<f3", "", "<U9999999999", "f",
                               "x" * 90)):
        yield f"descr_{i}", npy(descr=descr), "bad"
    yield "long", npy(body=bytes(28)), "bad"
    yield "version", npy(version=b"\x09\x09"), "bad"
    yield "header_length", npy(length=65535), "bad"
    yield "header_empty", npy(header=""), "bad"
    yield "header_text", npy(header="{'descr': __import__('os')}"), "bad"
    yield "header_deep", npy(header="(" * 100), "bad"
    yield "magic", b"\x93NUMPZ" + good[6:], "bad"
    yield "text", b"hello", "bad"


def engine_files(engine):
    """Altered engines; hashes are left wrong (the fuzz target `engine` puts them right)."""
    step = max(1, len(engine) // 40)
    for length in [*range(0, 64, 7), *range(64, len(engine), step), len(engine) - 1]:
        yield f"cut_{length}", engine[:length]
    for at in [*range(0, 64, 3), *range(64, len(engine), step)]:
        flipped = bytearray(engine)
        flipped[at] ^= 1 << at % 8
        yield f"flip_{at}", bytes(flipped)
    yield "longer", engine + bytes(64)
    yield "twice", engine * 2
    yield "text_mode", engine.replace(b"\n", b"\r\n")
    yield "zeros", bytes(1 << 20)
    yield "model", MODEL
    for at in (8, 12, 16, 24, 32, 36, 64, 72, 80):
        for number in (0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1):
            changed = bytearray(engine)
            size = 4 if at in (8, 12, 32, 36) else 8
            changed[at:at + size] = struct.pack("<Q", number)[:size]
            if bytes(changed) != engine:
                yield f"field_{at}_{number}", bytes(changed)


def special_files(folder):
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "read_only").mkdir(mode=0o500)
    with open(folder / "sparse.engine", "wb") as file:
        file.truncate(3 << 30)
    return ["pipe", "folder", "/dev/zero", "/dev/null", "absent", "sparse.engine", "", "a" * 5000,
            "/proc/self/mem", "folder/"]


def flags():
    """Arguments, and whether they are "bad", "good" or "any"."""
    build = ["build", "model.onnx", "-o", "out.engine", "--effort", "0"]
    for shapes in ("x=9999999999999x2", "x=2x9999999999999", "x=2x3x4", "x=2", "x=-1x3", "x=2xx3",
                   "x=", "x", "=2x3", "nope=2x3", "x=2x4", "x=99999999999999999999x3",
                   "x=1x3:2x3", "x=3x3:2x3:1x3", "x=1x3:2:4x3", "x=0x3:0x3:-1x3", ",", "x=2x3,",
                   "x=2x3\n", "x=1x3:2x3:9223372036854775807x3x1", "x=scalar"):
        yield [*build, "--shapes", shapes], "bad"
    yield [*build, "--shapes", "x=2x3,x=4x3"], "any"
    yield [*build, "--shapes", "x=0x3"], "any"
    yield [*build, "--shapes", "x=1x3:2x3:9223372036854775807x3"], "any"
    for words in ("--effort 9", "--effort -1", "--effort x", "--threads -1", "--threads 99999",
                  "--device gpu9", "--device", "--nope", "--tactics nope", "--tactics -nope",
                  "--print nothing", "--print-after nothing", "--stop-after -5", "extra words",
                  "--timing-cache folder", "--timing-cache /proc/nowhere/x"):
        yield [*build, *words.split()], "any" if "-nope" in words.split() else "bad"
    for output in ("/dev/full", "folder", "absent/out.engine", "/proc/out.engine", "",
                   "model.onnx/out", "a" * 300):
        yield ["build", "model.onnx", "--effort", "0", "-o", output], "bad"
    yield ["build", "model.onnx"], "bad"
    yield ["build"], "bad"
    yield ["nope"], "bad"
    yield [], "bad"
    yield ["--help"], "good"
    yield ["--version"], "good"
    yield ["run", "good.engine", "--input", "nope=good.npy"], "bad"
    yield ["run", "good.engine", "--input", "x"], "bad"
    yield ["run", "good.engine", "--input", "=good.npy"], "bad"
    for path in ("/dev/zero", "/dev/null", "/dev/full", "/proc/self/mem", "pipe", "folder",
                 "folder/", "absent", "", "good.npy/x", "a" * 5000, "model.onnx", "good.engine"):
        yield ["run", "good.engine", "--input", f"x={path}"], "bad"
    yield ["run", "good.engine", "--input", "x=good.npy", "--input", "x=good.npy"], "any"
    for seconds in ("-1", "x", "", "1e99"):
        yield ["run", "good.engine", "--time-limit", seconds], "bad"
    yield ["run", "good.engine", "--time-limit", "nan"], "any"
    yield ["run", "good.engine", "--time-limit", "100"], "good"
    yield ["run", "good.engine", "--save", "model.onnx"], "bad"
    yield ["run", "good.engine", "--save", "model.onnx/x"], "bad"
    yield ["run", "good.engine", "--shapes", "x=9999999999999x3"], "bad"
    yield ["run", "good.engine", "--shapes", "x=3000000000x3"], "bad"
    yield ["run", "good.engine", "--shapes", "x=2x4"], "bad"
    yield ["run", "good.engine", "--shapes", "x=2"], "bad"
    yield ["run", "good.engine", "--shapes", "x=0x3"], "any"
    yield ["run", "good.engine", "--seed", "x"], "bad"
    yield ["bench", "good.engine", "--json", "/dev/full"], "bad"
    yield ["inspect", "good.engine"], "good"


def run(runner, root, only):
    folder = Path(root) / "files"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(MODEL)
    (folder / "good.npy").write_bytes(npy())
    problems = []
    count = 0

    def expect(name, arguments, verdict, **more):
        nonlocal count
        if only not in name:
            return
        count += 1
        result = runner.run(arguments, folder, **more)
        found = runner.faults(arguments or [""], result, verdict)
        if found:
            problems.append(f"{name}: carnot {' '.join(arguments)[:200]}: " + "; ".join(found))

    built = runner.run(["build", "model.onnx", "--effort", "0", "-o", "good.engine"], folder)
    if built[0] != 0:
        return 1, [f"the good model does not build: {built[2]}"]
    engine = (folder / "good.engine").read_bytes()
    for i, (name, content) in enumerate(engine_files(engine)):
        (folder / "bad.engine").write_bytes(content)
        expect(f"engine_{name}", ["run" if i % 2 else "inspect", "bad.engine"], "bad")
    for name, content, verdict in arrays():
        (folder / "x.npy").write_bytes(content)
        expect(f"npy_{name}", ["run", "good.engine", "--input", "x=x.npy"], verdict)
    for path in special_files(folder):
        for command in ("run", "inspect"):
            expect(f"special_{command}_{path}", [command, path], "bad")
    for i, (arguments, verdict) in enumerate(flags()):
        expect(f"flags_{i}", arguments, verdict)
    with open("/dev/full", "w") as full:
        expect("stdout_full", ["inspect", "good.engine"], "bad", stdout=full)
    return count, problems
