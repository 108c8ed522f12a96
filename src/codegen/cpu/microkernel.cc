#include "codegen/cpu/microkernel.h"

namespace carnot::cpu {

namespace {

using Value = llvm::Value;
using Values = std::vector<llvm::Value*>;

/// One step: `vectors` loads of B, and per row one broadcast that feeds `vectors` products.
void step(Emitter& e, const Microkernel& shape, const RunOperands& in, Value* k, int offset,
          Values& sums) {
  llvm::Type* f32 = e.f32();
  llvm::FixedVectorType* type = e.vector(f32, shape.lanes);
  Value* at = offset == 0 ? k : e.ir().CreateNSWAdd(k, e.i64(offset));
  Value* b = e.at(f32, in.b, e.ir().CreateNSWMul(at, in.b_step));
  Values columns;
  for (int v = 0; v < shape.vectors; ++v) {
    Value* pointer = e.at(f32, b, int64_t{v} * shape.lanes);
    Value* mask = in.masks.empty() ? nullptr : in.masks[static_cast<size_t>(v)];
    columns.push_back(mask == nullptr ? e.load(type, pointer) : e.masked_load(type, pointer, mask));
    if (shape.prefetch > 0) e.prefetch(e.at(e.ir().getInt8Ty(), pointer, shape.prefetch), 3);
  }
  for (int r = 0; r < shape.rows; ++r) {
    Value* pointer = e.at(f32, in.a[static_cast<size_t>(r)], e.ir().CreateNSWMul(at, in.a_step));
    Value* a = e.ir().CreateVectorSplat(static_cast<unsigned>(shape.lanes), e.load(f32, pointer));
    for (int v = 0; v < shape.vectors; ++v) {
      Value*& sum = sums[static_cast<size_t>(r * shape.vectors + v)];
      sum = e.fma(a, columns[static_cast<size_t>(v)], sum);
    }
  }
}

}  // namespace

Values emit_run(Emitter& e, const Microkernel& shape, const RunOperands& in, Values sums) {
  const auto* known = llvm::dyn_cast<llvm::ConstantInt>(in.count);
  const int unroll = shape.unroll;
  if (known != nullptr) {
    const int64_t count = known->getSExtValue();
    const int64_t whole = count / unroll * unroll;
    if (whole > unroll) {
      sums = e.loop(e.i64(0), e.i64(whole), e.i64(unroll), sums,
                    [&](Value* k, llvm::ArrayRef<Value*> carried) {
                      Values next(carried.begin(), carried.end());
                      for (int u = 0; u < unroll; ++u) step(e, shape, in, k, u, next);
                      return next;
                    });
    }
    for (int64_t k = whole > unroll ? whole : 0; k < count; ++k) {
      step(e, shape, in, e.i64(k), 0, sums);
    }
    return sums;
  }
  Value* whole = e.ir().CreateMul(e.ir().CreateUDiv(in.count, e.i64(unroll)), e.i64(unroll));
  sums =
      e.loop(e.i64(0), whole, e.i64(unroll), sums, [&](Value* k, llvm::ArrayRef<Value*> carried) {
        Values next(carried.begin(), carried.end());
        for (int u = 0; u < unroll; ++u) step(e, shape, in, k, u, next);
        return next;
      });
  return e.loop(whole, in.count, e.i64(1), sums, [&](Value* k, llvm::ArrayRef<Value*> carried) {
    Values next(carried.begin(), carried.end());
    step(e, shape, in, k, 0, next);
    return next;
  });
}

}  // namespace carnot::cpu
