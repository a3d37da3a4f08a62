// Coroutines: resumed when what they await is here.

#include "ringray/runtime/coroutine.hpp"

#include <optional>

#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"

namespace ringray::runtime {

void resume_when_here(ObjectState& state, std::coroutine_handle<> handle, Record& record) {
  struct Resumption final : execution::Runnable {
    std::coroutine_handle<> handle;
    Record* record;
    ObjectState* state;
    ActorRecord* actor;
    Running now;
    std::optional<observe::Wait> waits;
  };
  struct Watch final : execution::Waiter {
    Resumption* resumption;
  };
  auto* now = running();
  auto* resumption = new Resumption;
  resumption->handle = handle;
  resumption->record = &record;
  resumption->state = &state;
  resumption->actor = now ? now->actor : nullptr;
  if (resumption->actor) resumption->actor->retain();
  resumption->now = {&record, resumption->actor, record.serial, now ? now->caller : 0};
  resumption->execute = [](execution::Runnable& runnable) {
    auto& self = static_cast<Resumption&>(runnable);
    const auto handle = self.handle;
    Running now{self.record, nullptr, self.record->serial, static_cast<std::uint32_t>(self.record->serial)};
    delete &self;
    const ScopedRunning scope(now);
    const InUsersCode inside(now);
    handle.resume();
  };
  static constexpr auto go_on = [](Resumption* r) {
    r->waits.reset();
    if (auto* actor = r->actor) {
      const auto handle = r->handle;
      auto* record = r->record;
      delete r;
      actor->post_resume(handle, *record);
      actor->release();
    } else {
      pool().schedule(*r);
    }
  };
  struct Chain {
    static bool wait(Resumption* r) {
      auto& s = *r->state;
      while (auto* event = awaited(s)) {
        auto* watch = new Watch;
        watch->resumption = r;
        watch->notify = [](execution::Waiter& waiter) noexcept {
          auto& self = static_cast<Watch&>(waiter);
          auto* next = self.resumption;
          delete &self;
          if (!wait(next)) go_on(next);
        };
        if (event->add_waiter(*watch)) return true;
        delete watch;
      }
      return false;
    }
  };
  if (now) now->inside = false;  // another thread may end the record from now on
  resumption->waits.emplace("co_await", waited_for(state), who_waits(resumption->now));
  heed_cancel();
  if (!Chain::wait(resumption)) go_on(resumption);
}

}  // namespace ringray::runtime
