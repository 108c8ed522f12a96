#include "passes/cast.h"

namespace carnot {

Result<Value*> cast_to(Graph& graph, Value* v, DType dtype, const Origin& origin, Node* before) {
  op::Pointwise cast;
  cast.body.inputs = 1;
  cast.body.results = {cast.body.cast(0, dtype)};
  return graph.make(std::move(cast), {v}, origin, before);
}

}  // namespace carnot
