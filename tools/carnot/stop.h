#pragma once
// Stop: ends what a command does when the user says so (Ctrl-C, SIGTERM) or its time is over.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "carnot/context.h"
#include "carnot/status.h"

namespace carnot::cli {

/// While it lives the two signals are requests: work that looks at flag(), and the Context being
/// watched, end with kCancelled. What does not end within a second is ended with the process.
/// Make it before any other thread: they must not take the signals.
class Stop {
 public:
  /// `seconds_max` 0: no limit of time.
  explicit Stop(double seconds_max = 0);
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;
  ~Stop();

  const std::atomic<bool>* flag() const { return &stopped_; }
  /// Null: none any more.
  void watch(Context* context);
  /// Why work ended: instead of a kCancelled that this caused, the limit's name. After a signal it
  /// does not return: the process ends as that signal's default does.
  Status explain(Status status);

 private:
  void wait();
  [[noreturn]] void end_process();
  Status reason() const;

  const double seconds_max_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> signal_{0};
  std::mutex mutex_;
  Context* context_ = nullptr;
  int wake_ = -1;  // an eventfd
  std::thread thread_;
};

}  // namespace carnot::cli
