// The text of a contraction's instance: Params, the policy struct P of lib/contraction.cuh with the
// problem's sizes, strides and epilogue, and the kernel that hands them over.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/status.h"
#include "codegen/cuda/code_text.h"
#include "codegen/cuda/contraction.h"
#include "codegen/cuda/scalar_text.h"

namespace carnot::cuda {

namespace {

int threads_of(const ContractionTile& t) {
  if (t.method == ContractionMethod::kHopper) return 32 * (t.warps() + 4);
  return t.method == ContractionMethod::kDepthwise ? t.m : 32 * t.warps();
}

bool is_16_bit(DType type) {
  return type == DType::kF16 || type == DType::kBF16;
}

bool is_narrow(const ContractionProblem& p) {
  const bool wide =
      std::any_of(p.epilogue.insts.begin(), p.epilogue.insts.end(), [](const ScalarInst& inst) {
        const bool typed = inst.op == ScalarOp::kCast || inst.op == ScalarOp::kConst;
        return typed && inst.type == DType::kF64;
      });
  return !wide && std::all_of(p.stores.begin(), p.stores.end(),
                              [](const MappedAccess& store) { return is_16_bit(store.dtype); });
}

/// Divisions by constants as products: wrong in the last bit of f32 at most twice.
ScalarProgram with_inverses(const ScalarProgram& program) {
  ScalarProgram out;
  out.inputs = program.inputs;
  std::vector<int32_t> ids(static_cast<size_t>(program.inputs));
  std::iota(ids.begin(), ids.end(), 0);
  for (ScalarInst inst : program.insts) {
    const ScalarInst* by = nullptr;
    if (inst.op == ScalarOp::kDiv && inst.args[1] >= program.inputs) {
      by = &program.insts[static_cast<size_t>(inst.args[1] - program.inputs)];
    }
    for (int32_t& arg : inst.args) {
      if (arg >= 0) arg = ids[static_cast<size_t>(arg)];
    }
    const bool inverts = by && by->op == ScalarOp::kConst && by->type == DType::kF32 &&
                         std::fabs(by->real) > 1e-30 && std::fabs(by->real) < 1e30;
    if (inverts) {
      ids.push_back(out.add(ScalarOp::kMul, inst.args[0], out.constant(DType::kF32, 1 / by->real)));
    } else {
      out.insts.push_back(inst);
      ids.push_back(out.inputs + static_cast<int32_t>(out.insts.size()) - 1);
    }
  }
  for (const int32_t id : program.results) out.results.push_back(ids[static_cast<size_t>(id)]);
  return out;
}

class Writer {
 public:
  Writer(const Kernel& kernel, const ContractionFacts& facts, const ContractionTile& tile)
      : kernel_(kernel),
        f_(facts),
        p_(facts.problem),
        t_(tile),
        narrow_(is_narrow(facts.problem)),
        epilogue_(narrow_ ? with_inverses(p_.epilogue) : p_.epilogue) {}

  Result<std::string> text(const std::string& function);
  const Dims& params() const { return params_; }
  BoxMap boxes() const;

 private:
  bool has_map() const { return f_.boxes && t_.method == ContractionMethod::kHopper; }
  /// A number, or the parameter that has its value.
  std::string number(const Dim& dim) {
    if (dim.is_constant()) return std::to_string(dim.value());
    const auto found = std::find(params_.begin(), params_.end(), dim);
    const auto i = found - params_.begin();
    if (found == params_.end()) params_.push_back(dim);
    return cat("p.p", i);
  }
  std::string integer(const Dim& dim) {
    return dim.is_constant() ? number(dim) : cat("int(", number(dim), ")");
  }
  std::string index() const { return f_.wide ? "i64" : "int"; }

  /// "+ r0 * 64" for every coefficient that is not zero.
  std::string terms(const Dims& coefficients, const char* name, size_t first = 0) {
    std::string out;
    for (size_t i = 0; i < coefficients.size(); ++i)
      out += term(coefficients[i], cat(name, first + i));
    return out;
  }
  std::string term(const Dim& coefficient, const std::string& name) {
    if (coefficient.is(0)) return {};
    if (coefficient.is(1)) return cat(" + ", name);
    return cat(" + ", name, " * ", number(coefficient));
  }
  /// Base, batch and rows of a map as an expression of type `type`.
  std::string start(const AxisMap& map, const std::string& type) {
    std::string out = cat(type, "(", number(map.base), ")", terms(map.batch, "b"));
    const std::optional<Dim> stride = p_.row_stride(map);
    if (stride && p_.rows.size() != 1) return out + term(*stride, "m");
    return out + terms(map.rows, "r");
  }
  /// Splits `flat` into coordinates name0, name1 ... over `sizes`, the last fastest.
  void split(const Dims& sizes, const char* name, const std::string& flat,
             const std::string& type) {
    if (sizes.size() == 1)
      return out_.line(cat("[[maybe_unused]] const ", type, " ", name, "0 = ", flat, ";"));
    std::string rest = flat;
    for (size_t i = sizes.size(); i-- > 0;) {
      const std::string next = cat(name, "_rest", i);
      if (i == 0) {
        out_.line(cat("[[maybe_unused]] const ", type, " ", name, "0 = ", rest, ";"));
      } else {
        out_.line(cat("const int ", next, " = quotient(", rest, ", ", integer(sizes[i]), ");"));
        out_.line(cat("[[maybe_unused]] const ", type, " ", name, i, " = ", rest, " - ", next,
                      " * ", integer(sizes[i]), ";"));
      }
      rest = next;
    }
  }
  void coordinates() {
    split(p_.batch, "b", "batch", index());
    split(p_.rows, "r", "row", index());
    out_.line(cat("[[maybe_unused]] const ", index(), " m = row;"));
  }
  const char* memory_type(int buffer) const {
    return storage_type(kernel_.buffers[static_cast<size_t>(buffer)].type.dtype);
  }

  void size(const char* name, const Dim& value) {
    out_.line(cat("CARNOT_DEVICE int ", name, "([[maybe_unused]] const Params& p) { return ",
                  integer(value), "; }"));
  }
  void numbers();
  void window();
  void warpgroup_product();
  void side(const char* name, const MappedAccess& access, bool is_a);
  void tap(const AxisMap& map, bool is_a, bool element);
  void epilogue_load(size_t i, const std::string& place, std::vector<std::string>& members);
  bool of_columns(const MappedAccess& load) const;
  std::string epilogue_value(size_t i);
  void epilogue_store(size_t s);
  void prefetches();
  void epilogue_wide();
  std::string stored(size_t s, const ScalarText& body) const;
  void struct_of(const char* name, const std::vector<std::string>& members);
  Status epilogue();
  std::string entry(const std::string& function);
  std::string aligned(int buffer) const { return cat("is_aligned(p.b", buffer, ")"); }
  bool vector_access(const MappedAccess& access) const;

  const Kernel& kernel_;
  const ContractionFacts& f_;
  const ContractionProblem& p_;
  const ContractionTile& t_;
  const bool narrow_;  ///< what the epilogue computes is kept in 16 bits
  const ScalarProgram epilogue_;
  CodeText out_;
  Dims params_;
  std::vector<DType> types_;  ///< of the epilogue's values
};

/// wgmma of 64 rows by a tile's columns by 16: its operands are one register per sum.
void Writer::warpgroup_product() {
  const int sums = t_.n / 2;
  const bool rounds = t_.rounds(f_.element);
  const char* type = rounds ? "tf32" : f_.element == DType::kBF16 ? "bf16" : "f16";
  std::string registers, operands;
  for (int i = 0; i < sums; ++i) {
    registers += cat(i > 0 ? ", " : "", "%", i);
    operands += cat(i > 0 ? ", " : "", "\"+f\"(d[", i, "])");
  }
  out_.open(
      cat("CARNOT_DEVICE void multiply(float (&d)[", sums, "], u64 a, u64 b, bool accumulate) {"));
  out_.line(cat("asm volatile(\"{ .reg .pred p; setp.ne.b32 p, %", sums + 2,
                ", 0; wgmma.mma_async.sync.aligned.m64n", t_.n, rounds ? "k8" : "k16", ".f32.",
                type, ".", type, " {", registers, "}, %", sums, ", %", sums + 1, ", p, 1, 1",
                rounds ? "" : ", 0, 0", "; }\""));
  out_.line(cat("    : ", operands, " : \"l\"(a), \"l\"(b), \"r\"(int(accumulate)));"));
  out_.close();
}

void Writer::numbers() {
  const auto constant = [&](const char* name, const auto& value) {
    out_.line(cat("static constexpr int ", name, " = ", value, ";"));
  };
  constant("kTileM", t_.m);
  constant("kTileN", t_.n);
  constant("kRowBytes", t_.row_bytes);
  constant("kStages", t_.stages);
  constant("kWarpsM", t_.warps_m);
  constant("kWarpsN", t_.warps_n);
  constant("kWarpsK", t_.warps_k);
  constant("kSplit", t_.split);
  constant("kGroup", t_.group);
  constant("kElementBytes", f_.element_bytes());
  constant("kVector", f_.vector);
  out_.line(cat("static constexpr contraction::Math kMath = contraction::k",
                f_.element == DType::kF32   ? "F32"
                : f_.element == DType::kF16 ? "F16"
                                            : "BF16",
                ";"));
  out_.line(cat("static constexpr contraction::Method kMethod = contraction::k",
                f_.element == DType::kF32 && t_.method == ContractionMethod::kTiles ? "MultiplyAdd;"
                                                                                    : "Warp;"));
  if (t_.method == ContractionMethod::kHopper) {
    constant("kSlab", slab_columns(t_));
    constant("kShare", t_.share);
    constant("kResident", resident_blocks(t_));
    out_.line(cat("static constexpr bool kBoxes = ", f_.boxes ? "true;" : "false;"));
    out_.line(cat("CARNOT_DEVICE bool boxed([[maybe_unused]] const Params& p) { return ",
                  f_.boxes ? aligned(p_.a.buffer) : "false", "; }"));
    warpgroup_product();
  }
  out_.line(cat("static constexpr bool kRounded = ",
                t_.method == ContractionMethod::kRounded ? "true;" : "false;"));
  out_.line(cat("static constexpr bool kPackedB = ", f_.packed ? "true;" : "false;"));
  size("batches", product(p_.batch));
  size("rows", p_.row_count());
  size("columns", p_.columns);
  size("taps", f_.taps);
  size("run", f_.run);
  size("chunks", f_.chunks());
  if (f_.packed) {
    out_.line(
        cat("CARNOT_DEVICE const u8* packed(const Params& p) { return p.b", p_.b.buffer, "; }"));
  }
}

/// What a tap (or one element: the tap and its place in the run) adds to a row's position.
void Writer::tap(const AxisMap& map, bool is_a, bool element) {
  const size_t taps = p_.inner.size() - f_.run_axes;
  const Dims tap_sizes(p_.inner.begin(), p_.inner.begin() + static_cast<std::ptrdiff_t>(taps));
  const Dims run_sizes(p_.inner.begin() + static_cast<std::ptrdiff_t>(taps), p_.inner.end());
  out_.open(element
                ? "CARNOT_DEVICE Row element([[maybe_unused]] const Params& p, int tap, int c) {"
                : "CARNOT_DEVICE Row tap([[maybe_unused]] const Params& p, int tap) {");
  split(tap_sizes, "t", "tap", index());
  if (element) split(run_sizes, "c", "c", index());
  const auto sum = [&](const Dims& inner, const std::string& type) {
    Dims outer(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(taps));
    Dims runs(inner.begin() + static_cast<std::ptrdiff_t>(taps), inner.end());
    return cat(type, "(0)", terms(outer, "t"), element ? terms(runs, "c") : "");
  };
  out_.line("Row at;");
  out_.line(cat("at.offset = ", sum(map.inner, index()), ";"));
  if (is_a) {
    for (size_t g = 0; g < p_.guards.size(); ++g) {
      out_.line(cat("at.guard[", g, "] = int(", sum(p_.guards[g].index.inner, index()), ");"));
    }
  }
  out_.line("return at;");
  out_.close();
}

void Writer::side(const char* name, const MappedAccess& access, bool is_a) {
  const size_t guards = is_a ? p_.guards.size() : 0;
  out_.open(cat("struct ", name, " {"));
  out_.line(cat("static constexpr int kCopy = ", is_a ? f_.copy_a : f_.copy_b,
                ", kGuards = ", guards, ";"));
  out_.line(cat("static constexpr bool kChecked = ",
                (is_a ? f_.copy_a : f_.copy_b) > 0 ? "true;" : "false;"));
  const bool span = is_a && f_.span;
  out_.line(cat("static constexpr bool kSpan = ", span ? "true;" : "false;"));
  out_.line(cat("static constexpr int kSpanGuard = ", span ? f_.span_guard : -1, ";"));
  if (span) size("span_unit", f_.span_unit);
  out_.line(cat("using Row = contraction::Position<", index(), ", kGuards>;"));
  out_.line(cat(
      "static constexpr float kPadding = ", literal(DType::kF32, is_a ? p_.otherwise : 0, 0), ";"));
  out_.line("CARNOT_DEVICE u32 otherwise() {");
  out_.line(cat(
      "  return ",
      f_.element == DType::kF32 ? "__float_as_uint(kPadding)" : to_memory(f_.element, "kPadding"),
      ";"));
  out_.line("}");
  out_.line(
      cat("CARNOT_DEVICE const void* base(const Params& p) { return p.b", access.buffer, "; }"));
  out_.line(cat("CARNOT_DEVICE int count([[maybe_unused]] const Params& p) { return ",
                integer(is_a ? p_.row_count() : p_.columns), "; }"));

  out_.open("CARNOT_DEVICE u32 extent([[maybe_unused]] const Params& p, int guard) {");
  for (size_t g = 0; g < guards; ++g) {
    const MappedGuard& guard = p_.guards[g];
    out_.line(cat("if (guard == ", g, ") return u32(", integer(guard.upper - guard.lower), ");"));
  }
  out_.line("return 0;");
  out_.close();

  out_.open("CARNOT_DEVICE Row row([[maybe_unused]] const Params& p, int batch, int row) {");
  if (is_a) {
    coordinates();
  } else {
    split(p_.batch, "b", "batch", index());
  }
  out_.line("Row at;");
  out_.line(cat("at.offset = ",
                is_a ? start(access.map, index())
                     : cat(index(), "(", number(access.map.base), ")", terms(access.map.batch, "b"),
                           term(access.map.column, "row")),
                ";"));
  for (size_t g = 0; g < guards; ++g) {
    const MappedGuard& guard = p_.guards[g];
    out_.line(cat("at.guard[", g, "] = int(", start(guard.index, index()), " - ",
                  number(guard.lower), ");"));
  }
  out_.line("return at;");
  out_.close();
  tap(access.map, is_a, false);
  tap(access.map, is_a, true);
  out_.close("};");
}

/// Neighbouring columns are neighbours in memory, and whole vectors start at multiples of one.
bool Writer::vector_access(const MappedAccess& access) const {
  if (f_.vector == 1 || !access.map.column.is(1)) return false;
  const auto whole = [&](const Dim& d) { return mod(d, Dim(f_.vector)).is(0); };
  const AxisMap& m = access.map;
  return whole(m.base) && std::all_of(m.batch.begin(), m.batch.end(), whole) &&
         std::all_of(m.rows.begin(), m.rows.end(), whole);
}

/// What the epilogue reads beside the sums is read apart, so that the reads of several vectors are
/// on their way at once. `place`: "beside", or "above" for what depends on columns alone.
void Writer::epilogue_load(size_t i, const std::string& place, std::vector<std::string>& members) {
  const MappedAccess& load = p_.loads[i];
  const std::string to = cat(place, ".l", i);
  if (load.buffer == kExpression) {
    members.push_back(cat("i64 l", i, ";"));
    out_.line(cat(to, " = ", start(load.map, "i64"), term(load.map.column, "i64(column)"), ";"));
    return;
  }
  const char* type = memory_type(load.buffer);
  const std::string offset =
      cat("(", start(load.map, index()), term(load.map.column, "column"), ")");
  if (load.map.column.is(0)) {
    members.push_back(cat(type, " l", i, ";"));
    out_.line(cat(to, " = p.b", load.buffer, "[", offset, "];"));
    return;
  }
  members.push_back(cat("Piece<", type, ", kVector> l", i, ";"));
  if (vector_access(load)) {
    out_.line(cat("load_piece<kWide>(p.b", load.buffer, " + ", offset, ", ", to, ");"));
  } else {
    out_.line("#pragma unroll");
    out_.line(cat("for (int v = 0; v < kVector; ++v) ", to, ".elements[v] = p.b", load.buffer, "[",
                  offset, " + v * ", number(load.map.column), "];"));
  }
}

/// Whether a load's value is the same for all rows.
bool Writer::of_columns(const MappedAccess& load) const {
  const auto zero = [](const Dim& d) { return d.is(0); };
  const AxisMap& m = load.map;
  return load.buffer != kExpression && std::all_of(m.rows.begin(), m.rows.end(), zero) &&
         std::all_of(m.batch.begin(), m.batch.end(), zero);
}

std::string Writer::epilogue_value(size_t i) {
  const MappedAccess& load = p_.loads[i];
  const std::string from = cat(of_columns(load) ? "above" : "beside", ".l", i);
  if (load.buffer == kExpression) {
    return load.map.column.is(0) ? from : cat(from, " + v * ", number(load.map.column));
  }
  return from_memory(load.dtype, load.map.column.is(0) ? from : cat(from, ".elements[v]"));
}

/// Lines that the epilogue will read whole: what stands beside each sum.
void Writer::prefetches() {
  const auto whole = [&](const MappedAccess& load) {
    return load.buffer != kExpression && vector_access(load) &&
           std::any_of(load.map.rows.begin(), load.map.rows.end(),
                       [](const Dim& d) { return !d.is(0); });
  };
  const bool any = std::any_of(p_.loads.begin(), p_.loads.end(), whole);
  out_.line(cat("static constexpr bool kPrefetch = ", any ? "true;" : "false;"));
  if (!any) return;
  out_.open(
      "CARNOT_DEVICE void prefetch([[maybe_unused]] const Params& p, [[maybe_unused]] int batch, "
      "int row, int column) {");
  coordinates();
  for (const MappedAccess& load : p_.loads) {
    if (!whole(load)) continue;
    out_.line(cat("ptx::prefetch(p.b", load.buffer, " + (", start(load.map, index()),
                  term(load.map.column, "column"), "));"));
  }
  out_.close();
}

void Writer::epilogue_store(size_t s) {
  const MappedAccess& store = p_.stores[s];
  const std::string at = cat("p.b", store.buffer, " + (", start(store.map, index()),
                             term(store.map.column, "column"), ")");
  if (vector_access(store)) {
    return out_.line(cat("store_piece<kWide>(", at, ", out.o", s, ");"));
  }
  out_.line("#pragma unroll");
  out_.line(cat("for (int v = 0; v < kVector; ++v) (", at, ")[v * ", number(store.map.column),
                "] = out.o", s, ".elements[v];"));
}

/// Whether all that the epilogue accesses as vectors begins at a multiple of 16 bytes.
void Writer::epilogue_wide() {
  std::string all;
  for (const auto* accesses : {&p_.loads, &p_.stores}) {
    for (const MappedAccess& access : *accesses) {
      if (access.buffer == kExpression || !vector_access(access)) continue;
      all += cat(all.empty() ? "" : " && ", aligned(access.buffer));
    }
  }
  out_.line(cat("CARNOT_DEVICE bool wide([[maybe_unused]] const Params& p) { return ",
                all.empty() ? "true" : all, "; }"));
}

/// A store's value. What was cast to the type of memory is rounded once.
std::string Writer::stored(size_t s, const ScalarText& body) const {
  const MappedAccess& store = p_.stores[s];
  int32_t id = epilogue_.results[static_cast<size_t>(p_.results[s])];
  if (id >= epilogue_.inputs) {
    const ScalarInst& inst = epilogue_.insts[static_cast<size_t>(id - epilogue_.inputs)];
    if (is_16_bit(store.dtype) && inst.op == ScalarOp::kCast && inst.type == store.dtype &&
        types_[static_cast<size_t>(inst.args[0])] == DType::kF32) {
      id = inst.args[0];
    }
  }
  return to_memory(store.dtype, body.values[static_cast<size_t>(id)]);
}

void Writer::struct_of(const char* name, const std::vector<std::string>& members) {
  out_.open(cat("struct ", name, " {"));
  for (const std::string& member : members) out_.line(member);
  out_.close("};");
}

/// Its parts in the order of their use: loads, sums to what is stored, stores.
Status Writer::epilogue() {
  std::vector<std::string> beside, above, out, values, inputs;
  std::vector<DType> types;
  epilogue_wide();
  out_.line("template <bool kWide, class Above>");
  out_.open(
      "CARNOT_DEVICE void load_above([[maybe_unused]] const Params& p, [[maybe_unused]] int "
      "column, [[maybe_unused]] Above& above) {");
  for (size_t i = 0; i < p_.loads.size(); ++i) {
    if (of_columns(p_.loads[i])) epilogue_load(i, "above", above);
  }
  out_.close();
  out_.line("template <bool kWide, class Beside>");
  out_.open(
      "CARNOT_DEVICE void load([[maybe_unused]] const Params& p, [[maybe_unused]] int batch, "
      "[[maybe_unused]] int row, [[maybe_unused]] int column, [[maybe_unused]] Beside& beside) {");
  coordinates();
  for (size_t i = 0; i < p_.loads.size(); ++i) {
    if (!of_columns(p_.loads[i])) epilogue_load(i, "beside", beside);
    values.push_back(epilogue_value(i));
    inputs.push_back(cat("x", i));
    types.push_back(p_.loads[i].dtype);
  }
  out_.close();
  types.push_back(DType::kF32);
  inputs.push_back("sum");
  values.push_back("sums[v]");
  CARNOT_ASSIGN(types_, infer(epilogue_, types));
  for (size_t s = 0; s < p_.stores.size(); ++s) {
    out.push_back(cat("Piece<", memory_type(p_.stores[s].buffer), ", kVector> o", s, ";"));
  }
  struct_of("Beside", beside);
  struct_of("Above", above);
  struct_of("Out", out);
  out_.open(
      "CARNOT_DEVICE void compute(const Params& p, const float (&sums)[kVector], "
      "[[maybe_unused]] const Beside& beside, [[maybe_unused]] const Above& above, Out& out) {");
  out_.line("#pragma unroll");
  out_.open("for (int v = 0; v < kVector; ++v) {");
  for (size_t i = 0; i < inputs.size(); ++i) {
    out_.line(cat("const ", register_type(types[i]), " ", inputs[i], " = ", values[i], ";"));
  }
  const ScalarText body = scalar_text(epilogue_, types_, inputs, "y");
  for (const std::string& statement : body.statements) out_.line(statement);
  for (size_t s = 0; s < p_.stores.size(); ++s) {
    out_.line(cat("out.o", s, ".elements[v] = ", stored(s, body), ";"));
  }
  out_.close();
  out_.close();
  out_.line("template <bool kWide>");
  out_.open(
      "CARNOT_DEVICE void store(const Params& p, [[maybe_unused]] int batch, int row, int column, "
      "const Out& out) {");
  coordinates();
  for (size_t s = 0; s < p_.stores.size(); ++s) epilogue_store(s);
  out_.close();
  return {};
}

std::string Writer::entry(const std::string& function) {
  CodeText head;
  const std::string includes = R"(
#include "codegen/cuda/access.cuh"
#include "codegen/cuda/lib/contraction.cuh"
#include "codegen/cuda/lib/depthwise.cuh"
#include "codegen/cuda/lib/kept.cuh"
#include "codegen/cuda/lib/narrow.cuh"
#include "codegen/cuda/lib/warpgroup.cuh"
#include "codegen/cuda/scalar.cuh"
)";
  head.blank();
  head.line("namespace carnot {");
  head.blank();
  head.open("struct Params {");
  std::string arguments, values;
  for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
    const bool weights = f_.packed && static_cast<int>(i) == p_.b.buffer;
    const std::string type = weights ? "const u8*"
                                     : cat(kernel_.buffers[i].output ? "" : "const ",
                                           memory_type(static_cast<int>(i)), "*");
    head.line(cat(type, " __restrict__ b", i, ";"));
    arguments += cat(arguments.empty() ? "" : ", ", type, " b", i);
    values += cat(values.empty() ? "" : ", ", "b", i);
  }
  for (size_t i = 0; i < params_.size(); ++i) {
    head.line(cat("i64 p", i, ";"));
    arguments += cat(", i64 p", i);
    values += cat(", p", i);
  }
  if (has_map()) {
    head.line("const ptx::TensorMap* map;");
    arguments += ", const __grid_constant__ ptx::TensorMap map";
    values += ", &map";
  }
  head.close("};");
  head.blank();
  std::string out = includes.substr(1) + head.text() + out_.text();
  const bool hopper = t_.method == ContractionMethod::kHopper;
  CodeText tail;
  tail.blank();
  tail.line("}  // namespace carnot");
  tail.blank();
  tail.line("using namespace carnot;");
  const int blocks = t_.split * t_.share;
  const std::string cluster = blocks > 1 ? cat(" __cluster_dims__(", blocks, ", 1, 1)") : "";
  const std::string resident = hopper || t_.kept() ? cat(", ", resident_blocks(t_)) : "";
  tail.line(cat("extern \"C\" __global__ void __launch_bounds__(", threads_of(t_), resident, ")",
                cluster));
  tail.open(cat(function, "(", arguments, ") {"));
  tail.line(cat("const Params p{", values, "};"));
  tail.line(f_.depthwise
                ? cat("depthwise::run<Problem>(p, i64(blockIdx.x) * ", t_.m, " + threadIdx.x);")
                : cat(hopper ? "warpgroup" : "contraction", t_.kept() ? "::run_kept" : "::run",
                      "<Problem>(p);"));
  tail.close();
  return out + tail.text();
}

void Writer::window() {
  const auto constant = [&](const char* name, const auto& value) {
    out_.line(cat("static constexpr int ", name, " = ", value, ";"));
  };
  constant("kWindow", t_.n);
  constant("kTaps", f_.run.value());
  constant("kStride", f_.stride);
  constant("kDilation", f_.dilation);
  constant("kVector", f_.vector);
  out_.line(cat("using Element = ", storage_type(f_.element), ";"));
  out_.line(
      cat("CARNOT_DEVICE float number(Element x) { return ", from_memory(f_.element, "x"), "; }"));
  size("rows", p_.row_count());
  size("columns", p_.columns);
  size("taps", f_.taps);
  size("width", p_.rows.back());
  out_.line(cat("CARNOT_DEVICE ", index(), " unit([[maybe_unused]] const Params& p) { return ",
                number(f_.unit), "; }"));
  out_.open("CARNOT_DEVICE int guard_unit([[maybe_unused]] int guard) {");
  for (size_t g = 0; g < f_.guard_units.size(); ++g) {
    out_.line(cat("if (guard == ", g, ") return ", f_.guard_units[g], ";"));
  }
  out_.line("return 0;");
  out_.close();
  out_.line(
      cat("CARNOT_DEVICE const u8* packed(const Params& p) { return p.b", p_.b.buffer, "; }"));
}

BoxMap Writer::boxes() const {
  if (!has_map()) return {};
  return {static_cast<uint32_t>(p_.a.buffer), static_cast<uint32_t>(f_.element_bytes()),
          static_cast<uint32_t>(t_.m), 0};
}

Result<std::string> Writer::text(const std::string& function) {
  if (has_map()) {
    const AxisMap& a = p_.a.map;
    params_ = {a.base,
               f_.run,
               p_.row_count(),
               *p_.row_stride(a),
               product(p_.batch),
               p_.batch.empty() ? Dim(0) : a.batch[0]};
  }
  out_.open(cat("struct Problem ", narrow_ ? ": contraction::Narrow " : "", "{"));
  out_.line("using Params = carnot::Params;");
  f_.depthwise ? window() : numbers();
  side("SideA", p_.a, true);
  if (!f_.packed) side("SideB", p_.b, false);
  if (t_.method == ContractionMethod::kHopper) prefetches();
  CARNOT_RETURN_IF_ERROR(epilogue());
  out_.close("};");
  return entry(function);
}

}  // namespace

Result<KernelSource> emit_contraction(const Kernel& kernel, const ContractionFacts& f,
                                      const ContractionTile& t, const std::string& function) {
  Writer writer(kernel, f, t);
  KernelSource out;
  CARNOT_ASSIGN(out.text, writer.text(function));
  out.function = function;
  out.threads = threads_of(t);
  out.shared_bytes = shared_bytes(t);
  out.pointers = static_cast<int>(kernel.buffers.size());
  out.params = writer.params();
  out.boxes[0] = writer.boxes();
  if (f.depthwise) {
    const Dims& rows = f.problem.rows;
    const Dims outer(rows.begin(), rows.end() - 1);
    const Dim windows = product(outer) * ceil_div(rows.back(), Dim(t.n));
    out.tasks = ceil_div(windows * floor_div(f.problem.columns, Dim(f.vector)), Dim(t.m));
    return out;
  }
  const Dim tiles = product(f.problem.batch) * ceil_div(f.problem.row_count(), Dim(t.m)) *
                    ceil_div(f.problem.columns, Dim(t.n));
  out.tasks = ceil_div(tiles, Dim(t.share)) * Dim(t.split * t.share);
  if (t.blocks > 0) out.tasks = min(out.tasks, Dim(t.blocks));
  out.cluster = t.split * t.share;
  return out;
}

}  // namespace carnot::cuda
