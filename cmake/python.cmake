# Python modules: carnot_python_module(). They are made where Python's headers and nanobind are.
#
# nanobind is a package of Python: the interpreter of build/venv has it at the pinned version
# (tools/models/environment.py nanobind); a build of the wheel has its own.
if(NOT Python_EXECUTABLE AND EXISTS ${PROJECT_SOURCE_DIR}/build/venv/bin/python)
  set(Python_EXECUTABLE ${PROJECT_SOURCE_DIR}/build/venv/bin/python)
endif()
find_package(Python 3.10 COMPONENTS Interpreter Development.Module QUIET)
set(CARNOT_PYTHON FALSE)
if(NOT Python_FOUND)
  message(STATUS "Python modules: left out, there is no Python >= 3.10 with its headers (python3-dev)")
elseif(CARNOT_SANITIZE OR NOT CARNOT_WITH_LLVM)
  message(STATUS "Python modules: left out of builds with sanitizers or without LLVM")
else()
  execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
    OUTPUT_VARIABLE nanobind_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed)
    message(STATUS "Python modules: left out, ${Python_EXECUTABLE} has no nanobind "
      "(tools/models/environment.py nanobind)")
  else()
    find_package(nanobind CONFIG REQUIRED)
    set(CARNOT_PYTHON TRUE)
  endif()
endif()

# Where packages are put together: PYTHONPATH=build/release/python.
set(carnot_python_dir ${PROJECT_BINARY_DIR}/python)

# carnot_python_module(name PACKAGE folder SOURCES ... LINK target... [STUB_PATCH file])
# The extension <folder>.<name> beside the Python files of the calling folder's <folder>/, and its
# type stub (cmake/python_stub.py).
function(carnot_python_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PACKAGE;STUB_PATCH" "SOURCES;LINK")
  set(target python_${name})
  set(package ${carnot_python_dir}/${arg_PACKAGE})
  nanobind_add_module(${target} NB_STATIC NB_SUPPRESS_WARNINGS NOMINSIZE NOSTRIP ${arg_SOURCES})
  carnot_warnings(${target})
  # Calls into the libraries, and little else: it compiles in half the time.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1 -g0>)
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${package} INSTALL_RPATH "$ORIGIN/../carnot/lib")
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/${arg_PACKAGE}
    ${CMAKE_CURRENT_SOURCE_DIR}/${arg_PACKAGE}/*.py
    ${CMAKE_CURRENT_SOURCE_DIR}/${arg_PACKAGE}/py.typed)
  foreach(source IN LISTS sources)
    configure_file(${arg_PACKAGE}/${source} ${package}/${source} COPYONLY)
  endforeach()
  if(arg_STUB_PATCH)
    set(patch ${CMAKE_CURRENT_SOURCE_DIR}/${arg_STUB_PATCH})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${patch})
  endif()
  add_custom_command(TARGET ${target} POST_BUILD VERBATIM
    COMMAND ${Python_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/python_stub.py
      ${carnot_python_dir} ${arg_PACKAGE}.${name} ${patch})
endfunction()
