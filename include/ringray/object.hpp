#pragma once
// Objects: put, get, wait. See README.md, "Objects".

#include <chrono>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "ringray/runtime/api.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/object_ref.hpp"
#include "ringray/runtime/refusals.hpp"

namespace ringray {

/// Makes an immutable object of a value. From an rvalue it is moved, from an lvalue copied once. Any task, actor or the
/// driver. Throws OutOfMemoryError or OutOfDiskError when it is large and fits nowhere.
template <class T>
ObjectRef<std::remove_cvref_t<T>> put(T&& value) {
  using Value = std::remove_cvref_t<T>;
  if constexpr (runtime::check_put<Value, T>())
    return runtime::Access::make<ObjectRef<Value>>(runtime::put_value(std::forward<T>(value)));
  else
    return {};
}

/// The value; waits until it exists. In a task only the task waits, its worker goes on with others. The reference
/// stays valid while `ref` lives. Throws the error that the object became instead (see <ringray/error.hpp>).
template <class T>
requires(!std::is_void_v<T>) const T& get(const ObjectRef<T>& ref) {
  return *static_cast<const T*>(runtime::get(runtime::checked_state(ref), runtime::value_type_of<T>()));
}
/// From a temporary reference: by value.
template <class T>
requires(!std::is_void_v<T>) T get(ObjectRef<T>&& ref) {
  const ObjectRef<T> kept = std::move(ref);
  return *static_cast<const T*>(runtime::get(runtime::checked_state(kept), runtime::value_type_of<T>()));
}
/// Waits until it was done; throws its error.
inline void get(const ObjectRef<void>& ref) { runtime::get(runtime::checked_state(ref), nullptr); }

/// Throws GetTimeoutError when the value is not here in time; the object is unaffected.
template <class T, class Rep, class Period>
T get(const ObjectRef<T>& ref, std::chrono::duration<Rep, Period> timeout) {
  void* value = runtime::get(runtime::checked_state(ref), runtime::value_type_of<T>(),
                             std::chrono::duration_cast<base::Nanoseconds>(timeout));
  if constexpr (!std::is_void_v<T>) return *static_cast<const T*>(value);
}

/// All values in order. The first error is thrown at once, without waiting for the others.
template <class T>
requires(!std::is_void_v<T>) std::vector<T> get(std::span<const ObjectRef<T>> refs) {
  std::vector<runtime::ObjectState*> states;
  for (const auto& ref : refs) states.push_back(&runtime::checked_state(ref));
  runtime::wait_all_or_error(states);
  std::vector<T> values;
  values.reserve(refs.size());
  for (const auto& ref : refs) values.push_back(get(ref));
  return values;
}
template <class T>
auto get(std::span<ObjectRef<T>> refs) {
  return get(std::span<const ObjectRef<T>>(refs));
}
template <class T>
auto get(const std::vector<ObjectRef<T>>& refs) {
  return get(std::span<const ObjectRef<T>>(refs));
}
inline void get(std::span<const ObjectRef<void>> refs) {
  std::vector<runtime::ObjectState*> states;
  for (const auto& ref : refs) states.push_back(&runtime::checked_state(ref));
  runtime::wait_all_or_error(states);
  for (const auto& ref : refs) get(ref);
}
inline void get(const std::vector<ObjectRef<void>>& refs) { get(std::span<const ObjectRef<void>>(refs)); }

/// How `wait` is to wait.
struct WaitOptions {
  std::size_t count = 1;  ///< how many must be ready
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
  bool fetch = true;  ///< also bring ready values to this rank; false: only whether they exist, and no bytes move
};
template <class T>
struct Waited {
  std::vector<ObjectRef<T>> ready, pending;  ///< both in the order of the input
};
/// Waits until `count` of the objects are ready (a value or an error), or the timeout. At most `count` are in `ready`.
/// Throws ConfigError when a reference comes twice or there are fewer than `count`.
template <class T>
Waited<T> wait(std::span<const ObjectRef<T>> refs, WaitOptions options = {}) {
  std::vector<runtime::ObjectState*> states;
  for (const auto& ref : refs) states.push_back(&runtime::checked_state(ref));
  const auto ready = runtime::wait(states, options.count, options.timeout, options.fetch);
  Waited<T> waited;
  for (std::size_t i = 0; i < refs.size(); ++i) (ready[i] ? waited.ready : waited.pending).push_back(refs[i]);
  return waited;
}
template <class T>
Waited<T> wait(const std::vector<ObjectRef<T>>& refs, WaitOptions options = {}) {
  return wait(std::span<const ObjectRef<T>>(refs), options);
}

}  // namespace ringray
