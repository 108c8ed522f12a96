#pragma once
// NumPy's .npy files (versions 1 to 3). Types that NumPy lacks are stored as NumPy's extension
// packages do: bf16 as V2, f8 types as V1; pass `as` to read those (V2 alone is taken for bf16).
#include <optional>
#include <string>

#include "carnot/tensor.h"

namespace carnot {

/// Borrows C-ordered numbers from `bytes` (aligned ones; others are copied); `keep_alive` as for
/// Tensor::wrap. Reads little-endian and single-byte types, bool, 'S' and 'U' strings. Errors are
/// kInvalidArgument (malformed, truncated, trailing bytes) or kUnsupported (a type we lack).
Result<Tensor> read_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive,
                        std::optional<DType> as = std::nullopt);

/// A version 1 file. kUnsupported for 4-bit types: they have no form in .npy.
Result<std::string> write_npy(const Tensor& tensor);

}  // namespace carnot
