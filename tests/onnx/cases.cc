// Finds and reads the cases of the ONNX backend suite.
#include "tests/onnx/cases.h"

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/file.h"
#include "onnx/reader.h"

namespace carnot {
namespace {

namespace fs = std::filesystem;

// Reference kernels take a while for a whole image network.
constexpr double kLightSeconds = 900;
/// Tolerances other than the suite's usual ones.
struct Tolerances {
  const char* name;
  double rtol, atol;
};
constexpr Tolerances kTolerances[] = {
    {"light_densenet121", 2e-3, 1e-7},  // the suite's own
    // What the suite expects here are zeros with the rounding errors of an FFT in f32, up to 2e-7.
    {"test_dft_inverse", 1e-3, 1e-6},
    {"test_dft_inverse_opset19", 1e-3, 1e-6},
};

Result<std::vector<std::string>> entries_of(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    names.push_back(it->path().filename().string());
  }
  if (failed) return error(Code::kIo, "reading ", folder, ": ", failed.message());
  std::sort(names.begin(), names.end());
  return names;
}

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}
bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

Status add_light(const std::string& folder, const std::vector<std::string>& names,
                 std::vector<Case>& cases) {
  for (const std::string& name : names) {
    if (!ends_with(name, ".onnx")) continue;
    Case c;
    c.suite = "light";
    c.name = name.substr(0, name.size() - 5);
    c.model = folder + "/" + name;
    c.expected = folder + "/" + c.name + "_output_";
    c.seconds = kLightSeconds;
    cases.push_back(std::move(c));
  }
  return {};
}

Status add_folder(const std::string& suite, const std::string& folder, const std::string& name,
                  std::vector<Case>& cases) {
  Case c;
  c.suite = suite;
  c.name = name;
  c.model = folder + "/model.onnx";
  if (!fs::exists(c.model)) return {};
  CARNOT_ASSIGN(const auto files, entries_of(folder));
  for (const std::string& file : files) {
    if (starts_with(file, "test_data_set_")) c.data_sets.push_back(folder + "/" + file);
  }
  cases.push_back(std::move(c));
  return {};
}

Result<std::vector<Tensor>> read_numbered(const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (int i = 0;; ++i) {
    const std::string path = cat(prefix, i, ".pb");
    if (!fs::exists(path)) return tensors;
    CARNOT_ASSIGN(const std::string bytes, read_file(path));
    auto tensor = onnx::read_tensor(std::as_bytes(std::span(bytes)));
    if (!tensor.ok()) return std::move(tensor).with(path).status();
    tensors.push_back(std::move(*tensor));
  }
}

bool matches(const std::string& pattern, const std::string& text) {
  // Greedy matching with one point to return to: the last star.
  size_t p = 0, t = 0, star = std::string::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string::npos;
}

}  // namespace

Result<std::vector<Case>> find_cases(const std::string& root,
                                     const std::vector<std::string>& suites) {
  std::vector<Case> cases;
  for (const std::string& suite : suites) {
    const std::string folder = root + "/" + suite;
    CARNOT_ASSIGN(const auto names, entries_of(folder));
    if (suite == "light") {
      CARNOT_RETURN_IF_ERROR(add_light(folder, names, cases));
      continue;
    }
    for (const std::string& name : names) {
      CARNOT_RETURN_IF_ERROR(add_folder(suite, folder + "/" + name, name, cases));
    }
  }
  for (Case& c : cases) {
    for (const Tolerances& t : kTolerances) {
      if (c.name == t.name) c.rtol = t.rtol, c.atol = t.atol;
    }
  }
  return cases;
}

Result<DataSet> read_data_set(const std::string& folder) {
  DataSet data;
  CARNOT_ASSIGN(data.inputs, read_numbered(folder + "/input_"));
  CARNOT_ASSIGN(data.outputs, read_numbered(folder + "/output_"));
  return data;
}

Result<std::vector<std::string>> input_names(const std::string& model) {
  CARNOT_ASSIGN(const onnx::ModelFile file, onnx::read_model(fs::path(model)));
  const auto& weights = file.model.graph.initializers;
  std::vector<std::string> names;
  for (const onnx::ValueInfoProto& input : file.model.graph.inputs) {
    const bool weight = std::any_of(weights.begin(), weights.end(),
                                    [&](const auto& w) { return w.name == input.name; });
    if (!weight) names.emplace_back(input.name);
  }
  return names;
}

Result<std::vector<Tensor>> read_expected(const std::string& prefix) {
  return read_numbered(prefix);
}

Result<Tensor> ramp(const TensorType& type) {
  if (type.dtype != DType::kF32) {
    return error(Code::kUnsupported, "made-up inputs are f32, the model takes ", to_string(type));
  }
  Shape shape;
  for (const Dim& d : type.dims) shape.push_back(d.is_constant() ? d.value() : 1);
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(DType::kF32, shape));
  const auto count = static_cast<double>(out.elements());
  for (int64_t i = 0; i < out.elements(); ++i) out.set(i, static_cast<double>(i) / count);
  return out;
}

Result<SkipList> SkipList::read(const std::string& path) {
  CARNOT_ASSIGN(const std::string text, read_file(path));
  SkipList list;
  size_t at = 0;
  for (int number = 1; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    const size_t mark = line.find('#');
    const size_t last = line.find_last_not_of(' ', mark == 0 ? 0 : mark - 1);
    if (line.empty() || mark == 0) continue;
    if (mark == std::string::npos || last == std::string::npos || mark + 2 >= line.size()) {
      return error(Code::kInvalidArgument, path, ":", number, ": expected `pattern  # reason`");
    }
    list.lines_.push_back({line.substr(0, last + 1), line.substr(mark + 2), false});
  }
  return list;
}

const std::string* SkipList::find(const std::string& id) {
  for (Line& line : lines_) {
    if (!matches(line.pattern, id)) continue;
    line.used = true;
    return &line.reason;
  }
  return nullptr;
}

std::vector<std::string> SkipList::unused() const {
  std::vector<std::string> patterns;
  for (const Line& line : lines_) {
    if (!line.used) patterns.push_back(line.pattern);
  }
  return patterns;
}

}  // namespace carnot
