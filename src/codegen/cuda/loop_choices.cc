// The choices of codegen/cuda/loops.h and what they would cost: memory traffic at the bandwidth
// that the accesses' strides leave, instructions, and the latency of what a thread does in turn.
#include <algorithm>
#include <cmath>

#include "codegen/cost.h"
#include "codegen/cuda/loops.h"
#include "codegen/cuda/planes.h"
#include "codegen/cuda/stage_text.h"
#include "codegen/cuda/strips.h"
#include "codegen/cuda/tiles.h"

namespace carnot::cuda {

namespace {

double likely_count(const std::vector<NestAxis>& axes) {
  double out = 1;
  for (const NestAxis& axis : axes) out *= static_cast<double>(axis.likely);
  return out;
}

int bytes_of(DType dtype) {
  return std::max(8, bits_of(dtype)) / 8;
}

/// What a GPU has; where a description does not say, what all recent ones have.
struct Machine {
  double sms, gbps, clock_ghz;
};
Machine machine_of(const DeviceDescription& device) {
  return {device.sms > 0 ? device.sms : 100.0, device.memory_gbps > 0 ? device.memory_gbps : 1500.0,
          device.clock_mhz > 0 ? device.clock_mhz / 1000.0 : 1.5};
}

class Chooser {
 public:
  Chooser(const Nest& nest, const DeviceDescription& device)
      : nest_(nest), machine_(machine_of(device)), points_(likely_count(nest.axes)) {
    for (const NestStage& stage : nest.stages) {
      if (stage.inner.empty()) continue;
      row_ = std::max(row_, likely_count(stage.inner));
      rows_ = true;
    }
  }

  std::vector<LoopChoice> run();

 private:
  int vector_max(bool inside) const;
  bool vector_fits(int vector, bool inside) const;
  void offer(LoopChoice::Method method, int sharing, int points, int vector, int strip = 1);
  void offer_planes();
  double predict(const LoopChoice& choice) const;
  double traffic(const NestStage& stage, const LoopChoice& choice) const;

  const Nest& nest_;
  Machine machine_;
  double points_;
  double row_ = 1;     ///< the most inner elements of a stage
  bool rows_ = false;  ///< some stage has inner axes
  std::vector<LoopChoice> choices_;
};

/// Every stage can take `vector` neighbours of its lane axis, and accesses gain by it.
bool Chooser::vector_fits(int vector, bool inside) const {
  bool gains = false;
  int widest = 1;
  for (const NestStage& stage : nest_.stages) {
    const std::vector<NestAxis>& axes = inside ? stage.inner : nest_.axes;
    if (axes.empty()) {
      if (inside) continue;
      return false;
    }
    const Dim& size = axes.back().size;
    if (!mod(size, Dim(vector)).is(0)) return false;
    const Lane lane{axes.back().symbol, vector};
    const auto look = [&](const NestAccess& access) {
      if (!is_vector(stage, access, lane)) return;
      gains = true;
      widest = std::max(widest, bytes_of(access.dtype));
    };
    std::for_each(stage.loads.begin(), stage.loads.end(), look);
    std::for_each(stage.stores.begin(), stage.stores.end(), look);
  }
  constexpr int kBytesMax = 32;  // of one access: two instructions
  return gains && vector * widest <= kBytesMax;
}

int Chooser::vector_max(bool inside) const {
  int narrowest = 8;
  for (const NestStage& stage : nest_.stages) {
    for (const NestAccess& access : stage.loads) {
      if (access.buffer >= 0) narrowest = std::min(narrowest, bytes_of(access.dtype));
    }
    for (const NestAccess& access : stage.stores) {
      narrowest = std::min(narrowest, bytes_of(access.dtype));
    }
  }
  for (int vector = 16 / narrowest; vector > 1; vector /= 2) {
    if (vector_fits(vector, inside)) return vector;
  }
  return 1;
}

/// Bytes that a stage moves, counted as the memory moves them: in sectors of 32 bytes.
double Chooser::traffic(const NestStage& stage, const LoopChoice& choice) const {
  constexpr double kSector = 32, kRun = 64;
  const bool inside = choice.method == LoopChoice::kRows && choice.sharing > 1;
  const std::vector<NestAxis>& axes = inside ? stage.inner : nest_.axes;
  const double elements = points_ * likely_count(stage.inner);
  double bytes = 0;
  const auto add = [&](const NestAccess& access) {
    if (access.buffer < 0) return;
    const double size = bytes_of(access.dtype);
    double touched = elements;
    // Elements that many points read are read from memory once.
    const auto skip = [&](const NestAxis& axis) {
      if (!access.offset.uses(axis.symbol)) touched /= static_cast<double>(axis.likely);
    };
    std::for_each(nest_.axes.begin(), nest_.axes.end(), skip);
    std::for_each(stage.inner.begin(), stage.inner.end(), skip);
    double per_element = size;
    if (!axes.empty()) {
      const AxisStep step = step_of(access, axes.back().symbol);
      const bool far = step.kind == AxisStep::kStrided || step.kind == AxisStep::kComputed;
      // Of a sector that a warp reads a little of, later reads find the rest in the caches, mostly.
      const bool turned = choice.method == LoopChoice::kTiles;
      if (far && !turned && choice.method != LoopChoice::kPlanes)
        per_element = std::min(kSector, 4 * size);
      // A thread of a short run of a row uses less than the memory gives at once.
      const double run = choice.sharing * choice.vector * size;
      if (!far && inside) per_element *= std::clamp(kRun / run, 1.0, 4.0);
      if (turned) per_element *= 1.3;  // two passes over shared memory
    }
    bytes += touched * per_element;
  };
  std::for_each(stage.loads.begin(), stage.loads.end(), add);
  std::for_each(stage.stores.begin(), stage.stores.end(), add);
  return bytes;
}

double Chooser::predict(const LoopChoice& choice) const {
  constexpr double kLaunchUs = 2, kLatencyUs = 0.7, kLanes = 128, kThreadsPerSm = 2048;
  constexpr double kInFlight = 4;    // loop turns whose loads overlap
  constexpr double kTileTurns = 16;  // elements that a thread of a tile takes
  constexpr double kCycles = 4;      // of an instruction whose result the next one waits for
  const bool inside = choice.method == LoopChoice::kRows;
  const bool tiles = choice.method == LoopChoice::kTiles;
  const double groups = points_ / (tiles ? kTileTurns : inside ? 1 : choice.vector * choice.strip);
  const double blocks = std::ceil(groups / choice.points);
  const double block_threads = choice.points * choice.sharing;
  double bytes = 0, instructions = 0, turns = 0, folds = 0, serial = 0;
  for (const NestStage& stage : nest_.stages) {
    const double inner = likely_count(stage.inner);
    const double stage_bytes = traffic(stage, choice);
    // Later stages of a row find it in the caches.
    bytes += &stage == &nest_.stages.front() || stage.folds() == false ? stage_bytes : 0;
    const double accesses = static_cast<double>(stage.loads.size() + stage.stores.size());
    // A strip shares what it loads.
    const double loading = (2 + 6.0 / choice.vector) / std::sqrt(choice.strip);
    const double per_element = cost_of(stage.body) + accesses * loading;
    instructions += points_ * inner * per_element;
    const double per_thread = std::ceil(inner / (choice.sharing * (inside ? choice.vector : 1)));
    turns += std::ceil(per_thread / kInFlight);
    serial += per_thread * choice.vector * choice.strip * per_element;
    if (stage.folds() && choice.sharing > 1) folds += choice.sharing > 32 ? 0.25 : 0.1;
  }
  const double resident = machine_.sms * kThreadsPerSm / block_threads;  // blocks at once
  const double waves = std::ceil(blocks / resident);
  const double busy = std::min(1.0, blocks * block_threads / (machine_.sms * 512));
  const double memory_us = bytes / (machine_.gbps * 1e3) / busy;
  const double compute_us =
      instructions / (machine_.sms * kLanes * machine_.clock_ghz * 1e3) / std::min(1.0, busy);
  const double serial_us = serial * kCycles / (machine_.clock_ghz * 1e3);
  const double latency_us = waves * (turns * kLatencyUs + folds + serial_us);
  return kLaunchUs + std::max({memory_us, compute_us, latency_us});
}

void Chooser::offer(LoopChoice::Method method, int sharing, int points, int vector, int strip) {
  LoopChoice choice{method, sharing, points, vector, strip, 0};
  choice.predicted_us = predict(choice);
  choices_.push_back(choice);
}

void Chooser::offer_planes() {
  constexpr int kSizes = 3;  // smaller ones only touch less at once
  constexpr double kGap =
      0.01;  // of each access more that a thread's pixels take: it skips others'
  int sizes = 0;
  for (int pixels = 16; pixels > 0 && sizes < kSizes; pixels /= 2) {
    const auto planes = planes_of(nest_, pixels);
    if (!planes) continue;
    ++sizes;
    int accesses = 1;
    for (const auto* at_once : {&planes->loads, &planes->stores}) {
      for (const int elements : *at_once) {
        if (elements > 0) accesses = std::max(accesses, planes->channels * pixels / elements);
      }
    }
    for (const int threads : {256, 128}) {
      offer(LoopChoice::kPlanes, 1, threads, pixels, planes->channels);
      choices_.back().predicted_us *= 1 + kGap * (accesses - 1);
    }
  }
}

std::vector<LoopChoice> Chooser::run() {
  const int vector = vector_max(false);
  for (int v = vector; v >= 1; v = v == vector ? v / 2 : 0) {
    for (const int threads : {256, 128, 64}) offer(LoopChoice::kPoints, 1, threads, v);
  }
  if (vector > 2) {
    for (const int threads : {256, 64}) offer(LoopChoice::kPoints, 1, threads, 1);
  }
  if (const auto tiling = tiling_of(nest_)) {
    offer(LoopChoice::kTiles, 1, 256, 1);
  }
  offer_planes();
  if (strips_of(nest_)) {
    const NestAxis& axis = nest_.axes[nest_.axes.size() - 2];
    constexpr int kStripMax = 32;  // accumulators that leave registers for what is loaded
    for (const int strip : {2, 4, 7}) {
      if (!mod(axis.size, Dim(strip)).is(0)) continue;
      for (int v = vector; v >= 1; v = v == vector && v > 1 ? v / 2 : 0) {
        if (v * strip <= kStripMax) offer(LoopChoice::kStrips, 1, 128, v, strip);
      }
    }
  }
  if (rows_) {
    const int wide = vector_max(true);
    for (int v = wide; v >= 1; v = v == wide && v > 1 ? 1 : 0) {
      for (const int sharing : {4, 8, 16, 32, 64, 128, 256, 512, 1024}) {
        if (sharing > 4 && sharing / 2 * v >= row_) break;  // half of them would do
        offer(LoopChoice::kRows, sharing, std::max(1, 128 / sharing), v);
      }
    }
    for (const int sharing : {4, 8, 16, 32}) {
      if (sharing * 2 > row_) break;
      offer(LoopChoice::kColumns, sharing, std::max(16, 256 / sharing), vector);
      if (vector > 1) offer(LoopChoice::kColumns, sharing, std::max(16, 256 / sharing), 1);
    }
  }
  std::stable_sort(choices_.begin(), choices_.end(), [](const LoopChoice& a, const LoopChoice& b) {
    return a.predicted_us < b.predicted_us;
  });
  return std::move(choices_);
}

}  // namespace

std::string to_string(const LoopChoice& choice) {
  constexpr const char* kNames[] = {"points", "rows", "columns", "tiles", "strips", "planes"};
  return cat(kNames[choice.method], " ", choice.sharing, "x", choice.points, " v", choice.vector,
             choice.strip > 1 ? cat(" s", choice.strip) : "");
}

Result<std::vector<LoopChoice>> loop_choices(const Kernel& kernel, const DeviceDescription& device,
                                             const Symbols& likely) {
  if (kernel.attention) return error(Code::kUnsupported, "attention is not a loop nest");
  CARNOT_ASSIGN(const Nest nest, make_nest(kernel, likely));
  return Chooser(nest, device).run();
}

}  // namespace carnot::cuda
