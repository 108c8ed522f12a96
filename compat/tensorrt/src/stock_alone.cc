#include "stock_alone.h"

#include "carnot/builder.h"
#include "carnot/engine.h"
#include "device_choice.h"
#include "registry.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::DimAtom;
using carnot::Result;
using carnot::Status;
using carnot::TensorType;

constexpr int32_t kFailed = 1;      // what enqueue() says then
constexpr size_t kEnginesMax = 8;   // that a plugin keeps; a program has few shapes
constexpr size_t kChoicesMax = 32;  // of the inputs' types that are tried
const char* const kCall = "IPluginV2::enqueue";

std::string input_name(size_t i) {
  return cat("x", i);
}
std::string result_name(size_t i) {
  return cat("y", i);
}

/// Who is told: a plugin has no logger of its own.
void report(const StockPlugin& plugin, const Status& status) {
  Reporter reporter;
  reporter.set_recorder(plugin_registry().getErrorRecorder());
  reporter.error(kCall, Status(status).with(cat(plugin.row.name, " ", plugin.row.version)));
}

/// A size as the caller's expressions: `symbols` are what the names in it stand for.
class Written {
 public:
  using Known = std::map<std::string, IDimensionExpr const*, std::less<>>;
  Written(const Known& symbols, IExprBuilder& builder) : symbols_(symbols), builder_(builder) {}

  IDimensionExpr const* of(const Dim& dim) const {
    IDimensionExpr const* sum = nullptr;
    for (const Dim::Term& term : dim.terms()) {
      IDimensionExpr const* product = nullptr;
      for (const DimAtom& atom : term.factors) {
        product = both(DimensionOperation::kPROD, product, of(atom));
      }
      if (term.coefficient != 1 || !product) {
        product = both(DimensionOperation::kPROD, product, builder_.constant(term.coefficient));
      }
      sum = both(DimensionOperation::kSUM, sum, product);
    }
    if (sum && dim.constant_term() == 0) return sum;
    return both(DimensionOperation::kSUM, sum, builder_.constant(dim.constant_term()));
  }

 private:
  IDimensionExpr const* of(const DimAtom& atom) const {
    if (atom.kind == DimAtom::kSymbol) {
      const auto found = symbols_.find(atom.name);
      if (found == symbols_.end()) refuse("a size follows from the data: ?", atom.name);
      return found->second;
    }
    IDimensionExpr const* const a = of(atom.args[0]);
    IDimensionExpr const* const b = of(atom.args[1]);
    const auto make = [&](DimensionOperation op, IDimensionExpr const* x, IDimensionExpr const* y) {
      return builder_.operation(op, *x, *y);
    };
    switch (atom.kind) {
      case DimAtom::kFloorDiv:
        return make(DimensionOperation::kFLOOR_DIV, a, b);
      case DimAtom::kMin:
        return make(DimensionOperation::kMIN, a, b);
      case DimAtom::kMax:
        return make(DimensionOperation::kMAX, a, b);
      default:
        break;
    }
    IDimensionExpr const* const whole =
        make(DimensionOperation::kPROD, make(DimensionOperation::kFLOOR_DIV, a, b), b);
    return make(DimensionOperation::kSUB, a, whole);
  }
  IDimensionExpr const* both(DimensionOperation op, IDimensionExpr const* a,
                             IDimensionExpr const* b) const {
    return a ? builder_.operation(op, *a, *b) : b;
  }

  const Known& symbols_;
  IExprBuilder& builder_;
};

Result<Types> described(PluginTensorDesc const* io, int32_t count) {
  Types out;
  for (int32_t i = 0; i < count; ++i) {
    const auto dtype = dtype_of(io[i].type);
    if (!dtype || !is_valid(io[i].dims)) {
      return Status(carnot::Code::kInvalidArgument, cat("tensor ", i, " has no type or no sizes"));
    }
    TensorType& type = out.emplace_back();
    type.dtype = *dtype;
    for (const int64_t size : ints_of(io[i].dims)) {
      if (size < 0) {
        return Status(carnot::Code::kInvalidArgument, cat("tensor ", i, " has sizes that vary"));
      }
      type.dims.emplace_back(size);
    }
  }
  return out;
}

bool is_kind_of_float(DataType type) {
  return type == DataType::kFLOAT || type == DataType::kHALF || type == DataType::kBF16;
}

}  // namespace

Result<carnot::Network> StockAlone::network(const Types& inputs, Types& results) const {
  carnot::Network net;
  int64_t fresh = 0;
  Emit e(net, fresh);
  Values in;
  for (size_t i = 0; i < inputs.size(); ++i) in.push_back(net.add_input(input_name(i), inputs[i]));
  try {
    const Values out = plugin_.row.emit(e, in, plugin_.fields);
    for (size_t i = 0; i < out.size(); ++i) {
      results.push_back(net.type(out[i]));
      net.mark_output(out[i], result_name(i));
    }
  } catch (const EmitFailure& failure) {
    return failure.status;
  }
  return net;
}

Result<Types> StockAlone::results(const Types& inputs) const {
  Types out;
  const Result<carnot::Network> made = network(inputs, out);
  return made.ok() ? Result<Types>(std::move(out)) : made.status();
}

Result<Types> StockAlone::results(const std::vector<carnot::Dims>& inputs) const {
  Status first;
  const size_t choices = inputs.size() < 6 ? size_t{1} << inputs.size() : kChoicesMax;
  for (size_t indices = 0; indices < choices; ++indices) {
    Types types;
    for (size_t i = 0; i < inputs.size(); ++i) {
      types.push_back({(indices >> i & 1U) != 0 ? DType::kI32 : DType::kF32, inputs[i]});
    }
    Result<Types> out = results(types);
    if (out.ok()) return out;
    if (indices == 0) first = out.status();
  }
  return first;
}

// Axes 0 are one batch where that makes sense of the inputs, else sizes of their own.
DimsExprs StockAlone::sizes(int32_t result, DimsExprs const* in, int32_t count,
                            IExprBuilder& builder) const {
  DimsExprs out{};
  out.nbDims = -1;
  Status why;
  for (const bool same_batch : {true, false}) {
    Written::Known known;
    std::vector<carnot::Dims> inputs;
    for (int32_t i = 0; i < count; ++i) {
      carnot::Dims& dims = inputs.emplace_back();
      for (int32_t k = 0; k < in[i].nbDims; ++k) {
        IDimensionExpr const* const size = in[i].d[k];
        if (size->isConstant()) {
          dims.emplace_back(size->getConstantValue());
          continue;
        }
        const std::string name = same_batch && k == 0 ? "batch" : cat("x", i, ".", k);
        known.emplace(name, size);
        dims.push_back(Dim::symbol(name));
      }
    }
    try {
      const Types all = take(results(inputs));
      if (result < 0 || static_cast<size_t>(result) >= all.size()) refuse("has no such result");
      const carnot::Dims& dims = all[static_cast<size_t>(result)].dims;
      if (dims.size() > static_cast<size_t>(Dims::MAX_DIMS)) refuse("a result has too many axes");
      for (size_t k = 0; k < dims.size(); ++k) out.d[k] = Written(known, builder).of(dims[k]);
      out.nbDims = static_cast<int32_t>(dims.size());
      return out;
    } catch (const EmitFailure& failure) {
      if (why.ok()) why = failure.status;
    }
  }
  report(plugin_, why);
  return out;
}

Dims StockAlone::sizes(int32_t result, Dims const* in, int32_t count) const {
  std::vector<carnot::Dims> inputs;
  for (int32_t i = 0; i < count; ++i) {
    carnot::Dims& dims = inputs.emplace_back(carnot::Dims{Dim(1)});
    for (const int64_t size : ints_of(in[i])) dims.emplace_back(size);
  }
  const Result<Types> all = results(inputs);
  if (!all.ok()) report(plugin_, all.status());
  if (!all.ok() || result < 0 || static_cast<size_t>(result) >= all->size()) return invalid_dims();
  const carnot::Dims& dims = (*all)[static_cast<size_t>(result)].dims;
  return dims.empty() ? dims_of(dims) : dims_of(carnot::Dims(dims.begin() + 1, dims.end()));
}

DataType StockAlone::type(int32_t result, DataType const* in, int32_t count) const {
  const std::string_view letters = plugin_.row.types;
  const auto at = static_cast<size_t>(std::max(result, 0));
  const char letter = letters.empty() ? '=' : letters[std::min(at, letters.size() - 1)];
  const auto input = [&](int32_t i) { return i < count ? in[i] : DataType::kFLOAT; };
  switch (letter) {
    case 'i':
      return DataType::kINT32;
    case 'f':
      return DataType::kFLOAT;
    case 'h':
      return plugin_.fields.flag("output_fp16", false) ? DataType::kHALF : DataType::kFLOAT;
    case '1':
      return input(1);
    default:
      return input(0);
  }
}

bool StockAlone::takes(int32_t position, PluginTensorDesc const* io, int32_t inputs) const {
  const PluginTensorDesc& asked = io[position];
  if (asked.format != TensorFormat::kLINEAR || !dtype_of(asked.type)) return false;
  if (position >= inputs) {
    const Result<Types> given = described(io, inputs);
    const Result<Types> all = given.ok() ? results(*given) : given;
    const auto index = static_cast<size_t>(position - inputs);
    if (all.ok() && index < all->size()) return (*all)[index].dtype == *dtype_of(asked.type);
    std::vector<DataType> types;
    for (int32_t i = 0; i < inputs; ++i) types.push_back(io[i].type);
    return type(position - inputs, types.data(), inputs) == asked.type;
  }
  if (!is_kind_of_float(asked.type) && asked.type != DataType::kINT32 &&
      asked.type != DataType::kINT64 && asked.type != DataType::kINT8) {
    return false;
  }
  // Some types of those behind it must go with it; what varies is taken for 1.
  std::vector<carnot::Dims> dims;
  for (int32_t i = 0; i < inputs; ++i) {
    carnot::Dims& sizes = dims.emplace_back();
    if (!is_valid(io[i].dims)) return is_kind_of_float(asked.type);
    for (const int64_t size : ints_of(io[i].dims)) sizes.emplace_back(std::max<int64_t>(size, 1));
  }
  const int32_t behind = inputs - position - 1;
  for (size_t indices = 0; indices < (size_t{1} << std::min(behind, 5)); ++indices) {
    Types types;
    for (int32_t i = 0; i < inputs; ++i) {
      const auto at = static_cast<size_t>(i);
      const bool known = i <= position;
      const bool index = !known && (indices >> (i - position - 1) & 1U) != 0;
      const auto dtype = known ? dtype_of(io[i].type) : index ? DType::kI32 : DType::kF32;
      if (!dtype) return false;
      types.push_back({*dtype, dims[at]});
    }
    if (results(types).ok()) return true;
  }
  return false;
}

Result<StockAlone::Made*> StockAlone::made_for(const Types& inputs) {
  const auto found = std::find_if(made_.begin(), made_.end(),
                                  [&](const Made& made) { return made.inputs == inputs; });
  if (found != made_.end()) {
    std::rotate(found, found + 1, made_.end());
    return &made_.back();
  }
  Types results;
  Result<carnot::Network> net = network(inputs, results);
  if (!net.ok()) return net.status();
  const Result<carnot::DeviceInfo> device = choose_device();
  if (!device.ok()) return device.status();
  carnot::BuilderOptions options;
  options.device = device->name;
  options.effort = 1;
  const Result<std::vector<std::byte>> bytes = carnot::build(std::move(*net), options);
  if (!bytes.ok()) return bytes.status();
  const auto engine = carnot::Engine::load(*bytes, {.device = device->name});
  if (!engine.ok()) return engine.status();
  carnot::ContextOptions of_context;
  if (is_gpu(*device)) of_context.device = device->name;
  Result<carnot::Context> context = (*engine)->make_context(of_context);
  if (!context.ok()) return context.status();
  Made made{inputs, {}, std::make_unique<carnot::Context>(std::move(*context))};
  for (const TensorType& type : results) {
    int64_t bits = static_cast<int64_t>(carnot::bits_of(type.dtype));
    for (const Dim& d : type.dims) {
      if (!d.is_constant())
        return Status(carnot::Code::kUnsupported, "a size follows from the data");
      bits *= d.value();
    }
    made.result_bytes.push_back((bits + 7) / 8);
  }
  if (made_.size() == kEnginesMax) made_.erase(made_.begin());
  made_.push_back(std::move(made));
  return &made_.back();
}

int32_t StockAlone::run(const Types& inputs, void const* const* in, void* const* out,
                        cudaStream_t stream) {
  const std::lock_guard lock(mutex_);
  const auto queue = [&]() -> Status {
    const Result<Made*> made = made_for(inputs);
    if (!made.ok()) return made.status();
    carnot::Context& context = *(*made)->context;
    // The null stream is CUDA's legacy one, as enqueueV3() has it.
    auto* const legacy = reinterpret_cast<cudaStream_t>(uintptr_t{1});
    Status status = context.set_stream(stream ? stream : legacy);
    for (size_t i = 0; i < inputs.size() && status.ok(); ++i) {
      carnot::Shape shape;
      for (const Dim& d : inputs[i].dims) shape.push_back(d.value());
      status = context.set_input(input_name(i), in[i], std::move(shape));
    }
    const std::vector<int64_t>& bytes = (*made)->result_bytes;
    for (size_t i = 0; i < bytes.size() && status.ok(); ++i) {
      status = context.set_output(result_name(i), out[i], static_cast<size_t>(bytes[i]));
    }
    return status.ok() ? context.run() : status;
  };
  const Status status = queue();
  if (status.ok()) return 0;
  report(plugin_, status);
  return kFailed;
}

int32_t StockAlone::run(PluginTensorDesc const* io, void const* const* in, int32_t count,
                        void* const* out, cudaStream_t stream) {
  const Result<Types> inputs = described(io, count);
  if (inputs.ok()) return run(*inputs, in, out, stream);
  report(plugin_, inputs.status());
  return kFailed;
}

void StockAlone::prepare(PluginTensorDesc const* io, int32_t count) {
  const Result<Types> inputs = described(io, count);
  if (!inputs.ok()) return;
  const std::lock_guard lock(mutex_);
  (void)made_for(*inputs);  // the run says what is wrong
}

void StockAlone::forget() {
  const std::lock_guard lock(mutex_);
  made_.clear();
}

}  // namespace trt
