// The virtual tables behind the public classes (namespace nvinfer1::apiv).

#pragma once

#include "nvinfer/tables_builder.h"
