from .test_build import *  # noqa: F401, F403
