// Any bytes as an engine file, with their hashes put right so that what is behind them is reached:
// an error, or an engine that is written to what reads back the same.
#include <cstring>

#include "engine/container.h"
#include "engine/engine_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace carnot;
  auto copy = Tensor::allocate(DType::kU8, {static_cast<int64_t>(size)});
  if (!copy.ok() || size == 0) return 0;
  std::memcpy(copy->mutable_data(), bytes, size);
  (void)parse_engine(*copy).ok();
  repair_hashes_for_testing({copy->mutable_data(), size});
  const Result<EngineFile> engine = parse_engine(*copy);
  if (!engine.ok()) return 0;
  const auto written = serialize_engine(*engine);
  CARNOT_CHECK(written.ok());
  auto again = Tensor::allocate(DType::kU8, {static_cast<int64_t>(written->size())});
  std::memcpy(again->mutable_data(), written->data(), written->size());
  const Result<EngineFile> read = parse_engine(*again);
  CARNOT_CHECK(read.ok());
  CARNOT_CHECK(print(read->plan) == print(engine->plan));
  return 0;
}
