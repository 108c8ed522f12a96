#pragma once
// 64-bit hashes (XXH3): for identity and accidents, not against an adversary. The values are the
// same on every machine and may be stored.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace carnot {

uint64_t hash64(std::span<const std::byte> bytes);
inline uint64_t hash64(std::string_view text) {
  return hash64(std::as_bytes(std::span(text.data(), text.size())));
}

/// Hashes piece by piece. A copy continues on its own.
class Hasher {
 public:
  Hasher();
  /// The bytes as they are: the digest of the concatenation is hash64's.
  Hasher& bytes(std::span<const std::byte> bytes);
  /// The length and the text: ("ab", "c") and ("a", "bc") differ.
  Hasher& add(std::string_view text);
  /// As 8 bytes, little-endian, whatever the type.
  template <class T>
  requires(std::integral<T> || std::is_enum_v<T>) Hasher& add(T value) {
    return add_u64(static_cast<uint64_t>(value));
  }
  uint64_t digest() const;

 private:
  Hasher& add_u64(uint64_t value);
  // An XXH3_state_t (hash.cc asserts the size): keeps xxhash.h out of every file that hashes.
  alignas(64) std::byte state_[576];
};

}  // namespace carnot
