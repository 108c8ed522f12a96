#include "plan/separate_memory.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace carnot {
namespace {

bool is_host(const Step& step) {
  return step.kind != Step::kKernel && step.kind != Step::kCustom;
}

// The regions' side of what an if or a loop hands on to them.
bool is_for_device(const Step& step, size_t input) {
  const size_t port = step.kind == Step::kIf ? input - 1 : input;
  return std::any_of(step.regions.begin(), step.regions.end(), [&](const auto& region) {
    return !region->buffers[static_cast<size_t>(region->inputs[port].buffer)].host;
  });
}

// Whether a result comes from the device in each region; a loop's stacks are the host's.
bool is_from_device(const Step& step, size_t output) {
  if (step.kind == Step::kLoop &&
      output >= static_cast<size_t>(std::get<op::Loop>(step.op).carried)) {
    return false;
  }
  if (step.kind != Step::kIf && step.kind != Step::kLoop) return !is_host(step);
  const size_t port = step.kind == Step::kIf ? output : output + 1;
  return std::all_of(step.regions.begin(), step.regions.end(), [&](const auto& region) {
    const int root = region->root(region->outputs[port].buffer);
    return !region->buffers[static_cast<size_t>(root)].host;
  });
}

class Separator {
 public:
  explicit Separator(Plan& plan) : plan_(plan) {}
  void run();

 private:
  struct Uses {
    bool host_reads = false, host_writes = false, device_reads = false, device_writes = false;
  };
  // The part of a root that a buffer is: its elements, whatever their shape.
  using Part = std::tuple<int, std::string, std::string>;
  struct Mirror {
    int buffer = -1;
    bool valid = false;
  };

  PlanBuffer& at(int b) { return plan_.buffers[static_cast<size_t>(b)]; }
  PlanBuffer& root(int b) { return at(plan_.root(b)); }
  Dim offset_of(int b);
  void choose_sides();
  int add(PlanBuffer buffer);
  int view(int of, int like, const Dim& offset);
  int mirror(int b, const Step& reader);
  int mirror_of_constant(int b);
  void copy(int from, int to, const std::vector<std::string>& origin);
  void redirect(Step& step);
  void written(int b);

  Plan& plan_;
  std::vector<Step> steps_;
  std::map<Part, Mirror> mirrors_;
  std::map<int, int> constants_;  // the host's copy of a root
};

Dim Separator::offset_of(int b) {
  Dim offset = 0;
  for (; at(b).view_of >= 0; b = at(b).view_of) offset = offset + at(b).offset;
  return offset;
}

void Separator::choose_sides() {
  std::vector<Uses> uses(plan_.buffers.size());
  const auto of = [&](int b) -> Uses& { return uses[static_cast<size_t>(plan_.root(b))]; };
  for (const Step& step : plan_.steps) {
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      Uses& use = of(step.outputs[i]);
      (is_from_device(step, i) ? use.device_writes : use.host_writes) = true;
    }
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      Uses& use = of(step.inputs[i]);
      const bool host = is_read_by_host(step, i) || (is_host(step) && !is_for_device(step, i));
      (host ? use.host_reads : use.device_reads) = true;
    }
    for (const int b : step.arguments) of(b).device_reads = true;
  }
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    PlanBuffer& b = plan_.buffers[i];
    if (b.view_of >= 0) continue;
    const Uses& use = uses[i];
    const bool given = b.place == Place::kInput || b.place == Place::kConstant;
    b.host = b.type.dtype == DType::kString ||
             (given ? !use.device_reads : use.host_writes && !use.device_writes);
  }
}

int Separator::add(PlanBuffer buffer) {
  plan_.buffers.push_back(std::move(buffer));
  return static_cast<int>(plan_.buffers.size()) - 1;
}

int Separator::view(int of, int like, const Dim& offset) {
  PlanBuffer b;
  b.type = at(like).type;
  b.name = at(like).name;
  b.view_of = of;
  b.offset = offset;
  return add(std::move(b));
}

void Separator::copy(int from, int to, const std::vector<std::string>& origin) {
  Step step;
  step.kind = Step::kCopy;
  step.tactic = root(to).host ? "copy.to_host" : "copy.to_device";
  step.inputs = {from};
  step.outputs = {to};
  step.origin = origin;
  steps_.push_back(std::move(step));
}

int Separator::mirror_of_constant(int b) {
  const int whole = plan_.root(b);
  const auto [found, fresh] = constants_.emplace(whole, -1);
  if (fresh) {
    PlanBuffer twin = at(whole);
    twin.host = true;
    found->second = add(std::move(twin));
  }
  return b == whole ? found->second : view(found->second, b, offset_of(b));
}

// The same elements on the other side.
int Separator::mirror(int b, const Step& reader) {
  if (root(b).place == Place::kConstant) return mirror_of_constant(b);
  Mirror& found =
      mirrors_[{plan_.root(b), to_string(offset_of(b)), to_string(product(at(b).type.dims))}];
  if (found.buffer < 0) {
    PlanBuffer twin;
    twin.type = at(b).type;
    twin.name = at(b).name;
    twin.host = !root(b).host;
    found.buffer = add(std::move(twin));
  }
  const int whole = found.buffer;
  const bool same = at(whole).type == at(b).type;
  if (!found.valid) {
    copy(same ? b : view(b, whole, 0), whole, reader.origin);
    found.valid = true;
  }
  return same ? whole : view(whole, b, 0);
}

void Separator::written(int b) {
  for (auto& [part, mirror] : mirrors_) {
    if (std::get<0>(part) == plan_.root(b)) mirror.valid = false;
  }
}

// Makes a step read and write its own side; what it writes elsewhere is copied after it.
void Separator::redirect(Step& step) {
  const bool host = is_host(step);
  std::map<int, int> instead;
  for (auto* list : {&step.inputs, &step.arguments}) {
    for (size_t i = 0; i < list->size(); ++i) {
      int& b = (*list)[i];
      if (host && list == &step.inputs && !is_read_by_host(step, i)) continue;
      const bool result =
          list == &step.arguments && std::count(step.outputs.begin(), step.outputs.end(), b) > 0;
      if (result || root(b).host == host) continue;
      const auto [found, fresh] = instead.emplace(b, -1);
      if (fresh) found->second = mirror(b, step);
      b = found->second;
    }
  }
  std::vector<std::pair<int, int>> copies;
  const bool either = step.kind == Step::kIf || step.kind == Step::kLoop;
  for (int& b : step.outputs) {
    written(b);
    if (either || root(b).host == host) continue;
    PlanBuffer twin;  // only steps of the host write where kernels write too
    twin.type = at(b).type;
    twin.name = at(b).name;
    twin.host = true;
    const int own = add(std::move(twin));
    copies.emplace_back(own, b);
    b = own;
  }
  const std::vector<std::string> origin = step.origin;
  steps_.push_back(std::move(step));
  for (const auto& [from, to] : copies) copy(from, to, origin);
}

void Separator::run() {
  for (const Step& step : plan_.steps) {
    for (const auto& region : step.regions) separate_memory(*region);
  }
  choose_sides();
  std::vector<Step> steps = std::move(plan_.steps);
  for (Step& step : steps) redirect(step);
  plan_.steps = std::move(steps_);
}

}  // namespace

bool is_read_by_host(const Step& step, size_t input) {
  switch (step.kind) {
    case Step::kKernel:
    case Step::kCustom:
      return false;
    case Step::kIf:
      return input < 1;  // the condition
    case Step::kLoop:
      return input < 2;  // how often, and the condition
    default:
      return true;
  }
}

void separate_memory(Plan& plan) {
  Separator(plan).run();
}

}  // namespace carnot
