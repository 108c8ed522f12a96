// Packing constant weights into the panels that generated code streams through.
#include "base/checked.h"
#include "codegen/cpu/contraction_problem.h"
#include "codegen/cpu/winograd.h"

namespace carnot::cpu {

namespace {

/// Calls body(flat index, element offset) for every index over `sizes`, the last fastest.
template <class Body>
void for_each_index(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                    int64_t base, Body body) {
  const int64_t count = volume(sizes);
  std::vector<int64_t> index(sizes.size(), 0);
  int64_t offset = base;
  for (int64_t flat = 0; flat < count; ++flat) {
    body(flat, offset);
    for (size_t i = sizes.size(); i-- > 0;) {
      offset += strides[i];
      if (++index[i] < sizes[i]) break;
      offset -= strides[i] * sizes[i];
      index[i] = 0;
    }
  }
}

Result<std::vector<int64_t>> numbers(const Dims& dims) {
  std::vector<int64_t> out;
  for (const Dim& d : dims) {
    if (!d.is_constant()) return error(Code::kUnsupported, "pack: B's sizes are symbolic");
    out.push_back(d.value());
  }
  return out;
}

}  // namespace

Result<Tensor> pack_weights(const ContractionQuery& query, const ContractionTactic& tactic,
                            const Tensor& weights) {
  CARNOT_ASSIGN(const ContractionProblem p, contraction_problem(query.kernel, query.view));
  CARNOT_RETURN_IF_ERROR(why_not(p, query, tactic));
  const AxisMap& map = p.b.map;
  CARNOT_ASSIGN(const auto batch, numbers(p.batch));
  CARNOT_ASSIGN(const auto batch_strides, numbers(map.batch));
  CARNOT_ASSIGN(const auto inner, numbers(p.inner));
  CARNOT_ASSIGN(const auto inner_strides, numbers(map.inner));
  CARNOT_ASSIGN(const auto scalars, numbers({p.columns, map.column, map.base}));
  const Buffer& buffer = query.kernel.buffers[static_cast<size_t>(p.b.buffer)];
  CARNOT_ASSIGN(const auto shape, numbers(buffer.type.dims));
  if (weights.dtype() != buffer.type.dtype || weights.shape() != shape || !buffer.strides.empty()) {
    return error(Code::kInternal, "pack: the weights are not the kernel's B");
  }
  if (winograd_outputs(tactic) > 0) {
    return pack_winograd(p, tactic, query.target.lanes(32), weights);
  }
  CARNOT_ASSIGN(const Tensor source, weights.dense());

  const int64_t columns = scalars[0];
  const int64_t lanes = query.target.lanes(bits_of(p.b.dtype));
  const int64_t padded = (columns + lanes - 1) / lanes * lanes;
  const int64_t panel = tactic.vectors * lanes;
  CARNOT_ASSIGN(const int64_t steps, element_count(inner));
  CARNOT_ASSIGN(const int64_t batches, element_count(batch));
  CARNOT_ASSIGN(Tensor packed, Tensor::allocate(p.b.dtype, {batches, steps, padded}));
  const float* from = source.as<float>();
  float* to = packed.as<float>();
  for_each_index(batch, batch_strides, scalars[2], [&](int64_t, int64_t base) {
    for (int64_t first = 0; first < padded; first += panel) {
      const int64_t width = std::min(panel, padded - first);
      for (int64_t c = 0; c < width; ++c) {
        if (first + c >= columns) {
          for (int64_t k = 0; k < steps; ++k) to[k * width + c] = 0;
          continue;
        }
        for_each_index(inner, inner_strides, base + (first + c) * scalars[1],
                       [&](int64_t k, int64_t offset) { to[k * width + c] = from[offset]; });
      }
      to += steps * width;
    }
  });
  return packed;
}

}  // namespace carnot::cpu
