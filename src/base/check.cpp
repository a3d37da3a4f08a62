#include "ringray/base/check.hpp"

#include <execinfo.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace ringray::base {
namespace {
std::atomic<void (*)()> state_dump{nullptr};
}

void set_state_dump(void (*dump)()) noexcept { state_dump.store(dump); }

void fail_assertion(const char* expression, const char* file, int line, std::string_view text) {
  std::fprintf(stderr, "ringray: internal error: %s is false at %s:%d. %.*s\n", expression, file, line,
               static_cast<int>(text.size()), text.data());
  if (auto* dump = state_dump.exchange(nullptr)) dump();
  void* frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
  std::abort();
}

}  // namespace ringray::base
