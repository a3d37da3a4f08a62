#pragma once
// The binomial tree that bring-up, shutdown and membership news follow. Rank 0 is the root; the parent of a rank is the
// rank without its lowest set bit, so depth and fan-out are at most log2(ranks) and a subtree is a run of ranks.

#include <bit>
#include <cstdint>
#include <vector>

#include "ringray/base/ids.hpp"

namespace ringray::control {

/// Precondition: not rank 0.
constexpr Rank tree_parent(Rank rank) { return rank.value & (rank.value - 1); }

/// Calls visit(Rank) for each child of `rank` in a tree of `ranks`, the largest subtree first.
template <class Visit>
constexpr void for_each_tree_child(Rank rank, std::uint32_t ranks, Visit visit) {
  const std::uint64_t limit = rank.value == 0 ? std::bit_ceil(std::uint64_t{ranks}) : rank.value & -rank.value;
  for (std::uint64_t step = limit >> 1; step != 0; step >>= 1)
    if (rank.value + step < ranks) visit(Rank(rank.value + step));
}

constexpr std::vector<Rank> tree_children(Rank rank, std::uint32_t ranks) {
  std::vector<Rank> children;
  for_each_tree_child(rank, ranks, [&](Rank child) { children.push_back(child); });
  return children;
}

/// The children, where the children of a dead child take its place. alive(Rank) -> bool.
template <class Alive>
constexpr std::vector<Rank> live_tree_children(Rank rank, std::uint32_t ranks, Alive alive) {
  std::vector<Rank> live, visit = tree_children(rank, ranks);
  for (std::size_t i = 0; i < visit.size(); ++i) {
    if (alive(visit[i])) {
      live.push_back(visit[i]);
    } else {
      const auto orphans = tree_children(visit[i], ranks);
      visit.insert(visit.end(), orphans.begin(), orphans.end());
    }
  }
  return live;
}

/// The nearest living ancestor. Precondition: not rank 0; rank 0 is alive.
template <class Alive>
constexpr Rank live_tree_parent(Rank rank, Alive alive) {
  auto parent = tree_parent(rank);
  while (parent.value != 0 && !alive(parent)) parent = tree_parent(parent);
  return parent;
}

}  // namespace ringray::control
