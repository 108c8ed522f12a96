from .test_build import *  # noqa: F401, F403
from .test_layers import *  # noqa: F401, F403
from .test_objects import *  # noqa: F401, F403
