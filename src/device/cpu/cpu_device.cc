// The CPU as a device. A run is one region of the thread team: every thread walks the same list of
// launches. The tasks of a launch are divided into one contiguous share per thread, so that a
// thread finds in its own cache what it wrote in the launch before; a thread that has finished its
// share takes chunks of the others'. A barrier ends each launch. Launches that are too small to
// divide, and host steps, are left to thread 0; a sequence of them has one barrier, at its end.
//
// A share is a counter of tasks handed out. There are two sets, used in turn: a thread resets its
// counter of one set after the barrier that ended its use, and the set is used again only after
// the next barrier.
//
// Stopping must be agreed on, or a thread would wait for ever at a barrier: thread 0 alone decides,
// and says from which launch on nothing runs; that launch is always beyond a barrier that the
// others have not passed.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>

#include "base/checked.h"
#include "base/thread_team.h"
#include "device/cpu/code.h"
#include "device/device.h"

namespace carnot {
namespace {

using Entry = void (*)(void* const* buffers, const int64_t* params, int64_t begin, int64_t end,
                       void* scratch);

constexpr int kThreadsMax = 256;
constexpr int kChunksPerShare = 4;  // fewer calls than that and a late thread holds up the others
constexpr double kSplitMinUs = 5;   // half of it is gained, a barrier and cold caches are paid
constexpr size_t kHugePage = size_t{2} << 20;

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool is_serial(const Launch& launch) {
  return launch.host || launch.tasks <= 1 || (launch.cost_us > 0 && launch.cost_us < kSplitMinUs);
}

struct alignas(64) Share {
  int64_t taken;  // accessed through atomic_ref; unset until a thread of that number exists
};

class Region {
 public:
  Region(std::span<const Launch> launches, std::span<void* const> scratch,
         const RunOptions& options, Team& team)
      : launches_(launches), scratch_(scratch), options_(options), team_(team) {
    for (auto& set : shares_) {
      for (int thread = 0; thread < team.size(); ++thread) set[thread].taken = 0;
    }
  }

  void operator()(int thread);
  /// Everything by the caller.
  void alone() {
    for (size_t i = 0; i < launches_.size() && !stopped(i); ++i) serial(i);
  }
  Status finish() {
    if (stopped(std::numeric_limits<size_t>::max() - 1) && status_.ok()) {
      return error(Code::kCancelled, "the run was cancelled");
    }
    return std::move(status_);
  }
  void mark(size_t launch) {
    if (!options_.end_ns.empty()) options_.end_ns[launch] = now_ns();
  }

 private:
  bool stopped(size_t next) const { return stop_.load(std::memory_order_relaxed) <= next; }
  bool cancelled() const {
    return options_.cancel && options_.cancel->load(std::memory_order_relaxed);
  }
  void serial(size_t i);
  void share_out(const Launch& launch, int thread, Share* shares);

  std::span<const Launch> launches_;
  std::span<void* const> scratch_;
  const RunOptions& options_;
  Team& team_;
  Status status_;                                                 // thread 0's
  std::atomic<size_t> stop_{std::numeric_limits<size_t>::max()};  // no launch from here on
  Share shares_[2][kThreadsMax];
};

// Thread 0 only.
void Region::serial(size_t i) {
  const Launch& launch = launches_[i];
  if (cancelled()) {
    stop_.store(i, std::memory_order_relaxed);
    return;
  }
  if (launch.host) {
    if (Status status = launch.host(launch.host_context, launch.host_step); !status.ok()) {
      status_ = std::move(status);
      stop_.store(i, std::memory_order_relaxed);
    }
  } else if (launch.tasks > 0) {
    reinterpret_cast<Entry>(const_cast<void*>(launch.entry))(launch.buffers, launch.params, 0,
                                                             launch.tasks, scratch_[0]);
  }
  mark(i);
}

void Region::share_out(const Launch& launch, int thread, Share* shares) {
  const auto entry = reinterpret_cast<Entry>(const_cast<void*>(launch.entry));
  const int threads = team_.size();
  // The first `larger` shares have one task more.
  const int64_t size = launch.tasks / threads, larger = launch.tasks % threads;
  for (int i = 0; i < threads; ++i) {
    const int owner = thread + i < threads ? thread + i : thread + i - threads;
    const int64_t count = size + (owner < larger);
    const int64_t first = owner * size + std::min<int64_t>(owner, larger);
    const int64_t chunk = (count + kChunksPerShare - 1) / kChunksPerShare;
    const std::atomic_ref<int64_t> taken(shares[owner].taken);
    while (taken.load(std::memory_order_relaxed) < count) {
      const int64_t begin = taken.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count) break;
      entry(launch.buffers, launch.params, first + begin, first + std::min(begin + chunk, count),
            scratch_[static_cast<size_t>(thread)]);
    }
  }
}

void Region::operator()(int thread) {
  const size_t count = launches_.size();
  int set = 0;
  for (size_t i = 0; i < count;) {
    const size_t begin = i;
    const bool split = !is_serial(launches_[i]);
    if (split) {
      share_out(launches_[i], thread, shares_[set]);
      ++i;
    } else {
      while (i < count && is_serial(launches_[i])) {
        if (thread == 0 && !stopped(i)) serial(i);
        ++i;
      }
    }
    if (i == count) return;  // the end of the region waits for all
    if (thread == 0 && cancelled() && !stopped(i)) stop_.store(i, std::memory_order_relaxed);
    team_.barrier(thread);
    if (split) {
      if (thread == 0) mark(begin);
      std::atomic_ref(shares_[set][thread].taken).store(0, std::memory_order_relaxed);
      set ^= 1;
    }
    if (stopped(i)) return;
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
    Region region(launches, scratch, options, team_);
    // Alone, callers do not wait for each other.
    if (team_.size() == 1 || std::all_of(launches.begin(), launches.end(), is_serial)) {
      region.alone();
    } else {
      team_.run(region);
      region.mark(launches.size() - 1);
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
