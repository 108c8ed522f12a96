// trtexec: builds an engine from an ONNX model or loads one, runs it, and says how fast it is, with
// TensorRT's flags and output.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "NvInfer.h"
#include "NvInferPlugin.h"
#include "build.h"
#include "report.h"
#include "summary.h"

namespace trtexec {

namespace {

using namespace nvinfer1;
using Clock = std::chrono::steady_clock;

class Logger final : public ILogger {
 public:
  void log(Severity severity, char const* text) noexcept override {
    static constexpr char kLetters[] = {'F', 'E', 'W', 'I', 'V'};
    if (severity == Severity::kVERBOSE && !verbose) return;
    say(kLetters[static_cast<int>(severity)], text);
  }
  bool verbose = false;
};

/// Gives an engine's bytes piece by piece.
class Reader final : public IStreamReaderV2 {
 public:
  explicit Reader(const Bytes& bytes) : bytes_(bytes) {}
  int64_t read(void* to, int64_t count, cudaStream_t) noexcept override {
    const auto left = static_cast<int64_t>(bytes_.size()) - at_;
    const int64_t given = std::clamp<int64_t>(count, 0, left);
    std::copy_n(bytes_.data() + at_, given, static_cast<char*>(to));
    at_ += given;
    return given;
  }
  bool seek(int64_t offset, SeekPosition where) noexcept override {
    const auto size = static_cast<int64_t>(bytes_.size());
    const int64_t from = where == SeekPosition::kSET ? 0 : where == SeekPosition::kCUR ? at_ : size;
    if (from + offset < 0 || from + offset > size) return false;
    at_ = from + offset;
    return true;
  }

 private:
  const Bytes& bytes_;
  int64_t at_ = 0;
};

struct Session {
  Options options;
  Logger logger;
  std::unique_ptr<Device> device;
  std::unique_ptr<IRuntime> runtime;
  std::unique_ptr<ICudaEngine> engine;
};

bool fail(const std::string& why) {
  say('E', why);
  return false;
}

bool load_plugins(Session& s) {
  s.runtime.reset(createInferRuntime(s.logger));
  if (!s.runtime) return fail("there is no runtime");
  if (!s.options.temporary.empty()) {
    s.runtime->setTemporaryDirectory(s.options.temporary.c_str());
  }
  for (const std::string& library : s.options.plugins) {
    say('I', "Loading supplied plugin library: " + library);
    if (!s.runtime->getPluginRegistry().loadLibrary(library.c_str())) return false;
  }
  return true;
}

bool get_engine(Session& s) {
  const Options& o = s.options;
  Bytes plan;
  if (!o.load_engine.empty()) {
    if (!read_file(o.load_engine, plan)) return fail("cannot read '" + o.load_engine + "'");
    say('I', "Loaded engine with size: " +
                 std::to_string(static_cast<double>(plan.size()) / 1048576) + " MiB");
  } else if (!build(o, s.logger, plan)) {
    return false;
  }
  if (o.skip_inference && o.load_engine.empty() && !o.dump_layer_info && !o.dump_refit &&
      o.export_layer_info.empty() && o.refit_from_onnx.empty() && !o.dump_profiles) {
    return true;
  }
  const Clock::time_point start = Clock::now();
  Reader reader(plan);
  s.engine.reset(o.async_reader ? s.runtime->deserializeCudaEngine(reader)
                                : s.runtime->deserializeCudaEngine(plan.data(), plan.size()));
  if (!s.engine) return fail("Engine deserialization failed");
  const std::chrono::duration<double> took = Clock::now() - start;
  say('I', "Engine deserialized in " + std::to_string(took.count()) + " sec.");
  const bool wants_refit = o.dump_refit || !o.refit_from_onnx.empty();
  return !wants_refit || refit(o, s.logger, *s.engine);
}

/// "-2" off, "-1" as the engine thinks best, "50%" of what can be streamed, else bytes.
bool set_streaming(Session& s) {
  const std::string& text = s.options.streaming_budget;
  if (text.empty() || text == "-2") return true;
  Problems problems;
  int64_t budget = 0;
  if (text == "-1") {
    budget = s.engine->getWeightStreamingAutomaticBudget();
  } else if (text.back() == '%') {
    const double share = number(problems, text.substr(0, text.size() - 1)) / 100;
    budget =
        static_cast<int64_t>(share * static_cast<double>(s.engine->getStreamableWeightsSize()));
  } else {
    budget = static_cast<int64_t>(bytes_of(problems, text));
  }
  for (const std::string& problem : problems) say('E', "--weightStreamingBudget: " + problem);
  return problems.empty() && s.engine->setWeightStreamingBudgetV2(budget);
}

std::string shape_text(const Dims& dims) {
  std::string out;
  for (const int64_t size : shape_of(dims)) out += (out.empty() ? "" : "x") + std::to_string(size);
  return out.empty() ? "scalar" : out;
}

void show_profiles(const ICudaEngine& engine) {
  say('I', "Optimization Profile Information:");
  for (int32_t p = 0; p < engine.getNbOptimizationProfiles(); ++p) {
    for (int32_t i = 0; i < engine.getNbIOTensors(); ++i) {
      const char* const name = engine.getIOTensorName(i);
      if (engine.getTensorIOMode(name) != TensorIOMode::kINPUT) continue;
      const auto sizes = [&](OptProfileSelector which) {
        return shape_text(engine.getProfileShape(name, p, which));
      };
      say('I', "Profile " + std::to_string(p) + ": " + name + " min=" +
                   sizes(OptProfileSelector::kMIN) + " opt=" + sizes(OptProfileSelector::kOPT) +
                   " max=" + sizes(OptProfileSelector::kMAX));
    }
  }
}

bool show_engine(Session& s) {
  const Options& o = s.options;
  if (o.dump_profiles) show_profiles(*s.engine);
  if (!o.dump_layer_info && o.export_layer_info.empty()) return true;
  const std::unique_ptr<IEngineInspector> inspector(s.engine->createEngineInspector());
  if (o.dump_layer_info) {
    say('I', "Layer Information:");
    say('I', inspector->getEngineInformation(LayerInformationFormat::kONELINE));
  }
  if (o.export_layer_info.empty()) return true;
  return write_text(o.export_layer_info,
                    inspector->getEngineInformation(LayerInformationFormat::kJSON));
}

bool say_version(Session& s) {
  Bytes plan;
  if (!read_file(s.options.load_engine, plan)) {
    return fail("cannot read '" + s.options.load_engine + "'");
  }
  s.runtime.reset(createInferRuntime(s.logger));  // tells what else made it, where it did not
  s.engine.reset(s.runtime->deserializeCudaEngine(plan.data(), plan.size()));
  if (!s.engine) return false;
  const std::string version = std::to_string(NV_TENSORRT_MAJOR) + "." +
                              std::to_string(NV_TENSORRT_MINOR) + "." +
                              std::to_string(NV_TENSORRT_PATCH);
  say('I', "Plan was created with TensorRT version " + version + " (Carnot)");
  return true;
}

bool infer(Session& s) {
  const Options& o = s.options;
  Measured measured;
  if (!measure(*s.engine, *s.device, o, measured)) return fail("Error occurred during inference");
  print_performance(measured, o, s.device->is_host());
  if (o.dump_output) print_outputs(measured.lanes[0]);
  if (o.dump_raw && !dump_raw(measured.lanes[0])) return false;
  if (o.dump_profile) print_profile(measured);
  return export_files(measured, o);
}

bool work(Session& s) {
  const Options& o = s.options;
  for (const std::string& note : o.notes) say('W', note);
  for (const std::string& error : o.errors) say('E', error);
  if (!o.errors.empty()) return false;
  if (o.plan_version_only) return say_version(s);
  print_options(o);
  std::string why;
  s.device = Device::open(o.device, o.spin, why);
  if (!s.device) return fail("--device: " + why);
  say('I', "=== Device Information ===");
  for (const std::string& line : s.device->description()) say('I', line);
  say('I', "");
  say('I', "TensorRT version: 10.16.1");
  say('I', "Loading standard plugins");
  initLibNvInferPlugins(&s.logger, "");
  if (!load_plugins(s) || !get_engine(s)) return false;
  if (s.engine && !show_engine(s)) return false;
  if (o.skip_inference || o.platform != "SameAsBuild") {
    return say('I', "Skipped inference phase since --skipInference is added."), true;
  }
  if (o.time_deserialize) return true;
  return set_streaming(s) && infer(s);
}

}  // namespace

void say(char severity, const std::string& text) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%m/%d/%Y-%H:%M:%S", &local);
  std::printf("[%s] [%c] %s\n", stamp, severity, text.c_str());
}

int run(int argc, char** argv) {
  Session s;
  s.options = parse({argv + 1, argv + argc});
  if (s.options.help) return std::fputs(help_text().c_str(), stdout), 0;
  s.logger.verbose = s.options.verbose;
  if (s.options.device > 0) {  // the libraries' own way to choose
    setenv("CARNOT_DEVICE", ("cuda:" + std::to_string(s.options.device)).c_str(), 0);
  }
  std::string line;
  for (int i = 0; i < argc; ++i) line += std::string(i ? " " : "") + argv[i];
  const std::string tail = " TensorRT.trtexec [TensorRT v101601] # " + line;
  std::printf("&&&& RUNNING%s\n", tail.c_str());
  const bool passed = work(s);
  std::printf("&&&& %s%s\n", passed ? "PASSED" : "FAILED", tail.c_str());
  return passed ? 0 : 1;
}

}  // namespace trtexec

int main(int argc, char** argv) {
  return trtexec::run(argc, argv);
}
