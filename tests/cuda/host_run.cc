#include "tests/cuda/host_run.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "base/status.h"
#include "tests/kernels/operand.h"

namespace carnot::cuda {

namespace {

constexpr size_t kArguments = 40;  // as host_shim.h

/// All sources as one: what they include stands before, each has a namespace of its own.
std::string joined(const std::vector<KernelSource>& sources) {
  std::string out = R"(
#include "tests/cuda/host_shim.h"
#include "codegen/cuda/access.cuh"
#include "codegen/cuda/folds.cuh"
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/scalar.cuh"
#include "codegen/cuda/lib/cumulative.cuh"
#include "codegen/cuda/lib/non_zero.cuh"
#include "codegen/cuda/lib/one_hot.cuh"
#include "codegen/cuda/lib/recurrent.cuh"
#include "codegen/cuda/lib/reverse.cuh"
#include "codegen/cuda/lib/sample.cuh"
#include "codegen/cuda/lib/scatter.cuh"
#include "codegen/cuda/lib/suppression.cuh"
#include "codegen/cuda/lib/top_k.cuh"
)";
  for (const KernelSource& source : sources) {
    out += cat("namespace in_", source.function, " {\n", source.text, "}\n");
  }
  return out;
}

}  // namespace

Result<HostModule> HostModule::compile(const std::vector<KernelSource>& sources) {
  std::string folder = (std::filesystem::temp_directory_path() / "carnot-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return error(Code::kIo, "no folder for temporary files");
  std::ofstream(folder + "/kernels.cc") << joined(sources);
  const std::string command =
      cat(CARNOT_CXX, " -std=c++17 -O1 -w -fno-strict-aliasing -fPIC -shared -I", CARNOT_SOURCE_DIR,
          " -I", CARNOT_SOURCE_DIR, "/src ", folder, "/kernels.cc -o ", folder, "/kernels.so 2> ",
          folder, "/log");
  HostModule out;
  if (system(command.c_str()) == 0) {
    out.library_ = dlopen((folder + "/kernels.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  Status failed;
  if (out.library_ == nullptr) {
    std::ifstream log(folder + "/log");
    std::string text((std::istreambuf_iterator<char>(log)), {});
    failed = error(Code::kInternal, command, "\n", text.substr(0, 4000));
  }
  std::filesystem::remove_all(folder);
  if (!failed.ok()) return failed;
  return out;
}

HostModule::HostModule(HostModule&& other) noexcept
    : library_(std::exchange(other.library_, nullptr)) {}

HostModule::~HostModule() {
  if (library_ != nullptr) dlclose(library_);
}

Result<std::vector<Tensor>> HostModule::run(const KernelSource& source, const Kernel& kernel,
                                            const std::vector<Tensor>& inputs,
                                            const Symbols& symbols) const {
  using Run = void (*)(void*, const unsigned long long*, unsigned, unsigned);
  void* function = dlsym(library_, source.function.c_str());
  const auto run = reinterpret_cast<Run>(dlsym(library_, "host_shim_run"));
  CARNOT_CHECK(function != nullptr && run != nullptr);
  std::vector<Operand> operands;
  std::array<unsigned long long, kArguments> arguments{};
  size_t count = 0;
  for (size_t i = 0; i < kernel.buffers.size(); ++i) {
    CARNOT_ASSIGN(Operand operand, make_operand(kernel.buffers[i], symbols));
    if (!kernel.buffers[i].output) operand.fill(inputs[i]);
    arguments.at(count++) = reinterpret_cast<unsigned long long>(operand.memory->data());
    operands.push_back(std::move(operand));
  }
  for (const Dim& param : source.params) {
    CARNOT_ASSIGN(const int64_t value, evaluate(param, symbols));
    arguments.at(count++) = static_cast<unsigned long long>(value);
  }
  CARNOT_ASSIGN(const int64_t tasks, evaluate(source.tasks, symbols));
  CARNOT_ASSIGN(const int64_t scratch_bytes, evaluate(source.scratch_bytes, symbols));
  const Fenced scratch(static_cast<size_t>(scratch_bytes));
  arguments.at(count++) = reinterpret_cast<unsigned long long>(scratch.data());
  run(function, arguments.data(), static_cast<unsigned>(tasks),
      static_cast<unsigned>(source.threads));
  std::vector<Tensor> results;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].memory->untouched_before()) {
      return error(Code::kWrongResult, "wrote before buffer ", i);
    }
    if (!kernel.buffers[i].output) continue;
    CARNOT_ASSIGN(Tensor dense, operands[i].dense(kernel.buffers[i].type.dtype));
    results.push_back(std::move(dense));
  }
  return results;
}

Status HostModule::launch(const KernelSource& source, const std::vector<void*>& pointers,
                          const Dims& params, const Dim& tasks, const Symbols& symbols) const {
  using Run = void (*)(void*, const unsigned long long*, unsigned, unsigned);
  void* function = dlsym(library_, source.function.c_str());
  const auto run = reinterpret_cast<Run>(dlsym(library_, "host_shim_run"));
  CARNOT_CHECK(function != nullptr && run != nullptr);
  std::array<unsigned long long, kArguments> arguments{};
  size_t count = 0;
  for (void* pointer : pointers) {
    arguments.at(count++) = reinterpret_cast<unsigned long long>(pointer);
  }
  for (const Dim& param : params) {
    CARNOT_ASSIGN(const int64_t value, evaluate(param, symbols));
    arguments.at(count++) = static_cast<unsigned long long>(value);
  }
  CARNOT_ASSIGN(const int64_t blocks, evaluate(tasks, symbols));
  run(function, arguments.data(), static_cast<unsigned>(blocks),
      static_cast<unsigned>(source.threads));
  return {};
}

}  // namespace carnot::cuda
