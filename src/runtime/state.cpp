#include "ringray/runtime/state.hpp"

#include "ringray/base/check.hpp"
#include "ringray/execution/stack.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/unheard.hpp"

namespace ringray::runtime {

Extra::~Extra() {
  if (shared) {
    if (seen) shared->seen = true;
  } else if (!seen && !foreign && is_due_when_unseen(*this) && !is_outside()) {
    warn_unseen(detail);
  }
  for (auto* state : references) state->release();
  if (auto* work = fetched.load(std::memory_order_acquire)) work->release();
}

Extra& ObjectState::make_extra() {
  if (auto* e = extra()) return *e;
  auto* fresh = new Extra;
  Extra* none = nullptr;
  if (extra_.compare_exchange_strong(none, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *none;
}

void ObjectState::set_error(Errc code, ErrorDetail detail) {
  auto& e = make_extra();
  e.error = code;
  e.detail = std::move(detail);
}

void ObjectState::rethrow() const {
  auto& e = *extra();
  e.seen.store(true, std::memory_order_relaxed);
  throw_error(e.error, e.detail);
}

void ObjectState::clear_value() noexcept {
  if (auto* v = value(); v && value_type()) value_type()->destroy(v, on_heap_);
  delete extra();
}

namespace {

constexpr std::size_t destructor_stack = 12 * 1024;  // what a value may need; less than waits leave

void retire_here(ObjectState& state, void (*remove)(ObjectState&) noexcept) noexcept {
  const auto* e = state.extra();
  if (!state.begun().in_this_run() || (!(e && e->id.valid()) && !core().holding())) return remove(state);
  core().bury(state, remove);
}

}  // namespace

// A value may be the last that refers to another, and so on for ever: a long chain goes on on another stack.
void retire(ObjectState& state, void (*remove)(ObjectState&) noexcept) noexcept {
  if (execution::stack_left() >= destructor_stack || !has_core()) return retire_here(state, remove);
  spawn_fiber([&state, remove] { retire_here(state, remove); });
}

std::string describe_error(const ObjectState& state) {
  const auto* e = state.extra();
  return e ? Error(e->error, e->detail).what() : "";
}

std::string caught_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return caught_value();
  }
}

bool here(ObjectState& state) noexcept {
  if (!state.done()) return false;
  if (state.value() || !state.extra()) return true;
  const auto& e = *state.extra();
  if (e.error != Errc::none) return true;
  if (!e.foreign && !e.remote_value) return true;
  const auto* fetched = e.fetched.load(std::memory_order_acquire);
  return fetched && fetched->done();
}

void* value_here(ObjectState& state, const ValueType* type) {
  if (auto* value = state.value()) return value;
  if (state.failed()) state.rethrow();
  if (!type) return nullptr;
  auto* e = state.extra();
  RINGRAY_ASSERT(e, "a complete object has neither value nor bytes");
  const std::lock_guard lock(e->decoding);
  if (auto* value = state.value()) return value;
  if (state.value_type() && state.value_type() != type && state.value_type()->type != type->type)
    throw CorruptDataError("an ObjectRef<" + type_name(type->type.name()) + "> refers to a " +
                           type_name(state.value_type()->type.name()));
  if (!e->lease && e->in_store) {
    auto lease = core().store().lease(e->id);
    if (!lease) throw_error(lease.error().code, {.text = lease.error().text, .rank = here_rank().value});
    e->lease = std::move(*lease);
  }
  std::vector<void*> references(e->references.begin(), e->references.end());
  wire::Decoder decoder(e->lease ? e->lease.view() : View(e->bytes), references, e->lease ? &e->lease : nullptr);
  state.set_value_type(type);
  auto* room = state.storage();
  auto* value = type->decode(decoder, room);
  state.set_value(value, room == nullptr);
  return value;
}

}  // namespace ringray::runtime
