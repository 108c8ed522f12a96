// The CPU as a device: every task once, in order, whatever the threads do.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>

#include "device/device.h"

namespace carnot {
namespace {

constexpr int64_t kTasks = 1000;

// buffers: in, out. out[i] = in[i] + params[0], by task.
void add(void* const* buffers, const int64_t* params, int64_t begin, int64_t end, void* scratch) {
  ASSERT_NE(scratch, nullptr);
  const auto* in = static_cast<const int64_t*>(buffers[0]);
  auto* out = static_cast<int64_t*>(buffers[1]);
  for (int64_t i = begin; i < end; ++i) out[i] = in[i] + params[0];
}
// The same, reading the input backwards: right only if all of it is complete.
void add_reversed(void* const* buffers, const int64_t* params, int64_t begin, int64_t end, void*) {
  const auto* in = static_cast<const int64_t*>(buffers[0]);
  auto* out = static_cast<int64_t*>(buffers[1]);
  for (int64_t i = begin; i < end; ++i) out[i] = in[kTasks - 1 - i] + params[0];
}

class CpuDevice : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    auto made = make_cpu_device(GetParam());
    ASSERT_TRUE(made.ok()) << to_string(made.status());
    device = std::move(*made);
    scratch.resize(static_cast<size_t>(device->threads()), &scratch);
  }
  std::unique_ptr<Device> device;
  std::vector<void*> scratch;
};

TEST_P(CpuDevice, EachLaunchSeesAllOfTheOneBefore) {
  constexpr size_t kLaunches = 60;
  std::vector<std::vector<int64_t>> values(kLaunches + 1, std::vector<int64_t>(kTasks));
  std::iota(values[0].begin(), values[0].end(), 0);
  std::vector<std::array<void*, 2>> buffers(kLaunches);
  const int64_t one = 1;
  std::vector<Launch> launches(kLaunches);
  for (size_t i = 0; i < kLaunches; ++i) {
    buffers[i] = {values[i].data(), values[i + 1].data()};
    launches[i].entry = reinterpret_cast<const void*>(i % 2 ? &add_reversed : &add);
    launches[i].buffers = buffers[i].data();
    launches[i].params = &one;
    launches[i].tasks = kTasks;
    launches[i].cost_us = i % 5 == 0 ? 1.0 : i % 7 == 0 ? 0.0 : 100.0;  // some are not split
  }
  std::vector<int64_t> ends(kLaunches);
  for (int run = 0; run < 50; ++run) {
    const Status status = device->run(launches, scratch, {nullptr, ends});
    ASSERT_TRUE(status.ok()) << to_string(status);
    for (int64_t i = 0; i < kTasks; ++i) {
      ASSERT_EQ(values[kLaunches][static_cast<size_t>(i)], i + static_cast<int64_t>(kLaunches));
    }
    EXPECT_TRUE(std::is_sorted(ends.begin(), ends.end()));
    EXPECT_GT(ends[0], 0);
  }
}

TEST_P(CpuDevice, EveryTaskRunsOnce) {
  for (const int64_t tasks : {0, 1, 2, 3, 5, 7, 64, 1001}) {
    std::vector<int64_t> in(1001, 0), out(1001, -1);
    void* buffers[] = {in.data(), out.data()};
    const int64_t seven = 7;
    Launch launch;
    launch.entry = reinterpret_cast<const void*>(&add);
    launch.buffers = buffers;
    launch.params = &seven;
    launch.tasks = tasks;
    ASSERT_TRUE(device->run({&launch, 1}, scratch).ok());
    for (int64_t i = 0; i < 1001; ++i) {
      ASSERT_EQ(out[static_cast<size_t>(i)], i < tasks ? 7 : -1) << tasks;
    }
  }
}

struct HostState {
  std::atomic<int> calls{0};
  int fail_at = -1;
  std::atomic<bool>* cancel = nullptr;
};
Status host(void* context, int step) {
  auto& state = *static_cast<HostState*>(context);
  ++state.calls;
  if (state.cancel) *state.cancel = true;
  if (step == state.fail_at) return error(Code::kInvalidArgument, "step ", step, " is bad");
  return {};
}

// host, parallel, host, parallel ...
std::vector<Launch> mixed(HostState& state, void** buffers, const int64_t* params) {
  std::vector<Launch> launches(20);
  for (size_t i = 0; i < launches.size(); ++i) {
    if (i % 2 == 0) {
      launches[i].host = &host;
      launches[i].host_context = &state;
      launches[i].host_step = static_cast<int>(i);
    } else {
      launches[i].entry = reinterpret_cast<const void*>(&add);
      launches[i].buffers = buffers;
      launches[i].params = params;
      launches[i].tasks = kTasks;
    }
  }
  return launches;
}

TEST_P(CpuDevice, AFailingHostStepEndsTheRun) {
  std::vector<int64_t> in(kTasks), out(kTasks);
  void* buffers[] = {in.data(), out.data()};
  const int64_t one = 1;
  HostState state;
  const auto launches = mixed(state, buffers, &one);
  for (int fail = 0; fail < 20; fail += 2) {
    state.calls = 0;
    state.fail_at = fail;
    const Status status = device->run(launches, scratch);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_EQ(status.message(), cat("step ", fail, " is bad"));
    EXPECT_EQ(state.calls, fail / 2 + 1);
  }
  state.fail_at = -1;
  EXPECT_TRUE(device->run(launches, scratch).ok());
}

TEST_P(CpuDevice, CancelEndsTheRun) {
  std::vector<int64_t> in(kTasks), out(kTasks);
  void* buffers[] = {in.data(), out.data()};
  const int64_t one = 1;
  HostState state;
  std::atomic<bool> cancel{false};
  state.cancel = &cancel;
  const auto launches = mixed(state, buffers, &one);
  EXPECT_EQ(device->run(launches, scratch, {&cancel, {}}).code(), Code::kCancelled);
  EXPECT_EQ(state.calls, 1);
  cancel = true;
  EXPECT_EQ(device->run({launches.data() + 1, 1}, scratch, {&cancel, {}}).code(), Code::kCancelled);
}

TEST_P(CpuDevice, CallersTakeTurns) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      std::vector<int64_t> a(kTasks, 0), b(kTasks, 0);
      void* there[] = {a.data(), b.data()};
      void* back[] = {b.data(), a.data()};
      const int64_t one = 1;
      std::vector<Launch> launches(2);
      for (size_t i = 0; i < 2; ++i) {
        launches[i].entry = reinterpret_cast<const void*>(&add_reversed);
        launches[i].buffers = i ? back : there;
        launches[i].params = &one;
        launches[i].tasks = kTasks;
      }
      for (int i = 0; i < 100; ++i) ASSERT_TRUE(device->run(launches, scratch).ok());
      for (const int64_t value : a) ASSERT_EQ(value, 200);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

INSTANTIATE_TEST_SUITE_P(Threads, CpuDevice, testing::Values(1, 2, 3, 8));

TEST(CpuDevice, RefusesAbsurdNumbersOfThreads) {
  EXPECT_FALSE(make_cpu_device(-1).ok());
  EXPECT_FALSE(make_cpu_device(1 << 20).ok());
}

TEST(CpuDevice, MemoryIsAligned) {
  auto device = make_cpu_device(1);
  ASSERT_TRUE(device.ok());
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{1000}, size_t{5} << 20}) {
    const auto memory = (*device)->allocate(bytes);
    ASSERT_TRUE(memory.ok());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(*memory) % 64, 0u);
    std::memset(*memory, 1, bytes);
    (*device)->release(*memory);
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they abort on such sizes
  EXPECT_EQ((*device)->allocate(size_t{1} << 60).status().code(), Code::kOutOfMemory);
#endif
}

#if defined(__x86_64__)
TEST(CpuDevice, CodeRunsAndCannotBeWritten) {
  auto device = make_cpu_device(1);
  ASSERT_TRUE(device.ok());
  // lea rax, [rdi + 2]; ret
  const unsigned char code[] = {0x90, 0x48, 0x8d, 0x47, 0x02, 0xc3};
  const auto loaded = (*device)->load(std::as_bytes(std::span(code)));
  ASSERT_TRUE(loaded.ok()) << to_string(loaded.status());
  const void* entry = (*loaded)->entry(1);
  EXPECT_EQ(reinterpret_cast<int64_t (*)(int64_t)>(const_cast<void*>(entry))(40), 42);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    char flags[5] = {};
    ASSERT_EQ(std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, flags), 3);
    const auto at = reinterpret_cast<uintptr_t>(entry);
    if (at < begin || at >= end) continue;
    EXPECT_STREQ(flags, "r-xp");
  }
}
#endif

TEST(NullDevice, CountsLaunchesAndRunsHostSteps) {
  const auto device = make_null_device({});
  HostState state;
  const auto launches = mixed(state, nullptr, nullptr);
  EXPECT_TRUE(device->run(launches, {}).ok());
  EXPECT_EQ(device->launches(), 20);
  EXPECT_EQ(state.calls, 10);
}

TEST(CpuDevice, CopiesInTurn) {
  auto device = make_cpu_device(2);
  ASSERT_TRUE(device.ok());
  int a[4] = {1, 2, 3, 4}, b[4] = {}, c[4] = {};
  void* first[] = {a, b};
  void* second[] = {b, c};
  Launch launches[2];
  launches[0].buffers = first, launches[0].copy_bytes = sizeof a;
  launches[1].buffers = second, launches[1].copy_bytes = sizeof a;
  ASSERT_TRUE((*device)->run(launches, std::vector<void*>(2)).ok());
  EXPECT_EQ(c[3], 4);
  EXPECT_TRUE((*device)->shares_host_memory());
  EXPECT_FALSE((*device)->make_stream(a).ok());
}

}  // namespace
}  // namespace carnot
