#pragma once
// CRC-64 of ECMA-182, as xz reckons it: reflected, all bits inverted before and after.

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringray::base {

/// Of what was added so far, in order. Value.
class Checksum {
 public:
  void add(const void* data, std::size_t bytes) noexcept {
    const auto* at = static_cast<const std::uint8_t*>(data);
    for (std::size_t i = 0; i < bytes; ++i) rest_ = table[(rest_ ^ at[i]) & 0xff] ^ rest_ >> 8;
  }
  std::uint64_t value() const noexcept { return ~rest_; }

 private:
  static constexpr auto table = [] {
    std::array<std::uint64_t, 256> made{};
    for (std::uint64_t i = 0; i < 256; ++i) {
      made[i] = i;
      for (int bit = 0; bit < 8; ++bit) made[i] = made[i] >> 1 ^ (made[i] & 1 ? 0xc96c5795d7870f42u : 0);
    }
    return made;
  }();
  std::uint64_t rest_ = ~std::uint64_t{0};
};

}  // namespace ringray::base
