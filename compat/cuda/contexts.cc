// The driver's contexts: each thread has a stack of them. All are of the one device and share its
// memory; what makes them differ is which is current.
#include <algorithm>
#include <mutex>
#include <set>

#include "core.h"

namespace carnot::host_cuda {

namespace {

struct Contexts {
  std::mutex mutex;
  std::set<const void*> made;
  uint64_t last_id = 1;
};

Contexts& contexts() {
  static auto& c = *new Contexts;
  return c;
}

std::vector<Context*>& stack() {
  thread_local std::vector<Context*> pushed;
  return pushed;
}

}  // namespace

Context* primary_context() {
  static auto& context = *new Context{1, 0, 1};
  return &context;
}

bool is_context(const Context* context) {
  if (context == primary_context()) return true;
  Contexts& c = contexts();
  const std::lock_guard lock(c.mutex);
  return c.made.count(context) != 0;
}

Context* current_context() {
  // Those that another thread has destroyed are nobody's any more.
  while (!stack().empty() && !is_context(stack().back())) stack().pop_back();
  return stack().empty() ? nullptr : stack().back();
}

int push_context(Context* context) {
  if (!is_context(context)) return kDeviceUninitialized;
  stack().push_back(context);
  return kSuccess;
}

int pop_context(Context** context) {
  Context* const top = current_context();
  if (top == nullptr) return kDeviceUninitialized;
  stack().pop_back();
  if (context) *context = top;
  return kSuccess;
}

int set_context(Context* context) {
  if (context != nullptr && !is_context(context)) return kDeviceUninitialized;
  if (current_context()) stack().pop_back();
  if (context) stack().push_back(context);
  return kSuccess;
}

int create_context(Context** context, unsigned flags) {
  if (context == nullptr) return kInvalidValue;
  auto made = std::make_unique<Context>();
  made->flags = flags;
  {
    Contexts& c = contexts();
    const std::lock_guard lock(c.mutex);
    made->id = ++c.last_id;
    c.made.insert(made.get());
  }
  *context = made.release();
  return push_context(*context);
}

int destroy_context(Context* context) {
  Contexts& c = contexts();
  {
    const std::lock_guard lock(c.mutex);
    if (c.made.erase(context) == 0) return kDeviceUninitialized;
  }
  auto& own = stack();
  own.erase(std::remove(own.begin(), own.end(), context), own.end());
  delete context;
  return kSuccess;
}

int retain_context(Context* context) {
  if (context == primary_context()) return kSuccess;
  Contexts& c = contexts();
  const std::lock_guard lock(c.mutex);
  if (c.made.count(context) == 0) return kDeviceUninitialized;
  ++context->users;
  return kSuccess;
}

int release_context(Context* context) {
  if (context == primary_context()) return kSuccess;
  {
    Contexts& c = contexts();
    const std::lock_guard lock(c.mutex);
    if (c.made.count(context) == 0) return kDeviceUninitialized;
    if (--context->users > 0) return kSuccess;
  }
  return destroy_context(context);
}

void use_primary_context() {
  if (current_context() == nullptr) push_context(primary_context());
}

}  // namespace carnot::host_cuda
