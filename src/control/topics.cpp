#include "ringray/control/topics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ringray::control {
namespace {

wire::View view_of(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

Published published(const Publication& publication) {
  return {publication.topic, publication.type, publication.topic_argument, publication.value, publication.quality};
}

/// False: it changes nothing.
template <class Value>
bool apply(base::Topics<Subscriber, Value>& table, const Request& change) {
  if (const auto* added = std::get_if<Subscribe>(&change))
    return table.subscribe(added->pattern, added->subscriber).has_value();
  if (const auto* ended = std::get_if<Unsubscribe>(&change))
    return ended->pattern.empty() ? table.forget_if([&](const Subscriber& other) { return other == ended->subscriber; })
                                  : table.unsubscribe(ended->pattern, ended->subscriber);
  const auto* gone = std::get_if<RemoveActor>(&change);
  return gone && table.forget_if([&](const Subscriber& subscriber) { return subscriber.actor == gone->actor; });
}

template <class Value>
bool forget_rank(base::Topics<Subscriber, Value>& table, Rank rank) {
  return table.forget_if([&](const Subscriber& subscriber) { return subscriber.home == rank; });
}

}  // namespace

wire::ByteBuffer arguments_of(const Published& published, const Subscriber& subscriber) {
  wire::ByteBuffer arguments;
  arguments.append(subscriber.bound.data(), subscriber.bound.size());
  if (subscriber.takes_topic) arguments.append(published.topic_argument.data(), published.topic_argument.size());
  arguments.append(published.value.data(), published.value.size());
  return arguments;
}

std::optional<std::string> mismatch(const Published& published, const Subscriber& subscriber) {
  if (subscriber.type == published.type) return std::nullopt;
  const auto name = [](std::string_view type) { return type.substr(0, type.rfind('@')); };
  return fmt::format("a value of type {} was published under '{}', but it takes {}", name(published.type),
                     published.topic, name(subscriber.type));
}

void send(const Published& published, const Subscriber& subscriber, wire::Outbox& outbox) {
  wire::Envelope envelope{.subject = subscriber.actor,
                          .callable = subscriber.callable,
                          .sender = published.caller,
                          .argument = published.reference_count,
                          .flags = static_cast<std::uint8_t>(published.quality),
                          .kind = wire::Kind::publish};
  if (const auto why = mismatch(published, subscriber)) {
    envelope.argument = 0;
    envelope.error = static_cast<std::uint16_t>(Errc::config);
    return outbox.send(subscriber.home, envelope, view_of(*why));
  }
  auto payload = arguments_of(published, subscriber);
  payload.append(published.references.data(), published.references.size());
  outbox.send(subscriber.home, envelope, payload.view());
}

// ---- on every rank

void Subscriptions::apply(const Request& change, const scheduler::Membership& membership) {
  if (const auto* added = std::get_if<Subscribe>(&change); added && !membership.alive(added->subscriber.home)) return;
  if (control::apply(table_, change)) looked_up_.clear();
}

void Subscriptions::rank_died(Rank rank) {
  if (forget_rank(table_, rank)) looked_up_.clear();
}

Subscriptions::Subscribers Subscriptions::of(const std::string& topic) {
  if (const auto known = looked_up_.find(topic); known != looked_up_.end()) return known->second;
  if (looked_up_.size() == looked_up_max) looked_up_.clear();
  auto found = std::make_shared<const std::vector<Subscriber>>(table_.subscribers(topic).value());
  looked_up_.emplace(topic, found);
  return found;
}

// ---- on rank 0

void TopicStore::subscribe(const Asker& asker, const Subscribe& request, Answers& answers, wire::Outbox& outbox) {
  const auto& subscriber = request.subscriber;
  if (!membership_.alive(subscriber.home)) {
    answers.emplace_back(asker, Refusal{Errc::actor_died, "the actor that was to subscribe is dead: its rank died"});
    return;
  }
  const auto retained = table_.subscribe(request.pattern, subscriber);
  if (!retained) {
    answers.emplace_back(asker, Refusal{retained.error().code, retained.error().text});
    return;
  }
  for (const auto& [topic, publication] : *retained) send(published(publication), subscriber, outbox);
  announce(request, outbox);
  waiting_.push_back({asker, version_, Flag{true}, true});
}

void TopicStore::unsubscribe(const Asker& asker, const Unsubscribe& request, Answers& answers, wire::Outbox& outbox) {
  const bool had = apply(table_, request);
  if (had) announce(request, outbox);
  waiting_.push_back({asker, version_, Flag{had}, false});
  settle(answers);
}

void TopicStore::forget(const RemoveActor& request, wire::Outbox& outbox) {
  if (apply(table_, request)) announce(request, outbox);
}

Reply TopicStore::retain(Publication publication, wire::Outbox& outbox) {
  const auto subscribers = table_.subscribers(publication.topic);
  if (!subscribers) return Refusal{subscribers.error().code, subscribers.error().text};
  for (const auto& subscriber : *subscribers) send(published(publication), subscriber, outbox);
  auto topic = publication.topic;
  table_.retain(topic, std::move(publication));
  return Flag{true};
}

Reply TopicStore::clear(const ClearRetained& request) { return Flag{table_.clear_retained(request.topic)}; }

void TopicStore::announce(const Request& change, wire::Outbox& outbox) {
  ++version_;
  const auto payload = encode(change);
  for (const auto rank : membership_.alive_ranks())
    outbox.send(rank, {.correlation = version_, .kind = wire::Kind::subscription}, payload.view());
}

Answers TopicStore::on_known(const wire::Envelope& envelope) {
  auto& known = known_[envelope.source.value];
  known = std::max(known, envelope.correlation);
  if (envelope.error != 0)
    for (auto& waiting : waiting_)
      if (waiting.version == envelope.correlation && waiting.subscribes)  // others may wait for the same change
        waiting.reply = Refusal{Errc::actor_died, "the actor that was to subscribe has ended"};
  Answers answers;
  settle(answers);
  return answers;
}

void TopicStore::settle(Answers& answers) {
  auto known = version_;
  for (const auto rank : membership_.alive_ranks()) known = std::min(known, known_[rank.value]);
  while (!waiting_.empty() && waiting_.front().version <= known) {
    answers.emplace_back(waiting_.front().asker, std::move(waiting_.front().reply));
    waiting_.pop_front();
  }
}

void TopicStore::rank_died(Rank rank, Answers& answers) {
  forget_rank(table_, rank);  // as every rank does when it hears of it
  settle(answers);
}

}  // namespace ringray::control
