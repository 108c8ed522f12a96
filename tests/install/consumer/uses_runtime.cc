// Loads an engine that is not there with the lean runtime alone.
#include <carnot/engine.h>

#include <cstdio>

int main() {
  const auto engine = carnot::Engine::load("missing.engine");
  std::printf("%s\n", engine.status().message().c_str());
  return engine.ok() ? 1 : 0;
}
