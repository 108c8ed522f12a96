#include "options.h"

#include <algorithm>

#include "flags.h"

namespace trtexec {

namespace {

std::string nearest(const std::string& name) {
  std::string best;
  for (const Flag& flag : all_flags()) {
    if (best.empty() || distance(name, flag.name) < distance(name, best)) best = flag.name;
  }
  return best;
}

void obey(Options& o, const std::string& argument) {
  const size_t dashes = std::min(argument.find_first_not_of('-'), argument.size());
  const size_t equals = argument.find('=');
  std::string name =
      argument.substr(dashes, equals == std::string::npos ? equals : equals - dashes);
  const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
  if (name == "h") name = "help";
  if (name == "v") name = "verbose";
  if (dashes == 0) {
    return o.errors.push_back("'" + argument + "' is no flag: flags begin with --");
  }
  for (const Flag& flag : all_flags()) {
    if (name != flag.name) continue;
    if (flag.kind == FlagKind::kRefused) {
      return o.errors.push_back("--" + name + " cannot be done here: " + flag.about);
    }
    if (flag.takes_value && value.empty()) {
      return o.errors.push_back("--" + name + " needs a value: --" + name + "=...");
    }
    if (flag.kind == FlagKind::kIdle) {
      return o.notes.push_back("--" + name + " has no effect here: " + flag.about);
    }
    const size_t before = o.errors.size();
    flag.set(o, value);
    for (size_t i = before; i < o.errors.size(); ++i)
      o.errors[i] = "--" + name + ": " + o.errors[i];
    return;
  }
  o.errors.push_back("there is no flag --" + name + "; the nearest is --" + nearest(name));
}

/// Sizes that were left out are those that were given.
void complete(ProfileShapes& p, const Shapes& run) {
  if (p.min.empty() && p.max.empty()) {
    if (p.opt.empty()) p.opt = run;
    p.min = p.max = p.opt;
  }
  if (p.opt.empty()) p.opt = p.max.empty() ? p.min : p.max;
  if (p.min.empty()) p.min = p.opt;
  if (p.max.empty()) p.max = p.opt;
}

void check(Options& o) {
  const auto range = [&](const char* flag, double value, double low, double high) {
    if (value >= low && value <= high) return;
    o.errors.push_back(std::string("--") + flag + " is " +
                       std::to_string(static_cast<int64_t>(low)) + " to " +
                       std::to_string(static_cast<int64_t>(high)));
  };
  range("infStreams", o.streams, 1, 1024);
  range("builderOptimizationLevel", o.level, 0, 5);
  range("iterations", o.iterations, 0, 1e9);
  range("avgRuns", o.avg_runs, 1, 1e9);
  range("warmUp", o.warm_up_ms, 0, 1e9);
  range("duration", o.duration_s, -1, 1e9);
  range("idleTime", o.idle_ms, 0, 1e9);
  range("sleepTime", o.sleep_ms, 0, 1e9);
  range("useProfile", o.profile, 0, 1e9);
  if (o.onnx.empty() && o.load_engine.empty()) {
    o.errors.emplace_back("give a model (--onnx=FILE) or an engine (--loadEngine=FILE)");
  }
  if (o.plan_version_only && o.load_engine.empty()) {
    o.errors.emplace_back("--getPlanVersionOnly needs --loadEngine=FILE");
  }
}

}  // namespace

Options parse(const std::vector<std::string>& arguments) {
  Options o;
  for (const std::string& argument : arguments) obey(o, argument);
  if (o.help) return o;
  check(o);
  for (ProfileShapes& p : o.profiles) complete(p, o.shapes);
  const auto used = static_cast<size_t>(std::max(o.profile, 0));
  if (o.shapes.empty() && used < o.profiles.size()) o.shapes = o.profiles[used].opt;
  return o;
}

std::string help_text() {
  std::string out = "trtexec --onnx=FILE | --loadEngine=FILE [flags]\n\n";
  for (const Flag& flag : all_flags()) {
    std::string line = std::string("  --") + flag.name + (flag.takes_value ? "=VALUE" : "");
    line.resize(std::max<size_t>(line.size() + 1, 36), ' ');
    const char* const mark = flag.kind == FlagKind::kIdle      ? "no effect: "
                             : flag.kind == FlagKind::kRefused ? "refused: "
                                                               : "";
    out += line + mark + flag.about + "\n";
  }
  return out;
}

}  // namespace trtexec
