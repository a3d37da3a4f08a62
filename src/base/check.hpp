#pragma once
// Broken preconditions and invariants of Ringray itself. On in every build type: a wrong runtime must not go on.

#include <string_view>

namespace ringray::base {

/// Writes the failed expression, the registered state dump and a stack to stderr, then aborts this rank. Any thread.
[[noreturn]] void fail_assertion(const char* expression, const char* file, int line, std::string_view text);

/// Called once by fail_assertion before it aborts, so that the state of the rank is on record. One per process.
void set_state_dump(void (*dump)()) noexcept;

}  // namespace ringray::base

#define RINGRAY_ASSERT(condition, ...)               \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::ringray::base::fail_assertion(#condition, __FILE__, __LINE__, ::std::string_view{__VA_ARGS__}))
