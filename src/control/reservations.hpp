#pragma once
// The rank's side of placement groups: holds and frees bundles as rank 0 says.

#include <cstdint>
#include <map>
#include <vector>

#include "ringray/control/messages.hpp"
#include "ringray/scheduler/ledger.hpp"
#include "ringray/wire/outbox.hpp"

namespace ringray::control {

/// Answers yes or no at once and never waits, so groups that compete cannot hold and wait. Messages that come twice or
/// late change nothing. Baton holder.
class Reservations {
 public:
  explicit Reservations(scheduler::Ledger& ledger) : ledger_(ledger) {}

  /// For Kind::reserve: subject = group, argument = bundle, correlation = attempt, payload = Resources.
  void on_reserve(const wire::Envelope& envelope, wire::View payload, wire::Outbox& outbox);
  /// For Kind::unreserve. Returns who uses the bundle still: the caller kills them; what they have returns to the rank
  /// as each is given back to the ledger.
  std::vector<scheduler::Grant> on_unreserve(const wire::Envelope& envelope, wire::Outbox& outbox);

 private:
  void answer(const wire::Envelope& question, bool held, wire::Outbox& outbox) const;

  scheduler::Ledger& ledger_;
  std::map<BundleKey, std::uint64_t> attempts_;  // of the bundles held
  std::uint64_t unreserved_ = 0;                 // greatest attempt that was undone: a reserve up to it is late
};

}  // namespace ringray::control
