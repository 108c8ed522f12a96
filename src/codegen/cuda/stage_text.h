#pragma once
// StageText: a stage at one point, or at a group of neighbouring points, as C++ statements: loads
// (16 bytes at once where that is known to be right), the scalar program, stores.
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "codegen/cuda/code_text.h"
#include "codegen/cuda/index_text.h"

namespace carnot::cuda {

/// The axis along which a thread takes `count` neighbours; no symbol where that is 1.
struct Lane {
  std::string symbol;
  int count = 1;
};

/// Whether an access takes `lane.count` neighbours, from a multiple of that many elements on, that
/// lie side by side and are all inside its guards or all outside. What the stage loads along the
/// lane leads to other places each.
bool is_vector(const NestStage& stage, const NestAccess& access, const Lane& lane);

class StageText {
 public:
  using Strings = std::vector<std::string>;

  /// `vectors` gathers the buffers that are accessed as vectors.
  StageText(CodeText& out, IndexText& index, const NestStage& stage, Lane lane,
            std::set<int>& vectors);

  /// Loads that are given instead: expressions of register type at "v", by load.
  void provide(size_t load, std::string value) { provided_[load] = std::move(value); }

  /// Places that keep a load's value, at "v", for later stages.
  void retain(size_t load, std::string place) { retained_[load] = std::move(place); }

  /// Places, at "v", that get a store's values instead of memory.
  void redirect(size_t store, std::string place) { redirected_[store] = std::move(place); }

  /// Statements that put a load's values, of register type, into the place "v".
  void read(size_t i, const IndexNames& names, const std::string& place);
  /// The element itself: "b0[...]".
  std::string address(const NestAccess& access, const IndexNames& at);
  /// What a load gives outside its guards, as memory or as registers have it.
  std::string otherwise(const NestAccess& load, bool in_memory) const;
  /// A load's element as memory has it.
  std::string raw_load(size_t i, const IndexNames& at);

  /// At the point that `names` says (of the lane its first index). `folded`: of earlier stages.
  /// `use` gets the folded value (of lane "v"); a storing stage stores, where `condition` is true.
  void emit(const IndexNames& names, const Strings& folded, const std::string& condition,
            const std::function<void(const std::string& value, const IndexNames& at)>& use);

 private:
  std::string value_of(size_t i, const IndexNames& at);
  void load(size_t i, IndexNames& at);
  void load_vector(size_t i, const IndexNames& at);
  void name_load(size_t i, const std::string& value, IndexNames& at);

  CodeText& out_;
  IndexText& index_;
  const NestStage& stage_;
  Lane lane_;
  std::set<int>& vectors_;
  std::map<size_t, std::string> provided_, retained_, redirected_;
  std::vector<bool> varying_;
  Strings inputs_;
};

}  // namespace carnot::cuda
