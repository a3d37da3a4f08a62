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

control::Flag asked(const control::Request& request) {
  const auto reply = core().ask(request);
  if (!reply) throw_error(reply.error().code, {.text = reply.error().text});
  return std::get<control::Flag>(*reply);
}

}  // namespace

void Core::publish(const std::string& topic, const PublishedValue& value, const PublishOptions& options) {
  if (const auto right = base::check_topic(topic); !right) throw ConfigError(right.error().text);
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
    return with([&] {
      client_.ask(
          control::Retain{{topic, value.type, copy(published.topic_argument), copy(published.value), options.quality}},
          0, base::now(), *this);
      keep_moving();
    });
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
  auto* actor = with([&]() -> ActorRecord* {
    const auto at = actors_.find(subscriber.actor);
    if (at == actors_.end()) return nullptr;
    at->second->retain();
    return at->second;
  });
  if (!actor) return;  // it has ended
  if (actor->admit(published.quality)) {
    const auto arguments = arguments_of(published, subscriber);
    wire::Decoder decoder(arguments.view(), references);
    auto* record = static_cast<const RecordType*>(wire::from_wire(subscriber.callable).value())->decode(decoder);
    record->serial = next_serial();
    record->caller = published.caller;
    record->target = actor;
    record->set_published(published.quality);
    actor->submit(*record);
  }
  actor->release();
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
  subscriptions_.apply(*change);
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
  asked(control::Subscribe{pattern, complete(std::move(subscriber), state)});
}

bool unsubscribe(ActorState& state, const std::string& pattern, control::Subscriber subscriber) {
  return asked(control::Unsubscribe{pattern, complete(std::move(subscriber), state)}).value;
}

void forget_subscriber(control::Subscriber subscriber) { core().forget(std::move(subscriber), *running()->actor); }

bool clear_retained(const std::string& topic) {
  check_inside("clear_retained");
  return asked(control::ClearRetained{topic}).value;
}

}  // namespace ringray::runtime
