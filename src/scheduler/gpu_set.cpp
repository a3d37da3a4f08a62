#include "ringray/scheduler/gpu_set.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"

namespace ringray::scheduler {

GpuSet GpuSet::of_devices(std::uint32_t count) {
  GpuSet set;
  for (std::uint32_t device = 0; device < count; ++device) set.free_.push_back({device, Amount{1}});
  return set;
}

std::optional<std::vector<GpuShare>> GpuSet::take(Amount amount) {
  std::vector<GpuShare> shares;
  if (amount == Amount{}) return shares;
  if (amount < Amount{1}) {
    GpuShare* best = nullptr;
    for (auto& part : free_)
      if (part.amount >= amount && (best == nullptr || part.amount < best->amount)) best = &part;
    if (best == nullptr) return std::nullopt;
    best->amount -= amount;
    shares.push_back({best->device, amount});
  } else {
    if (!amount.whole()) return std::nullopt;
    auto missing = amount.units() / Amount::units_per_one;
    for (const auto& part : free_) {
      if (missing == 0) break;
      if (part.amount != Amount{1}) continue;
      shares.push_back(part);
      --missing;
    }
    if (missing != 0) return std::nullopt;
    for (const auto& share : shares)
      for (auto& part : free_)
        if (part.device == share.device) part.amount = Amount{};
  }
  std::erase_if(free_, [](const GpuShare& part) { return part.amount == Amount{}; });
  return shares;
}

void GpuSet::give(std::span<const GpuShare> shares) {
  for (const auto& share : shares) {
    auto place = std::lower_bound(free_.begin(), free_.end(), share.device,
                                  [](const GpuShare& part, std::uint32_t device) { return part.device < device; });
    if (place == free_.end() || place->device != share.device) place = free_.insert(place, {share.device, Amount{}});
    place->amount += share.amount;
    RINGRAY_ASSERT(place->amount <= Amount{1}, "a gpu was given back twice");
  }
}

}  // namespace ringray::scheduler
