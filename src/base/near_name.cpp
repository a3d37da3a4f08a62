#include "ringray/base/near_name.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace ringray::base {
namespace {

constexpr std::size_t compared_max = 64;

/// Levenshtein distance: how many letters to insert, delete or replace.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j)
      diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] != b[j])}));
  }
  return row.back();
}

}  // namespace

std::string_view near_name(std::string_view name, std::span<const std::string_view> known) {
  name = name.substr(0, compared_max);
  std::string_view nearest;
  std::size_t least = ~std::size_t{0};
  for (const auto other : known) {
    const auto apart = distance(name, other);
    if (apart >= least || 3 * apart > std::max(name.size(), other.size())) continue;
    nearest = other;
    least = apart;
  }
  return nearest;
}

}  // namespace ringray::base
