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
// Numerics. The transforms add and scale neighbours, so rounding errors grow with m: against the
// direct f32 sum, the largest error relative to the largest output is about 2 times as large for
// F(2,3) and about 10 times for F(4,3), some 1e-6 for normal data; F(6,3) would be at 1e-4 and is
// left out. Filters are transformed in f64 at build time, which removes their share.
//
// A task is a block of tiles of one image by a block of panels of columns: the block's windows are
// transformed once into scratch (sized for the second cache), then panel by panel multiplied and
// transformed back while the products are hot. Blocks of columns repeat the window transforms,
// which cost little beside the products when there are many columns.
#include "codegen/cpu/contraction_problem.h"
#include "codegen/cpu/module.h"

namespace carnot::cpu {

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
