// Errors, and the facts of the device that is the host.
#include "core.h"

#include <unistd.h>

#include <atomic>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

namespace carnot::host_cuda {

namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return "CPU: " + line.substr(colon + 2);
    }
  }
  return "CPU";
}

Device read_device() {
  Device d;
  d.name = cpu_name();
  d.memory = memory_size().total;
  const unsigned cores = std::thread::hardware_concurrency();
  d.cores = cores > 0 ? static_cast<int>(cores) : 1;
#ifdef _SC_LEVEL2_CACHE_SIZE
  const long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
  d.cache_bytes = cache > 0 ? static_cast<int>(cache) : 0;
#endif
  return d;
}

// Attributes with the same value on every machine: number of cudaDeviceAttr, value.
constexpr int kConstants[][2] = {
    {1, 1024},                                // threads of a block
    {2, 1024},                                // block x
    {3, 1024},                                // block y
    {4, 64},                                  // block z
    {5, 2147483647},                          // grid x
    {6, 65535},                               // grid y
    {7, 65535},                               // grid z
    {8, 49152},                               // shared memory of a block
    {9, 65536},                               // constant memory
    {10, 32},                                 // warp
    {11, 2147483647},                         // pitch
    {12, 65536},                              // registers of a block
    {13, 1000000},                            // kHz
    {14, 512},                                // alignment of textures
    {15, 1},                                  // copies overlap
    {18, 1},                                  // integrated: memory is the host's
    {19, 1},                                  // maps host memory
    {31, 1},                                  // concurrent kernels
    {36, 1000000},                            // kHz of memory
    {37, 64},                                 // bits of its bus
    {39, 2048},                               // threads of a multiprocessor
    {40, 1},                                  // copy engines
    {41, 1},                                  // unified addresses
    {75, kMajor},     {76, kMinor}, {78, 1},  // priorities of streams
    {81, 65536},                              // shared memory of a multiprocessor
    {82, 65536},                              // registers of a multiprocessor
    {83, 1},                                  // managed memory
    {88, 1},          {89, 1},      {91, 1},
    {99, 1},          {100, 1},     {101, 1},  // host memory is device memory
    {97, 49152},                               // shared memory of a block, at most
    {106, 32},                                 // blocks of a multiprocessor
    {115, 1},                                  // memory pools
};

}  // namespace

std::string words_of(const char* name) {
  std::string text;
  for (const char* c = name; *c; ++c) {
    const bool begins =
        std::isupper(*c) && (std::islower(c[1]) || (c > name && std::islower(c[-1])));
    if (begins && c > name) text += ' ';
    text += begins ? static_cast<char>(std::tolower(*c)) : *c;
  }
  return text;
}

int& last_error() {
  thread_local int error = kSuccess;
  return error;
}

int done(int error) {
  if (error != kSuccess && error != kNotReady) last_error() = error;
  return error;
}

int refuse(const char* name, const char* reason, int error) {
  static std::mutex mutex;
  static auto& said = *new std::set<std::string>;  // programs call CUDA while they are torn down
  const std::lock_guard lock(mutex);
  if (said.insert(name).second) {
    std::fprintf(stderr, "carnot: %s: %s\n", name, reason);
  }
  return done(error);
}

namespace {

std::atomic<int>& unseen_launch() {
  static std::atomic<int> error{kSuccess};
  return error;
}

}  // namespace

int refuse_launch(const char* name) {
  unseen_launch() = kNoKernelImageForDevice;
  return refuse(name,
                "a kernel was to be launched, which takes a GPU; here CUDA's memory is the host's, "
                "and only what TensorRT's interface computes is computed",
                kNoKernelImageForDevice);
}

int waited(int error) {
  const int missed = unseen_launch().exchange(kSuccess);
  return done(error != kSuccess ? error : missed);
}

void see_launches() {
  unseen_launch() = kSuccess;
}

const Device& device() {
  static const Device& d = *new Device(read_device());
  return d;
}

bool attribute(int which, int* value) {
  constexpr int kAttributes = 148;
  if (which < 1 || which >= kAttributes) return false;
  *value = 0;
  if (which == 16) *value = device().cores;
  if (which == 38) *value = device().cache_bytes;
  for (const auto& [number, constant] : kConstants) {
    if (number == which) *value = constant;
  }
  return true;
}

}  // namespace carnot::host_cuda
