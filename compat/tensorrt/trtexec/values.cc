#include "values.h"

#include <algorithm>
#include <cstdlib>

namespace trtexec {

namespace {

std::string unquoted(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\''), text.end());
  return text;
}

/// Where the last `what` outside of quotes is.
size_t last_outside(const std::string& text, char what) {
  bool quoted = false;
  size_t found = std::string::npos;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') quoted = !quoted;
    if (text[i] == what && !quoted) found = i;
  }
  return found;
}

}  // namespace

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '\'') quoted = !quoted;
    if (c == at && !quoted) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

double number(Problems& problems, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') problems.push_back("'" + text + "' is not a number");
  return value;
}

int integer(Problems& problems, const std::string& text) {
  const double value = number(problems, text);
  if (!(value >= -1e9 && value <= 1e9)) {
    problems.push_back("'" + text + "' is out of range");
    return 0;
  }
  if (value != static_cast<double>(static_cast<int>(value))) {
    problems.push_back("'" + text + "' is not a whole number");
  }
  return static_cast<int>(value);
}

double bytes_of(Problems& problems, const std::string& text, double unit) {
  const size_t end = text.find_first_not_of("0123456789.");
  const double value = number(problems, text.substr(0, end));
  if (end == std::string::npos) return value * unit;
  static const std::map<std::string, double> kUnits = {{"B", 1},
                                                       {"K", 1024.},
                                                       {"KB", 1024.},
                                                       {"KiB", 1024.},
                                                       {"M", 1048576.},
                                                       {"MB", 1048576.},
                                                       {"MiB", 1048576.},
                                                       {"G", 1073741824.},
                                                       {"GB", 1073741824.},
                                                       {"GiB", 1073741824.}};
  const auto found = kUnits.find(text.substr(end));
  if (found == kUnits.end()) {
    problems.push_back("'" + text.substr(end) +
                       "' is no unit of memory: B, K, KiB, M, MiB, G, GiB");
    return 0;
  }
  return value * found->second;
}

Shapes shapes_of(Problems& problems, const std::string& text) {
  Shapes out;
  for (const std::string& piece : split(text, ',')) {
    const size_t colon = last_outside(piece, ':');
    if (colon == std::string::npos) {
      problems.push_back("'" + piece + "' is not NAME:SIZExSIZE...");
      continue;
    }
    Shape& shape = out[unquoted(piece.substr(0, colon))];
    const std::string sizes = piece.substr(colon + 1);
    if (sizes.empty() || sizes == "scalar") continue;
    for (const std::string& size : split(sizes, 'x')) {
      const int value = integer(problems, size);
      if (value < 0) problems.push_back("'" + piece + "': a size of " + size);
      shape.push_back(value);
    }
  }
  return out;
}

Pairs pairs_of(Problems& problems, const std::string& text, const char* form) {
  Pairs out;
  for (const std::string& piece : split(text, ',')) {
    const size_t colon = last_outside(piece, ':');
    if (colon == std::string::npos || colon + 1 == piece.size()) {
      problems.push_back("'" + piece + "' is not " + form);
      continue;
    }
    out.emplace_back(unquoted(piece.substr(0, colon)), unquoted(piece.substr(colon + 1)));
  }
  return out;
}

std::string text_of(const Shape& shape) {
  std::string out;
  for (const int64_t size : shape) out += (out.empty() ? "" : "x") + std::to_string(size);
  return out.empty() ? "scalar" : out;
}

bool fits(const std::string& pattern, const std::string& name) {
  const size_t star = pattern.find('*');
  if (star == std::string::npos) return pattern == name;
  const std::string tail = pattern.substr(star + 1);
  return name.size() + 1 >= pattern.size() && name.compare(0, star, pattern, 0, star) == 0 &&
         name.compare(name.size() - tail.size(), tail.size(), tail) == 0;
}

size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

}  // namespace trtexec
