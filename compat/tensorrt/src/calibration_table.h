#pragma once
// CalibrationTable: scales by tensor as TensorRT's calibration caches have them: a line
// "TRT-101601-EntropyCalibration2", then "name: 3c010204" for each tensor, the bits of a float.
#include <map>
#include <string>
#include <string_view>

#include "NvInfer.h"

namespace trt {

/// "EntropyCalibration2".
const char* name_of(nvinfer1::CalibrationAlgoType algorithm);

struct CalibrationTable {
  std::string header;  ///< the first line; empty where there is none
  /// What an INT8 step is worth: the range of a tensor is 127 of them.
  std::map<std::string, float, std::less<>> scales;
  int unreadable = 0;  ///< lines that are no scale
};

/// The header that a cache of this library's version has.
std::string calibration_header(nvinfer1::CalibrationAlgoType algorithm);
CalibrationTable parse_calibration_table(std::string_view text);
std::string print(const CalibrationTable& table);

}  // namespace trt
