#pragma once
// Ways: a kernel of symbolic sizes may be run by several tactics, each for a range of sizes. Its
// steps follow one another in the plan; for given sizes all but one have no tasks.
#include <deque>

#include "build/build.h"
#include "build/plan_builder.h"

namespace carnot {

/// What sizes of a kernel are compared by: the elements of its first output.
Dim size_of(const Kernel& kernel);

/// The sizes that a profile tells by `which` (min, opt, max); where it says nothing, the likely
/// ones.
Symbols profile_sizes(const Graph& graph, const BuildOptions& options, const Symbols& likely,
                      Shape ShapeRange::*which);

/// Ways beside the likely sizes', and what they refer to.
class OtherWays {
 public:
  /// Tunes `tasks`, one for each of the kernels, at the ends of the profile that lie far from the
  /// likely sizes, and adds a way where another candidate is clearly faster there.
  Status add(const Graph& graph, const BuildOptions& options, const TuneOptions& tuning,
             std::span<const TuneTask> tasks, PlanShared& shared);

 private:
  Status add_end(const Symbols& sizes, const TuneOptions& tuning, std::span<const TuneTask> tasks,
                 PlanShared& shared);
  std::deque<Symbols> sizes_;
  std::deque<std::vector<Choice>> choices_;
};

}  // namespace carnot
