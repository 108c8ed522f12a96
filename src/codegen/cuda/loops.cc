#include "codegen/cuda/loops.h"

#include <algorithm>
#include <numeric>

#include "codegen/cuda/planes.h"
#include "codegen/cuda/scalar_text.h"
#include "codegen/cuda/stage_text.h"
#include "codegen/cuda/strips.h"
#include "codegen/cuda/tiles.h"
#include "codegen/reuse.h"

namespace carnot::cuda {

namespace {

constexpr const char* kIncludes = R"(
#include "codegen/cuda/access.cuh"
#include "codegen/cuda/folds.cuh"
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/scalar.cuh"
)";

Dim count_of(const std::vector<NestAxis>& axes) {
  Dim out = 1;
  for (const NestAxis& axis : axes) out = out * axis.size;
  return out;
}

/// A bound of the element offsets inside a buffer.
Dim extent_of(const Buffer& buffer) {
  const Dims strides = strides_of(buffer);
  Dim out = 1;
  for (size_t i = 0; i < strides.size(); ++i) out = out + buffer.type.dims[i] * strides[i];
  return out;
}

std::string c_name(const std::string& symbol) {
  return cat("i", symbol.substr(1));
}

/// A fold's parts as C++: its type, its start, and how two values combine.
struct FoldText {
  std::string type, start, merge;
};

FoldText fold_text(const NestStage& stage) {
  const DType type = stage.accumulator;
  const std::string element = register_type(type);
  const bool largest = stage.combiner == Combiner::kMax || stage.combiner == Combiner::kArgMax;
  const bool least = stage.combiner == Combiner::kMin || stage.combiner == Combiner::kArgMin;
  std::string start =
      stage.combiner == Combiner::kProduct ? literal(type, 1, 1) : literal(type, 0, 0);
  if (largest || least) {
    const char* sign = largest ? "-" : "";
    if (type == DType::kBool) {
      start = least ? "true" : "false";
    } else if (is_float(type)) {
      start = cat(sign, type == DType::kF64 ? "infinity_f64()" : "infinity_f32()");
    } else {
      start = cat("Limits<", element, ">::", largest ? "least" : "largest");
    }
  }
  if (stage.is_arg()) {
    return {cat("Best<", element, ">"), cat("{", start, ", 0}"),
            cat("better_of<", largest ? "true" : "false", ">")};
  }
  ScalarInst inst;
  inst.op = largest                                ? ScalarOp::kMax
            : least                                ? ScalarOp::kMin
            : stage.combiner == Combiner::kProduct ? ScalarOp::kMul
                                                   : ScalarOp::kAdd;
  return {element, start, instruction_text(inst, {type, type}, {"a", "b"})};
}

class LoopWriter {
 public:
  LoopWriter(const Kernel& kernel, Nest nest, const LoopChoice& choice)
      : kernel_(kernel), nest_(std::move(nest)), choice_(choice), index_(nest_) {
    plan_residents();
    if (choice_.method == LoopChoice::kStrips) strips_ = strips_of(nest_);
  }

  Result<KernelSource> run(const std::string& function);

 private:
  bool shared() const { return choice_.sharing > 1; }
  bool lanes_inside() const { return choice_.method == LoopChoice::kRows; }
  /// The lane of a stage: along the last axis of the points, or of the stage.
  Lane lane_of(const NestStage& stage) const;
  void plan_residents();
  void place_thread();
  void share_residents(const NestStage& stage, StageText& text) const;
  void emit_stage(size_t number);
  void fold_strip(const NestStage& stage, const Slide& slide, const IndexNames& names);
  void store_strip(const NestStage& stage, const IndexNames& names);
  void emit_planes(const Planes& planes);
  void emit_pixels(const Planes& planes);
  void emit_tiles(const Tiling& tiling);
  void emit_tile_loop(const Tiling& tiling, bool reads, const std::function<void()>& body);
  void emit_inner(const NestStage& stage, size_t level, IndexNames& names, const Lane& lane,
                  const std::function<void(const IndexNames&)>& body);
  void emit_shared_inner(const NestStage& stage, IndexNames& names, const Lane& lane,
                         const std::function<void(const IndexNames&)>& body);
  void decompose(const std::vector<NestAxis>& axes, std::string number, int vector,
                 IndexNames& names);
  void emit_fold(const NestStage& stage, const IndexNames& names, const Lane& lane);
  std::string lane_place(const Lane& lane) const;
  std::string next_state(const NestStage& stage, const std::string& value, const IndexNames& at);
  void finish_fold(const NestStage& stage, const FoldText& fold);
  std::string assemble(const std::string& function, Dims& params) const;

  const Kernel& kernel_;
  Nest nest_;
  LoopChoice choice_;
  CodeText out_{1};
  IndexText index_;
  IndexNames names_;                 ///< of the kernel's axes
  std::vector<std::string> folded_;  ///< expressions, of lane "v" where they vary
  std::set<int> vectors_;            ///< buffers that are accessed 16 bytes at once
  Dim groups_ = 1;                   ///< of points, a vector each

  /// A load that several stages of a row share; its values stay in registers.
  struct Resident {
    size_t first;  ///< stage that loads it
    NestAccess access;
  };
  std::vector<Resident> residents_;
  std::optional<Strips> strips_;
  const NestStage* row_ = nullptr;  ///< a stage whose inner axes are the row's; null: none
  int rounds_ = 0;                  ///< vectors of a row that a thread has, where that is known
};

/// Rows that fit in the registers of their threads are read once.
void LoopWriter::plan_residents() {
  constexpr int64_t kElementsMax = 32;  // of one row in one thread
  constexpr size_t kResidentsMax = 3;
  if (choice_.method != LoopChoice::kRows) {
    reuse_row_values(nest_, /*keep=*/false);
    return;
  }
  const auto row = std::find_if(nest_.stages.begin(), nest_.stages.end(),
                                [](const NestStage& stage) { return !stage.inner.empty(); });
  const Dim total = row == nest_.stages.end() ? Dim(0) : count_of(row->inner);
  const int64_t at_once = int64_t{choice_.sharing} * choice_.vector;
  const bool fits = total.is_constant() && total.value() > 0 &&
                    (total.value() + at_once - 1) / at_once * choice_.vector <= kElementsMax;
  reuse_row_values(nest_, fits);
  if (!fits) return;
  row_ = &*row;
  rounds_ = static_cast<int>((total.value() + at_once - 1) / at_once);
  for (size_t s = 0; s < nest_.stages.size(); ++s) {
    const NestStage& stage = nest_.stages[s];
    if (!same_inner(stage, *row_)) continue;
    for (const NestAccess& load : stage.loads) {
      const auto again = [&](const NestStage& later) {
        return same_inner(later, *row_) &&
               std::any_of(later.loads.begin(), later.loads.end(),
                           [&](const NestAccess& other) { return same_access(load, other); });
      };
      const auto next = nest_.stages.begin() + static_cast<std::ptrdiff_t>(s) + 1;
      const bool known = std::any_of(residents_.begin(), residents_.end(),
                                     [&](const auto& r) { return same_access(r.access, load); });
      if (load.buffer < 0 || load.within || uses_loads(load.offset) || known ||
          residents_.size() == kResidentsMax || std::none_of(next, nest_.stages.end(), again)) {
        continue;
      }
      residents_.push_back({s, load});
    }
  }
}

/// Tells a stage which of its loads other stages share, and what is kept.
void LoopWriter::share_residents(const NestStage& stage, StageText& text) const {
  if (row_ == nullptr || !same_inner(stage, *row_)) return;
  const std::string at = choice_.vector > 1 ? cat("[k * ", choice_.vector, " + v]") : "[k]";
  const auto number = static_cast<size_t>(&stage - nest_.stages.data());
  for (size_t i = 0; i < stage.loads.size(); ++i) {
    if (stage.loads[i].buffer == kKeptRow) text.provide(i, "kept" + at);
    for (size_t r = 0; r < residents_.size(); ++r) {
      if (!same_access(residents_[r].access, stage.loads[i])) continue;
      const std::string place = cat("r", r, at);
      residents_[r].first == number ? text.retain(i, place) : text.provide(i, place);
    }
  }
}

Lane LoopWriter::lane_of(const NestStage& stage) const {
  if (choice_.vector == 1) return {};
  const std::vector<NestAxis>& axes = lanes_inside() ? stage.inner : nest_.axes;
  return axes.empty() ? Lane{} : Lane{axes.back().symbol, choice_.vector};
}

/// Indices of `number`, which counts points of `axes` row-major, `vector` of them at once.
void LoopWriter::decompose(const std::vector<NestAxis>& axes, std::string number, int vector,
                           IndexNames& names) {
  for (size_t i = axes.size(); i-- > 0;) {
    const std::string name = c_name(axes[i].symbol);
    const int width = i + 1 == axes.size()              ? vector
                      : strips_ && i + 2 == axes.size() ? choice_.strip
                                                        : 1;
    const Dim size = width == 1 ? axes[i].size : floor_div(axes[i].size, Dim(width));
    const std::string times = width == 1 ? "" : cat(" * ", width);
    names[axes[i].symbol] = name;
    if (i == 0) {
      out_.line(cat("const Index ", name, " = ", number, times, ";"));
      continue;
    }
    const std::string divisor = cat("Index(", index_.index(size, {}), ")");
    out_.line(cat("const Index ", name, " = rest(", number, ", ", divisor, ")", times, ";"));
    const std::string next = cat(name, "_up");
    out_.line(cat("const Index ", next, " = quotient(", number, ", ", divisor, ");"));
    number = next;
  }
}

/// Which point, and which part of its inner elements, the thread has.
void LoopWriter::place_thread() {
  const int vector = lanes_inside() ? 1 : choice_.vector;
  Dim count = count_of(nest_.axes);
  if (vector > 1 || strips_) {
    std::vector<NestAxis> axes = nest_.axes;
    axes.back().size = floor_div(axes.back().size, Dim(vector));
    if (strips_) {
      NestAxis& strip = axes[axes.size() - 2];
      strip.size = floor_div(strip.size, Dim(choice_.strip));
    }
    count = count_of(axes);
  }
  groups_ = count;
  out_.line("const int thread = static_cast<int>(threadIdx.x);");
  std::string own = "thread";
  if (shared()) {
    const bool neighbours = choice_.method == LoopChoice::kRows;
    own = cat("thread ", neighbours ? "/ " : "% ", neighbours ? choice_.sharing : choice_.points);
    out_.line(cat("const int part = thread ", neighbours ? "% " : "/ ",
                  neighbours ? choice_.sharing : choice_.points, ";"));
  }
  out_.line(cat("const Index number = Index(blockIdx.x) * ", choice_.points, " + ", own, ";"));
  std::string point = "number";
  if (shared()) {
    out_.line(cat("const bool live = number < ", index_.index(count, {}), ";"));
    out_.line(cat("const Index point = live ? number : 0;"));
    point = "point";
  } else {
    out_.line(cat("if (number >= ", index_.index(count, {}), ") return;"));
  }
  decompose(nest_.axes, point, vector, names_);
}

/// Nested loops over the stage's inner axes, all in this thread.
void LoopWriter::emit_inner(const NestStage& stage, size_t level, IndexNames& names,
                            const Lane& lane, const std::function<void(const IndexNames&)>& body) {
  const size_t levels = stage.inner.size() - (strips_ && stage.folds() ? 1 : 0);
  if (level == levels) return body(names);
  const NestAxis& axis = stage.inner[level];
  const std::string name = c_name(axis.symbol);
  const int step = axis.symbol == lane.symbol ? lane.count : 1;
  constexpr int64_t kUnrolled = 16;  // elements: a 3 x 3 window, and a little more
  const Dim inside =
      count_of({stage.inner.begin() + static_cast<std::ptrdiff_t>(level), stage.inner.end()});
  const bool whole = inside.is_constant() && inside.value() <= kUnrolled;
  if (strips_) {
    out_.directive("#pragma unroll 1");  // a strip is long enough
  } else if (whole || level + 1 == stage.inner.size()) {
    out_.directive(whole ? "#pragma unroll" : "#pragma unroll 4");
  }
  out_.open(cat("for (Index ", name, " = 0; ", name, " < ", index_.index(axis.size, {}), "; ", name,
                " += ", step, ") {"));
  names[axis.symbol] = name;
  emit_inner(stage, level + 1, names, lane, body);
  out_.close();
}

/// One loop over the stage's inner elements, which the threads of a point take in turn.
void LoopWriter::emit_shared_inner(const NestStage& stage, IndexNames& names, const Lane& lane,
                                   const std::function<void(const IndexNames&)>& body) {
  const int width = lanes_inside() ? lane.count : 1;
  const Dim total = floor_div(count_of(stage.inner), Dim(width));
  const std::string part = shared() ? "part" : "0";
  const bool resident = row_ != nullptr && same_inner(stage, *row_);
  bool partial = false;
  if (resident) {
    out_.directive("#pragma unroll");
    out_.open(cat("for (int k = 0; k < ", rounds_, "; ++k) {"));
    out_.line(cat("const Index j = ", part, " + k * ", choice_.sharing, ";"));
    partial = !total.is(int64_t{rounds_} * choice_.sharing);
    if (partial) out_.open(cat("if (j < ", index_.index(total, {}), ") {"));
  } else {
    out_.directive("#pragma unroll 4");
    out_.open(cat("for (Index j = ", part, "; j < ", index_.index(total, {}),
                  "; j += ", choice_.sharing, ") {"));
  }
  decompose(stage.inner, "j", width, names);
  body(names);
  if (partial) out_.close();
  out_.close();
}

void LoopWriter::emit_fold(const NestStage& stage, const IndexNames& names, const Lane& lane) {
  const size_t number = folded_.size();
  const std::string state = cat("f", number, lane_place(lane));
  StageText text(out_, index_, stage, lane, vectors_);
  share_residents(stage, text);
  const std::string kept =
      choice_.vector > 1 ? cat("kept[k * ", choice_.vector, " + v]") : "kept[k]";
  text.emit(names, folded_, "", [&](const std::string& value, const IndexNames& at) {
    if (stage.keep) out_.line(cat(kept, " = ", value, ";"));
    out_.line(cat(state, " = merge", number, "(", state, ", ", next_state(stage, value, at), ");"));
  });
}

/// Where a fold's state lies: one for each lane along the points.
std::string LoopWriter::lane_place(const Lane& lane) const {
  if (strips_) return cat("[r * ", choice_.vector, choice_.vector > 1 ? " + v]" : "]");
  return !lanes_inside() && lane.count > 1 ? "[v]" : "";
}

/// A stage's value as a fold takes it.
std::string LoopWriter::next_state(const NestStage& stage, const std::string& value,
                                   const IndexNames& at) {
  const DType type = stage.types[static_cast<size_t>(stage.results[0])];
  const std::string next = cast_text(type, stage.accumulator, value);
  if (!stage.is_arg()) return next;
  Dim position = 0;
  for (const NestAxis& axis : stage.inner) {
    position = position * axis.size + Dim::symbol(axis.symbol);
  }
  return cat("Best<", register_type(stage.accumulator), ">{", next, ", ", index_.wide(position, at),
             "}");
}

/// Combines what the threads of a point have folded, and names the result.
void LoopWriter::finish_fold(const NestStage& stage, const FoldText& fold) {
  const size_t number = folded_.size();
  const int lanes = lanes_inside() ? 1 : choice_.vector;
  const std::string state = cat("f", number, lane_place(lane_of(stage)));
  if (shared()) {
    const int threads = choice_.sharing * choice_.points;
    const bool rows = choice_.method == LoopChoice::kRows;
    const int slots = rows ? std::max(1, threads / 32) : threads * lanes;
    out_.line(cat("__shared__ ", fold.type, " s", number, "[", slots, "];"));
    if (lanes > 1) {
      out_.directive("#pragma unroll");
      out_.open(cat("for (int v = 0; v < ", lanes, "; ++v) {"));
    }
    const std::string slot = lanes > 1 ? cat("s", number, " + v * ", threads) : cat("s", number);
    const std::string reduce =
        rows ? cat("reduce_row<", choice_.sharing, ">")
             : cat("reduce_column<", choice_.sharing, ", ", choice_.points, ">");
    out_.line(cat(state, " = ", reduce, "(", state, ", ", slot, ", merge", number, ");"));
    if (lanes > 1) out_.close();
  }
  folded_.push_back(stage.is_arg() ? state + ".at" : state);
}

void LoopWriter::emit_stage(size_t s) {
  const NestStage& stage = nest_.stages[s];
  index_.enter(stage);
  const Lane lane = lane_of(stage);
  IndexNames names = names_;
  FoldText fold;
  const size_t number = folded_.size();
  if (stage.folds()) {
    fold = fold_text(stage);
    const int lanes = lanes_inside() ? 1 : choice_.vector * choice_.strip;
    const std::string pair = cat("(", fold.type, " a, ", fold.type, " b) -> ", fold.type);
    const std::string how = stage.is_arg() ? cat(fold.merge, "(a, b)")
                                           : cat("static_cast<", fold.type, ">(", fold.merge, ")");
    out_.line(cat("const auto merge", number, " = []", pair, " { return ", how, "; };"));
    if (lanes == 1 && !strips_) {
      out_.line(cat(fold.type, " f", number, " = ", fold.start, ";"));
    } else {
      out_.line(cat(fold.type, " f", number, "[", lanes, "];"));
      out_.directive("#pragma unroll");
      out_.line(cat("for (int v = 0; v < ", lanes, "; ++v) f", number, "[v] = ", fold.start, ";"));
    }
  }
  const auto body = [&](const IndexNames& at) {
    if (strips_ && stage.folds()) return fold_strip(stage, strips_->stages[s], at);
    if (strips_) return store_strip(stage, at);
    if (stage.folds()) return emit_fold(stage, at, lane);
    StageText text(out_, index_, stage, lane, vectors_);
    share_residents(stage, text);
    text.emit(at, folded_, shared() ? "live" : "", {});
  };
  if (!shared() && (choice_.method != LoopChoice::kRows || stage.inner.empty())) {
    out_.open("{");
    emit_inner(stage, 0, names, lane, body);
    out_.close();
  } else if (stage.inner.empty()) {
    out_.open("if (part == 0) {");
    body(names);
    out_.close();
  } else {
    emit_shared_inner(stage, names, lane, body);
  }
  if (stage.folds()) finish_fold(stage, fold);
}

/// The last inner axis for a strip of points, from what is loaded once for all of them.
void LoopWriter::fold_strip(const NestStage& stage, const Slide& slide, const IndexNames& names) {
  const Lane lane = lane_of(stage);
  const int elements = slide.step * (choice_.strip - 1) + slide.size;
  const std::string inner = stage.inner.back().symbol;
  const std::string axis = nest_.axes[nest_.axes.size() - 2].symbol;
  const auto at_lane = [&](const std::string& row) {
    return cat("[", choice_.vector > 1 ? cat("(", row, ") * ", choice_.vector, " + v") : row, "]");
  };
  StageText text(out_, index_, stage, lane, vectors_);
  const auto each = [&](bool sliding, const auto& visit) {
    for (size_t i = 0; i < stage.loads.size(); ++i) {
      if (slide.loads[i] == sliding) visit(i, register_type(stage.loads[i].dtype));
    }
  };
  each(true, [&](size_t i, const char* type) {
    out_.line(cat(type, " slide", i, "[", elements * choice_.vector, "];"));
    out_.directive("#pragma unroll");
    out_.open(cat("for (int u = 0; u < ", elements, "; ++u) {"));
    IndexNames at = names;
    at[inner] = "u";
    text.read(i, at, cat("slide", i, at_lane("u")));
    out_.close();
    text.provide(i, cat("slide", i, at_lane(cat("m + r * ", slide.step))));
  });
  out_.directive("#pragma unroll");
  out_.open(cat("for (int m = 0; m < ", slide.size, "; ++m) {"));
  IndexNames at = names;
  at[inner] = "m";
  each(false, [&](size_t i, const char* type) {
    out_.line(cat(type, " fixed", i, "[", choice_.vector, "];"));
    text.read(i, at, cat("fixed", i, at_lane("0")));
    text.provide(i, cat("fixed", i, at_lane("0")));
  });
  out_.directive("#pragma unroll");
  out_.open(cat("for (int r = 0; r < ", choice_.strip, "; ++r) {"));
  at[axis] = cat("(", names.find(axis)->second, " + r)");
  const std::string state = cat("f", folded_.size(), lane_place(lane));
  text.emit(at, folded_, "", [&](const std::string& value, const IndexNames& point) {
    out_.line(cat(state, " = merge", folded_.size(), "(", state, ", ",
                  next_state(stage, value, point), ");"));
  });
  out_.close();
  out_.close();
}

void LoopWriter::store_strip(const NestStage& stage, const IndexNames& names) {
  const std::string axis = nest_.axes[nest_.axes.size() - 2].symbol;
  out_.directive("#pragma unroll");
  out_.open(cat("for (int r = 0; r < ", choice_.strip, "; ++r) {"));
  IndexNames at = names;
  at[axis] = cat("(", names.find(axis)->second, " + r)");
  StageText(out_, index_, stage, lane_of(stage), vectors_).emit(at, folded_, "", {});
  out_.close();
}

/// Which pixels the thread has.
void LoopWriter::emit_planes(const Planes& planes) {
  std::vector<NestAxis> axes = nest_.axes;
  const NestAxis pixel = axes[planes.pixel];
  axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(std::max(planes.pixel, planes.channel)));
  axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(std::min(planes.pixel, planes.channel)));
  axes.push_back(pixel);
  groups_ = floor_div(count_of(axes), Dim(choice_.vector));
  out_.line("const int thread = static_cast<int>(threadIdx.x);");
  out_.line(cat("const Index number = Index(blockIdx.x) * ", choice_.points, " + thread;"));
  out_.line(cat("if (number >= ", index_.index(groups_, {}), ") return;"));
  decompose(axes, "number", choice_.vector, names_);
  emit_pixels(planes);
}

/// What lies pixel by pixel is read before the channels are worked on and written afterwards.
void LoopWriter::emit_pixels(const Planes& planes) {
  const NestStage& stage = nest_.stages[0];
  const std::string channel = nest_.axes[planes.channel].symbol;
  const int count = planes.channels * choice_.vector;
  const std::string at = choice_.vector > 1 ? cat("[v * ", planes.channels, " + d]") : "[d]";
  index_.enter(stage);
  StageText text(out_, index_, stage, {nest_.axes[planes.pixel].symbol, choice_.vector}, vectors_);
  IndexNames first = names_;
  first[channel] = "0";
  const auto run = [&](const char* verb, const NestAccess& access, int at_once,
                       const std::string& name) {
    vectors_.insert(access.buffer);
    return cat(verb, "_run<kAligned, ", at_once, ">(&", text.address(access, first), ", ", name,
               ");");
  };
  for (size_t i = 0; i < stage.loads.size(); ++i) {
    if (planes.loads[i] == 0) continue;
    const NestAccess& load = stage.loads[i];
    const std::string name = cat("in", i), inside = index_.condition(load.guards, first);
    out_.line(cat(storage_type(load.dtype), " ", name, "[", count, "];"));
    if (!inside.empty()) {
      out_.directive("#pragma unroll");
      out_.line(cat("for (int e = 0; e < ", count, "; ++e) ", name,
                    "[e] = ", text.otherwise(load, /*in_memory=*/true), ";"));
    }
    out_.line(cat(inside.empty() ? "" : cat("if (", inside, ") "),
                  run("load", load, planes.loads[i], name)));
    text.provide(i, from_memory(load.dtype, name + at));
  }
  for (size_t k = 0; k < stage.stores.size(); ++k) {
    if (planes.stores[k] == 0) continue;
    out_.line(cat(storage_type(stage.stores[k].dtype), " out", k, "[", count, "];"));
    text.redirect(k, cat("out", k, at));
  }
  out_.directive("#pragma unroll");
  out_.open(cat("for (int d = 0; d < ", planes.channels, "; ++d) {"));
  names_[channel] = "Index(d)";
  text.emit(names_, folded_, "", {});
  out_.close();
  for (size_t k = 0; k < stage.stores.size(); ++k) {
    if (planes.stores[k] == 0) continue;
    out_.line(run("store", stage.stores[k], planes.stores[k], cat("out", k)));
  }
}

/// A loop over the tile's elements, along the axis in which memory is contiguous.
void LoopWriter::emit_tile_loop(const Tiling& tiling, bool reads,
                                const std::function<void()>& body) {
  const int fast = reads ? tiling.read_size : tiling.write_size;
  const NestAxis &read = nest_.axes[tiling.read], &write = nest_.axes[tiling.write];
  out_.directive("#pragma unroll 8");
  out_.open(cat("for (int k = thread; k < ", tiling.read_size * tiling.write_size,
                "; k += ", choice_.points, ") {"));
  out_.line(cat("const int ", reads ? "r" : "w", " = k % ", fast, ", ", reads ? "w" : "r",
                " = k / ", fast, ";"));
  const std::string i = c_name(read.symbol), j = c_name(write.symbol);
  out_.line(cat("const Index ", i, " = first_", i, " + r, ", j, " = first_", j, " + w;"));
  out_.open(cat("if (", i, " < ", index_.index(read.size, {}), " && ", j, " < ",
                index_.index(write.size, {}), ") {"));
  body();
  out_.close();
  out_.close();
}

void LoopWriter::emit_tiles(const Tiling& tiling) {
  const NestStage& stage = nest_.stages[0];
  // A block's number counts tiles row-major, like points of axes of tiles.
  std::vector<NestAxis> tiles = nest_.axes;
  const auto in_tiles = [&](size_t axis, int size) {
    tiles[axis].size = ceil_div(tiles[axis].size, Dim(size));
  };
  in_tiles(tiling.read, tiling.read_size);
  in_tiles(tiling.write, tiling.write_size);
  groups_ = count_of(tiles) * Dim(choice_.points);
  out_.line("const int thread = static_cast<int>(threadIdx.x);");
  out_.line("const Index number = Index(blockIdx.x);");
  for (const size_t i : tiling.loads) {
    out_.line(cat("__shared__ ", storage_type(stage.loads[i].dtype), " tile", i, "[",
                  tiling.write_size * tiling.pitch, "];"));
  }
  out_.line("Index up = number;");
  for (size_t a = tiles.size(); a-- > 0;) {
    const std::string name = c_name(tiles[a].symbol);
    const std::string count = cat("Index(", index_.index(tiles[a].size, {}), ")");
    const int width = a == tiling.read ? tiling.read_size : tiling.write_size;
    const bool tiled = a == tiling.read || a == tiling.write;
    names_[tiles[a].symbol] = name;
    out_.line(cat("const Index ", tiled ? "first_" : "", name, " = rest(up, ", count, ")",
                  tiled ? cat(" * ", width) : "", ";"));
    if (a > 0) out_.line(cat("up = quotient(up, ", count, ");"));
  }
  index_.enter(stage);
  emit_tile_loop(tiling, /*reads=*/true, [&] {
    StageText text(out_, index_, stage, {}, vectors_);
    for (const size_t i : tiling.loads) {
      out_.line(cat("tile", i, "[w * ", tiling.pitch, " + r] = ", text.raw_load(i, names_), ";"));
    }
  });
  out_.line("__syncthreads();");
  emit_tile_loop(tiling, /*reads=*/false, [&] {
    StageText text(out_, index_, stage, {}, vectors_);
    for (const size_t i : tiling.loads) {
      const std::string element = cat("tile", i, "[w * ", tiling.pitch, " + r]");
      text.provide(i, from_memory(stage.loads[i].dtype, element));
    }
    text.emit(names_, folded_, "", {});
  });
}

std::string LoopWriter::assemble(const std::string& function, Dims& params) const {
  std::string parameters, arguments;
  for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
    const Buffer& buffer = kernel_.buffers[i];
    parameters += cat(i ? ", " : "", buffer.output ? "" : "const ", storage_type(buffer.type.dtype),
                      "* __restrict__ b", i);
    arguments += cat(i ? ", " : "", "b", i);
  }
  if (has_faults(kernel_)) {
    parameters += ", Fault* fault";
    arguments += ", fault";
  }
  bool is_static = count_of(nest_.axes).is_constant();
  Dim bound = count_of(nest_.axes);
  for (const Buffer& buffer : kernel_.buffers) bound = max(bound, extent_of(buffer));
  for (const NestStage& stage : nest_.stages) bound = max(bound, count_of(stage.inner));
  is_static = bound.is_constant();
  params = index_.params();
  std::string limit;
  if (!is_static) {
    limit = cat("p", params.size());
    params.push_back(bound);
  }
  for (size_t i = 0; i < params.size(); ++i) {
    parameters += cat(", i64 p", i);
    arguments += cat(", p", i);
  }
  std::string aligned;
  for (const int buffer : vectors_) {
    aligned += cat(aligned.empty() ? "" : " && ", "is_aligned(b", buffer, ")");
  }
  const int threads = choice_.sharing * choice_.points;
  CodeText out;
  out.line(cat("// ", kernel_.name));
  out.directive(kIncludes);
  out.line("using namespace carnot;");
  out.line("template <class Index, bool kAligned>");
  out.open(cat("CARNOT_DEVICE void body(", parameters, ") {"));
  std::string text = out.text() + out_.text();
  CodeText entry;
  entry.line("}");
  entry.open(cat("extern \"C\" __global__ void __launch_bounds__(", threads, ") ", function, "(",
                 parameters, ") {"));
  entry.line("take_turn();");
  for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
    entry.line(cat("b", i, " = fresh(b", i, ");"));
  }
  const auto call = [&](const char* index, bool is_aligned) {
    return cat("body<", index, ", ", is_aligned ? "true" : "false", ">(", arguments, ");");
  };
  const bool is_large = is_static && bound.value() > IndexText::kIndexMax;
  const char* index = is_large ? "i64" : "int";
  if (!is_static)
    entry.line(cat("if (", limit, " > ", IndexText::kIndexMax, ") return ", call("i64", false)));
  if (!aligned.empty()) entry.line(cat("if (", aligned, ") return ", call(index, true)));
  entry.line(call(index, false));
  entry.close();
  return text + entry.text();
}

Result<KernelSource> LoopWriter::run(const std::string& function) {
  const std::optional<Tiling> tiling =
      choice_.method == LoopChoice::kTiles ? tiling_of(nest_) : std::nullopt;
  const std::optional<Planes> planes =
      choice_.method == LoopChoice::kPlanes ? planes_of(nest_, choice_.vector) : std::nullopt;
  if (tiling) {
    emit_tiles(*tiling);
  } else if (planes) {
    emit_planes(*planes);
  } else {
    place_thread();
  }
  const std::string size = cat("[", rounds_ * choice_.vector, "];");
  for (size_t r = 0; r < residents_.size(); ++r) {
    out_.line(cat(register_type(residents_[r].access.dtype), " r", r, size));
  }
  for (const NestStage& stage : nest_.stages) {
    if (!stage.keep) continue;
    out_.line(
        cat(register_type(stage.types[static_cast<size_t>(stage.results[0])]), " kept", size));
  }
  for (size_t s = 0; s < nest_.stages.size() && !tiling && !planes; ++s) emit_stage(s);
  KernelSource out;
  out.function = function;
  out.text = assemble(function, out.params);
  out.threads = choice_.sharing * choice_.points;
  out.has_faults = has_faults(kernel_);
  out.pointers = static_cast<int>(kernel_.buffers.size()) + (out.has_faults ? 1 : 0);
  out.dependent_launch = true;
  out.tasks = ceil_div(groups_, Dim(choice_.points));
  return out;
}

}  // namespace

Result<KernelSource> loop_source(const std::string& function, const Kernel& kernel,
                                 const Symbols& likely, const LoopChoice& choice) {
  if (kernel.attention) return error(Code::kUnsupported, "attention is not a loop nest");
  CARNOT_ASSIGN(Nest nest, make_nest(kernel, likely));
  if (choice.method == LoopChoice::kTiles && !tiling_of(nest)) {
    return error(Code::kInvalidArgument, "loops: no load of this kernel is turned");
  }
  if (choice.method == LoopChoice::kStrips && !strips_of(nest)) {
    return error(Code::kInvalidArgument, "loops: no window of this kernel slides");
  }
  if (choice.method == LoopChoice::kPlanes) {
    const std::optional<Planes> planes = planes_of(nest, choice.vector);
    if (!planes || planes->channels != choice.strip) {
      return error(Code::kInvalidArgument, "loops: no pixels of ", choice.strip, " channels turn");
    }
  }
  return LoopWriter(kernel, std::move(nest), choice).run(function);
}

}  // namespace carnot::cuda
