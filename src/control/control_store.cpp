#include "ringray/control/control_store.hpp"

#include <algorithm>
#include <utility>

namespace ringray::control {

ControlStore::ControlStore(scheduler::Membership membership, ControlOptions options)
    : membership_(std::move(membership)),
      values_(options.values),
      topics_(membership_),
      groups_(membership_, options.groups),
      asked_(membership_.size()) {}

void ControlStore::on_message(const wire::Envelope& envelope, wire::View payload, base::Nanoseconds now,
                              wire::Outbox& outbox) {
  if (envelope.kind == wire::Kind::control_request) on_request(envelope, payload, now, outbox);
  if (envelope.kind == wire::Kind::subscription_known) answer_all(topics_.on_known(envelope), outbox);
  if (envelope.kind == wire::Kind::reserved) groups_.on_reserved(envelope, payload, now, outbox);
  settle_groups(outbox);
}

void ControlStore::on_request(const wire::Envelope& envelope, wire::View payload, base::Nanoseconds now,
                              wire::Outbox& outbox) {
  const Asker asker{envelope.source, envelope.sender, envelope.correlation};
  if (!membership_.alive(asker.rank, asker.epoch)) return;
  auto& asked = asked_[asker.rank.value];
  if (asked.epoch != asker.epoch) asked = {.epoch = asker.epoch};
  if (asker.correlation < asked.confirmed_below) return;
  asked.confirmed_below = std::max(asked.confirmed_below, envelope.callable);
  asked.answers.erase(asked.answers.begin(), asked.answers.lower_bound(asked.confirmed_below));
  if (envelope.argument != 0) asked.answers.erase(asker.correlation - envelope.argument);
  const auto [at, is_new] = asked.answers.try_emplace(asker.correlation);
  if (!is_new) {
    if (at->second) send_answer(asker, *at->second, outbox);
    return;
  }
  auto request = decode<Request>(payload);
  if (!request) return answer(asker, Refusal{request.error().code, request.error().text}, outbox);
  Answers answers;
  handle(asker, std::move(*request), now, answers, outbox);
  answer_all(answers, outbox);
}

std::size_t ControlStore::kept_answers() const {
  std::size_t count = 0;
  for (const auto& asked : asked_) count += asked.answers.size();
  return count;
}

void ControlStore::answer(const Asker& asker, const Reply& reply, wire::Outbox& outbox) {
  auto& asked = asked_[asker.rank.value];
  const auto open = asked.answers.find(asker.correlation);
  if (asked.epoch != asker.epoch || open == asked.answers.end()) return;  // it does not wait any more
  open->second = encode(reply);
  send_answer(asker, *open->second, outbox);
}

void ControlStore::send_answer(const Asker& asker, const wire::ByteBuffer& bytes, wire::Outbox& outbox) const {
  outbox.send(
      asker.rank,
      wire::Envelope{.correlation = asker.correlation, .argument = asker.epoch, .kind = wire::Kind::control_reply},
      bytes.view());
}

void ControlStore::answer_all(const Answers& answers, wire::Outbox& outbox) {
  for (const auto& [asker, reply] : answers) answer(asker, reply, outbox);
}

void ControlStore::handle(const Asker& asker, Request request, base::Nanoseconds now, Answers& answers,
                          wire::Outbox& outbox) {
  const auto say = [&](Reply reply) { answers.emplace_back(asker, std::move(reply)); };
  std::visit(
      [&]<class T>(T& ask) {
        if constexpr (std::is_same_v<T, ReserveName>) {
          names_.reserve(asker, ask, answers);
        } else if constexpr (std::is_same_v<T, RegisterActor>) {
          names_.enter(asker, ask, answers);
        } else if constexpr (std::is_same_v<T, LookupActor>) {
          names_.look_up(asker, ask, answers);
        } else if constexpr (std::is_same_v<T, RemoveActor>) {
          names_.remove(asker, ask, answers);
          topics_.forget(ask, outbox);
        } else if constexpr (std::is_same_v<T, RemoveActorsOn>) {
          names_.remove_on(asker, ask, answers);
        } else if constexpr (std::is_same_v<T, PutValue>) {
          say(values_.put(std::move(ask)));
        } else if constexpr (std::is_same_v<T, GetValue>) {
          say(values_.get(ask));
        } else if constexpr (std::is_same_v<T, DeleteValue>) {
          say(values_.remove(ask));
        } else if constexpr (std::is_same_v<T, HasValue>) {
          say(values_.has(ask));
        } else if constexpr (std::is_same_v<T, ListKeys>) {
          say(values_.list(ask));
        } else if constexpr (std::is_same_v<T, Subscribe>) {
          topics_.subscribe(asker, ask, answers, outbox);
        } else if constexpr (std::is_same_v<T, Unsubscribe>) {
          topics_.unsubscribe(asker, ask, answers, outbox);
        } else if constexpr (std::is_same_v<T, Retain>) {
          say(topics_.retain(std::move(ask.publication), outbox));
        } else if constexpr (std::is_same_v<T, ClearRetained>) {
          say(topics_.clear(ask));
        } else if constexpr (std::is_same_v<T, CreateGroup>) {
          const auto created = groups_.create(std::move(ask.specification), now, outbox);
          if (created)
            say(Flag{*created});
          else
            say(Refusal{created.error().code, created.error().text});
        } else if constexpr (std::is_same_v<T, WaitGroup>) {
          if (auto reply = state_of(ask.id))
            say(*std::move(reply));
          else
            group_waiters_[ask.id].push_back(asker);
        } else if constexpr (std::is_same_v<T, RemoveGroup>) {
          say(Flag{groups_.remove(ask.id, now, outbox)});
        } else {
          static_assert(std::is_same_v<T, ReportDeath>);
          say(Flag{rank_died(ask.rank, ask.epoch, now, outbox)});
        }
      },
      request);
}

std::optional<Reply> ControlStore::state_of(GroupId id) const {
  const auto* record = groups_.find(id);
  if (record == nullptr) return Refusal{Errc::invalid_transition, "there is no such placement group (any more)"};
  if (record->state == GroupState::ready) return GroupFound{*record};
  if (record->state == GroupState::infeasible)
    return Refusal{Errc::unschedulable, "the placement group cannot be placed: " + record->reason};
  return std::nullopt;
}

void ControlStore::settle_groups(wire::Outbox& outbox) {
  for (const auto id : groups_.take_settled()) {
    const auto waiters = group_waiters_.find(id);
    const auto reply = state_of(id);
    if (waiters == group_waiters_.end() || !reply) continue;
    const auto askers = std::move(waiters->second);
    group_waiters_.erase(waiters);
    for (const auto& asker : askers) answer(asker, *reply, outbox);
  }
}

bool ControlStore::rank_died(Rank rank, std::uint32_t epoch, base::Nanoseconds now, wire::Outbox& outbox) {
  if (rank.value == 0 || !membership_.declare_dead(rank, epoch)) return false;
  std::erase_if(news_.dead, [&](const DeadRank& dead) { return dead.rank == rank; });
  news_.dead.push_back({rank, epoch});
  ++news_.version;
  const auto payload = encode(news_);
  outbox.send(0, wire::Envelope{.kind = wire::Kind::membership}, payload.view());
  asked_[rank.value] = {};
  for (auto& [id, askers] : group_waiters_)
    std::erase_if(askers, [&](const Asker& asker) { return asker.rank == rank; });
  std::erase_if(group_waiters_, [](const auto& item) { return item.second.empty(); });
  Answers answers;
  names_.rank_died(rank, membership_, answers);
  topics_.rank_died(rank, answers);
  answer_all(answers, outbox);
  groups_.rank_died(rank, now, outbox);
  settle_groups(outbox);
  return true;
}

void ControlStore::tick(base::Nanoseconds now, wire::Outbox& outbox) {
  groups_.tick(now, outbox);
  settle_groups(outbox);
}

}  // namespace ringray::control
