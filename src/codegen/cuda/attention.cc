#include "codegen/cuda/attention.h"

#include <algorithm>

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
constexpr int kGroupWidthMax = 64;  // a row of 128 swizzled bytes
constexpr int kPieceMost = 80;      // keys whose scores fit into 128 registers beside the results

int64_t row_bytes(int64_t width) {
  return ((width + 15) / 16 * 32 + 127) / 128 * 128;
}

bool is_multiple(const Dim& dim, int64_t of) {
  return mod(dim, Dim(of)).is(0);
}

constexpr const char* kBegin = R"(
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/lib/attention.cuh"

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

class Writer {
 public:
  Writer(const Kernel& kernel, const AttentionTile& tile)
      : kernel_(kernel), core_(*kernel.attention), tile_(tile) {
    heads_ = core_.op.bsh ? 2 : 1;
    length_ = core_.op.bsh ? 1 : 2;
    output_ = kernel.buffers.size() - 1;
  }

  Result<KernelSource> run(const std::string& function) {
    out_.open("struct Problem {");
    out_.line("using Params = carnot::Params;");
    numbers();
    if (tile_.rounds > 0) instructions();
    for (const size_t operand : {size_t{0}, size_t{1}, size_t{2}}) rows(operand);
    bias();
    store();
    out_.close("};");
    KernelSource source;
    source.function = function;
    source.text = text(function);
    source.threads = 32 * tile_.warps;
    source.shared_bytes = static_cast<int>(shared_bytes());
    source.pointers = static_cast<int>(kernel_.buffers.size());
    source.params = params_;
    source.dependent_launch = true;
    source.tasks = dims(0)[0] * dims(0)[heads_] * ceil_div(dims(0)[length_], Dim(tile_.queries()));
    return source;
  }

  int64_t shared_bytes() const {
    if (tile_.rounds > 0) return (tile_.queries() + 2 * Pieces(key_count()).keys) * 128;
    const int64_t width = dims(0)[3].value(), value_width = dims(2)[3].value();
    return tile_.queries() * row_bytes(width) +
           2 * kKeys * (row_bytes(width) + row_bytes(value_width));
  }

 private:
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

  void numbers() {
    const auto constant = [&](const char* type, const char* name, const auto& value) {
      out_.line(cat("static constexpr ", type, " ", name, " = ", value, ";"));
    };
    const bool brain = kernel_.buffers[0].type.dtype == DType::kBF16;
    bool whole = true;
    for (const size_t operand : {size_t{0}, size_t{1}, size_t{2}}) {
      const Dims strides = strides_of(kernel_.buffers[operand]);
      whole = whole && is_multiple(dims(operand)[3], 8) && strides[3].is(1);
      for (size_t i = 0; i < 3; ++i) whole = whole && is_multiple(strides[i], 8);
    }
    constant("bool", "kBrain", brain ? "true" : "false");
    constant("bool", "kCausal", core_.op.causal ? "true" : "false");
    constant("bool", "kHasBias", core_.has_bias ? "true" : "false");
    constant("bool", "kBiasHasRows", bias_has_rows() ? "true" : "false");
    if (tile_.rounds > 0) {
      constant("int", "kGroups", tile_.warps / 4);
      constant("int", "kRounds", tile_.rounds);
      constant("int", "kKeyCount", key_count());
      constant("float", "kScale", literal(DType::kF32, core_.op.scale, 0));
    } else {
      constant("int", "kWarps", tile_.warps);
      constant("int", "kTiles", tile_.tiles);
    }
    constant("int", "kWidth", dims(0)[3].value());
    constant("int", "kValueWidth", dims(2)[3].value());
    constant("int", "kCopy", whole ? 16 : 0);
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
    out_.line(cat("CARNOT_DEVICE const u16* ", name, "(const Params& p, int b, int h) {"));
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

  void bias() {
    out_.line(
        "CARNOT_DEVICE float bias([[maybe_unused]] const Params& p, int b, int h, int i, int j) {");
    if (!core_.has_bias) {
      out_.line("  return 0.0f;");
    } else {
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
      out_.line(cat("  return ", from_memory(buffer.type.dtype, cat("p.b3[", at, "]")), ";"));
    }
    out_.line("}");
  }

  void store() {
    const Dims strides = strides_of(kernel_.buffers[output_]);
    bool pairs = is_multiple(dims(2)[3], 2) && strides[3].is(1);
    for (size_t i = 0; i < 3; ++i) pairs = pairs && is_multiple(strides[i], 2);
    out_.line("CARNOT_DEVICE void store(const Params& p, int b, int h, int i, int e, u32 pair) {");
    out_.line(cat("  u16* const to = p.b", output_, " + i64(b) * ", number(strides[0]),
                  " + i64(h) * ", number(strides[heads_]), " + i64(i) * ", number(strides[length_]),
                  " + i64(e) * ", number(strides[3]), ";"));
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
      const std::string type = cat(i == output_ ? "" : "const ", "u16*");
      head.line(cat(type, " __restrict__ b", i, ";"));
      arguments += cat(i > 0 ? ", " : "", type, " b", i);
      values += cat(i > 0 ? ", " : "", "fresh(b", i, ")");
    }
    for (size_t i = 0; i < params_.size(); ++i) {
      head.line(cat("i64 p", i, ";"));
      arguments += cat(", i64 p", i);
      values += cat(", p", i);
    }
    head.close("};");
    tail.line("}  // namespace carnot");
    tail.line("using namespace carnot;");
    // Heads of usual widths then have 128 registers a thread: sixteen warps at once.
    const bool heads = tile_.rounds > 0;
    const bool narrow = dims(0)[3].value() <= 64 && dims(2)[3].value() <= 64 && tile_.tiles == 1;
    int resident = narrow && tile_.warps == kWarpsMax ? 2 : 1;
    if (heads) resident = 4 * kGroupsMax / tile_.warps;
    tail.line(cat("extern \"C\" __global__ void __launch_bounds__(", 32 * tile_.warps,
                  resident > 1 ? cat(", ", resident, ")") : ")"));
    tail.open(cat(function, "(", arguments, ") {"));
    tail.line("take_turn();");
    tail.line(cat("const Params p{", values, "};"));
    tail.line(cat("attention::", heads ? "run_heads" : "run", "<Problem>(p);"));
    tail.close();
    const std::string begin = std::string(heads ? kBeginHeads : kBegin).substr(1);
    return begin + head.text() + out_.text() + tail.text();
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

}  // namespace

Status why_not_attention(const Kernel& kernel, int architecture, int shared_bytes,
                         const AttentionTile& tile) {
  const auto refuse = [](const auto&... why) { return error(Code::kUnsupported, why...); };
  if (!kernel.attention) return refuse("it is not attention");
  if (architecture < 80) return refuse("asynchronous copies need sm_80");
  if (tile.warps < 1 || tile.warps > (tile.rounds > 0 ? 4 * kGroupsMax : kWarpsMax))
    return refuse(tile.warps, " warps");
  if (tile.tiles < 1 || tile.tiles > 2) return refuse(tile.tiles, " tiles");
  for (const Buffer& buffer : kernel.buffers) {
    if (buffer.type.dtype != DType::kF16 && buffer.type.dtype != DType::kBF16) {
      return refuse("operands of ", to_string(buffer.type.dtype), ", not f16 or bf16");
    }
  }
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
  if (tile.tiles > 1 &&
      kernel.buffers[0].type.dims[3].value() / 2 + kernel.buffers[2].type.dims[3].value() >
          kTwoTilesMax) {
    return refuse("two tiles of such heads do not fit in a thread's registers");
  }
  if (Writer(kernel, tile).shared_bytes() > shared_bytes) return refuse("too much shared memory");
  return {};
}

Result<KernelSource> emit_attention(const Kernel& kernel, const AttentionTile& tile,
                                    const std::string& function) {
  return Writer(kernel, tile).run(function);
}

}  // namespace carnot::cuda
