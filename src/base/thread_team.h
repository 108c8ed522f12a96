#pragma once
// Team: the persistent threads that execute a plan. One region an inference, many barriers inside.
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace carnot {

/// CPUs this process may use: its affinity mask, cut to its cgroup's quota. At least 1.
int usable_cpus();

/// A fixed number of threads, the caller of run() among them. Workers spin shortly after a region
/// (back-to-back inferences start within a microsecond), then sleep. run() allocates nothing.
class Team {
 public:
  using Function = void (*)(void* context, int thread);

  /// `threads` >= 1 counts the caller. When the machine refuses a thread the team is smaller and a
  /// warning is logged: ask size().
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return size_; }

  /// function(context, thread) on every thread, 0 being the caller; returns when all have returned.
  /// The function must not throw, nor run() the same team. Callers on several threads take turns.
  void run(Function function, void* context);
  /// run(), unless another caller's region is going on: then false at once.
  bool try_run(Function function, void* context);

  template <class F>
  void run(F& f) {
    run([](void* context, int thread) { (*static_cast<F*>(context))(thread); }, &f);
  }

  /// Inside a region: waits for all threads of the team; what they wrote before is seen after.
  void barrier(int thread);

 private:
  void work(int thread);
  void region(Function function, void* context);

  int size_ = 1;
  std::vector<std::thread> workers_;
  Function function_ = nullptr;  // published by epoch_
  void* context_ = nullptr;
  // A cache line each: they are written by different threads at different times.
  alignas(64) std::atomic<uint32_t> busy_{0};
  alignas(64) std::atomic<uint32_t> epoch_{0};    // counts regions; workers wait for a new value
  alignas(64) std::atomic<uint32_t> pending_{0};  // workers still inside the region
  alignas(64) std::atomic<uint32_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> phase_{0};  // counts barriers
};

/// Waits until counter - value, as a signed difference, is >= 0 (acquire): for point-to-point
/// dependencies inside a region. Spins, then yields; the writer only stores (release).
void spin_until_reached(const std::atomic<uint32_t>& counter, uint32_t value);

}  // namespace carnot
