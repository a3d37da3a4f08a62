#pragma once
// Amounts of what a rank has and a task needs, exact to 1e-4.

#include <cereal/types/string.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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

/// Amounts by name, few of them, in the order of names. Value. (No std::map: GCC 12 takes the empty one in a temporary
/// of options for uninitialized and warns the user.)
class NamedAmounts {
 public:
  using value_type = std::pair<std::string, Amount>;
  NamedAmounts() = default;
  NamedAmounts(std::initializer_list<value_type> amounts) {
    for (const auto& [name, amount] : amounts) (*this)[name] = amount;
  }
  Amount& operator[](const std::string& name);
  Amount* find(const std::string& name) noexcept;
  const Amount* find(const std::string& name) const noexcept;
  auto begin() const noexcept { return amounts_.begin(); }
  auto end() const noexcept { return amounts_.end(); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(amounts_);
  }

 private:
  std::vector<value_type> amounts_;
};

/// What a task needs, a bundle holds or a rank has. Value; the default is nothing at all.
struct Resources {
  Amount cpus{};
  Amount gpus{};  ///< up to 1 any fraction of one device; above 1 whole devices
  std::uint64_t memory_bytes = 0;
  NamedAmounts custom{};  ///< an absent name is zero

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
