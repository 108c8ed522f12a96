#include "tests/kernels/stored_kernel.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/status.h"
#include "tensor/fill.h"
#include "tests/kernels/kernel_case.h"
#include "tests/kernels/operand.h"

namespace carnot {

Result<std::vector<Tensor>> make_inputs(const Kernel& kernel, const Symbols& symbols, uint64_t seed,
                                        bool provoking) {
  std::vector<Tensor> inputs;
  for (const Buffer& buffer : kernel.buffers) {
    if (buffer.output) break;
    CARNOT_ASSIGN(const Shape shape, shape_of(buffer.type.dims, symbols));
    const Fill kind = provoking ? Fill::kProvoking : Fill::kUniform;
    CARNOT_ASSIGN(Tensor tensor, fill(buffer.type.dtype, shape, seed + inputs.size(), kind));
    CARNOT_ASSIGN(Tensor dense, tensor.dense());
    inputs.push_back(std::move(dense));
  }
  return inputs;
}

Result<StoredKernel> read_stored_kernel(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  StoredKernel out;
  out.name = std::filesystem::path(path).stem().string();
  bool provoking = false;
  std::string line;
  while (std::getline(text, line) && line.rfind("//", 0) == 0) {
    std::istringstream words(line.substr(2));
    std::string key, word;
    words >> key;
    if (key == "tolerance:") words >> out.tolerance;
    if (key == "fill:") provoking = words >> word && word == "provoking";
    if (key != "symbols:") continue;
    while (words >> word) {
      const size_t equals = word.find('=');
      out.symbols[word.substr(0, equals)] = std::stoll(word.substr(equals + 1));
    }
  }
  const std::string whole = text.str();
  CARNOT_ASSIGN(out.kernel, parse_kernel(whole).with(out.name));
  CARNOT_RETURN_IF_ERROR(verify(out.kernel));
  CARNOT_ASSIGN(out.inputs, make_inputs(out.kernel, out.symbols, 7, provoking));
  return out;
}

std::vector<std::string> kernel_files() {
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/kernels")) {
    if (entry.path().extension() == ".kernel") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<std::vector<StoredKernel>> all_stored_kernels() {
  std::vector<StoredKernel> out;
  for (const std::string& path : kernel_files()) {
    CARNOT_ASSIGN(StoredKernel stored, read_stored_kernel(path));
    out.push_back(std::move(stored));
  }
  std::vector<std::string> lists;
  for (const auto& entry :
       std::filesystem::directory_iterator(CARNOT_SOURCE_DIR "/tests/kernels")) {
    if (entry.path().extension() == ".kernels") lists.push_back(entry.path().string());
  }
  std::sort(lists.begin(), lists.end());
  for (const std::string& path : lists) {
    for (const KernelCase& test : read_kernel_cases(path)) {
      if (test.error) continue;
      StoredKernel stored;
      stored.name = test.name;
      CARNOT_ASSIGN(stored.kernel, parse_kernel(test.kernel).with(test.name));
      CARNOT_ASSIGN(stored.inputs, inputs_of(test, stored.kernel, &stored.symbols).with(test.name));
      out.push_back(std::move(stored));
    }
  }
  return out;
}

}  // namespace carnot
