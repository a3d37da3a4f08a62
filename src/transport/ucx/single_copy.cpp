// Bulk transfers between processes of one host: the receiver reads the sender's memory, one copy instead of two. UCX
// does the same (cma), but not on endpoints that survive the death of their peer.
//
//   sender   offer: where the bytes lie          ──►  receiver reads them, a slice at each progress()
//            releases the bytes, or sends them   ◄──  answer: done, or cannot read

#include <sys/uio.h>

#include <cstring>

#include "ringray/base/check.hpp"
#include "ringray/transport/ucx/identity.hpp"
#include "ringray/transport/ucx/ucx_transport.hpp"

namespace ringray::transport::ucx {
namespace {

constexpr std::size_t offer_bytes_min = 32 * 1024;   // less goes faster through UCX
constexpr std::size_t slice_bytes_max = 512 * 1024;  // some 50 µs: messages do not wait for a large copy

struct Offer {
  BulkHeader header;
  std::uint64_t identity;  ///< address of the one for this receiver
  std::uint64_t bytes;     ///< address
  std::uint64_t number;    ///< of the sender's offers
};
static_assert(std::has_unique_object_representations_v<Offer>);

struct Answer {
  PacketHeader packet;
  std::uint64_t number;
  std::uint64_t done;  ///< 0: the receiver cannot read, the sender must send
};
static_assert(std::has_unique_object_representations_v<Answer>);

}  // namespace

bool read_memory(std::uint64_t process, std::uint64_t identity, const Identity& expected, std::uint64_t from,
                 std::span<std::byte> to) {
  Identity seen;
  const iovec local[] = {{to.data(), to.size()}, {&seen, sizeof seen}};
  const iovec remote[] = {{reinterpret_cast<void*>(from), to.size()}, {reinterpret_cast<void*>(identity), sizeof seen}};
  const auto read = ::process_vm_readv(static_cast<pid_t>(process), local, 2, remote, 2, 0);
  return read == static_cast<ssize_t>(sizeof seen + to.size()) && seen == expected;
}

bool UcxTransport::may_offer(const Peer& peer, std::size_t bytes) const noexcept {
  return bytes >= offer_bytes_min && peer.process_id != 0 && !peer.refuses_offers && worker_->reads_memory();
}

void UcxTransport::offer(Peer& peer, const Envelope& envelope, Lease bytes) {
  const auto number = ++last_offer_;
  const Offer offer{{{roster_.key, roster_.self, 0}, envelope},
                    reinterpret_cast<std::uint64_t>(&peer.shown),
                    reinterpret_cast<std::uint64_t>(bytes.view().data()),
                    number};
  offered_.emplace(number, Offered{peer.rank, envelope, std::move(bytes)});
  post_note(peer, offer_message, std::as_bytes(std::span(&offer, 1)));
}

void UcxTransport::on_offer(View note) {
  Offer offer;
  if (note.size() != sizeof offer) return corrupt(Rank{}, "an offer that does not decode");
  std::memcpy(&offer, note.data(), sizeof offer);
  const auto& [packet, envelope] = offer.header;
  if (is_stranger(packet)) return;
  if (packet.source.value >= peers_.size() || packet.source == roster_.self || !is_whole(offer.header))
    return corrupt(Rank{}, "an offer that does not decode");
  auto& peer = peers_[packet.source.value];
  if (peer.lost) return;
  if (!peer.readable) peer.readable = peer.process_id != 0 && worker_->reads_memory() && reads(peer, offer.identity);
  if (!peer.readable) return answer(peer, offer.number, false);
  ++counters_.packets_received;
  ++counters_.envelopes_received;
  counters_.bytes_received += sizeof offer + envelope.payload_bytes;
  const auto target = receiver_ == nullptr ? std::span<std::byte>() : receiver_->on_bulk_begin(envelope);
  if (target.empty()) return answer(peer, offer.number, true);
  RINGRAY_ASSERT(target.size() >= envelope.payload_bytes, "on_bulk_begin gave too little room");
  readings_.push_back({envelope, offer.number, offer.identity, offer.bytes, target.first(envelope.payload_bytes)});
}

bool UcxTransport::reads(const Peer& peer, std::uint64_t identity, std::uint64_t from, std::span<std::byte> to) const {
  return read_memory(peer.process_id, identity, {roster_.key, peer.rank, roster_.self}, from, to);
}

// Transfers take turns, slice by slice. A peer whose memory cannot be read any more has ended, as its process' watch
// will tell, or has given this rank up; one whose bytes alone cannot be read goes on without this transfer.
bool UcxTransport::read_on(Receiver& receiver) {
  auto reading = readings_.front();
  readings_.pop_front();
  auto& peer = peers_[reading.envelope.source.value];
  auto status = peer.lost ? Errc::rank_died : Errc::none;
  if (!peer.lost) {
    const auto slice = reading.rest.first(std::min(reading.rest.size(), slice_bytes_max));
    if (reads(peer, reading.identity, reading.from, slice)) {
      reading.from += slice.size();
      reading.rest = reading.rest.subspan(slice.size());
      if (!reading.rest.empty()) {
        readings_.push_back(reading);
        return true;
      }
      ++counters_.bulks_read;
    } else {
      status = reads(peer, reading.identity) ? Errc::corrupt_data : Errc::rank_died;
    }
    answer(peer, reading.number, true);
  }
  receiver.on_bulk(reading.envelope, status);
  return true;
}

void UcxTransport::answer(Peer& peer, std::uint64_t number, bool done) {
  if (peer.endpoint == nullptr && !connect(peer)) return;
  const Answer answer{{roster_.key, roster_.self, 0}, number, done};
  post_note(peer, answer_message, std::as_bytes(std::span(&answer, 1)));
}

void UcxTransport::on_answer(View note) {
  Answer answer;
  if (note.size() != sizeof answer) return corrupt(Rank{}, "an answer that does not decode");
  std::memcpy(&answer, note.data(), sizeof answer);
  if (is_stranger(answer.packet)) return;
  const auto found = offered_.find(answer.number);
  if (found == offered_.end() || found->second.target != answer.packet.source) return;  // dropped meanwhile
  auto offered = std::move(found->second);
  offered_.erase(found);
  if (answer.done != 0) return;
  auto& peer = peers_[offered.target.value];
  peer.refuses_offers = true;
  push(peer, offered.envelope, std::move(offered.bytes));
}

// Leaving: what is being read is dropped, as UCX drops what nobody receives.
void UcxTransport::stop_reading() {
  for (const auto& reading : std::exchange(readings_, {})) {
    auto& peer = peers_[reading.envelope.source.value];
    if (!peer.lost) answer(peer, reading.number, true);
  }
}

void UcxTransport::drop_offers(Peer& peer) {
  peer.shown.revoke();
  std::erase_if(offered_, [&](const auto& entry) { return entry.second.target == peer.rank; });
}

}  // namespace ringray::transport::ucx
