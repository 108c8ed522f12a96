#pragma once
// Values of flags: numbers, sizes of memory, shapes, lists; names may be in single quotes.
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace trtexec {

using Shape = std::vector<int64_t>;
/// By input; one "*" in a name stands for anything.
using Shapes = std::map<std::string, Shape>;
/// "name:value" in order.
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What is wrong with values, for all of them at once.
using Problems = std::vector<std::string>;

/// At each `at` outside of quotes.
std::vector<std::string> split(const std::string& text, char at);
double number(Problems& problems, const std::string& text);
int integer(Problems& problems, const std::string& text);
/// Bytes of "2048", "1.5G", "512MiB"; without a unit in units of `unit` bytes.
double bytes_of(Problems& problems, const std::string& text, double unit = 1048576);
/// "x:1x3x224x224,y:2"; "x:scalar" and "x:" have rank 0.
Shapes shapes_of(Problems& problems, const std::string& text);
/// "a:b,c:d": what is before the last colon of each, and behind it.
Pairs pairs_of(Problems& problems, const std::string& text, const char* form);
std::string text_of(const Shape& shape);  ///< "1x3x224x224"
/// Whether the name is the pattern, whose one "*" stands for anything.
bool fits(const std::string& pattern, const std::string& name);
/// How many letters differ.
size_t distance(const std::string& a, const std::string& b);

}  // namespace trtexec
