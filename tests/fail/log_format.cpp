// A log line whose format does not fit its values is a compile error, not a broken line at three in the morning.

#include "ringray/base/log.hpp"

void run() {
  ringray::log::info("{} of {}", 1, 2);
#ifdef MISUSE
  ringray::log::info("{} of {}", 1);  // says: call to consteval function|on_error|throw_format_error
#endif
}
