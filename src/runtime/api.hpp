#pragma once
// What the templates of include/ringray call. Any thread of a running rank unless said otherwise.

#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "ringray/base/time.hpp"
#include "ringray/control/messages.hpp"
#include "ringray/control/plan.hpp"
#include "ringray/runtime/actor.hpp"
#include "ringray/runtime/object_ref.hpp"
#include "ringray/runtime/record.hpp"
#include "ringray/runtime/stream.hpp"

namespace ringray::runtime {

// objects
void* get(ObjectState& state, const ValueType* type);
void* get(ObjectState& state, const ValueType* type, base::Nanoseconds timeout);
/// Returns when all values are here, or throws the first error that any of them became.
void wait_all_or_error(std::span<ObjectState* const> states);
std::vector<bool> wait(std::span<ObjectState* const> states, std::size_t count, std::chrono::nanoseconds timeout,
                       bool fetch);
ObjectId name_object(ObjectState& state);
/// Puts the bytes of a large value into this rank's arena, `fill` writes them. Counted for the caller.
ObjectState* put_bytes(std::size_t bytes, const ValueType* type, void (*fill)(std::byte* to, const void* from),
                       const void* from);
bool arena_is_better(std::size_t bytes) noexcept;
/// A block of this rank's arena that is written before it becomes an object.
class ArenaBlock;
std::shared_ptr<ArenaBlock> allocate_block(std::size_t bytes);
std::byte* block_data(ArenaBlock& block) noexcept;
/// Makes an object of it without copying; null when it is one already. Counted for the caller.
ObjectState* put_block(ArenaBlock& block, const ValueType* type);

template <class Ref>
ObjectState& checked_state(const Ref& ref) {
  if (!ref) [[unlikely]]
    throw_config("an empty ObjectRef was used; submit, put and call give references that refer to something");
  auto& state = *Access::state(ref);
  state.begun().check("an ObjectRef");
  return state;
}

/// Vectors of plain numbers, whose encoded form is a count and the elements.
template <class T>
inline constexpr bool is_number_vector = false;
template <class E, class A>
requires(std::is_arithmetic_v<E> &&
         !std::is_same_v<E, bool>) inline constexpr bool is_number_vector<std::vector<E, A>> = true;

template <class T>
ObjectState* put_value(T&& value) {
  check_inside("put");
  using Value = std::remove_cvref_t<T>;
  if constexpr (is_number_vector<Value> && std::is_lvalue_reference_v<T>) {
    const auto bytes = sizeof(std::uint64_t) + value.size() * sizeof(typename Value::value_type);
    if (arena_is_better(bytes))
      return put_bytes(
          bytes, value_type_of<Value>(),
          [](std::byte* to, const void* from) {
            const auto& v = *static_cast<const Value*>(from);
            const std::uint64_t count = v.size();
            std::memcpy(to, &count, sizeof count);
            std::memcpy(to + sizeof count, v.data(), count * sizeof(typename Value::value_type));
          },
          std::addressof(value));
  }
  auto* state = new EventState<Value>;
  state->construct(std::forward<T>(value));
  state->complete();
  return state;
}

// tasks
/// The rank that is asked for, if it is another one that lives and nothing else is asked for: then the record needs no
/// options.
Rank only_a_rank(const TaskOptions& options);
/// A new record, to `target` if that is valid. Takes over one count.
void submit(Record& record, Rank target = {});
void cancel(ObjectState& state, bool recursive);
std::stop_token current_stop_token();
void yield_now();
std::vector<std::uint32_t> granted_gpus();

// actors
ObjectState* start_actor(ActorState& state, const ActorType& type, ActorOptions options, Record& constructor);
void call(ActorState& state, Record& record, const std::string& group, bool one_way);
/// To an actor of another rank.
void send_one_way(ActorState& state, const std::string& group, const OneWayCall& call);
ActorState* find_actor(const std::string& name, const std::string& name_space, const ActorType& type);
void kill(ActorState& state, bool restart);
[[noreturn]] void exit_actor();
int actor_restarts();
/// Throws CorruptDataError when it is no actor's state.
ActorState* as_actor(ObjectState& state);

// topics
void publish(const std::string& topic, const PublishedValue& value, const PublishOptions& options);
/// Of a constructed actor; `subscriber` lacks who it is.
void subscribe(ActorState& state, const std::string& pattern, control::Subscriber subscriber);
bool unsubscribe(ActorState& state, const std::string& pattern, control::Subscriber subscriber);
bool clear_retained(const std::string& topic);
/// Ends all subscriptions of the actor that runs as that one. Does not wait.
void forget_subscriber(control::Subscriber subscriber);

// placement groups
ObjectState* group_ready(ObjectId group);
std::vector<Rank> group_ranks(ObjectId group);
ObjectId create_group(std::vector<Resources> bundles, control::Strategy strategy, std::string name, bool detached);
void remove_group(ObjectId group);

}  // namespace ringray::runtime
