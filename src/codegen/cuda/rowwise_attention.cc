#include "codegen/cuda/rowwise_attention.h"

#include <algorithm>

#include "codegen/access.h"
#include "codegen/cuda/scalar_text.h"

namespace carnot::cuda {

namespace {

constexpr int kThreads = 128;

constexpr const char* kBegin = R"(
#include "codegen/cuda/folds.cuh"
#include "codegen/cuda/scalar.cuh"

using namespace carnot;
)";

// The running maximum and sum of an online softmax are the same in all threads of the block; each
// thread scores one key of a chunk, then adds the chunk's values for its own result.
constexpr const char* kBody = R"(
  __shared__ Real weights[kThreads];
  __shared__ Real slots[kThreads / 32];
  const int thread = static_cast<int>(threadIdx.x);
  const i64 slices = (value_width + kThreads - 1) / kThreads;
  i64 n = blockIdx.x;
  const i64 e = n % slices * kThreads + thread;
  n /= slices;
  const i64 i = n % queries;
  n /= queries;
  const i64 h = n % heads, b = n / heads;
  const i64 key_head = h / (heads / key_heads);
  const auto larger = [](Real x, Real y) -> Real { return greater(x, y); };
  const auto add = [](Real x, Real y) -> Real { return x + y; };
  Real largest = lowest, sum = 0, result = 0;
  for (i64 first = 0; first < keys; first += kThreads) {
    const i64 j = first + thread;
    Real score = lowest;
    if (j < keys && (!causal || j <= i + keys - queries)) {
      score = 0;
      for (i64 d = 0; d < width; ++d) score += query(b, h, i, d) * key(b, key_head, j, d);
      score = score * scale + bias(b, h, i, j);
    }
    __syncthreads();
    const Real before = largest;
    largest = greater(before, reduce_row<kThreads>(score, slots, larger));
    // Where nothing is above -infinity yet, nothing counts yet.
    const Real weight = largest == lowest ? Real(0) : exp(score - largest);
    const Real fade = largest == lowest ? Real(1) : exp(before - largest);
    weights[thread] = weight;
    __syncthreads();
    sum = sum * fade + reduce_row<kThreads>(weight, slots, add);
    result *= fade;
    const i64 count = keys - first < kThreads ? keys - first : kThreads;
    if (e < value_width) {
      for (i64 k = 0; k < count; ++k) result += weights[k] * value(b, key_head, first + k, e);
    }
  }
  const bool counts = keys > 0 && (!guarded || sum > 0);
  if (e < value_width) store(b, h, i, e, counts ? result / sum : Real(0));
}
)";

class Writer {
 public:
  explicit Writer(const Kernel& kernel) : kernel_(kernel), core_(*kernel.attention) {}

  KernelSource run(const std::string& function) {
    const Dims &q = dims(0), &k = dims(1), &v = dims(2);
    const bool bsh = core_.op.bsh;
    const size_t heads = bsh ? 2 : 1, length = bsh ? 1 : 2;
    const DType type = kernel_.buffers[0].type.dtype;
    const std::string real = register_type(type);
    number("queries", q[length]);
    number("keys", k[length]);
    number("heads", q[heads]);
    number("key_heads", k[heads]);
    number("width", q[3]);
    number("value_width", v[3]);
    body_ += cat("  const bool causal = ", core_.op.causal ? "true" : "false", ";\n");
    body_ += cat("  const bool guarded = ", core_.op.guarded ? "true" : "false", ";\n");
    body_ += cat("  const Real scale = ", literal(type, core_.op.scale, 0), ";\n");
    body_ += cat("  const Real lowest = -", type == DType::kF64 ? "infinity_f64" : "infinity_f32",
                 "();\n");
    reader("query", 0), reader("key", 1), reader("value", 2);
    if (core_.has_bias) {
      bias_reader();
    } else {
      body_ += "  const auto bias = [](i64, i64, i64, i64) -> Real { return 0; };\n";
    }
    const int out = static_cast<int>(kernel_.buffers.size()) - 1;
    body_ += cat("  const auto store = [&](i64 b, i64 h, i64 i, i64 e, Real x) { b", out, "[",
                 place(out), "] = ", to_memory(type, "x"), "; };\n");
    KernelSource source;
    source.function = function;
    source.params = params_;
    source.threads = kThreads;
    source.pointers = out + 1;
    source.tasks = q[0] * q[heads] * q[length] * ceil_div(v[3], Dim(kThreads));
    source.text = cat("// ", kernel_.name, "\n", kBegin, "using Real = ", real,
                      ";\nconstexpr int kThreads = ", kThreads,
                      ";\nextern \"C\" __global__ void __launch_bounds__(", kThreads, ") ",
                      function, "(", parameters(), ") {\n", body_, kBody);
    return source;
  }

 private:
  const Dims& dims(int buffer) const {
    return kernel_.buffers[static_cast<size_t>(buffer)].type.dims;
  }

  std::string param(const Dim& size) {
    if (size.is_constant()) return cat(size.value(), "ll");
    const auto found = std::find(params_.begin(), params_.end(), size);
    const auto at = found - params_.begin();
    if (found == params_.end()) params_.push_back(size);
    return cat("p", at);
  }

  void number(const char* name, const Dim& size) {
    body_ += cat("  const i64 ", name, " = ", param(size), ";\n");
  }

  /// The offset of element (b, h, i, e) of an operand.
  std::string place(int buffer) {
    const Dims strides = strides_of(kernel_.buffers[static_cast<size_t>(buffer)]);
    const bool bsh = core_.op.bsh;
    return cat("b * ", param(strides[0]), " + h * ", param(strides[bsh ? 2 : 1]), " + i * ",
               param(strides[bsh ? 1 : 2]), " + e * ", param(strides[3]));
  }

  void reader(const char* name, int buffer) {
    const DType type = kernel_.buffers[static_cast<size_t>(buffer)].type.dtype;
    body_ += cat("  const auto ", name, " = [&](i64 b, i64 h, i64 i, i64 e) -> Real { return ",
                 from_memory(type, cat("b", buffer, "[", place(buffer), "]")), "; };\n");
  }

  /// Broadcast to [batch, heads, queries, keys] from the right.
  void bias_reader() {
    const Buffer& bias = kernel_.buffers[3];
    const Dims strides = strides_of(bias);
    const char* const indices[] = {"b", "h", "i", "j"};
    std::string at = "0";
    for (size_t d = 0; d < strides.size(); ++d) {
      // A size of 1 does not step.
      const Dim step = strides[d] * min(Dim(1), bias.type.dims[d] - Dim(1));
      at += cat(" + ", indices[4 - strides.size() + d], " * ", param(step));
    }
    body_ += cat("  const auto bias = [&](i64 b, i64 h, i64 i, i64 j) -> Real { return ",
                 from_memory(bias.type.dtype, cat("b3[", at, "]")), "; };\n");
  }

  std::string parameters() const {
    std::string out;
    for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
      const Buffer& buffer = kernel_.buffers[i];
      out += cat(i ? ", " : "", buffer.output ? "" : "const ", storage_type(buffer.type.dtype),
                 "* __restrict__ b", i);
    }
    for (size_t i = 0; i < params_.size(); ++i) out += cat(", i64 p", i);
    return out;
  }

  const Kernel& kernel_;
  const AttentionCore& core_;
  Dims params_;
  std::string body_;
};

}  // namespace

KernelSource rowwise_attention(const std::string& function, const Kernel& kernel) {
  return Writer(kernel).run(function);
}

}  // namespace carnot::cuda
