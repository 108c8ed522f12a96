// The `carnot` command.
#include <csignal>
#include <cstdio>
#include <new>

#include "tools/carnot/cli.h"

int main(int argc, char** argv) {
  using namespace carnot::cli;
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Compiles and runs trained networks: ONNX in, fused and tuned machine code out.",
               "carnot");
  app.set_version_flag("--version", "carnot " CARNOT_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done; 1 a result is wrong or a check failed; 2 bad usage or bad input;\n"
      "3 an internal error. Errors go to stderr. `carnot COMMAND --help` shows a command's "
      "options.");
  int exit = kOk;
  add_build(app, exit);
  add_run(app, exit);
  add_bench(app, exit);
  add_check(app, exit);
  add_inspect(app, exit);
  add_compare(app, exit);
  add_ops(app, exit);
  add_devices(app, exit);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {  // CLI11 reports usage this way
    return app.exit(e) == 0 ? kOk : kUsage;
  } catch (const std::bad_alloc&) {
    return fail({carnot::Code::kOutOfMemory, "this needs more memory than there is"});
  }
  if (std::fflush(stdout) != 0) {
    std::fprintf(stderr, "carnot: error: standard output could not be written\n");
    return kUsage;
  }
  return exit;
}
