#include "codegen/cpu/attention.h"

#include <algorithm>
#include <limits>

#include "codegen/access.h"
#include "codegen/cpu/convert.h"
#include "codegen/cpu/math.h"

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// An operand as [batch, head, row, column], sizes and strides in elements.
struct Operand {
  int buffer = 0;
  DType dtype = DType::kF32;
  Dim sizes[4], strides[4];
};

Operand head_operand(const Kernel& kernel, int buffer) {
  const Buffer& of = kernel.buffers[static_cast<size_t>(buffer)];
  const Dims strides = strides_of(of);
  const bool bsh = kernel.attention->op.bsh;
  const size_t order[] = {0, bsh ? size_t{2} : size_t{1}, bsh ? size_t{1} : size_t{2}, 3};
  Operand out;
  out.buffer = buffer;
  out.dtype = of.type.dtype;
  for (size_t i = 0; i < 4; ++i) {
    out.sizes[i] = of.type.dims[order[i]];
    out.strides[i] = strides[order[i]];
  }
  return out;
}

/// Broadcast axes have stride 0.
Operand bias_operand(const Kernel& kernel) {
  const Buffer& of = kernel.buffers[3];
  const Dims strides = strides_of(of);
  Operand out;
  out.buffer = 3;
  out.dtype = of.type.dtype;
  const size_t missing = 4 - of.type.dims.size();
  for (size_t i = 0; i < 4; ++i) {
    const bool given = i >= missing && !of.type.dims[i - missing].is(1);
    out.sizes[i] = given ? of.type.dims[i - missing] : Dim(1);
    out.strides[i] = given ? strides[i - missing] : Dim(0);
  }
  return out;
}

Dim rounded_up(const Dim& size, int64_t step) {
  return ceil_div(size, Dim(step)) * Dim(step);
}

class AttentionEmitter {
 public:
  AttentionEmitter(Module& module, const std::string& symbol, const Kernel& kernel,
                   const AttentionTactic& tactic)
      : e_(module, symbol),
        t_(tactic),
        op_(kernel.attention->op),
        has_bias_(kernel.attention->has_bias),
        double_(kernel.buffers[0].type.dtype == DType::kF64),
        lanes_(module.target().lanes(double_ ? 64 : 32)),
        element_(double_ ? e_.ir().getDoubleTy() : e_.ir().getFloatTy()),
        vector_(e_.vector(element_, lanes_)),
        a_(e_, element_, lanes_) {
    q_ = head_operand(kernel, 0), k_ = head_operand(kernel, 1), v_ = head_operand(kernel, 2);
    if (has_bias_) bias_ = bias_operand(kernel);
    out_ = head_operand(kernel, has_bias_ ? 4 : 3);
    width_ = q_.sizes[3], value_width_ = v_.sizes[3];
    // The last tile of results may reach beyond the block's queries.
    rows_ = (int64_t{t_.query_vectors} * lanes_ + t_.queries - 1) / t_.queries * t_.queries;
    row_stride_ = (rows_ + lanes_ - 1) / lanes_ * lanes_;
    value_stride_ = rounded_up(value_width_, lanes_);
    // The last tile of keys may reach beyond the block of keys.
    queries_at_ = 0;
    scores_at_ = width_ * Dim(row_stride_);
    results_at_ = scores_at_ + Dim((t_.key_block + t_.keys) * row_stride_);
    largest_at_ = results_at_ + Dim(row_stride_) * value_stride_;
    sum_at_ = largest_at_ + Dim(row_stride_);
    factor_at_ = sum_at_ + Dim(row_stride_);
    scratch_ = factor_at_ + Dim(row_stride_);
  }

  GeneratedFunction run() {
    const int64_t block = int64_t{t_.query_vectors} * lanes_;
    const Dim blocks = ceil_div(q_.sizes[2], Dim(block));
    e_.for_each_task([&](Value* task) {
      auto& ir = e_.ir();
      Value* block_count = e_.dim(blocks);
      Value* head_count = e_.dim(q_.sizes[1]);
      Value* rest = ir.CreateUDiv(task, block_count);
      first_ = ir.CreateMul(ir.CreateURem(task, block_count), e_.i64(block));
      head_ = ir.CreateURem(rest, head_count);
      batch_ = ir.CreateUDiv(rest, head_count);
      Value* shared = ir.CreateUDiv(head_count, e_.dim(k_.sizes[1]));
      key_head_ = ir.CreateUDiv(head_, shared);
      emit_block(block);
    });
    GeneratedFunction made = e_.finish();
    made.tasks = q_.sizes[0] * q_.sizes[1] * blocks;
    // Nothing is divided by a number of heads that is zero.
    made.scratch_bytes = scratch_ * Dim(double_ ? 8 : 4);
    made.flops =
        Dim(2) * q_.sizes[0] * q_.sizes[1] * q_.sizes[2] * k_.sizes[2] * (width_ + value_width_);
    return made;
  }

 private:
  Value* scratch_at(const Dim& offset) { return e_.at(element_, e_.scratch(), e_.dim(offset)); }

  /// Of (row, column) of the current batch and head.
  Value* place(const Operand& of, Value* head, Value* row, Value* column) {
    auto& ir = e_.ir();
    Value* offset = ir.CreateMul(batch_, e_.dim(of.strides[0]));
    offset = ir.CreateAdd(offset, ir.CreateMul(head, e_.dim(of.strides[1])));
    offset = ir.CreateAdd(offset, ir.CreateMul(row, e_.dim(of.strides[2])));
    offset = ir.CreateAdd(offset, ir.CreateMul(column, e_.dim(of.strides[3])));
    return e_.at(storage_type(e_, of.dtype), e_.buffer(of.buffer), offset);
  }

  Value* load_scalar(const Operand& of, Value* pointer) {
    return from_memory(e_, of.dtype, e_.load(storage_type(e_, of.dtype), pointer));
  }

  /// Lanes of consecutive elements `stride` apart.
  Value* load_vector(const Operand& of, Value* pointer, const Dim& stride, Value* mask) {
    auto& ir = e_.ir();
    auto* type = llvm::cast<llvm::FixedVectorType>(with_lanes(storage_type(e_, of.dtype), lanes_));
    Value* value;
    if (stride.is(1)) {
      value = mask == nullptr ? e_.load(type, pointer) : e_.masked_load(type, pointer, mask);
    } else {
      Value* offsets = ir.CreateMul(lane_numbers(), spread(e_, e_.dim(stride), lanes_));
      Value* pointers = ir.CreateGEP(type->getElementType(), pointer, offsets);
      value = ir.CreateMaskedGather(type, pointers, llvm::Align(type->getScalarSizeInBits() / 8),
                                    mask, llvm::Constant::getNullValue(type));
    }
    return from_memory(e_, of.dtype, value);
  }

  Value* lane_numbers() {
    std::vector<uint64_t> each;
    for (int i = 0; i < lanes_; ++i) each.push_back(static_cast<uint64_t>(i));
    return llvm::ConstantDataVector::get(e_.context(), each);
  }

  void emit_block(int64_t block) {
    auto& ir = e_.ir();
    Value* count = ir.CreateBinaryIntrinsic(
        llvm::Intrinsic::smin, ir.CreateSub(e_.dim(q_.sizes[2]), first_), e_.i64(block));
    vectors_ = ir.CreateUDiv(ir.CreateAdd(count, e_.i64(lanes_ - 1)), e_.i64(lanes_));
    keys_end_ = e_.dim(k_.sizes[2]);
    if (op_.causal) {
      // Keys after the last query's are masked for all of the block.
      Value* shift = ir.CreateSub(e_.dim(k_.sizes[2]), e_.dim(q_.sizes[2]));
      Value* visible = ir.CreateAdd(ir.CreateAdd(first_, count), shift);
      // At least one key, so that a row that sees nothing becomes NaN as it should.
      visible = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, visible, e_.i64(1));
      keys_end_ = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, keys_end_, visible);
    }
    transpose_queries(count);
    clear_results();
    e_.loop(e_.i64(0), keys_end_, e_.i64(t_.key_block), [&](Value* key) {
      Value* keys = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir.CreateSub(keys_end_, key),
                                             e_.i64(t_.key_block));
      emit_scores(key, keys);
      e_.loop(e_.i64(0), vectors_, e_.i64(1), [&](Value* v) { emit_softmax(key, keys, v); });
      emit_values(key, keys, count);
    });
    store_results(count);
  }

  /// scratch[d][query] = q * scale; lanes beyond the last query hold anything.
  void transpose_queries(Value* count) {
    auto& ir = e_.ir();
    Value* scale = a_.c(op_.scale);
    llvm::Type* stored = storage_type(e_, q_.dtype);
    Value* width = e_.dim(width_);
    e_.loop(e_.i64(0), vectors_, e_.i64(1), [&](Value* v) {
      Value* query = ir.CreateMul(v, e_.i64(lanes_));
      Value* to = e_.at(element_, scratch_at(queries_at_), query);
      const auto put = [&](Value* d, Value* x) {
        e_.store(a_.mul(x, scale), e_.at(element_, to, ir.CreateMul(d, e_.i64(row_stride_))));
      };
      if (!q_.strides[3].is(1)) {
        Value* mask = e_.lane_mask(lanes_, ir.CreateSub(count, query));
        Value* from = place(q_, head_, ir.CreateAdd(first_, query), e_.i64(0));
        e_.loop(e_.i64(0), width, e_.i64(1), [&](Value* d) {
          Value* column = e_.at(stored, from, ir.CreateMul(d, e_.dim(q_.strides[3])));
          put(d, load_vector(q_, column, q_.strides[2], mask));
        });
        return;
      }
      std::vector<Value*> rows;
      Value* last = ir.CreateSub(count, e_.i64(1));
      for (int i = 0; i < lanes_; ++i) {
        Value* row =
            ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir.CreateAdd(query, e_.i64(i)), last);
        rows.push_back(place(q_, head_, ir.CreateAdd(first_, row), e_.i64(0)));
      }
      const bool even = width_.is_constant() && width_.value() % lanes_ == 0;
      e_.loop(e_.i64(0), width, e_.i64(lanes_), [&](Value* d) {
        Value* mask = even ? nullptr : e_.lane_mask(lanes_, ir.CreateSub(width, d));
        std::vector<Value*> block;
        for (Value* row : rows) {
          block.push_back(load_vector(q_, e_.at(stored, row, d), q_.strides[3], mask));
        }
        // Rows beyond the width fall into the scores, which are not there yet.
        block = transposed(e_, block);
        for (int i = 0; i < lanes_; ++i) {
          put(ir.CreateAdd(d, e_.i64(i)), block[static_cast<size_t>(i)]);
        }
      });
    });
  }

  void clear_results() {
    Value* zero = a_.c(0);
    Value* results = scratch_at(results_at_);
    Value* size = e_.dim(Dim(row_stride_) * value_stride_);
    e_.loop(e_.i64(0), size, e_.i64(lanes_),
            [&](Value* i) { e_.store(zero, e_.at(element_, results, i)); });
    Value* largest = scratch_at(largest_at_);
    Value* sum = scratch_at(sum_at_);
    Value* factor = scratch_at(factor_at_);
    for (int64_t i = 0; i < row_stride_; i += lanes_) {
      e_.store(a_.c(-kInf), e_.at(element_, largest, i));
      e_.store(zero, e_.at(element_, sum, i));
      e_.store(zero, e_.at(element_, factor, i));
    }
  }

  /// scores[key][query] for a block of keys. Tiles of as many vectors as there are, 1 .. 3.
  void emit_scores(Value* first_key, Value* keys) {
    auto& ir = e_.ir();
    e_.loop(e_.i64(0), keys, e_.i64(t_.keys), [&](Value* tile) {
      std::vector<Value*> rows;
      for (int r = 0; r < t_.keys; ++r) {
        Value* row = ir.CreateAdd(ir.CreateAdd(first_key, tile), e_.i64(r));
        // Beyond the last key the last one is done again, into rows that nobody reads.
        row = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, row,
                                       ir.CreateSub(keys_end_, e_.i64(1)));
        rows.push_back(place(k_, key_head_, row, e_.i64(0)));
      }
      emit_scores_of(t_.query_vectors, tile, rows);
    });
  }

  void emit_scores_of(int vectors, Value* tile, const std::vector<Value*>& rows) {
    const auto tile_of = [&] { emit_score_tile(vectors, tile, rows); };
    if (vectors == 1) {
      tile_of();
      return;
    }
    e_.if_else(e_.ir().CreateICmpSGE(vectors_, e_.i64(vectors)), tile_of,
               [&] { emit_scores_of(vectors - 1, tile, rows); });
  }

  void emit_score_tile(int vectors, Value* tile, const std::vector<Value*>& rows) {
    auto& ir = e_.ir();
    Value* queries = scratch_at(queries_at_);
    const auto width = static_cast<size_t>(vectors);
    std::vector<Value*> sums(rows.size() * width, a_.c(0));
    const auto step = [&](Value* d, int64_t shift, llvm::ArrayRef<Value*> carried) {
      std::vector<Value*> out(carried.begin(), carried.end());
      std::vector<Value*> q;
      Value* at = ir.CreateMul(d, e_.i64(row_stride_));
      for (int v = 0; v < vectors; ++v) {
        Value* pointer = e_.at(element_, e_.at(element_, queries, at),
                               shift * row_stride_ + int64_t{v} * lanes_);
        q.push_back(e_.load(vector_, pointer));
      }
      for (size_t r = 0; r < rows.size(); ++r) {
        llvm::Type* stored = storage_type(e_, k_.dtype);
        Value* column = k_.strides[3].is(1) ? d : ir.CreateMul(d, e_.dim(k_.strides[3]));
        Value* pointer = e_.at(stored, rows[r], column);
        if (shift != 0) {
          pointer = k_.strides[3].is(1) ? e_.at(stored, pointer, shift)
                                        : e_.at(stored, pointer,
                                                ir.CreateMul(e_.i64(shift), e_.dim(k_.strides[3])));
        }
        Value* k = spread(e_, load_scalar(k_, pointer), lanes_);
        for (size_t v = 0; v < width; ++v) out[r * width + v] = a_.fma(k, q[v], out[r * width + v]);
      }
      return out;
    };
    constexpr int64_t kUnroll = 4;
    Value* size = e_.dim(width_);
    Value* whole = ir.CreateAnd(size, e_.i64(-kUnroll));
    sums = e_.loop(e_.i64(0), whole, e_.i64(kUnroll), sums,
                   [&](Value* d, llvm::ArrayRef<Value*> carried) {
                     std::vector<Value*> now = carried.vec();
                     for (int64_t u = 0; u < kUnroll; ++u) now = step(d, u, now);
                     return now;
                   });
    const bool even = width_.is_constant() && width_.value() % kUnroll == 0;
    if (!even) {
      sums = e_.loop(whole, size, e_.i64(1), sums,
                     [&](Value* d, llvm::ArrayRef<Value*> carried) { return step(d, 0, carried); });
    }
    Value* to = e_.at(element_, scratch_at(scores_at_), ir.CreateMul(tile, e_.i64(row_stride_)));
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t v = 0; v < width; ++v) {
        const auto at = static_cast<int64_t>(r) * row_stride_ + static_cast<int64_t>(v) * lanes_;
        e_.store(sums[r * width + v], e_.at(element_, to, at));
      }
    }
  }

  /// The softmax of one vector of queries goes on over a block of keys.
  void emit_softmax(Value* first_key, Value* keys, Value* v) {
    auto& ir = e_.ir();
    Value* lane0 = ir.CreateMul(v, e_.i64(lanes_));
    Value* query = ir.CreateAdd(first_, lane0);
    Value* scores = e_.at(element_, scratch_at(scores_at_), lane0);
    const auto score_at = [&](Value* key) {
      return e_.at(element_, scores, ir.CreateMul(key, e_.i64(row_stride_)));
    };
    const bool changes = has_bias_ || op_.causal;
    Value* bias = nullptr;
    Value* mask = nullptr;
    if (has_bias_) {
      bias = place(bias_, head_, query, first_key);
      mask = e_.lane_mask(lanes_, ir.CreateSub(e_.dim(q_.sizes[2]), query));
    }
    Value* last_key = nullptr;  // of each lane
    if (op_.causal) {
      Value* shift = ir.CreateSub(e_.dim(k_.sizes[2]), e_.dim(q_.sizes[2]));
      Value* base = ir.CreateSub(ir.CreateAdd(query, shift), first_key);
      last_key = ir.CreateAdd(spread(e_, base, lanes_), lane_numbers());
    }
    const auto larger = [&](Value* x, Value* y) { return a_.select(a_.gt(x, y), x, y); };
    Value* before = e_.load(vector_, e_.at(element_, scratch_at(largest_at_), lane0));
    const auto score_of = [&](Value* key) {
      Value* score = e_.load(vector_, score_at(key));
      if (has_bias_) score = a_.add(score, bias_of(bias, key, mask));
      if (op_.causal) {
        score = a_.select(ir.CreateICmpSLE(spread(e_, key, lanes_), last_key), score, a_.c(-kInf));
      }
      if (changes) e_.store(score, score_at(key));
      return score;
    };
    // Several keys at once hide the latency of the comparison.
    constexpr int64_t kAtOnce = 4;
    Value* fours = ir.CreateAnd(keys, e_.i64(-kAtOnce));
    Emitter::Values tops =
        e_.loop(e_.i64(0), fours, e_.i64(kAtOnce), std::vector<Value*>(kAtOnce, before),
                [&](Value* key, llvm::ArrayRef<Value*> carried) {
                  Emitter::Values out;
                  for (int64_t i = 0; i < kAtOnce; ++i) {
                    Value* score = score_of(ir.CreateAdd(key, e_.i64(i)));
                    out.push_back(larger(score, carried[static_cast<size_t>(i)]));
                  }
                  return out;
                });
    Value* largest = larger(larger(tops[0], tops[1]), larger(tops[2], tops[3]));
    largest =
        e_.loop(fours, keys, e_.i64(1), {largest}, [&](Value* key, llvm::ArrayRef<Value*> carried) {
          return Emitter::Values{larger(score_of(key), carried[0])};
        })[0];
    // Rows that have seen nothing yet keep zeros: exp(-inf - 0).
    Value* base = a_.select(a_.eq(largest, a_.c(-kInf)), a_.c(0), largest);
    Value* factor = emit_exp(a_, a_.sub(before, base));
    Value* sum = a_.mul(factor, e_.load(vector_, e_.at(element_, scratch_at(sum_at_), lane0)));
    // Two keys at once hide the latency of the exponential.
    const auto weigh = [&](Value* key) {
      Value* weight = emit_exp(a_, a_.sub(e_.load(vector_, score_at(key)), base));
      e_.store(weight, score_at(key));
      return weight;
    };
    Value* pairs = ir.CreateAnd(keys, e_.i64(-2));
    Emitter::Values sums =
        e_.loop(e_.i64(0), pairs, e_.i64(2), {sum, a_.c(0)},
                [&](Value* key, llvm::ArrayRef<Value*> carried) {
                  return Emitter::Values{a_.add(carried[0], weigh(key)),
                                         a_.add(carried[1], weigh(ir.CreateAdd(key, e_.i64(1))))};
                });
    sum = e_.loop(pairs, keys, e_.i64(1), {a_.add(sums[0], sums[1])},
                  [&](Value* key, llvm::ArrayRef<Value*> carried) {
                    return Emitter::Values{a_.add(carried[0], weigh(key))};
                  })[0];
    e_.store(largest, e_.at(element_, scratch_at(largest_at_), lane0));
    e_.store(sum, e_.at(element_, scratch_at(sum_at_), lane0));
    e_.store(factor, e_.at(element_, scratch_at(factor_at_), lane0));
  }

  /// For all lanes of queries and one key.
  Value* bias_of(Value* bias, Value* key, Value* mask) {
    Value* pointer = e_.at(storage_type(e_, bias_.dtype), bias,
                           e_.ir().CreateMul(key, e_.dim(bias_.strides[3])));
    if (bias_.strides[2].is(0)) return spread(e_, load_scalar(bias_, pointer), lanes_);
    return load_vector(bias_, pointer, bias_.strides[2], mask);
  }

  /// results[query][column] = results * factor + sum over keys of weight * v.
  void emit_values(Value* first_key, Value* keys, Value* count) {
    auto& ir = e_.ir();
    const int64_t group = int64_t{t_.value_vectors} * lanes_;
    Value* width = e_.dim(value_width_);
    Value* whole = ir.CreateMul(ir.CreateUDiv(width, e_.i64(group)), e_.i64(group));
    e_.loop(e_.i64(0), count, e_.i64(t_.queries), [&](Value* query) {
      e_.loop(e_.i64(0), whole, e_.i64(group), [&](Value* column) {
        emit_value_tile(first_key, keys, query, column, t_.value_vectors, nullptr);
      });
      if (value_width_.is_constant()) {
        // What is left is one smaller tile; its last vector may be cut.
        const int64_t left = value_width_.value() % group;
        if (left == 0) return;
        const auto vectors = static_cast<int>((left + lanes_ - 1) / lanes_);
        Value* mask = left % lanes_ == 0 ? nullptr : e_.lane_mask(lanes_, left % lanes_);
        emit_value_tile(first_key, keys, query, whole, vectors, mask);
        return;
      }
      e_.loop(whole, width, e_.i64(lanes_), [&](Value* column) {
        Value* mask = e_.lane_mask(lanes_, ir.CreateSub(width, column));
        emit_value_tile(first_key, keys, query, column, 1, mask);
      });
    });
  }

  /// `mask` is that of the last vector.
  void emit_value_tile(Value* first_key, Value* keys, Value* query, Value* column, int vectors,
                       Value* mask) {
    auto& ir = e_.ir();
    const auto width = static_cast<size_t>(vectors);
    const auto rows = static_cast<size_t>(t_.queries);
    Value* results = e_.at(element_, scratch_at(results_at_),
                           ir.CreateAdd(ir.CreateMul(query, e_.dim(value_stride_)), column));
    Value* factor = e_.at(element_, scratch_at(factor_at_), query);
    std::vector<Value*> places, sums;
    for (size_t r = 0; r < rows; ++r) {
      Value* row = e_.at(element_, results,
                         ir.CreateMul(e_.i64(static_cast<int64_t>(r)), e_.dim(value_stride_)));
      Value* f =
          spread(e_, e_.load(element_, e_.at(element_, factor, static_cast<int64_t>(r))), lanes_);
      for (size_t v = 0; v < width; ++v) {
        places.push_back(e_.at(element_, row, static_cast<int64_t>(v) * lanes_));
        sums.push_back(a_.mul(f, e_.load(vector_, places.back())));
      }
    }
    Value* weights = e_.at(element_, scratch_at(scores_at_), query);
    Value* values = place(v_, key_head_, first_key, column);
    llvm::Type* stored = storage_type(e_, v_.dtype);
    sums =
        e_.loop(e_.i64(0), keys, e_.i64(1), sums, [&](Value* key, llvm::ArrayRef<Value*> carried) {
          std::vector<Value*> out = carried.vec(), x;
          Value* from = e_.at(stored, values, ir.CreateMul(key, e_.dim(v_.strides[2])));
          for (int v = 0; v < vectors; ++v) {
            Value* shift = ir.CreateMul(e_.i64(int64_t{v} * lanes_), e_.dim(v_.strides[3]));
            x.push_back(load_vector(v_, e_.at(stored, from, shift), v_.strides[3],
                                    v + 1 == vectors ? mask : nullptr));
          }
          Value* weight = e_.at(element_, weights, ir.CreateMul(key, e_.i64(row_stride_)));
          for (size_t r = 0; r < rows; ++r) {
            Value* w = spread(
                e_, e_.load(element_, e_.at(element_, weight, static_cast<int64_t>(r))), lanes_);
            for (size_t v = 0; v < width; ++v) {
              out[r * width + v] = a_.fma(w, x[v], out[r * width + v]);
            }
          }
          return out;
        });
    for (size_t i = 0; i < sums.size(); ++i) e_.store(sums[i], places[i]);
  }

  void store_results(Value* count) {
    auto& ir = e_.ir();
    Value* results = scratch_at(results_at_);
    Value* sums = scratch_at(sum_at_);
    Value* width = e_.dim(value_width_);
    Value* none = ir.CreateICmpEQ(keys_end_, e_.i64(0));
    const auto store_row = [&](Value* query,
                               const std::function<void(Value*, Value*, Value*)>& row) {
      Value* sum = e_.load(element_, e_.at(element_, sums, query));
      // No keys at all: zeros.
      sum = ir.CreateSelect(none, llvm::ConstantFP::get(element_, 1), sum);
      Value* inverse = ir.CreateFDiv(llvm::ConstantFP::get(element_, 1), sum);
      Value* counts =
          op_.guarded ? ir.CreateFCmpOGT(sum, llvm::ConstantFP::get(element_, 0)) : nullptr;
      row(e_.at(element_, results, ir.CreateMul(query, e_.dim(value_stride_))), inverse, counts);
    };
    llvm::Type* stored = storage_type(e_, out_.dtype);
    e_.loop(e_.i64(0), count, e_.i64(1), [&](Value* query) {
      store_row(query, [&](Value* row, Value* inverse, Value* counts) {
        Value* to = place(out_, head_, ir.CreateAdd(first_, query), e_.i64(0));
        e_.loop(e_.i64(0), width, e_.i64(lanes_), [&](Value* column) {
          Value* x = e_.load(vector_, e_.at(element_, row, column));
          x = a_.mul(x, spread(e_, inverse, lanes_));
          if (counts) x = ir.CreateSelect(counts, x, a_.c(0));
          x = to_memory(e_, out_.dtype, x);
          Value* mask = e_.lane_mask(lanes_, ir.CreateSub(width, column));
          if (out_.strides[3].is(1)) {
            e_.masked_store(x, e_.at(stored, to, column), mask);
            return;
          }
          Value* numbers = ir.CreateAdd(spread(e_, column, lanes_), lane_numbers());
          Value* offsets = ir.CreateMul(numbers, spread(e_, e_.dim(out_.strides[3]), lanes_));
          ir.CreateMaskedScatter(x, ir.CreateGEP(stored, to, offsets),
                                 llvm::Align(stored->getScalarSizeInBits() / 8), mask);
        });
      });
    });
  }

  Emitter e_;
  AttentionTactic t_;
  op::Attention op_;
  bool has_bias_, double_;
  int lanes_;
  llvm::Type* element_;
  llvm::FixedVectorType* vector_;
  Arith a_;
  Operand q_, k_, v_, bias_, out_;
  Dim width_, value_width_, value_stride_;
  int64_t rows_ = 0;        ///< queries that tiles of results may touch
  int64_t row_stride_ = 0;  ///< queries in a row of scratch
  Dim queries_at_, scores_at_, results_at_, largest_at_, sum_at_, factor_at_, scratch_;
  // Of the current task.
  Value* first_ = nullptr;  ///< query
  Value* head_ = nullptr;
  Value* key_head_ = nullptr;
  Value* batch_ = nullptr;
  Value* vectors_ = nullptr;   ///< of queries
  Value* keys_end_ = nullptr;  ///< keys that any query of the block sees
};

}  // namespace

Status why_not_attention(const Kernel& kernel) {
  if (!kernel.attention) return error(Code::kUnsupported, "not an attention core");
  return {};
}

AttentionTactic attention_tactic(const Kernel& kernel, const Target& target) {
  AttentionTactic tactic;
  const int registers = target.vector_registers();
  const bool many = registers >= 32;
  tactic.keys = many ? 8 : 4;
  tactic.query_vectors = many ? 3 : 2;
  const int element = kernel.buffers[0].type.dtype == DType::kF64 ? 8 : 4;
  const int lanes = target.lanes(element * 8);
  // Columns of v in tiles of equal size; then as many queries as registers are left for.
  const Dim width = kernel.buffers[2].type.dims[3];
  int64_t columns = width.is_constant() ? (width.value() + lanes - 1) / lanes : 4;
  const int most = many ? 8 : 3;
  if (columns > most) {
    const int preferred[] = {4, 3, 5, 2};
    const auto* divides = std::find_if(std::begin(preferred), std::end(preferred),
                                       [&](int n) { return n <= most && columns % n == 0; });
    columns = divides != std::end(preferred) ? *divides : std::min(most, 4);
  }
  tactic.value_vectors = static_cast<int>(std::max<int64_t>(1, columns));
  tactic.queries = std::clamp((registers - 1 - tactic.value_vectors) / tactic.value_vectors, 1, 16);
  // Scores and queries stay in half of L1.
  const int64_t queries = int64_t{tactic.query_vectors} * lanes;
  tactic.key_block =
      std::clamp<int64_t>(target.l1_bytes / 2 / (queries * element) / 32 * 32, 32, 256);
  return tactic;
}

Result<GeneratedFunction> emit_attention(Module& module, const std::string& symbol,
                                         const Kernel& kernel, const AttentionTactic& tactic) {
  CARNOT_RETURN_IF_ERROR(why_not_attention(kernel));
  const auto positive = [](int64_t knob) { return knob >= 1 && knob <= 4096; };
  if (!positive(tactic.keys) || !positive(tactic.queries) || !positive(tactic.query_vectors) ||
      !positive(tactic.key_block) || !positive(tactic.value_vectors)) {
    return error(Code::kInvalidArgument, "attention: no such tactic");
  }
  return AttentionEmitter(module, symbol, kernel, tactic).run();
}

}  // namespace carnot::cpu
