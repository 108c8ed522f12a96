#pragma once
// The table of flags.
#include <functional>

#include "options.h"

namespace trtexec {

enum class FlagKind {
  kSet,      ///< does what it says
  kIdle,     ///< accepted; what it asks for is so, or has no meaning here
  kRefused,  ///< cannot be done; going on would mislead
};

struct Flag {
  const char* name;
  bool takes_value;
  FlagKind kind;
  std::function<void(Options&, const std::string&)> set;  ///< of kSet
  const char* about;
};

const std::vector<Flag>& all_flags();

}  // namespace trtexec
