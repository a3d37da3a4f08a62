#pragma once
// When an actor that failed is started again, and when no more. Pure: it is given the time. Host.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "ringray/base/result.hpp"

namespace ringray::device {

/// What becomes of an actor that failed once more than it is restarted.
enum class Escalation : std::uint8_t {
  actor,   ///< it stays failed until somebody restarts or terminates it
  kernel,  ///< its kernel is terminated
};

/// An actor whose handler said context.fail() goes on from its last checkpoint, with the messages that wait, in order.
/// At first the checkpoint is the state that it was spawned with. The message that it failed at is gone, and its call
/// ends with ActorDiedError; calls behind it are answered. What it has handled since the checkpoint it forgets, also
/// that it meant to answer a call later: that one needs a timeout. When its restarts are spent, all its calls end.
struct Supervision {
  std::uint32_t restarts = 0;  ///< at most, in any `window`; 0: none, it stays failed
  std::chrono::nanoseconds window{std::chrono::seconds(60)};
  std::chrono::nanoseconds backoff{
      std::chrono::milliseconds(100)};                             ///< before a restart; doubles with each in `window`
  std::chrono::nanoseconds backoff_max{std::chrono::seconds(10)};  ///< where it ends to double
  std::uint32_t checkpoint_every = 0;  ///< messages handled; 0: only Actor::checkpoint() and restore() make another one
  Escalation escalation = Escalation::actor;
};

/// ConfigError for what cannot be.
Result<void> check(const Supervision& supervision);

/// The restarts of one actor. One thread at a time.
class Restarts {
 public:
  explicit Restarts(const Supervision& supervision) : supervision_(supervision) {}

  /// It failed: how long until it is restarted; nothing when its restarts are spent.
  std::optional<std::chrono::nanoseconds> after_failure(std::chrono::nanoseconds now);
  /// In the window that ends with the last failure, the one that is to come included.
  std::size_t count() const noexcept { return failures_.size(); }
  const Supervision& supervision() const noexcept { return supervision_; }

 private:
  Supervision supervision_;
  std::deque<std::chrono::nanoseconds> failures_;  // that led to restarts, in the window
};

}  // namespace ringray::device
