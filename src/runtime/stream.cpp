#include "ringray/runtime/stream.hpp"

#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"

namespace ringray::runtime {

const execution::Work::Type StreamState::Slot::type{
    .destroy = [](execution::Work& work) noexcept { delete static_cast<Slot*>(&work); }};

StreamState::StreamState(std::uint32_t limit) : limit_(limit), tail_(new Slot), head_(tail_) { tail_->retain(); }

StreamState::~StreamState() {
  tail_->release();  // the producer's count
  while (head_) {
    auto* next = head_->next;
    if (head_->item) head_->item->release();
    head_->release();
    head_ = next;
  }
  if (room_) room_->release();
}

void StreamState::push(ObjectState* item) {
  auto* fresh = new Slot;
  fresh->retain();  // one count for the list, one for whoever completes it
  Slot* filled;
  {
    const std::lock_guard lock(mutex_);
    filled = tail_;
    filled->item = item;
    filled->next = fresh;
    tail_ = fresh;
    ++produced_;
  }
  filled->complete();
  filled->release();
}

void StreamState::end() {
  Slot* last;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    last = tail_;
    last->retain();
  }
  last->complete();
  last->release();
}

bool StreamState::wait_for_room() {
  for (;;) {
    execution::Work* room;
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return false;
      if (limit_ == 0 || produced_ - read_ < limit_) return true;
      if (!room_) room_ = new_event();
      room = room_;
      room->retain();
    }
    const GiveBack give_back;
    const TaskWait wait("room for the next item of a generator");
    room->wait();
    room->release();
  }
}

void StreamState::set_read(std::uint64_t read) {
  execution::Work* room;
  {
    const std::lock_guard lock(mutex_);
    if (read > read_) read_ = read;
    room = std::exchange(room_, nullptr);
  }
  if (!room) return;
  room->complete();
  room->release();
}

void StreamState::close() {
  std::uint64_t read;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    read = read_;
  }
  set_read(read);
  if (on_read) on_read(*this, ~std::uint64_t{0});
}

bool StreamState::closed() {
  const std::lock_guard lock(mutex_);
  return closed_;
}

ObjectState* StreamState::next() {
  begun.check("a Stream");
  Slot* slot;
  {
    const std::lock_guard lock(mutex_);
    slot = head_;
    slot->retain();
  }
  if (!slot->done()) {
    const GiveBack give_back;
    const TaskWait wait("next item of a generator");
    slot->wait();
  }
  ObjectState* item = nullptr;
  std::uint64_t read = 0;
  Slot* old = nullptr;
  {
    const std::lock_guard lock(mutex_);
    item = std::exchange(slot->item, nullptr);
    if (item) {
      old = head_;
      head_ = slot->next;
      read = read_ + 1;
    }
  }
  slot->release();
  if (!item) return nullptr;
  old->release();
  set_read(read);
  if (on_read) on_read(*this, read);
  return item;
}

bool stream_item(Record& record, ObjectState* item) {
  auto& stream = *record.more->stream;
  if (record.origin) {
    core().send_item(record, *item);
    stream.count_sent();
  } else {
    stream.push(item);
  }
  return stream.wait_for_room();
}

void StreamState::count_sent() {
  const std::lock_guard lock(mutex_);
  ++produced_;
}

void stream_failed(StreamState& stream, Record& record) {
  auto* last = new EventState<void>;
  record.extra()->seen = true;
  last->set_error(record.extra()->error, record.extra()->detail);
  last->complete();
  stream.push(last);
}

StreamState* open_stream(Record& record) {
  auto& more = record.make_more();
  auto* stream = new StreamState(more.options.backpressure);
  stream->retain();
  more.stream = stream;
  stream->on_read = [](StreamState& s, std::uint64_t read) {
    if (s.begun.in_this_run()) core().stream_read(s, read);
  };
  return stream;
}

RecordExtra::~RecordExtra() {
  for (auto* state : more_results) state->release();
  if (stream) stream->release();
  if (limiter) limiter->release();
}

// --- between ranks

/// Items are objects of the producing rank; small ones travel with the message.
void Core::send_item(Record& record, ObjectState& item) {
  auto& origin = *record.origin;
  Encoded encoded;
  if (item.value_type()) {
    const auto id = with([&] { return promote(item); });
    encoded = encode_for_travel(*item.value_type(), item.value(), id);
  }
  if (encoded.error) {
    for (auto* state : encoded.references) state->release();
    item.release();
    throw_error(encoded.error->code, {.text = "an item of the generator cannot travel: " + encoded.error->text});
  }
  with([&] {
    auto& e = *item.extra();
    wire::ByteBuffer payload;
    std::vector<Carried> references;
    if (encoded.in_store) {
      is_stored(item, encoded.stored_bytes);
      e.references = std::exchange(encoded.references, {});
      references.push_back(carried(item));
    } else {
      payload.append(encoded.bytes.data(), encoded.bytes.size());
      for (auto* r : encoded.references) references.push_back(carried(*r));
    }
    owner_.register_receiver(references, origin.caller);
    payload.append(references.data(), references.size() * sizeof(Carried));
    if (membership_.alive(origin.caller))
      send(origin.caller,
           {.subject = origin.subject,
            .correlation = origin.correlation,
            .argument = static_cast<std::uint32_t>(references.size()),
            .flags = encoded.in_store ? owner::structured : std::uint8_t{0},
            .kind = Kind::item},
           payload.view());
    keep_moving();
  });
  for (auto* state : encoded.references) state->release();
  item.release();
}

void Core::on_item(const Envelope& envelope, View payload) {
  std::vector<Carried> references;
  owner::references_of(payload, envelope.argument, references);
  owner_.receive_registered(references, envelope.source);
  std::vector<ObjectState*> states;
  for (const auto& c : references) states.push_back(adopt(c));
  const auto at = streams_.find(envelope.correlation);
  ObjectState* item = nullptr;
  if (at != streams_.end()) {
    if (envelope.flags & owner::structured) {
      if (states.size() != 1) throw CorruptDataError("a stored item without its reference");
      item = states[0];
      states.clear();
    } else {
      item = new ForeignState;
      auto& e = item->make_extra();
      const auto body = owner::body_of(payload, envelope.argument);
      e.bytes.assign(body.begin(), body.end());
      e.references = std::exchange(states, {});
      e.encoded = true;
      item->complete();
    }
    at->second->more->stream->push(item);
  }
  for (auto* state : states) state->release();
}

void Core::stream_read(StreamState& stream, std::uint64_t read) {
  with([&] {
    if (!stream.producer.valid() || !membership_.alive(stream.producer)) return;
    send(stream.producer, {.callable = read, .correlation = stream.correlation, .kind = Kind::item_read}, {});
    keep_moving();
  });
}

void Core::on_item_read(const Envelope& envelope) {
  const auto* record = executing_.find(envelope.source, envelope.correlation);
  if (const auto at = arriving_tasks_.find({envelope.source, envelope.correlation}); at != arriving_tasks_.end())
    at->second.closed |= envelope.callable == ~std::uint64_t{0};
  if (!record || !record->more || !record->more->stream) return;
  if (envelope.callable == ~std::uint64_t{0})
    record->more->stream->close();
  else
    record->more->stream->set_read(envelope.callable);
}

}  // namespace ringray::runtime
