#pragma once
// Placement groups: resources reserved together, all or nothing.

#include <string>
#include <vector>

#include "ringray/control/messages.hpp"
#include "ringray/object.hpp"
#include "ringray/task.hpp"

namespace ringray {

using control::Strategy;

struct PlacementGroupOptions {
  std::vector<Resources> bundles{};
  Strategy strategy = Strategy::pack;
  std::string name{};
  bool detached = false;  ///< outlives the rank that made it
};

/// A value that names a placement group. Can travel.
class PlacementGroup {
 public:
  PlacementGroup() = default;
  explicit PlacementGroup(scheduler::GroupId id) : id_(id) {}
  /// Throws ConfigError when it is empty, or its run has ended.
  scheduler::GroupId id() const {
    if (!id_.valid())
      throw ConfigError("an empty PlacementGroup was used; create_placement_group gives one that is not");
    begun_.check("a PlacementGroup");
    return id_;
  }
  /// Complete when all bundles are reserved; UnschedulableError when the ranks do not have them at all.
  ObjectRef<void> ready() const { return runtime::Access::make<ObjectRef<void>>(runtime::group_ready(id())); }
  /// The rank of each bundle. Waits until the group is ready.
  std::vector<Rank> ranks() const { return runtime::group_ranks(id()); }
  template <class Archive>
  void save(Archive& archive) const {
    archive(id_.valid() ? id() : id_);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(id_);
    begun_ = {};
  }

 private:
  scheduler::GroupId id_;
  runtime::Begun begun_;
};

/// Reserves bundles of resources, all or none, now or when they are free. Never waits for them.
inline PlacementGroup create_placement_group(PlacementGroupOptions options) {
  return PlacementGroup(
      runtime::create_group(std::move(options.bundles), options.strategy, std::move(options.name), options.detached));
}
/// Frees the bundles; actors in them are killed.
inline void remove_placement_group(const PlacementGroup& group) { runtime::remove_group(group.id()); }
/// In the bundle with that index.
inline Placement bundle(const PlacementGroup& group, std::uint32_t index) {
  return scheduler::bundle(group.id(), index);
}

}  // namespace ringray
