// cuda.scatter: scatter_elements and scatter_nd (codegen/cuda/lib/scatter.cuh).
#include "base/text.h"
#include "codegen/cuda/scalar_text.h"
#include "tactics/cuda/library.h"

namespace carnot::cuda {

namespace {

using op::ScatterKind;

ScatterKind kind_of(const Node& node) {
  const auto* elements = node.as<op::ScatterElements>();
  return elements ? elements->kind : node.as<op::ScatterNd>()->kind;
}

WhyNot why(const LibraryProblem& p) {
  const DType dtype = p.in(0).dtype, index = p.in(1).dtype;
  if (WhyNot no = why_not_element(dtype); !no.empty()) return no;
  if (p.in(0).rank() == 0) return "a scalar";
  if (index != DType::kI64 && index != DType::kI32) return "indices of other types";
  if (kind_of(p.node) == ScatterKind::kMul && is_float(dtype)) {
    return "a product of floats depends on the order of the updates";
  }
  return "";
}

class Writer {
 public:
  Writer(const LibraryProblem& p, CodeSink& sink) : p_(p), out_(p, sink) {
    data_ = p.in(0).dims;
    const Dims& indices = p.in(1).dims;
    if (p.node.as<op::ScatterElements>()) {
      rows_ = product(indices);
      length_ = 1;
      for (size_t i = 0; i < data_.size(); ++i) {
        out_.must_equal(p.in(2).dims[i], indices[i]);
        if (i != resolved_axis(p.node.as<op::ScatterElements>()->axis, p.in(0))) {
          out_.must_fit(indices[i], data_[i]);
        }
      }
      return;
    }
    depth_ = static_cast<size_t>(indices.back().value());
    rows_ = product({indices.begin(), indices.end() - 1});
    length_ = product({data_.begin() + static_cast<std::ptrdiff_t>(depth_), data_.end()});
    Dims updates(indices.begin(), indices.end() - 1);
    updates.insert(updates.end(), data_.begin() + static_cast<std::ptrdiff_t>(depth_), data_.end());
    for (size_t i = 0; i < updates.size(); ++i) out_.must_equal(p.in(2).dims[i], updates[i]);
  }

  LibraryProgram run() {
    const ScatterKind kind = kind_of(p_.node);
    if (kind == ScatterKind::kAssign) {
      assign();
    } else if (kind == ScatterKind::kAdd && is_float(p_.in(0).dtype)) {
      sum();
    } else {
      fold(kind);
    }
    return out_.take();
  }

 private:
  /// A kernel that has `place`, and names for its arguments.
  struct Kernel : LibraryKernel {
    using LibraryKernel::LibraryKernel;
    std::string sizes;  ///< "count, rows, length"
  };

  Kernel begin() {
    Kernel k("scatter", kLibraryThreads);
    const std::string index = storage_type(p_.in(1).dtype);
    const std::string head = cat("{", k.input(out_.in(1), index), ", ", k.fault(), ", ");
    if (const auto* op = p_.node.as<op::ScatterElements>()) {
      const size_t axis = resolved_axis(op->axis, p_.in(0));
      Dims strides(data_.size(), 1);
      for (size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * data_[i];
      k.line(cat("const scatter::Elements<", data_.size(), ", ", index, "> place", head, axis, ", ",
                 k.number(data_[axis]), ", ", k.list(p_.in(1).dims), ", ", k.list(strides), "};"));
      return k;
    }
    const Dims sizes(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(depth_));
    Dims strides(depth_, 1);
    for (size_t i = depth_; i-- > 1;) strides[i - 1] = strides[i] * sizes[i];
    k.line(cat("const scatter::Rows<", depth_, ", ", index, "> place", head, k.list(sizes), ", ",
               k.list(strides), "};"));
    return k;
  }

  Dim count() const { return product(data_); }
  Dim updates() const { return rows_ * length_; }
  /// One launch that copies the data and goes through rows, or updates, too.
  void start(Kernel& k, const Dim& others) { out_.add_for(k, max(count(), others)); }

  void assign() {
    const std::string type = storage_type(p_.in(0).dtype);
    if (rows_.is(1)) {
      Kernel k = begin();
      const std::string data = k.input(out_.in(0), type), updates = k.input(out_.in(2), type);
      const std::string to = k.output(out_.out(0), type);
      k.line(cat("scatter::one_row(", data, ", ", updates, ", ", to, ", ", k.number(count()), ", ",
                 k.number(length_), ", place);"));
      return out_.add_for(k, count());
    }
    const auto depth =
        static_cast<std::ptrdiff_t>(p_.node.as<op::ScatterNd>() ? depth_ : data_.size());
    const Dim places = product({data_.begin(), data_.begin() + depth});
    const int owner = out_.temporary(DType::kU32, {places});
    Kernel first = begin();
    {
      const std::string data = first.input(out_.in(0), type), to = first.output(out_.out(0), type);
      first.line(cat("scatter::start_owners(", data, ", ", to, ", ", first.output(owner, "u32"),
                     ", ", first.number(count()), ", ", first.number(rows_), ", place);"));
    }
    start(first, rows_);
    Kernel second = begin();
    second.line(cat("scatter::claim(", second.output(owner, "u32"), ", ", second.number(rows_),
                    ", place);"));
    out_.add_for(second, rows_);
    Kernel third = begin();
    const std::string updates_name = third.input(out_.in(2), type);
    const std::string owners = third.input(owner, "u32");
    third.line(cat("scatter::write_owned(", updates_name, ", ", owners, ", ",
                   third.output(out_.out(0), type), ", ", third.number(rows_), ", ",
                   third.number(length_), ", place);"));
    out_.add_for(third, updates());
  }

  std::string sizes(Kernel& k, bool with_count) {
    return cat(with_count ? cat(k.number(count()), ", ") : "", k.number(rows_), ", ",
               k.number(length_), ", place);");
  }

  void fold(ScatterKind kind) {
    const DType dtype = p_.in(0).dtype;
    const std::string type = storage_type(dtype), element = element_name(dtype);
    const bool bits = dtype == DType::kBool;  // or is their maximum, and their minimum
    const bool largest = kind == ScatterKind::kMax || (bits && kind == ScatterKind::kAdd);
    const bool extreme = bits || kind == ScatterKind::kMax || kind == ScatterKind::kMin;
    const std::string with =
        extreme
            ? cat("scatter::Extreme<", element, ", ", largest ? "true" : "false", ">")
            : cat("scatter::Whole", kind == ScatterKind::kAdd ? "Sum<" : "Product<", element, ">");
    const int words = out_.temporary(DType::kU64, data_);
    Kernel first = begin();
    {
      const std::string data = first.input(out_.in(0), type), to = first.output(out_.out(0), type);
      first.line(cat("scatter::start_fold<", element, ", ", with, ">(", data, ", ", to, ", ",
                     first.output(words, "u64"), ", ", sizes(first, true)));
    }
    start(first, updates());
    Kernel second = begin();
    const std::string from = second.input(out_.in(2), type);
    second.line(cat("scatter::fold<", element, ", ", with, ">(", from, ", ",
                    second.output(words, "u64"), ", ", sizes(second, false)));
    out_.add_for(second, updates());
    Kernel third = begin();
    const std::string folded = third.input(words, "u64");
    third.line(cat("scatter::write_fold<", element, ", ", with, ">(", folded, ", ",
                   third.output(out_.out(0), type), ", ", sizes(third, false)));
    out_.add_for(third, updates());
  }

  void sum() {
    const DType dtype = p_.in(0).dtype;
    const std::string type = storage_type(dtype), element = element_name(dtype);
    const int sums = out_.temporary(DType::kU64, data_), top = out_.temporary(DType::kU32, data_);
    Kernel first = begin();
    {
      const std::string data = first.input(out_.in(0), type), to = first.output(out_.out(0), type);
      const std::string s = first.output(sums, "u64"), t = first.output(top, "u32");
      first.line(cat("scatter::start_sum<", element, ">(", data, ", ", to, ", ", s, ", ", t, ", ",
                     sizes(first, true)));
    }
    start(first, updates());
    Kernel second = begin();
    {
      const std::string from = second.input(out_.in(2), type), t = second.output(top, "u32");
      second.line(
          cat("scatter::find_units<", element, ">(", from, ", ", t, ", ", sizes(second, false)));
    }
    out_.add_for(second, updates());
    Kernel third = begin();
    {
      const std::string from = third.input(out_.in(2), type), t = third.input(top, "u32");
      const std::string s = third.output(sums, "u64");
      third.line(
          cat("scatter::sum<", element, ">(", from, ", ", t, ", ", s, ", ", sizes(third, false)));
    }
    out_.add_for(third, updates());
    Kernel fourth = begin();
    const std::string data = fourth.input(out_.in(0), type), s = fourth.input(sums, "u64");
    const std::string t = fourth.input(top, "u32"), to = fourth.output(out_.out(0), type);
    fourth.line(cat("scatter::write_sum<", element, ">(", data, ", ", s, ", ", t, ", ", to, ", ",
                    sizes(fourth, false)));
    out_.add_for(fourth, updates());
  }

  const LibraryProblem& p_;
  LibraryWriter out_;
  Dims data_;
  size_t depth_ = 0;  ///< of scatter_nd: axes that a row of indices names
  Dim rows_, length_;
};

Result<LibraryProgram> generate(const LibraryProblem& p, CodeSink& sink) {
  return Writer(p, sink).run();
}

}  // namespace

const LibraryTactic kScatterLibrary = {"cuda.scatter", why, generate};

}  // namespace carnot::cuda
