#include "codegen/cuda/attention.h"

#include <algorithm>
#include <type_traits>

#include "base/status.h"
#include "codegen/access.h"
#include "codegen/cuda/code_text.h"
#include "codegen/cuda/scalar_text.h"

namespace carnot::cuda {

namespace {

constexpr int kWidthMax = 256;
constexpr int kWarpsMax = 8;
constexpr int64_t kTwoTilesMax = 96;  // registers of queries and results, beside 64 of scores
constexpr int kKeys = 64;             // of a block, as in lib/attention.cuh
constexpr int kGroupsMax = 4;
constexpr int kRoundsMax = 8;
constexpr int kHeadKeysMax = 1024;
constexpr int kGroupWidthMax = 64;         // a row of 128 swizzled bytes
constexpr int64_t kRingBytes = 226 << 10;  // of a multiprocessor
constexpr int kRingStagesMax = 4;
constexpr int kRingGroupsMax = 3, kRingStepMax = 192, kSplitMax = 8;
constexpr int kRingBeside = 26;      // registers beside scores, weights and results
constexpr uint32_t kBoxNumbers = 6;  // of a BoxMap
constexpr int kPieceMost = 80;       // keys whose scores fit into 128 registers beside the results

int64_t row_bytes(int64_t width) {
  return ((width + 15) / 16 * 32 + 127) / 128 * 128;
}

bool is_positive(const Dim& dim) {
  const auto& terms = dim.terms();
  return !dim.is(0) && dim.constant_term() >= 0 &&
         std::all_of(terms.begin(), terms.end(), [](const auto& t) { return t.coefficient > 0; });
}

bool is_multiple(const Dim& dim, int64_t of) {
  return mod(dim, Dim(of)).is(0);
}

constexpr const char* kBegin = R"(
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/lib/attention.cuh"

namespace carnot {

)";
constexpr const char* kBeginF32 = R"(
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/lib/attention_f32.cuh"

namespace carnot {

)";
constexpr const char* kBeginRing = R"(
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/lib/keys_ring.cuh"

namespace carnot {

)";
constexpr const char* kBeginHeads = R"(
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/lib/heads.cuh"

namespace carnot {

)";

/// Keys of a head are worked on in pieces, multiples of 16, the last one at most as long.
struct Pieces {
  int64_t keys, piece, last;
  explicit Pieces(int64_t count) {
    const int64_t groups = (count + 15) / 16;
    const int64_t most = (groups * 16 + kPieceMost - 1) / kPieceMost;
    keys = groups * 16;
    piece = (groups + most - 1) / most * 16;
    last = keys - (keys - 1) / piece * piece;
  }
};

/// Shared memory and registers of a ring.
struct RingShape {
  int64_t query_stages = 2, stages = 2, bytes = 0;
  int few = 0, many = 0, resident = 1;
  RingShape(const AttentionTile& tile, int64_t width, int64_t value_width) {
    const int groups = tile.warps / 4;
    const int64_t queries = 16 * tile.warps * row_bytes(width);
    const int64_t step = tile.step * (row_bytes(width) + row_bytes(value_width));
    const auto bytes_of = [&] { return query_stages * (queries + 16) + stages * (step + 32); };
    resident = groups == 1 && value_width <= 128 && tile.split == 1 ? 2 : 1;
    if (bytes_of() > kRingBytes / resident) query_stages = 1;
    if (bytes_of() > kRingBytes / resident) resident = 1;
    for (; stages < kRingStagesMax; ++stages) {
      if (bytes_of() + step + 32 > kRingBytes / resident) break;
    }
    const int64_t sums = tile.split > 1 ? 16 * tile.warps * (value_width + 32) * 4 : 0;
    bytes = std::max(bytes_of(), sums);
    // What a block with one warpgroup leaves is for a second block; blocks of a cluster end
    // together, and have no roles by then.
    if (tile.split > 1) return;
    few = groups == 3 ? 32 : 56;
    many = groups == 1 ? (resident == 2 ? 200 : 240) : groups == 2 ? 224 : 160;
  }
};

class Writer {
 public:
  Writer(const Kernel& kernel, const AttentionTile& tile)
      : kernel_(kernel), core_(*kernel.attention), tile_(tile) {
    heads_ = core_.op.bsh ? 2 : 1;
    length_ = core_.op.bsh ? 1 : 2;
    output_ = kernel.buffers.size() - 1;
  }

  Result<KernelSource> run(const std::string& function) {
    if (has_boxes()) {
      for (const size_t operand : {size_t{1}, size_t{2}}) {
        const Dims numbers = box_numbers(operand);
        params_.insert(params_.end(), numbers.begin(), numbers.end());
      }
    }
    out_.open("struct Problem {");
    out_.line("using Params = carnot::Params;");
    numbers();
    if (tile_.rounds > 0) instructions();
    if (tile_.step > 0) ring();
    for (const size_t operand : {size_t{0}, size_t{1}, size_t{2}}) rows(operand);
    bias();
    store();
    out_.close("};");
    KernelSource source;
    source.function = function;
    source.text = text(function);
    source.threads = threads();
    source.shared_bytes = static_cast<int>(shared_bytes());
    source.pointers = static_cast<int>(kernel_.buffers.size());
    source.params = params_;
    source.dependent_launch = true;
    for (uint32_t i = 0; i < source.boxes.size() && has_boxes(); ++i) {
      source.boxes[i] = {i + 1, 2, static_cast<uint32_t>(tile_.step), i * kBoxNumbers};
    }
    source.tasks = dims(0)[0] * dims(0)[heads_] * ceil_div(dims(0)[length_], Dim(tile_.queries()));
    if (tile_.pack) {
      const Dim rows = dims(0)[length_] * floor_div(dims(0)[heads_], dims(1)[heads_]);
      source.tasks = dims(0)[0] * dims(1)[heads_] * ceil_div(rows, Dim(tile_.queries()));
    }
    if (tile_.split > 1) source.tasks = source.tasks * Dim(tile_.split);
    if (tile_.blocks > 0) source.tasks = min(source.tasks, Dim(tile_.blocks));
    source.cluster = tile_.split;
    return source;
  }

  int64_t shared_bytes() const {
    if (tile_.step > 0) return ring_shape().bytes;
    if (tile_.rounds > 0) return (tile_.queries() + 2 * Pieces(key_count()).keys) * 128;
    const int64_t width = dims(0)[3].value(), value_width = dims(2)[3].value();
    if (is_f32()) {  // as loaded, and in parts
      const auto pitch = [](int64_t w) { return (w + 15) / 16 * 16 + 4; };
      const int64_t keys = tile_.keys * (tile_.tf32 ? 2 : 3);
      return 4 * (tile_.queries() * pitch(width) + keys * (pitch(width) + pitch(value_width)));
    }
    return tile_.queries() * row_bytes(width) +
           2 * kKeys * (row_bytes(width) + row_bytes(value_width));
  }

 private:
  bool is_f32() const { return kernel_.buffers[0].type.dtype == DType::kF32; }
  const char* element() const { return is_f32() ? "float" : "u16"; }
  int threads() const { return 32 * tile_.warps + (tile_.step > 0 ? 128 : 0); }
  RingShape ring_shape() const { return RingShape(tile_, dims(0)[3].value(), dims(2)[3].value()); }
  int64_t key_count() const { return dims(1)[length_].value(); }
  const Dims& dims(size_t buffer) const { return kernel_.buffers[buffer].type.dims; }
  std::string number(const Dim& dim) {
    if (dim.is_constant()) return std::to_string(dim.value());
    const auto found = std::find(params_.begin(), params_.end(), dim);
    const auto i = found - params_.begin();
    if (found == params_.end()) params_.push_back(dim);
    return cat("p.p", i);
  }
  void size(const char* name, const Dim& value) {
    out_.line(cat("CARNOT_DEVICE int ", name, "([[maybe_unused]] const Params& p) { return int(",
                  number(value), "); }"));
  }

  void constant(const char* type, const char* name, const std::string& value) {
    out_.line(cat("static constexpr ", type, " ", name, " = ", value, ";"));
  }
  template <class T>
  void constant(const char* name, T value) {
    if constexpr (std::is_same_v<T, bool>) {
      constant("bool", name, value ? "true" : "false");
    } else {
      constant("int", name, std::to_string(value));
    }
  }

  /// Elements of q, k and v, from their first on, that lie together wherever a piece of them
  /// starts.
  int64_t together() const {
    int64_t out = 8;
    for (const size_t operand : {size_t{0}, size_t{1}, size_t{2}}) {
      const Dims strides = strides_of(kernel_.buffers[operand]);
      if (!strides[3].is(1)) return 1;
      while (out > 1 && !(is_multiple(dims(operand)[3], out) && is_multiple(strides[0], out) &&
                          is_multiple(strides[1], out) && is_multiple(strides[2], out))) {
        out /= 2;
      }
    }
    return out;
  }

  /// Whether the copy engine can bring a ring's keys and values in boxes of 64 elements: matrices
  /// at equal distances, each of a batch and heads behind rows or of a head.
  bool has_boxes() const {
    if (tile_.step == 0 || together() < 8) return false;
    for (const size_t operand : {size_t{1}, size_t{2}}) {
      const Dims strides = strides_of(kernel_.buffers[operand]);
      if (dims(operand)[3].value() % kGroupWidthMax != 0) return false;
      for (const Dim& stride : strides) {
        if (!is_positive(stride)) return false;
      }
      if (!heads_in_rows(operand) && strides[0] != strides[heads_] * dims(operand)[heads_])
        return false;
    }
    return true;
  }
  bool heads_in_rows(size_t operand) const {
    const Dims strides = strides_of(kernel_.buffers[operand]);
    return core_.op.bsh && strides[heads_].is_constant();
  }
  /// As BoxMap has them.
  Dims box_numbers(size_t operand) const {
    const Dims &sizes = dims(operand), strides = strides_of(kernel_.buffers[operand]);
    if (heads_in_rows(operand)) {
      const Dim columns = (sizes[heads_] - Dim(1)) * strides[heads_] + sizes[3];
      return {Dim(0), columns, sizes[length_], strides[length_], sizes[0], strides[0]};
    }
    const Dim heads = sizes[0] * sizes[heads_];
    return {Dim(0), sizes[3], sizes[length_], strides[length_], heads, strides[heads_]};
  }
  /// Where in the maps the matrix of (b, h) is.
  void boxes() {
    constant("kBoxes", has_boxes());
    if (!has_boxes()) return;
    out_.line("CARNOT_DEVICE bool boxed(const Params& p) {");
    out_.line("  return ((reinterpret_cast<u64>(p.b1) | reinterpret_cast<u64>(p.b2)) & 15) == 0;");
    out_.line("}");
    for (const size_t operand : {size_t{1}, size_t{2}}) {
      const char name = "qkv"[operand];
      const bool in_rows = heads_in_rows(operand);
      const std::string step = number(strides_of(kernel_.buffers[operand])[heads_]);
      out_.line(cat("CARNOT_DEVICE int ", name, "_box_x([[maybe_unused]] int h) { return ",
                    in_rows ? cat("h * ", step) : std::string("0"), "; }"));
      out_.line(
          cat("CARNOT_DEVICE int ", name, "_box_z([[maybe_unused]] const Params& p, int b, ",
              "[[maybe_unused]] int h) { return ",
              in_rows ? std::string("b") : cat("b * int(", number(dims(operand)[heads_]), ") + h"),
              "; }"));
    }
  }

  void numbers() {
    const bool brain = kernel_.buffers[0].type.dtype == DType::kBF16;
    constant("kBrain", brain);
    constant("kCausal", core_.op.causal);
    constant("kGuarded", core_.op.guarded);
    constant("kHasBias", core_.has_bias);
    constant("kBiasHasRows", bias_has_rows());
    if (tile_.rounds > 0 || tile_.step > 0) {
      constant("kGroups", tile_.warps / 4);
      if (tile_.rounds > 0) {
        constant("kRounds", tile_.rounds);
        constant("kKeyCount", key_count());
      }
      constant("float", "kScale", literal(DType::kF32, core_.op.scale, 0));
    } else {
      constant("kWarps", tile_.warps);
      if (is_f32()) {
        constant("kKeys", tile_.keys);
        constant("kRounded", tile_.tf32);
      } else {
        constant("kTiles", tile_.tiles);
      }
    }
    constant("kWidth", dims(0)[3].value());
    constant("kValueWidth", dims(2)[3].value());
    const int64_t copy =
        (is_f32() ? 4 : 2) * std::min(together(), is_f32() ? int64_t{4} : int64_t{8});
    constant("kCopy", copy == 16 || (tile_.step > 0 && copy > 2) ? copy : int64_t{0});
    size("queries", dims(0)[length_]);
    size("keys", dims(1)[length_]);
    size("heads", dims(0)[heads_]);
    out_.line(cat("CARNOT_DEVICE int shared([[maybe_unused]] const Params& p) { return int(",
                  number(dims(0)[heads_]), " / ", number(dims(1)[heads_]), "); }"));
    out_.line(cat("CARNOT_DEVICE float scale() { return ", literal(DType::kF32, core_.op.scale, 0),
                  "; }"));
  }

  /// wgmma of 64 rows by `columns` by 16: a register per sum; A in shared memory or registers.
  void instruction(const char* name, int64_t columns, bool registers) {
    const int64_t sums = columns / 2;
    const bool brain = kernel_.buffers[0].type.dtype == DType::kBF16;
    const std::string type = brain ? "bf16" : "f16";
    std::string all, operands;
    for (int64_t i = 0; i < sums; ++i) {
      all += cat(i > 0 ? ", %" : "%", i);
      operands += cat(i > 0 ? ", " : "", "\"+f\"(d[", i, "])");
    }
    const std::string product = cat("wgmma.mma_async.sync.aligned.m64n", columns, "k16.f32.", type,
                                    ".", type, " {", all, "}, ");
    const auto at = [&](int64_t i) { return cat("%", sums + i); };
    if (registers) {
      out_.open(
          cat("CARNOT_DEVICE void ", name, "(float (&d)[", sums, "], const u32 (&a)[4], u64 b) {"));
      out_.line(cat("asm volatile(\"", product, "{", at(0), ", ", at(1), ", ", at(2), ", ", at(3),
                    "}, ", at(4), ", 1, 1, 1, 1;\""));
      out_.line(cat("    : ", operands,
                    " : \"r\"(a[0]), \"r\"(a[1]), \"r\"(a[2]), \"r\"(a[3]), \"l\"(b));"));
    } else {
      out_.open(cat("CARNOT_DEVICE void ", name, "(float (&d)[", sums,
                    "], u64 a, u64 b, bool accumulate) {"));
      out_.line(cat("asm volatile(\"{ .reg .pred p; setp.ne.b32 p, ", at(2), ", 0; ", product,
                    at(0), ", ", at(1), ", p, 1, 1, 0, 0; }\""));
      out_.line(cat("    : ", operands, " : \"l\"(a), \"l\"(b), \"r\"(int(accumulate)));"));
    }
    out_.close();
  }

  void ring() {
    const RingShape shape = ring_shape();
    constant("kStep", tile_.step);
    constant("kStages", shape.stages);
    constant("kQueryStages", shape.query_stages);
    constant("kFew", shape.few);
    constant("kMany", shape.many);
    constant("kSplit", tile_.split);
    constant("kPack", tile_.pack);
    constant("kTakeTurns", tile_.turns);
    size("batches", dims(0)[0]);
    const Dims strides = strides_of(kernel_.buffers[0]);
    out_.line(cat("CARNOT_DEVICE i64 q_head([[maybe_unused]] const Params& p) { return ",
                  number(strides[heads_]), "; }"));
    instruction("multiply_keys", tile_.step, false);
    instruction("multiply_values", (dims(2)[3].value() + 15) / 16 * 16, true);
    boxes();
    bias_pair();
    store_wide();
  }

  void instructions() {
    const Pieces pieces(key_count());
    out_.line(cat("static constexpr int kPiece = ", pieces.piece, ", kLast = ", pieces.last, ";"));
    instruction("multiply_piece", pieces.piece, false);
    instruction("multiply_last", pieces.last, false);
    instruction("multiply_values", (dims(2)[3].value() + 15) / 16 * 16, true);
  }

  /// Where the rows of q, k or v of a head start, and how far apart they are.
  void rows(size_t operand) {
    const char name = "qkv"[operand];
    const Dims strides = strides_of(kernel_.buffers[operand]);
    out_.line(
        cat("CARNOT_DEVICE const ", element(), "* ", name, "(const Params& p, int b, int h) {"));
    out_.line(cat("  return p.b", operand, " + i64(b) * ", number(strides[0]), " + i64(h) * ",
                  number(strides[heads_]), ";"));
    out_.line("}");
    out_.line(cat("CARNOT_DEVICE i64 ", name, "_step([[maybe_unused]] const Params& p) { return ",
                  number(strides[length_]), "; }"));
  }

  bool bias_has_rows() const {
    if (!core_.has_bias) return false;
    const Dims& sizes = dims(3);
    return sizes.size() > 1 && !sizes[sizes.size() - 2].is(1);
  }

  /// Where the bias of (b, h, i, j) lies.
  std::string bias_place() {
    const Buffer& buffer = kernel_.buffers[3];
    const Dims strides = strides_of(buffer);
    const char* const names[] = {"b", "h", "i", "j"};
    std::string at = "0";
    for (size_t d = 0; d < strides.size(); ++d) {
      if (buffer.type.dims[d].is(1)) continue;
      // A symbolic size may turn out to be one that is repeated.
      const std::string name = names[4 - strides.size() + d];
      const std::string index =
          buffer.type.dims[d].is_constant()
              ? name
              : cat("(", number(buffer.type.dims[d]), " == 1 ? 0 : ", name, ")");
      at += cat(" + i64(", index, ") * ", number(strides[d]));
    }
    return at;
  }

  void bias() {
    out_.line(
        "CARNOT_DEVICE float bias([[maybe_unused]] const Params& p, int b, int h, int i, int j) {");
    if (!core_.has_bias) {
      out_.line("  return 0.0f;");
    } else {
      const DType type = kernel_.buffers[3].type.dtype;
      out_.line(cat("  return ", from_memory(type, cat("p.b3[", bias_place(), "]")), ";"));
    }
    out_.line("}");
  }

  void bias_pair() {
    out_.line("CARNOT_DEVICE u32 bias_pair([[maybe_unused]] const Params& p, int b, int h, int i,");
    out_.line("                            int j, bool both) {");
    if (!core_.has_bias) {
      out_.line("  return 0;");
    } else {
      const Buffer& buffer = kernel_.buffers[3];
      const size_t last = buffer.type.dims.size();
      const bool repeated = last == 0 || buffer.type.dims[last - 1].is(1);
      const std::string step = repeated ? "0"
                               : buffer.type.dims[last - 1].is_constant()
                                   ? "1"
                                   : cat("int(", number(buffer.type.dims[last - 1]), " != 1)");
      out_.line(cat("  const u16* const at = p.b3 + (", bias_place(), ");"));
      out_.line(cat("  const int next = both ? ", step, " : 0;"));
      out_.line("  if (next == 1 && (reinterpret_cast<u64>(at) & 3) == 0) {");
      out_.line("    return *reinterpret_cast<const u32*>(at);");
      out_.line("  }");
      out_.line("  return at[0] | u32(at[next]) << 16;");
    }
    out_.line("}");
  }

  /// Pieces of `count` elements of a result lie together.
  bool stores(int64_t count) const {
    const Dims strides = strides_of(kernel_.buffers[output_]);
    bool out = is_multiple(dims(2)[3], count) && strides[3].is(1);
    for (size_t i = 0; i < 3; ++i) out = out && is_multiple(strides[i], count);
    return out;
  }
  std::string result_place() {
    const Dims strides = strides_of(kernel_.buffers[output_]);
    return cat("  ", element(), "* const to = p.b", output_, " + i64(b) * ", number(strides[0]),
               " + i64(h) * ", number(strides[heads_]), " + i64(i) * ", number(strides[length_]),
               " + i64(e) * ", number(strides[3]), ";");
  }

  void store_wide() {
    constant("kWideStore", stores(8));
    out_.line(
        "CARNOT_DEVICE void store_wide(const Params& p, int b, int h, int i, int e, uint4 v) {");
    out_.line(result_place());
    out_.line("  if ((reinterpret_cast<u64>(to) & 15) == 0) {");
    out_.line("    *reinterpret_cast<uint4*>(to) = v;");
    out_.line("    return;");
    out_.line("  }");
    out_.line("  const u32 pairs[] = {v.x, v.y, v.z, v.w};");
    out_.line("  for (int k = 0; k < 8; ++k) to[k] = u16(pairs[k / 2] >> k % 2 * 16);");
    out_.line("}");
  }

  void store() {
    const Dims strides = strides_of(kernel_.buffers[output_]);
    if (is_f32()) {
      out_.line("CARNOT_DEVICE void store(const Params& p, int b, int h, int i, int e, float x,");
      out_.line("                         float y) {");
      out_.line(result_place());
      out_.line("  *to = x;");
      out_.line(cat("  if (e + 1 < kValueWidth) to[", number(strides[3]), "] = y;"));
      out_.line("}");
      return;
    }
    const bool pairs = stores(2);
    out_.line("CARNOT_DEVICE void store(const Params& p, int b, int h, int i, int e, u32 pair) {");
    out_.line(result_place());
    if (pairs) {
      out_.line("  if ((reinterpret_cast<u64>(to) & 3) == 0) {");
      out_.line("    *reinterpret_cast<u32*>(to) = pair;");
      out_.line("    return;");
      out_.line("  }");
    }
    out_.line("  *to = u16(pair);");
    out_.line(cat("  if (e + 1 < kValueWidth) to[", number(strides[3]), "] = u16(pair >> 16);"));
    out_.line("}");
  }

  std::string text(const std::string& function) {
    CodeText head, tail;
    std::string arguments, values;
    head.open("struct Params {");
    for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
      const std::string type = cat(i == output_ ? "" : "const ", element(), "*");
      head.line(cat(type, " __restrict__ b", i, ";"));
      arguments += cat(i > 0 ? ", " : "", type, " b", i);
      values += cat(i > 0 ? ", " : "", "fresh(b", i, ")");
    }
    for (size_t i = 0; i < params_.size(); ++i) {
      head.line(cat("i64 p", i, ";"));
      arguments += cat(", i64 p", i);
      values += cat(", p", i);
    }
    if (has_boxes()) {
      head.line("const ptx::TensorMap *keys_map, *values_map;");
      arguments += ", const __grid_constant__ ptx::TensorMap keys_map";
      arguments += ", const __grid_constant__ ptx::TensorMap values_map";
      values += ", &keys_map, &values_map";
    }
    head.close("};");
    tail.line("}  // namespace carnot");
    tail.line("using namespace carnot;");
    // Heads of usual widths then have 128 registers a thread: sixteen warps at once.
    const bool heads = tile_.rounds > 0;
    const bool narrow = dims(0)[3].value() <= 64 && dims(2)[3].value() <= 64 && tile_.tiles == 1;
    int resident = narrow && tile_.warps == kWarpsMax ? 2 : 1;
    if (heads) resident = 4 * kGroupsMax / tile_.warps;
    if (tile_.step > 0) resident = ring_shape().resident;
    const std::string cluster =
        tile_.split > 1 ? cat(" __cluster_dims__(", tile_.split, ", 1, 1)") : "";
    tail.line(cat("extern \"C\" __global__ void __launch_bounds__(", threads(),
                  resident > 1 ? cat(", ", resident, ")") : ")", cluster));
    tail.open(cat(function, "(", arguments, ") {"));
    tail.line("take_turn();");
    tail.line(cat("const Params p{", values, "};"));
    const char* const run = heads            ? "run_heads"
                            : tile_.step > 0 ? "run_ring"
                            : is_f32()       ? "run_f32"
                                             : "run";
    const char* const begin = heads            ? kBeginHeads
                              : tile_.step > 0 ? kBeginRing
                              : is_f32()       ? kBeginF32
                                               : kBegin;
    tail.line(cat("attention::", run, "<Problem>(p);"));
    tail.close();
    return std::string(begin).substr(1) + head.text() + out_.text() + tail.text();
  }

  const Kernel& kernel_;
  const AttentionCore& core_;
  AttentionTile tile_;
  size_t heads_, length_, output_;
  CodeText out_;
  Dims params_;
};

/// Why the warpgroups of `tile` cannot have whole heads.
std::string why_not_heads(const Kernel& kernel, int architecture, const AttentionTile& tile) {
  if (architecture != 90) return "wgmma needs sm_90a";
  if (tile.warps % 4 != 0 || tile.warps > 4 * kGroupsMax) return "not 1 to 4 warpgroups";
  if (tile.rounds > kRoundsMax || tile.tiles != 1) return "too many tiles of a warpgroup";
  const AttentionCore& core = *kernel.attention;
  if (core.op.causal) return "whole heads have no causal mask";
  const Dim& keys = kernel.buffers[1].type.dims[core.op.bsh ? 1 : 2];
  if (!keys.is_constant() || keys.value() < 1) return "the number of keys is not known";
  if (keys.value() > kHeadKeysMax) return "too many keys to keep";
  for (const size_t operand : {size_t{0}, size_t{2}}) {
    if (kernel.buffers[operand].type.dims[3].value() > kGroupWidthMax) return "heads are too wide";
  }
  return {};
}

/// Why the warpgroups of `tile` cannot work through a ring.
std::string why_not_ring(const Kernel& kernel, int architecture, const AttentionTile& tile) {
  if (architecture != 90) return "wgmma needs sm_90a";
  const int groups = tile.warps / 4;
  if (tile.warps % 4 != 0 || groups < 1 || groups > kRingGroupsMax) return "not 1 to 3 warpgroups";
  if (tile.step % 16 != 0 || tile.step > kRingStepMax) return cat("steps of ", tile.step, " keys");
  if (tile.rounds > 0 || tile.tiles != 1) return "a ring has neither rounds nor tiles";
  if (tile.turns && groups != 2) return "only two warpgroups take turns";
  const int split = tile.split;
  if (split < 1 || split > kSplitMax || (split & (split - 1)) != 0) return cat(split, " blocks");
  if (split > 1 && tile.blocks > 0) return "the blocks of a cluster have one item";
  // Registers of a thread: sums, scores, weights and a bias.
  const AttentionCore& core = *kernel.attention;
  const int64_t value_width = kernel.buffers[2].type.dims[3].value();
  const int64_t sums = (value_width + 15) / 16 * 8 + tile.step * 3 / 4;
  const int64_t all = sums + (core.has_bias ? tile.step / 8 : 0) + kRingBeside;
  const RingShape shape(tile, kernel.buffers[0].type.dims[3].value(), value_width);
  const int most = shape.many > 0 ? shape.many : groups == 1 ? 255 : groups == 2 ? 168 : 128;
  if (all > most) return "scores and results do not fit in a thread's registers";
  return {};
}

}  // namespace

Status why_not_attention(const Kernel& kernel, int architecture, int shared_bytes,
                         const AttentionTile& tile) {
  const auto refuse = [](const auto&... why) { return error(Code::kUnsupported, why...); };
  if (!kernel.attention) return refuse("it is not attention");
  if (architecture < 80) return refuse("asynchronous copies need sm_80");
  if (tile.warps < 1 || tile.warps > (tile.rounds + tile.step > 0 ? 4 * kGroupsMax : kWarpsMax))
    return refuse(tile.warps, " warps");
  if (tile.tiles < 1 || tile.tiles > 2) return refuse(tile.tiles, " tiles");
  const DType type = kernel.buffers[0].type.dtype;
  if (type != DType::kF16 && type != DType::kBF16 && type != DType::kF32) {
    return refuse("operands of ", to_string(type), ", not f16, bf16 or f32");
  }
  for (const Buffer& buffer : kernel.buffers) {
    if (buffer.type.dtype != type) return refuse("operands of several types");
  }
  if (type == DType::kF32 && tile.tiles + tile.rounds + tile.step > 1) {
    return refuse("f32 has one tile of 16 queries a warp");
  }
  if (tile.keys != 16 && tile.keys != 32) return refuse("steps of ", tile.keys, " keys in f32");
  if (type != DType::kF32 && tile.tf32) return refuse("TF32 is for f32");
  for (const size_t operand : {size_t{0}, size_t{1}, size_t{2}}) {
    const Buffer& buffer = kernel.buffers[operand];
    const Dim& width = buffer.type.dims[3];
    if (!width.is_constant() || width.value() < 1 || width.value() > kWidthMax) {
      return refuse("heads of width ", to_string(width));
    }
    if (!strides_of(buffer)[3].is(1) && !width.is(1)) return refuse("a head's row has gaps");
  }
  if (tile.rounds > 0) {
    const std::string why = why_not_heads(kernel, architecture, tile);
    if (!why.empty()) return refuse(why);
  }
  if (tile.step > 0) {
    const std::string why = why_not_ring(kernel, architecture, tile);
    if (!why.empty()) return refuse(why);
  }
  if (tile.tiles > 1 &&
      kernel.buffers[0].type.dims[3].value() / 2 + kernel.buffers[2].type.dims[3].value() >
          kTwoTilesMax) {
    return refuse("two tiles of such heads do not fit in a thread's registers");
  }
  if (Writer(kernel, tile).shared_bytes() > shared_bytes) return refuse("too much shared memory");
  return {};
}

int resident_blocks(const Kernel& kernel, const AttentionTile& tile) {
  return RingShape(tile, kernel.buffers[0].type.dims[3].value(),
                   kernel.buffers[2].type.dims[3].value())
      .resident;
}

Result<KernelSource> emit_attention(const Kernel& kernel, const AttentionTile& tile,
                                    const std::string& function) {
  return Writer(kernel, tile).run(function);
}

}  // namespace carnot::cuda
