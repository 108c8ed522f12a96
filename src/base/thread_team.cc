// The protocol. A region: run() writes function_ and context_, sets pending_, bumps epoch_
// (release); each worker sees the new epoch (acquire), runs, decrements pending_ (release); run()
// waits for 0 (acquire). A barrier: each thread reads phase_, then arrives; the last one resets
// arrived_ and bumps phase_ (release), the others wait for the new phase (acquire). Nobody can
// arrive at the next barrier before phase_ has changed, so arrived_ needs no second counter.
//
// Waiting goes through three stages: pause (lowest latency), yield (so that an oversubscribed
// machine makes progress), then the kernel (so that nothing burns). Whoever changes a value that a
// thread may sleep on notifies; that is a load when nobody sleeps.
#include "base/thread_team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <system_error>

#include "base/log.h"
#include "base/status.h"

namespace carnot {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr microseconds kPauseInRegion{20};    // then yield: a descheduled thread must get the CPU
constexpr microseconds kYieldInRegion{2000};  // then sleep: somebody computes alone for long
constexpr microseconds kPauseBetweenRegions{60};  // the gap between back-to-back inferences

thread_local const Team* t_inside = nullptr;  // the team whose region this thread executes

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Pauses until done() or until the time is over; returns done(). The clock is read now and then:
// reading it costs as much as some pauses.
template <class Done>
bool pause_until(Done done, microseconds time) {
  constexpr int kPausesPerLook = 32;
  for (int i = 0; i < kPausesPerLook; ++i) {
    if (done()) return true;
    pause();
  }
  const Clock::time_point end = Clock::now() + time;
  do {
    for (int i = 0; i < kPausesPerLook; ++i) {
      if (done()) return true;
      pause();
    }
  } while (Clock::now() < end);
  return done();
}

template <class Done>
bool yield_until(Done done, microseconds time) {
  const Clock::time_point end = Clock::now() + time;
  do {
    if (done()) return true;
    sched_yield();
  } while (Clock::now() < end);
  return done();
}

// Returns once `value` is no longer `old`.
void wait_for_change(const std::atomic<uint32_t>& value, uint32_t old) {
  const auto changed = [&] { return value.load(std::memory_order_acquire) != old; };
  if (pause_until(changed, kPauseInRegion) || yield_until(changed, kYieldInRegion)) return;
  value.wait(old, std::memory_order_acquire);
}

// The CPUs that cgroup v2 grants, rounded up; 0 where there is no limit.
int cgroup_cpus() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen("/sys/fs/cgroup/cpu.max", "re"), [](std::FILE* f) { return std::fclose(f); });
  long long quota = 0, period = 0;
  if (!file || std::fscanf(file.get(), "%lld %lld", &quota, &period) != 2) return 0;
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min((quota + period - 1) / period, 1LL << 20));
}

}  // namespace

int usable_cpus() {
  cpu_set_t set;
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0) cpus = CPU_COUNT(&set);
  if (const int limit = cgroup_cpus(); limit > 0) cpus = std::min(cpus, limit);
  return std::max(cpus, 1);
}

Team::Team(int threads) {
  CARNOT_CHECK(threads >= 1);
  // Workers take no signals: those are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  // A thread's own faults reach the handlers that the process has.
  for (const int fault : {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
    sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  workers_.reserve(static_cast<size_t>(threads) - 1);
  for (int thread = 1; thread < threads; ++thread) {
    try {
      workers_.emplace_back([this, thread] { work(thread); });
    } catch (const std::system_error& refused) {
      log_warning("a team of ", threads, " threads was asked for, the system allows ", thread, ": ",
                  refused.what());
      break;
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  size_ = static_cast<int>(workers_.size()) + 1;  // workers read it only inside regions
}

Team::~Team() {
  CARNOT_CHECK(t_inside != this);
  region(nullptr, nullptr);  // the farewell
  for (std::thread& worker : workers_) worker.join();
}

void Team::work(int thread) {
  pthread_setname_np(pthread_self(), cat("carnot-", thread).c_str());
  t_inside = this;
  for (uint32_t seen = 0;; ++seen) {
    const auto changed = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
    while (!pause_until(changed, kPauseBetweenRegions)) {
      epoch_.wait(seen, std::memory_order_acquire);
    }
    const Function function = function_;
    if (function) function(context_, thread);
    if (pending_.fetch_sub(1) == 1) pending_.notify_one();
    if (!function) return;
  }
}

void Team::region(Function function, void* context) {
  function_ = function;
  context_ = context;
  pending_.store(static_cast<uint32_t>(workers_.size()), std::memory_order_relaxed);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  if (function) {
    t_inside = this;
    function(context, 0);
  }
  for (uint32_t left; (left = pending_.load(std::memory_order_acquire)) != 0;) {
    wait_for_change(pending_, left);
  }
}

void Team::run(Function function, void* context) {
  while (!try_run(function, context)) wait_for_change(busy_, 1);
}

bool Team::try_run(Function function, void* context) {
  CARNOT_CHECK(function && t_inside != this);
  if (busy_.exchange(1, std::memory_order_acquire) != 0) return false;
  const Team* const outer = t_inside;  // a region of another team may use this one
  region(function, context);
  t_inside = outer;
  busy_.store(0);
  busy_.notify_one();
  return true;
}

void Team::barrier(int) {
  if (size_ == 1) return;
  const uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<uint32_t>(size_)) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1);  // sequentially consistent: ordered before the look for sleepers
    phase_.notify_all();
  } else {
    wait_for_change(phase_, phase);
  }
}

void spin_until_reached(const std::atomic<uint32_t>& counter, uint32_t value) {
  const auto reached = [&] {
    return static_cast<int32_t>(counter.load(std::memory_order_acquire) - value) >= 0;
  };
  if (pause_until(reached, kPauseInRegion)) return;
  while (!reached()) sched_yield();
}

}  // namespace carnot
