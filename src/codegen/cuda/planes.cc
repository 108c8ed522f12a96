#include "codegen/cuda/planes.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace carnot::cuda {

namespace {

constexpr int64_t kChannelsMax = 16;
constexpr int64_t kElementsMax = 64;  // of a thread: they stay in registers
constexpr int64_t kBytesMax = 16;     // of one access
constexpr int kWholeVector = 4;       // channels that make vectors of their own

/// Elements that are taken at once where all channels of a pixel lie side by side, then those of
/// the next pixel; 0 where they do not.
int at_once(const NestAccess& access, const NestAxis& channel, const NestAxis& pixel, int pixels) {
  if (access.buffer < 0 || access.within || uses_loads(access.offset)) return 0;
  const auto uses = [&](const Dim& dim) {
    return dim.uses(channel.symbol) || dim.uses(pixel.symbol) || uses_loads(dim);
  };
  for (const Guard& guard : access.guards) {
    if (uses(guard.index) || uses(guard.lower) || uses(guard.upper)) return 0;
  }
  const auto linear = linear_in(access.offset, {channel.symbol, pixel.symbol});
  if (!linear || !linear->of(channel.symbol).is(1)) return 0;
  if (!(linear->of(pixel.symbol) == channel.size)) return 0;
  const int64_t bytes = std::max(8, bits_of(access.dtype)) / 8;
  int64_t unit = std::gcd(channel.size.value() * pixels, kBytesMax / bytes);
  unit = std::gcd(unit, std::abs(linear->rest.constant_term()));
  for (const Dim::Term& term : linear->rest.terms()) {
    unit = std::gcd(unit, std::abs(term.coefficient));
  }
  return static_cast<int>(unit);
}

/// One of a plane's neighbours after the other.
bool runs_along(const NestAccess& access, const NestAxis& channel, const NestAxis& pixel) {
  return access.buffer >= 0 && step_of(access, pixel.symbol).kind == AxisStep::kUnit &&
         step_of(access, channel.symbol).kind == AxisStep::kStrided;
}

}  // namespace

std::optional<Planes> planes_of(const Nest& nest, int pixels) {
  if (nest.stages.size() != 1 || !nest.stages[0].inner.empty()) return std::nullopt;
  const NestStage& stage = nest.stages[0];
  for (size_t c = 0; c < nest.axes.size(); ++c) {
    const NestAxis& channel = nest.axes[c];
    if (!channel.size.is_constant() || channel.size.value() > kChannelsMax) continue;
    if (channel.size.value() * pixels > kElementsMax) continue;
    for (size_t p = 0; p < nest.axes.size(); ++p) {
      const NestAxis& pixel = nest.axes[p];
      if (p == c || !mod(pixel.size, Dim(pixels)).is(0)) continue;
      Planes out{c, p, static_cast<int>(channel.size.value()), {}, {}};
      bool side_by_side = false, planes = false, wide = false;
      const auto look = [&](const NestAccess& access, std::vector<int>& into) {
        into.push_back(at_once(access, channel, pixel, pixels));
        side_by_side = side_by_side || into.back() > 0;
        if (!runs_along(access, channel, pixel)) return;
        planes = true;
        // More than two instructions read of one plane leave gaps between the threads.
        wide = wide || std::max(8, bits_of(access.dtype)) / 8 * pixels > 2 * kBytesMax;
      };
      for (const NestAccess& load : stage.loads) look(load, out.loads);
      for (const NestAccess& store : stage.stores) look(store, out.stores);
      // Pixels on both sides are vectors anyway, unless their channels are no power of two.
      const bool odd = out.channels % kWholeVector != 0;
      if (side_by_side && (planes || odd) && !wide) return out;
    }
  }
  return std::nullopt;
}

}  // namespace carnot::cuda
