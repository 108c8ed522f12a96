#pragma once
// Reuse between the stages of a row kernel: what one stage computed for every element of the row,
// and a later one needs again, is kept in scratch (the exponentials of a softmax).
#include "codegen/nest.h"

namespace carnot {

/// A load from the row of kept values: the offset counts elements of the row.
inline constexpr int kKeptRow = -2;

/// Marks stages whose value is kept and makes later stages load it. Returns the elements of scratch
/// that a row needs (0: nothing is kept). For lanes along inner axes only. Also divides by sums of
/// exponentials once per row, not once per element; that alone where there is no room to `keep`.
Dim reuse_row_values(Nest& nest, bool keep = true);

bool same_access(const NestAccess& a, const NestAccess& b);
/// The stages run over the same inner axes.
bool same_inner(const NestStage& a, const NestStage& b);

}  // namespace carnot
