#pragma once
// Actors: objects with state that live on one rank and handle one call at a time. See README.md, "Actors".

#include <string>
#include <utility>

#include "ringray/object.hpp"
#include "ringray/runtime/actor.hpp"
#include "ringray/runtime/bound_record.hpp"
#include "ringray/runtime/refusals.hpp"

namespace ringray {

template <class A>
class ActorHandle;

namespace runtime {
template <class C, auto Method, class... A>
ObjectRef<typename Outcome<MethodResult<Method, void>>::first> call_with(ActorState& state, const std::string& group,
                                                                         A&&... arguments) {
  using Result = typename Outcome<MethodResult<Method, void>>::first;
  static_assert(Outcome<MethodResult<Method, void>>::count == 1 && !Outcome<MethodResult<Method, void>>::generator,
                "ringray: a method gives one result; let it return a struct");
  if constexpr (!check_call<C, Method, A...>()) {
    return {};
  } else {
    using Tuple = typename StoredList<typename Signature<decltype(Method)>::method_parameters, A...>::type;
    auto* record = new CallRecord<Method, C, Tuple>(std::in_place, std::forward<A>(arguments)...);
    auto ref = Access::make<ObjectRef<Result>>(static_cast<ObjectState*>(record));
    runtime::call(state, static_cast<Record&>(*record), group, false);
    return ref;
  }
}
template <class C, auto Method, class... A>
void send_with(ActorState& state, const std::string& group, A&&... arguments) {
  static_assert(!Outcome<MethodResult<Method, void>>::generator,
                "ringray: a method gives one result; let it return a struct");
  if constexpr (check_call<C, Method, A...>()) {
    using Tuple = typename StoredList<typename Signature<decltype(Method)>::method_parameters, A...>::type;
    using Rec = CallRecord<Method, C, Tuple>;
    if (state.local) {
      auto* record = new Rec(std::in_place, std::forward<A>(arguments)...);
      return runtime::call(state, static_cast<Record&>(*record), group, true);
    }
    const Tuple stored(std::forward<A>(arguments)...);
    runtime::send_one_way(state, group, {Rec::type, &stored, &Rec::encode_arguments});
  }
}
}  // namespace runtime

/// The methods of one concurrency group of an actor.
template <class A>
class ActorGroup {
 public:
  ActorGroup(const ActorHandle<A>& handle, std::string group) : handle_(handle), group_(std::move(group)) {}
  template <auto Method, class... Arguments>
  auto call(Arguments&&... arguments) const;
  template <auto Method, class... Arguments>
  void send(Arguments&&... arguments) const;

 private:
  ActorHandle<A> handle_;
  std::string group_;
};

/// A counted reference to an actor of type A. A value: copies refer to the same actor, which ends when the last one on
/// any rank is gone (unless it is detached). Any thread; a single handle like an int. Can be an argument, a result and
/// a member of any value that travels.
template <class A>
class ActorHandle {
 public:
  using actor_type = A;
  ActorHandle() = default;
  ActorHandle(const ActorHandle& other) noexcept : state_(other.state_) {
    if (state_) state_->retain();
  }
  ActorHandle(ActorHandle&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  ActorHandle& operator=(ActorHandle other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~ActorHandle() {
    if (state_) state_->release();
  }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  bool operator==(const ActorHandle& other) const noexcept { return state_ == other.state_; }

  /// Calls a method: `handle.call<&Counter::add>(5)`. Calls of one caller run in the order of calling. Never waits.
  /// The reference throws ActorDiedError when the actor is dead. Throws PendingCallsLimitError at once when the
  /// actor's max_pending_calls is reached.
  template <auto Method, class... Arguments>
  auto call(Arguments&&... arguments) const {
    return runtime::call_with<A, Method>(state(), none(), std::forward<Arguments>(arguments)...);
  }
  /// Calls a method without a reply, in the same order. What it throws is logged on the actor's rank:
  /// the first in full, then how many more there were, once a second.
  template <auto Method, class... Arguments>
  void send(Arguments&&... arguments) const {
    runtime::send_with<A, Method>(state(), none(), std::forward<Arguments>(arguments)...);
  }
  /// Calls in a concurrency group of the actor's options.
  ActorGroup<A> group(std::string name) const { return {*this, std::move(name)}; }
  /// Waits until the actor is constructed; throws ActorDiedError when that failed.
  void wait() const { runtime::get(state(), nullptr); }
  /// Where it lives.
  Rank rank() const { return state().home; }

  template <class Archive>
  void save(Archive& archive) const {
    static_assert(std::is_same_v<Archive, wire::OutputArchive>, "handles travel only between ranks of one job");
    if (state_) state_->begun().check("an actor handle");
    archive(state_ ? archive.add_reference(static_cast<runtime::ObjectState*>(state_)) : ~std::uint32_t{0});
  }
  template <class Archive>
  void load(Archive& archive) {
    std::uint32_t index = 0;
    archive(index);
    *this = {};
    if (index == ~std::uint32_t{0}) return;
    state_ = runtime::as_actor(*static_cast<runtime::ObjectState*>(archive.reference(index)));
    state_->retain();
  }

 private:
  friend struct runtime::Access;
  template <class>
  friend class ActorGroup;
  runtime::ActorState& state() const {
    if (!state_) [[unlikely]]
      runtime::throw_config("an empty actor handle was used; spawn or get_actor gives one that refers to an actor");
    state_->begun().check("an actor handle");
    return *state_;
  }
  static const std::string& none() {
    static const std::string empty;
    return empty;
  }
  runtime::ActorState* state_ = nullptr;
};

template <class A>
template <auto Method, class... Arguments>
auto ActorGroup<A>::call(Arguments&&... arguments) const {
  return runtime::call_with<A, Method>(handle_.state(), group_, std::forward<Arguments>(arguments)...);
}
template <class A>
template <auto Method, class... Arguments>
void ActorGroup<A>::send(Arguments&&... arguments) const {
  runtime::send_with<A, Method>(handle_.state(), group_, std::forward<Arguments>(arguments)...);
}

/// Makes an actor: A(arguments...) is constructed where the options say. Waits only when the actor has a name (until
/// the name is its own). Throws NameTakenError, or with get_if_exists ConfigError when the actor of that name is no A.
///
/// An actor ends well when its last handle is gone, when it leaves by exit_actor(), and when the job ends: calls that
/// were accepted run (after exit_actor() and at the job's end only those that have begun), then `void on_stop()`, when
/// A has one, then the destructor. Nothing tells of one-way calls and published values that the job's end drops. An
/// on_stop() that takes longer than --ringray.stop_timeout_ms is left behind. kill() runs no on_stop().
template <class A, class... Arguments>
ActorHandle<A> spawn(ActorOptions options, Arguments&&... arguments) {
  if constexpr (!runtime::check_spawn<A, Arguments...>()) {
    return {};
  } else {
    using Tuple = std::tuple<typename runtime::StoredForAny<Arguments>::type...>;
    auto* constructor = new runtime::ConstructRecord<A, Tuple>(std::in_place, std::forward<Arguments>(arguments)...);
    auto* state = new runtime::ActorState;
    auto handle = runtime::Access::make<ActorHandle<A>>(state);
    auto* actual = runtime::start_actor(*state, runtime::actor_type_of<A>(), std::move(options), *constructor);
    if (actual == state) return handle;
    return runtime::Access::make<ActorHandle<A>>(runtime::as_actor(*actual));
  }
}
template <class A>
ActorHandle<A> spawn() {
  return spawn<A>(ActorOptions{});
}

template <class A, class First, class... Rest>
requires(!std::is_convertible_v<First, ActorOptions>) ActorHandle<A> spawn(First&&, Rest&&...) {
  static_assert(std::is_convertible_v<First, ActorOptions>,
                "ringray: spawn takes its options first: spawn<A>({}, constructor arguments...), or "
                "spawn<A>({.name = \"...\"}, constructor arguments...)");
  return {};
}

/// The live actor of that name. Throws ActorDiedError when there is none, and ConfigError when it is no A (a class that
/// derives from A is another). Waits for rank 0.
template <class A>
ActorHandle<A> get_actor(const std::string& name, const std::string& name_space = "") {
  return runtime::Access::make<ActorHandle<A>>(runtime::find_actor(name, name_space, runtime::actor_type_of<A>()));
}

struct KillOptions {
  bool restart = false;  ///< a fresh instance takes over when max_restarts allows one more
};
/// Ends the actor now: the call that runs ends by itself, all others throw ActorDiedError; its name is free when kill()
/// returns. With a restart the name stays, and calls that had not begun throw ActorUnavailableError, or run on the
/// fresh instance when max_task_retries is not 0.
template <class A>
void kill(const ActorHandle<A>& actor, KillOptions options = {}) {
  runtime::kill(*runtime::Access::actor(actor), options.restart);
}

namespace this_actor {
/// Ends the running actor: earlier calls have ended, this one and all that follow throw ActorDiedError.
[[noreturn]] inline void exit() { runtime::exit_actor(); }
/// True in an instance that replaced another one.
inline bool was_restarted() { return runtime::actor_restarts() > 0; }
}  // namespace this_actor
[[noreturn]] inline void exit_actor() { this_actor::exit(); }

}  // namespace ringray
