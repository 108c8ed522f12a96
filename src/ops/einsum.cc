// einsum: sums of products over named axes.
#include <algorithm>
#include <cctype>
#include <map>

#include "base/checked.h"
#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

/// Labels of the axes of each operand and of the result.
struct Equation {
  std::vector<std::string> operands;
  std::string result;
};

Result<Equation> parse(const op::Einsum& op) {
  Equation out;
  std::string labels;
  bool arrow = false;
  for (size_t i = 0; i < op.equation.size(); ++i) {
    const char c = op.equation[i];
    if (c == ' ') continue;
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      labels += c;
    } else if (c == ',' && !arrow) {
      out.operands.push_back(std::exchange(labels, {}));
    } else if (c == '-' && !arrow && i + 1 < op.equation.size() && op.equation[i + 1] == '>') {
      out.operands.push_back(std::exchange(labels, {}));
      arrow = true;
      ++i;
    } else {
      return invalid(op, "character ", i, " of the equation \"", op.equation,
                     "\" is no label, ',' or '->'");
    }
  }
  if (!arrow) return invalid(op, "the equation \"", op.equation, "\" has no '->'");
  out.result = labels;
  return out;
}

/// The size of each label: as numpy broadcasts them, so a 1 fits any other size.
Result<std::map<char, Dim>> sizes_of(const op::Einsum& op, const Equation& equation, Infos in) {
  if (equation.operands.size() != in.size()) {
    return invalid(op, "the equation \"", op.equation, "\" names ", equation.operands.size(),
                   " operands, got ", in.size());
  }
  std::map<char, Dim> sizes;
  for (size_t i = 0; i < in.size(); ++i) {
    const std::string& labels = equation.operands[i];
    const TensorType& type = in[i].type;
    CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "an operand", type));
    if (type.dtype != in[0].type.dtype) {
      return invalid(op, "operands differ in type: ", to_string(in[0].type), " and ",
                     to_string(type));
    }
    if (static_cast<int64_t>(labels.size()) != type.rank()) {
      return invalid(op, "operand ", i, " is ", to_string(type), ", the equation names ",
                     labels.size(), " axes");
    }
    for (size_t axis = 0; axis < labels.size(); ++axis) {
      const auto [at, fresh] = sizes.emplace(labels[axis], type.dims[axis]);
      const auto both = broadcast(at->second, type.dims[axis]);
      if (!both) {
        return invalid(op, "axis '", std::string(1, labels[axis]), "' is ", to_string(at->second),
                       " and ", to_string(type.dims[axis]));
      }
      at->second = *both;
    }
  }
  return sizes;
}

/// The loop nest: the result's axes first, then those that are summed; per operand its stride
/// along each.
struct Nest {
  std::string labels;
  Shape sizes;
  std::vector<Shape> strides;
  int64_t outer = 1, inner = 1;
};

Result<Nest> nest_of(const op::Einsum& op, const Equation& equation,
                     const std::map<char, Dim>& sizes, Tensors in) {
  Nest nest;
  nest.labels = equation.result;
  for (const auto& [label, size] : sizes) {
    if (nest.labels.find(label) == std::string::npos) nest.labels += label;
  }
  for (size_t i = 0; i < nest.labels.size(); ++i) {
    nest.sizes.push_back(sizes.at(nest.labels[i]).value());
    int64_t& product = i < equation.result.size() ? nest.outer : nest.inner;
    const auto next = checked_mul(product, nest.sizes.back());
    if (!next) {
      return error(Code::kResourceLimit, op.kName, ": \"", op.equation,
                   "\" needs more than 2^63 products; split it into several");
    }
    product = *next;
  }
  for (size_t i = 0; i < in.size(); ++i) {
    const Shape own = row_major_strides(in[i].shape());
    Shape strides(nest.labels.size(), 0);
    for (size_t axis = 0; axis < own.size(); ++axis) {
      if (in[i].shape()[axis] == 1) continue;
      strides[nest.labels.find(equation.operands[i][axis])] += own[axis];
    }
    nest.strides.push_back(std::move(strides));
  }
  return nest;
}

/// Integers wrap around as their type does, so the sum is in u64.
template <class T, class Values>
std::vector<T> contract(const Nest& nest, const std::vector<Values>& operands) {
  std::vector<T> out(static_cast<size_t>(nest.outer), T(0));
  if (nest.inner == 0 || nest.outer == 0) return out;
  std::vector<int64_t> index(nest.sizes.size(), 0), at(operands.size(), 0);
  for (T& element : out) {
    T sum = 0;
    for (int64_t k = 0; k < nest.inner; ++k) {
      T product = 1;
      for (size_t i = 0; i < operands.size(); ++i) {
        product *= static_cast<T>(operands[i][static_cast<size_t>(at[i])]);
      }
      sum += product;
      for (size_t axis = nest.sizes.size(); axis-- > 0;) {
        const bool carry = ++index[axis] == nest.sizes[axis];
        if (carry) index[axis] = 0;
        for (size_t i = 0; i < at.size(); ++i) {
          at[i] += carry ? nest.strides[i][axis] * (1 - nest.sizes[axis]) : nest.strides[i][axis];
        }
        if (!carry) break;
      }
    }
    element = sum;
  }
  return out;
}

}  // namespace

Result<std::vector<Info>> infer(const op::Einsum& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_ASSIGN(const Equation equation, parse(op));
  CARNOT_ASSIGN(const auto sizes, sizes_of(op, equation, in));
  Dims dims;
  for (size_t i = 0; i < equation.result.size(); ++i) {
    const char label = equation.result[i];
    const auto found = sizes.find(label);
    if (found == sizes.end() || equation.result.find(label) != i) {
      return invalid(op, "the result's axis '", std::string(1, label),
                     found == sizes.end() ? "' is no operand's" : "' is named twice");
    }
    dims.push_back(found->second);
  }
  return one_result(op.kName, in[0].type.dtype, std::move(dims));
}

Result<std::vector<Tensor>> reference(const op::Einsum& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const std::vector<Info> infos = infos_of(in);
  CARNOT_ASSIGN(const std::vector<TensorType> types, concrete_types(op, in));
  CARNOT_ASSIGN(const Equation equation, parse(op));
  CARNOT_ASSIGN(const auto sizes, sizes_of(op, equation, infos));
  CARNOT_ASSIGN(const Nest nest, nest_of(op, equation, sizes, in));
  const DType dtype = types[0].dtype;
  const Shape shape = shape_of(types[0].dims);
  if (is_float(dtype)) {
    std::vector<std::vector<double>> operands;
    for (const Tensor& t : in) operands.push_back(doubles_of(t));
    CARNOT_ASSIGN(Tensor out, tensor_of(dtype, shape, contract<double>(nest, operands)));
    return std::vector<Tensor>{out};
  }
  std::vector<std::vector<int64_t>> operands;
  for (const Tensor& t : in) operands.push_back(ints_of(t));
  const std::vector<uint64_t> sums = contract<uint64_t>(nest, operands);
  CARNOT_ASSIGN(Tensor out,
                tensor_of(dtype, shape, std::vector<int64_t>(sums.begin(), sums.end())));
  return std::vector<Tensor>{out};
}

}  // namespace carnot
