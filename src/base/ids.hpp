#pragma once
// Names of things that cross ranks. An id is an address: it contains the rank that owns the metadata.

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace ringray {

/// An MPI process of the job, 0 … ranks()-1.
struct Rank {
  std::uint32_t value = 0xffff'ffff;
  constexpr Rank() = default;
  template <std::integral I>
  constexpr Rank(I v) : value(static_cast<std::uint32_t>(v)) {}  // ranks are written as plain numbers by users
  constexpr bool valid() const { return value != 0xffff'ffff; }
  constexpr auto operator<=>(const Rank&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};

/// Names an object, task or actor for the lifetime of the job. `owner` keeps its metadata; `epoch` is the owner's
/// incarnation, so that a restarted rank never answers for its predecessor; `sequence` counts from 1.
struct ObjectId {
  Rank owner;
  std::uint32_t epoch = 0;
  std::uint64_t sequence = 0;
  constexpr bool valid() const { return sequence != 0; }
  constexpr auto operator<=>(const ObjectId&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(owner, epoch, sequence);
  }
};
static_assert(sizeof(ObjectId) == 16);

using TaskId = ObjectId;   // the id of a task is the id of its first result
using ActorId = ObjectId;  // the id of an actor is the id of the object that its creation yields

}  // namespace ringray

template <>
struct std::hash<ringray::ObjectId> {
  std::size_t operator()(const ringray::ObjectId& id) const noexcept {
    std::uint64_t h = (id.sequence * 0x9e3779b97f4a7c15ull) ^ (std::uint64_t{id.owner.value} << 32 | id.epoch);
    return static_cast<std::size_t>((h ^ (h >> 29)) * 0xbf58476d1ce4e5b9ull);
  }
};
template <>
struct std::hash<ringray::Rank> {
  std::size_t operator()(ringray::Rank rank) const noexcept { return rank.value; }
};
