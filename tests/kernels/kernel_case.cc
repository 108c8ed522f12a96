#include "tests/kernels/kernel_case.h"

#include <fstream>

#include "base/text.h"
#include "ir/executor.h"
#include "ir/text.h"
#include "kernel/kernel.h"
#include "kernel/lower.h"
#include "tensor/fill.h"

namespace carnot {
namespace {

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  return text;
}

struct Settings {
  Symbols sizes;
  std::map<size_t, Tensor> inputs;
};

Result<Settings> parse_settings(const std::vector<std::string>& lines) {
  Settings out;
  for (const std::string& line : lines) {
    Scanner scanner(line, "settings");
    if (scanner.accept("input")) {
      CARNOT_ASSIGN(const int64_t number, scanner.integer());
      CARNOT_RETURN_IF_ERROR(scanner.expect(":"));
      CARNOT_ASSIGN(Tensor tensor, parse_tensor(scanner));
      out.inputs.emplace(static_cast<size_t>(number), std::move(tensor));
      continue;
    }
    CARNOT_RETURN_IF_ERROR(scanner.expect("sizes"));
    CARNOT_RETURN_IF_ERROR(scanner.expect(":"));
    do {
      CARNOT_ASSIGN(const std::string name, scanner.name());
      CARNOT_RETURN_IF_ERROR(scanner.expect("="));
      CARNOT_ASSIGN(const int64_t size, scanner.integer());
      out.sizes[name] = size;
    } while (scanner.accept(","));
  }
  return out;
}

std::string print_ints(const std::vector<int>& values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += cat(i ? ", " : "", values[i]);
  return out + "]";
}

std::string contraction_text(const Kernel& kernel) {
  const Result<ContractionView> view = as_contraction(kernel);
  if (!view.ok()) return view.status().message();
  return cat("a = ", view->a, ", b = ", view->b, ", batch = ", print_ints(view->batch),
             ", rows = ", print_ints(view->rows), ", columns = ", print_ints(view->columns),
             ", inner = ", print_ints(view->inner));
}

Result<std::vector<Tensor>> make_inputs(const Kernel& kernel, const Settings& settings) {
  std::vector<Tensor> out;
  for (const Buffer& buffer : kernel.buffers) {
    if (buffer.output) continue;
    if (const auto given = settings.inputs.find(out.size()); given != settings.inputs.end()) {
      out.push_back(given->second);
      continue;
    }
    Shape shape;
    for (const Dim& dim : buffer.type.dims) {
      CARNOT_ASSIGN(const int64_t size, evaluate(dim, settings.sizes));
      shape.push_back(size);
    }
    CARNOT_ASSIGN(Tensor filled, fill(buffer.type.dtype, shape, 5 + out.size()));
    out.push_back(std::move(filled));
  }
  return out;
}

Status compare_all(const std::vector<Tensor>& got, const std::vector<Tensor>& want) {
  if (want.size() != got.size()) {
    return error(Code::kWrongResult, "the reference has ", want.size(), " results");
  }
  for (size_t i = 0; i < want.size(); ++i) {
    const Difference difference = compare(got[i], want[i], tolerance(op::Fused(), want[i].dtype()));
    if (!difference.ok) {
      return error(Code::kWrongResult, "output ", i, " differs ", difference.first);
    }
  }
  return {};
}

// The graph's numbers against this kernel's, and against those of the kernel that lowering makes of
// the graph (where it can).
Status compare_with_reference(const std::string& text, const std::vector<Tensor>& inputs,
                              const Symbols& sizes, const std::vector<Tensor>& got) {
  CARNOT_ASSIGN(const Graph graph, parse_graph(text, {}));
  Budget budget;
  CARNOT_ASSIGN(const std::vector<Tensor> want, execute(graph, inputs, budget));
  CARNOT_RETURN_IF_ERROR(compare_all(got, want));
  const Result<Kernel> lowered = lower_region(graph);
  if (!lowered.ok()) {
    const bool refused = lowered.status().code() == Code::kUnsupported;
    return refused ? Status() : Status(lowered.status()).with("lowered");
  }
  CARNOT_ASSIGN(const Kernel again, parse_kernel(print(*lowered)).with(print(*lowered)));
  CARNOT_ASSIGN(const std::vector<Tensor> computed, interpret(again, inputs, sizes));
  return compare_all(computed, want).with(cat("lowered to ", print(*lowered)));
}

Status run(const KernelCase& test, KernelCase* blessed) {
  CARNOT_ASSIGN(const Settings settings, parse_settings(test.settings));
  CARNOT_ASSIGN(const Kernel kernel, parse_kernel(test.kernel));
  blessed->kernel = print(kernel);
  CARNOT_ASSIGN(const Kernel again, parse_kernel(blessed->kernel));
  if (!(again == kernel) || hash(again) != hash(kernel)) {
    return error(Code::kInternal, "printing and parsing gives another kernel");
  }
  CARNOT_RETURN_IF_ERROR(verify(kernel));
  CARNOT_ASSIGN(const std::vector<Tensor> inputs, make_inputs(kernel, settings));
  CARNOT_ASSIGN(const std::vector<Tensor> outputs, interpret(kernel, inputs, settings.sizes));
  if (test.contraction) blessed->contraction = contraction_text(kernel);
  if (test.reference) {
    CARNOT_RETURN_IF_ERROR(
        compare_with_reference(*test.reference, inputs, settings.sizes, outputs).with("reference"));
  }
  if (trimmed(blessed->kernel) != test.kernel) {
    return error(Code::kWrongResult, "it prints as\n", blessed->kernel);
  }
  if (blessed->contraction != test.contraction) {
    return error(Code::kWrongResult, "as a contraction: ", *blessed->contraction);
  }
  return {};
}

}  // namespace

Result<std::vector<Tensor>> inputs_of(const KernelCase& test, const Kernel& kernel,
                                      Symbols* sizes) {
  CARNOT_ASSIGN(const Settings settings, parse_settings(test.settings));
  *sizes = settings.sizes;
  return make_inputs(kernel, settings);
}

std::vector<KernelCase> read_kernel_cases(const std::string& path) {
  std::vector<KernelCase> cases;
  std::ifstream in(path);
  std::string* section = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("//! ", 0) != 0) {
      if (section) *section += line + "\n";
      continue;
    }
    const std::string word = line.substr(4);
    if (cases.empty()) cases.emplace_back();
    KernelCase& last = cases.back();
    if (word == "contraction") {
      section = &last.contraction.emplace();
    } else if (word == "reference") {
      section = &last.reference.emplace();
    } else if (word == "error") {
      section = &last.error.emplace();
    } else if (word.rfind("sizes: ", 0) == 0 || word.rfind("input ", 0) == 0) {
      last.settings.push_back(word);
    } else {
      if (!last.name.empty()) cases.emplace_back();
      cases.back().name = word;
      section = &cases.back().kernel;
    }
  }
  for (KernelCase& one : cases) {
    one.kernel = trimmed(one.kernel);
    for (auto* text : {&one.contraction, &one.reference, &one.error}) {
      if (*text) **text = trimmed(**text);
    }
  }
  return cases;
}

void write_kernel_cases(const std::string& path, const std::vector<KernelCase>& cases) {
  std::ofstream out(path);
  for (size_t i = 0; i < cases.size(); ++i) {
    const KernelCase& one = cases[i];
    out << (i ? "\n" : "") << "//! " << one.name << "\n";
    for (const std::string& line : one.settings) out << "//! " << line << "\n";
    out << trimmed(one.kernel) << "\n";
    if (one.contraction) out << "//! contraction\n" << *one.contraction << "\n";
    if (one.reference) out << "//! reference\n" << *one.reference << "\n";
    if (one.error) out << "//! error\n" << *one.error << "\n";
  }
}

Status run_kernel_case(const KernelCase& test, KernelCase* blessed) {
  *blessed = test;
  Status status = run(test, blessed);
  if (!test.error) return status;
  blessed->kernel = test.kernel;  // as it was written: it may not even parse
  if (status.ok()) return error(Code::kWrongResult, "nothing is wrong with it");
  blessed->error = status.message();
  if (*blessed->error == *test.error) return {};
  return error(Code::kWrongResult, "the error is: ", *blessed->error);
}

}  // namespace carnot
