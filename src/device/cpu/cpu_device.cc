// The CPU as a device. A run is one region of the thread team that works through a list of
// launches. `current_` says which launch is open; everybody helps with that one. Its tasks are
// divided into one contiguous share per thread, so that a thread finds in its own cache what it
// wrote in the launch before, and a share into chunks; a thread that has finished its share takes
// chunks of the others'. Whoever completes a launch's last chunk opens the next one, and runs what
// is too small to divide by itself on the way. Host steps are thread 0's.
//
// Nobody waits for a thread, only for chunks that are being computed: on a busy machine a thread
// that has lost its CPU holds up nothing, the others take its share. When it comes back it may
// still look at a launch that is long over, so the counter of a share carries the launch's number,
// and taking a chunk compares it.
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/checked.h"
#include "base/thread_team.h"
#include "device/cpu/code.h"
#include "device/device.h"

namespace carnot {
namespace {

using Clock = std::chrono::steady_clock;
using Entry = void (*)(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                       void* scratch);

constexpr int kThreadsMax = 256;
constexpr int64_t kChunksPerShare = 4;  // fewer calls than that and a late thread holds up others
// A hand-over costs 0.3 us (launch_bench), and the other thread reads from a foreign cache.
constexpr double kSplitMinUs = 2;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr uint32_t kNoLaunch = std::numeric_limits<uint32_t>::max();

// Stages of waiting for the next launch: the lowest latency, then others' progress, then sleep.
constexpr std::chrono::microseconds kPause{20}, kYield{2000};

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

bool is_serial(const Launch& launch) {
  return launch.host || launch.copy_bytes >= 0 || launch.tasks <= 1 ||
         (launch.cost_us > 0 && launch.cost_us < kSplitMinUs);
}

// High half: the launch; low half: how many of its chunks are taken. Unset until a thread of that
// number exists; accessed through atomic_ref.
struct alignas(64) Share {
  uint64_t word;
};

class Region {
 public:
  Region(std::span<const Launch> launches, std::span<void* const> scratch,
         const RunOptions& options, int threads)
      : launches_(launches), scratch_(scratch), options_(options), threads_(threads) {
    for (int thread = 0; thread < threads; ++thread) open(thread, kNoLaunch);
  }

  void operator()(int thread);
  /// Everything by the caller.
  void alone() {
    for (size_t i = 0; i < launches_.size() && serial(i, 0); ++i) {
    }
  }
  Status finish() { return std::move(status_); }

 private:
  void open(int thread, uint32_t launch) {
    std::atomic_ref(shares_[thread].word).store(uint64_t{launch} << 32, std::memory_order_relaxed);
  }
  void mark(size_t launch) {
    if (!options_.end_ns.empty()) options_.end_ns[launch] = now_ns();
  }
  uint32_t await_other_than(uint32_t seen) const;
  int64_t share_size(const Launch& launch, int thread) const {
    return launch.tasks / threads_ + (thread < launch.tasks % threads_);
  }
  void publish(size_t launch) {
    current_.store(static_cast<uint32_t>(launch));  // ordered before the look for sleepers
    current_.notify_all();
  }
  bool serial(size_t i, int thread);
  void advance(size_t i, int thread);
  bool help(size_t i, int thread);
  int64_t run_share(const Launch& launch, size_t i, int owner, int thread);

  std::span<const Launch> launches_;
  std::span<void* const> scratch_;
  const RunOptions& options_;
  int threads_;
  Status status_;  // of whoever advances
  alignas(64) std::atomic<uint32_t> current_{kNoLaunch};
  alignas(64) std::atomic<int64_t> chunks_left_{0};
  Share shares_[kThreadsMax];
};

uint32_t Region::await_other_than(uint32_t seen) const {
  constexpr int kLooksPerClock = 64;  // reading the clock costs as much as some looks
  const auto look = [&](auto between) {
    for (int i = 0; i < kLooksPerClock; ++i) {
      if (current_.load(std::memory_order_acquire) != seen) return true;
      between();
    }
    return false;
  };
  bool changed = look(pause);
  const Clock::time_point start = changed ? Clock::time_point() : Clock::now();
  while (!changed) {
    const auto waited = Clock::now() - start;
    if (waited < kPause) {
      changed = look(pause);
    } else if (waited < kYield) {
      changed = look(sched_yield);
    } else {
      current_.wait(seen, std::memory_order_acquire);
      changed = true;
    }
  }
  return current_.load(std::memory_order_acquire);
}

// One launch by one thread; false where the run is over.
bool Region::serial(size_t i, int thread) {
  const Launch& launch = launches_[i];
  if (options_.cancel && options_.cancel->load(std::memory_order_relaxed)) {
    status_ = error(Code::kCancelled, "the run was cancelled");
    return false;
  }
  if (launch.host) {
    status_ = launch.host(launch.host_context, launch.host_step);
    if (!status_.ok()) return false;
  } else if (launch.copy_bytes >= 0) {
    std::memmove(launch.buffers[1], launch.buffers[0], static_cast<size_t>(launch.copy_bytes));
  } else if (launch.tasks > 0) {
    const auto entry = reinterpret_cast<Entry>(const_cast<void*>(launch.entry));
    entry(launch.buffers, launch.params, 0, launch.tasks, scratch_[static_cast<size_t>(thread)]);
  }
  mark(i);
  return true;
}

// Runs what needs no others, then opens the next launch. Called by one thread at a time.
void Region::advance(size_t i, int thread) {
  while (i < launches_.size() && is_serial(launches_[i])) {
    if (launches_[i].host && thread != 0) return publish(i);
    if (!serial(i, thread)) return publish(launches_.size());
    ++i;
  }
  if (i < launches_.size()) {
    if (options_.cancel && options_.cancel->load(std::memory_order_relaxed)) {
      status_ = error(Code::kCancelled, "the run was cancelled");
      return publish(launches_.size());
    }
    int64_t chunks = 0;
    for (int owner = 0; owner < threads_; ++owner) {
      chunks += std::min(share_size(launches_[i], owner), kChunksPerShare);
    }
    chunks_left_.store(chunks, std::memory_order_relaxed);
    for (int owner = 0; owner < threads_; ++owner) {
      std::atomic_ref(shares_[owner].word).store(uint64_t{i} << 32, std::memory_order_release);
    }
  }
  publish(i);
}

// Takes chunks of one share until there are none; returns how many.
int64_t Region::run_share(const Launch& launch, size_t i, int owner, int thread) {
  const auto entry = reinterpret_cast<Entry>(const_cast<void*>(launch.entry));
  const int64_t count = share_size(launch, owner);
  const int64_t chunks = std::min(count, kChunksPerShare);
  const int64_t first =
      launch.tasks / threads_ * owner + std::min<int64_t>(owner, launch.tasks % threads_);
  const std::atomic_ref<uint64_t> word(shares_[owner].word);
  int64_t done = 0;
  uint64_t seen = word.load(std::memory_order_acquire);
  while (seen >> 32 == i && static_cast<int64_t>(seen & 0xffffffff) < chunks) {
    if (!word.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire)) continue;
    const auto chunk = static_cast<int64_t>(seen & 0xffffffff);
    const int64_t size = count / chunks, larger = count % chunks;
    const int64_t begin = first + size * chunk + std::min(chunk, larger);
    entry(launch.buffers, launch.params, begin, begin + size + (chunk < larger),
          scratch_[static_cast<size_t>(thread)]);
    ++done;
    seen = word.load(std::memory_order_acquire);
  }
  return done;
}

// Works on a launch as long as there is something to take; true where this thread completed it.
bool Region::help(size_t i, int thread) {
  int64_t done = 0;
  for (int k = 0; k < threads_; ++k) {
    const int owner = thread + k < threads_ ? thread + k : thread + k - threads_;
    done += run_share(launches_[i], i, owner, thread);
  }
  if (done == 0 || chunks_left_.fetch_sub(done, std::memory_order_acq_rel) != done) return false;
  mark(i);
  return true;
}

void Region::operator()(int thread) {
  if (thread == 0) advance(0, thread);
  for (uint32_t seen = kNoLaunch;;) {
    seen = await_other_than(seen);
    if (seen >= launches_.size()) return;
    if (launches_[seen].host) {
      if (thread == 0) advance(seen, thread);
    } else if (help(seen, thread)) {
      advance(seen + 1, thread);
    }
  }
}

class CpuDevice : public Device {
 public:
  explicit CpuDevice(int threads) : description_(describe_cpu()), team_(threads) {
    description_.threads = team_.size();
  }

  const DeviceDescription& description() const override { return description_; }
  int threads() const override { return team_.size(); }

  Result<void*> allocate(size_t bytes) override {
    // Large pages save most of the address translations of an arena.
    const size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
    CARNOT_ASSIGN(const int64_t rounded, align_up(static_cast<int64_t>(std::max<size_t>(bytes, 1)),
                                                  static_cast<int64_t>(alignment)));
    void* memory = std::aligned_alloc(alignment, static_cast<size_t>(rounded));
    if (!memory) return error(Code::kOutOfMemory, "the system refused ", bytes, " bytes");
    if (alignment == kHugePage) {
      madvise(memory, static_cast<size_t>(rounded), MADV_HUGEPAGE);  // a wish only
    }
    return memory;
  }
  void release(void* memory) override { std::free(memory); }

  Result<std::unique_ptr<LoadedCode>> load(std::span<const std::byte> code) override {
    return cpu::map_code(code);
  }

  Status run(std::span<const Launch> launches, std::span<void* const> scratch,
             const RunOptions& options) override {
    CARNOT_CHECK(scratch.size() >= static_cast<size_t>(team_.size()));
    CARNOT_CHECK(options.end_ns.empty() || options.end_ns.size() >= launches.size());
    if (launches.empty()) return {};
    Region region(launches, scratch, options, team_.size());
    // Alone, callers do not wait for each other.
    if (team_.size() == 1 || std::all_of(launches.begin(), launches.end(), is_serial)) {
      region.alone();
    } else {
      team_.run(region);
    }
    return region.finish();
  }

 private:
  static constexpr size_t kAlignment = 64;

  DeviceDescription description_;
  Team team_;
};

}  // namespace

Result<std::unique_ptr<Device>> make_cpu_device(int threads) {
  if (threads < 0 || threads > kThreadsMax) {
    return error(Code::kInvalidArgument, "a CPU device with ", threads, " threads: 1 to ",
                 kThreadsMax, " are possible, 0 means all");
  }
  if (threads == 0) threads = std::min(usable_cpus(), kThreadsMax);
  return std::unique_ptr<Device>(std::make_unique<CpuDevice>(threads));
}

}  // namespace carnot
