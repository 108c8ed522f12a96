#pragma once
// What our own code adds to the public Status: error building, CHECK, early returns.
#include <sstream>
#include <string>
#include <utility>

#include "carnot/status.h"

namespace carnot {

/// The arguments' text, one after the other.
template <class... Args>
std::string cat(const Args&... args) {
  std::ostringstream os;
  (os << ... << args);
  return std::move(os).str();
}

template <class... Args>
Status error(Code code, const Args&... args) {
  return {code, cat(args...)};
}

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace carnot

/// A broken invariant of our own: never reachable from a bad model, a bad file or a bad call.
#define CARNOT_CHECK(...)                                                         \
  do {                                                                            \
    if (!(__VA_ARGS__)) ::carnot::check_failed(#__VA_ARGS__, __FILE__, __LINE__); \
  } while (false)

#define CARNOT_CONCAT_(a, b) a##b
#define CARNOT_CONCAT(a, b) CARNOT_CONCAT_(a, b)
#define CARNOT_RETURN_IF_ERROR_(name, ...)                              \
  do {                                                                  \
    if (::carnot::Status name = (__VA_ARGS__); !name.ok()) return name; \
  } while (false)
#define CARNOT_ASSIGN_(name, decl, ...)            \
  auto name = (__VA_ARGS__);                       \
  if (!name.ok()) return std::move(name).status(); \
  decl = std::move(*name)
/// Returns early from the enclosing function when the expression (a Status) is an error.
#define CARNOT_RETURN_IF_ERROR(...) \
  CARNOT_RETURN_IF_ERROR_(CARNOT_CONCAT(status_, __COUNTER__), __VA_ARGS__)
/// `CARNOT_ASSIGN(auto x, f())`: x = *f(), or returns f()'s error.
#define CARNOT_ASSIGN(decl, ...) \
  CARNOT_ASSIGN_(CARNOT_CONCAT(result_, __COUNTER__), decl, __VA_ARGS__)
