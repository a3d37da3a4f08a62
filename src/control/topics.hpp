#pragma once
// Topics: who subscribes to what, of which every rank has a table, and the values that rank 0 keeps for later
// subscribers.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ringray/base/topic.hpp"
#include "ringray/control/messages.hpp"
#include "ringray/control/names.hpp"
#include "ringray/scheduler/membership.hpp"
#include "ringray/wire/outbox.hpp"

namespace ringray::control {

/// What is published, while it is being sent.
struct Published {
  std::string_view topic, type;
  wire::View topic_argument, value;  ///< encoded
  Quality quality = Quality::at_most_once;
  std::uint32_t caller = 0;
  wire::View references{};  ///< that the value has, as they travel
  std::uint32_t reference_count = 0;
};
/// What the method is called with, but for the references.
wire::ByteBuffer arguments_of(const Published& published, const Subscriber& subscriber);
/// For people; nothing: the method takes such values.
std::optional<std::string> mismatch(const Published& published, const Subscriber& subscriber);
/// By Kind::publish, to a rank that lives. A mismatch goes there in place of the value.
void send(const Published& published, const Subscriber& subscriber, wire::Outbox& outbox);

/// Who gets what, as a rank knows it. Baton holder.
class Subscriptions {
 public:
  /// `change`: a Subscribe, Unsubscribe or RemoveActor. Who is to subscribe on a rank that died is left out.
  void apply(const Request& change, const scheduler::Membership& membership);
  void rank_died(Rank rank);
  /// Of a right topic.
  using Subscribers = std::shared_ptr<const std::vector<Subscriber>>;
  Subscribers of(const std::string& topic);
  std::size_t patterns() const { return table_.patterns(); }

 private:
  static constexpr std::size_t looked_up_max = 4096;
  base::Topics<Subscriber, std::monostate> table_;
  std::unordered_map<std::string, Subscribers> looked_up_;  // by topic; since the table changed
};

/// Rank 0's side. Every rank has applied a change before who asked for it hears so: what is published afterwards finds
/// the subscriber. Retained values come by rank 0, in one order for all subscribers, those before a subscription first.
/// State machine; baton holder of rank 0.
class TopicStore {
 public:
  /// `membership`: the control store's, which knows of a death before this does.
  explicit TopicStore(const scheduler::Membership& membership) : membership_(membership), known_(membership.size()) {}

  void subscribe(const Asker& asker, const Subscribe& request, Answers& answers, wire::Outbox& outbox);
  void unsubscribe(const Asker& asker, const Unsubscribe& request, Answers& answers, wire::Outbox& outbox);
  void forget(const RemoveActor& request, wire::Outbox& outbox);
  Reply retain(Publication publication, wire::Outbox& outbox);
  Reply clear(const ClearRetained& request);
  /// For Kind::subscription_known. Its error: the actor is on that rank, and has ended.
  Answers on_known(const wire::Envelope& envelope);
  void rank_died(Rank rank, Answers& answers);

 private:
  struct Waiting {
    Asker asker;
    std::uint64_t version;
    Reply reply;
    bool subscribes;
  };
  void announce(const Request& change, wire::Outbox& outbox);
  void settle(Answers& answers);

  const scheduler::Membership& membership_;
  base::Topics<Subscriber, Publication> table_;
  std::uint64_t version_ = 0;         // counts changes
  std::vector<std::uint64_t> known_;  // by rank: the last change that it knows
  std::deque<Waiting> waiting_;       // for all to know
};

}  // namespace ringray::control
