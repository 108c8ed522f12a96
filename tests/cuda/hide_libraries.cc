// Preloaded into a program: to it, libraries whose names hold one of the words of HIDE_LIBRARIES
// ("libnvrtc:libcudnn") are not on this machine. Needs no C++ library: the program may have its
// own.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

namespace {

bool is_hidden(const char* path) {
  const char* words = std::getenv("HIDE_LIBRARIES");
  while (words && *words) {
    const size_t length = std::strcspn(words, ":");
    for (const char* at = path; length > 0 && *at; ++at) {
      if (std::strncmp(at, words, length) == 0) return true;
    }
    words += length + (words[length] == ':' ? 1 : 0);
  }
  return false;
}

}  // namespace

extern "C" void* dlopen(const char* path, int mode) noexcept {
  using Open = void* (*)(const char*, int);
  // The failure is dlerror()'s as well.
  const char* const shown = path && is_hidden(path) ? "/hidden by HIDE_LIBRARIES" : path;
  return reinterpret_cast<Open>(dlsym(RTLD_NEXT, "dlopen"))(shown, mode);
}
