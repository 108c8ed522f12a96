#include "codegen/cpu/transpose.h"

#include <algorithm>

#include "codegen/cost.h"
#include "codegen/cpu/stage_point.h"

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

constexpr int64_t kChannelsMax = 4;  // that are interleaved
constexpr int64_t kTaskBytes = 16 << 10;
constexpr int kInlineCost = 6;  // of a program that is repeated for each row of a block

struct Shape2 {
  size_t write = 0;  ///< axis that stores step over by one
  size_t read = 0;   ///< axis that loads step over by one
  bool interleave = false;
  std::vector<size_t> turned;  ///< loads that come through blocks
};

bool all_stores(const NestStage& stage, const NestAxis& axis, AxisStep::Kind kind) {
  return std::all_of(stage.stores.begin(), stage.stores.end(), [&](const NestAccess& store) {
    return step_of(store, axis.symbol).kind == kind;
  });
}

/// A load that steps over `read` by one and over `write` by more.
bool is_turned(const NestAccess& load, const NestAxis& read, const NestAxis& write) {
  if (load.buffer == kExpression || uses_loads(load.offset)) return false;
  const AxisStep along = step_of(load, read.symbol), across = step_of(load, write.symbol);
  return along.kind == AxisStep::kUnit && across.kind == AxisStep::kStrided && !along.guarded &&
         !across.guarded && load.guards.empty();
}

Result<Shape2> shape_of(const Nest& nest, const Target& target) {
  const auto no = [](const char* reason) { return error(Code::kUnsupported, reason); };
  if (nest.stages.size() != 1 || nest.stages[0].folds() || !nest.stages[0].inner.empty()) {
    return no("not one storing stage");
  }
  const NestStage& stage = nest.stages[0];
  const int lanes = target.lanes(32);
  for (size_t w = 0; w < nest.axes.size(); ++w) {
    if (!all_stores(stage, nest.axes[w], AxisStep::kUnit)) continue;
    Shape2 out;
    out.write = w;
    for (size_t r = 0; r < nest.axes.size(); ++r) {
      if (r == w) continue;
      out.turned.clear();
      for (size_t i = 0; i < stage.loads.size(); ++i) {
        if (is_turned(stage.loads[i], nest.axes[r], nest.axes[w])) out.turned.push_back(i);
      }
      if (out.turned.empty()) continue;
      out.read = r;
      const NestAxis& write = nest.axes[w];
      const auto follows = [&](const NestAccess& store) {
        const AxisStep step = step_of(store, nest.axes[r].symbol);
        return step.kind == AxisStep::kStrided && step.stride == write.size;
      };
      out.interleave = write.size.is_constant() && write.size.value() <= kChannelsMax &&
                       std::all_of(stage.stores.begin(), stage.stores.end(), follows);
      if (out.interleave) return out;
      // Small on one side, a block would be mostly empty.
      if (nest.axes[w].likely * 2 < lanes || nest.axes[r].likely * 2 < lanes) continue;
      return out;
    }
    return no("reads and writes along the same axis");
  }
  return no("no axis that is written in order");
}

class TransposeEmitter {
 public:
  TransposeEmitter(Module& module, const std::string& symbol, Nest nest, Shape2 shape)
      : e_(module, symbol),
        nest_(std::move(nest)),
        shape_(std::move(shape)),
        stage_(nest_.stages[0]),
        lanes_(module.target().lanes(32)),
        write_(nest_.axes[shape_.write]),
        read_(nest_.axes[shape_.read]) {
    for (size_t i = 0; i < nest_.axes.size(); ++i) {
      if (i != shape_.write && i != shape_.read) outer_.push_back(nest_.axes[i]);
    }
    int bits = 8;
    for (const NestAccess& store : stage_.stores) bits = std::max(bits, bits_of(store.dtype));
    const int64_t row = kTaskBytes * 8 / bits;  // elements of a task
    if (shape_.interleave) {
      write_chunk_ = write_.likely;
      read_chunk_ = std::max<int64_t>(1, row / write_.likely / lanes_) * lanes_;
    } else {
      write_chunk_ = std::clamp<int64_t>(write_.likely, lanes_, row / lanes_);
      write_chunk_ = (write_chunk_ + lanes_ - 1) / lanes_ * lanes_;
      read_chunk_ = std::max<int64_t>(1, row / write_chunk_ / lanes_) * lanes_;
    }
  }

  GeneratedFunction run() {
    auto& ir = e_.ir();
    const Dim write_chunks = ceil_div(write_.size, Dim(write_chunk_));
    const Dim read_chunks = ceil_div(read_.size, Dim(read_chunk_));
    e_.for_each_task([&](Value* task) {
      const auto take = [&](const Dim& count) {
        Value* size = e_.dim(count);
        Value* index = ir.CreateURem(task, size);
        task = ir.CreateUDiv(task, size);
        return index;
      };
      const auto range = [&](Value* chunk, int64_t step, const Dim& size) {
        Value* begin = ir.CreateMul(chunk, e_.i64(step));
        Value* end = ir.CreateAdd(begin, e_.i64(step));
        end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, end, e_.dim(size));
        return std::pair(begin, end);
      };
      const auto [write_begin, write_end] = range(take(write_chunks), write_chunk_, write_.size);
      const auto [read_begin, read_end] = range(take(read_chunks), read_chunk_, read_.size);
      StagePoint point(e_, stage_);
      Bindings outer;
      for (size_t i = outer_.size(); i-- > 0;) outer[outer_[i].symbol] = take(outer_[i].size);
      point.bind_all(outer);
      if (shape_.interleave)
        emit_interleaved(point, read_begin, read_end);
      else
        emit_blocks(point, {write_begin, write_end}, {read_begin, read_end});
    });
    GeneratedFunction made = e_.finish();
    made.tasks = write_chunks * read_chunks;
    for (const NestAxis& axis : outer_) made.tasks = made.tasks * axis.size;
    return made;
  }

 private:
  using Range = std::pair<Value*, Value*>;

  void emit_blocks(const StagePoint& point, Range write, Range read) {
    auto& ir = e_.ir();
    Value* step = e_.i64(lanes_);
    const auto whole_end = [&](Range range) {
      Value* length = ir.CreateSub(range.second, range.first);
      return ir.CreateAdd(range.first, ir.CreateAnd(length, e_.i64(-lanes_)));
    };
    Value* read_whole = whole_end(read);
    Value* write_whole = whole_end(write);
    const auto along_write = [&](Value* p, Value* rows) {
      e_.loop(write.first, write_whole, step,
              [&](Value* v) { emit_block(point, p, rows, v, nullptr, nullptr); });
      if (write_.size.is_constant() && write_.size.value() % lanes_ == 0) return;
      e_.loop(write_whole, write.second, step, [&](Value* v) {
        Value* mask = e_.lane_mask(lanes_, ir.CreateSub(write.second, v));
        emit_block(point, p, rows, v, write.second, mask);
      });
    };
    e_.loop(read.first, read_whole, step, [&](Value* p) { along_write(p, nullptr); });
    if (read_.size.is_constant() && read_.size.value() % lanes_ == 0) return;
    e_.loop(read_whole, read.second, step,
            [&](Value* p) { along_write(p, ir.CreateSub(read.second, p)); });
  }

  /// `rows` null: a full block. `write_end` and `mask`: of a block that is not full across.
  void emit_block(const StagePoint& point, Value* p, Value* rows, Value* v, Value* write_end,
                  Value* mask) {
    const bool inline_rows =
        rows == nullptr && mask == nullptr && cost_of(stage_.body) <= kInlineCost;
    std::vector<std::vector<Value*>> blocks;
    for (const size_t load : shape_.turned) {
      blocks.push_back(load_block(point, load, p, rows, v, write_end));
    }
    const Lanes lanes = {write_.symbol, v, 0, lanes_, mask};
    const auto row = [&](Value* index, const std::vector<Value*>& values) {
      StagePoint at = point;
      at.bind(read_.symbol, index);
      for (size_t i = 0; i < shape_.turned.size(); ++i) {
        at.set_load(static_cast<int>(shape_.turned[i]),
                    from_memory(e_, stage_.loads[shape_.turned[i]].dtype, values[i]));
      }
      at.store(lanes, at.at(lanes));
    };
    if (inline_rows) {
      for (int i = 0; i < lanes_; ++i) {
        std::vector<Value*> values;
        for (const auto& block : blocks) values.push_back(block[static_cast<size_t>(i)]);
        row(e_.ir().CreateAdd(p, e_.i64(i)), values);
      }
      return;
    }
    std::vector<Value*> tiles;
    for (const auto& block : blocks) {
      llvm::Type* type = block[0]->getType();
      Value* tile = e_.stack(type, lanes_);
      for (size_t i = 0; i < block.size(); ++i) {
        e_.store(block[i], e_.at(type, tile, static_cast<int64_t>(i)));
      }
      tiles.push_back(tile);
    }
    e_.loop(e_.i64(0), rows == nullptr ? e_.i64(lanes_) : rows, e_.i64(1), [&](Value* i) {
      std::vector<Value*> values;
      for (size_t b = 0; b < tiles.size(); ++b) {
        llvm::Type* type = blocks[b][0]->getType();
        values.push_back(e_.load(type, e_.at(type, tiles[b], i)));
      }
      row(e_.ir().CreateAdd(p, i), values);
    });
  }

  /// Rows along `read`, one for each index along `write`, transposed.
  std::vector<Value*> load_block(const StagePoint& point, size_t load, Value* p, Value* rows,
                                 Value* v, Value* write_end) {
    auto& ir = e_.ir();
    const NestAccess& of = stage_.loads[load];
    auto* type = llvm::cast<llvm::FixedVectorType>(with_lanes(storage_type(e_, of.dtype), lanes_));
    Bindings bindings = point.bindings();
    bindings[read_.symbol] = p;
    bindings[write_.symbol] = e_.i64(0);
    Value* base =
        e_.at(type->getElementType(), e_.buffer(of.buffer), e_.index(of.offset, bindings));
    Value* stride = e_.dim(step_of(of, write_.symbol).stride);
    Value* mask = rows == nullptr ? nullptr : e_.lane_mask(lanes_, rows);
    std::vector<Value*> block;
    for (int i = 0; i < lanes_; ++i) {
      Value* index = ir.CreateAdd(v, e_.i64(i));
      // Beyond the end the last row is read again.
      if (write_end != nullptr) {
        index = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, index,
                                         ir.CreateSub(write_end, e_.i64(1)));
      }
      Value* pointer = e_.at(type->getElementType(), base, ir.CreateMul(index, stride));
      block.push_back(mask == nullptr ? e_.load(type, pointer)
                                      : e_.masked_load(type, pointer, mask));
    }
    return transposed(e_, block);
  }

  void emit_interleaved(const StagePoint& point, Value* begin, Value* end) {
    auto& ir = e_.ir();
    const int64_t channels = write_.size.value();
    Value* whole = ir.CreateAdd(begin, ir.CreateAnd(ir.CreateSub(end, begin), e_.i64(-lanes_)));
    std::vector<StagePoint> each;
    for (int64_t c = 0; c < channels; ++c) {
      each.push_back(point);
      each.back().bind(write_.symbol, e_.i64(c));
    }
    const auto step = [&](Value* p, Value* left) {
      Value* mask = left == nullptr ? nullptr : e_.lane_mask(lanes_, left);
      const Lanes lanes = {read_.symbol, p, 0, lanes_, mask};
      std::vector<std::vector<Value*>> values;
      for (const StagePoint& channel : each) values.push_back(channel.at(lanes));
      for (size_t s = 0; s < stage_.stores.size(); ++s) {
        std::vector<Value*> rows;
        for (const auto& channel : values) {
          Value* value = spread(e_, channel[static_cast<size_t>(stage_.results[s])], lanes_);
          rows.push_back(to_memory(e_, stage_.stores[s].dtype, value));
        }
        store_interleaved(point, stage_.stores[s], rows, p, left);
      }
    };
    e_.loop(begin, whole, e_.i64(lanes_), [&](Value* p) { step(p, nullptr); });
    if (read_.size.is_constant() && read_.size.value() % lanes_ == 0) return;
    e_.loop(whole, end, e_.i64(lanes_), [&](Value* p) { step(p, ir.CreateSub(end, p)); });
  }

  void store_interleaved(const StagePoint& point, const NestAccess& of,
                         const std::vector<Value*>& rows, Value* p, Value* left) {
    auto& ir = e_.ir();
    const auto channels = static_cast<int>(rows.size());
    Bindings bindings = point.bindings();
    bindings[read_.symbol] = p;
    bindings[write_.symbol] = e_.i64(0);
    llvm::Type* element = storage_type(e_, of.dtype);
    Value* to = e_.at(element, e_.buffer(of.buffer), e_.index(of.offset, bindings));
    for (int m = 0; m < channels; ++m) {
      // Output lane k of vector m is element (m lanes + k) / channels of row (..) % channels.
      Value* out = nullptr;
      for (int c = 0; c < channels; ++c) {
        std::vector<int> pick;
        for (int k = 0; k < lanes_; ++k) {
          const int at = m * lanes_ + k;
          const bool mine = at % channels == c;
          pick.push_back(mine ? lanes_ + at / channels : out == nullptr ? 0 : k);
        }
        Value* before = out == nullptr ? llvm::PoisonValue::get(rows[0]->getType()) : out;
        out = ir.CreateShuffleVector(before, rows[static_cast<size_t>(c)], pick);
      }
      Value* pointer = e_.at(element, to, int64_t{m} * lanes_);
      if (left == nullptr) {
        e_.store(out, pointer);
        continue;
      }
      Value* count =
          ir.CreateSub(ir.CreateMul(left, e_.i64(channels)), e_.i64(int64_t{m} * lanes_));
      count = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, count, e_.i64(0));
      e_.masked_store(out, pointer, e_.lane_mask(lanes_, count));
    }
  }

  Emitter e_;
  Nest nest_;
  Shape2 shape_;
  const NestStage& stage_;
  int lanes_;
  NestAxis write_, read_;
  std::vector<NestAxis> outer_;
  int64_t write_chunk_ = 1, read_chunk_ = 1;
};

}  // namespace

Status why_not_transpose(const Kernel& kernel, const Target& target, const Symbols& likely) {
  if (kernel.attention) return error(Code::kUnsupported, "attention is not a transpose");
  CARNOT_ASSIGN(const Nest nest, make_nest(kernel, likely));
  return shape_of(nest, target).status();
}

double transpose_us(const Kernel& kernel, const Symbols& likely) {
  const Result<Nest> nest = make_nest(kernel, likely);
  if (!nest.ok()) return 0;
  double elements = 1;
  for (const NestAxis& axis : nest->axes) elements *= static_cast<double>(axis.likely);
  constexpr double kElementsPerUs = 8000;
  return elements * (1 + 0.1 * cost_of(nest->stages[0].body)) / kElementsPerUs;
}

Result<GeneratedFunction> emit_transpose(Module& module, const std::string& symbol,
                                         const Kernel& kernel, const Symbols& likely) {
  CARNOT_RETURN_IF_ERROR(why_not_transpose(kernel, module.target(), likely));
  CARNOT_ASSIGN(Nest nest, make_nest(kernel, likely));
  CARNOT_ASSIGN(Shape2 shape, shape_of(nest, module.target()));
  return TransposeEmitter(module, symbol, std::move(nest), std::move(shape)).run();
}

}  // namespace carnot::cpu
