// The native module, carnot.native: what carnot/*.py is written on.
#include "convert.h"

NB_MODULE(native, m) {
  using namespace carnot::python;
  nb::set_leak_warnings(false);  // objects in globals are not always freed at the interpreter's end
  m.doc() = "Carnot's C++ interface, as little as the package carnot needs.";
  nb::register_exception_translator([](const std::exception_ptr& raised, void*) {
    try {
      std::rethrow_exception(raised);
    } catch (const Failure& failure) {
      nb::object error = nb::module_::import_("carnot.errors").attr("Error");
      nb::object value =
          error(carnot::to_string(failure.status().code()), failure.status().message());
      PyErr_SetObject(error.ptr(), value.ptr());
    }
  });
  bind_network(m);
  bind_builder(m);
  bind_engine(m);
}
