#!/usr/bin/env python3
"""Checks what clang-format and the compiler cannot: layers, sizes, names, dead files, banned words.

Runs as a ctest test and in `./dev check`. Looks at the files that git tracks.
"""

import pathlib
import re
import subprocess
import sys

# A folder of src/ may include itself, base, include/carnot, what its row names, and what those may.
LAYERS = {
    "base": [],
    "tensor": [],
    "ops": ["tensor"],
    "ir": ["ops"],
    "onnx": ["ir"],
    "passes": ["kernel"],
    "kernel": ["ir"],
    "device": ["tensor"],
    "device/null": ["device"],
    "device/cpu": ["device"],
    "device/cuda": ["device"],
    "codegen": ["kernel", "device"],
    "codegen/cpu": ["codegen", "device/cpu"],
    "codegen/cuda": ["codegen", "device/cuda"],
    "tactics": ["kernel", "codegen", "device"],
    "tactics/cpu": ["tactics", "codegen/cpu"],
    "tactics/cuda": ["tactics", "codegen/cuda"],
    "plan": ["ops", "device"],
    "tune": ["tactics", "tactics/cpu", "tactics/cuda", "device"],
    "engine": ["plan"],
    "runtime": ["engine", "plan", "device/null", "device/cpu", "device/cuda"],
    "quant": ["runtime", "passes"],
    "build": ["onnx", "passes", "tune", "tactics/cpu", "tactics/cuda", "device/null", "engine"],
    "api": ["build", "runtime", "quant"],
}
# Reached through a row above, yet not to be included: the lean runtime links without them.
DENIED = {folder: {"ir"} for folder in ("plan", "engine", "runtime")}

# Third-party headers that stay where they belong: pattern -> folders.
CONFINED = {
    r"llvm(-c)?/": ("src/codegen/", "tests/codegen/"),
    r"protozero/": ("src/onnx/", "tests/onnx/"),
    r"(cuda|nvrtc|cublas|cudnn)\w*\.h": ("src/device/cuda/", "src/codegen/cuda/",
                                         "src/tactics/cuda/"),
    r"CLI/": ("tools/", "bench/", "examples/"),
}

FILE_LINES, HEADER_LINES, COLUMNS, PUBLIC_LINES = 800, 300, 100, 1800
COMPAT_INCLUDE = "compat/tensorrt/include/"  # given classes with a comment a member: FILE_LINES
FUNCTION_LINES, KERNEL_LINES = 70, 150
MACROS, CMAKE_OPTIONS, RECIPES, RECIPE_LINES, FILE_BYTES = 15, 10, 4, 10, 1 << 20
KERNEL_FOLDERS = ("src/codegen/", "src/kernel/", "src/tactics/")  # long straight-line bodies

BANNED = {
    r"\busing namespace std\b": "qualify",
    r"\bshared_ptr\b": "unique_ptr, or a reference",
    r"\bTODO(?!\(#\d+\))": "TODO(#issue)",
    r"\bstd::(cout|cerr)\b": "base/log.h",
    r"\bgetenv\b": "an option",
    r"\bassert\(": "CARNOT_CHECK",
    r"\bcatch \(\.\.\.\)": "the exception that is expected",
}
FOREIGN = ("compat/tensorrt/",)  # speaks TensorRT's names
BANNED_IN = ("src/", "include/")
BANNED_NAMES = {"manager", "helper", "helpers", "util", "utils", "common", "misc", "impl", "data",
                "info"}

# (check, path or path:function) -> the reason why it may be. Checks: lines, function, banned,
# unused, include, name, comment.
EXCEPTIONS = {
    ("banned", "include/carnot/engine.h"): "an Engine is shared by its Contexts",
    ("banned", "include/carnot/tensor.h"): "weights are shared by graph copies, never duplicated",
    ("banned", "src/tensor/tensor.cc"): "a Tensor's storage",
    ("banned", "src/tensor/npy.h"): "hands the file's bytes to a Tensor",
    ("banned", "src/tensor/npy.cc"): "hands the file's bytes to a Tensor",
    ("banned", "src/onnx/importer.h"): "keeps the mapped model alive for its weights",
    ("banned", "src/onnx/reader.h"): "keeps the mapped model alive for its weights",
    ("include", "src/tactics/tactics.cc"): "the one place that names every device's table",
    ("include", "compat/tensorrt/include/NvInferRuntimeBase.h"): "programs expect CUDA's from it",
    ("include", "compat/tensorrt/include/nvinfer/safe_graph.h"): "programs expect CUDA's __half from it",
    ("name", "tests/tensorrt/tutorials/host_cuda.h"): "CUDA's names",
    ("unused", "tests/tensorrt/tutorials/host_cuda.h"): "included by programs as people have them",
    ("include", "tests/tensorrt/gpu_plugins.cu"): "a plugin launches kernels of its own",
    ("lines", "include/carnot/op_structs.h"): "one list, data only: every op in one place",
    ("name", "src/codegen/cuda/numbers.cuh"): "traits, spelled as the standard library's",
    ("name", "src/ops/op.h"): "Info is to infer() what Tensor is to reference(): a term of its own",
}

CODE = {".h", ".cc", ".cu", ".cuh", ".def"}
HEADERS = {".h", ".cuh", ".def"}
SCOPE = re.compile(r"\b(namespace|class|struct|enum|union)\b|\bextern\s*$")


def closure(folder):
    seen, todo = set(), [folder]
    while todo:
        for below in LAYERS[todo.pop()]:
            if below not in seen:
                seen.add(below)
                todo.append(below)
    if folder in seen:
        raise SystemExit(f"tidy: the layers have a cycle through {folder}")
    return (seen | {folder, "base"}) - DENIED.get(folder, set())


ALLOWED = {folder: closure(folder) for folder in LAYERS}


def layer_of(path):
    """'device/cpu/pool.h' -> 'device/cpu', None when no row matches."""
    parts = path.split("/")[:-1]
    while parts and "/".join(parts) not in LAYERS:
        parts.pop()
    return "/".join(parts) or None


def blank(text):
    """Code with comments and literals replaced by spaces, line by line the same."""
    pattern = r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)


def functions(text):
    """(name, first line, lines) of each function body outside other functions."""
    stack, head, line, head_line = [], "", 1, 1
    for c in blank(text):
        if c == "{":
            outer = not stack or stack[-1][0] == "scope"
            is_scope = outer and SCOPE.search(head) and not re.search(r"\)\s*(const|noexcept|\s)*$",
                                                                      head)
            is_function = outer and not is_scope and "(" in head
            kind = "scope" if is_scope else "function" if is_function else "inner"
            name = re.search(r"([\w~:]+)\s*\(", head)
            stack.append((kind, name[1] if name else "?", head_line))
            head = ""
        elif c == "}":
            if stack:
                kind, name, begin = stack.pop()
                if kind == "function":
                    yield name, begin, line - begin + 1
            head = ""
        elif c == ";":
            head = ""
        else:
            if not head.strip() and not c.isspace():
                head_line = line
            head += c
        if c == "\n":
            line += 1
            if head.lstrip().startswith("#"):
                head = ""


TYPE = re.compile(r"\b(?:class|struct|union|enum(?: class)?)\s+(\w+)\s*(?:final\s*)?[:{]")
ENUM = re.compile(r"\benum(?: class)?\s*\w*\s*(?::\s*[\w:]+)?\s*\{([^}]*)\}")
CONSTANT = re.compile(r"(?:inline |static )*constexpr [^(={;]*?(\w+)(?:\[[^\]]*\])*\s*[={;]")
VALUE = r"(?:\[[^\]]*\])?\s*(?:=[^=(]*|\{[^(]*\})?;$"
GLOBAL = re.compile(r"(?=\S)(?:static |thread_local |inline )*(?!const|inline|using|namespace|"
                    r"class|struct|enum|extern|typedef|template|return|friend|public|private)"
                    r"[\w:<>,*& ]+ \**([a-z]\w*)" + VALUE)
MEMBER = re.compile(r"\s+(?!\s|static|using|friend|struct|class|enum|return)"
                    r"[\w:<>,*& \[\]]+[ *&](\w+)" + VALUE)


def bad_names(text, in_library):
    """(line, what is wrong) for each name that is not spelled as its kind of thing is."""
    code = blank(text)
    at = lambda offset: code.count("\n", 0, offset) + 1
    for m in TYPE.finditer(code):
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", m[1]):
            yield at(m.start()), f"the type {m[1]} is not in PascalCase"
        if m[1].lower() in BANNED_NAMES:
            yield at(m.start()), f"{m[1]} says nothing"
    for m in ENUM.finditer(code):
        for value in re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", re.sub("#.*", "", m[1]).strip()):
            if not re.match(r"k[A-Z0-9]", value):
                yield at(m.start()), f"the enumerator {value} is no kConstant"
    scopes = []  # of classes: [access, depth of braces]
    for n, line in enumerate(code.splitlines(), 1):
        m = CONSTANT.match(line) or re.match(r"\s+static " + CONSTANT.pattern, line)
        if m and not re.match(r"k[A-Z0-9]", m[1]):
            yield n, f"the constant {m[1]} is no kConstant"
        if m := in_library and GLOBAL.match(line):
            yield n, f"the global variable {m[1]}: nothing but the log sink is global"
        if m := re.match(r"\s*(class|struct)\s[^;]*\{\s*$", line):
            scopes.append(["private" if m[1] == "class" else "public", 1])
        elif scopes:
            scope = scopes[-1]
            if m := re.match(r"\s*(public|private|protected):", line):
                scope[0] = m[1]
            elif scope == ["private", 1] and (m := MEMBER.match(line)) and m[1][-1] != "_":
                yield n, f"the private member {m[1]} has no _ at its end"
            scope[1] += line.count("{") - line.count("}")
            if scope[1] <= 0:
                scopes.pop()


def rows_of(folder, path):
    """CARNOT_OP(OneHot) -> one_hot, for each row of a .def file."""
    names = re.findall(r"^CARNOT_[A-Z]+\((\w+)", (folder / path).read_text(), flags=re.M)
    return [re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower() for name in names]


class Tidy:
    def __init__(self, root):
        self.root, self.errors, self.included, self.macros = root, [], set(), set()
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True,
                                check=True).stdout.split("\0")
        self.files = [f for f in listed if f and (root / f).is_file()]
        self.code = [f for f in self.files if pathlib.Path(f).suffix in CODE]

    def error(self, check, path, message, line=None, function=None):
        if check == "name" and path.startswith(FOREIGN):
            return
        for key in (path, f"{path}:{function}"):
            if (check, key) in EXCEPTIONS:
                return
        self.errors.append(f"{path}:{line or 1}: {message}")

    def include(self, path, line, name, angled):
        for pattern, folders in CONFINED.items():
            if re.match(pattern, name) and not path.startswith(folders):
                self.error("include", path, f"<{name}> belongs in {', '.join(folders)}", line)
        if path.startswith("include/") and not name.startswith("carnot/"):
            if not angled or "/" in name or name.endswith(".h"):
                self.error("include", path, "public headers include standard headers only", line)
        if angled:
            return
        sibling = (pathlib.Path(path).parent / name).as_posix()
        self.included.update((f"src/{name}", f"include/{name}", name, sibling))
        if path.startswith("compat/") and not name.startswith("carnot/"):
            roots = (pathlib.Path(path).parent, COMPAT_INCLUDE, "compat/tensorrt/src")
            if not any((self.root / folder / name).is_file() for folder in roots):
                self.error("include", path, "compat/ may include include/carnot only", line)
        if not path.startswith("src/") or name.startswith("carnot/"):
            return
        own, other = layer_of(path[4:]), layer_of(name)
        if own is None:
            self.error("include", path, "this folder is no row of LAYERS in tools/tidy.py", line)
        elif other is None:
            self.error("include", path, f'"{name}": write the path from src/', line)
        elif other not in ALLOWED[own]:
            self.error("include", path, f"{own}/ may not include {other}/", line)

    def one_file(self, path):
        text = (self.root / path).read_text()
        lines = text.splitlines()
        is_header = path.endswith((".h", ".cuh")) and not path.startswith(COMPAT_INCLUDE)
        limit = HEADER_LINES if is_header else FILE_LINES
        if len(lines) > limit:
            self.error("lines", path, f"{len(lines)} lines, the limit is {limit}")
        if pathlib.Path(path).stem in BANNED_NAMES:
            self.error("banned", path, "a name that says nothing")
        own = pathlib.Path(path).stem + ".h"
        has_own = path.endswith(".cc") and (self.root / path).with_suffix(".h").is_file()
        if has_own and not re.search(r'#\s*include "([^">]+)', text)[1].endswith(own):
            self.error("include", path, f"its own header {own} comes first")
        if not has_own and not re.match(r"(#pragma once\n)?//", text):
            self.error("comment", path, "does not open with what it is")
        for n, what in bad_names(text, path.startswith(BANNED_IN)):
            self.error("name", path, what, n)
        for n, line in enumerate(lines, 1):
            if re.match(r"\s*//+\s*[-=*#]{3}|\s*//[^/].*(\)| = .*);$", line):
                self.error("comment", path, "a banner, or code that is commented out", n)
            if len(line) > COLUMNS:
                self.error("columns", path, f"{len(line)} columns, the limit is {COLUMNS}", n)
            if m := re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line):
                self.include(path, n, m[2], m[1] == "<")
            for macro in re.findall(r"^#\s*define (CARNOT_\w+)\b(?<!_)", line):
                if f"#undef {macro}\n" not in text:  # else it is the file's own
                    self.macros.add(macro)
            if path.startswith(BANNED_IN):
                for word, instead in BANNED.items():
                    if m := re.search(word, line):
                        self.error("banned", path, f"'{m[0]}' is banned: use {instead}", n)
        if path.endswith((".h", ".cuh")) and "#pragma once" not in text:
            self.error("include", path, "has no #pragma once")
        limit = KERNEL_LINES if path.startswith(KERNEL_FOLDERS) else FUNCTION_LINES
        for name, begin, count in functions(text):
            if count > limit:
                self.error("function", path, f"{name}: {count} lines, the limit is {limit}", begin,
                           name)

    def registered(self, path):
        """The nearest CMakeLists.txt above a source names it, or a .def file with a row for it."""
        folder = (self.root / path).parent
        while folder != self.root and not (folder / "CMakeLists.txt").is_file():
            folder = folder.parent
        name = (self.root / path).relative_to(folder).as_posix()
        lists = (folder / "CMakeLists.txt").read_text() if folder != self.root else ""
        rows = {row for base, table in re.findall(r"row_sources\(\w+ \$\{(\w+)\}/(\S+\.def)", lists)
                for row in rows_of(self.root if base == "PROJECT_SOURCE_DIR" else folder, table)}
        listed = re.search(rf"(?<![\w/.]){re.escape(name)}(?![\w.])", lists)
        if not listed and pathlib.Path(path).stem not in rows:
            self.error("unused", path, "no CMakeLists.txt lists this source")

    def whole(self):
        """What no single source shows."""
        for path in self.files:
            if re.search(r"[^a-z0-9_.]", pathlib.Path(path).name) and path in self.code:
                self.error("name", path, "file names are in snake_case")
            if (size := (self.root / path).stat().st_size) > FILE_BYTES:
                self.error("lines", path, f"{size} bytes, the limit is {FILE_BYTES}")
        if len(self.macros) >= MACROS:
            self.error("lines", "src", f"{len(self.macros)} macros: {sorted(self.macros)}")
        cmake = "".join((self.root / f).read_text() for f in self.files
                        if f.endswith((".cmake", "CMakeLists.txt")))
        if len(re.findall(r"^\s*option\(", cmake, flags=re.M)) > CMAKE_OPTIONS:
            self.error("lines", "CMakeLists.txt", f"more than {CMAKE_OPTIONS} options")
        if "FetchContent" in cmake:
            self.error("banned", "CMakeLists.txt", "FetchContent: use find_package")
        hacking = (self.root / "HACKING.md").read_text()
        recipes = re.findall(r"^## Add (.*)\n((?:(?!#).*\n)*)", hacking, flags=re.M)
        if len(recipes) != RECIPES:
            self.error("lines", "HACKING.md", f"{len(recipes)} recipes, not {RECIPES}")
        for name, text in recipes:
            if len([line for line in text.splitlines() if line.strip()]) >= RECIPE_LINES:
                self.error("lines", "HACKING.md", f"the recipe for {name} is not under ten lines")

    def run(self):
        for path in self.code:
            self.one_file(path)
        self.whole()
        for path in self.code:
            if path.startswith("src/") and path.endswith((".cc", ".cu")):
                self.registered(path)
            public = path.startswith(("include/", "compat/"))
            if pathlib.Path(path).suffix in HEADERS and not public and path not in self.included:
                self.error("unused", path, "included by nobody")
        count = sum(len((self.root / f).read_text().splitlines()) for f in self.code
                    if f.startswith("include/carnot/"))
        if count > PUBLIC_LINES:
            self.errors.append(f"include/carnot: {count} lines, the limit is {PUBLIC_LINES}")
        print("\n".join(self.errors) or f"tidy: ok, {len(self.code)} files")
        return bool(self.errors)


if __name__ == "__main__":
    sys.exit(Tidy(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()).run())
