#pragma once
// How many bytes the data of a plugin's field have.
#include <cstddef>

#include "NvInferRuntime.h"

namespace trt {

/// Of `count` elements; two of those of four bits share a byte.
inline size_t bytes_of(nvinfer1::PluginFieldType type, size_t count) {
  using nvinfer1::PluginFieldType;
  switch (type) {
    case PluginFieldType::kFLOAT16:
    case PluginFieldType::kBF16:
    case PluginFieldType::kINT16:
      return 2 * count;
    case PluginFieldType::kFLOAT32:
    case PluginFieldType::kINT32:
      return 4 * count;
    case PluginFieldType::kFLOAT64:
    case PluginFieldType::kINT64:
      return 8 * count;
    case PluginFieldType::kDIMS:
      return sizeof(nvinfer1::Dims) * count;
    case PluginFieldType::kINT4:
    case PluginFieldType::kFP4:
      return (count + 1) / 2;
    default:
      return count;
  }
}

}  // namespace trt
