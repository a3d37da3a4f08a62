#pragma once
// SHA-1 (FIPS 180-4) of short texts: one block, which is all that a splittable random stream needs.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace uts {

using Digest = std::array<std::uint8_t, 20>;

constexpr std::size_t one_block_bytes_max = 55;  // 64 less the end mark and the length

/// Precondition: text.size() <= one_block_bytes_max.
inline Digest sha1(std::span<const std::uint8_t> text) noexcept {
  std::array<std::uint8_t, 64> block{};
  for (std::size_t i = 0; i < text.size(); ++i) block[i] = text[i];
  block[text.size()] = 0x80;
  block[62] = static_cast<std::uint8_t>(text.size() >> 5);  // the length in bits, big-endian
  block[63] = static_cast<std::uint8_t>(text.size() << 3);
  std::array<std::uint32_t, 80> w;
  for (std::size_t i = 0; i < 16; ++i)
    w[i] = std::uint32_t{block[4 * i]} << 24 | std::uint32_t{block[4 * i + 1]} << 16 |
           std::uint32_t{block[4 * i + 2]} << 8 | block[4 * i + 3];
  for (std::size_t i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);

  constexpr std::array<std::uint32_t, 5> start{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  auto [a, b, c, d, e] = start;
  const auto step = [&](std::uint32_t f, std::uint32_t k, std::uint32_t word) {
    const auto next = std::rotl(a, 5) + f + e + k + word;
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  };
  for (std::size_t i = 0; i < 20; ++i) step((b & c) | (~b & d), 0x5a827999, w[i]);
  for (std::size_t i = 20; i < 40; ++i) step(b ^ c ^ d, 0x6ed9eba1, w[i]);
  for (std::size_t i = 40; i < 60; ++i) step((b & c) | (b & d) | (c & d), 0x8f1bbcdc, w[i]);
  for (std::size_t i = 60; i < 80; ++i) step(b ^ c ^ d, 0xca62c1d6, w[i]);

  const std::array<std::uint32_t, 5> sum{start[0] + a, start[1] + b, start[2] + c, start[3] + d, start[4] + e};
  Digest digest;
  for (std::size_t i = 0; i < 20; ++i) digest[i] = static_cast<std::uint8_t>(sum[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

}  // namespace uts
