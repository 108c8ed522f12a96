#include "device/cpu/library/library.h"

#include <cstdint>

#include "device/cpu/library/recurrent.h"
#include "device/device.h"

namespace carnot::cpu {

namespace {

const void* widest_recurrent() {
  [[maybe_unused]] const std::string isa = describe_cpu().isa;
#if defined(__x86_64__)
  if (isa == "avx512") return reinterpret_cast<const void*>(&recurrent_avx512);
  if (isa == "avx2") return reinterpret_cast<const void*>(&recurrent_avx2);
#endif
  return reinterpret_cast<const void*>(&recurrent_base);
}

}  // namespace

std::span<const std::pair<std::string_view, const void*>> library_entries() {
  static const std::pair<std::string_view, const void*> kEntries[] = {
      {kRecurrentEntry, widest_recurrent()},
  };
  return kEntries;
}

}  // namespace carnot::cpu
