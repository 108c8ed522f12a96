#pragma once
// A tensor from the order that Carnot computes in to a format of TensorRT's, and back.
#include "emit.h"
#include "formats.h"

namespace trt {

/// Whether a tensor of these sizes can be stored so, or why not.
std::string why_not_stored(const carnot::Dims& sizes, TensorFormat format);
/// The format of a tensor of these sizes, which can be stored so.
StoredFormat stored_format(const carnot::Dims& sizes, TensorFormat format);
Handle to_format(Emit& e, Handle x, TensorFormat format);
Handle from_format(Emit& e, Handle x, const StoredFormat& format);

}  // namespace trt
