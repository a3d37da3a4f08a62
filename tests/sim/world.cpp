#include "world.hpp"

#include <fmt/format.h>

namespace ringray::sim {
namespace {

constexpr std::uint64_t steps_max = 20'000'000;
constexpr std::uint64_t kill_within_ns = 2'000'000, notice_within_ns = 600'000;

std::string text_of(ObjectId id) { return fmt::format("{}.{:x}", id.owner.value, id.sequence); }

}  // namespace

World::World(const Plan& plan)
    : plan_(plan),
      network_(plan.seed),
      random_(plan.seed * 77 + 5),
      dead_(plan.ranks),
      told_(plan.ranks),
      budget_(plan.tasks) {
  for (std::uint32_t r = 0; r < plan.ranks; ++r) {
    ranks_.push_back(std::make_unique<SimRank>(*this, Rank{r}, plan.ranks, random_()));
    if (plan.kills > 0) told_[r].resize(plan.ranks);
  }
}

void World::problem(std::string text) {
  if (problem_.empty()) problem_ = fmt::format("seed {}, {} ranks, step {}: {}", plan_.seed, plan_.ranks, steps_, text);
}

void World::hold(ObjectId id, int change) {
  auto& count = held_[id];
  count += change;
  if (count < 0) problem("the simulation dropped more references than it had");
  if (count == 0) held_.erase(id);
}

void World::freed(ObjectId id) {
  if (plan_.kills > 0) return;  // what passed through a dead rank may be lost
  if (const auto at = held_.find(id); at != held_.end())
    problem(fmt::format("object {} was freed while {} references are held", text_of(id), at->second));
  if (const auto count = network_.carried(id); count > 0)
    problem(fmt::format("object {} was freed while {} messages carry it", text_of(id), count));
}

void World::executed(std::uint64_t serial) {
  if (++executed_[serial] > 1) problem(fmt::format("task {} ended twice", serial));
}

void World::handle(const Event& event) {
  using What = Event::What;
  const auto target = event.target;
  switch (event.what) {
    case What::kill:
      if (dead_[target.value]) return;
      dead_[target.value] = 1;
      ++tally["kills"];
      for (std::uint32_t r = 0; r < plan_.ranks; ++r) {
        if (dead_[r]) continue;
        if (random_.chance(0.5)) told_[r][target.value] = 1;  // what is under way to r is lost
        network_.later({.what = What::death_notice, .source = target, .target = Rank{r}}, notice_within_ns);
      }
      return;
    case What::message:
    case What::bulk:
      network_.delivered(event);
      if (dead_[target.value] || (plan_.kills > 0 && told_[target.value][event.source.value])) return;
      // Counts are exact: an object is not freed before its last borrow and release are here.
      if (const auto& e = event.envelope; plan_.kills == 0 && (e.kind == Kind::borrow || e.kind == Kind::release) &&
                                          e.subject.owner == target && !rank(target).owner().known(e.subject))
        problem(fmt::format("a {} of {} came after it was freed", wire::kind_name(e.kind), text_of(e.subject)));
      if (event.what == What::bulk)
        rank(target).on_bulk(event.envelope);
      else
        rank(target).on_message(event.envelope, event.payload);
      break;
    case What::death_notice:
      if (dead_[target.value]) return;
      told_[target.value][event.source.value] = 1;
      rank(target).on_rank_died(event.source);
      break;
    case What::step:
      if (dead_[target.value]) return;
      rank(target).step(event.task);
      break;
    case What::settle:
      if (dead_[target.value]) return;
      rank(target).settle(event.envelope.subject);
      break;
  }
  rank(target).drain();
}

bool World::quiet() {
  Event event;
  while (problem_.empty() && network_.next(event)) {
    if (++steps_ > steps_max) problem("it does not end");
    handle(event);
    if (plan_.check_every_step) check();
  }
  return problem_.empty();
}

// Every reference is known to its owner, and every rank's handles cover its references.
void World::check() {
  for (const auto& rank : ranks_) {
    if (const auto text = rank->problem_now(); !text.empty()) problem(text);
    if (plan_.kills > 0) continue;
    for (const auto& [id, state] : rank->states())
      if (state.references > 0 && !ranks_[id.owner.value]->owner().known(id))
        problem(fmt::format("object {} is referred to but its owner does not know it", text_of(id)));
  }
}

std::string World::leftovers() {
  for (std::uint32_t r = 0; r < plan_.ranks; ++r) {
    if (dead_[r]) continue;
    if (const auto text = ranks_[r]->problem_at_end(); !text.empty()) return fmt::format("rank {}: {}", r, text);
  }
  return {};
}

std::string World::run() {
  for (std::uint32_t i = 0; i < plan_.roots; ++i)
    rank(Rank{i < plan_.ranks ? i : random_.below(plan_.ranks)}).start_root();
  for (std::uint32_t i = 0; i < plan_.kills; ++i)
    network_.later({.what = Event::What::kill, .target = Rank{1 + random_.below(plan_.ranks - 1)}}, kill_within_ns);
  if (!quiet()) return problem_;
  std::string waits;
  for (std::uint32_t r = 0; r < plan_.ranks && waits.size() < 2000; ++r)
    if (!dead_[r] && !ranks_[r]->idle())
      waits += fmt::format("\n  rank {} waits for ever: {}", r, ranks_[r]->problem_at_end());
  if (!waits.empty()) problem(waits);
  for (std::uint32_t r = 0; r < plan_.ranks; ++r) {
    if (dead_[r]) continue;
    ranks_[r]->let_go();
    ranks_[r]->drain();
  }
  if (!quiet()) return problem_;
  if (const auto text = leftovers(); !text.empty()) problem(text);
  if (network_.in_flight_max() > 64 * (std::size_t{plan_.ranks} + plan_.tasks)) problem("a queue grew without bound");
  return problem_;
}

}  // namespace ringray::sim
