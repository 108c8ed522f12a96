// relayout(): constants that lanes would step over are turned, so that lanes find neighbours.
#include <algorithm>
#include <numeric>

#include "codegen/access.h"
#include "codegen/cpu/window.h"

namespace carnot::cpu {

namespace {

// The axis that every store steps over by one, or nothing.
std::string lane_axis(const Kernel& kernel) {
  for (size_t a = 0; a < kernel.axes.size(); ++a) {
    const std::string symbol = *axis_symbol(static_cast<int>(a)).as_symbol();
    bool unit = true, any = false;
    for (const Stage& stage : kernel.stages) {
      for (const Store& s : stage.stores) {
        const Buffer& b = kernel.buffers[static_cast<size_t>(s.buffer)];
        unit = unit && linear_offset(b, s.index).coefficient(symbol) == 1;
        any = true;
      }
    }
    if (unit && any) return symbol;
  }
  return "";
}

}  // namespace

std::vector<Relayout> relayout(Kernel& kernel, const std::vector<bool>& constant) {
  std::vector<Relayout> out;
  const std::string lane = lane_axis(kernel);
  if (lane.empty()) return out;
  for (size_t b = 0; b < kernel.buffers.size() && b < constant.size(); ++b) {
    Buffer& buffer = kernel.buffers[b];
    if (!constant[b] || buffer.type.dims.size() < 2 || !buffer.strides.empty()) continue;
    // The one dimension that is indexed by the lane axis alone, in every load.
    int found = -1;
    bool same = true;
    for (const Stage& stage : kernel.stages) {
      for (const Load& l : stage.loads) {
        if (l.buffer != static_cast<int>(b)) continue;
        int here = -1;
        for (size_t d = 0; d < l.index.size(); ++d) {
          if (l.index[d].as_symbol() == lane) {
            here = static_cast<int>(d);
          } else if (l.index[d].uses(lane)) {
            same = false;
          }
        }
        same = same && here >= 0 && (found < 0 || found == here);
        found = here;
      }
    }
    if (!same || found < 0 || found + 1 == static_cast<int>(buffer.type.dims.size())) continue;
    std::vector<int64_t> perm(buffer.type.dims.size());
    std::iota(perm.begin(), perm.end(), 0);
    perm.erase(perm.begin() + found);
    perm.push_back(found);
    const auto turn = [&](const Dims& dims) {
      Dims turned;
      for (int64_t p : perm) turned.push_back(dims[static_cast<size_t>(p)]);
      return turned;
    };
    buffer.type.dims = turn(buffer.type.dims);
    for (Stage& stage : kernel.stages) {
      for (Load& l : stage.loads) {
        if (l.buffer == static_cast<int>(b)) l.index = turn(l.index);
      }
    }
    out.push_back({static_cast<int>(b), std::move(perm)});
  }
  return out;
}

}  // namespace carnot::cpu
