#pragma once
// Op: the closed set of operations, and what the compiler may ask of any of them.
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "carnot/op_structs.h"
#include "carnot/tensor.h"

namespace carnot {

namespace detail {
template <class...>
struct Variant;
template <class... Ts>
struct Variant<void, Ts...> {
  using type = std::variant<Ts...>;
};
}  // namespace detail

// clang-format off
using Op = detail::Variant<void
#define CARNOT_OP(T) , op::T
#include "carnot/ops.def"
>::type;
// clang-format on

/// What is known of a value at build time: its type, and for small tensors (at most kMaxElements,
/// row-major, mostly integer vectors and scalars) each element as an expression. This is how shape
/// arithmetic in the model becomes symbolic dimensions.
struct Info {
  TensorType type;
  std::optional<Dims> elements;
  static constexpr int64_t kMaxElements = 256;
};
using Infos = std::span<const Info>;
using Tensors = std::span<const Tensor>;

/// Every operation defines these in src/ops/<family>.cc; a missing one is a link error that names
/// it. infer() checks operands and attributes and gives the results' infos; its errors say
/// "<op>: <reason>". reference() computes plainly on concrete tensors (float arithmetic in f64,
/// integers exactly), whatever infer() accepts; it is the meaning of the op. Operations with
/// regions (fused, if, loop, scan) are run by the executor in ir/ and refuse here.
#define CARNOT_OP(T)                                          \
  Result<std::vector<Info>> infer(const op::T& op, Infos in); \
  Result<std::vector<Tensor>> reference(const op::T& op, Tensors in);
#include "carnot/ops.def"

const char* name(const Op& op);
Result<std::vector<Info>> infer(const Op& op, Infos in);
Result<std::vector<Tensor>> reference(const Op& op, Tensors in);
/// A default-constructed operation by its text name, or nothing.
std::optional<Op> make_op(std::string_view name);
/// "conv {strides = [2, 2]}": attributes that differ from their defaults.
std::string attrs_text(const Op& op);
uint64_t hash(const Op& op);
/// The symbols that this node defines (see carnot/op_structs.h): those in its attributes that do
/// not appear in its inputs' types.
std::vector<std::string> defined_symbols(const Op& op, Infos in);

/// Largest |got - want| allowed by an op and element type: |got - want| <= absolute + relative *
/// max(|want|, scale), where scale is the largest |want| for contractions and 0 otherwise.
struct Tolerance {
  double absolute = 0, relative = 0;
  bool scaled = false;
};
/// How factors of f32 are multiplied: as they are, or rounded to TF32.
enum class Products : uint8_t { kFull, kTF32 };
Tolerance tolerance(const Op& op, DType dtype, Products products = Products::kFull);
struct Difference {
  bool ok = true;
  double largest = 0;   ///< largest absolute error
  double relative = 0;  ///< largest error over the largest |want|
  std::string first;    ///< "at [0, 3]: got 1, want 2": the first element out of tolerance
};
/// Compares dtype, shape and elements; NaN equals NaN, infinities must agree.
Difference compare(const Tensor& got, const Tensor& want, Tolerance tolerance);

}  // namespace carnot
