# The functions that src/*/CMakeLists.txt, tools/ and tests/ are written in.

# "device/cpu" -> carnot_device_cpu
function(carnot_target_name folder out)
  string(REPLACE "/" "_" name ${folder})
  set(${out} carnot_${name} PARENT_SCOPE)
endfunction()

function(carnot_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Werror)
endfunction()

# Links `target` with folders of src/. One that has no CMakeLists.txt yet is left out.
function(carnot_link target)
  foreach(folder IN LISTS ARGN)
    carnot_target_name(${folder} dependency)
    target_link_libraries(${target} PUBLIC $<TARGET_NAME_IF_EXISTS:${dependency}>)
  endforeach()
endfunction()

# carnot_row_sources(out DEF [FOLDER]): what the rows of a .def file are implemented in, so that no
# second list is kept. CARNOT_OP(OneHot) is one_hot.cc, CARNOT_PASS(fold_affine, ...) fold_affine.cc,
# in the calling folder or its FOLDER; a row without such a file shares another one, which is listed.
function(carnot_row_sources out def)
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${ARGN})
  file(GLOB present CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/*.cc)  # a new file: configure again
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${def})
  file(STRINGS ${def} rows REGEX "^CARNOT_[A-Z]+\\(")
  set(sources "")
  foreach(row IN LISTS rows)
    string(REGEX REPLACE "^CARNOT_[A-Z]+\\(([A-Za-z0-9_]+).*" "\\1" name "${row}")
    string(REGEX REPLACE "([a-z0-9])([A-Z])" "\\1_\\2" name ${name})
    string(TOLOWER ${name}.cc name)
    if(name IN_LIST present)
      list(APPEND sources ${folder}/${name})
    endif()
  endforeach()
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# carnot_library(folder SOURCES ... DEPENDS folder... [LINK target...])
# The static library of src/<folder>, named carnot_<folder>. DEPENDS are the folders it includes
# (tools/tidy.py checks them against the layers); LINK are foreign targets (PRIVATE: their headers
# stay out of ours).
function(carnot_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;LINK")
  carnot_target_name(${folder} target)
  add_library(${target} STATIC ${arg_SOURCES})
  target_include_directories(${target} PUBLIC
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  carnot_warnings(${target})
  carnot_link(${target} ${arg_DEPENDS})
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  set_target_properties(${target} PROPERTIES CARNOT_LINK "${arg_LINK}")
endfunction()

# carnot_compile_fast(folder...): compiled with -O1 in Release builds.
function(carnot_compile_fast)
  foreach(folder IN LISTS ARGN)
    carnot_target_name(${folder} target)
    if(TARGET ${target})
      target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
  endforeach()
endfunction()

# carnot_precompile(target HEADER...): for heads that take seconds in every file of the target.
function(carnot_precompile target)
  target_precompile_headers(${target} PRIVATE ${ARGN})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)  # ccache asks for it
  endif()
endfunction()

# carnot_program(name SOURCES ... DEPENDS folder... [LINK target...]): build/<preset>/bin/<name>
function(carnot_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  carnot_warnings(${name})
  carnot_link(${name} ${arg_DEPENDS})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
endfunction()

# True in `out` when every folder has a target; else says what `name` waits for.
function(carnot_ready name out)
  set(${out} TRUE PARENT_SCOPE)
  foreach(folder IN LISTS ARGN)
    carnot_target_name(${folder} target)
    if(NOT TARGET ${target})
      message(STATUS "${name}: left out, src/${folder} is not built")
      set(${out} FALSE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# carnot_test(name SOURCES ... DEPENDS folder... [LINK target...] [LABELS unit|slow...])
# A GoogleTest executable, one ctest test. CARNOT_SOURCE_DIR tells it where the data files are.
function(carnot_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;LINK;LABELS")
  carnot_ready(${name} ready ${arg_DEPENDS})
  if(NOT ready OR NOT CARNOT_TESTS)
    return()
  endif()
  find_package(GTest REQUIRED)
  carnot_program(${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS}
    LINK ${arg_LINK} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE CARNOT_SOURCE_DIR="${CARNOT_TEST_DATA}")
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 300)
endfunction()

# carnot_fuzzer(name SOURCES ... DEPENDS folder...)
# Defines LLVMFuzzerTestOneInput. With CARNOT_FUZZ a libFuzzer binary, bin/fuzz_<name>; else (when
# tests/fuzz/corpus/<name> exists) a test, replay_<name>, that runs the stored corpus once.
function(carnot_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  carnot_ready(fuzz_${name} ready ${arg_DEPENDS})
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  if(ready AND CARNOT_FUZZ)
    carnot_program(fuzz_${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS}
      LINK -fsanitize=fuzzer)
  elseif(ready AND CARNOT_TESTS AND EXISTS ${corpus})
    carnot_program(replay_${name} SOURCES ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cc
      DEPENDS ${arg_DEPENDS})
    add_test(NAME replay_${name} COMMAND replay_${name} ${corpus})
    set_tests_properties(replay_${name} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
endfunction()

# carnot_embed(folder file...): texts that the library of src/<folder> carries, by their names from
# src/. They are read by `embedded_files()`, declared in src/<folder>/embedded.h.
function(carnot_embed folder)
  carnot_target_name(${folder} target)
  set(rows "")
  foreach(file IN LISTS ARGN)
    set(path ${PROJECT_SOURCE_DIR}/src/${folder}/${file})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(READ ${path} text)
    string(APPEND rows "    {\"${folder}/${file}\", R\"CARNOT_FILE(${text})CARNOT_FILE\"},\n")
  endforeach()
  string(REPLACE "/" "::" namespace ${folder})
  string(REGEX REPLACE "^codegen" "carnot" namespace ${namespace})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT "// Made by carnot_embed() of cmake/carnot.cmake.
#include \"@folder@/embedded.h\"

namespace @namespace@ {

std::span<const EmbeddedFile> embedded_files() {
  static constexpr EmbeddedFile kFiles[] = {
@rows@  };
  return kFiles;
}

}  // namespace @namespace@
")
  target_sources(${target} PRIVATE ${source})
endfunction()
