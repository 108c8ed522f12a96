#pragma once
// What an engine asks of NVIDIA's libraries: one product or convolution each, as numbers with names
// in a line of text, which is what the code file stores in place of a cubin.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "carnot/types.h"

namespace carnot::cuda {

/// Who runs an entry of a code file. The numbers are stored.
enum class Library : uint32_t { kNone = 0, kCublasLt = 1, kCudnn = 2 };
inline constexpr uint32_t kLibraries = 3;
/// "cuBLASLt"
const char* to_string(Library library);
/// The word in names of tactics and features: "cublaslt".
const char* word_of(Library library);

/// What follows the sum and what is added to it. The numbers are stored.
enum class Activation : int64_t {
  kNone = 0,
  kRelu = 1,
  kGeluTanh = 2,
  kGelu = 3,
  kSilu = 4,
  kSigmoid = 5,
  kTanh = 6
};
inline constexpr int64_t kActivations = 7;

/// Types as the libraries number them.
struct ElementCode {
  DType type;
  int cublas, cudnn;
};
inline constexpr ElementCode kElementCodes[] = {
    {DType::kF32, 0, 0}, {DType::kF16, 2, 2}, {DType::kBF16, 14, 9}};
/// The place in kElementCodes, or negative where the libraries' tactics do not take the type.
int64_t element_code(DType type);

/// result[m, n] = activation(a[m, k] * b[k, n] + bias[n] + residual[m, n]), batched. Pointers: a,
/// b, [bias,] [residual,] result. Integers: m, n, k, batch, then for a, b, residual and result the
/// elements between rows (for a transposed operand between columns), then those between batches.
struct MatmulCall {
  static constexpr const char* kName = "matmul";
  static constexpr uint32_t kIntegers = 12;
  int64_t element = 0, result = 0;  ///< places in kElementCodes
  int64_t a_transposed = 0, b_transposed = 0;
  int64_t bias = 0, residual = 0;
  int64_t activation = 0;
  int64_t choice = 0;  ///< of the library's own proposals, by rank

  template <class Visit>
  void each(Visit visit) {
    constexpr int64_t types = std::size(kElementCodes) - 1;
    visit("element", element, 0, types), visit("result", result, 0, types);
    visit("ta", a_transposed, 0, 1), visit("tb", b_transposed, 0, 1);
    visit("bias", bias, 0, 1), visit("residual", residual, 0, 1);
    visit("activation", activation, 0, kActivations - 1), visit("choice", choice, 0, 63);
  }
  uint32_t pointers() const { return static_cast<uint32_t>(3 + bias + residual); }
};

/// A convolution of images with channels last: x[n, h, w, groups * c] and weights
/// [groups * k, r, s, c] give y[n, p, q, groups * k], then the bias of each channel, a residual of
/// y's form and an activation. Pointers: x, weights, [bias,] [residual,] y.
struct ConvolutionCall {
  static constexpr const char* kName = "convolution";
  int64_t element = 0, result = 0, bias_element = 0;
  int64_t n = 1, h = 1, w = 1, c = 1, groups = 1, k = 1, r = 1, s = 1, p = 1, q = 1;
  int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  int64_t bias = 0, residual = 0, activation = 0;
  int64_t tf32 = 0;    ///< factors of f32 may be rounded to TF32
  int64_t choice = 0;  ///< of the library's own proposals that round so, by rank

  template <class Visit>
  void each(Visit visit) {
    constexpr int64_t types = std::size(kElementCodes) - 1, size = int64_t{1} << 28;
    visit("element", element, 0, types), visit("result", result, 0, types);
    visit("bias_element", bias_element, 0, types);
    visit("n", n, 1, size), visit("h", h, 1, size), visit("w", w, 1, size);
    visit("c", c, 1, size), visit("groups", groups, 1, size), visit("k", k, 1, size);
    visit("r", r, 1, size), visit("s", s, 1, size), visit("p", p, 1, size);
    visit("q", q, 1, size);
    visit("stride_h", stride_h, 1, size), visit("stride_w", stride_w, 1, size);
    visit("dilation_h", dilation_h, 1, size), visit("dilation_w", dilation_w, 1, size);
    visit("top", pad_top, 0, size), visit("left", pad_left, 0, size);
    visit("bottom", pad_bottom, 0, size), visit("right", pad_right, 0, size);
    visit("bias", bias, 0, 1), visit("residual", residual, 0, 1);
    visit("activation", activation, 0, kActivations - 1), visit("tf32", tf32, 0, 1);
    visit("choice", choice, 0, 63);
  }
  uint32_t pointers() const { return static_cast<uint32_t>(3 + bias + residual); }
};

/// Scratch memory that a call may use: what NVIDIA recommends for Hopper.
inline constexpr int64_t kLibraryScratchBytes = 32 << 20;

/// "matmul element=1 result=1 ..."
std::string to_string(MatmulCall call);
std::string to_string(ConvolutionCall call);
/// Errors: kCorruptEngine.
Result<MatmulCall> parse_matmul_call(std::string_view text);
Result<ConvolutionCall> parse_convolution_call(std::string_view text);

/// Whether the library is on this machine and new enough. Opens it, for good.
Status open(Library library);
/// 130100 of cuBLASLt 13.1.0, 91900 of cuDNN 9.19.0; 0 where there is none.
int64_t version_of(Library library);
/// The name under which it opened.
std::string path_of(Library library);

}  // namespace carnot::cuda
