#pragma once
// Tells AddressSanitizer and ThreadSanitizer about fiber switches; nothing in other builds.

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace ringray::execution::sanitizer {

/// What the sanitizers keep per fiber. Owned by the fiber.
struct State {
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack = nullptr;
#endif
#if defined(__SANITIZE_THREAD__)
  void* fiber = nullptr;
  bool owned = false;
#endif
};

inline void adopt_thread([[maybe_unused]] State& state) {
#if defined(__SANITIZE_THREAD__)
  state.fiber = __tsan_get_current_fiber();
#endif
}
inline void create([[maybe_unused]] State& state) {
#if defined(__SANITIZE_THREAD__)
  state.fiber = __tsan_create_fiber(0);
  state.owned = true;
#endif
}
inline void destroy([[maybe_unused]] State& state) {
#if defined(__SANITIZE_THREAD__)
  if (state.owned) __tsan_destroy_fiber(state.fiber);
#endif
}
/// Last thing on the old stack.
inline void leave([[maybe_unused]] State& from, [[maybe_unused]] State& to, [[maybe_unused]] const void* low,
                  [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_stack, low, bytes);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(to.fiber, 0);
#endif
}
/// First thing on the new stack.
inline void arrive([[maybe_unused]] State& to) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(to.fake_stack, nullptr, nullptr);
#endif
}
inline void forget_frames([[maybe_unused]] const void* low, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(low, bytes);
#endif
}

}  // namespace ringray::execution::sanitizer
