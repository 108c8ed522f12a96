# cmake -D LIBRARY=... -D STRIP=... -D BYTES_MAX=... -P lean_size.cmake
# Prints the library's size without symbols; fails when it is over the limit.
set(stripped ${LIBRARY}.stripped)
execute_process(COMMAND ${STRIP} -o ${stripped} ${LIBRARY} COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${stripped} bytes)
file(REMOVE ${stripped})
cmake_path(GET LIBRARY FILENAME name)
math(EXPR kilobytes "(${bytes} + 999) / 1000")
message(STATUS "${name}: ${kilobytes} kB stripped (limit ${BYTES_MAX} bytes)")
if(bytes GREATER BYTES_MAX)
  file(REMOVE ${LIBRARY})
  message(FATAL_ERROR "${name} is over its limit: something heavy reached the lean runtime")
endif()
