// Device descriptions as one line of text.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "device/device.h"

namespace carnot {
namespace {

constexpr int kThreadsMax = 65536;

// "key=value key=value": no spaces inside a value.
std::string_view next_word(std::string_view& text) {
  const size_t begin = std::min(text.find_first_not_of(' '), text.size());
  const size_t end = std::min(text.find(' ', begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

template <class T>
bool read_number(std::string_view text, T low, T high, T& out) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return false;
  if (!(value >= low && value <= high)) return false;
  out = value;
  return true;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

bool read_features(std::string_view text, std::vector<std::string>& out) {
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (!is_word(text.substr(0, comma))) return false;
    out.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  std::sort(out.begin(), out.end());
  return true;
}

bool read_field(std::string_view key, std::string_view value, DeviceDescription& out) {
  constexpr int64_t kCacheMax = int64_t{1} << 40;
  constexpr double kRateMax = 1e9;
  if (key == "isa") return out.isa = value, is_word(value);
  if (key == "features") return read_features(value, out.features);
  if (key == "threads") return read_number(value, 1, kThreadsMax, out.threads);
  if (key == "vector") return read_number(value, 1, 4096, out.vector_bytes);
  if (key == "registers") return read_number(value, 1, 65536, out.vector_registers);
  if (key == "l1") return read_number(value, int64_t{0}, kCacheMax, out.l1_bytes);
  if (key == "l2") return read_number(value, int64_t{0}, kCacheMax, out.l2_bytes);
  if (key == "l3") return read_number(value, int64_t{0}, kCacheMax, out.l3_bytes);
  if (key == "gflops") return read_number(value, 0.0, kRateMax, out.peak_gflops);
  if (key == "name") return out.name = value, is_word(value);
  if (key == "sms") return read_number(value, 1, 65536, out.sms);
  if (key == "shared") return read_number(value, int64_t{0}, kCacheMax, out.shared_bytes);
  if (key == "clock") return read_number(value, 0, 1000000, out.clock_mhz);
  if (key == "gbps") return read_number(value, 0.0, kRateMax, out.memory_gbps);
  return false;
}

}  // namespace

bool DeviceDescription::has(std::string_view feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

std::string to_string(const DeviceDescription& device) {
  std::string out = cat(device.kind, " isa=", device.isa);
  if (!device.features.empty()) {
    out += " features=";
    for (size_t i = 0; i < device.features.size(); ++i) {
      out += cat(i ? "," : "", device.features[i]);
    }
  }
  out += cat(" threads=", device.threads, " l1=", device.l1_bytes, " l2=", device.l2_bytes,
             " l3=", device.l3_bytes, " vector=", device.vector_bytes,
             " registers=", device.vector_registers);
  if (!device.name.empty()) out += cat(" name=", device.name);
  if (device.sms > 0) out += cat(" sms=", device.sms);
  if (device.shared_bytes > 0) out += cat(" shared=", device.shared_bytes);
  if (device.clock_mhz > 0) out += cat(" clock=", device.clock_mhz);
  if (device.peak_gflops > 0) out += " gflops=" + print_float(device.peak_gflops);
  if (device.memory_gbps > 0) out += " gbps=" + print_float(device.memory_gbps);
  return out;
}

Result<DeviceDescription> parse_device(std::string_view text) {
  DeviceDescription out;
  std::string_view rest = text;
  out.kind = next_word(rest);
  if (!is_word(out.kind)) {
    return error(Code::kInvalidArgument, "device description \"", text,
                 "\": it begins with the device's kind, such as cpu");
  }
  while (true) {
    const std::string_view word = next_word(rest);
    if (word.empty()) return out;
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos ||
        !read_field(word.substr(0, equals), word.substr(equals + 1), out)) {
      return error(Code::kInvalidArgument, "device description \"", text, "\": cannot read \"",
                   word, "\"");
    }
  }
}

}  // namespace carnot
