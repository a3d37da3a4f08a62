#include "ringray/scheduler/resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ringray/base/check.hpp"

namespace ringray::scheduler {
namespace {

constexpr std::uint64_t memory_bytes_max = 1ull << 60;

Amount custom_of(const Resources& resources, const std::string& name) {
  const auto* found = resources.custom.find(name);
  return found ? *found : Amount{};
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.4g} {}", value, units[unit]);
}

bool customs_fit(const Resources& request, const Resources& free) {
  return std::all_of(request.custom.begin(), request.custom.end(),
                     [&](const auto& item) { return item.second <= custom_of(free, item.first); });
}

}  // namespace

const Amount* NamedAmounts::find(const std::string& name) const noexcept {
  const auto at = std::lower_bound(amounts_.begin(), amounts_.end(), name,
                                   [](const auto& one, const auto& wanted) { return one.first < wanted; });
  return at != amounts_.end() && at->first == name ? &at->second : nullptr;
}
Amount* NamedAmounts::find(const std::string& name) noexcept {
  return const_cast<Amount*>(std::as_const(*this).find(name));
}
Amount& NamedAmounts::operator[](const std::string& name) {
  if (auto* known = find(name)) return *known;
  const auto at = std::lower_bound(amounts_.begin(), amounts_.end(), name,
                                   [](const auto& one, const auto& wanted) { return one.first < wanted; });
  return amounts_.insert(at, {name, Amount{}})->second;
}

bool Resources::empty() const {
  return cpus == Amount{} && gpus == Amount{} && memory_bytes == 0 &&
         std::all_of(custom.begin(), custom.end(), [](const auto& item) { return item.second == Amount{}; });
}

bool Resources::fits_in(const Resources& free) const {
  return cpus <= free.cpus && gpus <= free.gpus && memory_bytes <= free.memory_bytes && customs_fit(*this, free);
}

std::optional<std::string> Resources::problem() const {
  const auto wrong = [](Amount amount) { return amount < Amount{} || amount.units() > Amount::units_max; };
  const auto text = [](Amount amount, const std::string& name) {
    return amount < Amount{} ? name + " is negative or no number (0 to 1e9 are amounts)"
                             : fmt::format("{} {} is not an amount (0 to 1e9)", amount.value(), name);
  };
  if (wrong(cpus)) return text(cpus, "cpus");
  if (wrong(gpus)) return text(gpus, "gpus");
  if (gpus > Amount{1} && !gpus.whole())
    return fmt::format("{} gpus is not possible (only one device can be shared); ask for a whole number", gpus.value());
  if (memory_bytes > memory_bytes_max) return fmt::format("{} bytes of memory is not an amount", memory_bytes);
  for (const auto& [name, amount] : custom)
    if (wrong(amount)) return text(amount, name);
  return std::nullopt;
}

std::string Resources::text() const {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (cpus != Amount{}) add(fmt::format("{} {}", cpus.value(), cpus == Amount{1} ? "cpu" : "cpus"));
  if (gpus != Amount{}) add(fmt::format("{} {}", gpus.value(), gpus == Amount{1} ? "gpu" : "gpus"));
  if (memory_bytes != 0) add(bytes_text(memory_bytes) + " memory");
  for (const auto& [name, amount] : custom)
    if (amount != Amount{}) add(fmt::format("{} {}", amount.value(), name));
  return text.empty() ? "nothing" : text;
}

Resources& Resources::operator+=(const Resources& other) {
  cpus += other.cpus;
  gpus += other.gpus;
  memory_bytes += other.memory_bytes;
  for (const auto& [name, amount] : other.custom) custom[name] += amount;
  return *this;
}

Resources& Resources::operator-=(const Resources& other) {
  RINGRAY_ASSERT(other.fits_in(*this), "more was taken than there is");
  cpus -= other.cpus;
  gpus -= other.gpus;
  memory_bytes -= other.memory_bytes;
  for (const auto& [name, amount] : other.custom)
    if (auto* mine = custom.find(name)) *mine -= amount;
  return *this;
}

bool Resources::operator==(const Resources& other) const {
  return cpus == other.cpus && gpus == other.gpus && memory_bytes == other.memory_bytes && customs_fit(*this, other) &&
         customs_fit(other, *this);
}

Resources least(const Resources& a, const Resources& b) {
  Resources result{.cpus = std::min(a.cpus, b.cpus),
                   .gpus = std::min(a.gpus, b.gpus),
                   .memory_bytes = std::min(a.memory_bytes, b.memory_bytes)};
  for (const auto& [name, amount] : a.custom) result.custom[name] = std::min(amount, custom_of(b, name));
  return result;
}

}  // namespace ringray::scheduler
