// Fuzzes the importer with models in memory: no bytes may do more than give an error, and what is
// imported is a sound graph (import_onnx verifies it).
#include <chrono>

#include "onnx/importer.h"
#include "onnx/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
  const auto bytes = std::as_bytes(std::span(d, n));
  carnot::Budget budget({.bytes = int64_t{1} << 28, .time = std::chrono::seconds(5)});
  carnot::ImportOptions options;
  options.budget = &budget;
  (void)carnot::import_onnx(bytes, options).ok();
  (void)carnot::onnx::read_tensor(bytes).ok();
  return 0;
}
