#!/usr/bin/env python3
"""The tests of NVIDIA's Python bindings (tests/tensorrt/bindings), over our own module."""

import sys
import types
import unittest

import start

# What those tests say of NVIDIA's module alone.
SKIPPED = {
    "test_values.Callbacks": "calls the base class of an interface to reach the override: ours are "
    "classes of Python",
    "test_calls.CallTest.test_old_plugins_of_the_library": "addresses are integers here",
    "test_values.Values.test_lists": "calls functions of one list's class with another list",
}


def kept(suite):
    """The tests without those that are skipped."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from kept(test)
        elif not any(name in test.id() for name in SKIPPED):
            yield test


def main():
    start.start(["numpy", "onnx", "onnxruntime"])
    import tensorrt

    sys.path.insert(0, str(start.ROOT / "tests" / "tensorrt"))
    sys.modules["tensorrt_bindings"] = tensorrt  # the name that those tests import
    # They also note which of NVIDIA's functions are called: that is theirs to know.
    sys.modules["coverage"] = types.SimpleNamespace(watch=lambda module: (set(), set()))
    # NVIDIA's package tensorrt.plugin is not ours: plugins_test.py has plugins as decorated functions.
    sys.modules["bindings.test_quick_plugins"] = types.ModuleType("bindings.test_quick_plugins")
    from bindings import every_test

    tests = unittest.defaultTestLoader.loadTestsFromModule(every_test)
    result = unittest.TextTestRunner().run(unittest.TestSuite(kept(tests)))
    return not result.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main())
