# What every target is compiled and linked with.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)  # the static libraries' objects go into the shared ones too
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

find_program(CARNOT_CCACHE ccache)
mark_as_advanced(CARNOT_CCACHE)
if(CARNOT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without these it refuses files that have a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CARNOT_CCACHE})
endif()

# The fastest linker present; links are a good part of an incremental build.
find_program(CARNOT_MOLD mold)
find_program(CARNOT_LLD ld.lld)
mark_as_advanced(CARNOT_MOLD CARNOT_LLD)
if(CARNOT_MOLD AND NOT (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND
                        CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12))  # g++ 11 knows no -fuse-ld=mold
  add_link_options(-fuse-ld=mold)
elseif(CARNOT_LLD)
  add_link_options(-fuse-ld=lld)
endif()

add_compile_options(-ffunction-sections -fdata-sections)  # unused parts are left out of libraries
add_link_options(-Wl,--gc-sections)

if(CARNOT_SANITIZE)
  set(flags -fsanitize=${CARNOT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_options(${flags})
  add_link_options(${flags})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The sanitizers' own branches mislead the warnings that follow values; other presets have them.
    add_compile_options(-Wno-array-bounds -Wno-maybe-uninitialized -Wno-stringop-overflow)
  endif()
endif()
if(CARNOT_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "CARNOT_FUZZ needs clang++ (libFuzzer): use the fuzz preset")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
