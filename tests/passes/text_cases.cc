#include "tests/passes/text_cases.h"

#include <fstream>

namespace carnot {

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::vector<TextCase> read_cases(const std::string& path) {
  std::vector<TextCase> cases;
  std::ifstream in(path);
  std::string line;
  bool expecting = false;
  while (std::getline(in, line)) {
    const auto after = [&](const std::string& prefix) { return line.substr(prefix.size()); };
    const auto starts = [&](const std::string& prefix) { return line.rfind(prefix, 0) == 0; };
    if (starts("//! expect")) {
      expecting = true;
    } else if (starts("//! passes: ") && !cases.empty()) {
      cases.back().passes = after("//! passes: ");
    } else if (starts("//! kernels report") && !cases.empty()) {
      cases.back().kernels_report = true;
    } else if (starts("//! notes") && !cases.empty()) {
      cases.back().notes = true;
    } else if (starts("//! ")) {
      cases.push_back({after("//! "), "", "", "", false, false});
      expecting = false;
    } else if (!cases.empty()) {
      (expecting ? cases.back().expect : cases.back().input) += line + "\n";
    }
  }
  return cases;
}

void write_cases(const std::string& path, const std::vector<TextCase>& cases) {
  std::ofstream out(path);
  for (size_t i = 0; i < cases.size(); ++i) {
    const TextCase& c = cases[i];
    out << (i ? "\n" : "") << "//! " << c.name << "\n//! passes: " << c.passes << "\n";
    if (c.kernels_report) out << "//! kernels report\n";
    if (c.notes) out << "//! notes\n";
    out << trimmed(c.input) << "\n//! expect\n" << trimmed(c.expect) << "\n";
  }
}

}  // namespace carnot
