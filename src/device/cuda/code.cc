// From a code file to kernels that can be launched.
#include <string>

#include "device/cuda/code_file.h"
#include "device/cuda/cubin.h"
#include "device/cuda/libraries.h"
#include "device/cuda/objects.h"

namespace carnot::cuda {
namespace {

class Modules : public LoadedCode {
 public:
  explicit Modules(const Context& context) : context_(context) {}
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;
  ~Modules() override {
    const Current current = context_.current();
    for (ModuleObject* module : modules_) {
      if (module) context_.driver().module_unload(module);
    }
    calls_.clear();
  }

  Status load(const CodeFile& file);
  const void* entry(size_t offset) const override {
    return offset < kernels_.size() ? &kernels_[offset] : nullptr;
  }
  std::string why_not_callable(size_t offset, size_t buffers, size_t params) const override {
    if (offset >= kernels_.size()) return "it is not in the machine code";
    const LoadedKernel& k = kernels_[offset];
    if (k.pointers == buffers && k.integers == params) return "";
    return cat("it takes ", k.pointers, " buffers and ", k.integers, " numbers, the plan gives ",
               buffers, " and ", params);
  }

 private:
  Status module(std::span<const std::byte> cubin);
  Status kernel(const CodeEntry& entry);
  Status call(const CodeEntry& entry, std::span<const std::byte> text);

  const Context& context_;
  std::vector<ModuleObject*> modules_;
  std::vector<LoadedKernel> kernels_;
  LibraryCalls calls_;
};

Status Modules::load(const CodeFile& file) {
  const Current current = context_.current();
  std::vector<bool> is_call(file.modules.size(), false);
  for (const CodeEntry& entry : file.entries) {
    if (entry.library != Library::kNone) is_call[entry.module] = true;
  }
  for (size_t i = 0; i < file.modules.size(); ++i) {
    if (is_call[i]) {
      modules_.push_back(nullptr);
      continue;
    }
    CARNOT_RETURN_IF_ERROR(module(file.modules[i]).with(cat("module ", i, " of the machine code")));
  }
  kernels_.reserve(file.entries.size());
  for (const CodeEntry& entry : file.entries) {
    const Status status =
        entry.library == Library::kNone ? kernel(entry) : call(entry, file.modules[entry.module]);
    CARNOT_RETURN_IF_ERROR(Status(status).with(cat("kernel ", entry.name)));
  }
  return calls_.prepare(context_);
}

Status Modules::module(std::span<const std::byte> cubin) {
  CARNOT_RETURN_IF_ERROR(check_cubin(cubin));
  char log[4096] = {};
  int options[] = {kJitErrorLog, kJitErrorLogBytes};
  void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
  ModuleObject* out = nullptr;
  const Code_t code = context_.driver().module_load(&out, cubin.data(), 2, options, values);
  if (code == kSuccess) {
    modules_.push_back(out);
    return {};
  }
  const Status why = context_.status(code, "the driver refuses it");
  log[sizeof log - 1] = 0;
  return error(code == kNoBinaryForGpu ? Code::kVersionMismatch : Code::kCorruptEngine,
               why.message(), log[0] ? "\n" : "", log,
               "; build the engine again on this machine with 'carnot build'");
}

Status Modules::call(const CodeEntry& entry, std::span<const std::byte> text) {
  LoadedKernel k;
  k.pointers = entry.pointers;
  k.integers = entry.integers;
  k.scratch = entry.scratch;
  const std::string_view words(reinterpret_cast<const char*>(text.data()), text.size());
  CARNOT_ASSIGN(k.call, calls_.add(entry.library, words, entry.pointers, entry.integers)
                            .with(cat("it is ", to_string(entry.library), "'s")));
  kernels_.push_back(k);
  return {};
}

Status Modules::kernel(const CodeEntry& entry) {
  LoadedKernel k;
  if (!modules_[entry.module]) {
    return error(Code::kCorruptEngine, "its module is a call of a library");
  }
  const Driver& driver = context_.driver();
  CARNOT_RETURN_IF_ERROR(context_.status(
      driver.module_function(&k.function, modules_[entry.module], entry.function.c_str()),
      "looking for it in its module"));
  k.threads = entry.threads;
  k.shared_bytes = entry.shared_bytes;
  k.cluster = entry.cluster;
  k.pointers = entry.pointers;
  k.integers = entry.integers;
  k.scratch = entry.scratch;
  k.dependent_launch = entry.dependent_launch;
  k.boxes = entry.boxes;
  if (entry.pointers > kArgumentsMax || entry.integers > kArgumentsMax ||
      k.arguments() > kArgumentsMax) {
    return error(Code::kCorruptEngine, "it takes more than ", kArgumentsMax, " arguments");
  }
  constexpr unsigned kSharedWithoutAsking = 48 << 10;
  if (k.shared_bytes > kSharedWithoutAsking) {
    CARNOT_RETURN_IF_ERROR(context_.status(
        driver.function_set(k.function, kFunctionDynamicShared, static_cast<int>(k.shared_bytes)),
        "asking for its shared memory"));
  }
  constexpr unsigned kClusterWithoutAsking = 8;
  if (k.cluster > kClusterWithoutAsking) {
    CARNOT_RETURN_IF_ERROR(context_.status(driver.function_set(k.function, kFunctionAnyCluster, 1),
                                           "asking for its cluster size"));
  }
  kernels_.push_back(k);
  return {};
}

}  // namespace

Result<std::unique_ptr<LoadedCode>> load_code(const Context& context,
                                              std::span<const std::byte> code) {
  auto out = std::make_unique<Modules>(context);
  if (code.empty()) return std::unique_ptr<LoadedCode>(std::move(out));
  CARNOT_ASSIGN(const CodeFile file, parse_code_file(code));
  CARNOT_RETURN_IF_ERROR(out->load(file));
  return std::unique_ptr<LoadedCode>(std::move(out));
}

}  // namespace carnot::cuda
