// The table of element types.
#include <array>

#include "base/status.h"
#include "carnot/types.h"

namespace carnot {
namespace {

struct Row {
  const char* text;
  int bits;
  DTypeClass kind;
};
constexpr Row kRows[] = {
#define CARNOT_DTYPE(name, text, bits, kind) {text, bits, DTypeClass::kind},
#include "carnot/dtypes.def"
};

const Row& row(DType dtype) {
  const auto index = static_cast<size_t>(dtype);
  CARNOT_CHECK(index < std::size(kRows));
  return kRows[index];
}

}  // namespace

const char* to_string(DType dtype) {
  return row(dtype).text;
}
DTypeClass class_of(DType dtype) {
  return row(dtype).kind;
}
int bits_of(DType dtype) {
  return row(dtype).bits;
}
std::optional<DType> parse_dtype(std::string_view text) {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (text == kRows[i].text) return static_cast<DType>(i);
  }
  return std::nullopt;
}

}  // namespace carnot
