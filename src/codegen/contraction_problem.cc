#include "codegen/contraction_problem.h"

#include <algorithm>

#include "base/status.h"

namespace carnot {

namespace {

/// The axes of each class as index symbols, in one list, so that a map is split in one go.
class Mapper {
 public:
  Mapper(const Kernel& kernel, const ContractionView& view) : kernel_(kernel) {
    for (const int axis : view.batch) add(batch_, axis, kernel.axes);
    for (const int axis : view.rows) add(rows_, axis, kernel.axes);
    // All but the last column axis are batch axes that A does not use.
    const size_t columns = view.columns.size();
    for (size_t i = 0; i + 1 < columns; ++i) add(batch_, view.columns[i], kernel.axes);
    if (columns > 0) add(column_, view.columns.back(), kernel.axes);
    const int first = static_cast<int>(kernel.axes.size());
    for (const int axis : view.inner) {
      const Axis& a = kernel.stages[0].inner[static_cast<size_t>(axis)];
      add_symbol(inner_, axis_symbol(first + axis), a.size);
    }
  }

  struct Class {
    std::vector<std::string> symbols;
    Dims sizes;
  };
  Class batch_, rows_, column_, inner_;

  Result<AxisMap> map(const Dim& offset, const char* what) const {
    std::vector<std::string> all;
    for (const Class* c : {&batch_, &rows_, &column_, &inner_}) {
      all.insert(all.end(), c->symbols.begin(), c->symbols.end());
    }
    const std::optional<Linear> linear = linear_in(substitute(offset, zeros_), all);
    if (!linear) {
      return error(Code::kUnsupported, what,
                   "'s index is not linear in the axes: ", to_string(offset));
    }
    std::vector<std::string> left;
    linear->rest.collect_symbols(left);
    for (const std::string& name : left) {
      if (name[0] == '#' || name[0] == '$') {
        return error(Code::kUnsupported, what, "'s index depends on ", name);
      }
    }
    AxisMap out;
    out.base = linear->rest;
    for (const std::string& s : batch_.symbols) out.batch.push_back(linear->of(s));
    for (const std::string& s : rows_.symbols) out.rows.push_back(linear->of(s));
    for (const std::string& s : inner_.symbols) out.inner.push_back(linear->of(s));
    out.column = column_.symbols.empty() ? Dim(0) : linear->of(column_.symbols[0]);
    return out;
  }

  Result<MappedAccess> access(int buffer, const Dims& index, const char* what) const {
    if (buffer == kExpression) {
      CARNOT_ASSIGN(AxisMap m, map(index[0], what));
      return MappedAccess{buffer, DType::kI64, std::move(m)};
    }
    const Buffer& b = kernel_.buffers[static_cast<size_t>(buffer)];
    CARNOT_ASSIGN(AxisMap m, map(linear_offset(b, index), what));
    return MappedAccess{buffer, b.type.dtype, std::move(m)};
  }

 private:
  void add(Class& to, int axis, const std::vector<Axis>& axes) {
    add_symbol(to, axis_symbol(axis), axes[static_cast<size_t>(axis)].size);
  }
  void add_symbol(Class& to, const Dim& symbol, const Dim& size) {
    const std::string name = *symbol.as_symbol();
    if (size.is(1)) {
      zeros_[name] = 0;
      return;
    }
    to.symbols.push_back(name);
    to.sizes.push_back(size);
  }

  const Kernel& kernel_;
  std::map<std::string, Dim, std::less<>> zeros_;
};

bool is_plain_product(const Stage& stage) {
  const ScalarProgram& p = stage.body;
  return stage.loads.size() == 2 && p.inputs == 2 && p.insts.size() == 1 && p.results.size() == 1 &&
         p.insts[0].op == ScalarOp::kMul && p.results[0] == 2 &&
         p.insts[0].args[0] + p.insts[0].args[1] == 1;
}

template <class T>
void permute(std::vector<T>& list, const std::vector<size_t>& order) {
  std::vector<T> out;
  for (const size_t i : order) out.push_back(list[i]);
  list = std::move(out);
}

/// The order of summation: along A's memory, so that the last axis is the contiguous one. Symbolic
/// strides are taken as large; equal ones keep their order.
void sort_inner(ContractionProblem& p) {
  std::vector<size_t> order(p.inner.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto stride = [&](size_t i) {
    const Dim& d = p.a.map.inner[i];
    return d.is_constant() ? std::abs(d.value()) : INT64_MAX;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t x, size_t y) { return stride(x) > stride(y); });
  permute(p.inner, order);
  permute(p.a.map.inner, order);
  permute(p.b.map.inner, order);
  for (MappedGuard& guard : p.guards) permute(guard.index.inner, order);
}

}  // namespace

std::optional<Dim> ContractionProblem::row_stride(const AxisMap& map) const {
  if (rows.empty()) return Dim(0);
  Dim expected = map.rows.back();
  for (size_t i = rows.size(); i-- > 0;) {
    if (map.rows[i] != expected) return std::nullopt;
    expected = expected * rows[i];
  }
  return map.rows.back();
}

size_t ContractionProblem::run_axes(bool ignore_guards, bool b_packed) const {
  const auto guarded = [&](size_t axis) {
    if (ignore_guards) return false;
    return std::any_of(guards.begin(), guards.end(),
                       [&](const MappedGuard& g) { return !g.index.inner[axis].is(0); });
  };
  if (inner.empty() || guarded(inner.size() - 1)) return 0;
  size_t count = 1;
  while (count < inner.size()) {
    const size_t next = inner.size() - count - 1;
    const bool a_joins = a.map.inner[next] == a.map.inner[next + 1] * inner[next + 1];
    const bool b_joins = b.map.inner[next] == b.map.inner[next + 1] * inner[next + 1];
    if (!a_joins || !(b_packed || b_joins) || guarded(next)) break;
    ++count;
  }
  return count;
}

Result<ContractionProblem> contraction_problem(const Kernel& kernel, const ContractionView& view) {
  if (kernel.stages.size() != 2) return error(Code::kUnsupported, "not two stages");
  const Stage& sum = kernel.stages[0];
  const Stage& store = kernel.stages[1];
  if (!is_plain_product(sum))
    return error(Code::kUnsupported, "the summand is not a plain product");
  if (!store.inner.empty()) return error(Code::kUnsupported, "the storing stage has inner axes");
  const Load& a = sum.loads[static_cast<size_t>(view.a)];
  const Load& b = sum.loads[static_cast<size_t>(view.b)];
  if (a.buffer < 0 || b.buffer < 0) return error(Code::kUnsupported, "an operand is an index");
  if (!b.guards.empty()) return error(Code::kUnsupported, "B has guards");

  const Mapper mapper(kernel, view);
  ContractionProblem p;
  p.batch = mapper.batch_.sizes;
  p.rows = mapper.rows_.sizes;
  p.inner = mapper.inner_.sizes;
  p.columns = mapper.column_.sizes.empty() ? Dim(1) : mapper.column_.sizes[0];
  CARNOT_ASSIGN(p.a, mapper.access(a.buffer, a.index, "A"));
  CARNOT_ASSIGN(p.b, mapper.access(b.buffer, b.index, "B"));
  p.otherwise = a.otherwise;
  for (const Guard& guard : a.guards) {
    CARNOT_ASSIGN(AxisMap index, mapper.map(guard.index, "a guard"));
    p.guards.push_back({std::move(index), guard.lower, guard.upper});
  }
  sort_inner(p);

  p.epilogue = store.body;
  for (const Load& load : store.loads) {
    if (!load.guards.empty()) return error(Code::kUnsupported, "the epilogue has a guarded load");
    CARNOT_ASSIGN(MappedAccess access, mapper.access(load.buffer, load.index, "an epilogue load"));
    p.loads.push_back(std::move(access));
  }
  for (const Store& s : store.stores) {
    CARNOT_ASSIGN(MappedAccess access, mapper.access(s.buffer, s.index, "a store"));
    p.stores.push_back(std::move(access));
    p.results.push_back(s.result);
  }
  return p;
}

}  // namespace carnot
