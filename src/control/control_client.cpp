#include "ringray/control/control_client.hpp"

#include <utility>

namespace ringray::control {

std::uint64_t ControlClient::ask(const Request& request, std::uint64_t token, base::Nanoseconds now,
                                 wire::Outbox& outbox) {
  const auto correlation = ++last_correlation_;
  auto& open = open_.emplace(correlation, Open{token, encode(request), now}).first->second;
  if (!failed_) send(correlation, open, now, outbox, true);
  return correlation;
}

// One whose answer the store may forget, of those behind an open one; 0: none. No copy of it is sent any more, and all
// that were arrive before what is sent now.
std::uint64_t ControlClient::take_answered() {
  while (!answered_.empty()) {
    const auto correlation = answered_.front();
    answered_.pop_front();
    if (correlation > open_.begin()->first) return correlation;
  }
  return 0;
}

void ControlClient::send(std::uint64_t correlation, Open& open, base::Nanoseconds now, wire::Outbox& outbox,
                         bool is_new) {
  open.sent = now;
  const auto answered = is_new ? take_answered() : 0;
  wire::Envelope envelope{.callable = open_.begin()->first,  // every answer before this one has come
                          .correlation = correlation,
                          .sender = epoch_,
                          .argument = answered == 0 ? 0 : static_cast<std::uint32_t>(correlation - answered),
                          .kind = wire::Kind::control_request};
  outbox.send(0, envelope, open.request.view());
}

std::optional<ControlClient::Answer> ControlClient::on_message(const wire::Envelope& envelope, wire::View payload) {
  if (envelope.kind != wire::Kind::control_reply || envelope.argument != epoch_) return std::nullopt;
  const auto found = open_.find(envelope.correlation);
  if (found == open_.end()) return std::nullopt;
  Answer answer{found->second.token, decode<Reply>(payload)};
  open_.erase(found);
  if (open_.empty())
    answered_.clear();  // the next request confirms all before it
  else
    answered_.push_back(envelope.correlation);
  if (!answer.reply) return answer;
  if (auto* refusal = std::get_if<Refusal>(&*answer.reply))
    answer.reply = failure(refusal->code, std::string(refusal->text));
  return answer;
}

std::vector<ControlClient::Answer> ControlClient::tick(base::Nanoseconds now, wire::Outbox& outbox) {
  if (failed_) return fail_all(Failure(*failed_));
  if (open_.empty() || now - asked_again_at_ < resend_after_) return {};
  auto next = open_.upper_bound(asked_again_);
  if (next == open_.end() || now - next->second.sent < resend_after_) next = open_.begin();
  if (now - next->second.sent < resend_after_) return {};
  asked_again_ = next->first;
  asked_again_at_ = now;
  send(next->first, next->second, now, outbox, false);
  return {};
}

std::vector<ControlClient::Answer> ControlClient::fail_all(const Failure& why) {
  failed_ = why;
  std::vector<Answer> answers;
  for (const auto& [correlation, open] : open_) answers.push_back({open.token, failure(why.code, why.text)});
  open_.clear();
  return answers;
}

}  // namespace ringray::control
