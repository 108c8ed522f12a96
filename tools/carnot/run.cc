// `carnot run`: one inference, its results on the terminal and as .npy files.
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "tensor/npy.h"
#include "tools/carnot/session.h"
#include "tools/carnot/stop.h"

namespace carnot::cli {

namespace {

struct Flags : RunFlags {
  std::string save;
};

Status save_outputs(Session& s, const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return error(Code::kIo, "--save ", folder, ": ", failed.message());
  for (const TensorInfo& info : s.engine->outputs()) {
    CARNOT_ASSIGN(Tensor value, s.context->output(info.name));
    CARNOT_ASSIGN(std::string npy, write_npy(value));
    CARNOT_RETURN_IF_ERROR(atomic_write(cat(folder, '/', file_name_of(info.name), ".npy"), npy));
  }
  return {};
}

int run_model(Flags flags) {
  Stop stop(flags.time_limit);
  flags.cancel = stop.flag();
  auto session = open_session(flags);
  if (!session.ok()) return fail(stop.explain(session.status()));
  stop.watch(&*session->context);
  Status ran = stop.explain(session->context->run());
  stop.watch(nullptr);
  if (!ran.ok()) return fail(std::move(ran).with(flags.model));
  for (const TensorInfo& info : session->engine->outputs()) {
    auto value = session->context->output(info.name);
    if (!value.ok()) return fail(value.status());
    std::printf("%s = %s\n", info.name.c_str(), to_string(*value).c_str());
  }
  if (!flags.save.empty()) {
    if (const Status s = save_outputs(*session, flags.save); !s.ok()) return fail(s);
  }
  return kOk;
}

}  // namespace

void add_run(CLI::App& app, int& exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App* cmd = app.add_subcommand("run", "Run a model or an engine once");
  flags->add_to(*cmd);
  cmd->add_option("--save", flags->save, "Write each output to DIR/NAME.npy")->type_name("DIR");
  cmd->callback([flags, &exit] { exit = run_model(*flags); });
}

}  // namespace carnot::cli
