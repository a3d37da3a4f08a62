#pragma once
// What a rank has, what is taken and by whom.

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/scheduler/gpu_set.hpp"
#include "ringray/scheduler/resources.hpp"

namespace ringray::scheduler {

using GroupId = ObjectId;  ///< a placement group; its owner is the rank that created it

/// Names one bundle of a placement group.
struct BundleKey {
  GroupId group;
  std::uint32_t index = 0;
  bool valid() const { return group.valid(); }
  auto operator<=>(const BundleKey&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(group, index);
  }
};

using GrantId = std::uint64_t;

/// Resources that somebody uses now.
struct Grant {
  GrantId id = 0;
  ObjectId user;  ///< task or actor; invalid for a task that never left this rank
  Resources resources;
  std::vector<GpuShare> gpus;
  BundleKey bundle;        ///< where it was taken from; invalid: from the rank
  bool suspended = false;  ///< its cpus are lent out while its user waits
};

/// Never gives more than there is. Taken parts of a removed bundle go back to the rank when their users end. One
/// thread.
class Ledger {
 public:
  explicit Ledger(Resources total);

  const Resources& total() const { return total_; }
  const Resources& free() const { return rank_.free; }  ///< outside bundles
  bool idle() const { return grants_.empty() && bundles_.empty(); }

  /// Takes from the rank, outside bundles; nothing when it does not fit now.
  std::optional<GrantId> take(const Resources& request, ObjectId user);
  /// Takes from a bundle; nothing when it does not fit now or the bundle is not here.
  std::optional<GrantId> take_from(BundleKey bundle, const Resources& request, ObjectId user);
  void give_back(GrantId grant);
  const Grant& grant(GrantId grant) const;
  /// All grants, oldest first: for state queries and the hang report.
  std::vector<Grant> grants() const;

  /// The user waits: its cpus can be taken by others until resume.
  void suspend(GrantId grant);
  /// The user wants to go on; false when its cpus are in use now.
  bool resume(GrantId grant);

  /// Carves a bundle out of the rank; false when it does not fit now. Precondition: not has_bundle(bundle).
  bool reserve(BundleKey bundle, const Resources& resources);
  /// Ends a bundle and returns those who use it still (they are to be killed). Precondition: has_bundle(bundle).
  std::vector<Grant> unreserve(BundleKey bundle);
  bool has_bundle(BundleKey bundle) const { return bundles_.contains(bundle); }
  /// What is free inside a bundle; null when it is not here.
  const Resources* free_in(BundleKey bundle) const;
  const Resources* total_of(BundleKey bundle) const;
  std::vector<BundleKey> bundles() const;

 private:
  struct Pool {
    Resources free;
    GpuSet gpus;
    std::optional<std::vector<GpuShare>> take(const Resources& request);
    void give(const Resources& resources, const std::vector<GpuShare>& shares);
  };
  struct Bundle {
    Resources total;
    Pool pool;
  };
  std::optional<GrantId> take_from(Pool& pool, BundleKey bundle, const Resources& request, ObjectId user);
  Pool& pool_of(const Grant& grant);

  Resources total_;
  Pool rank_;
  std::map<BundleKey, Bundle> bundles_;
  std::unordered_map<GrantId, Grant> grants_;
  GrantId last_grant_ = 0;
};

}  // namespace ringray::scheduler
