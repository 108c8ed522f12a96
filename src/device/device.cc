// What every device whose memory is the host's does alike.
#include "device/device.h"

#include <chrono>
#include <cstring>

namespace carnot {

Result<std::unique_ptr<Stream>> Device::make_stream(void* native) {
  if (native) {
    return error(Code::kInvalidArgument, "a ", description().kind,
                 " device has no streams that a caller could give it");
  }
  return std::make_unique<Stream>();
}

Status Device::copy(void* to, const void* from, size_t bytes, Stream*) {
  if (bytes > 0) std::memmove(to, from, bytes);
  return {};
}

Status Device::set(void* memory, std::byte value, size_t bytes) {
  if (bytes > 0) std::memset(memory, static_cast<int>(value), bytes);
  return {};
}

Status Device::replay(Recording&, std::span<void* const>, const RunOptions&) {
  return error(Code::kInternal, "a ", description().kind, " device records nothing");
}

Result<double> Device::time_us(const Launch& launch, std::span<void* const> scratch) {
  const auto begin = std::chrono::steady_clock::now();
  CARNOT_RETURN_IF_ERROR(run({&launch, 1}, scratch));
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

}  // namespace carnot
