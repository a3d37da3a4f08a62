#include "ringray/control/control_client.hpp"

#include <utility>

namespace ringray::control {

std::uint64_t ControlClient::ask(const Request& request, std::uint64_t token, base::Nanoseconds now,
                                 wire::Outbox& outbox) {
  const auto correlation = ++last_correlation_;
  auto& open = open_.emplace(correlation, Open{token, encode(request), now}).first->second;
  if (!failed_) send(correlation, open, now, outbox);
  return correlation;
}

void ControlClient::send(std::uint64_t correlation, Open& open, base::Nanoseconds now, wire::Outbox& outbox) {
  open.sent = now;
  wire::Envelope envelope{.callable = open_.begin()->first,  // every answer before this one has come
                          .correlation = correlation,
                          .sender = epoch_,
                          .kind = wire::Kind::control_request};
  outbox.send(0, envelope, open.request.view());
}

std::optional<ControlClient::Answer> ControlClient::on_message(const wire::Envelope& envelope, wire::View payload) {
  const auto found = open_.find(envelope.correlation);
  if (envelope.kind != wire::Kind::control_reply || envelope.argument != epoch_ || found == open_.end())
    return std::nullopt;
  Answer answer{found->second.token, decode<Reply>(payload)};
  open_.erase(found);
  if (!answer.reply) return answer;
  if (auto* refusal = std::get_if<Refusal>(&*answer.reply))
    answer.reply = failure(refusal->code, std::string(refusal->text));
  return answer;
}

std::vector<ControlClient::Answer> ControlClient::tick(base::Nanoseconds now, wire::Outbox& outbox) {
  if (failed_) return fail_all(Failure(*failed_));
  for (auto& [correlation, open] : open_)
    if (now - open.sent >= resend_after_) send(correlation, open, now, outbox);
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
