#include "ringray/control/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace ringray::control {
namespace {

using scheduler::Resources;
constexpr std::size_t search_looks_max = 2'000'000;  // ranks looked at; some 50 ms

// The order of size for searching: what is scarce first.
auto size_of(const Resources& resources) {
  scheduler::Amount custom;
  for (const auto& [name, amount] : resources.custom) custom += amount;
  return std::tuple(resources.gpus, custom, resources.cpus, resources.memory_bytes);
}

using Size = decltype(size_of(Resources{}));

struct Seat {  // a rank during the search
  explicit Seat(PlanRank rank_, std::size_t bundles_)
      : rank(std::move(rank_)), bundles(bundles_), size(size_of(rank.free)) {}
  void take(const Resources& bundle) {
    rank.free -= bundle;
    size = size_of(rank.free);
    ++bundles;
  }
  void give(const Resources& bundle) {
    rank.free += bundle;
    size = size_of(rank.free);
    --bundles;
  }
  PlanRank rank;
  std::size_t bundles;  // of this group
  Size size;            // of what is free
};

// Depth first, the largest bundle first, the rank that suits the strategy best first.
class Search {
 public:
  Search(const PlanRequest& request, std::vector<Seat> seats) : request_(request), seats_(std::move(seats)) {
    for (std::size_t i = 0; i < request.bundles.size(); ++i)
      if (!request.placed[i].valid()) order_.push_back(i);
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return size_of(request.bundles[a]) > size_of(request.bundles[b]);
    });
    plan_.ranks.assign(request.placed.begin(), request.placed.end());
    for (const auto& seat : seats_) on_host_[seat.rank.host] += seat.bundles;
    looks_max_ = std::max(search_looks_max, 4 * order_.size() * seats_.size());
  }

  Plan run() {
    const bool found = place(0);
    plan_.outcome = found                  ? Plan::Outcome::found
                    : looks_ >= looks_max_ ? Plan::Outcome::not_found
                                           : Plan::Outcome::impossible;
    return std::move(plan_);
  }

 private:
  // Whether `a` suits the strategy better than `b`.
  bool better(const Seat& a, const Seat& b) const {
    const auto host_a = on_host_.at(a.rank.host), host_b = on_host_.at(b.rank.host);
    const bool apart = request_.strategy == Strategy::spread || request_.strategy == Strategy::strict_spread;
    if (apart) return std::tie(a.bundles, host_a, b.size) < std::tie(b.bundles, host_b, a.size);
    return std::tie(b.bundles, host_b, b.size) < std::tie(a.bundles, host_a, a.size);
  }

  // The best rank for the bundle besides those tried; ranks that are like one of them cannot succeed where it failed.
  std::optional<std::size_t> next(const Resources& bundle, const std::vector<std::size_t>& tried) const {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      const auto& seat = seats_[i];
      if (request_.strategy == Strategy::strict_spread && seat.bundles != 0) continue;
      if (!bundle.fits_in(seat.rank.free) || (best && !better(seat, seats_[*best]))) continue;
      const bool alike = std::any_of(tried.begin(), tried.end(), [&](std::size_t other) {
        return other == i || (seats_[other].bundles == seat.bundles && seats_[other].rank.free == seat.rank.free);
      });
      if (!alike) best = i;
    }
    return best;
  }

  bool place(std::size_t depth) {
    if (depth == order_.size()) return true;
    const auto& bundle = request_.bundles[order_[depth]];
    for (std::vector<std::size_t> tried;;) {
      looks_ += seats_.size();
      const auto choice = looks_ < looks_max_ ? next(bundle, tried) : std::nullopt;
      if (!choice) return false;
      tried.push_back(*choice);
      auto& seat = seats_[*choice];
      seat.take(bundle);
      ++on_host_[seat.rank.host];
      plan_.ranks[order_[depth]] = seat.rank.rank;
      if (place(depth + 1)) return true;
      seat.give(bundle);
      --on_host_[seat.rank.host];
    }
  }

  const PlanRequest& request_;
  std::vector<Seat> seats_;
  std::vector<std::size_t> order_;
  Plan plan_;
  std::unordered_map<std::uint64_t, std::size_t> on_host_;  // bundles of this group
  std::size_t looks_ = 0, looks_max_ = 0;
};

Resources sum_of_unplaced(const PlanRequest& request) {
  Resources sum;
  for (std::size_t i = 0; i < request.bundles.size(); ++i)
    if (!request.placed[i].valid()) sum += request.bundles[i];
  return sum;
}

// All on one rank: the fullest that has room, so that emptier ranks stay free.
std::optional<Rank> one_rank(const PlanRequest& request, std::span<const PlanRank> ranks) {
  const auto sum = sum_of_unplaced(request);
  const auto fixed = std::find_if(request.placed.begin(), request.placed.end(), [](Rank rank) { return rank.valid(); });
  const PlanRank* best = nullptr;
  for (const auto& rank : ranks) {
    if (!sum.fits_in(rank.free) || (fixed != request.placed.end() && *fixed != rank.rank)) continue;
    if (best == nullptr || size_of(rank.free) < size_of(best->free)) best = &rank;
  }
  return best == nullptr ? std::nullopt : std::optional(best->rank);
}

// Each unplaced bundle on a rank of its own is a matching: augmenting paths (Kuhn) decide it exactly.
bool matching_exists(const PlanRequest& request, std::span<const PlanRank> ranks) {
  std::vector<std::optional<std::size_t>> bundle_of(ranks.size());
  std::vector<bool> seen;
  const auto used = [&](Rank rank) {
    return std::find(request.placed.begin(), request.placed.end(), rank) != request.placed.end();
  };
  const auto augment = [&](auto& self, std::size_t bundle) -> bool {
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      if (seen[i] || used(ranks[i].rank) || !request.bundles[bundle].fits_in(ranks[i].free)) continue;
      seen[i] = true;
      if (!bundle_of[i] || self(self, *bundle_of[i])) {
        bundle_of[i] = bundle;
        return true;
      }
    }
    return false;
  };
  for (std::size_t bundle = 0; bundle < request.bundles.size(); ++bundle) {
    if (request.placed[bundle].valid()) continue;
    seen.assign(ranks.size(), false);
    if (!augment(augment, bundle)) return false;
  }
  return true;
}

bool clearly_impossible(const PlanRequest& request, std::span<const PlanRank> ranks) {
  Resources all;
  for (const auto& rank : ranks) all += rank.free;
  if (!sum_of_unplaced(request).fits_in(all)) return true;
  for (std::size_t i = 0; i < request.bundles.size(); ++i)
    if (!request.placed[i].valid() && std::none_of(ranks.begin(), ranks.end(), [&](const PlanRank& rank) {
          return request.bundles[i].fits_in(rank.free);
        }))
      return true;
  return request.strategy == Strategy::strict_spread && !matching_exists(request, ranks);
}

}  // namespace

Plan plan_bundles(const PlanRequest& request, std::vector<PlanRank> ranks) {
  if (request.strategy == Strategy::pack || request.strategy == Strategy::strict_pack) {
    if (const auto rank = one_rank(request, ranks)) {
      Plan plan{Plan::Outcome::found, {request.placed.begin(), request.placed.end()}};
      for (auto& place : plan.ranks)
        if (!place.valid()) place = *rank;
      return plan;
    }
    if (request.strategy == Strategy::strict_pack) return {};
  }
  if (clearly_impossible(request, ranks)) return {};
  std::vector<Seat> seats;
  for (auto& rank : ranks) {
    const auto placed = std::count(request.placed.begin(), request.placed.end(), rank.rank);
    seats.emplace_back(std::move(rank), static_cast<std::size_t>(placed));
  }
  return Search(request, std::move(seats)).run();
}

std::string shortage(const PlanRequest& request, std::span<const PlanRank> ranks) {
  if (ranks.empty()) return "no rank is left";
  const auto best = [&](const Resources& need) {
    const auto missing = [&](const PlanRank& rank) {
      return (need.gpus > rank.free.gpus) + (need.cpus > rank.free.cpus) +
             (need.memory_bytes > rank.free.memory_bytes) + !Resources{.custom = need.custom}.fits_in(rank.free);
    };
    const auto rank = std::min_element(ranks.begin(), ranks.end(), [&](const PlanRank& a, const PlanRank& b) {
      const auto missing_a = missing(a), missing_b = missing(b);
      return missing_a != missing_b ? missing_a < missing_b : size_of(a.free) > size_of(b.free);
    });
    return fmt::format("the best, rank {}, has {}", rank->rank.value, rank->free.text());
  };
  for (std::size_t i = 0; i < request.bundles.size(); ++i) {
    const auto& need = request.bundles[i];
    if (!request.placed[i].valid() &&
        std::none_of(ranks.begin(), ranks.end(), [&](const PlanRank& rank) { return need.fits_in(rank.free); }))
      return fmt::format("bundle {} needs {} ({})", i, need.text(), best(need));
  }
  const auto sum = sum_of_unplaced(request);
  if (request.strategy == Strategy::strict_pack)
    return fmt::format("all bundles on one rank need {} ({})", sum.text(), best(sum));
  Resources all;
  for (const auto& rank : ranks) all += rank.free;
  if (!sum.fits_in(all))
    return fmt::format("the bundles need {} together ({} ranks have {})", sum.text(), ranks.size(), all.text());
  if (request.strategy == Strategy::strict_spread)
    return fmt::format(
        "{} bundles need a rank each ({} ranks are alive; not enough of them have what the bundles need)",
        request.bundles.size(), ranks.size());
  return fmt::format("the bundles need {} together, and no way to lay them on {} ranks that have {} fits", sum.text(),
                     ranks.size(), all.text());
}

}  // namespace ringray::control
