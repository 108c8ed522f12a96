// Fuzzes the text of sizes, types and tensors: whatever is accepted prints, reads back as itself,
// and is simplified and evaluated without harm.
#include "tensor/dim_range.h"
#include "tensor/text.h"
#include "tensor/type_text.h"

namespace {

using namespace carnot;

void try_type(std::string_view text) {
  const Result<TensorType> type = parse_type(text);
  if (!type.ok()) return;
  Ranges ranges;
  ranges.set("a", 0, 8).set("b", -3, Dim::symbol("n"));
  for (const Dim& dim : type->dims) {
    if (dim.overflowed()) return;
    (void)simplify(dim, ranges);
    (void)evaluate(dim, {{"a", 3}, {"b", -1}, {"n", INT64_MAX}});
  }
  const Result<TensorType> back = parse_type(to_string(*type));
  CARNOT_CHECK(back.ok() && *back == *type);
}

void try_tensor(std::string_view text) {
  if (text.find("fill") != text.npos) return;  // few letters, many bytes: by intent
  const Result<Tensor> tensor = parse_tensor(text);
  if (!tensor.ok() || tensor->elements() > 10000) return;
  const Result<Tensor> back = parse_tensor(print_whole(*tensor));
  CARNOT_CHECK(back.ok() && *back == *tensor && hash(*back) == hash(*tensor));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  try_type(text);
  try_tensor(text);
  return 0;
}
