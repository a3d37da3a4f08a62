#include "ringray/runtime/letter.hpp"

#include <cstring>
#include <new>

#include "ringray/base/metrics.hpp"
#include "ringray/base/recycled.hpp"
#include "ringray/execution/fiber.hpp"
#include "ringray/observe/timeline.hpp"
#include "ringray/runtime/actor.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/unheard.hpp"

namespace ringray::runtime {

Letter* Letter::make(const RecordType& type, Rank source, std::uint32_t caller, wire::View arguments) {
  auto* memory = base::take_memory(sizeof(Letter) + arguments.size());
  auto* letter = new (memory) Letter(type, source, caller, static_cast<std::uint32_t>(arguments.size()));
  if (!arguments.empty()) std::memcpy(static_cast<void*>(letter + 1), arguments.data(), arguments.size());
  return letter;
}

void Letter::remove() noexcept {
  const auto size = sizeof(Letter) + bytes_;
  this->~Letter();
  base::give_memory(this, size);
}

Record* Letter::record(ActorRecord& target) const {
  try {
    wire::Decoder decoder(arguments());
    auto* record = type.decode(decoder);
    record->serial = next_serial();
    record->caller = caller;
    record->target = &target;
    published ? record->set_published(*published) : record->set_one_way();
    record->origin = std::make_unique<Origin>(Origin{{}, source, 0, target.id, {}, false});
    return record;
  } catch (...) {
    target.begins(published);
    warn_dropped_send({.callable = wire::to_wire(type), .source = source}, target.title(), caught_text());
    return nullptr;
  }
}

bool ActorRecord::accept(const RecordType& type, Rank source, std::uint32_t caller, wire::View arguments,
                         std::optional<Quality> published) {
  if (!lanes_.empty() || dead() || gated_.load(std::memory_order_acquire) != 0) return false;
  if (published && !admit(*published)) return true;
  auto* letter = Letter::make(type, source, caller, arguments);
  letter->published = published;
  letter->deliver = [](Mail& mail, ActorRecord& actor) { actor.open(static_cast<Letter&>(mail)); };
  post(*letter);
  return true;
}

// (turn)
void ActorRecord::open(Letter& letter) {
  // Nobody can cancel one alone: it has no reference, and its caller's cancel does not reach it.
  if (dead() || Cancellations::all() || restarts_asked_.load(std::memory_order_acquire) > 0) {
    auto* record = letter.record(*this);
    letter.remove();
    if (record) deliver_call(*record, *this);
    return;
  }
  begins(letter.published);
  Running now{nullptr, this, next_serial(), caller, &letter};
  {
    const ScopedRunning scope(now);
    const observe::Span span(observe::Timeline::recording() ? observe::Timeline::intern(letter.type.name(nullptr))
                                                            : "");
    try {
      wire::Decoder decoder(letter.arguments());
      letter.type.apply(decoder, instance_.get(), now);
    } catch (const Undecodable& undecodable) {
      warn_dropped_send({.callable = wire::to_wire(letter.type), .source = letter.source}, title(), undecodable.why);
    } catch (...) {
      base::count(Metric::tasks_failed);
      const auto method = letter.type.name(nullptr);
      const auto [code, detail] = current_exception_of(method);
      warn_failed_send(method, title(), code, detail);
    }
  }
  base::count(Metric::calls_executed);
  if (letter.stoppable) cancellations().ended(now.serial);
  letter.remove();
  exit_if_requested();
}

void throw_undecodable() { throw Undecodable{caught_text()}; }

}  // namespace ringray::runtime
