#include "ringray/scheduler/ledger.hpp"

#include <algorithm>
#include <utility>

#include "ringray/base/check.hpp"

namespace ringray::scheduler {

std::optional<std::vector<GpuShare>> Ledger::Pool::take(const Resources& request) {
  if (!request.fits_in(free)) return std::nullopt;
  auto shares = gpus.take(request.gpus);
  if (shares) free -= request;
  return shares;
}

void Ledger::Pool::give(const Resources& resources, const std::vector<GpuShare>& shares) {
  free += resources;
  gpus.give(shares);
}

Ledger::Ledger(Resources total) : total_(std::move(total)) {
  RINGRAY_ASSERT(total_.gpus.whole(), "a rank has whole devices");
  rank_.free = total_;
  rank_.gpus = GpuSet::of_devices(static_cast<std::uint32_t>(total_.gpus.units() / Amount::units_per_one));
}

std::optional<GrantId> Ledger::take(const Resources& request, ObjectId user) {
  return take_from(rank_, BundleKey{}, request, user);
}

std::optional<GrantId> Ledger::take_from(BundleKey bundle, const Resources& request, ObjectId user) {
  const auto found = bundles_.find(bundle);
  if (found == bundles_.end()) return std::nullopt;
  return take_from(found->second.pool, bundle, request, user);
}

std::optional<GrantId> Ledger::take_from(Pool& pool, BundleKey bundle, const Resources& request, ObjectId user) {
  auto shares = pool.take(request);
  if (!shares) return std::nullopt;
  const auto id = ++last_grant_;
  grants_.emplace(id, Grant{id, user, request, *std::move(shares), bundle});
  return id;
}

Ledger::Pool& Ledger::pool_of(const Grant& grant) {
  return grant.bundle.valid() ? bundles_.at(grant.bundle).pool : rank_;
}

void Ledger::give_back(GrantId id) {
  const auto found = grants_.find(id);
  RINGRAY_ASSERT(found != grants_.end(), "a grant was given back twice");
  auto& grant = found->second;
  if (grant.suspended) grant.resources.cpus = {};
  pool_of(grant).give(grant.resources, grant.gpus);
  grants_.erase(found);
}

const Grant& Ledger::grant(GrantId id) const {
  const auto found = grants_.find(id);
  RINGRAY_ASSERT(found != grants_.end(), "no such grant");
  return found->second;
}

std::vector<Grant> Ledger::grants() const {
  std::vector<Grant> all;
  for (const auto& [id, grant] : grants_) all.push_back(grant);
  std::sort(all.begin(), all.end(), [](const Grant& a, const Grant& b) { return a.id < b.id; });
  return all;
}

void Ledger::suspend(GrantId id) {
  const auto found = grants_.find(id);
  RINGRAY_ASSERT(found != grants_.end() && !found->second.suspended, "only a running user can be suspended");
  found->second.suspended = true;
  pool_of(found->second).free.cpus += found->second.resources.cpus;
}

bool Ledger::resume(GrantId id) {
  const auto found = grants_.find(id);
  RINGRAY_ASSERT(found != grants_.end() && found->second.suspended, "only a suspended user can be resumed");
  auto& free_cpus = pool_of(found->second).free.cpus;
  if (found->second.resources.cpus > free_cpus) return false;
  free_cpus -= found->second.resources.cpus;
  found->second.suspended = false;
  return true;
}

bool Ledger::reserve(BundleKey key, const Resources& resources) {
  RINGRAY_ASSERT(key.valid() && !has_bundle(key), "a bundle is reserved once");
  auto shares = rank_.take(resources);
  if (!shares) return false;
  Bundle bundle{.total = resources};
  bundle.pool.give(resources, *shares);
  bundles_.emplace(key, std::move(bundle));
  return true;
}

std::vector<Grant> Ledger::unreserve(BundleKey key) {
  const auto found = bundles_.find(key);
  RINGRAY_ASSERT(found != bundles_.end(), "the bundle is not here");
  const auto& pool = found->second.pool;
  rank_.give(pool.free, {pool.gpus.free().begin(), pool.gpus.free().end()});
  bundles_.erase(found);
  std::vector<Grant> users;
  for (auto& [id, grant] : grants_) {
    if (grant.bundle != key) continue;
    users.push_back(grant);
    grant.bundle = {};  // what it still has goes back to the rank
  }
  std::sort(users.begin(), users.end(), [](const Grant& a, const Grant& b) { return a.id < b.id; });
  return users;
}

const Resources* Ledger::free_in(BundleKey key) const {
  const auto found = bundles_.find(key);
  return found == bundles_.end() ? nullptr : &found->second.pool.free;
}

const Resources* Ledger::total_of(BundleKey key) const {
  const auto found = bundles_.find(key);
  return found == bundles_.end() ? nullptr : &found->second.total;
}

std::vector<BundleKey> Ledger::bundles() const {
  std::vector<BundleKey> keys;
  for (const auto& [key, bundle] : bundles_) keys.push_back(key);
  return keys;
}

}  // namespace ringray::scheduler
