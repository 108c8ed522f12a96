#include "tools/carnot/stop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tools/carnot/cli.h"

namespace carnot::cli {

namespace {

constexpr int kGraceMs = 1000;

// What the parent had ignored (nohup, a background job) stays ignored.
sigset_t requests() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction now {};
    if (sigaction(number, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) {
      sigaddset(&set, number);
    }
  }
  return set;
}

// Ends as the shell expects of an interrupted program.
[[noreturn]] void die_of(int number) {
  std::fprintf(stderr, "carnot: interrupted\n");
  std::signal(number, SIG_DFL);
  const sigset_t set = requests();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::raise(number);
  std::_Exit(128 + number);
}

}  // namespace

Stop::Stop(double seconds_max) : seconds_max_(seconds_max), wake_(eventfd(0, EFD_CLOEXEC)) {
  const sigset_t set = requests();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { wait(); });
}

Stop::~Stop() {
  const uint64_t one = 1;
  if (write(wake_, &one, sizeof one) == sizeof one) thread_.join();
  ::close(wake_);
  const sigset_t set = requests();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Stop::watch(Context* context) {
  const std::lock_guard lock(mutex_);
  context_ = context;
  if (context && stopped_) context->cancel();
}

Status Stop::reason() const {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g", seconds_max_);
  return error(Code::kResourceLimit, "stopped after ", seconds, " s: the limit of --time-limit");
}

Status Stop::explain(Status status) {
  if (const int number = signal_) die_of(number);
  return status.code() == Code::kCancelled && stopped_ ? reason() : status;
}

void Stop::end_process() {
  if (const int number = signal_) die_of(number);
  std::_Exit(fail(reason()));
}

void Stop::wait() {
  const sigset_t set = requests();
  const int signals = signalfd(-1, &set, SFD_CLOEXEC);
  pollfd files[] = {{wake_, POLLIN, 0}, {signals, POLLIN, 0}};
  const double ms = std::min(seconds_max_ * 1e3, 2e9);
  int ready = poll(files, 2, seconds_max_ > 0 ? static_cast<int>(std::ceil(ms)) : -1);
  if (files[0].revents == 0) {
    signalfd_siginfo info{};
    if (ready > 0 && read(signals, &info, sizeof info) == sizeof info) {
      signal_ = static_cast<int>(info.ssi_signo);
    }
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      if (context_) context_->cancel();
    }
    // A second signal ends it at once.
    ready = poll(files, 2, kGraceMs);
    if (files[0].revents == 0) end_process();
  }
  ::close(signals);
}

}  // namespace carnot::cli
