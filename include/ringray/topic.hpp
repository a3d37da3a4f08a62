#pragma once
// Topics: values for whoever subscribes to them, in any number, on any rank. See README.md, "Topics".

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "ringray/actor.hpp"
#include "ringray/runtime/api.hpp"

namespace ringray {

namespace runtime {

/// Names a type for all ranks; for people, up to the '@'.
template <class T>
const std::string& type_on_wire() {
  static const std::string name =
      type_name(typeid(T).name()) + "@" + std::to_string(wire::code_to_wire(value_type_of<T>()));
  return name;
}

template <class T>
using ValueToPublish = typename StoredPlain<std::decay_t<T>>::type;

template <class T>
constexpr bool check_published() {
  static_assert(!is_view<T>,
                "ringray: a pointer, string_view, span or reference_wrapper is published, which would point into the "
                "memory of another rank: publish the value (std::string, std::vector, Array)");
  constexpr bool travels = is_view<T> || (std::is_copy_constructible_v<T> && Travels<T>);
  static_assert(travels,
                "ringray: a value of this type cannot be published: make it copyable, and trivially so without "
                "pointers or with a cereal serialize() function (standard containers: include "
                "<cereal/types/vector.hpp> and so on)");
  return !is_view<T> && travels;
}

/// Of a method that subscribes: what it takes.
template <class List>
struct Heard {
  static constexpr bool right = false;
};
template <class T>
struct Heard<Parameters<T>> {
  static constexpr bool right = true, topic = false;
  using value = std::remove_cvref_t<T>;
};
template <class Topic, class T>
struct Heard<Parameters<Topic, T>> {
  static constexpr bool right = std::is_same_v<std::remove_cvref_t<Topic>, std::string>, topic = true;
  using value = std::remove_cvref_t<T>;
};

template <auto Method>
using HeardBy = Heard<typename Signature<decltype(Method)>::method_parameters>;

template <class A, auto Method>
constexpr bool check_subscriber() {
  using Its = HeardBy<Method>;
  static_assert(Its::right,
                "ringray: a method that subscribes takes a value, or the topic and a value: void note(double), or void "
                "note(const std::string& topic, double)");
  if constexpr (!Its::right)
    return false;
  else if constexpr (Its::topic)
    return check_call<A, Method, std::string, typename Its::value>();
  else
    return check_call<A, Method, typename Its::value>();
}

template <class A, auto Method, class... P>
constexpr const RecordType& calls_of(Parameters<P...>) {
  return CallRecord<Method, A, typename StoredList<Parameters<P...>, std::remove_cvref_t<P>...>::type>::type;
}

template <class A, auto Method>
control::Subscriber subscriber_of() {
  static_assert(!Outcome<MethodResult<Method, void>>::generator, "ringray: a method that subscribes is no generator");
  using Its = HeardBy<Method>;
  control::Subscriber subscriber;
  subscriber.callable = wire::to_wire(calls_of<A, Method>(typename Signature<decltype(Method)>::method_parameters{}));
  subscriber.type = type_on_wire<typename Its::value>();
  subscriber.takes_topic = Its::topic;
  return subscriber;
}

template <class T>
void publish_value(const std::string& topic, T&& value, const PublishOptions& options, bool may_wait) {
  using Value = ValueToPublish<T>;
  if constexpr (check_published<Value>()) {
    using Stored = Kept<Value>;
    const Stored stored(std::forward<T>(value));
    publish(topic,
            {&stored,
             [](const void* it, wire::Encoder& encoder) { wire::encode(encoder, *static_cast<const Stored*>(it)); },
             type_on_wire<Value>(), may_wait},
            options);
  }
}

}  // namespace runtime

/// Gives every subscriber whose pattern matches `topic` the value: publish("sim/3/energy", 0.5). Waits for nobody, but
/// for rank 0 with a retained value when a thousand of this rank's requests to it have no answer. Levels of a topic are
/// divided by '/'. Any thread.
///
/// Values of one caller (the driver, a task, an actor) under one topic come to each subscriber in the order of
/// publishing, as its calls do. Each comes to a subscriber that lives once, or, if it is at_most_once, perhaps not (see
/// Quality); none comes twice. Nobody hears of a subscriber that has ended, or whose rank died, nor of values that wait
/// when the job ends: they are dropped.
///
/// Retained values go by rank 0, which gives them to all subscribers in the same order, and the last one of each topic
/// to those who subscribe later. Between retained and other values no order is promised: retain all of a topic, or
/// none. They have no references and at most --ringray.inline_bytes_max bytes, else ConfigError is thrown, as for a
/// topic that is empty, has wildcards or more than 1024 bytes.
template <class T>
void publish(const std::string& topic, T&& value, const PublishOptions& options = {}) {
  runtime::publish_value(topic, std::forward<T>(value), options, true);
}

/// `Method` is called with what is published under topics that match `pattern`, in which '*' is one level and '#', at
/// its end, any number of them: subscribe<&Monitor::note>("sim/*/energy", monitor), where note takes (double), or
/// (const std::string& topic, double). Values of other types than its own are not converted: a line of log tells of
/// them.
///
/// Waits until the actor is constructed and every rank knows: what any rank publishes afterwards comes to it, behind
/// retained values, which are in its mailbox then. What is published meanwhile may come, or not, unless it is retained.
/// It comes once, however many patterns of the method match. The subscription ends with the actor, which it does not
/// keep alive; an actor that is restarted keeps it. Throws ActorDiedError, and ConfigError for a pattern that is none:
/// it is empty, has more than 1024 bytes, a wildcard within a level, or '#' before its end.
template <auto Method, class A>
void subscribe(const std::string& pattern, const ActorHandle<A>& actor) {
  if constexpr (runtime::check_subscriber<A, Method>()) {
    actor.wait();
    runtime::subscribe(*runtime::Access::actor(actor), pattern, runtime::subscriber_of<A, Method>());
  }
}

/// Ends that subscription; what was published before may still come. False: there was none. Throws ConfigError for a
/// pattern that is none.
template <auto Method, class A>
bool unsubscribe(const std::string& pattern, const ActorHandle<A>& actor) {
  if constexpr (runtime::check_subscriber<A, Method>()) {
    return runtime::unsubscribe(*runtime::Access::actor(actor), pattern, runtime::subscriber_of<A, Method>());
  } else {
    return false;
  }
}

/// Later subscribers get no value of that topic until the next one is retained. False: there was none. Waits for rank
/// 0. Throws ConfigError for a topic that is none.
inline bool clear_retained(const std::string& topic) { return runtime::clear_retained(topic); }

}  // namespace ringray
