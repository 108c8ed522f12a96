// Fuzzes the scanner under every text format: it stays inside, moves only on success, and reads
// back what it prints.
#include "base/text.h"

namespace {

constexpr int kReaders = 6;

bool read(carnot::Scanner& s, int reader) {
  switch (reader) {
    case 0:
      return s.integer().ok();
    case 1:
      return s.number().ok();
    case 2:
      return s.name().ok();
    case 3:
      return s.string().ok();
    case 4:
      return s.identifier().ok();
    default:
      return s.boolean().ok();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
  const std::string_view t(reinterpret_cast<const char*>(d), n);
  for (int reader = 0; reader < kReaders; ++reader) {
    carnot::Scanner s(t);
    while (!s.at_end()) {
      const size_t before = s.position();
      const bool moved = read(s, reader);
      CARNOT_CHECK(moved == (s.position() != before) && s.position() <= n);
      if (!moved) s.seek(before + 1);
    }
    CARNOT_CHECK(!s.expect("x").ok());
  }
  carnot::Scanner q(t);
  auto v = q.string();
  if (v.ok()) CARNOT_CHECK(*carnot::Scanner(carnot::quote(*v)).string() == *v);
  carnot::Scanner p(t);
  auto f = p.number();
  if (f.ok() && *f == *f) CARNOT_CHECK(*carnot::Scanner(carnot::print_float(*f)).number() == *f);
  return 0;
}
