#pragma once
// Sizes as plugins compute them: IDimensionExpr and IExprBuilder over a SizeTable.
#include <deque>

#include "emit.h"
#include "plugin_record.h"

namespace trt {

class Expression final : public IDimensionExpr, public apiv::VDimensionExpr {
 public:
  Expression(const SizeTable& table, size_t at) : table_(table), index(at) { mImpl = this; }
  ~Expression() noexcept override = default;
  bool isConstant() const override { return table_[index].kind == SizeTable::Kind::kConstant; }
  int64_t getConstantValue() const override { return isConstant() ? table_[index].a : INT64_MIN; }
  bool isSizeTensor() const override { return table_[index].kind == SizeTable::Kind::kSizeTensor; }

 private:
  const SizeTable& table_;

 public:
  const size_t index;
};

class ExprBuilder final : public IExprBuilder, public apiv::VExprBuilder {
 public:
  explicit ExprBuilder(SizeTable& table) : table_(table) { mImpl = this; }
  ~ExprBuilder() noexcept override = default;

  IDimensionExpr const* constant(int64_t value) override {
    return add({SizeTable::Kind::kConstant, DimensionOperation::kSUM, value, 0});
  }
  IDimensionExpr const* operation(DimensionOperation op, IDimensionExpr const& first,
                                  IDimensionExpr const& second) override {
    if (op < DimensionOperation::kSUM || op > DimensionOperation::kCEIL_DIV) return nullptr;
    const int64_t a = index_of(first), b = index_of(second);
    const size_t at = table_.add({SizeTable::Kind::kOperation, op, a, b});
    const bool fixed = first.isConstant() && second.isConstant();
    const auto value = fixed ? table_.bound(at, {}) : std::nullopt;
    return value ? constant(*value) : made(at);
  }
  IDimensionExpr const* declareSizeTensor(int32_t output, IDimensionExpr const&,
                                          IDimensionExpr const& upper) override {
    return add({SizeTable::Kind::kSizeTensor, DimensionOperation::kSUM, output, index_of(upper)});
  }
  IDimensionExpr const* add(const SizeTable::Size& size) { return made(table_.add(size)); }
  static int64_t index_of(const IDimensionExpr& e) {
    return static_cast<int64_t>(static_cast<const Expression&>(e).index);
  }

 private:
  IDimensionExpr const* made(size_t index) { return &made_.emplace_back(table_, index); }
  SizeTable& table_;
  std::deque<Expression> made_;
};

/// The sizes of the first operands.
std::vector<DimsExprs> expressions_of(Emit& e, const Values& in, size_t operands,
                                      ExprBuilder& builder);

}  // namespace trt
