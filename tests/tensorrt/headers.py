#!/usr/bin/env python3
"""compat/tensorrt/include compiles without a warning: each header alone, all in every standard and in
the language of every version.

headers.py INCLUDE_DIR COMPILER...
"""

import pathlib
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wnon-virtual-dtor", "-Werror"]


def compile_text(compiler, standard, include, text, *flags):
    command = [compiler, f"-std=c++{standard}", *WARNINGS, *flags, "-fsyntax-only", f"-I{include}", "-x",
               "c++", "-"]
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        print(f"{compiler} -std=c++{standard}:\n{text}{done.stderr}")
    return done.returncode == 0


def main():
    include, compilers = pathlib.Path(sys.argv[1]), [c for c in sys.argv[2:] if shutil.which(c)]
    headers = sorted(h.relative_to(include).as_posix() for h in include.rglob("*.h"))
    ok = bool(headers and compilers)
    for compiler in compilers:
        for standard in (14, 17, 20):
            text = "".join(f'#include "{h}"\n' for h in headers)
            ok = compile_text(compiler, standard, include, text) and ok
        ok = compile_text(compiler, 17, include, text, "-DCARNOT_TENSORRT_WITHOUT_CUDA") and ok
        for version in (7, 8, 9):
            ok = compile_text(compiler, 14, include, text,
                              f"-DCARNOT_TENSORRT_SOURCE={version}") and ok
    for header in headers:
        ok = compile_text(compilers[0], 14, include, f'#include "{header}"\n') and ok
    print(f"{len(headers)} headers, {', '.join(compilers)}: {'ok' if ok else 'FAILED'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
