// `carnot bench`: latency and throughput of one context.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tools/carnot/session.h"
#include "tools/carnot/stop.h"

namespace carnot::cli {

namespace {

struct Flags : RunFlags {
  double seconds = 3;
  std::string json;
};

struct Latency {
  double min = 0, median = 0, p90 = 0, p99 = 0, mean = 0;  // ms
  size_t runs = 0;
};

constexpr int kWarmups = 3, kDeviceRounds = 25;

Result<Latency> measure(Context& context, double seconds) {
  using Clock = std::chrono::steady_clock;
  for (int i = 0; i < kWarmups; ++i) CARNOT_RETURN_IF_ERROR(context.run());
  std::vector<double> ms;
  const auto begin = Clock::now();
  auto last = begin;
  while (ms.empty() || std::chrono::duration<double>(last - begin).count() < seconds) {
    CARNOT_RETURN_IF_ERROR(context.run());
    const auto now = Clock::now();
    ms.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  }
  Latency l;
  l.runs = ms.size();
  for (double t : ms) l.mean += t / static_cast<double>(ms.size());
  std::sort(ms.begin(), ms.end());
  auto at = [&](double q) {
    return ms[std::min(ms.size() - 1, static_cast<size_t>(q * static_cast<double>(ms.size())))];
  };
  l.min = ms[0], l.median = at(0.5), l.p90 = at(0.9), l.p99 = at(0.99);
  return l;
}

int run_bench(Flags flags) {
  Stop stop(flags.time_limit);
  flags.cancel = stop.flag();
  auto session = open_session(flags);
  if (!session.ok()) return fail(stop.explain(session.status()));
  stop.watch(&*session->context);
  auto latency = measure(*session->context, flags.seconds);
  // Of a device with memory of its own; on a CPU it says nothing new.
  const Result<double> on_device = session->context->device_time_us(kDeviceRounds);
  stop.watch(nullptr);
  if (!latency.ok()) return fail(stop.explain(latency.status()).with(flags.model));
  const Latency& l = *latency;
  const double throughput = 1000 / l.mean;
  std::printf("latency ms: min %.3f, median %.3f, p90 %.3f, p99 %.3f (%zu runs, %d threads)\n",
              l.min, l.median, l.p90, l.p99, l.runs, session->context->threads());
  if (on_device.ok()) std::printf("device ms: median %.4f\n", *on_device / 1e3);
  std::printf("throughput: %.1f inferences/s", throughput);
  if (session->build_s > 0) std::printf(", built in %.2f s", session->build_s);
  std::printf(", loaded in %.1f ms\n", session->load_ms);
  if (!flags.json.empty()) {
    nlohmann::json j;
    j["model"] = flags.model;
    j["latency_ms"] = {
        {"min", l.min}, {"median", l.median}, {"p90", l.p90}, {"p99", l.p99}, {"mean", l.mean}};
    if (on_device.ok()) j["device_ms"] = *on_device / 1e3;
    j["throughput"] = throughput;
    j["runs"] = l.runs;
    j["threads"] = session->context->threads();
    j["build_s"] = session->build_s;
    j["load_ms"] = session->load_ms;
    j["weight_bytes"] = session->engine->weight_bytes();
    if (const Status s = atomic_write(flags.json, j.dump(2) + "\n"); !s.ok()) return fail(s);
  }
  return kOk;
}

}  // namespace

void add_bench(CLI::App& app, int& exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App* cmd = app.add_subcommand("bench", "Measure latency and throughput");
  flags->add_to(*cmd);
  cmd->add_option("--seconds", flags->seconds, "How long to measure")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  cmd->add_option("--json", flags->json, "Write the figures to FILE")->type_name("FILE");
  cmd->callback([flags, &exit] { exit = run_bench(*flags); });
}

}  // namespace carnot::cli
