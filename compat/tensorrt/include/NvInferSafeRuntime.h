// There is no safety runtime: what programs include this for beside it, the runtime's types.

#pragma once

#include "NvInferRuntime.h"
