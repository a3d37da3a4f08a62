#include "ringray/scheduler/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace ringray::scheduler {
namespace {

struct Chooser {
  const PlacementQuestion& question;
  const Membership& membership;
  const LoadView& load;
  const PlacementPolicy& policy;

  bool could_ever(Rank rank) const {
    return membership.alive(rank) && question.resources.fits_in(membership.find(rank)->total);
  }
  bool qualifies(Rank rank) const { return could_ever(rank) && !load.of(rank).draining; }

  template <class Filter>
  std::vector<Rank> alive(Filter filter) const {
    auto ranks = membership.alive_ranks();
    std::erase_if(ranks, [&](Rank rank) { return !filter(*membership.find(rank)); });
    return ranks;
  }

  // The share of the rank that is asked for already, of the kind that the request would find scarcest.
  double used_share(Rank rank) const {
    const auto& total = membership.find(rank)->total;
    const auto& demand = load.of(rank).demand;
    double share = 0;
    const auto consider = [&](double wanted, double has) {
      if (has > 0) share = std::max(share, wanted / has);
    };
    consider(demand.cpus.value(), total.cpus.value());
    if (question.resources.gpus != Amount{}) consider(demand.gpus.value(), total.gpus.value());
    if (question.resources.memory_bytes != 0)
      consider(static_cast<double>(demand.memory_bytes), static_cast<double>(total.memory_bytes));
    for (const auto& [name, amount] : question.resources.custom) {
      const auto* wanted = demand.custom.find(name);
      const auto* has = total.custom.find(name);
      if (wanted && has) consider(wanted->value(), has->value());
    }
    return share;
  }
  bool has_room(Rank rank) const {
    return (question.resources + load.of(rank).demand).fits_in(membership.find(rank)->total);
  }
  bool packable(Rank rank) const { return qualifies(rank) && used_share(rank) < policy.packed_share && has_room(rank); }

  std::optional<Rank> holder_of_most(std::span<const Holding> holdings, std::uint64_t lead_bytes) const {
    std::vector<std::pair<Rank, std::uint64_t>> sums;
    std::uint64_t here_bytes = 0;
    for (const auto& holding : holdings) {
      if (holding.rank == question.here) here_bytes += holding.bytes;
      if (!qualifies(holding.rank)) continue;
      const auto known = std::find_if(sums.begin(), sums.end(), [&](auto& sum) { return sum.first == holding.rank; });
      if (known == sums.end())
        sums.emplace_back(holding.rank, holding.bytes);
      else
        known->second += holding.bytes;
    }
    std::optional<std::pair<Rank, std::uint64_t>> best;
    for (const auto& sum : sums) {
      const bool more = !best || sum.second > best->second ||
                        (sum.second == best->second &&
                         (sum.first == question.here || (best->first != question.here && sum.first < best->first)));
      if (more) best = sum;
    }
    if (!best || (best->first != question.here && best->second < here_bytes + lead_bytes)) return std::nullopt;
    return best->first;
  }

  // Pack to packed_share from here on, then the least loaded. `ranks` qualify and are not empty.
  Rank by_load(const std::vector<Rank>& ranks) const {
    const auto here = question.here;
    const bool here_counts = std::find(ranks.begin(), ranks.end(), here) != ranks.end();
    if (here_counts && packable(here)) return here;
    const auto distance = [&](Rank rank) {  // own host first, then the ranks that follow here
      const auto* mine = membership.find(here);
      const bool far = mine == nullptr || membership.find(rank)->host != mine->host;
      return std::pair(far, (rank.value + membership.size() - (here.valid() ? here.value : 0)) % membership.size());
    };
    std::optional<Rank> packed;
    for (const auto rank : ranks)
      if (packable(rank) && (!packed || distance(rank) < distance(*packed))) packed = rank;
    if (packed) return *packed;
    std::vector<Rank> least;
    double least_share = 0;
    const bool any_room = std::any_of(ranks.begin(), ranks.end(), [&](Rank rank) { return has_room(rank); });
    if (!any_room && here_counts) return here;
    for (const auto rank : ranks) {
      if (any_room && !has_room(rank)) continue;
      const auto share = used_share(rank);
      if (least.empty() || share < least_share) {
        least.clear();
        least_share = share;
      }
      if (share == least_share) least.push_back(rank);
    }
    if (std::find(least.begin(), least.end(), here) != least.end()) return here;
    return least[question.random % least.size()];
  }

  Unschedulable nobody_has(const std::vector<Rank>& ranks, const std::string& who) const {
    const auto& wanted = question.resources;
    if (ranks.empty()) return {fmt::format("{} is alive (needs {})", who, wanted.text())};
    const auto kinds_missing = [&](Rank rank) {
      const auto& total = membership.find(rank)->total;
      int missing =
          (wanted.cpus > total.cpus) + (wanted.gpus > total.gpus) + (wanted.memory_bytes > total.memory_bytes);
      for (const auto& [name, amount] : wanted.custom) missing += !Resources{.custom = {{name, amount}}}.fits_in(total);
      return missing;
    };
    const auto best = *std::min_element(ranks.begin(), ranks.end(), [&](Rank a, Rank b) {
      const auto missing_a = kinds_missing(a), missing_b = kinds_missing(b);
      if (missing_a != missing_b) return missing_a < missing_b;
      const auto &total_a = membership.find(a)->total, &total_b = membership.find(b)->total;
      return std::tuple(total_a.gpus, total_a.cpus, total_a.memory_bytes) >
             std::tuple(total_b.gpus, total_b.cpus, total_b.memory_bytes);
    });
    return {fmt::format("{} has {} (the best, rank {}, has {})", who, wanted.text(), best.value,
                        membership.find(best)->total.text())};
  }

  Choice among(std::vector<Rank> ranks, const std::string& who) const {
    auto able = ranks;
    std::erase_if(able, [&](Rank rank) { return !could_ever(rank); });
    if (able.empty()) return nobody_has(ranks, who);
    std::erase_if(able, [&](Rank rank) { return !qualifies(rank); });
    if (able.empty())
      return Wait{fmt::format("{} that has {} takes work now (draining)", who, question.resources.text())};
    if (question.placement.kind == Placement::Kind::spread) return able[question.turn % able.size()];
    return by_load(able);
  }

  Choice automatic() const {
    if (const auto holder = holder_of_most(question.arguments, policy.locality_bytes_min)) return *holder;
    if (packable(question.here)) return question.here;
    if (question.resources.empty() && qualifies(question.here)) return question.here;  // idle ranks steal it
    return among(membership.alive_ranks(), "no rank");
  }

  Choice in_bundle() const {
    const auto& key = question.placement.in_bundle;
    const auto place = std::find_if(question.bundles.begin(), question.bundles.end(),
                                    [&](const BundlePlace& candidate) { return candidate.index == key.index; });
    if (place == question.bundles.end() || !place->rank.valid())
      return Wait{question.placement.text() + " is not ready"};
    if (!question.resources.fits_in(place->total))
      return Unschedulable{fmt::format("{} has {}, the request needs {}", question.placement.text(),
                                       place->total.text(), question.resources.text())};
    if (!membership.alive(place->rank)) return Wait{question.placement.text() + " is being placed again"};
    return place->rank;
  }

  Choice near_object() const {
    if (question.near_copies.empty()) return Wait{"the object to be near to does not exist yet"};
    if (const auto holder = holder_of_most(question.near_copies, 0)) return *holder;
    std::vector<Rank> holders;
    for (const auto& copy : question.near_copies)
      if (membership.alive(copy.rank)) holders.push_back(copy.rank);
    return among(std::move(holders), "no rank that holds the object");
  }

  Choice explicitly() const {
    const auto& placement = question.placement;
    switch (placement.kind) {
      case Placement::Kind::rank:
        if (qualifies(placement.rank)) return placement.rank;
        if (!membership.alive(placement.rank))
          return Unschedulable{
              fmt::format("rank {}, which the placement names, is not there: {}; no other rank takes its place",
                          placement.rank.value,
                          placement.rank.value < membership.size()
                              ? "it died"
                              : fmt::format("ranks are 0 to {}", membership.size() - 1)),
              true};
        return among({placement.rank}, fmt::format("no rank {}", placement.rank.value));
      case Placement::Kind::host:
        return among(alive([&](const RankRecord& record) { return record.host_name == placement.name; }),
                     fmt::format("no rank of host '{}'", placement.name));
      case Placement::Kind::label:
        return among(alive([&](const RankRecord& record) {
                       const auto found = record.labels.find(placement.name);
                       return found != record.labels.end() && found->second == placement.value;
                     }),
                     fmt::format("no rank with label {}={}", placement.name, placement.value));
      case Placement::Kind::near:
        return near_object();
      case Placement::Kind::bundle:
        return in_bundle();
      case Placement::Kind::spread:
        return among(membership.alive_ranks(), "no rank");
      default:
        return automatic();
    }
  }
};

}  // namespace

std::string Placement::text() const {
  switch (kind) {
    case Kind::rank:
      return fmt::format("on rank {}", rank.value);
    case Kind::host:
      return fmt::format("on host '{}'", name);
    case Kind::near:
      return fmt::format("near object {}.{}", object.owner.value, object.sequence);
    case Kind::spread:
      return "spread";
    case Kind::bundle:
      return fmt::format("bundle {} of group {}.{}", in_bundle.index, in_bundle.group.owner.value,
                         in_bundle.group.sequence);
    case Kind::label:
      return fmt::format("label {}={}", name, value);
    default:
      return "anywhere";
  }
}

Placement on_rank(Rank rank) { return {.kind = Placement::Kind::rank, .rank = rank}; }
Placement on_host(std::string name) { return {.kind = Placement::Kind::host, .name = std::move(name)}; }
Placement near(ObjectId object) { return {.kind = Placement::Kind::near, .object = object}; }
Placement spread() { return {.kind = Placement::Kind::spread}; }
Placement bundle(GroupId group, std::uint32_t index) {
  return {.kind = Placement::Kind::bundle, .in_bundle = {group, index}};
}
Placement label(std::string key, std::string value) {
  return {.kind = Placement::Kind::label, .name = std::move(key), .value = std::move(value)};
}

void LoadView::report(Rank rank, RankLoad load) {
  if (rank.value < loads_.size()) loads_[rank.value] = std::move(load);
}

void LoadView::add(Rank rank, const Resources& request) {
  if (rank.value >= loads_.size() || request.empty()) return;
  ++loads_[rank.value].queued;
  loads_[rank.value].demand += request;
}

void LoadView::remove(Rank rank, const Resources& request) {
  if (rank.value >= loads_.size() || request.empty()) return;
  auto& load = loads_[rank.value];
  if (load.queued == 0) return;  // a report that did not count it any more came in between
  --load.queued;
  load.demand -= least(load.demand, request);
}

Choice choose(const PlacementQuestion& question, const Membership& membership, const LoadView& load,
              const PlacementPolicy& policy) {
  const Chooser chooser{question, membership, load, policy};
  auto choice = chooser.explicitly();
  if (question.placement.is_soft && !std::holds_alternative<Rank>(choice)) choice = chooser.automatic();
  return choice;
}

}  // namespace ringray::scheduler
