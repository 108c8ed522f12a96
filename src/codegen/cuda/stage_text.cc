#include "codegen/cuda/stage_text.h"

#include <algorithm>

#include "codegen/cuda/scalar_text.h"
#include "tensor/codec.h"

namespace carnot::cuda {

namespace {

/// Of the terms that are known, for every value of the symbols.
bool divisible(const Dim& dim, int64_t by) {
  if (dim.overflowed() || dim.constant_term() % by != 0) return false;
  return std::all_of(dim.terms().begin(), dim.terms().end(),
                     [&](const Dim::Term& term) { return term.coefficient % by == 0; });
}

bool varies(const NestStage& stage, const NestAccess& access, const std::string& lane);

/// Whether a size differs along the lane, itself or by what it takes from a load.
bool varies(const NestStage& stage, const Dim& dim, const std::string& lane) {
  for (const std::string& symbol : index_symbols(dim)) {
    if (symbol == lane) return true;
    if (symbol[0] == '$' && varies(stage, stage.loads[std::stoul(symbol.substr(1))], lane)) {
      return true;
    }
  }
  return false;
}

bool varies(const NestStage& stage, const NestAccess& access, const std::string& lane) {
  return varies(stage, access.offset, lane) ||
         std::any_of(access.guards.begin(), access.guards.end(), [&](const Guard& guard) {
           return varies(stage, guard.index, lane) || varies(stage, guard.lower, lane) ||
                  varies(stage, guard.upper, lane);
         });
}

/// Begins at a multiple of the lane's count and goes up by one from neighbour to neighbour.
bool takes_neighbours(const NestStage& stage, const Dim& index, const Lane& lane) {
  const auto linear = linear_in(index, {lane.symbol});
  return linear && linear->of(lane.symbol).is(1) && divisible(linear->rest, lane.count) &&
         !varies(stage, linear->rest, lane.symbol);
}

/// The guard is true for a whole group of lanes or for none of it.
bool holds_for_groups(const NestStage& stage, const Guard& guard, const Lane& lane) {
  const auto differs = [&](const Dim& dim) { return varies(stage, dim, lane.symbol); };
  if (differs(guard.lower) || differs(guard.upper)) return false;
  if (!differs(guard.index)) return true;
  return takes_neighbours(stage, guard.index, lane) && divisible(guard.lower, lane.count) &&
         divisible(guard.upper, lane.count);
}

}  // namespace

bool is_vector(const NestStage& stage, const NestAccess& access, const Lane& lane) {
  if (access.buffer < 0 || lane.count == 1 || access.within) return false;
  return takes_neighbours(stage, access.offset, lane) &&
         std::all_of(access.guards.begin(), access.guards.end(),
                     [&](const Guard& guard) { return holds_for_groups(stage, guard, lane); });
}

StageText::StageText(CodeText& out, IndexText& index, const NestStage& stage, Lane lane,
                     std::set<int>& vectors)
    : out_(out), index_(index), stage_(stage), lane_(std::move(lane)), vectors_(vectors) {
  for (const NestAccess& access : stage.loads) {
    varying_.push_back(lane_.count > 1 && varies(stage, access, lane_.symbol));
  }
}

std::string StageText::address(const NestAccess& access, const IndexNames& at) {
  return cat("b", access.buffer, "[", index_.index(access.offset, at), "]");
}

std::string StageText::otherwise(const NestAccess& load, bool in_memory) const {
  if (in_memory && is_float(load.dtype) && bits_of(load.dtype) < 32) {
    return cat(storage_type(load.dtype), "(", encode_float(load.dtype, load.otherwise), ")");
  }
  const DType integer = is_float(load.dtype) ? DType::kI64 : load.dtype;
  const std::string value =
      literal(load.dtype, load.otherwise, to_integer(integer, load.otherwise));
  return in_memory && load.dtype == DType::kBool ? cat("u8(", value, ")") : value;
}

void StageText::name_load(size_t i, const std::string& value, IndexNames& at) {
  const DType type = stage_.loads[i].dtype;
  const std::string name = cat("l", i);
  out_.line(cat("const ", register_type(type), " ", name, " = ", value, ";"));
  if (const auto to = retained_.find(i); to != retained_.end()) {
    out_.line(cat(to->second, " = ", name, ";"));
  }
  inputs_[i] = name;
  if (is_integer(type)) at[*load_symbol(static_cast<int>(i)).as_symbol()] = cat("i64(", name, ")");
}

std::string StageText::value_of(size_t i, const IndexNames& at) {
  const NestAccess& of = stage_.loads[i];
  std::string value = of.buffer == kExpression ? index_.wide(of.offset, at)
                                               : from_memory(of.dtype, address(of, at));
  if (of.within) {
    return cat(register_type(of.dtype), "(index_within(", value, ", ", index_.wide(*of.within, at),
               ", fault))");
  }
  const std::string inside = index_.condition(of.guards, at);
  if (!inside.empty()) value = cat(inside, " ? ", value, " : ", otherwise(of, false));
  return value;
}

void StageText::load(size_t i, IndexNames& at) {
  const auto given = provided_.find(i);
  name_load(i, given != provided_.end() ? given->second : value_of(i, at), at);
}

void StageText::read(size_t i, const IndexNames& names, const std::string& place) {
  const NestAccess& of = stage_.loads[i];
  const bool vector = is_vector(stage_, of, lane_);
  IndexNames at = names;
  if (vector) load_vector(i, at);
  if (lane_.count > 1) {
    out_.directive("#pragma unroll");
    out_.open(cat("for (int v = 0; v < ", lane_.count, "; ++v) {"));
    at[lane_.symbol] = cat("(", names.find(lane_.symbol)->second, " + v)");
  }
  out_.line(
      cat(place, " = ", vector ? from_memory(of.dtype, cat("x", i, "[v]")) : value_of(i, at), ";"));
  if (lane_.count > 1) out_.close();
}

std::string StageText::raw_load(size_t i, const IndexNames& at) {
  const NestAccess& of = stage_.loads[i];
  const std::string inside = index_.condition(of.guards, at);
  if (inside.empty()) return address(of, at);
  return cat(inside, " ? ", address(of, at), " : ", otherwise(of, true));
}

void StageText::load_vector(size_t i, const IndexNames& at) {
  const NestAccess& of = stage_.loads[i];
  out_.line(cat(storage_type(of.dtype), " x", i, "[", lane_.count, "];"));
  const std::string inside = index_.condition(of.guards, at);
  const std::string read = cat("load_piece<kAligned>(&", address(of, at), ", x", i, ");");
  vectors_.insert(of.buffer);
  if (inside.empty()) return out_.line(read);
  out_.open(cat("if (", inside, ") {"));
  out_.line(read);
  out_.close();
  out_.open("else {");
  out_.directive("#pragma unroll");
  out_.line(
      cat("for (int v = 0; v < ", lane_.count, "; ++v) x", i, "[v] = ", otherwise(of, true), ";"));
  out_.close();
}

void StageText::emit(const IndexNames& names, const Strings& folded, const std::string& condition,
                     const std::function<void(const std::string&, const IndexNames&)>& use) {
  IndexNames at = names;
  inputs_.assign(stage_.loads.size(), {});
  for (size_t i = 0; i < stage_.loads.size(); ++i) {
    if (!varying_[i] && !provided_.count(i) && !retained_.count(i)) load(i, at);
  }
  const auto as_vector = [&](const NestAccess& access) { return is_vector(stage_, access, lane_); };
  for (size_t i = 0; i < stage_.loads.size(); ++i) {
    if (varying_[i] && !provided_.count(i) && as_vector(stage_.loads[i])) load_vector(i, at);
  }
  for (size_t k = 0; k < stage_.stores.size(); ++k) {
    if (!as_vector(stage_.stores[k])) continue;
    out_.line(cat(storage_type(stage_.stores[k].dtype), " y", k, "[", lane_.count, "];"));
  }
  const IndexNames first = at;
  if (lane_.count > 1) {
    out_.directive("#pragma unroll");
    out_.open(cat("for (int v = 0; v < ", lane_.count, "; ++v) {"));
    at[lane_.symbol] = cat("(", names.find(lane_.symbol)->second, " + v)");
  }
  for (size_t i = 0; i < stage_.loads.size(); ++i) {
    if (!inputs_[i].empty()) continue;
    const NestAccess& of = stage_.loads[i];
    if (provided_.count(i) || !as_vector(of)) {
      load(i, at);
    } else {
      name_load(i, from_memory(of.dtype, cat("x", i, "[v]")), at);
    }
  }
  Strings inputs = inputs_;
  inputs.insert(inputs.end(), folded.begin(), folded.end());
  const ScalarText program = scalar_text(stage_.body, stage_.types, inputs, "t");
  for (const std::string& statement : program.statements) out_.line(statement);
  Strings values;
  for (const int id : stage_.results) values.push_back(program.values[static_cast<size_t>(id)]);
  if (stage_.folds()) {
    use(values[0], at);
  } else {
    for (size_t k = 0; k < stage_.stores.size(); ++k) {
      const NestAccess& to = stage_.stores[k];
      const std::string value = to_memory(to.dtype, values[k]);
      if (const auto place = redirected_.find(k); place != redirected_.end()) {
        out_.line(cat(place->second, " = ", value, ";"));
      } else if (as_vector(to)) {
        out_.line(cat("y", k, "[v] = ", value, ";"));
      } else {
        out_.line(cat(condition.empty() ? "" : cat("if (", condition, ") "), address(to, at), " = ",
                      value, ";"));
      }
    }
  }
  if (lane_.count > 1) out_.close();
  for (size_t k = 0; k < stage_.stores.size(); ++k) {
    const NestAccess& to = stage_.stores[k];
    if (!as_vector(to)) continue;
    vectors_.insert(to.buffer);
    out_.line(cat(condition.empty() ? "" : cat("if (", condition, ") "), "store_piece<kAligned>(&",
                  address(to, first), ", y", k, ");"));
  }
}

}  // namespace carnot::cuda
