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

constexpr const char* kBegin = R"(
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/lib/attention.cuh"

namespace carnot {

)";

int64_t row_bytes(int64_t width) {
  return ((width + 15) / 16 * 32 + 127) / 128 * 128;
}

bool is_multiple(const Dim& dim, int64_t of) {
  return mod(dim, Dim(of)).is(0);
}

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
    const int64_t width = dims(0)[3].value(), value_width = dims(2)[3].value();
    return tile_.queries() * row_bytes(width) +
           2 * kKeys * (row_bytes(width) + row_bytes(value_width));
  }

 private:
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
    constant("int", "kWarps", tile_.warps);
    constant("int", "kTiles", tile_.tiles);
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
    // Heads of usual widths then have 128 registers a thread: two blocks of eight warps at once.
    const bool narrow = dims(0)[3].value() <= 64 && dims(2)[3].value() <= 64 && tile_.tiles == 1;
    tail.line(cat("extern \"C\" __global__ void __launch_bounds__(", 32 * tile_.warps,
                  narrow && tile_.warps == kWarpsMax ? ", 2)" : ")"));
    tail.open(cat(function, "(", arguments, ") {"));
    tail.line("take_turn();");
    tail.line(cat("const Params p{", values, "};"));
    tail.line("attention::run<Problem>(p);");
    tail.close();
    return std::string(kBegin).substr(1) + head.text() + out_.text() + tail.text();
  }

  const Kernel& kernel_;
  const AttentionCore& core_;
  AttentionTile tile_;
  size_t heads_, length_, output_;
  CodeText out_;
  Dims params_;
};

}  // namespace

Status why_not_attention(const Kernel& kernel, int architecture, int shared_bytes,
                         const AttentionTile& tile) {
  const auto refuse = [](const auto&... why) { return error(Code::kUnsupported, why...); };
  if (!kernel.attention) return refuse("it is not attention");
  if (architecture < 80) return refuse("asynchronous copies need sm_80");
  if (tile.warps < 1 || tile.warps > kWarpsMax) return refuse(tile.warps, " warps");
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
