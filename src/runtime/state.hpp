#pragma once
// The state behind an ObjectRef: a one-shot event with a value, an error, or a place where the value can be fetched.
//
// An object that never leaves its rank is only this: no id, no table row, no bytes. It is *promoted* (given an id and
// a row in the owner's table) when a reference to it is about to travel.

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <typeinfo>
#include <utility>
#include <vector>

#include "ringray/base/errors.hpp"
#include "ringray/base/ids.hpp"
#include "ringray/base/topic.hpp"
#include "ringray/execution/work.hpp"
#include "ringray/runtime/this_run.hpp"
#include "ringray/wire/bytes.hpp"
#include "ringray/wire/codec.hpp"
#include "ringray/wire/harmless.hpp"

namespace ringray::runtime {

/// What can be done with a T by code that does not know it.
struct ValueType {
  void (*encode)(const void* value, wire::Encoder& encoder);
  /// Makes a value in `storage`, or on the heap when that is null.
  void* (*decode)(wire::Decoder& decoder, void* storage);
  void (*destroy)(void* value, bool on_heap) noexcept;
  const std::type_info& type;
  bool eager;     ///< cheap and without user code: decoded as soon as it arrives
  bool harmless;  ///< may be destroyed under the baton
};

class ObjectState;
class SharedError;

/// What only some objects have: a name in the job, an error, bytes, a place. Guarded as said at each member;
/// (done): written before the state or `fetched` completes, constant afterwards; (baton): under the baton.
struct Extra : base::Recycled {
  ObjectId id;                           ///< (baton) once; read by whoever lets go of the last reference
  Rank home;                             ///< of an actor; with id
  bool foreign = false;                  ///< owned by another rank; with id
  bool parked = false;                   ///< (baton) no reference is left here; the owner's table keeps the state
  std::uint32_t revived = 0;             ///< (baton) burials still to come from before it was needed again
  bool ready_asked = false;              ///< (baton)
  bool place_asked = false;              ///< (baton)
  bool value_asked = false;              ///< (baton)
  bool in_store = false;                 ///< (baton) this rank's store has the bytes under `id`
  bool encoding = false;                 ///< (baton) a worker encodes the value
  bool encoded = false;                  ///< (baton) `bytes` and `references` are what travels
  bool remote_value = false;             ///< (done) the value lies at another rank
  std::uint64_t pull = 0;                ///< (baton) the request that admission has for it; 0: none
  std::atomic<Errc> error = Errc::none;  ///< (done), or later when a fetch fails: then written last
  Rank lender;                           ///< (done) whose arena `lease` points into
  std::uint64_t result = 0;              ///< (baton) sequence of its id, for results of requests to other ranks
  ErrorDetail detail;                    ///< (done)
  std::atomic<bool> seen = false;        ///< somebody looked at the error, or will
  std::shared_ptr<SharedError> shared;   ///< (done) of an error that several results have
  std::vector<std::byte> bytes;          ///< (done) encoded value or, once asked for, encoded detail
  wire::Lease lease;                     ///< (done) encoded value in an arena
  std::vector<ObjectState*> references;  ///< (done) inside the bytes; counted
  std::atomic<execution::Work*> fetched{nullptr};  ///< counted; completes when bytes, lease or error are here
  std::mutex decoding;
  ~Extra();
};

/// Any thread.
class ObjectState : public execution::Work {
 public:
  ObjectState(const Type& type, const ValueType* value_type, Start start = Start::waiting,
              std::uint32_t references = 1) noexcept
      : Work(type, start, references), value_type_(value_type) {}

  /// The decoded value, or null. Acquire.
  void* value() const noexcept { return value_.load(std::memory_order_acquire); }
  const ValueType* value_type() const noexcept { return value_type_.load(std::memory_order_relaxed); }
  void set_value_type(const ValueType* type) noexcept {
    if (!value_type_.load(std::memory_order_relaxed)) value_type_.store(type, std::memory_order_relaxed);
  }
  Extra* extra() const noexcept { return extra_.load(std::memory_order_acquire); }
  Extra& make_extra();
  const Begun& begun() const noexcept { return begun_; }
  /// Of a call whose result nobody will ask for. Before anybody else knows it.
  void set_one_way() noexcept { one_way_ = true; }
  bool one_way() const noexcept { return one_way_; }
  /// A one-way call with what was published. Before anybody else knows it.
  void set_published(Quality quality) noexcept { one_way_ = true, published_ = quality; }
  const std::optional<Quality>& published() const noexcept { return published_; }

  /// Before complete(): the value was constructed at `value` (in the record or on the heap).
  void set_value(void* value, bool on_heap) noexcept {
    on_heap_ = on_heap;
    value_.store(value, std::memory_order_release);
  }
  void set_error(Errc code, ErrorDetail detail);
  /// Precondition: done().
  bool failed() const noexcept {
    const auto* e = extra();
    return e && e->error != Errc::none;
  }
  /// Throws what set_error was given.
  [[noreturn]] void rethrow() const;

  /// Storage for the value inside a ResultState; null when there is none.
  void* storage() const noexcept { return storage_; }

  /// Destroys value and extra. Once, by the destructors of derived types.
  void clear_value() noexcept;

 protected:
  ~ObjectState() = default;
  void* storage_ = nullptr;

 private:
  std::atomic<const ValueType*> value_type_;
  std::atomic<void*> value_{nullptr};
  std::atomic<Extra*> extra_{nullptr};
  bool on_heap_ = false;
  bool one_way_ = false;
  std::optional<Quality> published_;
  const Begun begun_;
};

/// Deletes a state with no reference left, after the owner's table let go of it. Values with users' destructors are
/// never destroyed under the baton, so this may happen a little later.
void retire(ObjectState& state, void (*remove)(ObjectState&) noexcept) noexcept;

template <class T>
const ValueType* value_type_of() noexcept {
  if constexpr (std::is_void_v<T>) {
    return nullptr;
  } else {
    static constexpr ValueType type{
        .encode = [](const void* value,
                     wire::Encoder& encoder) { wire::encode(encoder, *static_cast<const T*>(value)); },
        .decode = [](wire::Decoder& decoder, void* storage) -> void* {
          if (!storage) return new T(wire::decode<T>(decoder));
          return new (storage) T(wire::decode<T>(decoder));
        },
        .destroy =
            [](void* value, bool on_heap) noexcept {
              if (on_heap)
                delete static_cast<T*>(value);
              else
                static_cast<T*>(value)->~T();
            },
        .type = typeid(T),
        .eager = wire::harmless<T> && std::is_trivially_copyable_v<T> && sizeof(T) <= 256,
        .harmless = wire::harmless<T>};
    return &type;
  }
}

/// A value of T may be kept here without being able to travel (only its rank sees it).
template <class T>
concept Storable = std::is_void_v<T> ||(std::is_object_v<T>&& std::is_nothrow_destructible_v<T>);

/// `Base` with room for a value of T. `void` has none.
template <class T, class Base = ObjectState>
class WithRoom : public Base {
 public:
  template <class... Arguments>
  explicit WithRoom(Arguments&&... arguments) noexcept : Base(std::forward<Arguments>(arguments)...) {
    this->storage_ = room_;
  }
  template <class... Arguments>
  void construct(Arguments&&... arguments) {
    this->set_value(new (room_) T(std::forward<Arguments>(arguments)...), false);
  }

 protected:
  ~WithRoom() = default;

 private:
  alignas(T) std::byte room_[sizeof(T)];
};
template <class Base>
class WithRoom<void, Base> : public Base {
 public:
  using Base::Base;
  void construct() noexcept { this->set_value(this, false); }

 protected:
  ~WithRoom() = default;
};

/// Types of states without a body: values that were put, results besides the first, references from other ranks.
template <class State>
const execution::Work::Type& event_type() noexcept {
  static constexpr execution::Work::Type type{.destroy = [](execution::Work& work) noexcept {
    retire(static_cast<State&>(work), [](ObjectState& state) noexcept { delete static_cast<State*>(&state); });
  }};
  return type;
}

/// A plain event state: no body.
template <class T>
class EventState final : public WithRoom<T> {
 public:
  EventState() noexcept : WithRoom<T>(event_type<EventState>(), value_type_of<T>()) {}
  ~EventState() { this->clear_value(); }
};

/// A state whose type is not known yet (a reference that came from elsewhere).
class ForeignState final : public ObjectState {
 public:
  ForeignState() noexcept : ObjectState(event_type<ForeignState>(), nullptr) {}
  ~ForeignState() { clear_value(); }
};

}  // namespace ringray::runtime
