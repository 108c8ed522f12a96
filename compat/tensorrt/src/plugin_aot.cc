// Quick plugins with a compiled kernel: the kernel, and what it is launched with, go into the plan.
#include "layers_plugin.h"

namespace trt {

std::vector<DimsExprs> expressions_of(Emit& e, const Values& in, size_t operands,
                                      ExprBuilder& builder) {
  std::vector<DimsExprs> out;
  for (size_t i = 0; i < operands; ++i) {
    DimsExprs& dims = out.emplace_back();
    dims.nbDims = 0;
    if (e.rank(in[i]) > Dims::MAX_DIMS) unsupported("input ", i, " has rank ", e.rank(in[i]));
    for (const carnot::Dim& d : e.dims(in[i])) {
      const int32_t axis = dims.nbDims++;
      dims.d[axis] = d.is_constant()
                         ? builder.constant(d.value())
                         : builder.add({SizeTable::Kind::kInput, DimensionOperation::kSUM,
                                        static_cast<int64_t>(i), axis});
    }
  }
  return out;
}

namespace {

/// Keeps the expressions that a plugin sets.
class LaunchParams final : public IKernelLaunchParams, public IKernelLaunchParamsImpl {
 public:
  static constexpr size_t kCount = 7;
  LaunchParams() { mImpl = this; }
  ~LaunchParams() noexcept override = default;
  ISymExpr* getGridX() noexcept override { return kept_[0]; }
  bool setGridX(ISymExpr* e) noexcept override { return set(0, e); }
  ISymExpr* getGridY() noexcept override { return kept_[1]; }
  bool setGridY(ISymExpr* e) noexcept override { return set(1, e); }
  ISymExpr* getGridZ() noexcept override { return kept_[2]; }
  bool setGridZ(ISymExpr* e) noexcept override { return set(2, e); }
  ISymExpr* getBlockX() noexcept override { return kept_[3]; }
  bool setBlockX(ISymExpr* e) noexcept override { return set(3, e); }
  ISymExpr* getBlockY() noexcept override { return kept_[4]; }
  bool setBlockY(ISymExpr* e) noexcept override { return set(4, e); }
  ISymExpr* getBlockZ() noexcept override { return kept_[5]; }
  bool setBlockZ(ISymExpr* e) noexcept override { return set(5, e); }
  ISymExpr* getSharedMem() noexcept override { return kept_[6]; }
  bool setSharedMem(ISymExpr* e) noexcept override { return set(6, e); }

  std::vector<int64_t> indices() const { return indices_; }

 private:
  // At once: who made the expression may drop it.
  bool set(size_t i, ISymExpr* e) {
    const auto* const size = e ? static_cast<const IDimensionExpr*>(e->getExpr()) : nullptr;
    kept_[i] = e;
    indices_[i] = size ? ExprBuilder::index_of(*size) : CompiledKernel::kNone;
    return true;
  }
  ISymExpr* kept_[kCount] = {};
  std::vector<int64_t> indices_ = std::vector<int64_t>(kCount, CompiledKernel::kNone);
};

class Arguments final : public ISymExprs, public ISymExprsImpl {
 public:
  Arguments() { mImpl = this; }
  ~Arguments() noexcept override = default;
  ISymExpr* getSymExpr(int32_t i) const noexcept override {
    return in_range(i) ? kept_[at(i)] : nullptr;
  }
  bool setSymExpr(int32_t i, ISymExpr* e) noexcept override {
    const auto* const size = e ? static_cast<const IDimensionExpr*>(e->getExpr()) : nullptr;
    if (!in_range(i) || !size) return false;
    kept_[at(i)] = e;
    const PluginArgDataType type = e->getDataType();
    const int64_t bytes = type == PluginArgDataType::kINT8    ? 1
                          : type == PluginArgDataType::kINT16 ? 2
                                                              : 4;
    arguments[at(i)] = {bytes, ExprBuilder::index_of(*size)};
    return true;
  }
  int32_t getNbSymExprs() const noexcept override { return static_cast<int32_t>(kept_.size()); }
  bool setNbSymExprs(int32_t count) noexcept override {
    if (count < 0) return false;
    kept_.resize(static_cast<size_t>(count));
    arguments.resize(kept_.size(), {0, CompiledKernel::kNone});
    return true;
  }

  std::vector<CompiledKernel::Argument> arguments;

 private:
  bool in_range(int32_t i) const { return i >= 0 && i < getNbSymExprs(); }
  static size_t at(int32_t i) { return static_cast<size_t>(i); }
  std::vector<ISymExpr*> kept_;
};

}  // namespace

void PluginPart::compile(const Plugin& plugin, const std::vector<DimsExprs>& in,
                         const std::vector<DynamicPluginTensorDesc>& all, Shapes& shapes,
                         PluginRecord& record) const {
  IPluginV3QuickAOTBuild* const build = plugin.quick()->compiled();
  const int32_t inputs = record.inputs, outputs = static_cast<int32_t>(all.size()) - inputs;
  if (build->setTactic(record.tactic) != 0) refuse("setTactic() failed for ", record.tactic);
  LaunchParams launch;
  Arguments extra;
  int32_t status = build->getLaunchParams(in.data(), all.data(), inputs, outputs, &launch, &extra,
                                          shapes.builder);
  if (status != 0) refuse("getLaunchParams() returned ", status);
  std::vector<PluginTensorDesc> plain;
  for (const DynamicPluginTensorDesc& d : all) plain.push_back(d.desc);
  const char* name = nullptr;
  char* image = nullptr;
  int32_t bytes = 0;
  status =
      build->getKernel(plain.data(), inputs, plain.data() + inputs, outputs, &name, &image, &bytes);
  if (status != 0 || !name || !image || bytes <= 0) refuse("getKernel() gives no kernel");
  record.kernel.name = name;
  record.kernel.image.assign(image, static_cast<size_t>(bytes));
  record.kernel.launch = launch.indices();
  record.kernel.arguments = std::move(extra.arguments);
  if (record.kernel.launch[0] == CompiledKernel::kNone ||
      record.kernel.launch[3] == CompiledKernel::kNone) {
    refuse("its kernel is launched without a number of blocks (grid_x) or of threads (block_x)");
  }
  for (size_t i = 0; i < record.kernel.arguments.size(); ++i) {
    if (record.kernel.arguments[i].size < 0) refuse("argument ", i, " of its kernel is not set");
  }
}

}  // namespace trt
