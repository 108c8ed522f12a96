#include "calibration_table.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace trt {

const char* name_of(nvinfer1::CalibrationAlgoType algorithm) {
  switch (algorithm) {
    case nvinfer1::CalibrationAlgoType::kLEGACY_CALIBRATION:
      return "LegacyCalibration";
    case nvinfer1::CalibrationAlgoType::kENTROPY_CALIBRATION:
      return "EntropyCalibration";
    case nvinfer1::CalibrationAlgoType::kENTROPY_CALIBRATION_2:
      return "EntropyCalibration2";
    case nvinfer1::CalibrationAlgoType::kMINMAX_CALIBRATION:
      return "MinMaxCalibration";
  }
  return "UnknownCalibration";
}

std::string calibration_header(nvinfer1::CalibrationAlgoType algorithm) {
  return "TRT-" + std::to_string(NV_TENSORRT_VERSION) + "-" + name_of(algorithm);
}

CalibrationTable parse_calibration_table(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  CalibrationTable out;
  for (bool first = true; !text.empty(); first = false) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    const size_t colon = line.rfind(": ");  // names may have colons too
    if (colon == std::string_view::npos) {
      if (first) {
        out.header = line;
      } else {
        ++out.unreadable;
      }
      continue;
    }
    const std::string_view digits = line.substr(colon + 2);
    uint32_t bits = 0;
    const auto [at, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
    float scale = 0;
    std::memcpy(&scale, &bits, sizeof scale);
    const bool read = problem == std::errc() && at == digits.data() + digits.size();
    if (!read || !std::isfinite(scale) || scale <= 0) {
      ++out.unreadable;
      continue;
    }
    out.scales.insert_or_assign(std::string(line.substr(0, colon)), scale);
  }
  return out;
}

std::string print(const CalibrationTable& table) {
  std::string out = table.header + "\n";
  for (const auto& [name, scale] : table.scales) {
    uint32_t bits = 0;
    std::memcpy(&bits, &scale, sizeof bits);
    char text[16];
    std::snprintf(text, sizeof text, ": %08x\n", bits);
    out += name + text;
  }
  return out;
}

}  // namespace trt
