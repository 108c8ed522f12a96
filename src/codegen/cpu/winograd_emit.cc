// The Winograd kernel: window transforms, products, output transforms of one task.
#include "codegen/cpu/contraction_epilogue.h"
#include "codegen/cpu/microkernel.h"
#include "codegen/cpu/winograd.h"

namespace carnot::cpu {

namespace {

using Value = llvm::Value;
using Values = std::vector<llvm::Value*>;

constexpr int64_t kElementBytes = 4, kPointerBytes = 8, kLine = 64;

/// Additions and multiplications of vectors by small numbers.
class Vectors {
 public:
  explicit Vectors(Emitter& e, llvm::FixedVectorType* type) : e_(e), type_(type) {}
  Value* add(Value* a, Value* b) { return e_.ir().CreateFAdd(a, b); }
  Value* sub(Value* a, Value* b) { return e_.ir().CreateFSub(a, b); }
  Value* mul(double factor, Value* a) { return e_.ir().CreateFMul(e_.splat(factor, type_), a); }
  /// factor * a + b.
  Value* mad(double factor, Value* a, Value* b) { return e_.fma(e_.splat(factor, type_), a, b); }

 private:
  Emitter& e_;
  llvm::FixedVectorType* type_;
};

/// Bt d: one line of a window.
Values window_line(Vectors v, const Values& d) {
  if (d.size() == 4) {
    return {v.sub(d[0], d[2]), v.add(d[1], d[2]), v.sub(d[2], d[1]), v.sub(d[1], d[3])};
  }
  constexpr double kA = kWinogradA, kB = kWinogradB;
  constexpr double kSquares = kA * kA + kB * kB;
  Value* even_a = v.mad(-kB * kB, d[2], d[4]);
  Value* odd_a = v.mad(-kB * kB, d[1], d[3]);
  Value* even_b = v.mad(-kA * kA, d[2], d[4]);
  Value* odd_b = v.mad(-kA * kA, d[1], d[3]);
  return {v.mad(-kSquares, d[2], v.add(d[0], d[4])),
          v.mad(kA, odd_a, even_a),
          v.mad(-kA, odd_a, even_a),
          v.mad(kB, odd_b, even_b),
          v.mad(-kB, odd_b, even_b),
          v.mad(-kSquares, d[3], v.add(d[1], d[5]))};
}

/// At m: one line of products.
Values output_line(Vectors v, const Values& m) {
  Value* s = v.add(m[1], m[2]);
  Value* d = v.sub(m[1], m[2]);
  if (m.size() == 4) return {v.add(m[0], s), v.sub(d, m[3])};
  Value* p = v.add(m[3], m[4]);
  Value* q = v.sub(m[3], m[4]);
  constexpr double kA = kWinogradA, kB = kWinogradB;
  return {v.add(m[0], v.add(s, p)), v.mad(kA, d, v.mul(kB, q)),
          v.mad(kA * kA, s, v.mul(kB * kB, p)),
          v.mad(kA * kA * kA, d, v.mad(kB * kB * kB, q, m[5]))};
}

class WinogradEmitter {
 public:
  WinogradEmitter(Module& module, const std::string& symbol, const ContractionProblem& problem,
                  const WinogradShape& shape, const ContractionTactic& tactic);
  Result<GeneratedFunction> run();

 private:
  void task(Value* number);
  void window_pointers(Value* tile);
  void transform_windows();
  void multiply(Value* panel, int vectors, Value* products);
  void transform_back(Value* panel, int vectors, Value* products);
  void store_outputs(Value* tile, const ContractionEpilogue::Column& column, Value* frame);
  Value* bounds(Value* at, int64_t outputs, int guard);
  Value* piece(int64_t offset) { return e_.at(e_.ir().getInt8Ty(), e_.scratch(), offset); }
  /// First output row and column of a tile of the block.
  std::pair<Value*, Value*> place(Value* tile);

  Emitter e_;
  const ContractionProblem& p_;
  const WinogradShape& s_;
  const ContractionTactic& t_;
  ContractionEpilogue epilogue_;
  const int m_, line_, lanes_;
  llvm::FixedVectorType* type_;
  int64_t tiles_x_, tiles_;               ///< of one image
  int64_t block_;                         ///< tiles of a task
  int64_t panel_, panels_;                ///< columns of a panel
  int64_t window_point_, product_point_;  ///< elements between points in scratch
  int64_t pointers_at_, zeros_at_, windows_at_, products_at_, scratch_bytes_;
  Value* first_tile_ = nullptr;
  Value* count_ = nullptr;
  Values image_;  ///< indices of the image axes
  Value* a_base_ = nullptr;
  Status status_;
};

WinogradEmitter::WinogradEmitter(Module& module, const std::string& symbol,
                                 const ContractionProblem& problem, const WinogradShape& shape,
                                 const ContractionTactic& tactic)
    : e_(module, symbol),
      p_(problem),
      s_(shape),
      t_(tactic),
      epilogue_(e_, p_),
      m_(winograd_outputs(tactic)),
      line_(m_ + 2),
      lanes_(module.target().lanes(32)),
      type_(e_.vector(e_.f32(), lanes_)) {
  tiles_x_ = (s_.width + m_ - 1) / m_;
  tiles_ = tiles_x_ * ((s_.height + m_ - 1) / m_);
  block_ = t_.row_block * t_.rows;
  panel_ = int64_t{t_.vectors} * lanes_;
  panels_ = (s_.columns + panel_ - 1) / panel_;
  // A line more than needed: points a power of two apart would share one set of the first cache.
  window_point_ = block_ * s_.channels + kLine / kElementBytes;
  product_point_ = block_ * panel_ + kLine / kElementBytes;
  const int64_t points = line_ * line_;
  const auto lines = [](int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; };
  pointers_at_ = 0;
  zeros_at_ = lines(points * kPointerBytes);
  windows_at_ = zeros_at_ + lines(s_.channels * kElementBytes);
  products_at_ = windows_at_ + lines(points * window_point_ * kElementBytes);
  scratch_bytes_ = products_at_ + lines(points * product_point_ * kElementBytes);
}

std::pair<Value*, Value*> WinogradEmitter::place(Value* tile) {
  const Values at = unflatten(e_, e_.ir().CreateNSWAdd(first_tile_, tile),
                              {Dim(tiles_ / tiles_x_), Dim(tiles_x_)});
  return {e_.ir().CreateNSWMul(at[0], e_.i64(m_)), e_.ir().CreateNSWMul(at[1], e_.i64(m_))};
}

/// Whether line `at` (an output index plus a tap) of the input exists.
Value* WinogradEmitter::bounds(Value* at, int64_t outputs, int guard) {
  auto& ir = e_.ir();
  Value* inside =
      outputs % m_ == 0 ? ir.getTrue() : ir.CreateICmpSLT(at, e_.i64(outputs + line_ - m_));
  if (guard < 0) return inside;
  const MappedGuard& g = p_.guards[static_cast<size_t>(guard)];
  Value* index = ir.CreateNSWAdd(at, task_offset(e_, g.index, {}));
  Value* below = ir.CreateICmpULT(ir.CreateSub(index, e_.dim(g.lower)), e_.dim(g.upper - g.lower));
  return ir.CreateAnd(inside, below);
}

void WinogradEmitter::window_pointers(Value* tile) {
  auto& ir = e_.ir();
  const auto [y, x] = place(tile);
  Value* row_step = e_.dim(p_.a.map.rows[static_cast<size_t>(s_.y)]);
  Value* column_step = e_.dim(p_.a.map.rows[static_cast<size_t>(s_.x)]);
  Value* zeros = piece(zeros_at_);
  Value* table = piece(pointers_at_);
  for (int i = 0; i < line_; ++i) {
    Value* at_y = ir.CreateNSWAdd(y, e_.i64(i));
    Value* ok_y = bounds(at_y, s_.height, s_.guard_y);
    Value* row = ir.CreateGEP(e_.f32(), a_base_, ir.CreateNSWMul(at_y, row_step));
    for (int j = 0; j < line_; ++j) {
      Value* at_x = ir.CreateNSWAdd(x, e_.i64(j));
      Value* ok = ir.CreateAnd(ok_y, bounds(at_x, s_.width, s_.guard_x));
      Value* pointer = ir.CreateGEP(e_.f32(), row, ir.CreateNSWMul(at_x, column_step));
      e_.store(ir.CreateSelect(ok, pointer, zeros),
               e_.at(ir.getPtrTy(), table, int64_t{i} * line_ + j));
    }
  }
}

void WinogradEmitter::transform_windows() {
  auto& ir = e_.ir();
  e_.loop(e_.i64(0), count_, e_.i64(1), [&](Value* tile) {
    window_pointers(tile);
    Value* table = piece(pointers_at_);
    Value* to = e_.at(e_.f32(), piece(windows_at_), ir.CreateNSWMul(tile, e_.i64(s_.channels)));
    e_.loop(e_.i64(0), e_.i64(s_.channels), e_.i64(lanes_), [&](Value* c) {
      Vectors v(e_, type_);
      std::vector<Values> columns;  // transformed along y, per x
      for (int j = 0; j < line_; ++j) {
        Values d;
        for (int i = 0; i < line_; ++i) {
          Value* from = e_.load(ir.getPtrTy(), e_.at(ir.getPtrTy(), table, int64_t{i} * line_ + j));
          d.push_back(e_.load(type_, e_.at(e_.f32(), from, c)));
        }
        columns.push_back(window_line(v, d));
      }
      for (int i = 0; i < line_; ++i) {
        Values d;
        for (int j = 0; j < line_; ++j) {
          d.push_back(columns[static_cast<size_t>(j)][static_cast<size_t>(i)]);
        }
        const Values row = window_line(v, d);
        for (int j = 0; j < line_; ++j) {
          const int64_t point = int64_t{i} * line_ + j;
          e_.store(row[static_cast<size_t>(j)],
                   e_.at(e_.f32(), e_.at(e_.f32(), to, point * window_point_), c));
        }
      }
    });
  });
}

void WinogradEmitter::multiply(Value* panel, int vectors, Value* products) {
  auto& ir = e_.ir();
  const int64_t points = line_ * line_, width = int64_t{vectors} * lanes_;
  Value* filters = e_.at(e_.f32(), e_.buffer(p_.b.buffer),
                         ir.CreateNSWMul(panel, e_.i64(points * s_.channels * panel_)));
  const Microkernel shape{t_.rows, vectors, lanes_, t_.unroll, t_.prefetch};
  e_.loop(e_.i64(0), e_.i64(points), e_.i64(1), [&](Value* point) {
    Value* a = e_.at(e_.f32(), piece(windows_at_), ir.CreateNSWMul(point, e_.i64(window_point_)));
    Value* b = e_.at(e_.f32(), filters, ir.CreateNSWMul(point, e_.i64(s_.channels * width)));
    Value* out = e_.at(e_.f32(), products, ir.CreateNSWMul(point, e_.i64(product_point_)));
    // Rows beyond the tiles of the block multiply what an earlier task left; nobody reads it.
    e_.loop(e_.i64(0), count_, e_.i64(t_.rows), [&](Value* r) {
      RunOperands in;
      Value* first = e_.at(e_.f32(), a, ir.CreateNSWMul(r, e_.i64(s_.channels)));
      for (int i = 0; i < t_.rows; ++i) in.a.push_back(e_.at(e_.f32(), first, i * s_.channels));
      in.a_step = e_.i64(1);
      in.b = b;
      in.b_step = e_.i64(width);
      in.count = e_.i64(s_.channels);
      Values sums(static_cast<size_t>(t_.rows * vectors), e_.splat(0, type_));
      sums = emit_run(e_, shape, in, sums);
      Value* to = e_.at(e_.f32(), out, ir.CreateNSWMul(r, e_.i64(panel_)));
      for (int i = 0; i < t_.rows; ++i) {
        for (int v = 0; v < vectors; ++v) {
          e_.store(sums[static_cast<size_t>(i * vectors + v)],
                   e_.at(e_.f32(), to, i * panel_ + int64_t{v} * lanes_));
        }
      }
    });
  });
}

void WinogradEmitter::store_outputs(Value* tile, const ContractionEpilogue::Column& column,
                                    Value* frame) {
  auto& ir = e_.ir();
  const auto [y, x] = place(tile);
  const std::vector<Values> fixed = epilogue_.fixed_loads(1, column);
  const auto end = [&](Value* first, int64_t size) -> Value* {
    if (size % m_ == 0) return e_.i64(m_);
    return ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, e_.i64(m_),
                                    ir.CreateNSWSub(e_.i64(size), first));
  };
  e_.loop(e_.i64(0), end(y, s_.height), e_.i64(1), [&](Value* i) {
    e_.loop(e_.i64(0), end(x, s_.width), e_.i64(1), [&](Value* j) {
      Values row(p_.rows.size());
      for (size_t n = 0; n < s_.images.size(); ++n) {
        row[static_cast<size_t>(s_.images[n])] = image_[n];
      }
      row[static_cast<size_t>(s_.y)] = ir.CreateNSWAdd(y, i);
      row[static_cast<size_t>(s_.x)] = ir.CreateNSWAdd(x, j);
      Values offsets;
      for (size_t slot = 0; slot < epilogue_.slots(); ++slot) {
        offsets.push_back(dot(e_, epilogue_.access(slot).map.rows, row));
      }
      Value* at = ir.CreateNSWAdd(ir.CreateNSWMul(i, e_.i64(m_)), j);
      Status status =
          epilogue_.store_row(offsets, 1, column, {e_.load(type_, e_.at(type_, frame, at))}, fixed);
      if (status_.ok()) status_ = std::move(status);
    });
  });
}

void WinogradEmitter::transform_back(Value* panel, int vectors, Value* products) {
  auto& ir = e_.ir();
  Value* frame = e_.stack(type_, int64_t{m_} * m_);
  e_.loop(e_.i64(0), count_, e_.i64(1), [&](Value* tile) {
    Value* from = e_.at(e_.f32(), products, ir.CreateNSWMul(tile, e_.i64(panel_)));
    e_.loop(e_.i64(0), e_.i64(int64_t{vectors} * lanes_), e_.i64(lanes_), [&](Value* column) {
      Vectors v(e_, type_);
      Value* first = e_.at(e_.f32(), from, column);
      std::vector<Values> columns;
      for (int j = 0; j < line_; ++j) {
        Values m;
        for (int i = 0; i < line_; ++i) {
          const int64_t point = int64_t{i} * line_ + j;
          m.push_back(e_.load(type_, e_.at(e_.f32(), first, point * product_point_)));
        }
        columns.push_back(output_line(v, m));
      }
      for (int i = 0; i < m_; ++i) {
        Values m;
        for (int j = 0; j < line_; ++j) {
          m.push_back(columns[static_cast<size_t>(j)][static_cast<size_t>(i)]);
        }
        const Values row = output_line(v, m);
        for (int j = 0; j < m_; ++j) {
          e_.store(row[static_cast<size_t>(j)], e_.at(type_, frame, int64_t{i} * m_ + j));
        }
      }
      ContractionEpilogue::Column place_of;
      place_of.first = ir.CreateNSWAdd(ir.CreateNSWMul(panel, e_.i64(panel_)), column);
      place_of.masks = {nullptr};
      store_outputs(tile, place_of, frame);
    });
  });
}

void WinogradEmitter::task(Value* number) {
  auto& ir = e_.ir();
  const int64_t blocks = (tiles_ + block_ - 1) / block_;
  const int64_t column_blocks = (panels_ + t_.column_block - 1) / t_.column_block;
  Dims images;
  for (const int i : s_.images) images.push_back(p_.rows[static_cast<size_t>(i)]);
  const Values at = unflatten(e_, number, {Dim(column_blocks), product(images), Dim(blocks)});
  image_ = unflatten(e_, at[1], images);
  first_tile_ = ir.CreateNSWMul(at[2], e_.i64(block_));
  count_ = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, e_.i64(block_),
                                    ir.CreateNSWSub(e_.i64(tiles_), first_tile_));
  Dims steps;
  for (const int i : s_.images) steps.push_back(p_.a.map.rows[static_cast<size_t>(i)]);
  a_base_ = ir.CreateGEP(e_.f32(), task_base(e_, p_.a, {}), dot(e_, steps, image_));
  epilogue_.begin_task({});
  transform_windows();
  Value* products = piece(products_at_);
  const auto one = [&](Value* panel, int vectors) {
    multiply(panel, vectors, products);
    transform_back(panel, vectors, products);
  };
  Value* first = ir.CreateNSWMul(at[0], e_.i64(t_.column_block));
  Value* end = ir.CreateBinaryIntrinsic(
      llvm::Intrinsic::smin, ir.CreateNSWAdd(first, e_.i64(t_.column_block)), e_.i64(panels_));
  const int64_t whole = s_.columns / panel_;
  Value* end_whole = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, end, e_.i64(whole));
  if (whole > 0) {
    e_.loop(first, end_whole, e_.i64(1), [&](Value* panel) { one(panel, t_.vectors); });
  }
  if (whole < panels_) {
    e_.if_then(ir.CreateICmpEQ(end, e_.i64(panels_)), [&] {
      one(e_.i64(whole), static_cast<int>((s_.columns - whole * panel_) / lanes_));
    });
  }
}

Result<GeneratedFunction> WinogradEmitter::run() {
  Value* zeros = piece(zeros_at_);
  e_.loop(e_.i64(0), e_.i64(s_.channels), e_.i64(lanes_),
          [&](Value* c) { e_.store(e_.splat(p_.otherwise, type_), e_.at(e_.f32(), zeros, c)); });
  e_.for_each_task([&](Value* number) { task(number); });
  CARNOT_RETURN_IF_ERROR(status_);
  GeneratedFunction made = e_.finish();
  Dim images = 1;
  for (const int i : s_.images) images = images * p_.rows[static_cast<size_t>(i)];
  const int64_t blocks = (tiles_ + block_ - 1) / block_;
  const int64_t column_blocks = (panels_ + t_.column_block - 1) / t_.column_block;
  made.tasks = images * (blocks * column_blocks);
  made.scratch_bytes = scratch_bytes_;
  made.flops = images * (2 * tiles_ * line_ * line_ * s_.channels * s_.columns);
  return made;
}

}  // namespace

Result<GeneratedFunction> emit_winograd(Module& module, const std::string& symbol,
                                        const ContractionProblem& problem,
                                        const ContractionTactic& tactic) {
  CARNOT_ASSIGN(const WinogradShape shape, winograd_shape(problem, module.target().lanes(32)));
  return WinogradEmitter(module, symbol, problem, shape, tactic).run();
}

}  // namespace carnot::cpu
