// Operators that only look at shapes, or give the same elements another shape.
#include <algorithm>
#include <limits>
#include <numeric>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

void shape(NodeImport& n) {
  const int64_t rank = n.rank(0);
  // Both ends clamp rather than fail.
  const auto clamp = [&](int64_t at) {
    if (at < 0) at = at < -rank ? 0 : at + rank;
    return std::min(at, rank);
  };
  const int64_t start = clamp(n.integer("start", 0));
  const int64_t end = clamp(n.integer("end", rank));
  Value* const all = n.shape_of(n.in(0));
  n.out(n.slice(all, 0, start, std::max<int64_t>(end - start, 0)));
}

/// The number of elements as an i64 scalar.
Value* count_of(NodeImport& n, Value* x) {
  const Dim count = product(x->type().dims);
  if (count.is_constant()) return n.scalar_i64(count.value());
  return n.reduce(op::Reduce::kProduct, n.shape_of(x), {0}, false);
}

void size(NodeImport& n) {
  n.out(count_of(n, n.in(0)));
}

/// The sizes that a reshape's target gives, where its elements are known.
Dims resolve_target(NodeImport& n, const Dims& from, const Dims& target, bool allow_zero) {
  Dims out;
  std::optional<size_t> rest;
  for (size_t i = 0; i < target.size(); ++i) {
    Dim size = target[i];
    if (size.is(0) && !allow_zero) {
      if (i >= from.size()) n.invalid("size 0 of axis ", i, " has no axis to copy");
      size = from[i];
    } else if (size.is(-1)) {
      if (rest) n.invalid("more than one size is -1");
      rest = i;
      size = 1;
    } else if (size.is_constant() && size.value() < 0) {
      n.invalid("the size of axis ", i, " is ", size.value());
    }
    out.push_back(size);
  }
  if (!rest) return out;
  // Equal sizes on both sides cancel, so that what is left divides as plainly as it can.
  Dims left = from, given = out;
  given.erase(given.begin() + static_cast<std::ptrdiff_t>(*rest));
  for (size_t i = 0; i < given.size();) {
    const auto same = std::find(left.begin(), left.end(), given[i]);
    if (same == left.end() || given[i].is(0)) {
      ++i;
      continue;
    }
    left.erase(same);
    given.erase(given.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const Dim have = product(left), divisor = product(given);
  if (divisor.is(0)) n.invalid("size -1 stands beside a size of 0");
  if (have.is_constant() && divisor.is_constant() && have.value() % divisor.value() != 0) {
    n.invalid(to_string(from), " cannot be reshaped to ", to_string(target));
  }
  out[*rest] = floor_div(have, divisor);
  return out;
}

/// A target without 0 and -1, computed at run time.
Value* run_time_target(NodeImport& n, Value* x, Value* target, int64_t rank) {
  Value* t = n.cast(target, DType::kI64);
  Value* from = n.shape_of(x);
  const int64_t have = x->type().rank();
  if (have < rank) {
    const std::vector<int64_t> none(static_cast<size_t>(rank - have), 0);
    from = n.concat({from, n.vector_i64(none)}, 0);
  } else {
    from = n.slice(from, 0, 0, rank);
  }
  t = n.map("select(eq($0, #0), $1, $0)", {t, from});
  Value* const given =
      n.reduce(op::Reduce::kProduct, n.map("select(eq($0, #-1), #1, $0)", {t}), {0}, true);
  return n.map("select(eq($0, #-1), div($1, $2), $0)", {t, count_of(n, x), given});
}

void reshape(NodeImport& n) {
  Value* const x = n.in(0);
  const bool allow_zero = n.flag("allowzero", false);
  const Dims& from = x->type().dims;
  if (n.opset() < 5) {
    const std::vector<int64_t> target = n.integers("shape");
    return n.out(n.reshape(x, resolve_target(n, from, {target.begin(), target.end()}, false)));
  }
  Value* const target = n.in(1);
  if (const std::optional<Dims> known = n.elements(target)) {
    return n.out(n.reshape(x, resolve_target(n, from, *known, allow_zero)));
  }
  // In a computed shape 0 stands for the operand's size.
  if (allow_zero) n.unsupported("allowzero = 1 needs a constant shape: give its input a value");
  const auto partial = n.partial_elements(target);
  if (!partial) {
    n.unsupported("the rank of the result is not known: its target is ", to_string(target->type()));
  }
  op::Reshape op;
  for (size_t i = 0; i < partial->size(); ++i) {
    Dim size = (*partial)[i].value_or(Dim(-1));
    if (size.is(0) && i < from.size()) size = from[i];
    op.sizes.push_back(size.is(-1) ? n.fresh_symbol(n.hint()) : size);
  }
  const auto rank = static_cast<int64_t>(partial->size());
  n.out(n.make(std::move(op), {x, run_time_target(n, x, target, rank)}));
}

void squeeze(NodeImport& n) {
  Value* const x = n.in(0);
  const Dims& dims = x->type().dims;
  const auto given = n.attribute_or_input("axes", 1);
  std::vector<bool> dropped(dims.size(), false);
  if (given) {
    for (const int64_t axis : n.axes(*given, x->type().rank())) {
      const Dim& dim = dims[static_cast<size_t>(axis)];
      if (dim.is_constant() && !dim.is(1)) {
        n.invalid("axis ", axis, " of ", to_string(x->type()), " is not of size 1");
      }
      dropped[static_cast<size_t>(axis)] = true;
    }
  } else {
    for (size_t i = 0; i < dims.size(); ++i) dropped[i] = dims[i].is(1);
  }
  Dims out;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!dropped[i]) out.push_back(dims[i]);
  }
  n.out(n.reshape(x, out));
}

void unsqueeze(NodeImport& n) {
  Value* const x = n.in(0);
  const auto given = n.attribute_or_input("axes", 1);
  if (!given) n.invalid("needs axes");
  const int64_t rank = x->type().rank() + static_cast<int64_t>(given->size());
  std::vector<bool> added(static_cast<size_t>(rank), false);
  for (const int64_t axis : n.axes(*given, rank)) added[static_cast<size_t>(axis)] = true;
  Dims out;
  auto next = x->type().dims.begin();
  for (const bool is_new : added) out.push_back(is_new ? Dim(1) : *next++);
  n.out(n.reshape(x, out));
}

void flatten(NodeImport& n) {
  const Dims& dims = n.type(0).dims;
  const int64_t rank = n.rank(0);
  const int64_t given = n.integer("axis", 1);
  if (given < -rank || given > rank) n.invalid("the axis ", given, " is out of range");
  const auto at = dims.begin() + (given < 0 ? given + rank : given);
  n.out(n.reshape(n.in(0), {product(Dims(dims.begin(), at)), product(Dims(at, dims.end()))}));
}

void transpose(NodeImport& n) {
  const int64_t rank = n.rank(0);
  std::vector<int64_t> perm(static_cast<size_t>(rank));
  std::iota(perm.rbegin(), perm.rend(), 0);
  if (n.has("perm")) perm = n.axes(n.integers("perm"), rank);
  if (static_cast<int64_t>(perm.size()) != rank) {
    n.invalid("perm has ", perm.size(), " axes for a tensor of rank ", rank);
  }
  n.out(n.transpose(n.in(0), perm));
}

void expand(NodeImport& n) {
  Value* const x = n.in(0);
  Value* const target = n.in(1);
  if (const std::optional<Dims> sizes = n.elements(target)) {
    for (const Dim& size : *sizes) {
      if (size.is_constant() && size.value() < 0) n.invalid("a size is ", size.value());
    }
    return n.out(n.expand(x, broadcast_dims(*sizes, x->type().dims)));
  }
  const auto partial = n.partial_elements(target);
  if (!partial) {
    n.unsupported("the rank of the result is not known: its shape operand is ",
                  to_string(target->type()));
  }
  const Dims& from = x->type().dims;
  op::Expand op;
  const size_t rank = std::max(partial->size(), from.size());
  for (size_t i = 0; i < rank; ++i) {
    const size_t own_skip = rank - from.size(), target_skip = rank - partial->size();
    const Dim own = i < own_skip ? Dim(1) : from[i - own_skip];
    const std::optional<Dim> wanted = i < target_skip ? Dim(1) : (*partial)[i - target_skip];
    const bool kept = own.is_constant() && !own.is(1);
    op.sizes.push_back(wanted ? broadcast_size(*wanted, own)
                       : kept ? own
                              : n.fresh_symbol(n.hint()));
  }
  n.out(n.make(std::move(op), {x, n.cast(target, DType::kI64)}));
}

/// Each axis becomes [repeat, size]: repeated by an expand, then merged.
void tile(NodeImport& n) {
  Value* const x = n.in(0);
  const Dims dims = x->type().dims;
  const std::optional<Dims> known = n.elements(n.in(1));
  if (known && known->size() != dims.size()) {
    n.invalid("has ", known->size(), " repeats for a tensor of rank ", dims.size());
  }
  Dims split, repeated, merged;
  Values target;
  for (size_t i = 0; i < dims.size(); ++i) {
    const Dim repeat = known ? (*known)[i] : n.fresh_symbol(n.hint());
    if (repeat.is_constant() && repeat.value() < 0) n.invalid("a repeat is ", repeat.value());
    split.emplace_back(1), split.push_back(dims[i]);
    repeated.push_back(repeat), repeated.push_back(dims[i]);
    merged.push_back(repeat * dims[i]);
    if (known) continue;
    target.push_back(n.slice(n.cast(n.in(1), DType::kI64), 0, static_cast<int64_t>(i), 1));
    target.push_back(n.size_of(x, static_cast<int64_t>(i)));
  }
  if (merged == dims) return n.out(x);
  Value* const parts = n.reshape(x, split);
  Value* const copies = known ? n.expand(parts, repeated)
                              : n.make(op::Expand{repeated}, {parts, n.concat(target, 0)});
  n.out(n.reshape(copies, merged));
}

/// [n, c, h, w] and the block size.
std::pair<Dims, int64_t> blocks(NodeImport& n) {
  const TensorType& type = n.type(0);
  const int64_t block = n.integer("blocksize");
  if (type.rank() != 4) n.invalid("needs a tensor of rank 4, got ", to_string(type));
  if (block < 1 || block > 1 << 20) n.invalid("the block size is ", block);
  return {type.dims, block};
}

/// `size` / `by`; where both are known it must be exact.
Dim divide(NodeImport& n, const Dim& size, const Dim& by) {
  if (size.is_constant() && by.is_constant() && size.value() % by.value() != 0) {
    n.invalid("the size ", size.value(), " is not a multiple of ", by.value());
  }
  return floor_div(size, by);
}

void depth_to_space(NodeImport& n) {
  const auto [dims, block] = blocks(n);
  const std::string mode = n.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") n.invalid("the mode ", quote(mode), " is unknown");
  const Dim b = block, c = divide(n, dims[1], b * b);
  const bool depth_first = mode == "DCR";
  const Dims split = depth_first ? Dims{dims[0], b, b, c, dims[2], dims[3]}
                                 : Dims{dims[0], c, b, b, dims[2], dims[3]};
  Value* const parts = n.reshape(n.in(0), split);
  const std::vector<int64_t> perm =
      depth_first ? std::vector<int64_t>{0, 3, 4, 1, 5, 2} : std::vector<int64_t>{0, 1, 4, 2, 5, 3};
  n.out(n.reshape(n.transpose(parts, perm), {dims[0], c, dims[2] * b, dims[3] * b}));
}

void space_to_depth(NodeImport& n) {
  const auto [dims, block] = blocks(n);
  const Dim b = block, h = divide(n, dims[2], b), w = divide(n, dims[3], b);
  Value* const parts = n.reshape(n.in(0), {dims[0], dims[1], h, b, w, b});
  Value* const moved = n.transpose(parts, {0, 3, 5, 1, 2, 4});
  n.out(n.reshape(moved, {dims[0], dims[1] * b * b, h, w}));
}

constexpr ImportRow kRows[] = {
    {"DepthToSpace", 1, kNewest, 1, 1, 1, depth_to_space},
    {"Expand", 8, kNewest, 2, 2, 1, expand},
    {"Flatten", 1, kNewest, 1, 1, 1, flatten},
    {"Reshape", 1, kNewest, 1, 2, 1, reshape},
    {"Shape", 1, kNewest, 1, 1, 1, shape},
    {"Size", 1, kNewest, 1, 1, 1, size},
    {"SpaceToDepth", 1, kNewest, 1, 1, 1, space_to_depth},
    {"Squeeze", 1, kNewest, 1, 2, 1, squeeze},
    {"Tile", 6, kNewest, 2, 2, 1, tile},
    {"Transpose", 1, kNewest, 1, 1, 1, transpose},
    {"Unsqueeze", 1, kNewest, 1, 2, 1, unsqueeze},
};

}  // namespace

std::span<const ImportRow> shape_rows() {
  return kRows;
}

}  // namespace carnot::onnx
