#pragma once
// Calls that wait for an answer: correlation numbers, timeouts, cancellation, and N answers of M. Pure; given the time.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ringray/base/result.hpp"
#include "ringray/base/time.hpp"
#include "ringray/device/parcel.hpp"

namespace ringray::device {

/// The calls of one caller that have not ended. One thread.
class PendingCalls {
 public:
  /// A number that no pending call has; never 0. The call must be answered by a message of `reply_type`.
  std::uint32_t begin(std::uint16_t reply_type, base::Nanoseconds deadline = base::Nanoseconds::max());
  /// As begin(), with a number of the caller's own; ConfigError when it is 0 or a pending call has it.
  Result<void> begin_as(std::uint32_t correlation, std::uint16_t reply_type,
                        base::Nanoseconds deadline = base::Nanoseconds::max());

  enum class Match : std::uint8_t {
    ended,       ///< the call it belongs to has ended by it
    late,        ///< no call waits for it: Reason::late_reply
    wrong_type,  ///< the call waits on
  };
  /// A message to the caller came with a correlation.
  Match answer(const Envelope& reply);
  /// It was cancelled, or its message came back as a dead letter. False: it had ended already.
  bool end(std::uint32_t correlation) { return calls_.erase(correlation) != 0; }
  /// All that wait, in the order of their beginning; nothing waits any more.
  std::vector<std::uint32_t> cancel_all();
  /// Those whose deadline is not after `now`; they have ended.
  std::vector<std::uint32_t> expire(base::Nanoseconds now);
  /// When to call expire() next; max(): never.
  base::Nanoseconds next_deadline() const;
  std::size_t size() const { return calls_.size(); }

 private:
  struct Call {
    std::uint16_t reply_type;
    base::Nanoseconds deadline;
    std::uint64_t number;
  };
  std::unordered_map<std::uint32_t, Call> calls_;
  std::uint32_t last_ = 0;
  std::uint64_t begun_ = 0;
};

/// N answers of M calls: complete as soon as enough have succeeded, or cannot any more. One thread.
class Aggregate {
 public:
  /// ConfigError unless 0 < wanted <= asked.
  static Result<Aggregate> of(std::uint32_t wanted, std::uint32_t asked);

  enum class State : std::uint8_t { waiting, complete, failed, timed_out };
  /// An answer or a failure of one of the calls; false: it is decided already and nothing changes.
  bool add(bool succeeded);
  /// What has come is all that there will be. False: it is decided already.
  bool time_out();
  State state() const { return state_; }
  std::uint32_t succeeded() const { return succeeded_; }
  std::uint32_t failed() const { return failed_; }

 private:
  Aggregate(std::uint32_t wanted, std::uint32_t asked) : wanted_(wanted), asked_(asked) {}
  std::uint32_t wanted_, asked_, succeeded_ = 0, failed_ = 0;
  State state_ = State::waiting;
};

}  // namespace ringray::device
