// Topics: what is published goes straight to the ranks of its subscribers; retained values go by rank 0.

#include "ringray/runtime/api.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/outgoing.hpp"
#include "ringray/runtime/unheard.hpp"

namespace ringray::runtime {
namespace {

wire::ByteBuffer encode_topic(const std::string& topic) {
  wire::ByteBuffer bytes;
  wire::Encoder encoder(bytes);
  wire::encode(encoder, Kept<std::string>(topic));
  return bytes;
}

std::vector<std::byte> copy(View bytes) { return {bytes.begin(), bytes.end()}; }

void check(const Result<void>& right) {
  if (!right) throw ConfigError(right.error().text);
}

constexpr std::size_t unanswered_max = 1000;  // then retaining waits for rank 0

control::Flag asked(const control::Request& request) {
  const auto reply = core().ask(request);
  if (!reply) throw_error(reply.error().code, {.text = reply.error().text});
  return std::get<control::Flag>(*reply);
}

}  // namespace

void Core::publish(const std::string& topic, const PublishedValue& value, const PublishOptions& options) {
  check(base::check_topic(topic));
  const auto subscribers = options.retain ? nullptr : with([&] { return subscriptions_.of(topic); });
  if (subscribers && subscribers->empty()) return;
  Outgoing message;
  value.encode(value.value, message.encoder);
  const auto topic_argument = encode_topic(topic);
  message.check_size(2 * topic.size() + 1024);
  const auto* now = running();
  control::Published published{.topic = topic,
                               .type = value.type,
                               .topic_argument = topic_argument.view(),
                               .value = message.payload().view(),
                               .quality = options.quality,
                               .caller = now ? now->caller : 0};
  if (options.retain) {
    if (!message.encoder.references().empty())
      throw ConfigError("a retained value under '" + topic +
                        "' has references, or is larger than --ringray.inline_bytes_max (rank 0 keeps its bytes); put "
                        "it under a key of your own and retain that");
    const control::Request retain =
        control::Retain{{topic, value.type, copy(published.topic_argument), copy(published.value), options.quality}};
    const bool asked = with([&] {
      if (client_.open_count() >= unanswered_max) return false;
      client_.ask(retain, 0, base::now(), *this);
      keep_moving();
      return true;
    });
    if (asked) return;
    if (!value.may_wait)
      throw QueueFullError("a value to be retained under '" + topic + "' is refused: rank 0 is behind by " +
                           std::to_string(unanswered_max) + " requests of this rank");
    static_cast<void>(ask(retain));  // it answers those before this first
    return;
  }
  with([&] {
    const auto& references = message.name_references(*this);
    published.references = std::as_bytes(std::span(references));
    published.reference_count = static_cast<std::uint32_t>(references.size());
    for (const auto& subscriber : *subscribers) {
      if (!is_elsewhere(subscriber.home)) continue;
      if (!references.empty() && !mismatch(published, subscriber))
        owner_.register_receiver(references, subscriber.home);
      control::send(published, subscriber, *this);
    }
    keep_moving();
  });
  for (const auto& subscriber : *subscribers)
    if (subscriber.home == self_) publish_here(published, subscriber, message.encoder.references());
}

void Core::publish_here(const control::Published& published, const control::Subscriber& subscriber,
                        std::span<void* const> references) {
  if (const auto why = mismatch(published, subscriber)) return warn_mismatch(subscriber.callable, *why);
  const auto release = [](ActorRecord* actor) { actor->release(); };
  const auto actor = with([&]() -> std::unique_ptr<ActorRecord, decltype(release)> {
    const auto at = actors_.find(subscriber.actor);
    if (at == actors_.end()) return {nullptr, release};
    at->second->retain();
    return {at->second, release};
  });
  if (!actor) return;  // it has ended
  if (!actor->admit(published.quality)) return;
  Record* record = nullptr;
  try {
    const auto arguments = arguments_of(published, subscriber);
    wire::Decoder decoder(arguments.view(), references);
    record = static_cast<const RecordType*>(wire::from_wire(subscriber.callable).value())->decode(decoder);
  } catch (...) {  // as on another rank: the publisher does not hear of it, and the other subscribers get it
    actor->begins(published.quality);
    return warn_dropped_send({.callable = subscriber.callable, .source = self_}, actor->title(), caught_text());
  }
  record->serial = next_serial();
  record->caller = published.caller;
  record->target = actor.get();
  record->set_published(published.quality);
  actor->submit(*record);
}

void Core::forget(control::Subscriber subscriber, const ActorRecord& actor) {
  subscriber.home = self_;
  with([&] {
    subscriber.actor = actor.id;
    client_.ask(control::Unsubscribe{{}, std::move(subscriber)}, 0, base::now(), *this);
    keep_moving();
  });
}

void Core::on_subscription(const Envelope& envelope, View payload) {
  if (envelope.source != Rank{0}) throw CorruptDataError("only rank 0 knows who subscribes");
  const auto change = control::decode<control::Request>(payload);
  if (!change) throw CorruptDataError(change.error().text);
  subscriptions_.apply(*change, membership_);
  auto error = Errc::none;
  if (const auto* added = std::get_if<control::Subscribe>(&*change); added && added->subscriber.home == self_) {
    const auto actor = actors_.find(added->subscriber.actor);
    if (actor != actors_.end() && !actor->second->dead()) {
      actor->second->subscribed = true;
    } else {  // whatever it subscribed to is forgotten
      error = Errc::actor_died;
      client_.ask(control::RemoveActor{added->subscriber.actor}, 0, base::now(), *this);
    }
  }
  send(Rank{0},
       {.correlation = envelope.correlation,
        .error = static_cast<std::uint16_t>(error),
        .kind = Kind::subscription_known},
       {});
}

void publish(const std::string& topic, const PublishedValue& value, const PublishOptions& options) {
  check_inside("publish");
  core().publish(topic, value, options);
}

namespace {

control::Subscriber complete(control::Subscriber subscriber, ActorState& state) {
  subscriber.actor = name_object(state);
  subscriber.home = state.home;
  return subscriber;
}

}  // namespace

void subscribe(ActorState& state, const std::string& pattern, control::Subscriber subscriber) {
  check(base::check_pattern(pattern));
  asked(control::Subscribe{pattern, complete(std::move(subscriber), state)});
}

bool unsubscribe(ActorState& state, const std::string& pattern, control::Subscriber subscriber) {
  check(base::check_pattern(pattern));  // an empty one stands for all
  return asked(control::Unsubscribe{pattern, complete(std::move(subscriber), state)}).value;
}

void forget_subscriber(control::Subscriber subscriber) { core().forget(std::move(subscriber), *running()->actor); }

bool clear_retained(const std::string& topic) {
  check_inside("clear_retained");
  check(base::check_topic(topic));
  return asked(control::ClearRetained{topic}).value;
}

}  // namespace ringray::runtime
