// Fuzzes the container of GPU code: what is accepted writes and reads back as itself.
#include <algorithm>

#include "device/cuda/code_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace carnot;
  using namespace carnot::cuda;
  const Result<CodeFile> file = parse_code_file(std::as_bytes(std::span(bytes, size)));
  if (!file.ok()) return 0;
  const std::vector<std::byte> written = write_code_file(*file);
  const Result<CodeFile> back = parse_code_file(written);
  CARNOT_CHECK(back.ok() && back->entries == file->entries);
  CARNOT_CHECK(back->modules.size() == file->modules.size());
  for (size_t i = 0; i < file->modules.size(); ++i) {
    CARNOT_CHECK(std::ranges::equal(back->modules[i], file->modules[i]));
  }
  return 0;
}
