#!/usr/bin/env python3
"""Writes <package>/<module>.pyi of an extension that was built: python_stub.py FOLDER MODULE [PATCH].

The extension is looked at alone: its package's __init__ would add Python's functions to its classes.
PATCH has lines for the end of the stub, and lines `Class: text` for members that Python adds.
"""

import ast
import importlib.util
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


def main() -> int:
    folder, full = Path(sys.argv[1]), sys.argv[2]
    package, name = full.split(".")
    generator = StubGen(load(folder, package, name), quiet=True)
    generator.put(sys.modules[full])
    text = generator.get()
    for line in Path(sys.argv[3]).read_text().splitlines() if len(sys.argv) > 3 else []:
        owner, colon, member = line.partition(": ")
        if colon and owner.isidentifier():
            head = f"\nclass {owner}(enum.Enum):\n"
            assert head in text, owner
            text = text.replace(head, head + f"    {member}\n\n")
        else:
            text += line + "\n"
    ast.parse(text)
    (folder / package / f"{name}.pyi").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
