#pragma once
// All randomness comes from here, with a seed that is logged.

#include <cstdint>

namespace ringray::base {

/// xoshiro256** 1.0 by Blackman and Vigna (public domain), seeded by splitmix64. One thread.
class Random {
 public:
  using result_type = std::uint64_t;
  explicit Random(std::uint64_t seed) noexcept {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15ull;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
      word = z ^ (z >> 31);
    }
  }
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() noexcept {
    const auto result = rotate(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  /// Uniform in [0, bound) without division (Lemire 2019). Precondition: bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>((*this)()) * bound) >> 64);
  }
  /// True with probability `p`.
  bool chance(double p) noexcept { return static_cast<double>((*this)() >> 11) * 0x1p-53 < p; }

 private:
  static std::uint64_t rotate(std::uint64_t x, int k) noexcept { return (x << k) | (x >> (64 - k)); }
  std::uint64_t state_[4];
};

/// A seed from the operating system, for keys and for runs that were given none.
std::uint64_t random_seed();

}  // namespace ringray::base
