// Fuzzes the container of GPU code and the calls of libraries in it: what is accepted writes and
// reads back as itself.
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
    const std::string_view text(reinterpret_cast<const char*>(file->modules[i].data()),
                                file->modules[i].size());
    if (const auto call = parse_matmul_call(text); call.ok()) {
      CARNOT_CHECK(to_string(*parse_matmul_call(to_string(*call))) == to_string(*call));
    }
    if (const auto call = parse_convolution_call(text); call.ok()) {
      CARNOT_CHECK(to_string(*parse_convolution_call(to_string(*call))) == to_string(*call));
    }
  }
  return 0;
}
