#include "explorer.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ringray::test {
namespace {

bool acquires(Order order) { return order == Order::acquire || order == Order::acquire_release; }
bool releases(Order order) { return order == Order::release || order == Order::acquire_release; }

template <class View>
void join(View& into, const View& other) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = std::max(into[i], other[i]);
}

}  // namespace

Word Explorer::changed(const Access& access, Word value) {
  switch (access.kind) {
    case Access::Kind::add:
      return value + access.operand;
    case Access::Kind::set_bits:
      return value | access.operand;
    case Access::Kind::keep_bits:
      return value & access.operand;
    default:
      return access.operand;
  }
}

Word Explorer::access(const void* word, Word value, Access access) {
  const auto [found, is_new] = index_of_.try_emplace(word, initial_.size());
  if (is_new) initial_.push_back(value);
  if (initial_.size() > words_max) throw std::length_error("more words than the explorer has room for");
  access.word = found->second;
  if (live_ != nullptr) {  // alone, after the others: the newest value
    know_words(*live_);
    auto& newest = live_->words[access.word].back();
    const Word before = newest.value;
    if (access.kind != Access::Kind::load && (access.kind != Access::Kind::exchange_if || before == access.expected))
      newest.value = changed(access, before);
    return before;
  }
  if (position_ < results_->size()) return (*results_)[position_++];
  pending_ = access;
  throw Pending{};
}

void Explorer::know_words(State& state) const {
  while (state.words.size() < initial_.size()) state.words.push_back({{initial_[state.words.size()], {}}});
}

/// Until the next access without a result; rounds without one are run through.
void Explorer::run(const Thread& body, State& state, ThreadState& thread) {
  results_ = &thread.results;
  while (!thread.ended) {
    position_ = 0;
    Notes kept = thread.kept;
    try {
      thread.ended = body(kept);
      thread.kept = std::move(kept);
      thread.results.clear();
    } catch (const Pending&) {
      thread.next = pending_;
      break;
    }
  }
  know_words(state);
}

/// All that the next access of `thread` may do.
template <class Visit>
void Explorer::successors(const State& state, std::size_t thread, const Visit& visit) {
  const Access next = state.threads[thread].next;
  const auto& history = state.words[next.word];
  const std::size_t newest = history.size() - 1;
  const auto proceed = [&](Word result, std::size_t read, bool reads, bool writes) {
    State after = state;
    auto& mine = after.threads[thread];
    auto& values = after.words[next.word];
    auto& seen = mine.view[next.word];
    mine.results.push_back(result);
    if (reads) {
      seen = std::max(seen, static_cast<std::uint8_t>(read));
      if (acquires(next.order) && (writes || next.kind == Access::Kind::load)) join(mine.view, values[read].view);
    }
    if (writes) {
      if (newest + 1 > 0xff) throw std::length_error("a word has more values than the explorer has room for");
      Value value{changed(next, values[newest].value), {}};
      seen = static_cast<std::uint8_t>(newest + 1);
      if (reads) value.view = values[newest].view;  // the release sequence goes on
      if (releases(next.order)) join(value.view, mine.view);
      value.view[next.word] = seen;
      values.push_back(value);
    }
    visit(std::move(after));
  };
  if (next.kind == Access::Kind::store) return proceed(0, 0, false, true);
  if (next.kind == Access::Kind::load || next.kind == Access::Kind::exchange_if) {
    for (std::size_t i = state.threads[thread].view[next.word]; i <= newest; ++i)
      if (next.kind == Access::Kind::load || history[i].value != next.expected)
        proceed(history[i].value, i, true, false);
    if (next.kind == Access::Kind::exchange_if && history[newest].value == next.expected)
      proceed(history[newest].value, newest, true, true);
    return;
  }
  proceed(history[newest].value, newest, true, true);
}

/// Drops values that no thread can read any more, so that states that differ only in them are one.
void Explorer::forget(State& state) {
  for (std::size_t word = 0; word < state.words.size(); ++word) {
    auto& history = state.words[word];
    std::size_t oldest = history.size() - 1;
    for (const auto& thread : state.threads)
      if (!thread.ended) oldest = std::min<std::size_t>(oldest, thread.view[word]);
    if (oldest == 0) continue;
    history.erase(history.begin(), history.begin() + static_cast<std::ptrdiff_t>(oldest));
    const auto shift = [&](View& view) {
      view[word] = static_cast<std::uint8_t>(view[word] > oldest ? view[word] - oldest : 0);
    };
    for (auto& thread : state.threads) shift(thread.view);
    for (auto& values : state.words)
      for (auto& value : values) shift(value.view);
  }
  for (auto& thread : state.threads)
    if (thread.ended) thread.view = {};
}

std::string Explorer::key(const State& state) {
  std::string key;
  const auto put = [&](Word value) {  // small numbers are frequent
    do {
      key.push_back(static_cast<char>((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
      value >>= 7;
    } while (value != 0);
  };
  const auto put_all = [&](const auto& values) {
    put(values.size());
    for (const auto value : values) put(value);
  };
  const auto put_view = [&](const View& view) {
    for (std::size_t word = 0; word < state.words.size(); ++word) put(view[word]);
  };
  for (const auto& thread : state.threads) {
    put(thread.ended);
    put_all(thread.kept);
    put_all(thread.results);
    put_view(thread.view);
  }
  for (const auto& history : state.words) {
    put(history.size());
    for (const auto& value : history) {
      put(value.value);
      put_view(value.view);
    }
  }
  return key;
}

std::string Explorer::describe(const State& state) {
  std::string text;
  for (std::size_t t = 0; t < state.threads.size(); ++t) {
    text += "\n  thread " + std::to_string(t) + " kept:";
    for (const auto value : state.threads[t].kept) text += " " + std::to_string(value);
  }
  return text;
}

std::string Explorer::judge(State state, const Judge& judge) {
  std::vector<Notes> kept;
  for (const auto& thread : state.threads) kept.push_back(thread.kept);
  live_ = &state;
  auto problem = judge(kept);
  live_ = nullptr;
  return problem;
}

Explorer::Report Explorer::explore(const std::vector<Thread>& threads, const Judge& verdict) {
  using Id = std::uint32_t;
  Report report;
  current_ = this;
  std::unordered_map<std::string, Id> known;
  std::vector<std::pair<Id, Id>> edges;  // to, from
  std::vector<std::pair<State, Id>> open;
  std::vector<Id> ends;
  const auto meet = [&](State state) {
    forget(state);
    const auto [found, is_new] = known.try_emplace(key(state), static_cast<Id>(known.size()));
    if (is_new) open.emplace_back(std::move(state), found->second);
    return found->second;
  };
  State first;
  first.threads.resize(threads.size());
  for (std::size_t t = 0; t < threads.size(); ++t) run(threads[t], first, first.threads[t]);
  meet(std::move(first));
  while (!open.empty() && report.problem.empty()) {
    const auto [state, id] = std::move(open.back());
    open.pop_back();
    bool ended = true;
    for (std::size_t t = 0; t < threads.size(); ++t) {
      if (state.threads[t].ended) continue;
      ended = false;
      successors(state, t, [&, from = id](State after) {
        run(threads[t], after, after.threads[t]);
        edges.emplace_back(meet(std::move(after)), from);
      });
    }
    if (!ended) continue;
    ends.push_back(id);
    const auto problem = judge(state, verdict);
    if (!problem.empty()) report.problem = problem + describe(state);
  }
  current_ = nullptr;
  report.states = known.size();
  report.ends = ends.size();
  if (!report.problem.empty()) return report;

  std::sort(edges.begin(), edges.end());
  std::vector<bool> reaches(known.size());
  for (const auto end : ends) reaches[end] = true;
  std::size_t reaching = ends.size();
  while (!ends.empty()) {
    const auto to = ends.back();
    ends.pop_back();
    for (auto edge = std::lower_bound(edges.begin(), edges.end(), std::pair<Id, Id>{to, 0});
         edge != edges.end() && edge->first == to; ++edge)
      if (!reaches[edge->second]) {
        reaches[edge->second] = true;
        ++reaching;
        ends.push_back(edge->second);
      }
  }
  report.stuck = known.size() - reaching;
  return report;
}

}  // namespace ringray::test
