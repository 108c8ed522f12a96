#!/usr/bin/env python3
"""Writes <package>/<module>.pyi of an extension that was built: python_stub.py FOLDER MODULE [PATCH].

The extension is looked at alone: its package's __init__ would add Python's functions to its classes.
PATCH has lines for the end of the stub, and lines `Class Class: text` for members that Python adds.
"""

import ast
import importlib.util
import re
import sys
import types
from pathlib import Path

from nanobind.stubgen import StubGen


def add_names(cls, others) -> None:
    """Second names of values, as the package adds them."""
    for name, value in others.items():
        cls._member_map_[name] = cls(value)
        type.__setattr__(cls, name, cls(value))


def load(folder: Path, package: str, name: str) -> types.ModuleType:
    """The extension in a package that is empty but for it."""
    parent = types.ModuleType(package)
    parent.__path__ = [str(folder / package)]
    sys.modules[package] = parent
    enumeration = types.ModuleType(f"{package}._enumeration")
    enumeration.finish = add_names
    sys.modules[enumeration.__name__] = enumeration
    path = next((folder / package).glob(f"{name}.*.so"))
    spec = importlib.util.spec_from_file_location(f"{package}.{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


ENUMERATION = """

class _Enumeration(enum.Enum):  # type: ignore[misc]
    def __int__(self) -> int: ...
    def __index__(self) -> int: ...
    def __lt__(self, other: typing.Self) -> bool: ...
    def __le__(self, other: typing.Self) -> bool: ...
    def __gt__(self, other: typing.Self) -> bool: ...
    def __ge__(self, other: typing.Self) -> bool: ...
"""
# What a parameter takes beside values of its type, which nanobind does not know.
CONVERTIBLE = {
    "Dims": "Dims | Sequence[int]",
    "DimsHW": "DimsHW | Sequence[int]",
    "Permutation": "Permutation | Sequence[int]",
    "Weights": "Weights | numpy.ndarray",
}


def parameters(line: str) -> str:
    """A line of a function with the types that its parameters are converted from."""
    if not line.lstrip().startswith("def "):
        return line
    head, arrow, result = line.rpartition(" -> ")
    for name, wide in CONVERTIBLE.items():
        head = re.sub(rf"(\w: ){name}\b(?! \| [Sn])", rf"\g<1>{wide}", head)
    return head + arrow + result


def finished(text: str, patch: list[str]) -> str:
    """The stub with what Python adds: lines of `patch`, members of classes (`Class: text`)."""
    text = re.sub(r"from collections.abc import Buffer\b(, )?", "from collections.abc import ", text)
    text = re.sub(r"from collections.abc import \n", "", text)
    text = "\n".join(map(parameters, text.splitlines())) + "\n"
    if "(enum.Enum)" in text:
        text = text.replace("(enum.Enum)", "(_Enumeration)")
        at = text.index("\n\nclass ")
        text = text[:at] + ENUMERATION + text[at:]
        text = text.replace("import enum\n", "import enum\nimport typing\n", 1)
    if "\nimport typing\n" in text:  # an object that nanobind knows no more of
        text = text.replace(") -> object:", ") -> typing.Any:")
    if "Buffer" in text:
        text = text.replace("\n\n", "\n\nfrom typing_extensions import Buffer\n", 1)
    for line in patch:
        owners, colon, member = line.partition(": ")
        if not colon or not owners.replace(" ", "").isidentifier():
            text += line + "\n"
            continue
        for owner in owners.split():
            head = re.search(rf"^class {owner}\b.*:\n", text, re.M)
            text = text[: head.end()] + f"    {member}\n\n" + text[head.end() :]
    text = re.sub(r"(__hash__: None = None)$", r"\1  # type: ignore[assignment]", text, flags=re.M)
    ast.parse(text)
    return text


def main() -> int:
    folder, full = Path(sys.argv[1]), sys.argv[2]
    package, name = full.split(".")
    generator = StubGen(load(folder, package, name), include_private=True, quiet=True)
    generator.put(sys.modules[full])
    patch = Path(sys.argv[3]).read_text().splitlines() if len(sys.argv) > 3 else []
    (folder / package / f"{name}.pyi").write_text(finished(generator.get(), patch))
    return 0


if __name__ == "__main__":
    sys.exit(main())
