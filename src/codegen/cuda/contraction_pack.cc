// Constant weights in the order in which a block copies them: [batch][tile of columns][step], each
// piece an image of shared memory (place() of lib/load.cuh), zeros where there is nothing.
#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/status.h"
#include "codegen/cuda/contraction.h"

namespace carnot::cuda {

namespace {

Result<std::vector<int64_t>> numbers(const Dims& dims) {
  std::vector<int64_t> out;
  for (const Dim& d : dims) {
    if (!d.is_constant()) return error(Code::kUnsupported, "pack: B's sizes are symbolic");
    out.push_back(d.value());
  }
  return out;
}

int64_t place(int chunks, int64_t row, int64_t chunk) {
  if (chunks == 8) return row * 128 + (chunk ^ (row & 7)) * 16;
  return row * 64 + (chunk ^ ((row >> 1) & 3)) * 16;
}

/// Offsets of all indices over sizes[first, last), the last fastest.
std::vector<int64_t> offsets(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                             size_t first, size_t last) {
  std::vector<int64_t> out = {0};
  for (size_t axis = first; axis < last; ++axis) {
    std::vector<int64_t> next;
    next.reserve(out.size() * static_cast<size_t>(sizes[axis]));
    for (const int64_t start : out) {
      for (int64_t i = 0; i < sizes[axis]; ++i) next.push_back(start + i * strides[axis]);
    }
    out = std::move(next);
  }
  return out;
}

/// Bits of an f32 rounded to TF32; what would become infinite, or is, keeps its upper bits.
uint32_t rounded(uint32_t bits) {
  constexpr uint32_t kDropped = 0x1fff, kHalf = 0x1000, kExponent = 0x7f800000;
  if ((bits & kExponent) == kExponent) return bits;
  const uint32_t up = (bits + kHalf) & ~kDropped;
  return (up & kExponent) == kExponent ? bits & ~kDropped : up;
}

struct Layout {
  int chunks;       ///< of a step
  int64_t chunk;    ///< elements of one
  int64_t per_tap;  ///< chunks
  int64_t piece;    ///< bytes of a step of a tile
};

/// One column of a tile: row `row` of each of its steps.
template <class Element>
void pack_column(const Layout& layout, int64_t row, const std::vector<int64_t>& taps,
                 const std::vector<int64_t>& runs, const std::byte* from, std::byte* tile) {
  const auto count = static_cast<int64_t>(runs.size());
  for (size_t tap = 0; tap < taps.size(); ++tap) {
    const std::byte* base = from + taps[tap] * static_cast<int64_t>(sizeof(Element));
    for (int64_t i = 0; i < layout.per_tap; ++i) {
      const int64_t q = static_cast<int64_t>(tap) * layout.per_tap + i;
      std::byte* to =
          tile + q / layout.chunks * layout.piece + place(layout.chunks, row, q % layout.chunks);
      const int64_t end = std::min(count, (i + 1) * layout.chunk);
      for (int64_t c = i * layout.chunk; c < end; ++c, to += sizeof(Element)) {
        const int64_t at = runs[static_cast<size_t>(c)] * static_cast<int64_t>(sizeof(Element));
        std::memcpy(to, base + at, sizeof(Element));
      }
    }
  }
}

/// [tap][element of the run][channel].
Result<carnot::Tensor> pack_depthwise(const std::vector<int64_t>& taps,
                                      const std::vector<int64_t>& runs,
                                      const std::vector<int64_t>& scalars, int64_t bytes,
                                      const carnot::Tensor& source) {
  const int64_t channels = scalars[0];
  CARNOT_ASSIGN(carnot::Tensor out,
                carnot::Tensor::allocate(DType::kU8, {source.elements() * bytes}));
  std::byte* to = out.mutable_data();
  for (const int64_t tap : taps) {
    for (const int64_t run : runs) {
      for (int64_t c = 0; c < channels; ++c, to += bytes) {
        const int64_t element = tap + run + c * scalars[1] + scalars[2];
        std::memcpy(to, source.data() + element * bytes, static_cast<size_t>(bytes));
      }
    }
  }
  return out;
}

}  // namespace

Result<carnot::Tensor> pack_weights(const Kernel& kernel, const ContractionFacts& f,
                                    const ContractionTile& t, const carnot::Tensor& weights) {
  const ContractionProblem& p = f.problem;
  const AxisMap& map = p.b.map;
  CARNOT_ASSIGN(const auto batch, numbers(p.batch));
  CARNOT_ASSIGN(const auto batch_strides, numbers(map.batch));
  CARNOT_ASSIGN(const auto inner, numbers(p.inner));
  CARNOT_ASSIGN(const auto inner_strides, numbers(map.inner));
  CARNOT_ASSIGN(const auto scalars, numbers({p.columns, map.column, map.base}));
  const Buffer& buffer = kernel.buffers[static_cast<size_t>(p.b.buffer)];
  CARNOT_ASSIGN(const auto shape, numbers(buffer.type.dims));
  if (weights.dtype() != buffer.type.dtype || weights.shape() != shape || !buffer.strides.empty()) {
    return error(Code::kInternal, "pack: the weights are not the kernel's B");
  }
  CARNOT_ASSIGN(const carnot::Tensor source, weights.dense());

  const int64_t bytes = f.element_bytes(), columns = scalars[0];
  const size_t taps_end = inner.size() - f.run_axes;
  const std::vector<int64_t> batches = offsets(batch, batch_strides, 0, batch.size());
  const std::vector<int64_t> taps = offsets(inner, inner_strides, 0, taps_end);
  const std::vector<int64_t> runs = offsets(inner, inner_strides, taps_end, inner.size());
  if (f.depthwise) return pack_depthwise(taps, runs, scalars, bytes, source);
  const int chunks = t.row_bytes / 16;
  const auto run = static_cast<int64_t>(runs.size()), tap_count = static_cast<int64_t>(taps.size());
  const int64_t per_tap = (run + f.chunk() - 1) / f.chunk();
  const int64_t steps = (per_tap * tap_count + chunks - 1) / chunks;
  const int64_t tiles = (columns + t.n - 1) / t.n;
  const int64_t piece = int64_t{t.n} * t.row_bytes;
  const auto total = checked_mul(static_cast<int64_t>(batches.size()) * tiles, steps * piece);
  if (!total) return error(Code::kOutOfMemory, "packed weights are too large");
  CARNOT_ASSIGN(carnot::Tensor out, carnot::Tensor::allocate(DType::kU8, {*total}));
  std::memset(out.mutable_data(), 0, static_cast<size_t>(*total));
  const Layout layout{chunks, f.chunk(), per_tap, piece};
  for (size_t b = 0; b < batches.size(); ++b) {
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t tile = static_cast<int64_t>(b) * tiles + column / t.n;
      const int64_t from = batches[b] + column * scalars[1] + scalars[2];
      std::byte* to = out.mutable_data() + tile * steps * piece;
      if (bytes == 2) {
        pack_column<uint16_t>(layout, column % t.n, taps, runs, source.data() + from * bytes, to);
      } else {
        pack_column<uint32_t>(layout, column % t.n, taps, runs, source.data() + from * bytes, to);
      }
    }
  }
  if (t.rounds(f.element)) {
    auto* bits = reinterpret_cast<uint32_t*>(out.mutable_data());
    std::transform(bits, bits + *total / 4, bits, rounded);
  }
  return out;
}

}  // namespace carnot::cuda
