#pragma once
// Calls of device actors: states that a kernel's thread completes.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "ringray/device/calls.hpp"
#include "ringray/device/dead_letters.hpp"
#include "ringray/device/delivery.hpp"
#include "ringray/device/lifecycle.hpp"
#include "ringray/execution/timers.hpp"
#include "ringray/runtime/state.hpp"

namespace ringray::runtime {

/// What a call is, by the types of actor and message.
struct KernelCallType {
  std::uint16_t reply;  ///< the type of message that answers it
  void (*take)(ObjectState& call, const device::Parcel& answer);
  std::string (*name)();
};

/// Never helps; tells a KernelCall from other states.
bool help_kernel_call(execution::Work& work);
/// "Ping", of a mangled name.
std::string unqualified_name(const char* mangled);
/// "Echo::Ping", of two mangled names.
std::string kernel_call_name(const char* actor, const char* message);

/// Of a message that was not taken: why, and what to do.
std::string why_undelivered(device::Delivery delivery, device::Address actor, device::Overflow overflow,
                            const std::string& kernel);

/// Complete when the actor answered, or cannot any more. Any thread.
class KernelCall : public ObjectState {
 public:
  KernelCall(const Type& type, const ValueType* value_type, const KernelCallType& call,
             std::shared_ptr<const std::string> kernel) noexcept
      : ObjectState(type, value_type), call_(call), kernel_(std::move(kernel)) {}
  const KernelCallType& call() const noexcept { return call_; }
  /// "call 'Echo::Ping' of kernel 'waves'"
  std::string title() const { return "call '" + call_.name() + "' of kernel '" + *kernel_ + "'"; }

 protected:
  ~KernelCall() = default;

 private:
  const KernelCallType& call_;
  const std::shared_ptr<const std::string> kernel_;
};

template <class Actor, class Message>
class KernelCallOf final : public WithRoom<typename Message::Reply, KernelCall> {
  using Reply = typename Message::Reply;
  static constexpr KernelCallType call_type{
      Reply::id,
      [](ObjectState& call, const device::Parcel& answer) {
        static_cast<KernelCallOf&>(call).construct(answer.as<Reply>());
      },
      [] { return kernel_call_name(typeid(Actor).name(), typeid(Message).name()); }};
  static constexpr execution::Work::Type work_type{
      .help = &help_kernel_call, .destroy = [](execution::Work& work) noexcept {
        retire(static_cast<KernelCallOf&>(work),
               [](ObjectState& state) noexcept { delete static_cast<KernelCallOf*>(&state); });
      }};

 public:
  explicit KernelCallOf(std::shared_ptr<const std::string> kernel) noexcept
      : WithRoom<Reply, KernelCall>(work_type, value_type_of<Reply>(), call_type, std::move(kernel)) {}
  ~KernelCallOf() { this->clear_value(); }
};

/// The calls of one kernel that wait, and what comes from it to the host. Any thread.
class KernelCalls : public std::enable_shared_from_this<KernelCalls> {
 public:
  explicit KernelCalls(std::shared_ptr<const std::string> name) : name_(std::move(name)) {}

  /// The number that its message needs; 0: it has ended in an error. Takes over one count of `call`.
  std::uint32_t begin(KernelCall& call, device::Address actor, base::Nanoseconds timeout);
  /// Ends a call that waits.
  void fail(std::uint32_t number, Errc code, const std::string& text);
  /// The kernel has ended: what waits fails, and so does what begins from now on.
  void close();
  std::vector<device::DeadLetter> dead_letters() const;

  /// Gives what actors send to the host, and is no answer, to `listener`; until close(). The last one of a type counts.
  using Listener = std::function<void(const device::Parcel&)>;
  void listen(std::uint16_t type, Listener listener);

  void mail(const device::Parcel& parcel);

  /// For what ends from now on it is the reason.
  void blame(const std::string& reason);

  // By the kernel's thread.
  /// Active, suspended, terminating or terminated.
  void lived(device::Address actor, device::Life life);
  /// It stays failed: its calls fail, until it lives.
  void failed(device::Address actor, const std::string& why);
  void lost();

 private:
  struct Waiting {
    KernelCall* call;  // counted
    device::Address actor;
    execution::Timers::Id timer;
    bool timed = false;
  };
  using Calls = std::vector<Waiting>;
  static constexpr std::size_t letters_kept = 256;

  std::string why_ended(const char* otherwise) const { return blame_.empty() ? otherwise : blame_; }
  void answer(const device::Parcel& parcel);
  void hear(const device::Parcel& parcel);
  void bury(const device::Parcel& parcel, device::Reason reason);
  Calls take_of(device::Address actor);
  Calls take_all();
  bool take(std::uint32_t number, Waiting& waiting);
  void end(const Calls& calls, Errc code, const std::string& text);
  void end(const Waiting& waiting, Errc code, const std::string& text);

  const std::shared_ptr<const std::string> name_;
  mutable std::mutex mutex_;      // guards what follows
  device::PendingCalls numbers_;  // of waiting_
  std::unordered_map<std::uint32_t, Waiting> waiting_;
  std::unordered_map<std::uint32_t, std::string> failed_;  // actors that failed, by address: why
  std::unordered_map<std::uint16_t, std::shared_ptr<const Listener>> listeners_;
  device::DeadLetters letters_{letters_kept};
  std::string blame_;
  bool closed_ = false;
};

}  // namespace ringray::runtime
