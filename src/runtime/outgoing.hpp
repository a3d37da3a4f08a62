#pragma once
// The payload of a request to another rank while it is made: options, body, references.

#include <fmt/format.h>

#include <vector>

#include "ringray/runtime/core.hpp"
#include "ringray/transport/transport.hpp"

namespace ringray::runtime {

/// One thread. The body is encoded without the baton: users' functions run.
class Outgoing {
 public:
  Outgoing() : encoder(payload_) {}
  /// Gives back what the encoder counted, also when encoding threw.
  ~Outgoing() {
    for (auto* state : encoder.counted()) static_cast<ObjectState*>(state)->release();
  }
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  void put_options(View options) {  ///< first
    payload_.put(static_cast<std::uint64_t>(options.size()));
    payload_.append(options.data(), options.size());
  }
  /// Throws ConfigError. `more`: bytes that are still to come, besides the references.
  void check_size(std::size_t more) const {
    const auto bytes = payload_.size() + encoder.references().size() * sizeof(Carried) + more;
    if (bytes > transport::payload_bytes_max)
      throw ConfigError(
          fmt::format("its arguments take {} KiB, more than the {} KiB of one message; put() the large "
                      "ones and pass the references",
                      bytes >> 10, transport::payload_bytes_max >> 10));
  }
  /// Gives each reference the name by which it travels. Baton holder, in the turn in which the message leaves.
  const std::vector<Carried>& name_references(Core& core) {
    for (auto* r : encoder.references()) references_.push_back(core.carried(*static_cast<ObjectState*>(r)));
    return references_;
  }
  wire::ByteBuffer& payload() noexcept { return payload_; }
  /// The references come last.
  View finish() {
    payload_.append(references_.data(), references_.size() * sizeof(Carried));
    return payload_.view();
  }

 private:
  wire::ByteBuffer payload_;
  std::vector<Carried> references_;

 public:
  wire::Encoder encoder;
};

}  // namespace ringray::runtime
