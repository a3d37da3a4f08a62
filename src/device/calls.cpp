#include "ringray/device/calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ringray::device {

std::uint32_t PendingCalls::begin(std::uint16_t reply_type, base::Nanoseconds deadline) {
  do ++last_;
  while (last_ == 0 || calls_.count(last_) != 0);
  calls_.emplace(last_, Call{reply_type, deadline, begun_++});
  return last_;
}

Result<void> PendingCalls::begin_as(std::uint32_t correlation, std::uint16_t reply_type, base::Nanoseconds deadline) {
  if (correlation == 0)
    return failure(Errc::config, "correlation 0 means that no answer is awaited; take another number");
  if (!calls_.emplace(correlation, Call{reply_type, deadline, begun_}).second)
    return failure(Errc::config,
                   fmt::format("a call with correlation {} waits already (its answer could not be told from "
                               "the other's); take another number",
                               correlation));
  ++begun_;
  return {};
}

PendingCalls::Match PendingCalls::answer(const Envelope& reply) {
  const auto call = calls_.find(reply.correlation);
  if (call == calls_.end()) return Match::late;
  if (call->second.reply_type != reply.type) return Match::wrong_type;
  calls_.erase(call);
  return Match::ended;
}

std::vector<std::uint32_t> PendingCalls::cancel_all() { return expire(base::Nanoseconds::max()); }

std::vector<std::uint32_t> PendingCalls::expire(base::Nanoseconds now) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> over;
  for (const auto& [correlation, call] : calls_)
    if (call.deadline <= now) over.emplace_back(call.number, correlation);
  std::sort(over.begin(), over.end());
  std::vector<std::uint32_t> ended;
  for (const auto& [number, correlation] : over) {
    calls_.erase(correlation);
    ended.push_back(correlation);
  }
  return ended;
}

base::Nanoseconds PendingCalls::next_deadline() const {
  auto next = base::Nanoseconds::max();
  for (const auto& [correlation, call] : calls_) next = std::min(next, call.deadline);
  return next;
}

Result<Aggregate> Aggregate::of(std::uint32_t wanted, std::uint32_t asked) {
  if (wanted == 0 || wanted > asked)
    return failure(Errc::config, fmt::format("{} answers of {} calls can never be had (each gives one); want 1 to {}",
                                             wanted, asked, asked));
  return Aggregate(wanted, asked);
}

bool Aggregate::add(bool succeeded) {
  if (state_ != State::waiting) return false;
  ++(succeeded ? succeeded_ : failed_);
  if (succeeded_ == wanted_)
    state_ = State::complete;
  else if (failed_ > asked_ - wanted_)
    state_ = State::failed;
  return true;
}

bool Aggregate::time_out() {
  if (state_ != State::waiting) return false;
  state_ = State::timed_out;
  return true;
}

}  // namespace ringray::device
