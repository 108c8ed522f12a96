#include "convert.h"

namespace carnot::python {
namespace {

using Code = nb::dlpack::dtype_code;

bool follows(const nb::dlpack::dtype& type, Code code, int bits) {
  return type.code == static_cast<uint8_t>(code) && type.bits == bits && type.lanes == 1;
}

nb::dlpack::dtype dlpack_of(DType dtype) {
  const auto make = [](Code code, int bits) {
    return nb::dlpack::dtype{static_cast<uint8_t>(code), static_cast<uint8_t>(bits), 1};
  };
  const int bits = bits_of(dtype) < 8 ? 8 : bits_of(dtype);
  switch (class_of(dtype)) {
    case DTypeClass::kBool:
      return make(Code::Bool, 8);
    case DTypeClass::kSigned:
      return bits_of(dtype) < 8 ? make(Code::UInt, 8) : make(Code::Int, bits);
    case DTypeClass::kFloat:
      if (dtype == DType::kF64 || dtype == DType::kF32 || dtype == DType::kF16) {
        return make(Code::Float, bits);
      }
      return make(Code::UInt, bits);
    default:
      return make(Code::UInt, bits);
  }
}

}  // namespace

DType dtype_named(const std::string& name) {
  const std::optional<DType> dtype = parse_dtype(name);
  if (!dtype) {
    throw Failure(Status(carnot::Code::kInvalidArgument,
                         "no element type is called '" + name + "'; there are f32, i64 ..."));
  }
  return *dtype;
}

DType dtype_of(const nb::dlpack::dtype& type, const std::string& name) {
  if (!name.empty()) return dtype_named(name);
  constexpr std::tuple<Code, int, DType> kTypes[] = {
      {Code::Float, 64, DType::kF64}, {Code::Float, 32, DType::kF32},
      {Code::Float, 16, DType::kF16}, {Code::Bfloat, 16, DType::kBF16},
      {Code::Int, 64, DType::kI64},   {Code::Int, 32, DType::kI32},
      {Code::Int, 16, DType::kI16},   {Code::Int, 8, DType::kI8},
      {Code::UInt, 64, DType::kU64},  {Code::UInt, 32, DType::kU32},
      {Code::UInt, 16, DType::kU16},  {Code::UInt, 8, DType::kU8},
      {Code::Bool, 8, DType::kBool},
  };
  for (const auto& [code, bits, dtype] : kTypes) {
    if (follows(type, code, bits)) return dtype;
  }
  throw Failure(Status(carnot::Code::kUnsupported, "an array of a type that has no counterpart"));
}

template <class A>
Shape contiguous_shape(const A& array, const char* what) {
  Shape shape(array.ndim());
  int64_t step = 1;
  for (size_t i = array.ndim(); i-- > 0;) {
    shape[i] = static_cast<int64_t>(array.shape(i));
    if (shape[i] != 1 && array.stride(i) != step) {
      throw Failure(Status(carnot::Code::kInvalidArgument,
                           std::string(what) + ": its elements do not follow one another; "
                                               "numpy.ascontiguousarray() makes an array that "
                                               "does"));
    }
    step *= std::max<int64_t>(shape[i], 1);
  }
  return shape;
}
template Shape contiguous_shape(const Array& array, const char* what);
template Shape contiguous_shape(const WritableArray& array, const char* what);

Tensor tensor_of(const Array& array, const std::string& dtype_name) {
  if (array.device_type() != nb::device::cpu::value) {
    throw Failure(Status(carnot::Code::kInvalidArgument,
                         "this takes arrays in the host's memory; .cpu() gives one"));
  }
  const DType dtype = dtype_of(array.dtype(), dtype_name);
  return check(Tensor::wrap(dtype, contiguous_shape(array, "an array"),
                            {static_cast<const std::byte*>(array.data()), array.nbytes()},
                            nullptr));
}

nb::object numpy_of(const Tensor& tensor) {
  if (tensor.dtype() == DType::kString) {
    nb::list texts;
    for (int64_t i = 0; i < tensor.elements(); ++i) texts.append(tensor.get_string(i));
    nb::object array = nb::module_::import_("numpy").attr("array")(texts, "object");
    return array.attr("reshape")(nb::cast(tensor.shape()));
  }
  auto* kept = new Tensor(check(tensor.dense()));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<Tensor*>(p); });
  std::vector<size_t> shape(kept->shape().begin(), kept->shape().end());
  if (bits_of(kept->dtype()) < 8) shape = {kept->bytes()};  // packed, two a byte
  nb::ndarray<nb::numpy> array(kept->mutable_data(), shape.size(), shape.data(), owner, nullptr,
                               dlpack_of(kept->dtype()));
  return nb::cast(array);
}

Dims dims_of(nb::handle shape) {
  Dims dims;
  for (nb::handle size : shape) {
    if (nb::isinstance<nb::str>(size)) {
      auto name = nb::cast<std::string>(size);
      dims.push_back(Dim::symbol(name.substr(name.rfind('?') + 1)));
    } else {
      dims.emplace_back(nb::cast<int64_t>(size));
    }
  }
  return dims;
}

nb::list list_of(const Dims& dims) {
  nb::list list;
  for (const Dim& dim : dims) {
    if (dim.is_constant()) {
      list.append(dim.value());
    } else {
      list.append(to_string(dim));
    }
  }
  return list;
}

}  // namespace carnot::python
