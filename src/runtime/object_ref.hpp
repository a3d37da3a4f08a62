#pragma once
// ObjectRef<T>: a counted reference to a value that exists, will exist, or failed to.

#include <chrono>
#include <utility>

#include "ringray/runtime/state.hpp"

namespace ringray {

template <class T>
class ObjectRef;

namespace wire {
template <class T>
inline constexpr bool harmless<ObjectRef<T>> = true;
}

namespace runtime {

class ActorState;

struct Access {  // lets the runtime see through references without making it public
  template <class Ref>
  static ObjectState* state(const Ref& ref) noexcept {
    return static_cast<ObjectState*>(ref.state_);
  }
  template <class Handle>
  static ActorState* actor(const Handle& handle) {
    return &handle.state();
  }
  /// Takes over one count.
  template <class Ref, class State>
  static Ref make(State* state) noexcept {
    Ref ref;
    ref.state_ = state;
    return ref;
  }
};

template <class T>
inline constexpr bool is_object_ref = false;
template <class T>
inline constexpr bool is_object_ref<ObjectRef<T>> = true;
template <class T>
struct Referred {
  using type = T;
};
template <class T>
struct Referred<ObjectRef<T>> {
  using type = T;
};

}  // namespace runtime

/// A reference to an immutable object of type T (void: only the fact that something was done). Copying shares; the
/// object is freed when the last reference on any rank is gone. Any thread; a single ObjectRef like an int: no
/// concurrent writes to it. Can be an argument, a result and a member of any value that travels.
template <class T>
class ObjectRef {
 public:
  using value_type = T;
  ObjectRef() = default;
  ObjectRef(const ObjectRef& other) noexcept : state_(other.state_) {
    if (state_) state_->retain();
  }
  ObjectRef(ObjectRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  ObjectRef& operator=(ObjectRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~ObjectRef() {
    if (state_) state_->release();
  }

  /// False for a default-constructed or moved-from reference.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// Refers to the same object.
  bool operator==(const ObjectRef& other) const noexcept { return state_ == other.state_; }

  template <class Archive>
  void save(Archive& archive) const {
    static_assert(std::is_same_v<Archive, wire::OutputArchive>, "references travel only between ranks of one job");
    if (state_) state_->begun().check("an ObjectRef");
    archive(state_ ? archive.add_reference(state_) : ~std::uint32_t{0});
  }
  template <class Archive>
  void load(Archive& archive) {
    std::uint32_t index = 0;
    archive(index);
    *this = {};
    if (index == ~std::uint32_t{0}) return;
    state_ = static_cast<runtime::ObjectState*>(archive.reference(index));
    state_->retain();
    state_->set_value_type(runtime::value_type_of<T>());
  }

 private:
  friend struct runtime::Access;
  runtime::ObjectState* state_ = nullptr;
};

}  // namespace ringray
