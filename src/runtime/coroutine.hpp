#pragma once
// Coroutines as tasks: ringray::Task<T> for tasks and methods that co_await references.

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "ringray/runtime/object_ref.hpp"

namespace ringray {

template <class T>
class Task;

namespace runtime {

class Record;

/// Starts `resume` when the state is complete and its value is here: on the rank's workers, in the actor's turn when
/// the coroutine is an actor's method.
void resume_when_here(ObjectState& state, std::coroutine_handle<> handle, Record& record);
/// True when a get would not wait.
bool here(ObjectState& state) noexcept;
void* value_here(ObjectState& state, const ValueType* type);
/// The coroutine ended: its record is complete.
void coroutine_finished(Record& record) noexcept;
void fail_with_current_exception(Record& record) noexcept;

template <class T>
struct Awaiter {
  ObjectRef<T> ref;
  Record* record;
  bool await_ready() const noexcept { return here(*Access::state(ref)); }
  void await_suspend(std::coroutine_handle<> handle) const { resume_when_here(*Access::state(ref), handle, *record); }
  decltype(auto) await_resume() const {
    void* value = value_here(*Access::state(ref), value_type_of<T>());
    if constexpr (!std::is_void_v<T>) return T(*static_cast<const T*>(value));
  }
};

struct PromiseBase {
  Record* record = nullptr;  // set before the first resume
  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      auto* record = handle.promise().record;
      handle.destroy();
      coroutine_finished(*record);
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { fail_with_current_exception(*record); }
  template <class T>
  Awaiter<T> await_transform(ObjectRef<T> ref) const {
    return {std::move(ref), record};
  }
};

}  // namespace runtime

/// Return type of a task or actor method that is a coroutine. `co_await ref` gives the referred value (by value)
/// without holding a worker; in an actor other calls may run meanwhile.
template <class T>
class Task {
 public:
  struct promise_type : runtime::PromiseBase {
    void* room = nullptr;  // where the result goes
    void (*store)(runtime::Record&, T&&) = nullptr;
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    template <class U>
    void return_value(U&& value) {
      store(*record, T(std::forward<U>(value)));
    }
  };
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  ~Task() {
    if (handle_) handle_.destroy();
  }
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(handle_, {}); }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

template <>
class Task<void> {
 public:
  struct promise_type : runtime::PromiseBase {
    void (*store)(runtime::Record&) = nullptr;
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    void return_void() { store(*record); }
  };
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  ~Task() {
    if (handle_) handle_.destroy();
  }
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(handle_, {}); }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace ringray
