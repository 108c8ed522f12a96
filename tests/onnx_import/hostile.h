#pragma once
// Models that break a rule, lie about sizes or ask for too much: each with the error it must give.
#include <string>
#include <vector>

#include "base/status.h"

namespace carnot {

struct HostileModel {
  std::string name;  ///< as in the catalogue: "cycle", "raw_data_short" ...
  std::string bytes;
  Code code = Code::kInvalidModel;
  std::string message;  ///< a part of the error
};
std::vector<HostileModel> hostile_models();

}  // namespace carnot
