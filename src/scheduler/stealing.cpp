#include "ringray/scheduler/stealing.hpp"

#include <algorithm>
#include <utility>

#include "ringray/base/check.hpp"

namespace ringray::scheduler {

namespace {
constexpr unsigned random_victims = 2;
constexpr unsigned rest_ticks_max = 32;
}  // namespace

Stealing::Stealing(Rank self, std::uint32_t ranks, std::uint64_t seed, wire::Outbox& outbox, Giver& giver)
    : self_(self), ranks_(ranks), random_(seed), outbox_(outbox), giver_(giver), dead_(ranks) {}

void Stealing::plan() {
  const auto add = [&](Rank rank) {
    if (rank != self_ && rank.value < ranks_ && !dead_[rank.value] &&
        std::find(victims_.begin(), victims_.end(), rank) == victims_.end())
      victims_.push_back(rank);
  };
  for (std::uint32_t bit = 1; bit < ranks_; bit <<= 1) add(self_.value ^ bit);
  for (unsigned i = 0; i < random_victims; ++i) add(random_.below(ranks_));
  if (!mates_.empty()) add(mates_[random_.below(mates_.size())]);
  if (last_giver_.valid()) add(last_giver_);
}

void Stealing::ask(Rank victim) {
  asked_ = victim;
  outbox_.send(victim, {.kind = wire::Kind::steal}, {});
}

void Stealing::hungry() {
  if (resting_ || asked_.valid() || ranks_ < 2) return;
  if (victims_.empty()) plan();
  while (!victims_.empty()) {
    const auto victim = victims_.back();
    victims_.pop_back();
    if (!dead_[victim.value]) return ask(victim);
  }
  resting_ = true;
}

std::uint32_t Stealing::give(Rank thief) {
  RINGRAY_ASSERT(!std::exchange(giving_, true), "something came in while tasks were given away");
  const auto given = giver_.give(thief);
  giving_ = false;
  return given;
}

void Stealing::surplus() {
  while (!waiting_.empty()) {
    const auto thief = waiting_.back();
    const auto given = give(thief);
    if (given == 0) return;
    waiting_.pop_back();
    outbox_.send(thief, {.argument = given, .kind = wire::Kind::loot}, {});
  }
}

void Stealing::on_message(const wire::Envelope& envelope) {
  const auto from = envelope.source;
  if (envelope.kind == wire::Kind::steal) {
    const auto given = give(from);
    std::erase(waiting_, from);
    if (given == 0) waiting_.push_back(from);
    outbox_.send(from, {.argument = given, .kind = wire::Kind::loot}, {});
    return;
  }
  if (from == asked_) asked_ = {};
  if (envelope.argument > 0) {
    last_giver_ = from;
    victims_.clear();
    resting_ = false;
    rest_ticks_ = 1;
  } else if (victims_.empty() && !asked_.valid()) {
    resting_ = true;
  } else {
    hungry();
  }
}

void Stealing::tick() {
  if (!resting_ || ++ticks_ < rest_ticks_) return;
  ticks_ = 0;
  rest_ticks_ = std::min(rest_ticks_ * 2, rest_ticks_max);
  resting_ = false;
}

void Stealing::on_rank_died(Rank rank) {
  if (rank.value < dead_.size()) dead_[rank.value] = 1;
  std::erase(waiting_, rank);
  if (asked_ == rank) asked_ = {};
  if (last_giver_ == rank) last_giver_ = {};
}

}  // namespace ringray::scheduler
