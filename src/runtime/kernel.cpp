#include "ringray/runtime/kernel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>

#include "ringray/base/check.hpp"
#include "ringray/device/capacity.hpp"
#include "ringray/execution/fiber.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/kernel_backlog.hpp"
#include "ringray/runtime/kernel_gates.hpp"
#include "ringray/runtime/kernel_supervision.hpp"

namespace ringray::runtime {

using device::Address;
using device::Delivery;
using device::Overflow;
using device::Step;

namespace {

/// Every block may bury a pick of the largest messages while the host is busy with half of the ring.
std::uint32_t egress_for(std::uint32_t blocks) {
  const std::uint64_t pick = device::messages_per_pick * device::parcel_cells_max;
  const auto wanted = std::bit_ceil(std::max<std::uint64_t>(1024, 2 * pick * blocks));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, device::capacity_max));
}

/// A fiber cannot sleep until there is room: its thread has other fibers, which may be the ones that make it.
void sleep_on_fiber(base::Nanoseconds time) {
  auto* never = new EventState<void>;
  never->wait_until(base::now() + time);
  never->release();
}

/// For reports: steps of a kernel wait for the handlers that run. Not after the job, when none does.
class HandlersWait {
 public:
  explicit HandlersWait(const std::string& kernel) {
    if (is_outside()) return;
    const auto name = [](const void* it) { return "in kernel '" + *static_cast<const std::string*>(it) + "'"; };
    wait_.emplace("the end of handlers that run", observe::Thing{&kernel, name},
                  running() ? who_waits(*running()) : observe::Thing{});
  }

 private:
  std::optional<observe::Wait> wait_;
};

std::atomic<std::uint64_t> next_id{1};

void set_correlation(device::Word* words, std::uint32_t number) {
  words[1] = (words[1] & 0xffffffffu) | device::Word{number} << 32;  // Envelope::correlation
}

}  // namespace

void raise(const Failure& failure) { throw_error(failure.code, {.text = failure.text, .rank = here_rank().value}); }

// ---- a kernel

LiveKernel::LiveKernel(const device::LaunchOptions& options, device::CpuKernel::RunBlock run,
                       const device::ProgramNames& program)
    : name_(std::make_shared<const std::string>(options.name)),
      queue_capacity_(options.queue_capacity),
      calls_(std::make_shared<KernelCalls>(name_)),
      gates_(std::make_shared<KernelGates>(*this, calls_)),
      supervisors_(std::make_shared<KernelSupervisors>(name_, calls_)),
      id_(next_id.fetch_add(1, std::memory_order_relaxed)) {
  unwrap(device::capacity_log2(options.queue_capacity));
  if (options.watchdog < options.watchdog.zero())
    throw ConfigError(fmt::format("the watchdog of kernel '{}' is negative; give it a time, or 0 for none", *name_));
  device::KernelOptions kernel{.name = options.name, .blocks = options.blocks, .quantum = options.quantum};
  kernel.around_thread = kernel_threads(name_, program, core().config().pin);
  kernel.egress_capacity = options.egress_capacity ? options.egress_capacity : egress_for(options.blocks);
  hosted_ = unwrap(device::CpuKernel::create(
      std::move(kernel), run,
      [calls = calls_, gates = gates_](const device::Parcel& parcel) {
        const auto envelope = parcel.envelope();
        if (envelope.target.is_gate() && envelope.reason() == device::Reason::none)
          gates->forward(parcel);
        else
          calls->mail(parcel);
      },
      {.lived = [supervisors = supervisors_](const device::LifeNotice& notice) { supervisors->lived(notice); },
       .lost = [calls = calls_] { calls->lost(); },
       .drained = [gates = gates_] { gates->flush(); }}));
  backlog_ = std::make_shared<KernelBacklog>(hosted_, calls_, name_);
  watch_ = std::make_shared<KernelWatch>(hosted_, name_, program, options.watchdog);
}
LiveKernel::~LiveKernel() { terminate(); }

std::shared_ptr<LiveKernel> LiveKernel::launch(const device::LaunchOptions& options, device::CpuKernel::RunBlock run,
                                               const device::ProgramNames& program) {
  check_inside("device::launch");
  if (options.backend == device::Backend::cuda)
    throw ConfigError(
        fmt::format("kernel '{}' cannot run on a GPU (this build cannot run kernels on a GPU yet); take "
                    "Backend::automatic or Backend::cpu, which run the same handlers on host threads",
                    options.name));
  const std::shared_ptr<LiveKernel> kernel(new LiveKernel(options, run, program));
  unwrap(kernel->hosted_->launch());
  if (options.auto_activate) kernel->activate();
  if (!core().kernels().add(kernel))
    throw ConfigError(fmt::format("kernel '{}' cannot be launched: the job ends", options.name));
  return kernel;
}

void LiveKernel::exclusive(const std::function<void()>& work) {
  const HandlersWait registered(*name_);
  hosted_->exclusive(work);
}
void LiveKernel::activate() {
  const HandlersWait registered(*name_);
  unwrap(hosted_->activate());
}
void LiveKernel::suspend() {
  const HandlersWait registered(*name_);
  unwrap(hosted_->suspend());
}
void LiveKernel::resume() {
  const HandlersWait registered(*name_);
  unwrap(hosted_->resume());
}

std::vector<std::any> LiveKernel::terminate() noexcept {
  std::vector<std::any> holders;
  if (!hosted_) return holders;
  const HandlersWait registered(*name_);
  const auto ended = hosted_->terminate();
  RINGRAY_ASSERT(ended.has_value(), "terminating is always allowed");
  calls_->close();
  backlog_->clear();
  gates_->clear();
  std::any door;
  const std::lock_guard lock(mutex_);
  door.swap(door_);
  for (auto& [actor, holder] : names_) holders.push_back(std::move(holder));
  names_.clear();
  ended_ = true;
  return holders;
}

std::shared_ptr<KernelLease> LiveKernel::lease() {
  const std::lock_guard lock(mutex_);
  auto lease = lease_.lock();
  if (!lease) lease_ = lease = std::make_shared<KernelLease>(shared_from_this());
  return lease;
}

std::any LiveKernel::door(const std::function<std::any()>& make) {
  {
    const std::lock_guard lock(mutex_);
    if (door_.has_value()) return door_;
  }
  auto made = make();
  const std::lock_guard lock(mutex_);
  if (!ended_ && !door_.has_value()) door_ = made;
  return door_.has_value() ? door_ : made;
}

bool LiveKernel::keep_name(Address actor, std::any holder) {
  const std::lock_guard lock(mutex_);
  if (!ended_) names_.emplace(actor.value, std::move(holder));
  return !ended_;
}

std::any LiveKernel::take_name(Address actor) {
  const std::lock_guard lock(mutex_);
  const auto name = names_.extract(actor.value);
  return name ? std::move(name.mapped()) : std::any();
}

// ---- its actors

Address LiveKernel::spawn(device::ActorSetup setup, std::uint32_t cells_min, const device::Supervision& supervision) {
  unwrap(device::check(supervision));
  if (setup.queue_capacity == 0) setup.queue_capacity = queue_capacity_;
  if (setup.queue_capacity < cells_min)
    throw ConfigError(
        fmt::format("queue_capacity {} of an actor of kernel '{}' is too small (its largest message takes {} cells and "
                    "would never find room); take {} or more",
                    setup.queue_capacity, *name_, cells_min, std::bit_ceil(cells_min)));
  if (supervision.restarts == 0 && supervision.escalation == device::Escalation::actor)
    return unwrap(hosted_->spawn(setup));
  setup.keeps_checkpoint = supervision.restarts > 0;
  setup.checkpoint_every = supervision.checkpoint_every;
  supervisors_->begin(shared_from_this(), supervision.escalation);
  const auto actor = unwrap(hosted_->spawn(setup));
  supervisors_->watch(actor, supervision);  // nobody else knows it yet
  return actor;
}

device::Telemetry LiveKernel::telemetry() const {
  auto all = hosted_->telemetry();
  all.dropped += backlog_->refused();
  all.refused += gates_->refused();
  return all;
}

void LiveKernel::step(Address actor, Step step) { unwrap(hosted_->step(actor, step)); }

device::StateBytes LiveKernel::checkpoint(Address actor) {
  device::StateBytes state;
  exclusive([&] { state = unwrap(hosted_->checkpoint(actor)); });
  return state;
}

void LiveKernel::restore(Address actor, const device::StateBytes& state) {
  exclusive([&] { unwrap(hosted_->restore(actor, state)); });
}

Delivery LiveKernel::deliver(device::Word* words, Overflow overflow, base::Nanoseconds deadline) {
  constexpr base::Nanoseconds at_once{0};
  auto delivery = hosted_->send(words, at_once);
  if (delivery != Delivery::full || overflow != Overflow::wait) return delivery;
  if (!execution::on_fiber()) return hosted_->send(words, deadline);
  const TaskWait registered("room in the mailbox of a device actor");
  constexpr base::Nanoseconds longest = std::chrono::milliseconds(1);
  for (base::Nanoseconds pause = std::chrono::microseconds(20); delivery == Delivery::full && base::now() < deadline;
       pause = std::min(2 * pause, longest)) {
    sleep_on_fiber(std::min(pause, deadline - base::now()));
    delivery = hosted_->send(words, at_once);
  }
  return delivery;
}

Delivery LiveKernel::send(device::Word* words, Overflow overflow, base::Nanoseconds timeout) {
  const Address actor{static_cast<std::uint32_t>(words[0])};
  const auto delivery = deliver(words, overflow, deadline_after(timeout));
  if (delivery == Delivery::full) throw QueueFullError(why_undelivered(delivery, actor, overflow, *name_));
  if (delivery == Delivery::no_such_actor) throw ActorDiedError(why_undelivered(delivery, actor, overflow, *name_));
  return delivery;
}

void LiveKernel::call(KernelCall& call, device::Word* words, Overflow overflow, base::Nanoseconds timeout) {
  const Address actor{static_cast<std::uint32_t>(words[0])};
  const auto number = calls_->begin(call, actor, timeout);
  if (number == 0) return;
  set_correlation(words, number);
  const auto delivery = deliver(words, overflow, deadline_after(timeout));
  if (delivery == Delivery::accepted || delivery == Delivery::dropped) return;  // the dead letter ends it
  calls_->fail(number, delivery == Delivery::full ? Errc::queue_full : Errc::actor_died,
               why_undelivered(delivery, actor, overflow, *name_));
}

void LiveKernel::post(device::Words words, Overflow overflow, base::Nanoseconds timeout) {
  backlog_->push({std::move(words), overflow, deadline_after(timeout)});
}

void LiveKernel::post_call(KernelCall& call, device::Words words, Overflow overflow, base::Nanoseconds timeout) {
  const auto number = calls_->begin(call, Address{static_cast<std::uint32_t>(words[0])}, timeout);
  if (number == 0) return;
  set_correlation(words.data(), number);
  post(std::move(words), overflow, timeout);
}

// ---- the kernels of a rank

bool Kernels::add(const std::shared_ptr<LiveKernel>& kernel) {
  const std::lock_guard lock(mutex_);
  if (ending_) return false;
  std::erase_if(kernels_, [](const auto& other) { return other.second.kernel.expired(); });
  kernels_.emplace(kernel->id(), Row{kernel, kernel->watch()});
  return true;
}

std::shared_ptr<LiveKernel> Kernels::find(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = kernels_.find(id);
  return found == kernels_.end() ? nullptr : found->second.kernel.lock();
}

void Kernels::begin_end() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(ending_, true)) return;
  ended_ = kernels_.empty();
  if (ended_) return;
  ender_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    for (const auto& [id, row] : kernels_)  // nobody adds any more
      if (const auto kernel = row.kernel.lock()) {
        current_ = kernel->watch();
        lock.unlock();
        kernel->terminate();
        lock.lock();
      }
    ended_ = true;
    changed_.notify_all();
  });
}

std::string Kernels::end(base::Nanoseconds timeout) {
  begin_end();
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [&] { return ended_; }))
      return current_ ? current_->what_runs() : "a kernel of device actors";
  }
  if (ender_.joinable()) ender_.join();
  return {};
}

// Not the kernels: who lets go of the last reference to one waits for its handlers.
std::vector<std::shared_ptr<KernelWatch>> Kernels::watches() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<KernelWatch>> all;
  for (const auto& [id, row] : kernels_)
    if (auto watch = row.watch.lock()) all.push_back(std::move(watch));
  return all;
}

std::vector<device::KernelInfo> Kernels::live() {
  std::vector<device::KernelInfo> all;
  for (const auto& watch : watches())
    if (const auto life = watch->hosted().life(); life != device::Life::terminated)
      all.push_back({watch->kernel(), life, watch->hosted().blocks()});
  return all;
}

void Kernels::look(base::Nanoseconds now) {
  for (const auto& watch : watches()) watch->look(now);
}

std::string Kernels::report(base::Nanoseconds now) {
  std::string text;
  for (const auto& watch : watches()) text += watch->report(now);
  return text;
}

}  // namespace ringray::runtime

std::vector<ringray::device::KernelInfo> ringray::device::kernels() {
  runtime::check_inside("device::kernels");
  return runtime::core().kernels().live();
}
