#include "ringray/wire/envelope.hpp"

namespace ringray::wire {

std::string_view kind_name(Kind kind) noexcept {
  switch (kind) {
#define X(name, sentence) \
  case Kind::name:        \
    return #name;
    RINGRAY_ENVELOPE_KINDS(X)
#undef X
    default:
      return "unknown";
  }
}

}  // namespace ringray::wire
