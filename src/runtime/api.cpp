#include "ringray/runtime/api.hpp"

#include <algorithm>

#include "ringray/base/log.hpp"
#include "ringray/execution/fiber.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/coroutine.hpp"
#include "ringray/runtime/letter.hpp"

namespace ringray::runtime {
namespace {

/// Counts completions for wait(): one waiter per object, one event for the caller. Counted by all of them.
struct Gathering {
  struct One final : execution::Waiter {
    Gathering* gathering;
    ObjectState* state;
  };
  explicit Gathering(std::size_t goal_, bool values_) : goal(goal_), values(values_), event(new_event()) {}
  ~Gathering() { event->release(); }
  std::atomic<std::int64_t> references{1};
  std::atomic<std::size_t> ready{0};
  std::atomic<bool> fired{false};
  const std::size_t goal;
  const bool values;
  bool any_error = false;
  execution::Work* const event;  // for the caller

  void release() {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  void fire() {
    if (!fired.exchange(true, std::memory_order_acq_rel)) event->complete();
  }
  void hit(const ObjectState& state) {
    const bool enough = ready.fetch_add(1, std::memory_order_acq_rel) + 1 >= goal;
    if (enough || (any_error && state.failed())) fire();
  }
  bool is_ready(ObjectState& state) const { return values ? here(state) : state.done(); }

  /// What completes next; null: ready.
  execution::Work* next_event(ObjectState& state) const {
    return awaited(state, values ? Until::here : Until::known, any_error ? PullClass::get : PullClass::wait);
  }

  /// Arranges that `state` is counted when it becomes ready, or counts it now.
  void add(ObjectState& state) {
    while (auto* event = next_event(state)) {
      auto* one = new One;
      one->gathering = this;
      one->state = &state;
      one->notify = [](execution::Waiter& waiter) noexcept {
        auto& self = static_cast<One&>(waiter);
        auto* gathering = self.gathering;
        auto* s = self.state;
        delete &self;
        gathering->add(*s);  // may have to wait for the bytes now
        s->release();
        gathering->release();
      };
      references.fetch_add(1, std::memory_order_relaxed);
      state.retain();
      if (event->add_waiter(*one)) return;
      delete one;
      references.fetch_sub(1, std::memory_order_relaxed);
      state.release();
    }
    hit(state);
  }
};

Running& running_or_fail(const char* what) {
  auto* now = running();
  if (!now || now->is_driver()) throw ConfigError(std::string(what) + " was used outside of a task or actor method");
  return *now;
}

const control::GroupRecord& found_group(const Result<control::Reply>& answer) {
  if (!answer) throw_error(answer.error().code, {.text = answer.error().text});
  const auto* found = std::get_if<control::GroupFound>(&*answer);
  if (!found || !found->record) throw UnschedulableError("the placement group does not exist (it was removed)");
  return *found->record;
}

}  // namespace

void wait_all_or_error(std::span<ObjectState* const> states) {
  if (std::all_of(states.begin(), states.end(), [](auto* s) { return here(*s) && !s->failed(); })) return;
  auto* gathering = new Gathering(states.size(), true);
  gathering->any_error = true;
  for (auto* state : states) gathering->add(*state);
  {
    const GiveBack give_back;
    const TaskWait wait("get", waited_for(states));
    gathering->event->wait();
  }
  gathering->release();
  const ObjectState* first = nullptr;
  for (auto* state : states)
    if (state->done() && state->failed()) {
      state->extra()->seen = true;  // the others are like it
      if (!first) first = state;
    }
  if (first) first->rethrow();
}

std::vector<bool> wait(std::span<ObjectState* const> states, std::size_t count, std::chrono::nanoseconds timeout,
                       bool fetch) {
  std::vector<ObjectState*> sorted(states.begin(), states.end());
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    throw ConfigError("wait was given the same reference twice, so that the count would be wrong; give each once");
  if (count > states.size() || count == 0)
    throw ConfigError("wait for " + std::to_string(count) + " of " + std::to_string(states.size()) +
                      " references can not end; the count is from 1 to their number");
  auto* gathering = new Gathering(count, fetch);
  for (auto* state : states) gathering->add(*state);
  {
    const GiveBack give_back;
    const TaskWait wait("wait for", waited_for(states));
    if (timeout == std::chrono::nanoseconds::max())
      gathering->event->wait();
    else
      gathering->event->wait_until(deadline_after(timeout));
  }
  std::vector<bool> ready(states.size());
  std::size_t found = 0;
  for (std::size_t i = 0; i < states.size() && found < count; ++i)
    if (gathering->is_ready(*states[i])) ready[i] = true, ++found;
  gathering->release();
  return ready;
}

ObjectId name_object(ObjectState& state) {
  return core().with([&] { return core().promote(state); });
}

bool arena_is_better(std::size_t bytes) noexcept {
  return has_core() && bytes > core().config().inline_bytes_max.value;
}

namespace {
store::Buffer create_buffer(const char* what, std::size_t bytes) {
  check_inside(what);
  auto buffer = core().store().create(bytes);
  if (!buffer) throw_error(buffer.error().code, {.text = buffer.error().text});
  return std::move(*buffer);
}

/// A complete state whose value lies in the store only; the lease keeps the bytes where they are for now.
std::pair<ObjectState*, Lease> seal_as_object(store::Buffer buffer, const ValueType* type) {
  auto& c = core();
  auto* state = new ForeignState;
  state->set_value_type(type);
  auto& e = state->make_extra();
  c.with([&] { c.promote(*state); });
  auto lease = c.store().seal(e.id, std::move(buffer), store::Copy::primary);
  c.with([&] { c.is_stored(*state, lease.size()); });
  state->complete();
  return {state, std::move(lease)};
}
}  // namespace

ObjectState* put_bytes(std::size_t bytes, const ValueType* type, void (*fill)(std::byte* to, const void* from),
                       const void* from) {
  auto buffer = create_buffer("put", bytes);
  fill(buffer.data(), from);
  return seal_as_object(std::move(buffer), type).first;
}

class ArenaBlock {
 public:
  store::Buffer buffer;
  Lease lease;  // once it is an object
  const Begun begun;
};

std::shared_ptr<ArenaBlock> allocate_block(std::size_t bytes) {
  auto block = std::make_shared<ArenaBlock>();
  block->buffer = create_buffer("Array", bytes);
  return block;
}

std::byte* block_data(ArenaBlock& block) noexcept { return block.buffer.data(); }

ObjectState* put_block(ArenaBlock& block, const ValueType* type) {
  check_inside("put");
  if (!block.buffer || !block.begun.in_this_run()) return nullptr;
  auto [state, lease] = seal_as_object(std::move(block.buffer), type);
  block.buffer = {};
  block.lease = std::move(lease);
  return state;
}

void cancel(ObjectState& state, bool recursive) { core().cancel(state, recursive); }

std::stop_token current_stop_token() {
  auto& now = running_or_fail("this_task::stop_token");
  (now.letter ? now.letter->stoppable : now.record->make_more().stoppable) = true;
  const auto token = cancellations().token(now);
  heed_cancel();
  return token;
}

void yield_now() {
  if (auto* now = running(); now && now->inside && !now->yields) begin_yields(*now);
  execution::yield();
}

std::vector<std::uint32_t> granted_gpus() {
  auto& now = running_or_fail("this_task::gpus");
  auto& c = core();
  return c.with([&] {
    const auto grant = now.actor ? now.actor->grant : now.record->more ? now.record->more->grant : 0;
    std::vector<std::uint32_t> devices;
    if (grant != 0)
      for (const auto& share : c.ledger().grant(grant).gpus) devices.push_back(share.device);
    return devices;
  });
}

ObjectState* start_actor(ActorState& state, const ActorType& type, ActorOptions options, Record& constructor) {
  if (is_outside()) {
    constructor.release();
    throw_outside("spawn");
  }
  if (const auto problem = options.resources.problem()) {
    constructor.release();
    throw ConfigError(title_of(type, options) + " asks for what cannot be: " + *problem);
  }
  return core().start_actor(state, type, std::move(options), constructor);
}

void call(ActorState& state, Record& record, const std::string& group, bool one_way) {
  core().call(state, record, group, one_way);
}

void send_one_way(ActorState& state, const std::string& group, const OneWayCall& call) {
  core().send_one_way(state, group, call);
}

ActorState* find_actor(const std::string& name, const std::string& name_space, const ActorType& type) {
  check_inside("get_actor");
  auto* state = core().find_actor(name_space, name, type);
  if (!state) throw ActorDiedError("no actor named '" + name + "' is alive in this namespace; spawn it first");
  return state;
}

void kill(ActorState& state, bool restart) { core().kill(state, restart); }

void exit_actor() {
  if (!running_or_fail("exit_actor").actor) throw ConfigError("exit_actor was used outside of an actor method");
  throw ExitActor{};
}

int actor_restarts() {
  auto& now = running_or_fail("was_restarted");
  if (!now.actor) throw ConfigError("was_restarted was used outside of an actor method");
  return now.actor->restarts();
}

ActorState* as_actor(ObjectState& state) {
  if (&state.type() != &event_type<ActorState>()) throw CorruptDataError("an actor handle refers to an object");
  return static_cast<ActorState*>(&state);
}

// --- placement groups

ObjectState* group_ready(ObjectId group) {
  auto* state = new EventState<void>;
  state->retain();
  spawn_fiber([state, group] {
    try {
      found_group(core().ask(control::WaitGroup{group}));
      state->construct();
    } catch (const Error& e) {
      state->set_error(e.code(), e.detail());
    }
    state->complete();
    state->release();
  });
  return state;
}

std::vector<Rank> group_ranks(ObjectId group) { return found_group(core().ask(control::WaitGroup{group})).ranks; }

ObjectId create_group(std::vector<Resources> bundles, control::Strategy strategy, std::string name, bool detached) {
  check_inside("create_placement_group");
  if (bundles.empty()) throw ConfigError("a placement group without bundles reserves nothing; give at least one");
  for (const auto& bundle : bundles)
    if (const auto problem = bundle.problem()) throw ConfigError("a bundle asks for what cannot be: " + *problem);
  auto& c = core();
  const auto id = c.with([&] { return c.owner().next_id(); });
  const auto answer = c.ask(control::CreateGroup{
      {.id = id, .name = std::move(name), .bundles = std::move(bundles), .strategy = strategy, .detached = detached}});
  if (!answer) throw_error(answer.error().code, {.text = answer.error().text});
  return id;
}

void remove_group(ObjectId group) {
  const auto answer = core().ask(control::RemoveGroup{group});
  if (!answer) throw_error(answer.error().code, {.text = answer.error().text});
}

}  // namespace ringray::runtime
