// `carnot exec`: runs a program made for CUDA and TensorRT on the CPU, without a GPU.
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "tools/carnot/cli.h"

namespace carnot::cli {

namespace {

namespace fs = std::filesystem;

// As shells have it: found but not to be run, and not found.
enum { kNotRun = 126, kNotFound = 127 };

/// What lies beside the command: its libraries, and the CUDA of host memory within them.
Result<fs::path> library_folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path prefix = self.parent_path().parent_path();
  for (const char* folder : {"lib", CARNOT_LIBRARY_FOLDER}) {
    if (fs::is_regular_file(prefix / folder / "carnot-host-cuda/libcudart.so.13", error)) {
      return prefix / folder;
    }
  }
  return Status(Code::kIo,
                "lib/carnot-host-cuda/libcudart.so.13 is not beside this command; "
                "install Carnot as a whole, or build it all");
}

void put_first(const char* variable, const std::string& value) {
  const char* old = std::getenv(variable);
  ::setenv(variable, (old && *old ? value + ":" + old : value).c_str(), 1);
}

int run_program(char** command) {
  const auto libraries = library_folder();
  if (!libraries.ok()) return fail(libraries.status());
  const std::string cuda = (*libraries / "carnot-host-cuda").string();
  put_first("LD_LIBRARY_PATH", cuda + ":" + libraries->string());
  put_first("PYTHONPATH", cuda + "/python");
  ::setenv("CARNOT_DEVICE", "cpu", 1);

  for (int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_DFL);  // ignored here, inherited
  ::execvp(command[0], command);
  const int error = errno;
  std::fprintf(stderr, "carnot: error: %s: %s\n", command[0], std::strerror(error));
  return error == ENOENT ? kNotFound : kNotRun;
}

}  // namespace

bool is_exec(int argc, char** argv) {
  if (argc < 3 || std::string_view(argv[1]) != "exec") return false;
  const std::string_view first = argv[2];
  return first == "--" ? argc > 3 : first.substr(0, 1) != "-";
}

int exec_program(char** argv) {
  return run_program(std::string_view(argv[2]) == "--" ? argv + 3 : argv + 2);
}

void add_exec(CLI::App& app, int& exit) {
  CLI::App* cmd = app.add_subcommand(
      "exec", "Run a program made for CUDA and TensorRT on the CPU: carnot exec -- PROGRAM ARGS");
  cmd->footer(
      "The program finds Carnot's libraries under TensorRT's names, and a CUDA runtime whose\n"
      "device memory is the host's. Kernels of its own are not run. Its exit status is this "
      "one's;\n"
      "126: it could not be run, 127: it was not found.");
  cmd->callback([&exit] {
    exit = fail({Code::kInvalidArgument, "no program to run; carnot exec -- PROGRAM ARGUMENTS"});
  });
}

}  // namespace carnot::cli
