#pragma once
// Model: a Network as Python holds it.
#include <deque>

#include "carnot/network.h"
#include "convert.h"

namespace carnot::python {

/// A network with the memory that its constants lie in.
struct Model {
  Network network;
  std::deque<nb::object> kept;
};

}  // namespace carnot::python
