#!/usr/bin/env python3
"""The libraries of compat/tensorrt export what programs look for, and nothing else but our own calls.

exports.py LIBRARY_DIR
"""

import pathlib
import re
import subprocess
import sys

RUNTIME = """createInferRuntime_INTERNAL createInferRefitter_INTERNAL getPluginRegistry getLogger
  getInferLibVersion getInferLibMajorVersion getInferLibMinorVersion getInferLibPatchVersion
  getInferLibBuildVersion setInternalLibraryPath""".split()
EXPECTED = {
    "nvinfer": RUNTIME + """createInferBuilder_INTERNAL getBuilderPluginRegistry
      getBuilderSafePluginRegistry""".split(),
    "nvinfer_lean": RUNTIME,
    "nvinfer_dispatch": RUNTIME,
    "nvinfer_plugin": """initLibNvInferPlugins createNormalizePlugin createReorgPlugin
      createRegionPlugin createBatchedNMSPlugin createInstanceNormalizationPlugin
      createPriorBoxPlugin createAnchorGeneratorPlugin createNMSPlugin createLReLUPlugin
      createClipPlugin createSplitPlugin""".split(),
    "nvonnxparser": """createNvOnnxParser_INTERNAL createNvOnnxParserRefitter_INTERNAL
      getNvOnnxParserVersion""".split(),
}
# Members of other versions (nvinfer/legacy.h), and one function in a namespace.
OURS = re.compile(r"carnotTrt\w+|_ZN12nvonnxparser16createONNXConfigEv")


def lines(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def main():
    folder, failures = pathlib.Path(sys.argv[1]), []
    for name, expected in EXPECTED.items():
        library = folder / f"lib{name}.so"
        found = {line.split()[-1] for line in lines("nm", "-D", "--defined-only", library)}
        soname = [line for line in lines("readelf", "-d", library) if "SONAME" in line]
        if f"[lib{name}.so.10]" not in "".join(soname):
            failures.append(f"{library}: {soname}")
        if missing := sorted(set(expected) - found):
            failures.append(f"{library}: does not export {', '.join(missing)}")
        if extra := sorted(s for s in found - set(expected) if not OURS.fullmatch(s)):
            failures.append(f"{library}: exports {', '.join(extra)}")
    print("\n".join(failures) or f"{len(EXPECTED)} libraries: ok")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
