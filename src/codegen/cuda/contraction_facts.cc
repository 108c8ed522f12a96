// What a contraction's operands allow, and whether a tile fits it.
#include <algorithm>
#include <charconv>
#include <numeric>
#include <sstream>

#include "base/status.h"
#include "codegen/cuda/contraction.h"

namespace carnot::cuda {

namespace {

constexpr int64_t kIndexMax = int64_t{1} << 31;
constexpr int kThreadsMax = 1024;
constexpr int64_t kPositionsMax = 16;  ///< of a depthwise window, before its neighbours'

/// The largest number that divides the expression whatever the symbols are; 0: it is zero.
int64_t divisor(const Dim& dim) {
  int64_t out = std::abs(dim.constant_term());
  for (const Dim::Term& term : dim.terms()) out = std::gcd(out, std::abs(term.coefficient));
  return out;
}

int64_t divisor(const Dims& dims) {
  int64_t out = 0;
  for (const Dim& d : dims) out = std::gcd(out, divisor(d));
  return out;
}

/// Bytes of the widest copy that every start of a row and the run's length are multiples of.
int copy_bytes(const AxisMap& map, size_t taps, const Dim& run, int element_bytes) {
  int64_t unit = std::gcd(divisor(map.base), divisor(map.batch));
  unit = std::gcd(unit, std::gcd(divisor(map.rows), divisor(map.column)));
  for (size_t i = 0; i < taps; ++i) unit = std::gcd(unit, divisor(map.inner[i]));
  unit = std::gcd(unit, divisor(run));
  for (const int bytes : {16, 8, 4}) {
    if (bytes % element_bytes == 0 && unit % (bytes / element_bytes) == 0) return bytes;
  }
  return 0;
}

bool is_contiguous(const Dims& strides, const Dims& sizes, size_t count) {
  Dim expected = 1;
  for (size_t i = sizes.size(); i > sizes.size() - count; --i) {
    if (strides[i - 1] != expected) return false;
    expected = expected * sizes[i - 1];
  }
  return true;
}

/// Takes as many of the last inner axes for A's run as are contiguous, whatever they begin at. One
/// guard may bound the outermost of them.
void see_span(ContractionFacts& f) {
  const ContractionProblem& p = f.problem;
  if (p.otherwise != 0) return;
  for (size_t count = p.inner.size(); count > 0; --count) {
    const size_t first = p.inner.size() - count;
    if (!is_contiguous(p.a.map.inner, p.inner, count)) continue;
    int bounding = -1;
    bool fits = true;
    for (size_t g = 0; g < p.guards.size(); ++g) {
      const Dims& of = p.guards[g].index.inner;
      for (size_t i = first + 1; i < of.size(); ++i) fits = fits && of[i].is(0);
      if (of[first].is(0)) continue;
      fits = fits && of[first].is(1) && bounding < 0;
      bounding = static_cast<int>(g);
    }
    if (!fits) continue;
    f.span = true;
    f.span_guard = bounding;
    f.run_axes = count;
    f.run = f.taps = f.span_unit = 1;
    for (size_t i = 0; i < p.inner.size(); ++i) {
      (i < first ? f.taps : f.run) = (i < first ? f.taps : f.run) * p.inner[i];
      if (i > first) f.span_unit = f.span_unit * p.inner[i];
    }
    return;
  }
}

bool is_static(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& d) { return d.is_constant(); });
}

bool has_axis(const Dim& dim) {
  std::vector<std::string> names;
  dim.collect_symbols(names);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& n) { return n[0] == '#' || n[0] == '$'; });
}

/// Elements between the first and the last of a buffer fit 31 bits.
bool is_small(const Buffer& buffer) {
  Dim last = 0;
  const Dims strides = strides_of(buffer);
  for (size_t i = 0; i < strides.size(); ++i) {
    last = last + (buffer.type.dims[i] - Dim(1)) * strides[i];
  }
  return last.is_constant() && std::abs(last.value()) < kIndexMax;
}

/// Takes the channels of a depthwise convolution for columns, if this is one.
void see_depthwise(ContractionFacts& f) {
  ContractionProblem& p = f.problem;
  const AxisMap& a = p.a.map;
  if (!f.packed || !p.columns.is(1) || p.batch.size() != 1 || !a.batch[0].is(1)) return;
  if (p.rows.empty() || p.inner.empty() || !p.inner.back().is_constant()) return;
  if (!a.rows.back().is_constant() || !a.inner.back().is_constant()) return;
  const int64_t row = a.rows.back().value(), inner = a.inner.back().value();
  const int64_t unit = std::gcd(row, inner);
  if (row <= 0 || inner <= 0 || p.inner.back().value() * (inner / unit) > kPositionsMax ||
      row / unit > kPositionsMax) {
    return;
  }
  for (const MappedGuard& g : p.guards) {
    const Dim &of_row = g.index.rows.back(), &of_inner = g.index.inner.back();
    if (!of_row.is_constant() || of_row.value() % (row / unit) != 0 || !g.index.batch[0].is(0)) {
      return;
    }
    const int64_t step = of_row.value() / (row / unit);
    if (!of_inner.is(step * (inner / unit))) return;
    f.guard_units.push_back(step);
  }
  f.depthwise = true;
  f.stride = row / unit, f.dilation = inner / unit, f.unit = unit;
  f.run_axes = 1;
  f.run = p.inner.back(), f.taps = 1;
  for (size_t i = 0; i + 1 < p.inner.size(); ++i) f.taps = f.taps * p.inner[i];
  p.columns = p.batch[0];
  p.batch.clear();
  const auto move = [](AxisMap& map) {
    map.column = map.batch[0];
    map.batch.clear();
  };
  move(p.a.map), move(p.b.map);
  for (MappedGuard& g : p.guards) move(g.index);
  for (MappedAccess& access : p.loads) move(access.map);
  for (MappedAccess& access : p.stores) move(access.map);
}

bool is_positive(const Dim& d) {
  const auto& terms = d.terms();
  return !d.is(0) && d.constant_term() >= 0 &&
         std::all_of(terms.begin(), terms.end(), [](const auto& t) { return t.coefficient > 0; });
}

/// Whether all of A that a tile needs for a step is a box of a tensor map.
bool has_boxes(const ContractionFacts& f) {
  const ContractionProblem& p = f.problem;
  constexpr int kBoxCopy = 16;
  const bool plain = f.packed && f.copy_a == kBoxCopy && p.guards.empty() &&
                     f.run_axes == p.inner.size() && p.batch.size() <= 1;
  const std::optional<Dim> step = p.row_stride(p.a.map);
  return plain && step && is_positive(*step) && (p.batch.empty() || is_positive(p.a.map.batch[0]));
}

/// Columns that can be stored at once: a divisor of their number, up to 16 bytes of the widest.
int vector_of(const ContractionProblem& p) {
  int bytes = 1;
  for (const MappedAccess& store : p.stores) bytes = std::max(bytes, bits_of(store.dtype) / 8);
  int out = std::max(1, std::min(8, 16 / bytes));
  while (out > 1 && divisor(p.columns) % out != 0) out /= 2;
  return out;
}

}  // namespace

Result<Gpu> gpu_of(const DeviceDescription& device) {
  Gpu gpu;
  std::string_view isa = device.isa;
  if (isa.substr(0, 3) != "sm_") return error(Code::kUnsupported, "not a GPU: ", device.isa);
  isa.remove_prefix(3);
  const auto end = std::from_chars(isa.data(), isa.data() + isa.size(), gpu.architecture).ptr;
  gpu.specific = end != isa.data() + isa.size();
  // Where the description is silent: the smallest of that architecture.
  const bool small = gpu.architecture == 86 || gpu.architecture == 89 || gpu.architecture >= 120;
  const int shared = gpu.architecture < 80   ? 64 << 10
                     : small                 ? 99 << 10
                     : gpu.architecture < 90 ? 163 << 10
                                             : 227 << 10;
  gpu.shared_bytes = device.shared_bytes > 0 ? static_cast<int>(device.shared_bytes) : shared;
  gpu.sms = device.sms > 0 ? device.sms : gpu.architecture >= 90 ? 132 : 100;
  gpu.clock_ghz = device.clock_mhz > 0 ? device.clock_mhz / 1000.0 : 1.7;
  gpu.memory_gbps = device.memory_gbps > 0 ? device.memory_gbps : 2000;
  return gpu;
}

Result<ContractionFacts> contraction_facts(const Kernel& kernel, bool b_constant) {
  CARNOT_ASSIGN(const ContractionView view, as_contraction(kernel));
  ContractionFacts f;
  CARNOT_ASSIGN(f.problem, contraction_problem(kernel, view));
  const ContractionProblem& p = f.problem;
  f.element = p.a.dtype;
  if (p.b.dtype != p.a.dtype) return error(Code::kUnsupported, "operands of two types");
  if (p.a.dtype != DType::kF32 && p.a.dtype != DType::kF16 && p.a.dtype != DType::kBF16) {
    return error(Code::kUnsupported, "products of ", to_string(p.a.dtype));
  }
  if (kernel.stages[0].accumulator != DType::kF32) {
    return error(Code::kUnsupported, "sums of ", to_string(kernel.stages[0].accumulator));
  }
  for (const MappedGuard& guard : p.guards) {
    if (has_axis(guard.lower) || has_axis(guard.upper)) {
      return error(Code::kUnsupported, "a guard's bounds depend on axes");
    }
  }
  for (const Buffer& buffer : kernel.buffers) {
    f.wide = f.wide || !is_small(buffer);
    if (bits_of(buffer.type.dtype) < 8) {
      return error(Code::kUnsupported, "elements of ", to_string(buffer.type.dtype));
    }
  }
  const Dims& b = p.b.map.inner;
  f.packed = b_constant && is_static(p.batch) && is_static(p.inner) && p.columns.is_constant() &&
             is_static(b) && is_static(p.b.map.batch) && p.b.map.column.is_constant() &&
             p.b.map.base.is_constant();
  see_depthwise(f);
  if (f.depthwise) {
    f.vector = vector_of(p);
    // Of channels, whole vectors start at multiples of one in A.
    AxisMap map = p.a.map;
    map.column = f.vector;
    f.copy_a = copy_bytes(map, p.inner.size(), Dim(f.vector), f.element_bytes()) >=
                       std::min(16, f.vector * f.element_bytes())
                   ? 16
                   : 0;
    return f;
  }
  f.run_axes = p.run_axes(false, true);
  const size_t taps = p.inner.size() - f.run_axes;
  if (f.run_axes > 0 && p.a.map.inner.back().is(1) && p.otherwise == 0) {
    for (size_t i = taps; i < p.inner.size(); ++i) f.run = f.run * p.inner[i];
    f.copy_a = copy_bytes(p.a.map, taps, f.run, f.element_bytes());
  }
  if (f.copy_a > 0) {
    for (size_t i = 0; i < taps; ++i) f.taps = f.taps * p.inner[i];
  } else {
    f.run_axes = p.inner.size();
    f.run = p.inner_count();
    see_span(f);
  }
  if (!f.packed && is_contiguous(b, p.inner, f.run_axes)) {
    f.copy_b = copy_bytes(p.b.map, p.inner.size() - f.run_axes, f.run, f.element_bytes());
  }
  f.vector = vector_of(p);
  f.boxes = has_boxes(f);
  return f;
}

int slab_columns(const ContractionTile& t) {
  int columns = 64;
  while (t.n % columns != 0) columns -= 8;
  return columns;
}

int resident_blocks(const ContractionTile& t) {
  if (t.kept()) {
    constexpr int kMost = 768;  // threads
    return std::clamp((227 << 10) / (shared_bytes(t) + (1 << 10)), 1, kMost / (32 * t.warps()));
  }
  const bool alone = t.warps_m * t.warps_n > 4 || t.split > 1;
  if (t.method != ContractionMethod::kHopper || alone) return 1;
  constexpr int kShared = 227 << 10, kReserved = 1 << 10;
  const int room = kShared / (shared_bytes(t) + kReserved), sums = t.m / 64 * t.n / 2;
  return std::clamp(room, 1, sums <= 32 ? 3 : 2);
}

int shared_bytes(const ContractionTile& t) {
  if (t.method == ContractionMethod::kDepthwise) return 0;
  const int pipeline = t.stages * (t.m + t.n) * t.row_bytes;
  const int sums = t.m * (t.n + 8) * 4;
  if (t.kept()) return (t.stages * t.n + 2 * t.m) * t.row_bytes + sums;
  if (t.method != ContractionMethod::kHopper) return std::max(pipeline, sums);
  const int barriers = (t.stages + (t.warps_n > 1 ? 1 : 0)) * 16;
  if (t.split > 1) return std::max(pipeline, (sums + 15) / 16 * 16) + barriers;
  const int slab = slab_columns(t);
  const int pitch = slab % 32 == 0 || slab % 16 == 8 ? slab : slab + 8;
  return pipeline + t.warps_m * t.warps_n * 16 * pitch * 4 + barriers;
}

namespace {

Status why_not_hopper(const ContractionFacts& f, const ContractionTile& t) {
  const auto refuse = [&](const auto&... why) { return error(Code::kUnsupported, why...); };
  if (f.copy_a == 0 || (!f.packed && f.copy_b == 0)) return refuse("operands that are not aligned");
  const bool roles = t.warps_n == 1 ? t.warps_m == 4 || t.warps_m == 8
                                    : t.warps_n == 2 && t.warps_m == 4 && t.split == 1;
  const bool form = t.row_bytes == 128 && roles && t.warps_k == 1 && t.m >= 16 * t.warps_m &&
                    t.n % 8 == 0 && t.n >= 16 && t.n <= 256;
  const int sums = t.m / (16 * t.warps_m) * t.n / 2;
  if (!form || sums > 128 || t.stages < 3) return refuse("not a form of wgmma");
  if (t.share != 1 && (t.share != 2 || !f.packed || t.split > 1)) {
    return refuse(t.share, " blocks take columns together");
  }
  if (t.blocks % t.share != 0 || (t.blocks > 0 && t.split > 1)) {
    return refuse(t.blocks, " blocks go through all tiles");
  }
  return {};
}

/// Blocks that keep all weights.
Status why_not_kept(const ContractionFacts& f, const ContractionTile& t) {
  const auto refuse = [&](const auto&... why) { return error(Code::kUnsupported, why...); };
  if (f.depthwise || !f.packed || t.split != 1) return refuse("no weights to keep");
  if (!product(f.problem.batch).is(1) || !f.problem.columns.is_constant()) {
    return refuse("weights of more than one batch");
  }
  if (f.problem.columns.value() > t.n || t.n > 256 || t.n % (16 * t.warps_n) != 0) {
    return refuse(f.problem.columns.value(), " columns, tiles of ", t.n);
  }
  if (!f.steps(t).is(t.stages)) return refuse("not ", t.stages, " steps");
  return {};
}

}  // namespace

Status why_not(const ContractionFacts& f, const ContractionTile& t, const Gpu& gpu) {
  const auto refuse = [&](const auto&... why) { return error(Code::kUnsupported, why...); };
  if (gpu.architecture < 75) return refuse("tensor cores as here need sm_75");
  const auto is_power = [](int v) { return v > 0 && (v & (v - 1)) == 0; };
  const bool hopper = t.method == ContractionMethod::kHopper;
  const int n = hopper || t.kept() ? 1 : t.n;
  for (const int v : {t.m, n, t.warps_m, t.warps_n, t.warps_k, t.split, t.group}) {
    if (!is_power(v) || v > 256) return refuse("a tile's numbers are powers of two up to 256");
  }
  if (!hopper && t.share != 1) return refuse("blocks that share columns");
  if (f.depthwise != (t.method == ContractionMethod::kDepthwise)) {
    return refuse(f.depthwise ? "a depthwise convolution" : "not a depthwise convolution");
  }
  if (f.depthwise) {
    if (t.n > 8 || t.m < 32) return refuse("a depthwise window of ", t.n, " by ", t.m, " threads");
    return {};
  }
  if (hopper && (gpu.architecture != 90 || !gpu.specific)) return refuse("wgmma needs sm_90a");
  if (t.row_bytes != 64 && t.row_bytes != 128) return refuse("steps of ", t.row_bytes, " bytes");
  if (t.stages < (t.kept() ? 1 : 2) || t.stages > 8) return refuse(t.stages, " stages");
  if (t.kept()) CARNOT_RETURN_IF_ERROR(why_not_kept(f, t));
  if (32 * t.warps() > kThreadsMax) return refuse(t.warps(), " warps");
  const int warp_m = t.m / t.warps_m, warp_n = t.n / t.warps_n;
  const bool parts =
      t.method == ContractionMethod::kParts || t.method == ContractionMethod::kRounded;
  const bool plain = f.element == DType::kF32 && !parts && !hopper;
  if (parts && f.element != DType::kF32) return refuse("only f32 is taken in parts or rounded");
  if (gpu.architecture < 80 && (parts || f.element == DType::kBF16)) {
    return refuse("tensor cores for bf16 and tf32 need sm_80");
  }
  if (hopper) CARNOT_RETURN_IF_ERROR(why_not_hopper(f, t));
  if (!hopper && warp_m * warp_n > 64 * 64) return refuse("a warp's tile is too large");
  if (warp_m < (plain ? 4 : 16) || warp_n < (plain ? 8 : 16)) return refuse("a warp has no tile");
  if (t.warps_k > t.row_bytes / (plain ? 16 : 32)) return refuse("too many warps along a step");
  if (t.split > 8 || t.split > t.m) return refuse(t.split, " blocks share a tile");
  if (t.split > 1 && gpu.architecture < 90) return refuse("clusters need sm_90");
  if (shared_bytes(t) > gpu.shared_bytes) return refuse("too much shared memory");
  return {};
}

std::string to_string(const ContractionTile& t) {
  static const char* const kMethods[] = {"tiles", "hopper", "depthwise", "parts", "tf32"};
  std::ostringstream out;
  out << kMethods[static_cast<int>(t.method)] << ' ' << t.m << 'x' << t.n << 'x' << t.row_bytes
      << " s" << t.stages << " w" << t.warps_m << 'x' << t.warps_n << 'x' << t.warps_k << " k"
      << t.split << " g" << t.group;
  if (t.method == ContractionMethod::kHopper) out << " c" << t.share;
  if (t.blocks > 0) out << " p" << t.blocks;
  return out.str();
}

std::vector<int64_t> knobs(const ContractionTile& t) {
  return {static_cast<int64_t>(t.method),
          t.m,
          t.n,
          t.row_bytes,
          t.stages,
          t.warps_m,
          t.warps_n,
          t.warps_k,
          t.split,
          t.group,
          t.share,
          t.blocks};
}

Result<ContractionTile> tile_from_knobs(const std::vector<int64_t>& k) {
  if (k.size() != 12) return error(Code::kInvalidArgument, "a tile has 12 numbers, not ", k.size());
  for (const int64_t v : k) {
    if (v < 0 || v > 4096) return error(Code::kInvalidArgument, "a tile's number is ", v);
  }
  if (k[0] > static_cast<int64_t>(ContractionMethod::kRounded)) {
    return error(Code::kInvalidArgument, "no method has number ", k[0]);
  }
  ContractionTile t;
  t.method = static_cast<ContractionMethod>(k[0]);
  int* const fields[] = {&t.m,       &t.n,     &t.row_bytes, &t.stages, &t.warps_m, &t.warps_n,
                         &t.warps_k, &t.split, &t.group,     &t.share,  &t.blocks};
  for (size_t i = 0; i < std::size(fields); ++i) *fields[i] = static_cast<int>(k[i + 1]);
  return t;
}

}  // namespace carnot::cuda
