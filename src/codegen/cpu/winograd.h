#pragma once
// Winograd's minimal filtering for 3x3 convolutions of stride 1, as one kernel.
//
// A tile of m x m outputs is computed from a (m+2) x (m+2) window: both window and filter are
// transformed, multiplied point by point, and the products transformed back:
//   Y = At [ sum over channels of (G g Gt) * (Bt d B) ] A
// The sums over channels are (m+2)^2 independent matrix products of [tiles, c] by [c, k], which use
// the same microkernel as every contraction. F(2,3) multiplies 2.25 times less than the direct
// sum, F(4,3) 4 times.
//
// Numerics. The transforms add and scale neighbours; how much that amplifies rounding errors hangs
// on the points of interpolation. F(2,3) uses 0, 1, -1; F(4,3) uses 0, +-2/3, +-3/2, whose errors
// are a fifth of those of the textbook's 0, +-1, +-2. Largest error over largest output, uniform
// data, 64 and 256 channels: direct f32 sum 0.9e-6 and 2.1e-6, F(2,3) 0.3e-6 and 0.6e-6 (its chains
// are shorter), F(4,3) 1.5e-6 and 2.5e-6. Filters are transformed in f64 at build time.
//
// A task is a block of tiles of one image by a block of panels of columns: the block's windows are
// transformed once into scratch (sized for the second cache), then panel by panel multiplied and
// transformed back while the products are hot. Blocks of columns repeat the window transforms,
// which cost little beside the products when there are many columns.
#include "codegen/cpu/contraction_problem.h"
#include "codegen/cpu/module.h"

namespace carnot::cpu {

/// The points of F(4,3) beside 0 and infinity are plus and minus these; their product is 1.
inline constexpr double kWinogradA = 2.0 / 3, kWinogradB = 3.0 / 2;

/// A contraction that is a 3x3 convolution of stride 1 and dilation 1 over channels-last data.
struct WinogradShape {
  int y = 0, x = 1;               ///< which row axes
  std::vector<int> images;        ///< the other row axes
  int64_t height = 0, width = 0;  ///< of the output
  int64_t channels = 0, columns = 0;
  int guard_y = -1, guard_x = -1;  ///< which of the problem's guards bound them
};
Result<WinogradShape> winograd_shape(const ContractionProblem& problem, int lanes);

/// m of a tactic, or 0 where it is not a Winograd tactic.
int winograd_outputs(const ContractionTactic& tactic);

/// Chooses blocks for a register tile; predicts cycles of one thread for `images` images.
void cut_winograd(const WinogradShape& shape, const Target& target, ContractionTactic& tactic);
double winograd_cycles(const WinogradShape& shape, const Target& target,
                       const ContractionTactic& tactic, double images);

/// [panel][point][c][panel's columns].
Result<Tensor> pack_winograd(const ContractionProblem& problem, const ContractionTactic& tactic,
                             int lanes, const Tensor& weights);
Result<GeneratedFunction> emit_winograd(Module& module, const std::string& symbol,
                                        const ContractionProblem& problem,
                                        const ContractionTactic& tactic);

}  // namespace carnot::cpu
