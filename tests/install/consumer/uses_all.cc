// Calls the README's example where there is no model: the error must come back as a value.
#include <carnot/status.h>

#include <cstdio>

carnot::Status example();

int main() {
  const carnot::Status status = example();
  std::printf("%s\n", status.message().c_str());
  return status.ok() ? 1 : 0;
}
