// Bytes from the network never read outside of themselves.

#include "ringray/transport/packet.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ringray::wire::View bytes(reinterpret_cast<const std::byte*>(data), size);
  std::uint64_t sum = 0;
  ringray::transport::decode_packet(bytes, [&](const ringray::wire::Envelope& envelope, ringray::wire::View payload) {
    for (const auto byte : payload) sum += static_cast<unsigned>(byte);
    sum += static_cast<unsigned>(envelope.kind);
    return true;
  });
  volatile auto keep = sum;
  static_cast<void>(keep);
  return 0;
}
