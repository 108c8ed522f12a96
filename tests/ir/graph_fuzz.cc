// Any bytes as a graph's text: an error, or a graph that prints to what reads back the same.
#include "base/status.h"
#include "ir/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace carnot;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const Result<Graph> graph = parse_graph(text);
  if (!graph.ok()) return 0;
  ConstantTable constants;
  const std::string printed = print(*graph, {false, &constants});
  const Result<Graph> again = parse_graph(printed, {&constants, "printed"});
  CARNOT_CHECK(again.ok());
  CARNOT_CHECK(print(*again) == printed);
  return 0;
}
