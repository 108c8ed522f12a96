# cmake -D BUILD=... -D SOURCE=... -D GENERATOR=... -D COMPILER=... -P install_test.cmake
# Installs the build folder, then configures, builds and runs consumer/ against what was installed.
set(work ${BUILD}/tests/install/work)
file(REMOVE_RECURSE ${work})

# The first ```cpp block of the README is a program's source as it stands.
file(READ ${SOURCE}/README.md readme)
if(NOT readme MATCHES "\n```cpp\n([^`]+)```")
  message(FATAL_ERROR "README.md has no C++ snippet")
endif()
file(WRITE ${work}/snippet.cc "${CMAKE_MATCH_1}")

execute_process(COMMAND_ERROR_IS_FATAL ANY
  COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/prefix --strip OUTPUT_QUIET)
execute_process(COMMAND_ERROR_IS_FATAL ANY
  COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE}/tests/install/consumer -B ${work}/build
    -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_PREFIX_PATH=${work}/prefix
    -D SNIPPET=${work}/snippet.cc -D EXAMPLE=${SOURCE}/examples/tensorrt/classify.cpp)
execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND ${CMAKE_COMMAND} --build ${work}/build)
foreach(program uses_all uses_runtime)
  execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND ${work}/build/${program})
endforeach()
execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND ${CMAKE_COMMAND} -E env CARNOT_DEVICE=cpu
  ${work}/build/uses_tensorrt ${SOURCE}/tests/tensorrt/tiny_cnn.onnx)
file(REMOVE_RECURSE ${work})
