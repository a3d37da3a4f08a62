#pragma once
// Tasks: any callable, run on some rank. See README.md, "Tasks".

#include <stop_token>
#include <tuple>
#include <utility>
#include <vector>

#include "ringray/object.hpp"
#include "ringray/runtime/bound_record.hpp"
#include "ringray/runtime/options.hpp"
#include "ringray/runtime/refusals.hpp"

namespace ringray {

// Placements for TaskOptions and ActorOptions; each may be made `.soft()`.
using scheduler::label;
using scheduler::on_host;
using scheduler::on_rank;
using scheduler::spread;

/// Where most of the object's bytes are.
template <class T>
Placement near(const ObjectRef<T>& ref) {
  return scheduler::near(runtime::name_object(runtime::checked_state(ref)));
}

namespace runtime {

template <class R, class T>
auto references_to(Record& record, std::type_identity<T>) {
  record.retain_unshared();
  return Access::make<ObjectRef<T>>(static_cast<ObjectState*>(&record));
}
template <class R, class... Ts>
auto references_to(Record& record, std::type_identity<Returns<Ts...>>) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((record.result(I).retain()), ...);
    return std::tuple<ObjectRef<Ts>...>{Access::make<ObjectRef<Ts>>(&record.result(I))...};
  }
  (std::index_sequence_for<Ts...>{});
}
template <class R, class T>
auto references_to(Record& record, std::type_identity<Task<T>>) {
  return references_to<R>(record, std::type_identity<T>{});
}

template <class F, class... A>
auto submit_with(TaskOptions* options, F&& f, A&&... arguments) {
  using Code = std::decay_t<F>;
  if constexpr (!check_task<Code, A...>()) {
    return typename Refused<Code>::type();
  } else {
    using Tuple = typename StoredArguments<Code, A...>::type;
    using Rec = TaskRecord<Code, Tuple>;
    using R = std::remove_cvref_t<AppliedResult<Code, Tuple>>;
    auto* record = new Rec(std::in_place, std::forward<F>(f), std::forward<A>(arguments)...);
    const auto target = options ? only_a_rank(*options) : Rank{};
    if (options && (Outcome<R>::generator || !target.valid())) record->make_more().options = std::move(*options);
    if constexpr (Outcome<R>::generator) {
      Stream<typename Outcome<R>::item> stream(open_stream(*record));
      runtime::submit(static_cast<Record&>(*record), target);
      return stream;
    } else {
      auto references = references_to<R>(*record, std::type_identity<R>{});
      runtime::submit(static_cast<Record&>(*record), target);
      return references;
    }
  }
}

}  // namespace runtime

/// Runs f(arguments...) as a task and gives a reference to its result (one per member of Returns, a Stream for a
/// Generator). An ObjectRef<T> given for a parameter T arrives as its value, and the task starts when it exists. Any
/// task, actor or the driver; never waits.
template <class F, class... A>
requires(!std::is_same_v<std::remove_cvref_t<F>, TaskOptions>) auto submit(F&& f, A&&... arguments) {
  return runtime::submit_with(nullptr, std::forward<F>(f), std::forward<A>(arguments)...);
}
template <class F, class... A>
auto submit(TaskOptions options, F&& f, A&&... arguments) {
  return runtime::submit_with(&options, std::forward<F>(f), std::forward<A>(arguments)...);
}

struct CancelOptions {
  bool recursive = true;  ///< also everything that the task submitted
};
/// A task that has not started never runs; one that runs has its stop token set. References then throw
/// TaskCancelledError unless the task ends by itself. From any rank that holds a reference.
template <class T>
void cancel(const ObjectRef<T>& ref, CancelOptions options = {}) {
  runtime::cancel(runtime::checked_state(ref), options.recursive);
}

namespace this_task {
/// Set when the running task was cancelled. Only in a task.
inline std::stop_token stop_token() { return runtime::current_stop_token(); }
/// Indices, on this rank, of the GPUs that the running task or actor was granted (a fraction of one names it too).
inline std::vector<std::uint32_t> gpus() { return runtime::granted_gpus(); }
/// Lets others run on this worker, and this rank answer the network.
inline void yield() { runtime::yield_now(); }
}  // namespace this_task

}  // namespace ringray
