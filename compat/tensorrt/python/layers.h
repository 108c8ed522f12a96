#pragma once
// What the kinds of layers share: properties that may be refused, or that hold weights.
#include "bind.h"

namespace trt_python {

template <class>
struct SetterOf;
template <class Layer, class T>
struct SetterOf<bool (Layer::*)(T) noexcept> {
  using Owner = Layer;
  using Value = T;
};

/// A setter whose call says whether it succeeded: RuntimeError where it did not.
template <auto Set>
void checked(typename SetterOf<decltype(Set)>::Owner& layer,
             Given<typename SetterOf<decltype(Set)>::Value> value) {
  require((layer.*Set)(static_cast<typename SetterOf<decltype(Set)>::Value>(value)), "the setter");
}

/// Adds a property of weights, which Python sees as an array; the layer keeps what it is given.
template <class Layer, class... Extra>
void weights_property(nb::class_<Layer, Extra...>& layer, const char* name,
                      Weights (Layer::*get)() const noexcept, void (Layer::*set)(Weights) noexcept,
                      const char* doc) {
  layer.def_prop_rw(
      name,
      [get](nb::handle_t<Layer> self) {
        return array_of((nb::inst_ptr<Layer>(self)->*get)(), self);
      },
      [set](Layer& self, const Weights& weights) { (self.*set)(weights); },
      nb::for_setter(nb::keep_alive<1, 2>()), doc);
}

}  // namespace trt_python
