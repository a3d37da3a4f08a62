#pragma once
// How every rank learns who died.

#include <cstdint>
#include <vector>

#include "ringray/control/messages.hpp"
#include "ringray/scheduler/membership.hpp"
#include "ringray/wire/outbox.hpp"

namespace ringray::control {

/// Applies the control store's news to this rank's membership and passes them on to its living tree children. On every
/// rank, rank 0 too: the store sends its news to rank 0 itself. Baton holder.
class MembershipRelay {
 public:
  MembershipRelay(Rank here, std::uint32_t epoch, scheduler::Membership& membership)
      : here_(here), epoch_(epoch), membership_(membership) {}

  /// For Kind::membership. Returns those whose death is news here (this rank may be among them: it must leave).
  std::vector<DeadRank> on_message(const wire::Envelope& envelope, wire::View payload, wire::Outbox& outbox);

 private:
  Rank here_;
  std::uint32_t epoch_;
  scheduler::Membership& membership_;
  std::uint64_t version_ = 0;
};

}  // namespace ringray::control
