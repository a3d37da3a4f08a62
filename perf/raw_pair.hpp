#pragma once
// Raw UCX between the two ranks, beside Ringray's own.

#include <string>

#include "pair.hpp"
#include "raw_ucx.hpp"
#include "report.hpp"

namespace perf {

/// After connect_raw().
inline RawUcx& raw() {
  static auto* const side = new RawUcx;  // stays until the process ends: closing takes both ranks
  return *side;
}
inline std::string raw_address() {
  const auto address = raw().address();
  return {reinterpret_cast<const char*>(address.data()), address.size()};
}
inline void raw_connect(const std::string& address) {
  const auto* begin = reinterpret_cast<const std::byte*>(address.data());
  raw().connect({begin, begin + address.size()});
}
inline void connect_raw() {
  raw_connect(ringray::get(on_peer(raw_address)));
  ringray::get(on_peer(raw_connect, raw_address()));
}

/// Serves raw_messages_per_s() on the peer.
inline void raw_receive(std::size_t messages) {
  raw().send();  // ready
  raw().expect_messages(messages);
  raw().send();
}
/// Messages of 8 bytes and an envelope, one active message each, from this rank to the peer.
inline double raw_messages_per_s(std::size_t messages) {
  const auto receiver = start_on_peer(raw_receive, messages);
  raw().expect_messages(1);
  const auto seconds = seconds_of([&] {
    for (std::size_t i = 0; i < messages; ++i) {
      raw().send();
      if (i % 256 == 0) raw().progress();
    }
    raw().expect_messages(1);
  });
  ringray::get(receiver);
  return static_cast<double>(messages) / seconds;
}

}  // namespace perf
