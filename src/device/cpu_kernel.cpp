#include "ringray/device/cpu_kernel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ringray/base/check.hpp"
#include "ringray/device/capacity.hpp"

namespace ringray::device {

Result<std::unique_ptr<CpuKernel>> CpuKernel::create(KernelOptions options, RunBlock run, Mail mail, Notices notices) {
  if (options.name.empty())
    return failure(Errc::config,
                   "a kernel without a name cannot be found (names are how others reach it); give it one");
  constexpr auto blocks_max = Address::gates_first / actors_per_block;
  if (options.blocks == 0 || options.blocks > blocks_max)
    return failure(Errc::config,
                   fmt::format("kernel '{}' cannot have {} blocks (each schedules its actors, and a slot has "
                               "{} bits); take 1 to {}",
                               options.name, options.blocks, Address::slot_bits - 1, blocks_max));
  const auto egress_log2 = capacity_log2(options.egress_capacity);
  if (!egress_log2) return tl::make_unexpected(egress_log2.error());
  if (options.egress_capacity < 2 * parcel_cells_max)
    return failure(Errc::config,
                   fmt::format("egress_capacity {} of kernel '{}' is too small for two large messages; take "
                               "{} or more",
                               options.egress_capacity, options.name, 2 * parcel_cells_max));
  return std::unique_ptr<CpuKernel>(
      new CpuKernel(std::move(options), *egress_log2, run, std::move(mail), std::move(notices)));
}

CpuKernel::CpuKernel(KernelOptions options, std::uint32_t egress_log2, RunBlock run, Mail mail, Notices notices)
    : options_(std::move(options)),
      run_(run),
      mail_(std::move(mail)),
      notices_(std::move(notices)),
      slots_(std::make_unique<ActorSlot[]>(std::size_t{options_.blocks} * actors_per_block)),
      blocks_(std::make_unique<BlockWords[]>(options_.blocks)),
      egress_cells_(std::make_unique<Cell[]>(std::size_t{1} << egress_log2)),
      command_cells_(std::make_unique<Cell[]>(std::size_t{options_.blocks} << command_log2)),
      residents_(std::size_t{options_.blocks} * actors_per_block),
      commanders_(options_.blocks) {
  kernel_ = {.slots = slots_.get(),
             .blocks = blocks_.get(),
             .words = &words_,
             .egress = &egress_,
             .egress_cells = egress_cells_.get(),
             .command_cells = command_cells_.get(),
             .blocks_count = options_.blocks,
             .egress_log2 = egress_log2,
             .command_log2 = command_log2,
             .drift_ns_max = static_cast<std::uint64_t>(options_.clock_drift_max.count())};
  bells_.blocks = std::vector<Bell>(options_.blocks);
}

CpuKernel::~CpuKernel() {
  const auto ended = terminate();
  RINGRAY_ASSERT(ended.has_value(), "terminating is always allowed");
}

// ---- threads

void CpuKernel::begin_thread(std::uint32_t block, const std::function<void()>& run) {
  if (options_.around_thread)
    options_.around_thread(*this, block, run);
  else
    run();
}

void CpuKernel::run_block_thread(std::uint32_t block) {
  const CpuPlatform platform(bells_, block);
  for (;;) {
    if (options_.quantum.count() != 0) {
      const Word now = CpuPlatform::wall_ns();
      if (Near::load<Order::relaxed>(words_.quantum_ends_ns) <= now)
        Near::store<Order::relaxed>(words_.quantum_ends_ns, now + static_cast<Word>(options_.quantum.count()));
    }
    Turn turn;
    run_(kernel_, block, turn, platform);
    if (static_cast<Request>(Near::load<Order::acquire>(words_.request) & 3) == Request::leave) return;
    relaunches_.fetch_add(1, std::memory_order_relaxed);
  }
}

void CpuKernel::start_threads() {
  for (std::uint32_t block = 0; block < options_.blocks; ++block)
    threads_.emplace_back([this, block] { begin_thread(block, [&] { run_block_thread(block); }); });
}

void CpuKernel::join_threads() {
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void CpuKernel::request(Request request) {
  Near::store<Order::release>(words_.request, ++request_number_ << 2 | static_cast<Word>(request));
  for (auto& bell : bells_.blocks) bell.ring();
}

void CpuKernel::await_acknowledged() {
  const Word wanted = Near::load<Order::relaxed>(words_.request);
  bells_.host.wait([&] {
    return std::all_of(blocks_.get(), blocks_.get() + options_.blocks, [&](const BlockWords& block) {
      return Near::load<Order::acquire>(block.acknowledged) == wanted;
    });
  });
}

// ---- mail

void CpuKernel::pump() {
  for (;;) {
    bells_.host.wait(
        [&] { return pump_ends_ || egress_of<Near>(kernel_).depth() != 0 || lost_letters() != lost_seen_; });
    const bool ends = pump_ends_;
    take_mail();
    tell_of_lost();
    if (ends) return;
  }
}

void CpuKernel::tell_of_lost() {
  const auto lost = lost_letters();
  if (lost == lost_seen_) return;
  lost_seen_ = lost;
  if (notices_.lost) notices_.lost();
}

// Actors that send without end to other kernels may keep it busy: whoever waits for something must not wait for its
// end.
void CpuKernel::take_mail() {
  const auto egress = egress_of<Near>(kernel_);
  constexpr std::uint32_t often = 256;
  Parcel parcel;
  for (std::uint32_t taken = 1; egress.take(parcel.words) != 0; ++taken) {
    if (taken % often == 0) tell_of_lost();
    const auto envelope = parcel.envelope();
    if (envelope.type == LifeNotice::id && envelope.reason() == Reason::none) {
      const auto notice = parcel.as<LifeNotice>();
      if (notices_.lived) notices_.lived(notice);
      note(notice);
      changed_.ring();
    } else if (mail_) {
      mail_(parcel);
    }
  }
  if (notices_.drained) notices_.drained();
}

void CpuKernel::note(const LifeNotice& notice) {
  std::lock_guard guard(lock_);
  auto& resident = residents_[notice.slot];
  if (resident.generation != notice.generation) return;
  resident.life = notice.life;
  resident.error = notice.error;
  resident.obeyed = notice.obeyed;
  if (notice.life != Life::terminated) return;
  resident.is_taken = false;
  ++resident.generation;
  resident.state.clear();
  resident.checkpoint.clear();
}

// ---- life of the kernel

Life CpuKernel::life() const {
  std::lock_guard guard(lock_);
  return life_;
}

Result<Life> CpuKernel::advance_to(Step step) {
  std::lock_guard guard(lock_);
  const auto next = advance(life_, step, fmt::format("kernel '{}'", options_.name));
  if (next) life_ = *next;
  return next;
}

Result<void> CpuKernel::launch() {
  std::lock_guard one(steps_);
  if (const auto next = advance_to(Step::launch); !next) return tl::make_unexpected(next.error());
  request(Request::hold);
  pump_ = std::thread([this] { begin_thread(options_.blocks, [this] { pump(); }); });
  start_threads();
  await_acknowledged();
  return {};
}

Result<void> CpuKernel::activate() { return take_step(Step::activate, Request::run); }
Result<void> CpuKernel::suspend() { return take_step(Step::suspend, Request::hold); }
Result<void> CpuKernel::resume() { return take_step(Step::resume, Request::run); }

Result<void> CpuKernel::take_step(Step step, Request asked) {
  std::lock_guard one(steps_);
  if (const auto next = advance_to(step); !next) return tl::make_unexpected(next.error());
  request(asked);
  await_acknowledged();
  changed_.ring();
  return {};
}

Result<void> CpuKernel::terminate() {
  std::lock_guard one(steps_);
  if (const auto before = life(); before == Life::terminated) return {};
  const bool was_launched = life() != Life::created;
  if (const auto next = advance_to(Step::terminate); !next) return tl::make_unexpected(next.error());
  if (was_launched) {
    std::vector<Address> living;
    {
      std::lock_guard guard(lock_);
      for (std::uint32_t slot = 0; slot < residents_.size(); ++slot)
        if (residents_[slot].is_taken) living.push_back(Address::of(slot, residents_[slot].generation));
    }
    for (const auto actor : living) {
      changed_.wait([&] { return life(actor) != Life::created; });  // somebody spawns it right now
      command(actor, Step::terminate);
    }
    request(Request::run);  // dead letters are made by the blocks, which have handled nothing in between
    for (const auto actor : living) changed_.wait([&] { return life(actor) == Life::terminated; });
    request(Request::leave);
    join_threads();
    pump_ends_ = true;
    bells_.host.ring();
    pump_.join();
  }
  const auto ended = advance_to(Step::finish);
  RINGRAY_ASSERT(ended.has_value());
  bells_.senders.ring();
  changed_.ring();
  return {};
}

void CpuKernel::exclusive(const std::function<void()>& work) {
  std::lock_guard one(steps_);
  if (threads_.empty()) return work();
  const auto before = static_cast<Request>(Near::load<Order::relaxed>(words_.request) & 3);
  request(Request::leave);
  join_threads();
  const auto come_back = [&] {
    relaunches_.fetch_add(options_.blocks, std::memory_order_relaxed);
    request(before);
    start_threads();
    await_acknowledged();
  };
  try {
    work();
  } catch (...) {
    come_back();
    throw;
  }
  come_back();
}

// ---- actors

/// In the block with the fewest actors; one that had an occupant only with the same mailbox. Size of residents_: none.
std::uint32_t CpuKernel::choose_slot(std::uint32_t log2, Overflow overflow) const {
  auto best = static_cast<std::uint32_t>(residents_.size());
  std::uint32_t fewest = actors_per_block + 1;
  for (std::uint32_t block = 0; block < options_.blocks; ++block) {
    std::uint32_t taken = 0, free = best;
    bool found = false;
    for (std::uint32_t slot = block * actors_per_block; slot < (block + 1) * actors_per_block; ++slot) {
      const auto& resident = residents_[slot];
      if (resident.is_taken) ++taken;
      const bool fits = !resident.was_used || (resident.capacity_log2 == log2 && resident.overflow == overflow);
      if (found || resident.is_taken || !fits || resident.generation == Address::generations_max) continue;
      free = slot;
      found = true;
    }
    if (!found || taken >= fewest) continue;
    fewest = taken;
    best = free;
  }
  return best;
}

Result<Address> CpuKernel::spawn(const ActorSetup& setup) {
  const auto log2 = capacity_log2(setup.queue_capacity);
  if (!log2) return tl::make_unexpected(log2.error());
  Packed<SpawnCommand> packed;
  Address address;
  {
    std::lock_guard guard(lock_);
    if (life_ != Life::launched && life_ != Life::active && life_ != Life::suspended)
      return failure(Errc::invalid_transition,
                     fmt::format("kernel '{}' is {} and takes no actors (only from 'launched' to 'suspended' does it); "
                                 "launch it first",
                                 options_.name, life_name(life_)));
    const auto slot = choose_slot(*log2, setup.overflow);
    if (slot == residents_.size())
      return failure(Errc::out_of_memory, fmt::format("kernel '{}' has no slot left for an actor with this mailbox ({} "
                                                      "blocks of {}); give it more blocks",
                                                      options_.name, options_.blocks, actors_per_block));
    auto& resident = residents_[slot];
    if (!resident.was_used) {
      resident.cells = std::make_unique<Cell[]>(std::size_t{priorities} << *log2);
      resident.capacity_log2 = *log2;
      resident.overflow = setup.overflow;
      resident.was_used = true;
    }
    resident.is_taken = true;
    resident.life = Life::created;
    resident.error = 0;
    resident.state.resize(setup.state_bytes / sizeof(std::max_align_t) + 1);
    std::memcpy(resident.state.data(), setup.state, setup.state_bytes);
    if (setup.keeps_checkpoint) resident.checkpoint = resident.state;
    resident.type = setup.type;
    resident.state_bytes = setup.state_bytes;
    address = Address::of(slot, resident.generation);
    pack(packed.words, {.target = address, .flags = Envelope::refers_to_memory_flag},
         SpawnCommand{.type = setup.type,
                      .capacity_log2 = *log2,
                      .cells = resident.cells.get(),
                      .state = resident.state.data(),
                      .checkpoint = setup.keeps_checkpoint ? resident.checkpoint.data() : nullptr,
                      .state_bytes = static_cast<std::uint32_t>(setup.state_bytes),
                      .checkpoint_every = setup.checkpoint_every,
                      .overflow = setup.overflow});
  }
  command(block_of(address.slot()), packed.words);
  changed_.wait([&] { return life(address) != Life::created; });
  return address;
}

/// Waits for room; the block makes some at its next message boundary.
void CpuKernel::command(std::uint32_t block, Word* words) {
  bells_.senders.wait([&] { return try_command(block, words); });
  bells_.blocks[block].ring();
}

bool CpuKernel::try_command(std::uint32_t block, Word* words) {
  std::lock_guard guard(lock_);
  if (life_ == Life::terminated) return true;  // nobody obeys, and there is nobody to be commanded
  return commands_of<Near>(kernel_, block).send(commanders_[block], words);
}

CpuKernel::Resident* CpuKernel::find(Address actor) {
  if (actor.slot() >= residents_.size()) return nullptr;
  auto& resident = residents_[actor.slot()];
  return resident.is_taken && resident.generation == actor.generation() ? &resident : nullptr;
}

Life CpuKernel::life(Address actor) const {
  std::lock_guard guard(lock_);
  const auto* resident = find(actor);
  return resident == nullptr ? Life::terminated : resident->life;
}

Overflow CpuKernel::overflow(Address actor) const {
  std::lock_guard guard(lock_);
  const auto* resident = find(actor);
  return resident == nullptr ? Overflow::reject : resident->overflow;
}

std::uint32_t CpuKernel::error(Address actor) const {
  std::lock_guard guard(lock_);
  const auto* resident = find(actor);
  return resident == nullptr ? 0 : resident->error;
}

Result<Life> CpuKernel::step(Address actor, Step step) {
  const auto before = life(actor);
  if (before == Life::terminated && step != Step::terminate)
    return failure(Errc::actor_died, fmt::format("kernel '{}' has no actor in slot {} with generation {}",
                                                 options_.name, actor.slot(), actor.generation()));
  const auto goal =
      advance(before, step, fmt::format("the actor in slot {} of kernel '{}'", actor.slot(), options_.name));
  if (!goal) return goal;
  if (*goal == before) return before;
  // Not until it has that life: it may have had it for a moment.
  const auto number = command(actor, step);
  Life now = before;
  changed_.wait([&] {
    std::lock_guard guard(lock_);
    const auto* resident = find(actor);
    now = resident == nullptr ? Life::terminated : resident->life;
    if (now == Life::terminated) return true;
    if (now == Life::terminating && step == Step::terminate) return life_ != Life::active;  // ends with resume()
    return static_cast<std::int32_t>(resident->obeyed - number) >= 0;
  });
  return now;
}

/// Waits for room, and gives the number that the actor has obeyed then; nobody waits for it when the kernel has ended.
std::uint32_t CpuKernel::command(Address actor, Step step) {
  std::uint32_t number = 0;
  bells_.senders.wait([&] {
    std::lock_guard guard(lock_);  // numbers go the way in their order
    if (life_ == Life::terminated) return true;
    auto& asked = residents_[actor.slot()].asked;
    Packed<StepCommand> packed;
    pack(packed.words, {.target = actor}, StepCommand{step, asked + 1});
    const auto block = block_of(actor.slot());
    if (!commands_of<Near>(kernel_, block).send(commanders_[block], packed.words)) return false;
    number = ++asked;
    return true;
  });
  bells_.blocks[block_of(actor.slot())].ring();
  return number;
}

Delivery CpuKernel::send(Word* words, base::Nanoseconds deadline) {
  const auto once = [&] {
    return deliver<Near>(
        kernel_, words, [&](std::uint32_t block) { bells_.blocks[block].ring(); },
        [&](bool kept) {
          if (!kept) lost_by_host_.fetch_add(1, std::memory_order_relaxed);
          bells_.host.ring();
        });
  };
  auto delivery = once();
  if (delivery != Delivery::full) return delivery;
  const Address target{static_cast<std::uint32_t>(words[0])};
  if (kernel_.slots[target.slot()].overflow != Overflow::wait) return delivery;
  bells_.senders.wait([&] { return (delivery = once()) != Delivery::full; }, deadline);
  return delivery;
}

// ---- what is to be seen from outside

CpuKernel::ActorReport CpuKernel::report(Address actor) const {
  const auto& slot = slots_[actor.slot()];
  ActorReport report;
  const auto read = [](const Word& word) { return Near::load<Order::relaxed>(word); };
  report.counters = {.handled = read(slot.counters.handled),
                     .failed = read(slot.counters.failed),
                     .buried = read(slot.counters.buried),
                     .sent = read(slot.counters.sent),
                     .refused = read(slot.counters.refused),
                     .busy_ticks = read(slot.counters.busy_ticks),
                     .restarts = read(slot.counters.restarts),
                     .checkpoints = read(slot.counters.checkpoints)};
  for (int i = 0; i < histogram_buckets; ++i) report.counters.busy[i] = read(slot.counters.busy[i]);
  report.mailbox = mailbox_of<Near>(slots_[actor.slot()]).stats();
  return report;
}

Telemetry CpuKernel::telemetry() const {
  Telemetry all;
  for (std::uint32_t slot = 0; slot < residents_.size(); ++slot) {
    std::uint64_t capacity = 0;
    {
      std::lock_guard guard(lock_);
      const auto& resident = residents_[slot];
      const bool is_first = resident.generation == 0 && resident.life == Life::created;  // its block begins it now
      if (!resident.was_used || is_first) continue;
      capacity = std::uint64_t{1} << resident.capacity_log2;
    }
    const auto reading = report(Address::of(slot, 0));
    all.merge(Telemetry::of(reading.counters, reading.mailbox, capacity));
  }
  return all;
}

Heartbeat CpuKernel::heartbeat(std::uint32_t block) const {
  Heartbeat beat{Near::load<Order::relaxed>(blocks_[block].heartbeat), std::nullopt};
  if (const Word word = Near::load<Order::relaxed>(blocks_[block].handling); word != 0)
    beat.handling = Handling::of(word);
  return beat;
}

std::uint64_t CpuKernel::lost_letters() const {
  auto lost = lost_by_host_.load(std::memory_order_relaxed);
  for (std::uint32_t block = 0; block < options_.blocks; ++block)
    lost += Near::load<Order::relaxed>(blocks_[block].lost_letters);
  return lost;
}

}  // namespace ringray::device
