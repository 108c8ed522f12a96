#include "device.h"

#include <dlfcn.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace trtexec {

namespace {

using Clock = std::chrono::steady_clock;

class Host final : public Device {
 public:
  bool is_host() const override { return true; }
  std::vector<std::string> description() const override {
    std::ifstream in("/proc/cpuinfo");
    std::string line, name = "CPU";
    while (name == "CPU" && std::getline(in, line)) {
      const size_t colon = line.find(": ");
      if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
        name = line.substr(colon + 2);
      }
    }
    return {"Selected Device: " + name, "Selected Device ID: 0"};
  }
  void* allocate(size_t bytes, bool) override { return std::calloc(bytes + 1, 1); }
  void release(void* memory) override { std::free(memory); }
  void pin(void*, size_t) override {}
  bool copy_in(void* to, const void* from, size_t bytes, void*) override {
    if (to != from && bytes > 0) std::memcpy(to, from, bytes);
    return true;
  }
  bool copy_out(void* to, const void* from, size_t bytes, void* stream) override {
    return copy_in(to, from, bytes, stream);
  }
  void* make_stream() override { return nullptr; }
  bool wait(void*) override { return true; }
  void* make_event() override {
    events_.push_back(std::make_unique<Clock::time_point>(Clock::now()));
    return events_.back().get();
  }
  void record(void* event, void*) override { at(event) = Clock::now(); }
  bool wait_in(void*, void*) override { return true; }
  bool wait_event(void*) override { return true; }
  double milliseconds(void* from, void* to) override {
    return std::chrono::duration<double, std::milli>(at(to) - at(from)).count();
  }
  bool begin_capture(void*) override { return false; }
  void* end_capture(void*) override { return nullptr; }
  bool launch(void*, void*) override { return false; }
  void enter() override {}

 private:
  static Clock::time_point& at(void* event) { return *static_cast<Clock::time_point*>(event); }
  std::vector<std::unique_ptr<Clock::time_point>> events_;
};

/// The driver's functions; their names are its library's.
struct Driver {
  int (*cuInit)(unsigned);
  int (*cuDeviceGetCount)(int*);
  int (*cuDeviceGet)(int*, int);
  int (*cuDeviceGetName)(char*, int, int);
  int (*cuDeviceGetAttribute)(int*, int, int);
  int (*cuDeviceTotalMem_v2)(size_t*, int);
  int (*cuDeviceGetUuid)(unsigned char*, int);
  int (*cuDevicePrimaryCtxRetain)(void**, int);
  int (*cuCtxSetCurrent)(void*);
  int (*cuMemAlloc_v2)(unsigned long long*, size_t);
  int (*cuMemAllocManaged)(unsigned long long*, size_t, unsigned);
  int (*cuMemFree_v2)(unsigned long long);
  int (*cuMemHostRegister_v2)(void*, size_t, unsigned);
  int (*cuMemcpyHtoDAsync_v2)(unsigned long long, const void*, size_t, void*);
  int (*cuMemcpyDtoHAsync_v2)(void*, unsigned long long, size_t, void*);
  int (*cuStreamCreate)(void**, unsigned);
  int (*cuStreamSynchronize)(void*);
  int (*cuStreamWaitEvent)(void*, void*, unsigned);
  int (*cuEventCreate)(void**, unsigned);
  int (*cuEventRecord)(void*, void*);
  int (*cuEventSynchronize)(void*);
  int (*cuEventElapsedTime)(float*, void*, void*);
  int (*cuStreamBeginCapture_v2)(void*, int);
  int (*cuStreamEndCapture)(void*, void**);
  int (*cuGraphInstantiateWithFlags)(void**, void*, unsigned long long);
  int (*cuGraphLaunch)(void*, void*);

  bool load() {
    void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    bool all = true;
    const auto find = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      all = all && function;
    };
    find(cuInit, "cuInit"), find(cuDeviceGetCount, "cuDeviceGetCount");
    find(cuDeviceGet, "cuDeviceGet"), find(cuDeviceGetName, "cuDeviceGetName");
    find(cuDeviceGetAttribute, "cuDeviceGetAttribute");
    find(cuDeviceTotalMem_v2, "cuDeviceTotalMem_v2"), find(cuDeviceGetUuid, "cuDeviceGetUuid");
    find(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain");
    find(cuCtxSetCurrent, "cuCtxSetCurrent"), find(cuMemAlloc_v2, "cuMemAlloc_v2");
    find(cuMemAllocManaged, "cuMemAllocManaged"), find(cuMemFree_v2, "cuMemFree_v2");
    find(cuMemcpyHtoDAsync_v2, "cuMemcpyHtoDAsync_v2");
    find(cuMemcpyDtoHAsync_v2, "cuMemcpyDtoHAsync_v2"), find(cuStreamCreate, "cuStreamCreate");
    find(cuStreamSynchronize, "cuStreamSynchronize"), find(cuEventCreate, "cuEventCreate");
    find(cuEventRecord, "cuEventRecord"), find(cuEventSynchronize, "cuEventSynchronize");
    find(cuEventElapsedTime, "cuEventElapsedTime");
    find(cuStreamWaitEvent, "cuStreamWaitEvent");
    find(cuMemHostRegister_v2, "cuMemHostRegister_v2");
    find(cuStreamBeginCapture_v2, "cuStreamBeginCapture_v2");
    find(cuStreamEndCapture, "cuStreamEndCapture");
    find(cuGraphInstantiateWithFlags, "cuGraphInstantiateWithFlags");
    find(cuGraphLaunch, "cuGraphLaunch");
    return all;
  }
};

unsigned long long address(const void* memory) {
  return reinterpret_cast<unsigned long long>(memory);
}

class Gpu final : public Device {
 public:
  Gpu(Driver driver, int index, bool spin) : cu_(driver), index_(index), spin_(spin) {}
  bool init() {
    return cu_.cuDeviceGet(&device_, index_) == 0 &&
           cu_.cuDevicePrimaryCtxRetain(&context_, device_) == 0 &&
           cu_.cuCtxSetCurrent(context_) == 0;
  }

  bool is_host() const override { return false; }
  std::vector<std::string> description() const override;
  void* allocate(size_t bytes, bool managed) override {
    unsigned long long out = 0;
    const size_t size = bytes + 1;  // an empty tensor has an address as well
    constexpr unsigned kEverybody = 1;
    const int failed =
        managed ? cu_.cuMemAllocManaged(&out, size, kEverybody) : cu_.cuMemAlloc_v2(&out, size);
    return failed ? nullptr : reinterpret_cast<void*>(out);
  }
  void release(void* memory) override { cu_.cuMemFree_v2(address(memory)); }
  // Where it cannot be had copies only take longer.
  void pin(void* memory, size_t bytes) override {
    if (bytes > 0) cu_.cuMemHostRegister_v2(memory, bytes, 0);
  }
  bool copy_in(void* to, const void* from, size_t bytes, void* stream) override {
    return bytes == 0 || cu_.cuMemcpyHtoDAsync_v2(address(to), from, bytes, stream) == 0;
  }
  bool copy_out(void* to, const void* from, size_t bytes, void* stream) override {
    return bytes == 0 || cu_.cuMemcpyDtoHAsync_v2(to, address(from), bytes, stream) == 0;
  }
  void* make_stream() override {
    void* stream = nullptr;
    constexpr unsigned kNonBlocking = 1;
    cu_.cuStreamCreate(&stream, kNonBlocking);
    return stream;
  }
  bool wait(void* stream) override { return cu_.cuStreamSynchronize(stream) == 0; }
  void* make_event() override {
    void* event = nullptr;
    constexpr unsigned kBlockingSync = 1;
    cu_.cuEventCreate(&event, spin_ ? 0 : kBlockingSync);
    return event;
  }
  void record(void* event, void* stream) override { cu_.cuEventRecord(event, stream); }
  bool wait_in(void* stream, void* event) override {
    return cu_.cuStreamWaitEvent(stream, event, 0) == 0;
  }
  bool wait_event(void* event) override { return cu_.cuEventSynchronize(event) == 0; }
  double milliseconds(void* from, void* to) override {
    float ms = 0;
    cu_.cuEventElapsedTime(&ms, from, to);
    return static_cast<double>(ms);
  }
  bool begin_capture(void* stream) override {
    constexpr int kThreadLocal = 1;
    return cu_.cuStreamBeginCapture_v2(stream, kThreadLocal) == 0;
  }
  void* end_capture(void* stream) override {
    void *graph = nullptr, *launchable = nullptr;
    if (cu_.cuStreamEndCapture(stream, &graph) != 0 || !graph) return nullptr;
    return cu_.cuGraphInstantiateWithFlags(&launchable, graph, 0) == 0 ? launchable : nullptr;
  }
  bool launch(void* graph, void* stream) override { return cu_.cuGraphLaunch(graph, stream) == 0; }
  void enter() override { cu_.cuCtxSetCurrent(context_); }

 private:
  int attribute(int which) const {
    int value = 0;
    cu_.cuDeviceGetAttribute(&value, which, device_);
    return value;
  }

  Driver cu_;
  int index_, device_ = 0;
  bool spin_;
  void* context_ = nullptr;
};

std::string tenths(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::vector<std::string> Gpu::description() const {
  char name[256] = {};
  cu_.cuDeviceGetName(name, sizeof name - 1, device_);
  unsigned char id[16] = {};
  cu_.cuDeviceGetUuid(id, device_);
  std::string uuid = "GPU-";
  for (int i = 0; i < 16; ++i) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%02x", id[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    uuid += hex;
  }
  size_t memory = 0;
  cu_.cuDeviceTotalMem_v2(&memory, device_);
  const auto number = [&](int which) { return std::to_string(attribute(which)); };
  // The numbers are the driver's names for its attributes.
  return {"Selected Device: " + std::string(name),
          "Selected Device ID: " + std::to_string(index_),
          "Selected Device UUID: " + uuid,
          "Compute Capability: " + number(75) + "." + number(76),
          "SMs: " + number(16),
          "Device Global Memory: " + std::to_string(memory >> 20) + " MiB",
          "Shared Memory per SM: " + std::to_string(attribute(81) >> 10) + " KiB",
          "Memory Bus Width: " + number(37) + " bits (ECC " +
              (attribute(32) ? "enabled)" : "disabled)"),
          "Application Compute Clock Rate: " + tenths(attribute(13) / 1e6) + " GHz",
          "Application Memory Clock Rate: " + tenths(attribute(36) / 1e6) + " GHz"};
}

}  // namespace

std::unique_ptr<Device> Device::open(int index, bool spin, std::string& why) {
  const char* const wanted = std::getenv("CARNOT_DEVICE");
  const std::string name = wanted ? wanted : "";
  if (name == "cpu") return std::make_unique<Host>();
  if (name.rfind("cuda:", 0) == 0) index = std::atoi(name.c_str() + 5);
  Driver driver{};
  int count = 0;
  const bool any =
      driver.load() && driver.cuInit(0) == 0 && driver.cuDeviceGetCount(&count) == 0 && count > 0;
  if (!any && name.empty() && index == 0) return std::make_unique<Host>();
  if (index >= count) {
    why = "there is no GPU " + std::to_string(index) + "; there are " + std::to_string(count);
    return nullptr;
  }
  auto gpu = std::make_unique<Gpu>(driver, index, spin);
  if (!gpu->init()) why = "GPU " + std::to_string(index) + " cannot be used";
  return why.empty() ? std::move(gpu) : nullptr;
}

}  // namespace trtexec
