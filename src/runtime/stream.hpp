#pragma once
// Generators: a task that yields many results. The producer is a coroutine; each item is an object of its own.

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <iterator>
#include <mutex>
#include <utility>

#include "ringray/runtime/object_ref.hpp"
#include "ringray/runtime/this_run.hpp"

namespace ringray {

/// Return type of a coroutine task that yields Ts. Submitting it gives a Stream<T>.
template <class T>
class Generator {
 public:
  struct promise_type {
    T* item = nullptr;
    std::exception_ptr exception;
    Generator get_return_object() { return Generator(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    std::suspend_always yield_value(T& value) noexcept {
      item = std::addressof(value);
      return {};
    }
    std::suspend_always yield_value(T&& value) noexcept {
      item = std::addressof(value);
      return {};
    }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { exception = std::current_exception(); }
  };
  Generator(Generator&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  ~Generator() {
    if (handle_) handle_.destroy();
  }
  /// The next item, valid until the next call; null at the end. Throws what the coroutine threw.
  T* next() {
    handle_.promise().item = nullptr;
    handle_.resume();
    if (handle_.promise().exception) std::rethrow_exception(std::exchange(handle_.promise().exception, nullptr));
    return handle_.done() ? nullptr : handle_.promise().item;
  }

 private:
  explicit Generator(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace runtime {

class Record;

/// The channel between a generator and its reader. Counted; any thread.
class StreamState {
 public:
  explicit StreamState(std::uint32_t limit);
  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// Producer: takes over one count of `item`.
  void push(ObjectState* item);
  /// Producer: nothing comes after this.
  void end();
  /// Producer: returns when the reader is at most `limit` items behind, or gone; false: gone.
  bool wait_for_room();
  /// The reader has taken `read` items in all.
  void set_read(std::uint64_t read);
  /// The reader is gone; the producer stops at its next item.
  void close();
  bool closed();
  /// Producer: an item went to a reader on another rank.
  void count_sent();

  /// Reader: the next item (counted for the caller), null at the end. Waits.
  ObjectState* next();
  /// Called with the number of items read, when the producer is on another rank.
  void (*on_read)(StreamState&, std::uint64_t read) = nullptr;
  std::uint64_t correlation = 0;  ///< of the remote request; under the baton
  Rank producer;                  ///< likewise
  const ValueType* item_type = nullptr;
  const Begun begun;

 private:
  struct Slot final : execution::Work {
    Slot() noexcept : Work(type) {}
    ObjectState* item = nullptr;
    Slot* next = nullptr;
    static const Type type;
  };
  ~StreamState();
  std::atomic<std::uint32_t> references_{1};
  std::mutex mutex_;  // guards all below
  const std::uint32_t limit_;
  std::uint64_t produced_ = 0, read_ = 0;
  bool closed_ = false, ended_ = false;
  Slot* tail_;  ///< the one to be filled; two counts: list and producer
  Slot* head_;  ///< the one to be read; the list's count
  execution::Work* room_ = nullptr;
};

/// Connects a generator's record with its reader; counted for the reader.
StreamState* open_stream(Record& record);
/// Gives an item to the reader, wherever it is. Takes over one count. False: stop producing.
bool stream_item(Record& record, ObjectState* item);
void check_cancelled(Record& record);

template <class T>
void produce(Record& record, Generator<T> generator) {
  while (T* item = generator.next()) {
    auto* state = new EventState<T>;
    state->construct(std::move(*item));
    state->complete();
    if (!stream_item(record, state)) return;
    check_cancelled(record);
  }
}

}  // namespace runtime

/// The items of a generator task as they come: `for (ObjectRef<T> item : stream)`. Move-only; one reader. An item that
/// stands for an exception of the generator throws it at get and is the last one.
template <class T>
class Stream {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = ObjectRef<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = const ObjectRef<T>*;
    using reference = const ObjectRef<T>&;
    iterator() = default;
    explicit iterator(runtime::StreamState* stream) : stream_(stream) { ++*this; }
    const ObjectRef<T>& operator*() const { return item_; }
    iterator& operator++() {
      auto* state = stream_->next();
      if (state)
        item_ = runtime::Access::make<ObjectRef<T>>(state), state->set_value_type(runtime::value_type_of<T>());
      else
        stream_ = nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const iterator& other) const { return stream_ == other.stream_; }

   private:
    runtime::StreamState* stream_ = nullptr;
    ObjectRef<T> item_;
  };
  Stream() = default;
  explicit Stream(runtime::StreamState* stream) noexcept : stream_(stream) {}
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~Stream() {
    if (!stream_) return;
    stream_->close();
    stream_->release();
  }
  /// Waits for the first item. One pass only.
  iterator begin() { return iterator(stream_); }
  iterator end() { return {}; }

 private:
  runtime::StreamState* stream_ = nullptr;
};

}  // namespace ringray
