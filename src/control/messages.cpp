#include "ringray/control/messages.hpp"

#include <fmt/format.h>

#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <exception>

namespace ringray::control {
namespace {

template <class T>
wire::ByteBuffer encoded(const T& value) {
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  wire::encode(encoder, value);
  return buffer;
}

template <class T>
Result<T> decoded(wire::View bytes, const char* what) {
  try {
    wire::Decoder decoder(bytes);
    auto value = wire::decode<T>(decoder);
    if (decoder.remaining() == 0) return value;
  } catch (const std::exception&) {  // CorruptDataError, cereal's own, or what a container thinks of its size
  }
  return failure(Errc::corrupt_data, std::string("the bytes are no ") + what + " of the control store");
}

}  // namespace

wire::ByteBuffer encode(const Request& request) { return encoded(request); }
wire::ByteBuffer encode(const Reply& reply) { return encoded(reply); }
wire::ByteBuffer encode(const MembershipNews& news) { return encoded(news); }
wire::ByteBuffer encode(const Resources& resources) { return encoded(resources); }

template <>
Result<Request> decode<Request>(wire::View bytes) {
  return decoded<Request>(bytes, "request");
}
template <>
Result<Reply> decode<Reply>(wire::View bytes) {
  return decoded<Reply>(bytes, "reply");
}
template <>
Result<MembershipNews> decode<MembershipNews>(wire::View bytes) {
  return decoded<MembershipNews>(bytes, "membership news");
}
template <>
Result<Resources> decode<Resources>(wire::View bytes) {
  auto resources = decoded<Resources>(bytes, "resources");
  if (resources && resources->problem()) return failure(Errc::corrupt_data, *resources->problem());
  return resources;
}

std::string text_of(const Request& request) {
  const auto group = [](GroupId id) { return fmt::format("placement group {}.{:x}", id.owner.value, id.sequence); };
  return std::visit(
      [&]<class T>(const T& ask) -> std::string {
        if constexpr (requires { ask.key; })
          return fmt::format("the key '{}'", ask.key);
        else if constexpr (requires { ask.prefix; })
          return fmt::format("the keys that begin with '{}'", ask.prefix);
        else if constexpr (requires { ask.pattern; })
          return fmt::format("the topics '{}'", ask.pattern);
        else if constexpr (requires { ask.topic; })
          return fmt::format("the topic '{}'", ask.topic);
        else if constexpr (requires { ask.publication; })
          return fmt::format("the topic '{}'", ask.publication.topic);
        else if constexpr (requires { ask.name; })
          return fmt::format("the actor named '{}'", ask.name);
        else if constexpr (requires { ask.record.name; })
          return fmt::format("the actor named '{}'", ask.record.name);
        else if constexpr (requires { ask.specification; })
          return group(ask.specification.id);
        else if constexpr (std::is_same_v<T, RemoveActor>)
          return "the end of an actor";
        else if constexpr (std::is_same_v<T, ReportDeath>)
          return fmt::format("the death of rank {}", ask.rank.value);
        else if constexpr (std::is_same_v<T, RemoveActorsOn>)
          return fmt::format("the end of the actors on rank {}", ask.rank.value);
        else
          return group(ask.id);
      },
      request);
}

}  // namespace ringray::control
