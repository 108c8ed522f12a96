// Tuning in five steps: collect the candidates of every distinct kernel, keep those that the cost
// model ranks first, generate and compile all of them together, compare each with the kernel's
// meaning, and time them in rounds.
//
// A round runs one candidate of every kernel, then the next one of every kernel: between two runs
// of a kernel the caches have seen a whole network go by, as they will in the engine. On a CPU the
// smallest time counts: what disturbs a run only ever adds to it. A GPU times many launches at
// once: there the median counts, and a candidate is timed until its times agree.
#include "tune/tune.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "base/checked.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread_team.h"
#include "tactics/code_cache.h"
#include "tune/trial.h"

namespace carnot {

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) {
  return std::chrono::duration<double>(Clock::now() - t).count();
}

constexpr double kRoundsBudgetS[] = {0, 0.5, 1, 2, 6, 20};  ///< of timing, by effort
constexpr int kKeep[] = {1, 2, 2, 4, 8, 1000};              ///< candidates by effort
/// Candidates of libraries by effort, besides: a ranking does not know what they can do.
constexpr int kKeepOfLibraries[] = {0, 1, 1, 2, 4, 1000};
constexpr int kEffortMax = 5;
constexpr int kRoundsMin = 3, kRoundsMax = 12;
/// Times that lie this close together are believed.
constexpr double kAgreement = 0.01;
/// A favourite gives way to what is faster by this factor: each has code and weights of its own.
constexpr double kFavour = 1.05;
/// What is slower than the best by this factor is not timed again, on a CPU after kRoundsMin.
constexpr double kHopelessOnGpu = 1.4, kHopeless = 2;
/// What is this much slower by its first tasks, as far as one can tell, is not run whole on a CPU.
constexpr double kTooSlow = 20, kTooSlowUs = 10000;

struct Contender {
  const Tactic* tactic;
  Candidate candidate;
  double us = 0;
  std::vector<double> times;
  bool cached = false, wrong = false, refused = false;
  GeneratedKernel made;
  std::unique_ptr<Trial::Call> call;
  int offer = 0;  ///< its place in the choice's offers
  std::string name() const {
    return candidate.variant.empty() ? std::string(tactic->name)
                                     : cat(tactic->name, '[', candidate.variant, ']');
  }
};

// Kernels of one text differ when another operand is a constant: it may be packed. What symbols
// stand for is what was timed.
uint64_t key_of(const TuneTask& t, const Symbols& likely) {
  Hasher h;
  h.add(hash(*t.kernel));
  for (const Tensor* c : t.constants) h.add(c != nullptr ? 1 : 0);
  std::vector<std::string> names;
  for (const Buffer& b : t.kernel->buffers) {
    for (const Dim& d : b.type.dims) d.collect_symbols(names);
  }
  for (const std::string& name : std::set<std::string>(names.begin(), names.end())) {
    if (const auto at = likely.find(name); at != likely.end()) h.add(at->second);
  }
  return h.digest();
}

struct Contest {
  const TuneTask* task;
  uint64_t hash = 0;
  std::vector<Contender> contenders;
  std::unique_ptr<Trial> trial;
  double first_run_us = 0;  ///< of the fastest until now, cold
  Choice choice;
};

class Tuner {
 public:
  Tuner(std::span<const TuneTask> tasks, const DeviceDescription& device,
        const TuneOptions& options)
      : tasks_(tasks), device_(device), options_(options) {}

  Result<std::vector<Choice>> run() {
    effort_ = std::clamp(options_.effort, 0, kEffortMax);
    device_hash_ = timing_key(device_);
    for (const TuneTask& t : tasks_) CARNOT_RETURN_IF_ERROR(add(t));
    if (options_.measure_on || device_.kind == "cpu") {
      CARNOT_RETURN_IF_ERROR(measure().with("tuning"));
    }
    for (Contest& c : contests_) {
      if (effort_ < kEffortMax && none_is_right(c)) CARNOT_RETURN_IF_ERROR(ask_all(c));
      CARNOT_RETURN_IF_ERROR(decide(c));
    }
    std::vector<Choice> out;
    for (const TuneTask& t : tasks_) {
      out.push_back(contests_[static_cast<size_t>(index_.at(key_of(t, options_.likely)))].choice);
      out.back().origin = t.origin;
    }
    return out;
  }

 private:
  Problem problem(const TuneTask& t) const {
    return {*t.kernel, device_, t.constants, options_.likely, options_.tf32};
  }

  Status add(const TuneTask& t) {
    const uint64_t h = key_of(t, options_.likely);
    if (!index_.emplace(h, static_cast<int>(contests_.size())).second) return {};
    Contest c;
    c.task = &t;
    c.hash = h;
    list_contenders(c, effort_);
    if (c.contenders.empty()) {
      std::string why;
      for (const std::string& r : c.choice.refused) why += cat("\n  ", r);
      return error(Code::kUnsupported, t.origin, ": no tactic takes this kernel:", why, "\n",
                   print(*t.kernel));
    }
    CARNOT_RETURN_IF_ERROR(keep_within_scratch(c));
    keep_best(c);
    if (t.favourite && !favourite_of(c)) {
      c.contenders.push_back(
          {t.favourite->tactic, t.favourite->candidate, 0, {}, false, false, false, {}, nullptr});
    }
    if (effort_ > 0) look_up(c);
    CARNOT_RETURN_IF_ERROR(offer(c));
    contests_.push_back(std::move(c));
    return {};
  }

  // Tells what there is, and keeps what the caller wants of it.
  Status offer(Contest& c) {
    Offers& offers = c.choice.offers;
    const int nth = ++names_[c.task->origin];
    offers.name = nth == 1 ? c.task->origin : cat(c.task->origin, " [", nth, "]");
    offers.key = timing_line(c.hash, device_hash_);
    const std::vector<Buffer>& buffers = c.task->kernel->buffers;
    for (size_t i = 0; i < buffers.size(); ++i) {
      const bool constant = i < c.task->constants.size() && c.task->constants[i] != nullptr;
      if (!constant)
        (buffers[i].output ? offers.outputs : offers.inputs).push_back(buffers[i].type);
    }
    for (Contender& x : c.contenders) {
      x.offer = static_cast<int>(offers.list.size());
      offers.list.push_back({x.name(), x.candidate.predicted_us, x.us, 0});
    }
    if (!options_.choose) return {};
    CARNOT_ASSIGN(const std::vector<int> wanted, options_.choose(offers));
    std::vector<Contender> kept;
    for (Contender& x : c.contenders) {
      const bool wants = std::find(wanted.begin(), wanted.end(), x.offer) != wanted.end();
      if (wants) kept.push_back(std::move(x));
    }
    if (kept.empty()) {
      return error(Code::kInvalidArgument, offers.name, ": none of its ", offers.list.size(),
                   " candidates was chosen");
    }
    c.contenders = std::move(kept);
    return {};
  }

  // Sorted by what the cost model thinks of them.
  void list_contenders(Contest& c, int effort) const {
    const TuneTask& t = *c.task;
    for (const Tactic& tactic : tactics_of(device_)) {
      const auto is_meant = [&](const std::string& name) { return is_called(tactic, name); };
      if (std::any_of(options_.excluded.begin(), options_.excluded.end(), is_meant)) {
        c.choice.refused.push_back(cat(tactic.name, ": switched off"));
        continue;
      }
      if (const WhyNot why = tactic.why_not(problem(t)); !why.empty()) {
        c.choice.refused.push_back(cat(tactic.name, ": ", why));
        continue;
      }
      for (Candidate& candidate : tactic.candidates(problem(t), effort)) {
        c.contenders.push_back(
            {&tactic, std::move(candidate), 0, {}, false, false, false, {}, nullptr});
      }
    }
    std::stable_sort(c.contenders.begin(), c.contenders.end(), [](auto& a, auto& b) {
      return a.candidate.predicted_us < b.candidate.predicted_us;
    });
  }

  // What a candidate takes is known once it is generated: the best ones are, until enough are left.
  Status keep_within_scratch(Contest& c) const {
    if (options_.scratch_bytes_max < 0) return {};
    CodeCache code;
    const auto sink = make_code_sink(device_, 1, code, false);
    int64_t least = -1;
    int number = 0;
    for (const int effort : {effort_, kEffortMax}) {
      std::vector<Contender> kept;
      int own = 0;
      for (Contender& x : c.contenders) {
        if (own >= kKeep[effort_] && !x.tactic->library) continue;
        auto made = x.tactic->generate(problem(*c.task), x.candidate, cat("s", number++), *sink);
        if (!made.ok())
          return std::move(made).status().with(cat(x.name(), " for ", c.task->origin));
        CARNOT_ASSIGN(const int64_t bytes, scratch_bytes_of(made->scratch_bytes, device_,
                                                            options_.likely, options_.largest));
        if (bytes <= options_.scratch_bytes_max) {
          own += x.tactic->library ? 0 : 1;
          kept.push_back(std::move(x));
          continue;
        }
        least = least < 0 ? bytes : std::min(least, bytes);
        c.choice.refused.push_back(cat(x.name(), ": takes ", bytes, " bytes of scratch memory"));
      }
      c.contenders = std::move(kept);
      // Where the favourites are refused, what they kept off the list is worth a try. What only
      // libraries are left for is not certain to run: the cost model never takes them.
      if (own > 0 && (least < 0 || effort == kEffortMax)) return {};
      if (effort < kEffortMax) {
        c.contenders.clear();
        c.choice.refused.clear();
        list_contenders(c, kEffortMax);
      }
    }
    return error(Code::kResourceLimit, c.task->origin, ": no kernel keeps within ",
                 options_.scratch_bytes_max, " bytes of scratch memory (workspace); one takes ",
                 least, " bytes: raise the limit to that");
  }

  void keep_best(Contest& c) const {
    int own = kKeep[effort_], of_libraries = kKeepOfLibraries[effort_];
    std::vector<Contender> kept;
    for (Contender& x : c.contenders) {
      if ((x.tactic->library ? of_libraries : own)-- > 0) kept.push_back(std::move(x));
    }
    c.contenders = std::move(kept);
  }

  static const Contender* favourite_of(const Contest& c) {
    const Choice* f = c.task->favourite;
    for (const Contender& x : c.contenders) {
      const bool same = f && x.tactic == f->tactic && x.candidate.variant == f->candidate.variant;
      if (same) return &x;
    }
    return nullptr;
  }

  static bool none_is_right(const Contest& c) {
    return std::all_of(c.contenders.begin(), c.contenders.end(),
                       [](const Contender& x) { return x.wrong || x.refused; });
  }

  // Every candidate that the effort allowed was wrong: the others get their turn.
  Status ask_all(Contest& c) {
    TuneOptions all = options_;
    all.effort = kEffortMax;
    const std::string name = c.choice.offers.name;
    if (options_.choose) {
      all.choose = [&](Offers offers) {
        offers.name = name;
        return options_.choose(offers);
      };
    }
    auto again = tune({c.task, 1}, device_, all);
    if (!again.ok()) return again.status();
    c.contenders.clear();
    c.contenders.push_back({(*again)[0].tactic,
                            (*again)[0].candidate,
                            (*again)[0].measured_us,
                            {},
                            false,
                            false,
                            false,
                            {},
                            nullptr,
                            (*again)[0].offers.chosen});
    c.choice.offers = std::move((*again)[0].offers);
    c.choice.offers.name = name;
    return {};
  }

  void look_up(Contest& c) {
    if (!options_.cache) return;
    for (Contender& x : c.contenders) {
      x.us = options_.cache->find(c.hash, device_hash_, x.name(), x.tactic->revision);
      x.cached = x.us > 0;
    }
  }

  bool out_of_time() const { return options_.budget && !options_.budget->check().ok(); }

  Status measure() {
    CodeCache own_code;
    auto sink =
        make_code_sink(device_, device_.threads, options_.code ? *options_.code : own_code, false);
    std::vector<std::pair<Contest*, Contender*>> pending;
    for (Contest& c : contests_) {
      // Nothing to choose, but still to check; a cached winner was checked when it was timed.
      for (Contender& x : c.contenders) {
        if (!x.cached) pending.push_back({&c, &x});
      }
    }
    if (pending.empty()) return {};
    int number = 0;
    for (auto& [c, x] : pending) {
      auto made = x->tactic->generate(problem(*c->task), x->candidate, cat("t", number++), *sink);
      if (!made.ok())
        return std::move(made).status().with(cat(x->name(), " for ", c->task->origin));
      x->made = std::move(*made);
    }
    if (!options_.measure_on) {
      CARNOT_ASSIGN(own_device_, make_cpu_device(device_.threads));
    }
    device_run_ = options_.measure_on ? options_.measure_on : own_device_.get();
    TrialMaker trials(*this);
    for (auto& [c, x] : pending) trials.add(*c);
    trials.start();
    Result<CodeBlob> compiled = sink->finish();
    CARNOT_RETURN_IF_ERROR(trials.finish());
    CARNOT_ASSIGN(const CodeBlob blob, std::move(compiled));
    CARNOT_ASSIGN(code_, device_run_->load(blob.bytes));
    std::map<std::string, size_t> entries(blob.entries.begin(), blob.entries.end());
    for (auto& [c, x] : pending) {
      if (!c->trial) return {};  // out of time
    }
    for (auto& [c, x] : pending) CARNOT_RETURN_IF_ERROR(prepare(*c, *x, entries));
    CARNOT_RETURN_IF_ERROR(allocate_scratch(pending));
    for (auto& [c, x] : pending) {
      if (out_of_time()) return {};
      CARNOT_RETURN_IF_ERROR(check(*c, *x));
    }
    if (effort_ > 0) time_in_rounds(pending);
    if (options_.state) *options_.state = device_run_->state();
    return {};
  }

  // Operands and what is expected of them, for several kernels at once and while code is compiled.
  class TrialMaker {
   public:
    explicit TrialMaker(Tuner& tuner) : tuner_(tuner) {}
    TrialMaker(const TrialMaker&) = delete;
    TrialMaker& operator=(const TrialMaker&) = delete;
    ~TrialMaker() { join(); }
    void add(Contest& c) {
      if (contests_.empty() || contests_.back() != &c) contests_.push_back(&c);
    }
    void start() {
      statuses_.resize(contests_.size());
      const size_t threads = std::min<size_t>(static_cast<size_t>(usable_cpus()), contests_.size());
      for (size_t i = 0; i < threads; ++i) {
        team_.emplace_back([this] {
          for (size_t k; (k = next_++) < contests_.size();) {
            statuses_[k] = tuner_.make_trial(*contests_[k]);
          }
        });
      }
    }
    Status finish() {
      join();
      for (Status& status : statuses_) CARNOT_RETURN_IF_ERROR(std::move(status));
      return {};
    }

   private:
    void join() {
      for (std::thread& thread : team_) thread.join();
      team_.clear();
    }
    Tuner& tuner_;
    std::vector<Contest*> contests_;
    std::vector<Status> statuses_;
    std::vector<std::thread> team_;
    std::atomic<size_t> next_ = 0;
  };

  Status make_trial(Contest& c) const {
    if (out_of_time()) return {};
    CARNOT_ASSIGN(Trial trial,
                  Trial::create(*device_run_, *c.task->kernel, c.task->constants, options_.likely));
    c.trial = std::make_unique<Trial>(std::move(trial));
    return options_.check ? c.trial->expect() : Status();
  }

  Status prepare(Contest& c, Contender& x, const std::map<std::string, size_t>& entries) {
    const auto entry = entries.find(x.made.entry);
    if (entry == entries.end()) {
      return error(Code::kInternal, x.name(), ": no code for ", x.made.entry);
    }
    CARNOT_ASSIGN(x.call, c.trial->bind(x.made, code_->entry(entry->second)));
    return {};
  }

  Status allocate_scratch(const std::vector<std::pair<Contest*, Contender*>>& pending) {
    int64_t bytes = 64;
    for (const auto& [c, x] : pending) bytes = std::max(bytes, x->call->scratch_bytes);
    for (int t = 0; t < device_run_->threads(); ++t) {
      CARNOT_ASSIGN(Tensor s, Tensor::allocate(DType::kU8, {bytes}));
      CARNOT_ASSIGN(DeviceCopy there, DeviceCopy::of(*device_run_, s));
      scratch_.push_back(there.memory() ? there.memory() : s.mutable_data());
      scratch_memory_.push_back(std::move(s));
      scratch_there_.push_back(std::move(there));
    }
    return {};
  }

  // A loop nest over a large product can take minutes, which a few of its tasks show.
  bool is_too_slow(Contest& c, const Contender& x) {
    const int64_t tasks = device_.threads;
    if (on_gpu() || c.first_run_us <= 0 || x.call->launch.tasks < 4 * tasks) return false;
    Launch few = x.call->launch;
    few.tasks = tasks;
    const auto begin = Clock::now();
    if (!device_run_->run({&few, 1}, scratch_).ok()) return false;
    const double us = 1e6 * seconds_since(begin) * static_cast<double>(x.call->launch.tasks) /
                      static_cast<double>(tasks);
    if (us < kTooSlowUs || us < kTooSlow * c.first_run_us) return false;
    c.choice.refused.push_back(cat(x.name(), ": by its first tasks it takes ", us, " us"));
    return true;
  }

  Status check(Contest& c, Contender& x) {
    x.refused = is_too_slow(c, x);
    if (x.refused || (!options_.check && !x.tactic->library)) return {};
    CARNOT_RETURN_IF_ERROR(c.trial->poison());
    const auto begin = Clock::now();
    Status ran = device_run_->run({&x.call->launch, 1}, scratch_);
    const double us = 1e6 * seconds_since(begin);
    c.first_run_us = c.first_run_us > 0 ? std::min(c.first_run_us, us) : us;
    if (ran.code() == Code::kUnsupported) {  // a library has nothing to propose
      x.refused = true;
      c.choice.refused.push_back(cat(x.name(), ": ", ran.message()));
      return {};
    }
    CARNOT_RETURN_IF_ERROR(std::move(ran).with(cat(x.name(), " for ", c.task->origin)));
    CARNOT_ASSIGN(std::string difference, c.trial->difference(x.candidate.tf32));
    if (difference.empty()) return {};
    x.wrong = true;
    c.choice.wrong.push_back(cat(x.name(), ": ", difference));
    log_warning(c.task->origin, ": ", x.name(),
                " gave a wrong result and is not used: ", difference);
    return {};
  }

  void time_in_rounds(const std::vector<std::pair<Contest*, Contender*>>& pending) {
    const auto start = Clock::now();
    size_t widest = 0;
    for (const Contest& c : contests_) widest = std::max(widest, c.contenders.size());
    const int total = static_cast<int>(pending.size());
    for (int round = 0; round < kRoundsMax; ++round) {
      int done = 0;
      for (size_t i = 0; i < widest; ++i) {
        for (Contest& c : contests_) {
          if (i >= c.contenders.size()) continue;
          Contender& x = c.contenders[i];
          if (x.cached || x.wrong || x.refused || !x.call) continue;
          if (c.contenders.size() == 1 && round > 0) continue;
          if (is_decided(c, x, round)) continue;
          const Result<double> us = device_run_->time_us(x.call->launch, scratch_);
          if (!us.ok()) continue;
          note_time(c, x, round, *us);
          ++done;
        }
        if (out_of_time()) return;
      }
      report(done, total, seconds_since(start), round);
      if (done == 0) break;
      if (round + 1 >= kRoundsMin && seconds_since(start) > kRoundsBudgetS[effort_]) break;
    }
    if (!options_.cache) return;
    for (const auto& [c, x] : pending) {
      if (!x->wrong && !x->refused) {
        options_.cache->add(c->hash, device_hash_, x->name(), x->tactic->revision, x->us);
      }
    }
  }

  bool on_gpu() const { return device_.kind == "cuda"; }

  // The first run of a CPU touches pages and wakes threads.
  void note_time(const Contest& c, Contender& x, int round, double us) const {
    if (!on_gpu()) {
      if (round > 0 || c.contenders.size() == 1) x.us = x.us > 0 ? std::min(x.us, us) : us;
      return;
    }
    x.times.insert(std::upper_bound(x.times.begin(), x.times.end(), us), us);
    x.us = x.times[x.times.size() / 2];
  }

  bool is_decided(const Contest& c, const Contender& x, int round) const {
    if (!on_gpu()) return round >= kRoundsMin && x.us > kHopeless * best(c);
    if (round > 0 && x.us > kHopelessOnGpu * best(c)) return true;
    return round >= kRoundsMin && x.times.size() >= 3 &&
           x.times[x.times.size() / 2 + 1] - x.times[x.times.size() / 2 - 1] < kAgreement * x.us;
  }

  static double best(const Contest& c) {
    double us = 0;
    for (const Contender& x : c.contenders) {
      if (!x.wrong && !x.refused && x.us > 0 && (us == 0 || x.us < us)) us = x.us;
    }
    return us;
  }

  void report(int done, int total, double elapsed, int round) const {
    if (!options_.progress) return;
    TuneProgress p;
    p.done = done, p.total = total, p.elapsed_s = elapsed;
    p.eta_s = std::max(0.0, kRoundsBudgetS[effort_] - elapsed);
    p.what = cat("round ", round + 1);
    options_.progress(p);
  }

  Status decide(Contest& c) {
    const Contender* winner = nullptr;
    for (const Contender& x : c.contenders) {
      if (x.wrong || x.refused || (x.tactic->library && x.us <= 0)) continue;
      const bool better = !winner || (x.us > 0 && (winner->us <= 0 || x.us < winner->us));
      if (better) winner = &x;
    }
    if (!winner) {
      return error(Code::kWrongResult, c.task->origin,
                   ": every candidate gave a wrong result; exclude a tactic or report this: ",
                   c.choice.wrong.empty() ? "" : c.choice.wrong[0]);
    }
    const Contender* favourite = favourite_of(c);
    const bool holds =
        favourite && !favourite->wrong && !favourite->refused &&
        (winner->us <= 0 || (favourite->us > 0 && favourite->us <= kFavour * winner->us));
    if (holds) winner = favourite;
    c.choice.offers.chosen = winner->offer;
    for (const Contender& x : c.contenders) {
      Offer& o = c.choice.offers.list[static_cast<size_t>(x.offer)];
      o.measured_us = x.us;
      if (x.made.scratch_bytes.is(0)) continue;
      CARNOT_ASSIGN(o.scratch_bytes, scratch_bytes_of(x.made.scratch_bytes, device_,
                                                      options_.likely, options_.largest));
    }
    c.choice.tactic = winner->tactic;
    c.choice.candidate = winner->candidate;
    c.choice.measured_us = winner->us;
    c.choice.note = winner->us > 0 ? cat("best of ", c.contenders.size()) : "cost model";
    std::vector<const Contender*> order;
    for (const Contender& x : c.contenders) {
      if (x.us > 0 && !x.wrong) order.push_back(&x);
    }
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->us < b->us; });
    for (const Contender* x : order) c.choice.tried.push_back(cat(x->name(), ' ', x->us, " us"));
    return {};
  }

  std::span<const TuneTask> tasks_;
  const DeviceDescription& device_;
  const TuneOptions& options_;
  int effort_ = 3;
  uint64_t device_hash_ = 0;
  std::unique_ptr<Device> own_device_;  // before what lies in its memory
  Device* device_run_ = nullptr;
  std::unique_ptr<LoadedCode> code_;
  std::vector<Contest> contests_;
  std::map<uint64_t, int> index_;
  std::map<std::string, int> names_;  ///< how many kernels come from a node
  std::vector<Tensor> scratch_memory_;
  std::vector<DeviceCopy> scratch_there_;
  std::vector<void*> scratch_;
};

}  // namespace

Result<int64_t> scratch_bytes_of(const Dim& per_thread, const DeviceDescription& device,
                                 const Symbols& likely, const Symbols& largest) {
  if (per_thread.is(0)) return 0;
  int64_t out = 0;
  for (const Symbols* sizes : {&likely, &largest}) {
    if (sizes->empty() && sizes == &largest) continue;
    CARNOT_ASSIGN(const int64_t bytes, evaluate(per_thread, *sizes));
    const auto all = checked_mul(bytes, std::max<int64_t>(device.threads, 1));
    if (!all) return error(Code::kResourceLimit, "scratch memory of ", bytes, " bytes a thread");
    out = std::max(out, *all);
  }
  return out;
}

Result<std::vector<Choice>> tune(std::span<const TuneTask> tasks, const DeviceDescription& device,
                                 const TuneOptions& options) {
  return Tuner(tasks, device, options).run();
}

}  // namespace carnot
