#include "cluster.hpp"

#include "ringray/base/check.hpp"

namespace ringray::control::testing {

class Cluster::Post : public wire::Outbox {
 public:
  Post(Cluster& cluster, Rank source) : cluster_(cluster), source_(source) {}
  void send(Rank target, wire::Envelope envelope, wire::View payload) override {
    envelope.source = source_;
    envelope.payload_bytes = payload.size();
    Mail mail{source_, target, envelope, {payload.begin(), payload.end()}};
    cluster_.log.push_back(mail);
    const bool local = source_ == target;
    if (!local && cluster_.random.chance(cluster_.options_.drop)) return;
    auto& queue = cluster_.under_way_[{source_, target}];
    queue.push_back(mail);
    if (!local && cluster_.random.chance(cluster_.options_.duplicate)) queue.push_back(std::move(mail));
  }
  void send_bulk(Rank, wire::Envelope, wire::Lease) override { RINGRAY_ASSERT(false, "the control plane has no bulk"); }

 private:
  Cluster& cluster_;
  Rank source_;
};

Cluster::Member::Member(Rank rank, const RankRecord& record, std::uint32_t ranks, const std::vector<RankRecord>& all)
    : membership(ranks),
      ledger(record.total),
      reservations(ledger),
      relay(rank, record.epoch, membership),
      client(record.epoch) {
  for (const auto& other : all) membership.join(other);
}

Cluster::Cluster(std::vector<RankRecord> records, ClusterOptions options) : random(options.seed), options_(options) {
  const auto count = static_cast<std::uint32_t>(records.size());
  scheduler::Membership membership(count);
  for (const auto& record : records) {
    RINGRAY_ASSERT(membership.join(record));
    members.push_back(std::make_unique<Member>(record.rank, record, count, records));
  }
  store = std::make_unique<ControlStore>(std::move(membership));
}

std::uint64_t Cluster::ask(Rank rank, const Request& request) {
  Post post(*this, rank);
  members[rank.value]->client.ask(request, ++last_token_, now, post);
  return last_token_;
}

void Cluster::deliver(const Mail& mail) {
  auto& member = *members[mail.target.value];
  if (!member.running) return;
  Post post(*this, mail.target);
  switch (mail.envelope.kind) {
    case wire::Kind::control_request:
    case wire::Kind::subscription_known:
    case wire::Kind::reserved:
      return store->on_message(mail.envelope, mail.payload, now, post);
    case wire::Kind::control_reply:
      if (auto answer = member.client.on_message(mail.envelope, mail.payload))
        RINGRAY_ASSERT(replies.emplace(answer->token, answer->reply).second, "answered twice");
      return;
    case wire::Kind::subscription: {
      const auto change = decode<Request>(mail.payload).value();
      member.subscriptions.apply(change, member.membership);
      const auto* added = std::get_if<Subscribe>(&change);
      const bool in_vain = added && member.ended.valid() && added->subscriber.actor == member.ended;
      return post.send(0,
                       {.correlation = mail.envelope.correlation,
                        .error = static_cast<std::uint16_t>(in_vain ? Errc::actor_died : Errc::none),
                        .kind = wire::Kind::subscription_known},
                       {});
    }
    case wire::Kind::publish:
      member.published.push_back(mail);
      return;
    case wire::Kind::reserve:
      return member.reservations.on_reserve(mail.envelope, mail.payload, post);
    case wire::Kind::unreserve:
      for (auto& grant : member.reservations.on_unreserve(mail.envelope, post)) member.evicted.push_back(grant);
      return;
    case wire::Kind::membership:
      for (const auto& dead : member.relay.on_message(mail.envelope, mail.payload, post)) {
        member.died.push_back(dead);
        member.subscriptions.rank_died(dead.rank);
      }
      return;
    default:
      RINGRAY_ASSERT(false, "not of the control plane");
  }
}

bool Cluster::step() {
  std::vector<std::pair<Rank, Rank>> pairs;
  for (const auto& [pair, queue] : under_way_)
    if (!queue.empty() && !hold(queue.front())) pairs.push_back(pair);
  if (pairs.empty()) return false;
  auto& queue = under_way_[pairs[random.below(pairs.size())]];
  const auto mail = std::move(queue.front());
  queue.pop_front();
  deliver(mail);
  return true;
}

void Cluster::deliver_all() {
  for (int steps = 0; step(); ++steps) RINGRAY_ASSERT(steps < 100'000, "messages beget messages without end");
}

void Cluster::tick() {
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    if (!members[i]->running) continue;
    Post post(*this, i);
    for (auto& answer : members[i]->client.tick(now, post)) replies.emplace(answer.token, answer.reply);
    if (i == 0) store->tick(now, post);
  }
}

void Cluster::pass(base::Nanoseconds time) {
  for (const auto until = now + time; now < until;) {
    now += std::chrono::milliseconds(10);
    tick();
    deliver_all();
  }
}

void Cluster::settle() {
  deliver_all();
  const auto open = [&] {
    for (const auto& member : members)
      if (member->running && member->client.open_count() != 0) return true;
    return !store->groups().quiet();
  };
  // What waits for somebody else's deed stays open: time passes for what was lost only.
  for (int i = 0; i < 20 && open(); ++i) pass(std::chrono::milliseconds(options_.drop > 0 ? 1000 : 10));
}

void Cluster::kill(Rank rank) { members[rank.value]->running = false; }

std::optional<Result<Reply>> Cluster::reply(std::uint64_t token) const {
  const auto found = replies.find(token);
  return found == replies.end() ? std::nullopt : std::optional(found->second);
}

std::vector<RankRecord> ranks_with(const std::vector<Resources>& totals) {
  std::vector<RankRecord> records;
  for (std::uint32_t i = 0; i < totals.size(); ++i) records.push_back({.rank = i, .host = i / 2, .total = totals[i]});
  return records;
}

}  // namespace ringray::control::testing
