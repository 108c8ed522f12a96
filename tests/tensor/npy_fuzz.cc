// Fuzzes the .npy reader: it stays inside the file, and what it accepts it can write and read.
#include "tensor/npy.h"

#include "base/status.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace carnot;
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(bytes), size);
  const Result<Tensor> tensor = read_npy(file, nullptr);
  if (!tensor.ok() || tensor->dtype() == DType::kString) return 0;
  const Result<std::string> written = write_npy(*tensor);
  CARNOT_CHECK(written.ok());
  const Result<Tensor> back =
      read_npy(std::as_bytes(std::span(written->data(), written->size())), nullptr);
  CARNOT_CHECK(back.ok() && *back == *tensor);
  return 0;
}
