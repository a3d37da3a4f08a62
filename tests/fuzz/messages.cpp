// Envelopes with arbitrary payloads end in CorruptDataError or are handled: owner messages and control requests.

#include <cstring>

#include "ringray/control/messages.hpp"
#include "ringray/owner/owner.hpp"

namespace {

using namespace ringray;
using namespace ringray::owner;

struct Silent final : wire::Outbox {
  void send(Rank, wire::Envelope, wire::View) override {}
  void send_bulk(Rank, wire::Envelope, wire::Lease) override {}
};

struct Deaf final : Environment {
  Owner* owner = nullptr;
  void replied(const Request&, std::uint64_t, std::span<const Outcome> outcomes) override {
    for (const auto& outcome : outcomes) give_back(outcome.references);
  }
  void arrived(ObjectId, Token, Arrival arrival) override { give_back(arrival.references); }
  Held held(ObjectId, Token, Rank) override { return {.form = Held::Form::inline_bytes}; }
  void garbage(ObjectId, Token, Rank) override {}
  void returned(ObjectId, Rank) override {}
  void cancel_requested(ObjectId, Token, std::uint8_t) override {}
  void give_back(std::span<const Carried> references) {
    const std::vector<Carried> copy(references.begin(), references.end());
    for (const auto& carried : copy) owner->drop(carried.id);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wire::View bytes(reinterpret_cast<const std::byte*>(data), size);
  static_cast<void>(control::decode<control::Request>(bytes));
  static_cast<void>(control::decode<control::Reply>(bytes));
  static_cast<void>(control::decode<control::MembershipNews>(bytes));
  if (size < 1) return 0;
  // What a peer with the job's key may send: ids of other ranks, payload and counts arbitrary.
  static constexpr wire::Kind kinds[]{wire::Kind::reply, wire::Kind::located, wire::Kind::lend};
  Silent outbox;
  Deaf environment;
  Owner owner(0, 0, outbox, environment);
  environment.owner = &owner;
  const auto correlation = owner.request({.kind = wire::Kind::call, .target = 1}, {}, {}, {});
  wire::Envelope envelope{.subject = {2, 0, 7},
                          .correlation = correlation,
                          .source = 1,
                          .argument = size > 1 ? data[1] % 8u : 0u,
                          .flags = static_cast<std::uint8_t>(data[0]),
                          .kind = kinds[data[0] % 3]};
  const auto payload = bytes.subspan(std::min<std::size_t>(2, size));
  envelope.payload_bytes = payload.size();
  try {
    owner.on_message(envelope, payload);
  } catch (const CorruptDataError&) {
  }
  return 0;
}
