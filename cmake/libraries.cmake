# The two libraries that users link, made of the folders' objects, and what `install` copies.

# It finds a compiler or an importer that got in: tens of megabytes. 2.8 MB is what it has.
set(carnot_lean_bytes_max 3000000)

# carnot_shared_library(target output_name folder...): one shared library of those folders.
function(carnot_shared_library target output_name)
  set(objects "")
  set(links "")
  set(complete NOT CARNOT_SANITIZE AND NOT CARNOT_FUZZ)
  foreach(folder IN LISTS ARGN)
    carnot_target_name(${folder} part)
    if(TARGET ${part})
      list(APPEND objects $<TARGET_OBJECTS:${part}>)
      get_target_property(link ${part} CARNOT_LINK)
      list(APPEND links ${link})
    else()
      set(complete FALSE)
    endif()
  endforeach()
  list(REMOVE_DUPLICATES links)
  add_library(${target} SHARED ${objects})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${output_name}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE CXX)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_link_libraries(${target} PRIVATE ${links})
  set(exports ${PROJECT_SOURCE_DIR}/cmake/exports.map)
  target_link_options(${target} PRIVATE -Wl,--version-script=${exports})
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${exports})
  if(${complete})
    target_link_options(${target} PRIVATE -Wl,-z,defs)  # a folder missing from the list: an error
  endif()
endfunction()

carnot_shared_library(carnot_lean carnot_runtime ${carnot_lean_folders})
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CARNOT_SANITIZE)
  add_custom_command(TARGET carnot_lean POST_BUILD VERBATIM
    COMMAND ${CMAKE_COMMAND} -D LIBRARY=$<TARGET_FILE:carnot_lean> -D STRIP=${CMAKE_STRIP}
      -D BYTES_MAX=${carnot_lean_bytes_max} -P ${PROJECT_SOURCE_DIR}/cmake/lean_size.cmake)
endif()
set(carnot_targets carnot_lean)
if(CARNOT_WITH_LLVM)
  carnot_shared_library(carnot_full carnot ${carnot_folders})
  set_target_properties(carnot_full PROPERTIES EXPORT_NAME carnot)
  add_library(Carnot::carnot ALIAS carnot_full)
  list(APPEND carnot_targets carnot_full)
endif()

include(CMakePackageConfigHelpers)
set(carnot_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Carnot)
set_target_properties(carnot_lean PROPERTIES EXPORT_NAME runtime)
add_library(Carnot::runtime ALIAS carnot_lean)
install(TARGETS ${carnot_targets} EXPORT CarnotTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/carnot TYPE INCLUDE FILES_MATCHING PATTERN "*.h"
  PATTERN "*.def")
install(EXPORT CarnotTargets NAMESPACE Carnot:: DESTINATION ${carnot_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/CarnotConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/CarnotConfig.cmake.in
  ${PROJECT_BINARY_DIR}/CarnotConfig.cmake INSTALL_DESTINATION ${carnot_package_dir})
install(FILES ${PROJECT_BINARY_DIR}/CarnotConfig.cmake
  ${PROJECT_BINARY_DIR}/CarnotConfigVersion.cmake DESTINATION ${carnot_package_dir})
