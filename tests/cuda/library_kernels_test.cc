// Operations whose kernels are written by hand, on this machine's CPU: the cases of tests/ops in
// some types, kernel after kernel, against reference(). NVRTC compiles the same texts elsewhere
// (nvrtc_test.cc); tests/cuda/ops_test.cc runs them on a GPU.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "codegen/cuda/nvrtc.h"
#include "ops/bind.h"
#include "tactics/code_cache.h"
#include "tactics/cuda/sink.h"
#include "tactics/library.h"
#include "tests/cuda/host_run.h"
#include "tests/ops/op_case.h"

namespace carnot::cuda {
namespace {

struct Job {
  std::string where;
  std::vector<Tensor> operands, expected;
  Op op;  ///< with numbers for its symbols, but for those that it defines
  std::unique_ptr<Graph> graph;
  LibraryProgram program;
};

Result<Tensor> converted(const Tensor& from, DType type) {
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(type, from.shape()));
  for (int64_t i = 0; i < from.elements(); ++i) out.set(i, from.get(i));
  return out;
}

/// Floats of the case as another type; false where the operation does not take them.
bool with_floats(OpCase& test, DType type) {
  for (OpCase::Operand& operand : test.operands) {
    if (!is_float(operand.type.dtype)) continue;
    operand.type.dtype = type;
    if (!operand.value) continue;
    auto value = converted(*operand.value, type);
    if (!value.ok()) return false;
    operand.value = std::move(*value);
  }
  return infer(test.op, infos_of(test)).ok();
}

/// Where tools/models/environment.py puts NVRTC.
std::vector<std::string> nvrtc_folders() {
  std::vector<std::string> out;
  std::error_code none;
  const std::string lib = CARNOT_SOURCE_DIR "/build/venv/lib";
  for (const auto& python : std::filesystem::directory_iterator(lib, none)) {
    out.push_back((python.path() / "site-packages/nvidia/cu13/lib").string());
  }
  return out;
}

const Node* only_node(const Graph& graph) {
  return graph.nodes().back();
}

/// The job of one case; nothing where the operation has no library kernels.
Result<std::optional<Job>> make_job(const std::string& where, const OpCase& test, Fill fill,
                                    CodeSink& sink, const DeviceDescription& device) {
  Job job;
  job.where = where;
  const Symbols sizes = choose_sizes(test, infos_of(test));
  auto operands = make_operands(test, sizes, fill);
  if (!operands.ok()) return std::optional<Job>();
  job.operands = std::move(*operands);
  job.graph = std::make_unique<Graph>();
  std::vector<Value*> inputs;
  for (size_t i = 0; i < job.operands.size(); ++i) {
    inputs.push_back(job.graph->add_input(cat("x", i), job.operands[i].type()));
  }
  Symbols known = sizes;
  for (const std::string& own : defined_symbols(test.op, infos_of(test))) known.erase(own);
  job.op = with_symbols(test.op, known);
  auto node = job.graph->add(job.op, inputs, {});
  if (!node.ok()) return std::optional<Job>();
  const LibraryTactic* tactic = library_of(job.op, device);
  const LibraryProblem problem{**node, device, known};
  if (!tactic || !tactic->why_not(problem).empty()) return std::optional<Job>();
  auto expected = reference(job.op, job.operands);
  if (!expected.ok()) return std::optional<Job>();
  job.expected = std::move(*expected);
  CARNOT_ASSIGN(job.program, tactic->generate(problem, sink));
  return std::optional<Job>(std::move(job));
}

Status check(const Job& job, const HostModule& module, const CudaCodeSink& sink) {
  const Node& node = *only_node(*job.graph);
  std::vector<Tensor> buffers = job.operands;
  Symbols symbols;
  for (size_t i = 0; i < job.expected.size(); ++i) {
    CARNOT_ASSIGN(Tensor result,
                  Tensor::allocate(job.expected[i].dtype(), job.expected[i].shape()));
    buffers.push_back(std::move(result));
  }
  for (const TensorType& type : job.program.temporaries) {
    Shape shape;
    for (const Dim& dim : type.dims) {
      CARNOT_ASSIGN(const int64_t size, evaluate(dim, symbols));
      shape.push_back(size);
    }
    CARNOT_ASSIGN(Tensor made, Tensor::allocate(type.dtype, shape));
    if (made.elements() > 0) std::memset(made.mutable_data(), 0xa5, made.bytes());
    buffers.push_back(std::move(made));
  }
  alignas(16) int64_t fault[2] = {0, 0};
  for (size_t k = 0; k < job.program.kernels.size(); ++k) {
    if (job.program.size >= 0 && k == job.program.before_size) {
      const Tensor& size = buffers[static_cast<size_t>(job.program.size)];
      Shape told = job.expected[0].shape();
      for (size_t i = 0; i < told.size(); ++i) {
        const auto symbol = node.output()->type().dims[i].as_symbol();
        if (!symbol) continue;
        symbols[*symbol] = size.get_int(0);
        if (size.get_int(0) != told[i]) {
          return error(Code::kWrongResult, "counted ", size.get_int(0), ", not ", told[i]);
        }
      }
    }
    const GeneratedKernel& kernel = job.program.kernels[k];
    std::vector<void*> pointers;
    for (const int a : kernel.arguments) {
      pointers.push_back(a == GeneratedKernel::kFault
                             ? static_cast<void*>(fault)
                             : buffers[static_cast<size_t>(a)].mutable_data());
    }
    const KernelSource* source = sink.of_function(kernel.entry);
    CARNOT_CHECK(source != nullptr);
    CARNOT_RETURN_IF_ERROR(module.launch(*source, pointers, kernel.params, kernel.tasks, symbols));
  }
  if (fault[1] != 0) return error(Code::kWrongResult, "told of a bad index ", fault[0]);
  for (size_t i = 0; i < job.expected.size(); ++i) {
    const Tensor& got = buffers[job.operands.size() + i];
    const Difference difference = compare(got, job.expected[i], tolerance(job.op, got.dtype()));
    if (!difference.ok) return error(Code::kWrongResult, "result ", i, ": ", difference.first);
  }
  return {};
}

std::vector<std::pair<std::string, OpCase>> all_cases() {
  std::vector<std::pair<std::string, OpCase>> out;
  for (const auto& entry : std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/ops")) {
    if (entry.path().extension() != ".txt" || entry.path().filename() == "CMakeLists.txt") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      auto test = parse_op_case(line);
      if (!test.ok() || !*test || (*test)->refused || runs_elsewhere((*test)->op)) continue;
      out.emplace_back(entry.path().filename().string() + ": " + line, std::move(**test));
    }
  }
  return out;
}

/// A case whose fibers take long is run once.
bool is_large(const OpCase& test) {
  constexpr int64_t kElements = 1 << 12;
  return std::any_of(test.operands.begin(), test.operands.end(), [](const auto& operand) {
    const Dim count = product(operand.type.dims);
    return count.is_constant() && count.value() > kElements;
  });
}

/// Every case and its sources.
struct Cases {
  std::vector<Job> jobs;
  CodeCache cache;
  std::unique_ptr<CodeSink> sink;
  const CudaCodeSink& cuda_sink() const { return static_cast<const CudaCodeSink&>(*sink); }
};

Status add_cases(Cases& out, const char* isa, bool each_type) {
  CARNOT_ASSIGN(const DeviceDescription device,
                parse_device(cat("cuda isa=", isa, " sms=132 shared=98304 clock=1980 gbps=4800")));
  out.sink = make_code_sink(device, 1, out.cache, false);
  const auto add = [&](const std::string& where, const OpCase& test) -> Status {
    for (const Fill fill : {Fill::kUniform, Fill::kSmallInts}) {
      auto job = make_job(where, test, fill, *out.sink, device);
      if (!job.ok()) return std::move(job).status().with(where);
      if (*job) out.jobs.push_back(std::move(**job));
      if (!each_type || is_large(test)) break;
    }
    return {};
  };
  for (const auto& [where, test] : all_cases()) {
    CARNOT_RETURN_IF_ERROR(add(where, test));
    OpCase half = test;
    const bool floats =
        std::any_of(test.operands.begin(), test.operands.end(),
                    [](const auto& operand) { return operand.type.dtype == DType::kF32; });
    if (!each_type || is_large(test) || !floats || !with_floats(half, DType::kF16)) continue;
    CARNOT_RETURN_IF_ERROR(add("f16 " + where, half));
  }
  return {};
}

TEST(LibraryKernels, AreTheirReference) {
  Cases cases;
  // Clusters of blocks are not to be had here.
  const Status added = add_cases(cases, "sm_80", true);
  ASSERT_TRUE(added.ok()) << added.message();
  ASSERT_FALSE(cases.jobs.empty());
  auto module = HostModule::compile(cases.cuda_sink().sources());
  ASSERT_TRUE(module.ok()) << module.status().message();
  for (const Job& job : cases.jobs) {
    const Status status = check(job, *module, cases.cuda_sink());
    EXPECT_TRUE(status.ok()) << job.where << "\n  " << status.message();
  }
  std::printf("%zu jobs, %zu kernels\n", cases.jobs.size(), cases.cuda_sink().sources().size());
}

TEST(LibraryKernels, AreCompiledForEachArchitecture) {
  const Result<const Nvrtc*> nvrtc = Nvrtc::open(nvrtc_folders());
  if (!nvrtc.ok()) GTEST_SKIP() << "skipped: " << nvrtc.status().message();
  size_t count = 0;
  for (const char* isa : {"sm_75", "sm_90a", "sm_120"}) {
    Cases cases;
    const Status added = add_cases(cases, isa, false);
    ASSERT_TRUE(added.ok()) << added.message();
    // Of each function that is called, the first instance.
    std::map<std::string, Source> first;
    for (const KernelSource& source : cases.cuda_sink().sources()) {
      const size_t call = source.text.rfind("::"), begin = source.text.rfind('\n', call);
      const size_t end = source.text.find_first_of("<(", call);
      first.try_emplace(cat(source.cluster, source.text.substr(begin, end - begin)),
                        Source{source.function, source.text});
    }
    std::vector<Source> sources;
    for (auto& [name, source] : first) sources.push_back(std::move(source));
    const auto cubins = (*nvrtc)->compile(sources, isa, 2);
    ASSERT_TRUE(cubins.ok()) << isa << ": " << cubins.status().message();
    count += sources.size();
  }
  std::printf("%zu sources\n", count);
}

}  // namespace
}  // namespace carnot::cuda
