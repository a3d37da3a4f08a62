#pragma once
// Kernels of device actors in a running job. What the templates of include/ringray/device.hpp call.

#include <any>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ringray/device/cpu_kernel.hpp"
#include "ringray/device/supervision.hpp"
#include "ringray/runtime/kernel_calls.hpp"
#include "ringray/runtime/kernel_watch.hpp"
#include "ringray/runtime/this_run.hpp"

namespace ringray::device {

/// What runs the blocks of a kernel.
enum class Backend : std::uint8_t {
  automatic,  ///< the best that this build and this machine have: threads of the CPU
  cpu,        ///< a thread for each block
  cuda,       ///< ConfigError: no build can do it yet
};

struct LaunchOptions {
  std::string name = "kernel";  ///< what messages and reports call it; needs not be unique
  Backend backend = Backend::automatic;
  std::uint32_t blocks = 1;             ///< each schedules up to 256 actors, in a thread of its own
  std::uint32_t queue_capacity = 256;   ///< cells of 64 bytes in a mailbox, for each priority; a power of two
  std::uint32_t egress_capacity = 0;    ///< cells for answers and dead letters; a power of two. 0: by the blocks
  std::chrono::nanoseconds quantum{0};  ///< a block leaves its resources for a moment at this interval; 0: never
  bool auto_activate = true;            ///< false: no message is handled before activate()
  /// A handler that runs for longer is named in the log, again after twice that time, and so on. 0: never. It is not
  /// ended: no thread of a CPU can be.
  std::chrono::nanoseconds watchdog = std::chrono::seconds(10);
};

struct SpawnOptions {
  std::string name{};                    ///< for find_actor(); unique among live actors of all kinds; empty: none
  Priority priority = Priority::normal;  ///< of messages that are sent through the handle
  std::uint32_t queue_capacity = 0;      ///< cells, for each priority; a power of two. 0: the kernel's
  Overflow overflow = Overflow::wait;    ///< what becomes of a message that finds the mailbox full
  Supervision supervision{};             ///< whether it is restarted when it has failed
};

struct CheckpointOptions {
  std::uint32_t keep = 1;  ///< files: NAME, the one before as NAME.1, and so on
};

struct MessageOptions {
  /// Of send(): how long it may wait for room (Overflow::wait), then QueueFullError. Of call(): until the answer, then
  /// GetTimeoutError.
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
  /// What the sender wrote to memory before is visible to the handler. To a kernel of this rank.
  bool refers_to_memory = false;
};

struct KernelInfo {
  std::string name;  ///< as it was launched; others may have the same
  Life state = Life::created;
  std::uint32_t blocks = 0;
};
/// The kernels of this rank that are not terminated, in the order of their launch. Driver, tasks and actors.
std::vector<KernelInfo> kernels();

}  // namespace ringray::device

namespace ringray::runtime {

class KernelBacklog;
class KernelGates;
class KernelLease;
class KernelSupervisors;

/// Throws it, as of this rank.
[[noreturn]] void raise(const Failure& failure);
template <class T>
T unwrap(Result<T> result) {
  if (!result) raise(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A launched kernel and its calls. Errors are exceptions. Any thread of a running rank.
class LiveKernel : public std::enable_shared_from_this<LiveKernel> {
 public:
  static std::shared_ptr<LiveKernel> launch(const device::LaunchOptions& options, device::CpuKernel::RunBlock run,
                                            const device::ProgramNames& program);
  LiveKernel(const LiveKernel&) = delete;
  LiveKernel& operator=(const LiveKernel&) = delete;
  ~LiveKernel();

  /// Throws ConfigError when its run has ended.
  LiveKernel& checked(const char* handle) {
    begun_.check(handle);
    return *this;
  }
  void activate();
  void suspend();
  void resume();
  /// Gives those who hold names of its actors, when it is the first to end it.
  std::vector<std::any> terminate() noexcept;
  device::HostedKernel& hosted() noexcept { return *hosted_; }
  const std::shared_ptr<const std::string>& name() const noexcept { return name_; }
  KernelCalls& calls() noexcept { return *calls_; }
  std::vector<device::DeadLetter> dead_letters() const { return calls_->dead_letters(); }

  /// `setup.queue_capacity` may be 0. Throws ConfigError when it is less than `cells_min`, which a message takes.
  device::Address spawn(device::ActorSetup setup, std::uint32_t cells_min, const device::Supervision& supervision);
  // The state of an actor, or of all to or from a file, at one message boundary. `types`: of the program, in its order.
  device::StateBytes checkpoint(device::Address actor);
  void restore(device::Address actor, const device::StateBytes& state);
  void write_checkpoint(const std::string& path, const device::CheckpointOptions& options,
                        const std::vector<std::string>& types);
  void read_checkpoint(const std::string& path, const std::vector<std::string>& types);
  /// With the messages that were refused outside of its mailboxes.
  device::Telemetry telemetry() const;
  void step(device::Address actor, device::Step step);
  /// Throws QueueFullError and ActorDiedError.
  device::Delivery send(device::Word* words, device::Overflow overflow, base::Nanoseconds timeout);
  /// `words`: of the message, whose correlation is set. Takes over one count of `call`, which gets all errors.
  void call(KernelCall& call, device::Word* words, device::Overflow overflow, base::Nanoseconds timeout);
  /// The same for messages of other ranks. They never wait here: what finds no room is kept until there is some, in
  /// order; what cannot be handled becomes a dead letter.
  void post(device::Words words, device::Overflow overflow, base::Nanoseconds timeout);
  void post_call(KernelCall& call, device::Words words, device::Overflow overflow, base::Nanoseconds timeout);

  KernelGates& gates() noexcept { return *gates_; }
  const std::shared_ptr<KernelWatch>& watch() const noexcept { return watch_; }

  /// Keeps who holds an actor's name until the kernel ends, or somebody takes it. False: the kernel has ended.
  bool keep_name(device::Address actor, std::any holder);
  /// An empty one: there is none.
  std::any take_name(device::Address actor);

  /// Names it on its rank, also in later runs of the process: Kernels::find.
  std::uint64_t id() const noexcept { return id_; }
  /// Shared by all who keep it running.
  std::shared_ptr<KernelLease> lease();
  /// What `make` gave when it was first asked, kept until the kernel ends; afterwards what it gives.
  std::any door(const std::function<std::any()>& make);

 private:
  LiveKernel(const device::LaunchOptions& options, device::CpuKernel::RunBlock run,
             const device::ProgramNames& program);
  device::Delivery deliver(device::Word* words, device::Overflow overflow, base::Nanoseconds deadline);
  void exclusive(const std::function<void()>& work);

  const Begun begun_;
  const std::shared_ptr<const std::string> name_;
  const std::uint32_t queue_capacity_;
  const std::shared_ptr<KernelCalls> calls_;
  const std::shared_ptr<KernelGates> gates_;
  const std::shared_ptr<KernelSupervisors> supervisors_;
  std::shared_ptr<device::HostedKernel> hosted_;
  std::shared_ptr<KernelBacklog> backlog_;
  std::shared_ptr<KernelWatch> watch_;
  const std::uint64_t id_;
  std::mutex checkpoints_;  // one at a time
  std::mutex mutex_;        // guards what follows
  std::weak_ptr<KernelLease> lease_;
  std::any door_;
  std::map<std::uint32_t, std::any> names_;  // by address
  bool ended_ = false;
};

/// Terminates the kernel when the last handle is gone.
class KernelLease {
 public:
  explicit KernelLease(std::shared_ptr<LiveKernel> kernel) : kernel_(std::move(kernel)) {}
  KernelLease(const KernelLease&) = delete;
  KernelLease& operator=(const KernelLease&) = delete;
  ~KernelLease() { kernel_->terminate(); }
  const std::shared_ptr<LiveKernel>& kernel() const noexcept { return kernel_; }

 private:
  const std::shared_ptr<LiveKernel> kernel_;
};

/// The kernels of a rank: they end before its pool does. Any thread.
class Kernels {
 public:
  /// False: the job ends.
  bool add(const std::shared_ptr<LiveKernel>& kernel);
  /// Null for one that is gone.
  std::shared_ptr<LiveKernel> find(std::uint64_t id);
  /// Terminates all, on a thread of its own, as handlers may take long.
  void begin_end();
  /// Waits for that: what of one had not ended in time, or nothing.
  std::string end(base::Nanoseconds timeout);
  std::vector<device::KernelInfo> live();
  /// Every tick. Not under the baton: it may log.
  void look(base::Nanoseconds now);
  /// Lines that name handlers which have run for more than a second.
  std::string report(base::Nanoseconds now);

 private:
  struct Row {
    std::weak_ptr<LiveKernel> kernel;
    std::weak_ptr<KernelWatch> watch;
  };
  std::vector<std::shared_ptr<KernelWatch>> watches();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::uint64_t, Row> kernels_;
  bool ending_ = false, ended_ = false;
  std::shared_ptr<KernelWatch> current_;  // of what is being terminated
  std::thread ender_;
};

}  // namespace ringray::runtime
