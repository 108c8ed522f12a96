#!/usr/bin/env python3
"""Our tensorrt beside NVIDIA's: each public name, its kind, values, and names of arguments.

Ours may have more: what versions 7, 8 and 11 have. What is missing fails.
"""

import inspect
import re
import sys

import start

# What is not the interface: how pybind11 works, and modules that NVIDIA's __init__ imports.
INTERNAL = re.compile(r"_pybind11|__pybind11|^__(entries|hash|index|int|str|del|getstate|setstate|bool)__$")
NOT_THE_INTERFACE = {
    "attr", "value", "ctypes", "os", "sys", "warnings", "common_enter", "common_exit", "_itemsize",
}
# Ours and NVIDIA's differ on purpose: "Class.member" -> why.
DIFFERENT = {
    "IPluginCreator.deserialize_plugin": "NVIDIA's lists two overloads of which one is internal",
    "IDebugListener.process_debug_tensor": "an address is an integer",
    "IGpuAllocator": "addresses are integers",
    "IGpuAsyncAllocator": "addresses are integers",
    "IStreamReader.read": "NVIDIA's lists the call of C++; programs implement read(size)",
    "IStreamReaderV2.read": "NVIDIA's lists the call of C++; programs implement read(size, stream)",
    "IStreamWriter.write": "NVIDIA's lists the call of C++; programs implement write(data)",
    "INetworkDefinition.add_plugin": "`aot` may be left out",
}


def public(names):
    return sorted(n for n in names if not INTERNAL.search(n) and n not in NOT_THE_INTERFACE)


def members(cls):
    """Attributes of the class and its bases, but for those that every object has."""
    found = {}
    for base in reversed(cls.__mro__):
        if base is not object and base.__name__ not in ("pybind11_object", "Enum"):
            found.update(vars(base))
    return found


def arguments(function):
    """The names of arguments of each overload, self not among them; None where they are hidden."""
    if signatures := getattr(function, "__nb_signature__", None):
        lines = [entry[0] for entry in signatures]
    elif inspect.isfunction(function):
        return [[p for p in inspect.signature(function).parameters if p != "self"]]
    else:
        name = getattr(function, "__name__", "")
        pattern = re.compile(rf"^(?:\d+\. )?{re.escape(name)}\((.*)\) -> ")
        lines = [line.strip() for line in (function.__doc__ or "").splitlines()]
        lines = [line for line in lines if pattern.match(line)]
    return [names_in(re.sub(r"^[^(]*\(", "", line.rsplit(") -> ", 1)[0])) for line in lines] or None


def names_in(text):
    """'self: A, x: tuple[int, int] = (1, 2), y: B' -> [x, y]"""
    parts, depth, begin = [], 0, 0
    for i, c in enumerate(text + ","):
        depth += (c in "([{<") - (c in ")]}" or (c == ">" and text[i - 1] != "-"))
        if c == "," and depth == 0:
            parts.append(text[begin:i])
            begin = i + 1
    names = [part.split(":")[0].split("=")[0].strip() for part in parts]
    return [name for name in names if name not in ("self", "", "/", "*")]


def kind(value):
    if isinstance(value, property):
        return "property"
    if inspect.isclass(value):
        return "class"
    return "function" if callable(value) or isinstance(value, staticmethod) else "value"


def agree(theirs, ours):
    """Whether a call by theirs' names reaches ours. arg0 is no name; `in` is a word of Python."""
    return len(theirs) <= len(ours) and all(
        a == b or re.match(r"arg\d", a) or (a, b) in (("in", "input_desc"), ("out", "output_desc"))
        for a, b in zip(theirs, ours)
    )


class Comparison:
    def __init__(self, theirs, ours):
        self.theirs, self.ours, self.problems, self.count = theirs, ours, [], 0

    def wrong(self, where, what):
        owner = where.split(".")[0]
        if where not in DIFFERENT and owner not in DIFFERENT:
            self.problems.append(f"{where}: {what}")

    def modules(self):
        for name in public(vars(self.theirs)):
            self.count += 1
            if name.startswith("__"):
                continue
            if not hasattr(self.ours, name):
                self.wrong(name, "missing")
                continue
            theirs, ours = getattr(self.theirs, name), getattr(self.ours, name)
            if inspect.isclass(theirs):
                self.classes(name, theirs, ours)
            elif callable(theirs):
                self.calls(name, theirs, ours)

    def classes(self, name, theirs, ours):
        if not (ours.__doc__ or "").strip():
            self.wrong(name, "no docstring")
        bases = {base.__name__ for base in theirs.__mro__} - {"pybind11_object"}
        if missing := bases - {base.__name__ for base in ours.__mro__}:
            self.wrong(name, f"is no {sorted(missing)}")
        if values := getattr(theirs, "__members__", None):
            for label, value in values.items():
                self.count += 1
                mine = ours.__members__.get(label)
                if mine is None or int(mine) != int(value):
                    self.wrong(f"{name}.{label}", f"{mine!r} is not {value!r}")
            return
        mine = members(ours)
        for label, value in members(theirs).items():
            if INTERNAL.search(label) or label in ("__init__", "__module__", "__doc__", "__dict__"):
                continue
            self.count += 1
            self.member(f"{name}.{label}", value, mine.get(label), getattr(ours, label, None))

    def member(self, where, theirs, stored, ours):
        if stored is None and ours is None and where.split(".")[1] not in ("kind", "type"):
            self.wrong(where, "missing")
        elif kind(theirs) == "function" and callable(ours):
            self.calls(where, theirs, ours)
        elif isinstance(stored, property):
            if kind(theirs) != "property":
                self.wrong(where, f"is a property, not a {kind(theirs)}")
            elif theirs.fset and not stored.fset:
                self.wrong(where, "cannot be set")
        elif kind(theirs) == "function":
            self.wrong(where, "is no function")

    def calls(self, where, theirs, ours):
        if where.split(".")[-1].startswith("__"):
            return
        if not (ours.__doc__ or "").strip():
            self.wrong(where, "no docstring")
        want, have = arguments(theirs), arguments(ours)
        for overload in want or []:
            if have is not None and not any(agree(overload, given) for given in have):
                self.wrong(where, f"takes {have}, not {overload}")


def main():
    start.start(["numpy", "tensorrt-cu13-bindings"])
    import tensorrt
    import tensorrt_bindings

    comparison = Comparison(tensorrt_bindings, tensorrt)
    comparison.modules()
    print(f"{comparison.count} names compared, {len(comparison.problems)} differ")
    print("\n".join(comparison.problems))
    return bool(comparison.problems)


if __name__ == "__main__":
    sys.exit(main())
