#pragma once
// What is taken out of feature maps around regions.
#include "stock.h"

namespace trt {

struct PoolSize {
  int64_t height, width;
};

/// The largest of each bin: features [b, c, h, w], regions [b, n, 4] of x1, y1, x2, y2, multiplied
/// by `scale` and rounded to whole cells -> [b, n, c, height, width]; 0 where a bin has no cell.
Handle pool_regions(Emit& e, Handle features, Handle regions, double scale, PoolSize size);

}  // namespace trt
