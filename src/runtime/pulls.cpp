// Bytes that lie elsewhere: when they may come (store::Admission decides), and where they come to.

#include "ringray/runtime/core.hpp"
#include "ringray/runtime/coroutine.hpp"

namespace ringray::runtime {

// Room that the value of an object elsewhere needs here; 0 when it is small or can be read where it is.
std::uint64_t Core::bytes_to_pull(const Extra& e) const {
  return config_.arena && neighbours_.knows(owner_.holder(e.id)) ? 0 : owner_.bytes(e.id);
}

// The arguments of a task are pulled all together or not at all, so that two tasks do not each hold half of them.
bool Core::admit_arguments(Record& record) {
  ArgumentList arguments;
  record.kind().arguments(record, arguments);
  return with([&] {
    if (record.claimed()) return false;
    std::vector<store::Admission::Object> objects;
    for (auto* state : arguments)
      if (!runtime::here(*state))
        if (const auto bytes = bytes_to_pull(*state->extra())) objects.push_back({state->extra()->id, bytes});
    if (objects.empty()) return true;
    const auto pull = record.make_more().pull = ++last_pull_;
    begin_pulls(admission_.activate(pull, PullClass::arguments, std::move(objects)));
    return true;
  });
}

void Core::end_pull(Record& record) {
  with([&] {
    if (const auto pull = std::exchange(record.more->pull, 0)) begin_pulls(admission_.finish(pull));
  });
}

void Core::begin_pulls(const store::Admission::Change& change) {
  for (const auto& object : change.start) {
    auto* state = static_cast<ObjectState*>(owner_.token(object.id));
    if (!state || std::exchange(state->extra()->value_asked, true)) continue;
    owner_.want(object.id, owner::Want::value);
  }
}

void Core::pulled(ObjectId id, Extra& e) {
  admission_.arrived(id);
  if (const auto pull = std::exchange(e.pull, 0)) begin_pulls(admission_.finish(pull));
}

// --- transfers

std::span<std::byte> Core::on_bulk_begin(const Envelope& envelope) {
  // One at a time: an earlier transfer of the same object may still write, though its reader gave up and came back.
  if (!owner_.expects(envelope.subject)) return {};
  auto& incoming = incoming_[envelope.subject];
  if (incoming.bytes && !incoming.whole) return {};
  if (incoming.bytes.size() != envelope.payload_bytes) incoming.bytes = store_->create_at_once(envelope.payload_bytes);
  incoming.whole = false;
  if (incoming.bytes) return incoming.bytes.bytes();
  incoming_.erase(envelope.subject);
  make_room(envelope);
  return {};
}

// The transfer was refused and is asked for again when there is room.
void Core::make_room(const Envelope& envelope) {
  afterwards_.push_back([this, envelope] {
    auto buffer = store_->create(envelope.payload_bytes);
    with([&] {
      const auto id = envelope.subject;
      if (!owner_.expects(id) || incoming_.contains(id)) return;
      if (!buffer) return owner_.bulk_arrived(envelope, buffer.error().code, buffer.error().text);
      incoming_.emplace(id, Incoming{std::move(*buffer), true});
      owner_.want_again(id);
      keep_moving();
    });
  });
}

void Core::on_bulk(const Envelope& envelope, Errc status) {
  const auto at = incoming_.find(envelope.subject);
  if (at != incoming_.end()) at->second.whole = true;
  if (status != Errc::none || !owner_.expects(envelope.subject)) incoming_.erase(envelope.subject);
  owner_.bulk_arrived(envelope, status);
}

void Core::forget_whole(ObjectId id) {
  if (const auto at = incoming_.find(id); at != incoming_.end() && at->second.whole) incoming_.erase(at);
}

// From the disk; who waits for it is answered when it is in memory, or when it cannot be.
owner::Held Core::bring(ObjectId id) {
  if (being_brought_.insert(id).second)
    afterwards_.push_back([this, id] {
      const auto lease = store_->lease(id);
      with([&] {
        being_brought_.erase(id);
        brought_ = {id, &lease};
        owner_.settled(id);
        brought_ = {};
        keep_moving();
      });
    });
  return {};
}

}  // namespace ringray::runtime
