#pragma once
// Text of tensors, exact to the bit. Grammar:
//   tensor  = dtype '[' [size {',' size}] ']' content
//   content = '{' [element {',' element}] '}'        row-major
//           | 'splat' '(' element ')'                one element repeated
//           | 'fill' '(' 'seed' '=' integer [',' 'kind' '=' word] ')'     read only, see fill.h
//           | '#' 16 hex digits                      looked up in a ConstantTable
//   element = number | 'true' | 'false' | string | 'nan' '(' bits ')'
#include <map>
#include <optional>

#include "base/text.h"
#include "carnot/tensor.h"

namespace carnot {

/// The same for equal tensors, splat or dense.
uint64_t hash(const Tensor& tensor);

/// Where constants too large for text are kept beside it.
class ConstantTable {
 public:
  /// Returns the hash under which the text names it.
  uint64_t add(const Tensor& tensor);
  const Tensor* find(uint64_t hash) const;
  const std::map<uint64_t, Tensor>& all() const { return tensors_; }

 private:
  std::map<uint64_t, Tensor> tensors_;
};

/// Larger dense tensors print as their hash.
inline constexpr int64_t kInlineElements = 64;
inline bool prints_as_hash(const Tensor& tensor) {
  return !tensor.is_splat() && tensor.elements() > kInlineElements;
}

std::string print_element(const Tensor& tensor, int64_t i);
std::string print(const Tensor& tensor);
/// Whole, whatever its size.
std::string print_whole(const Tensor& tensor);
Result<Tensor> parse_tensor(Scanner& scanner, const ConstantTable* constants = nullptr);
Result<Tensor> parse_tensor(std::string_view text, const ConstantTable* constants = nullptr);
/// What follows the dtype and shape. Nothing is read where the text goes on otherwise.
bool peek_content(Scanner& scanner);
Result<Tensor> parse_content(Scanner& scanner, DType dtype, Shape shape,
                             const ConstantTable* constants = nullptr);

}  // namespace carnot
