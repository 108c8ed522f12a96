// Any bytes as a plan's text: an error, or a plan that prints to what reads back the same.
#include "base/status.h"
#include "plan/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace carnot;
  const Result<Plan> plan = parse_plan({reinterpret_cast<const char*>(bytes), size});
  if (!plan.ok()) return 0;
  (void)verify(*plan, 4).ok();
  const std::string printed = print(*plan);
  const Result<Plan> again = parse_plan(printed);
  CARNOT_CHECK(again.ok());
  CARNOT_CHECK(print(*again) == printed);
  return 0;
}
