#pragma once
// Amounts of what a rank has and a task needs, exact to 1e-4.

#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>

namespace ringray::scheduler {

/// A number of cpus, gpus or of a custom resource in fixed point, so that ten tenths are one. Value.
class Amount {
 public:
  static constexpr std::int64_t units_per_one = 10'000;
  static constexpr std::int64_t units_max = 10'000'000'000'000;  ///< a billion; more is refused by Resources::problem

  constexpr Amount() = default;
  /// Rounds to the nearest 1e-4. Not a number and values beyond the limits become values that problem() refuses.
  template <class Number>
  requires std::is_arithmetic_v<Number>
  constexpr Amount(Number value) {  // amounts are written as plain numbers by users
    const double units = static_cast<double>(value) * static_cast<double>(units_per_one);
    if (!(units >= 0)) {
      units_ = units > -0.5 ? 0 : -1;
    } else {
      units_ = units > static_cast<double>(units_max) ? units_max + 1 : static_cast<std::int64_t>(units + 0.5);
    }
  }
  static constexpr Amount from_units(std::int64_t units) {
    Amount amount;
    amount.units_ = units;
    return amount;
  }
  constexpr std::int64_t units() const { return units_; }
  constexpr double value() const { return static_cast<double>(units_) / static_cast<double>(units_per_one); }
  constexpr bool whole() const { return units_ % units_per_one == 0; }
  constexpr Amount& operator+=(Amount other) {
    units_ += other.units_;
    return *this;
  }
  constexpr Amount& operator-=(Amount other) {
    units_ -= other.units_;
    return *this;
  }
  friend constexpr Amount operator+(Amount a, Amount b) { return a += b; }
  friend constexpr Amount operator-(Amount a, Amount b) { return a -= b; }
  constexpr auto operator<=>(const Amount&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(units_);
  }

 private:
  std::int64_t units_ = 0;
};

/// What a task needs, a bundle holds or a rank has. Value; the default is nothing at all.
struct Resources {
  Amount cpus;
  Amount gpus;  ///< up to 1 any fraction of one device; above 1 whole devices
  std::uint64_t memory_bytes = 0;
  std::map<std::string, Amount> custom;  ///< by name; an absent name is zero

  bool empty() const;
  /// Whether this request can be taken out of `free` now.
  bool fits_in(const Resources& free) const;
  /// Why this is not a request: negative, absurdly large or a fraction above one gpu. Nothing when it is fine.
  std::optional<std::string> problem() const;
  /// For people: "4 cpus, 0.5 gpus, 2 GiB memory, 3 licence"; "nothing" when empty.
  std::string text() const;

  Resources& operator+=(const Resources& other);
  Resources& operator-=(const Resources& other);  ///< precondition: other.fits_in(*this)
  friend Resources operator+(Resources a, const Resources& b) { return a += b; }
  friend Resources operator-(Resources a, const Resources& b) { return a -= b; }
  bool operator==(const Resources& other) const;  ///< an absent custom resource equals zero of it
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cpus, gpus, memory_bytes, custom);
  }
};

/// The lesser of both, kind by kind.
Resources least(const Resources& a, const Resources& b);

}  // namespace ringray::scheduler
