#include "ops/index_range.h"

#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/rules.h"

namespace carnot {
namespace {

bool is_within(int64_t index, int64_t size) {
  return index >= -size && index < size;
}

// Of rows of indices, one for each axis of the data from `first` on.
std::vector<Tensor> rows_within(Tensors in, int64_t first) {
  const Shape &data = in[0].shape(), &shape = in[1].shape();
  const auto length = static_cast<size_t>(shape.back());
  std::vector<int64_t> indices = ints_of(in[1]);
  for (size_t i = 0; i < indices.size(); ++i) {
    if (!is_within(indices[i], data[static_cast<size_t>(first) + i % length])) indices[i] = 0;
  }
  return {in[0], Tensor::from_i64(shape, indices)};
}

Result<std::vector<Tensor>> axis_within(Tensors in, int64_t given) {
  CARNOT_ASSIGN(const int64_t axis, resolve_axis("gather", given, in[0].rank()));
  const int64_t size = in[0].shape()[static_cast<size_t>(axis)];
  std::vector<int64_t> indices = ints_of(in[1]);
  for (int64_t& index : indices) index = is_within(index, size) ? index : 0;
  return std::vector<Tensor>{in[0], Tensor::from_i64(in[1].shape(), indices)};
}

// The updates (one for each row of `length` indices) whose row is all in range.
Result<Call> updates_within(op::ScatterKind kind, const Tensor& data, std::vector<int64_t> indices,
                            int64_t length, const Tensor& updates) {
  const auto width = static_cast<size_t>(length);
  const auto rows = static_cast<int64_t>(indices.size() / width);
  std::vector<int64_t> kept, places;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t* row = &indices[static_cast<size_t>(r * length)];
    bool good = true;
    for (size_t a = 0; a < width; ++a) good = good && is_within(row[a], data.shape()[a]);
    if (!good) continue;
    kept.push_back(r);
    places.insert(places.end(), row, row + width);
  }
  Shape slices(data.shape().begin() + length, data.shape().end());
  slices.insert(slices.begin(), rows);
  const auto count = static_cast<int64_t>(kept.size());
  const std::vector<Tensor> picked = {updates.reshaped(slices), Tensor::from_i64({count}, kept)};
  CARNOT_ASSIGN(std::vector<Tensor> good, reference(op::Gather{0}, picked));
  return Call{op::ScatterNd{kind},
              {data, Tensor::from_i64({count, length}, places), std::move(good[0])}};
}

// Each index stands for an element: the others of its coordinates are its own place.
Result<Call> elements_within(const op::ScatterElements& op, Tensors in) {
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, in[0].rank()));
  const Shape& shape = in[1].shape();
  const std::vector<int64_t> indices = ints_of(in[1]);
  std::vector<int64_t> rows, at(shape.size(), 0);
  for (const int64_t index : indices) {
    rows.insert(rows.end(), at.begin(), at.end());
    rows[rows.size() - at.size() + static_cast<size_t>(axis)] = index;
    next_index(at, shape);
  }
  return updates_within(op.kind, in[0], std::move(rows), in[0].rank(), in[2]);
}

}  // namespace

Result<Call> within_range(const Op& op, Tensors in) {
  Call out{op, {in.begin(), in.end()}};
  std::vector<Info> infos;
  for (const Tensor& operand : in) infos.push_back({operand.type(), {}});
  CARNOT_RETURN_IF_ERROR(infer(op, infos).status());
  if (in.size() < 2 || in[0].elements() == 0 || in[1].elements() == 0) return out;
  if (const auto* gather = std::get_if<op::Gather>(&op)) {
    CARNOT_ASSIGN(out.operands, axis_within(in, gather->axis));
  } else if (const auto* elements = std::get_if<op::GatherElements>(&op)) {
    CARNOT_ASSIGN(out.operands, axis_within(in, elements->axis));
  } else if (const auto* rows = std::get_if<op::GatherNd>(&op)) {
    out.operands = rows_within(in, rows->batch_dims);
  } else if (const auto* scatter = std::get_if<op::ScatterElements>(&op)) {
    return elements_within(*scatter, in);
  } else if (const auto* scatter_rows = std::get_if<op::ScatterNd>(&op)) {
    return updates_within(scatter_rows->kind, in[0], ints_of(in[1]), in[1].shape().back(), in[2]);
  }
  return out;
}

}  // namespace carnot
