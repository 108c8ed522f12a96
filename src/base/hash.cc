#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/status.h"

namespace carnot {
namespace {

XXH3_state_t* as_state(std::byte* state) {
  return reinterpret_cast<XXH3_state_t*>(state);
}

}  // namespace

uint64_t hash64(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Hasher::Hasher() {
  static_assert(sizeof(XXH3_state_t) <= sizeof(state_) && alignof(XXH3_state_t) <= 64);
  XXH3_INITSTATE(as_state(state_));
  CARNOT_CHECK(XXH3_64bits_reset(as_state(state_)) == XXH_OK);
}

Hasher& Hasher::bytes(std::span<const std::byte> bytes) {
  CARNOT_CHECK(XXH3_64bits_update(as_state(state_), bytes.data(), bytes.size()) == XXH_OK);
  return *this;
}

Hasher& Hasher::add(std::string_view text) {
  add_u64(text.size());
  return bytes(std::as_bytes(std::span(text.data(), text.size())));
}

Hasher& Hasher::add_u64(uint64_t value) {
  std::byte little[8];
  for (int i = 0; i < 8; ++i) little[i] = static_cast<std::byte>(value >> (8 * i));
  return bytes(little);
}

uint64_t Hasher::digest() const {
  return XXH3_64bits_digest(reinterpret_cast<const XXH3_state_t*>(state_));
}

}  // namespace carnot
