// What the GPUs of this machine are, and what those are that are not here.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "device/cuda/cuda.h"
#include "device/cuda/driver.h"
#include "device/cuda/find_library.h"
#include "device/cuda/library_call.h"

namespace carnot {
namespace {

constexpr int kComputeMin = 75;

// Multiply-adds of f32 that one multiprocessor starts per clock.
int lanes(int compute) {
  return compute == 75 || compute == 80 ? 64 : 128;
}

// From 9.0 on there are instructions that only that very generation has.
std::string isa_of(int compute) {
  return cat("sm_", compute, compute >= 90 ? "a" : "");
}

std::string word_of(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (!letter && (out.empty() || out.back() == '-')) continue;
    out += letter ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

DeviceDescription gpu() {
  DeviceDescription out;
  out.kind = "cuda";
  out.threads = 1;
  out.vector_bytes = 16;
  out.vector_registers = 255;
  out.l3_bytes = 0;
  return out;
}

double peak(const DeviceDescription& device, int compute) {
  return 2e-3 * lanes(compute) * device.sms * device.clock_mhz;
}

Result<GpuListing> listing(const cuda::Driver& driver, int index) {
  int device = 0;
  CARNOT_RETURN_IF_ERROR(driver.status(driver.device_get(&device, index), "finding a GPU"));
  Status failed;
  const auto ask = [&](int attribute) {
    int value = 0;
    Status status = driver.status(driver.device_attribute(&value, attribute, device),
                                  "asking for a property of the GPU");
    if (!status.ok() && failed.ok()) failed = std::move(status);
    return value;
  };
  GpuListing out;
  char name[256] = {};
  CARNOT_RETURN_IF_ERROR(
      driver.status(driver.device_name(name, sizeof name, device), "asking for the GPU's name"));
  size_t memory = 0;
  CARNOT_RETURN_IF_ERROR(
      driver.status(driver.device_memory(&memory, device), "asking for the GPU's memory"));
  out.name = name;
  out.memory_bytes = static_cast<int64_t>(memory);
  out.memory_clock_mhz = ask(cuda::kMemoryClockRate) / 1000;
  const int compute = 10 * ask(cuda::kComputeMajor) + ask(cuda::kComputeMinor);
  DeviceDescription& d = out.description = gpu();
  d.isa = isa_of(compute);
  d.name = word_of(out.name);
  d.sms = ask(cuda::kMultiprocessors);
  d.shared_bytes = ask(cuda::kSharedPerBlock);
  d.l1_bytes = ask(cuda::kSharedPerMultiprocessor);
  d.l2_bytes = ask(cuda::kL2Bytes);
  d.clock_mhz = ask(cuda::kClockRate) / 1000;
  d.peak_gflops = peak(d, compute);
  // Two transfers per clock; whole GB/s.
  d.memory_gbps = static_cast<double>(int64_t{2} * out.memory_clock_mhz *
                                      (ask(cuda::kMemoryBusWidth) / 8) / 1000);
  CARNOT_RETURN_IF_ERROR(std::move(failed));
  if (compute < kComputeMin) {
    return error(Code::kUnsupported, out.name, " has compute capability ", compute / 10, ".",
                 compute % 10, "; GPUs from 7.5 on are supported");
  }
  return out;
}

constexpr cuda::Library kVendor[] = {cuda::Library::kCublasLt, cuda::Library::kCudnn};

std::string version_text(int64_t version) {
  return cat(version / 10000, '.', version / 100 % 100, '.', version % 100);
}

struct Typical {
  const char* isa;
  const char* name;
  int compute, sms, clock_mhz;
  int64_t shared, l1, l2;
  double gbps;
};
constexpr Typical kTypical[] = {
    {"sm_75", "tesla-t4", 75, 40, 1590, 65536, 65536, 4 << 20, 320},
    {"sm_80", "nvidia-a100", 80, 108, 1410, 166912, 167936, 40 << 20, 1555},
    {"sm_86", "nvidia-a10", 86, 72, 1695, 101376, 102400, 6 << 20, 600},
    {"sm_89", "nvidia-l40s", 89, 142, 2520, 101376, 102400, 96 << 20, 864},
    {"sm_90a", "nvidia-h200", 90, 132, 1980, 232448, 233472, 62914560, 4814},
    {"sm_100a", "nvidia-b200", 100, 148, 1965, 232448, 233472, 132644864, 8000},
    {"sm_120a", "nvidia-geforce-rtx-5090", 120, 170, 2407, 101376, 102400, 100663296, 1792},
};

}  // namespace

Result<std::vector<GpuListing>> list_gpus() {
  CARNOT_ASSIGN(const cuda::Driver* driver, cuda::driver());
  int count = 0;
  CARNOT_RETURN_IF_ERROR(driver->status(driver->device_count(&count), "counting GPUs"));
  std::vector<GpuListing> out;
  for (int i = 0; i < count; ++i) {
    CARNOT_ASSIGN(GpuListing each, listing(*driver, i));
    out.push_back(std::move(each));
  }
  return out;
}

std::vector<GpuLibrary> gpu_libraries() {
  std::vector<GpuLibrary> out = {
      {"NVRTC", cuda::find_library({"libnvrtc.so.13", "libnvrtc.so.12"}), "", ""}};
  for (const cuda::Library library : kVendor) {
    GpuLibrary each{cuda::to_string(library), "", "", ""};
    if (const Status status = cuda::open(library); status.ok()) {
      each.path = cuda::path_of(library);
      each.version = version_text(cuda::version_of(library));
    } else {
      each.missing = status.message();
    }
    out.push_back(std::move(each));
  }
  return out;
}

void add_gpu_libraries(DeviceDescription& device) {
  for (const cuda::Library library : kVendor) {
    if (const int64_t version = cuda::version_of(library)) {
      device.features.push_back(cat(cuda::word_of(library), '-', version_text(version)));
    }
  }
  std::sort(device.features.begin(), device.features.end());
}

Result<std::string> gpu_driver_version() {
  CARNOT_ASSIGN(const cuda::Driver* driver, cuda::driver());
  return cat(driver->api_version / 1000, ".", driver->api_version % 1000 / 10);
}

Result<DeviceDescription> describe_gpu(int index) {
  CARNOT_ASSIGN(const cuda::Driver* driver, cuda::driver());
  int count = 0;
  CARNOT_RETURN_IF_ERROR(driver->status(driver->device_count(&count), "counting GPUs"));
  if (index < 0 || index >= count) {
    return error(Code::kInvalidArgument, "there is no GPU ", index, ": this machine has ", count,
                 count == 1 ? ", cuda:0" : "");
  }
  CARNOT_ASSIGN(GpuListing out, listing(*driver, index));
  return out.description;
}

int gpu_of_thread() {
  const auto driver = cuda::driver();
  cuda::ContextObject* context = nullptr;
  int device = -1;
  if (!driver.ok() || (*driver)->context_current(&context) != cuda::kSuccess || !context) return -1;
  return (*driver)->context_device(&device) == cuda::kSuccess ? device : -1;
}

std::optional<GpuName> parse_gpu_name(std::string_view text) {
  constexpr std::string_view kKind = "cuda", kPlain = "/plain";
  GpuName out;
  if (text.substr(0, kKind.size()) != kKind) return std::nullopt;
  text.remove_prefix(kKind.size());
  out.plain = text.size() >= kPlain.size() && text.substr(text.size() - kPlain.size()) == kPlain;
  if (out.plain) text.remove_suffix(kPlain.size());
  if (text.empty()) return out;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + 1, end, out.index);
  const bool numbered = text[0] == ':' && read.ec == std::errc() && read.ptr == end;
  return numbered && out.index >= 0 ? std::optional(out) : std::nullopt;
}

Result<DeviceDescription> typical_gpu(std::string_view isa) {
  std::string known;
  for (const Typical& t : kTypical) {
    if (isa != t.isa) {
      known += cat(known.empty() ? "" : ", ", t.isa);
      continue;
    }
    DeviceDescription out = gpu();
    out.isa = t.isa;
    out.name = t.name;
    out.sms = t.sms;
    out.clock_mhz = t.clock_mhz;
    out.shared_bytes = t.shared;
    out.l1_bytes = t.l1;
    out.l2_bytes = t.l2;
    out.peak_gflops = peak(out, t.compute);
    out.memory_gbps = t.gbps;
    return out;
  }
  return error(Code::kInvalidArgument, "no GPU is known by '", isa, "'; there are: ", known);
}

}  // namespace carnot
