# carnot_llvm: LLVM 19 with the x86 and AArch64 back ends. Link it from codegen/ (and nowhere else).
# Where it is missing, the target does not exist and CARNOT_WITH_LLVM is off.
if(CARNOT_WITH_LLVM)
  find_package(LLVM 19.1 CONFIG QUIET HINTS /usr/lib/llvm-19 /usr/local/opt/llvm@19)
  if(NOT LLVM_FOUND)
    message(FATAL_ERROR "LLVM 19 was not found: install llvm-19-dev, or set -DCARNOT_WITH_LLVM=OFF")
  endif()
  add_library(carnot_llvm INTERFACE)
  target_include_directories(carnot_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
  separate_arguments(definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")
  target_compile_definitions(carnot_llvm INTERFACE ${definitions} CARNOT_WITH_LLVM=1)
  # LLVM is built without RTTI and exceptions; its headers need neither switched off in ours.
  if(CARNOT_LLVM_STATIC)
    llvm_map_components_to_libnames(components
      core support analysis passes instcombine scalaropts vectorize target mc object bitreader
      bitwriter orcjit
      x86codegen x86asmparser x86desc x86info
      aarch64codegen aarch64asmparser aarch64desc aarch64info)
    target_link_libraries(carnot_llvm INTERFACE ${components})
  else()
    target_link_libraries(carnot_llvm INTERFACE LLVM)
  endif()
endif()
