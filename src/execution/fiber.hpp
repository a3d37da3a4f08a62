#pragma once
// What code that runs on a fiber may ask for. The fibers themselves are in fiber_pool.hpp.

#include <type_traits>

namespace ringray::execution {

class Fiber;

/// What a task that runs on a fiber keeps there.
struct Contexts {
  void* current = nullptr;  ///< null when a task begins, kept while it is suspended, on whatever thread it goes on
  void* outer = nullptr;    ///< of a task that runs inside another one's wait: that other one's; else null
};
/// Those of the running fiber; other threads have their own. A fiber keeps them when it goes on on another thread.
Contexts& contexts() noexcept;
inline void*& context() noexcept { return contexts().current; }

/// Lets the worker poll and run something else, then goes on. On other threads: sched_yield().
void yield();

/// True on a fiber of a pool, where waiting suspends instead of blocking the thread.
bool on_fiber() noexcept;

/// Wakes one suspended fiber. Any thread, exactly once, also before block_on's callback returns.
class Resume {
 public:
  explicit Resume(Fiber& fiber) noexcept : fiber_(&fiber) {}
  void operator()() const noexcept;

 private:
  Fiber* fiber_;
};

namespace detail {
void block_on(void (*arrange)(void*, Resume) noexcept, void* argument);
}

/// Suspends the running fiber, then calls `arrange(Resume)` on the same thread but another stack; returns when the
/// Resume was called. `arrange` must not throw or block. Fibers only. Throws std::bad_alloc if there is no memory for
/// another stack. This is the one primitive on which the waits of this room are built.
template <class Arrange>
void block_on(Arrange&& arrange) {
  detail::block_on([](void* argument,
                      Resume resume) noexcept { (*static_cast<std::remove_reference_t<Arrange>*>(argument))(resume); },
                   const_cast<void*>(static_cast<const void*>(&arrange)));
}

}  // namespace ringray::execution
