// Matrix products.
#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "onnx/contraction.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

Value* numpy_matmul(NodeImport& n, Value* a, Value* b) {
  const bool row = a->type().rank() == 1, column = b->type().rank() == 1;
  if (a->type().rank() == 0 || b->type().rank() == 0) n.invalid("an operand is a scalar");
  if (row) a = n.unsqueeze(a, 0);
  if (column) b = n.unsqueeze(b, 1);
  Value* out = n.matmul(a, b);
  if (row) out = n.squeeze(out, out->type().rank() - 2);
  return column ? n.squeeze(out, out->type().rank() - 1) : out;
}

namespace {

void matmul(NodeImport& n) {
  n.out(numpy_matmul(n, n.in(0), n.in(1)));
}

void gemm(NodeImport& n) {
  Value *const a = n.in(0), *const b = n.in(1);
  if (a->type().rank() != 2 || b->type().rank() != 2) {
    n.invalid("needs two matrices, got ", to_string(a->type()), " and ", to_string(b->type()));
  }
  const double alpha = n.real("alpha", 1), beta = n.real("beta", 1);
  op::MatMul op;
  op.transpose_a = n.flag("transA", false);
  op.transpose_b = n.flag("transB", false);
  Value* product = n.make(op, {a, b});
  if (alpha != 1) product = n.map(cat("mul($0, #", print_float(alpha), ")"), {product});
  Value* const c = n.opt(2);
  if (!c || beta == 0) return n.out(product);
  n.out(beta == 1 ? n.add2(product, c)
                  : n.map(cat("add($0, mul($1, #", print_float(beta), "))"), {product, c}));
}

/// Letters that the equation does not use, for the axes of "...".
std::string spare_letters(const std::string& equation, size_t count) {
  std::string out;
  for (const char* c = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"; *c; ++c) {
    if (out.size() < count && equation.find(*c) == std::string::npos) out += *c;
  }
  return out;
}

std::vector<std::string> split_terms(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

/// The labels of one term with "..." written out for `axes` axes.
std::string expand_ellipsis(NodeImport& n, std::string term, size_t axes,
                            const std::string& letters) {
  const size_t at = term.find("...");
  if (at == std::string::npos) return term;
  term.replace(at, 3, letters.substr(letters.size() - axes));
  if (term.find('.') != std::string::npos) n.invalid("the equation has more than one \"...\"");
  return term;
}

/// Letters that appear once, in order: the result of an equation without "->".
std::string implicit_result(const std::vector<std::string>& terms, const std::string& letters) {
  std::map<char, int> count;
  for (const std::string& term : terms) {
    for (const char c : term) ++count[c];
  }
  std::string out = letters;
  for (const auto& [c, times] : count) {
    if (times == 1 && letters.find(c) == std::string::npos) out += c;
  }
  return out;
}

/// The labels of a product of two operands, by where they stand.
struct ProductLabels {
  std::string batch, rows, columns, inner;
};

bool has_label(const std::string& term, char label) {
  return term.find(label) != std::string::npos;
}

/// Nothing where it is more than one product of matrices, or where sizes are broadcast.
std::optional<ProductLabels> product_labels(const std::string& a, const std::string& b,
                                            const std::string& out, const Values& values) {
  ProductLabels labels;
  const auto is_set = [](const std::string& term) {
    return std::set<char>(term.begin(), term.end()).size() == term.size();
  };
  if (!is_set(a) || !is_set(b) || !is_set(out)) return std::nullopt;
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t other = b.find(a[i]);
    const bool kept = has_label(out, a[i]);
    if (other == std::string::npos) {
      if (!kept) return std::nullopt;
      labels.rows += a[i];
    } else {
      if (!(values[0]->type().dims[i] == values[1]->type().dims[other])) return std::nullopt;
      (kept ? labels.batch : labels.inner) += a[i];
    }
  }
  for (const char label : b) {
    if (has_label(a, label)) continue;
    if (!has_label(out, label)) return std::nullopt;
    labels.columns += label;
  }
  if (labels.inner.empty() ||
      out.size() != labels.batch.size() + labels.rows.size() + labels.columns.size()) {
    return std::nullopt;
  }
  return labels;
}

Value* permuted(NodeImport& n, Value* x, const std::string& from, const std::string& to) {
  std::vector<int64_t> perm;
  for (const char label : to) perm.push_back(static_cast<int64_t>(from.find(label)));
  return std::is_sorted(perm.begin(), perm.end()) ? x : n.transpose(x, perm);
}

/// The axes after the batch as two: of the first `rows` labels, and of the rest.
Value* as_matrices(NodeImport& n, Value* x, size_t batch, size_t rows) {
  const Dims& dims = x->type().dims;
  if (rows == 1 && dims.size() == batch + 2) return x;
  const auto at = [&](size_t i) { return dims.begin() + static_cast<std::ptrdiff_t>(i); };
  Dims sizes(dims.begin(), at(batch));
  sizes.push_back(product({at(batch), at(batch + rows)}));
  sizes.push_back(product({at(batch + rows), dims.end()}));
  return n.reshape(x, sizes);
}

/// What most equations of two operands are; null for the others.
Value* einsum_as_matmul(NodeImport& n, const std::string& a, const std::string& b,
                        const std::string& out, const Values& values) {
  const DType dtype = values[0]->type().dtype;
  if (!is_float(dtype) || values[1]->type().dtype != dtype) return nullptr;
  const std::optional<ProductLabels> labels = product_labels(a, b, out, values);
  if (!labels) return nullptr;
  const auto& [batch, rows, columns, inner] = *labels;
  const bool turned_a = a == batch + inner + rows, turned_b = b != batch + inner + columns;
  Value* left = permuted(n, values[0], a, turned_a ? a : batch + rows + inner);
  Value* right = permuted(n, values[1], b, turned_b ? batch + columns + inner : b);
  left = as_matrices(n, left, batch.size(), turned_a ? inner.size() : rows.size());
  right = as_matrices(n, right, batch.size(), turned_b ? columns.size() : inner.size());
  Value* result =
      n.make(op::MatMul{.transpose_a = turned_a, .transpose_b = turned_b}, {left, right});
  const auto size_of = [&](char label) {
    const size_t at = a.find(label);
    return at != std::string::npos ? values[0]->type().dims[at]
                                   : values[1]->type().dims[b.find(label)];
  };
  if (rows.size() != 1 || columns.size() != 1) {
    Dims sizes;
    for (const char label : batch + rows + columns) sizes.push_back(size_of(label));
    result = n.reshape(result, sizes);
  }
  return permuted(n, result, batch + rows + columns, out);
}

void einsum(NodeImport& n) {
  std::string equation = n.text("equation", "");
  constexpr size_t kEquationMax = 4096;
  if (equation.size() > kEquationMax)
    n.invalid("the equation has ", equation.size(), " characters");
  std::erase(equation, ' ');
  const Values values = n.all_inputs();
  const size_t arrow = equation.find("->");
  std::vector<std::string> terms = split_terms(equation.substr(0, arrow));
  if (terms.size() != values.size()) {
    n.invalid("the equation ", quote(equation), " has ", terms.size(), " terms for ", values.size(),
              " operands");
  }
  std::vector<size_t> ellipsis(terms.size(), 0);
  for (size_t i = 0; i < terms.size(); ++i) {
    const size_t rank = values[i]->type().dims.size();
    const bool has = terms[i].find("...") != std::string::npos;
    const size_t labels = terms[i].size() - (has ? 3 : 0);
    if (labels > rank || (!has && labels != rank)) {
      n.invalid("the term ", quote(terms[i]), " does not fit ", to_string(values[i]->type()));
    }
    ellipsis[i] = rank - labels;
  }
  const size_t most = *std::max_element(ellipsis.begin(), ellipsis.end());
  const std::string letters = spare_letters(equation, most);
  if (letters.size() < most) n.unsupported("the equation has too many axes");
  std::string out;
  for (size_t i = 0; i < terms.size(); ++i) {
    terms[i] = expand_ellipsis(n, terms[i], ellipsis[i], letters);
    out += (i ? "," : "") + terms[i];
  }
  const std::string result = arrow == std::string::npos
                                 ? implicit_result(terms, letters)
                                 : expand_ellipsis(n, equation.substr(arrow + 2), most, letters);
  if (terms.size() == 2) {
    if (Value* product = einsum_as_matmul(n, terms[0], terms[1], result, values)) {
      return n.out(product);
    }
  }
  n.out(n.make(op::Einsum{out + "->" + result}, values));
}

constexpr ImportRow kRows[] = {
    {"Einsum", 12, kNewest, 1, kAny, 1, einsum},
    {"Gemm", 1, kNewest, 2, 3, 1, gemm},
    {"MatMul", 1, kNewest, 2, 2, 1, matmul},
};

}  // namespace

std::span<const ImportRow> matmul_rows() {
  return kRows;
}

}  // namespace carnot::onnx
