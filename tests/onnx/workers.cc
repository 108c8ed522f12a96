// Worker processes take case numbers from a shared counter and answer through a pipe each: "begin
// N", then "end N VERDICT PINNED MILLISECONDS REASON". What a dead worker had begun is what killed
// it.
#include "tests/onnx/workers.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstring>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <sstream>

namespace carnot {
namespace {

using Clock = std::chrono::steady_clock;
using Counter = std::atomic<size_t>;

// A case ends itself at its deadline (between nodes); one that does not is ended from outside.
constexpr double kGrace = 2, kGraceSeconds = 30;

void send(int fd, const std::string& line) {
  for (size_t at = 0; at < line.size();) {
    const ssize_t n = write(fd, line.data() + at, line.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(3);  // nobody listens any more
    at += static_cast<size_t>(n);
  }
}

[[noreturn]] void work(const std::vector<Case>& cases, const WorkerOptions& options,
                       Counter& counter, int fd) {
  for (;;) {
    const size_t i = counter.fetch_add(1);
    if (i >= cases.size()) break;
    send(fd, cat("begin ", i, "\n"));
    const Outcome o = run_case(cases[i], options.run);
    send(fd, cat("end ", i, " ", static_cast<int>(o.verdict), " ", o.pinned, " ", o.milliseconds,
                 " ", o.reason, "\n"));
    if (options.isolate) break;
  }
  // Not exit(): destructors of what the parent owns are the parent's.
  _exit(0);
}

class Pool {
 public:
  Pool(const std::vector<Case>& cases, const WorkerOptions& options, const Report& report,
       Counter& counter)
      : cases_(cases), options_(options), report_(report), counter_(counter) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (Worker& w : workers_) end(w);
  }

  Status run() {
    for (int i = 0; i < options_.jobs; ++i) CARNOT_RETURN_IF_ERROR(start());
    while (!workers_.empty()) {
      std::vector<pollfd> waits;
      for (const Worker& w : workers_) waits.push_back({w.fd, POLLIN, 0});
      poll(waits.data(), waits.size(), 1000);
      for (size_t i = workers_.size(); i-- > 0;) {
        const bool done = waits[i].revents != 0 && !receive(workers_[i]);
        if (done || overdue(workers_[i])) CARNOT_RETURN_IF_ERROR(retire(i, !done));
      }
    }
    return {};
  }

 private:
  struct Worker {
    pid_t pid = 0;
    int fd = -1;
    size_t current = SIZE_MAX;  ///< case that has begun and not ended
    Clock::time_point since;
    std::string pending;  ///< received, but no whole line yet
  };

  Status start() {
    int ends[2];
    if (pipe(ends) != 0) return error(Code::kIo, "pipe: ", std::strerror(errno));
    const pid_t pid = fork();
    if (pid < 0) return error(Code::kIo, "fork: ", std::strerror(errno));
    if (pid == 0) {
      close(ends[0]);
      work(cases_, options_, counter_, ends[1]);
    }
    close(ends[1]);
    workers_.push_back({pid, ends[0], SIZE_MAX, {}, {}});
    return {};
  }

  /// False at the end of the pipe.
  bool receive(Worker& w) {
    char buffer[4096];
    const ssize_t n = read(w.fd, buffer, sizeof buffer);
    if (n < 0) return errno == EINTR;
    w.pending.append(buffer, static_cast<size_t>(n));
    for (size_t end; (end = w.pending.find('\n')) != std::string::npos;) {
      take(w, w.pending.substr(0, end));
      w.pending.erase(0, end + 1);
    }
    return n > 0;
  }

  void take(Worker& w, const std::string& line) {
    std::istringstream in(line);
    std::string word;
    size_t index = 0;
    in >> word >> index;
    if (word == "begin") {
      w.current = index;
      w.since = Clock::now();
      return;
    }
    int verdict = 0;
    Outcome outcome;
    in >> verdict >> outcome.pinned >> outcome.milliseconds;
    in.get();
    std::getline(in, outcome.reason);
    outcome.verdict = static_cast<Verdict>(verdict);
    w.current = SIZE_MAX;
    report_(index, outcome);
  }

  bool overdue(const Worker& w) const {
    if (w.current == SIZE_MAX) return false;
    const std::chrono::duration<double> passed = Clock::now() - w.since;
    return passed.count() > cases_[w.current].seconds * kGrace + kGraceSeconds;
  }

  static int end(Worker& w) {
    kill(w.pid, SIGKILL);
    close(w.fd);
    int status = 0;
    waitpid(w.pid, &status, 0);
    return status;
  }

  /// Collects a worker that has ended (or must), reports what it left, starts the next one.
  Status retire(size_t i, bool overdue) {
    Worker w = std::move(workers_[i]);
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(i));
    int status = 0;
    if (overdue) {
      end(w);
    } else {
      close(w.fd);
      waitpid(w.pid, &status, 0);
    }
    if (w.current != SIZE_MAX) {
      Outcome outcome{Verdict::kCrashed, 0, "ended with an error", false};
      if (overdue) outcome.reason = "still running long after its deadline";
      if (WIFSIGNALED(status)) outcome.reason = cat("signal ", WTERMSIG(status));
      report_(w.current, outcome);
    }
    return counter_.load() < cases_.size() ? start() : Status();
  }

  const std::vector<Case>& cases_;
  const WorkerOptions& options_;
  const Report& report_;
  Counter& counter_;
  std::vector<Worker> workers_;
};

}  // namespace

Status run_cases(const std::vector<Case>& cases, const WorkerOptions& options,
                 const Report& report) {
  if (options.jobs == 0) {
    for (size_t i = 0; i < cases.size(); ++i) report(i, run_case(cases[i], options.run));
    return {};
  }
  void* shared =
      mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return error(Code::kIo, "mmap: ", std::strerror(errno));
  Counter* counter = new (shared) Counter(0);
  Status status = Pool(cases, options, report, *counter).run();
  munmap(shared, sizeof(Counter));
  return status;
}

}  // namespace carnot
