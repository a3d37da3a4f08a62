#pragma once
// The asking side of the control store, one on every rank (rank 0 too: it sends to itself).

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "ringray/base/result.hpp"
#include "ringray/base/time.hpp"
#include "ringray/control/messages.hpp"
#include "ringray/wire/outbox.hpp"

namespace ringray::control {

/// Matches answers to requests. Messages arrive: of those that have no answer for long one at a time is asked again,
/// which the store recognises. Baton holder.
class ControlClient {
 public:
  struct Answer {
    std::uint64_t token = 0;  ///< what was given to ask()
    Result<Reply> reply;      ///< a Refusal becomes a failure; a failure too when rank 0 died
  };

  /// `epoch`: incarnation of this rank.
  explicit ControlClient(std::uint32_t epoch, base::Nanoseconds resend_after = std::chrono::seconds(1))
      : epoch_(epoch), resend_after_(resend_after) {}

  /// Returns the correlation, for forget(). `token` comes back with the answer. After fail_all the answer is immediate:
  /// none is sent and the next tick returns a failure.
  std::uint64_t ask(const Request& request, std::uint64_t token, base::Nanoseconds now, wire::Outbox& outbox);
  /// For Kind::control_reply; nothing when nobody waits for it any more.
  std::optional<Answer> on_message(const wire::Envelope& envelope, wire::View payload);
  /// Nobody waits for the answer any more.
  void forget(std::uint64_t correlation) { open_.erase(correlation); }
  /// Asks for one again that is unanswered, each in its turn. Returns failures of requests that were made after
  /// fail_all.
  std::vector<Answer> tick(base::Nanoseconds now, wire::Outbox& outbox);
  /// Rank 0 is dead, or this rank leaves: everything open fails, in the order of asking, and everything to come.
  std::vector<Answer> fail_all(const Failure& failure);
  std::size_t open_count() const { return open_.size(); }

 private:
  struct Open {
    std::uint64_t token = 0;
    wire::ByteBuffer request;
    base::Nanoseconds sent{};
  };
  void send(std::uint64_t correlation, Open& open, base::Nanoseconds now, wire::Outbox& outbox, bool is_new);
  std::uint64_t take_answered();

  std::uint32_t epoch_;
  base::Nanoseconds resend_after_;
  std::uint64_t last_correlation_ = 0;
  std::map<std::uint64_t, Open> open_;  // by correlation
  std::deque<std::uint64_t> answered_;  // what the store keeps an answer to, perhaps
  std::uint64_t asked_again_ = 0;       // the last one
  base::Nanoseconds asked_again_at_{};
  std::optional<Failure> failed_;
};

}  // namespace ringray::control
