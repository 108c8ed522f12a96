// The `carnot` command.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <new>
#include <string_view>

#include "tools/carnot/cli.h"

namespace {

using namespace carnot::cli;

// A closed standard stream must not become the number of a file that we open: what is printed would
// go there. Opened the wrong way round, so that using it fails as before.
void occupy_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
  }
}

// Models, engines and arrays are mapped: one that shrinks meanwhile ends the process here.
void on_bus_error(int number, siginfo_t* info, void*) {
  if (info->si_code == BUS_ADRERR) {
    constexpr std::string_view kMessage =
        "carnot: error: a file became shorter while it was read, or its disk failed\n";
    const bool said = ::write(2, kMessage.data(), kMessage.size()) > 0;
    _exit(said ? kUsage : kInternal);
  }
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void prepare_process() {
  occupy_standard_streams();
  // Writes that fail are reported, and temporary files removed.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  struct sigaction bus {};
  bus.sa_sigaction = on_bus_error;
  bus.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &bus, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  if (is_exec(argc, argv)) return exec_program(argv);
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
  add_exec(app, exit);
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
