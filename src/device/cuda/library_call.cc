#include "device/cuda/library_call.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <thread>

#include "device/cuda/libraries.h"

namespace carnot::cuda {
namespace {

template <class Call>
std::string print(Call& call) {
  std::string out = Call::kName;
  call.each([&](const char* name, int64_t value, int64_t, int64_t) {
    out += cat(' ', name, '=', value);
  });
  return out;
}

template <class Call>
Result<Call> parse(std::string_view text) {
  Call out;
  Status status;
  const auto expect = [&](std::string_view word) {
    const bool there = text.substr(0, word.size()) == word;
    if (there) text.remove_prefix(word.size());
    if (!there && status.ok()) {
      status = error(Code::kCorruptEngine, "a library's call lacks '", word, "'");
    }
    return there;
  };
  expect(Call::kName);
  out.each([&](const char* name, int64_t& value, int64_t low, int64_t high) {
    if (!status.ok() || !expect(cat(' ', name, '='))) return;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (code == std::errc() && value >= low && value <= high) return;
    status = error(Code::kCorruptEngine, "a library's call has a wrong '", name, "'");
  });
  if (!status.ok()) return status;
  if (!text.empty()) return error(Code::kCorruptEngine, "a library's call goes on after its end");
  return out;
}

}  // namespace

const char* to_string(Library library) {
  static const char* const kNames[] = {"no library", "cuBLASLt", "cuDNN"};
  return kNames[static_cast<uint32_t>(library)];
}

const char* word_of(Library library) {
  static const char* const kWords[] = {"", "cublaslt", "cudnn"};
  return kWords[static_cast<uint32_t>(library)];
}

int64_t element_code(DType type) {
  for (size_t i = 0; i < std::size(kElementCodes); ++i) {
    if (kElementCodes[i].type == type) return static_cast<int64_t>(i);
  }
  return -1;
}

std::string to_string(MatmulCall call) {
  return print(call);
}
std::string to_string(ConvolutionCall call) {
  return print(call);
}
Result<MatmulCall> parse_matmul_call(std::string_view text) {
  return parse<MatmulCall>(text);
}
Result<ConvolutionCall> parse_convolution_call(std::string_view text) {
  return parse<ConvolutionCall>(text);
}

Status open(Library library) {
  if (library == Library::kCublasLt) return cublaslt().status();
  if (library == Library::kCudnn) return cudnn().status();
  return {};
}

int64_t version_of(Library library) {
  if (library == Library::kCublasLt) {
    const auto found = cublaslt();
    return found.ok() ? static_cast<int64_t>((*found)->version()) : 0;
  }
  const auto found = cudnn();
  return found.ok() ? static_cast<int64_t>((*found)->version()) : 0;
}

std::string path_of(Library library) {
  if (library == Library::kCublasLt) {
    const auto found = cublaslt();
    return found.ok() ? (*found)->path : std::string();
  }
  const auto found = cudnn();
  return found.ok() ? (*found)->path : std::string();
}

Result<LibraryCall*> LibraryCalls::add(Library library, std::string_view text, uint32_t pointers,
                                       uint32_t integers) {
  const auto fits = [&](uint32_t wanted_pointers, uint32_t wanted_integers) -> Status {
    if (pointers == wanted_pointers && integers == wanted_integers) return {};
    return error(Code::kCorruptEngine, "a library's call with ", pointers, " pointers and ",
                 integers, " numbers");
  };
  if (library == Library::kCublasLt) {
    CARNOT_ASSIGN(const MatmulCall call, parse_matmul_call(text));
    CARNOT_RETURN_IF_ERROR(fits(call.pointers(), MatmulCall::kIntegers));
    if (!cublaslt_) {
      CARNOT_ASSIGN(cublaslt_, make_cublaslt_handle());
    }
    calls_.push_back(make_matmul(*cublaslt_, call));
  } else {
    CARNOT_ASSIGN(const ConvolutionCall call, parse_convolution_call(text));
    CARNOT_RETURN_IF_ERROR(fits(call.pointers(), 0));
    if (!cudnn_) {
      CARNOT_ASSIGN(const Cudnn* opened, cudnn());
      cudnn_ = std::make_unique<CudnnHandles>(*opened);
    }
    calls_.push_back(make_convolution(*cudnn_, call));
  }
  return calls_.back().get();
}

Status LibraryCalls::prepare(const Context& context) {
  std::vector<Status> statuses(calls_.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    const Current current = context.current();
    for (size_t i; (i = next++) < calls_.size();) statuses[i] = calls_[i]->prepare();
  };
  std::vector<std::thread> team;
  const size_t threads = std::min<size_t>(std::thread::hardware_concurrency(), calls_.size());
  for (size_t i = 1; i < threads; ++i) team.emplace_back(work);
  work();
  for (std::thread& thread : team) thread.join();
  for (Status& status : statuses) CARNOT_RETURN_IF_ERROR(std::move(status));
  return {};
}

}  // namespace carnot::cuda
