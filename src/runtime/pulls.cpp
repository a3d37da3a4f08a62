// When bytes that lie elsewhere may come: store::Admission decides.

#include "ringray/runtime/core.hpp"
#include "ringray/runtime/coroutine.hpp"

namespace ringray::runtime {

// Room that the value of an object elsewhere needs here; 0 when it is small or can be read where it is.
std::uint64_t Core::bytes_to_pull(const Extra& e) const {
  return config_.arena && neighbours_.knows(owner_.holder(e.id)) ? 0 : owner_.bytes(e.id);
}

// The arguments of a task are pulled all together or not at all, so that two tasks do not each hold half of them.
bool Core::admit_arguments(Record& record) {
  ArgumentList arguments;
  record.kind().arguments(record, arguments);
  return with([&] {
    if (record.claimed()) return false;
    std::vector<store::Admission::Object> objects;
    for (auto* state : arguments)
      if (!runtime::here(*state))
        if (const auto bytes = bytes_to_pull(*state->extra())) objects.push_back({state->extra()->id, bytes});
    if (objects.empty()) return true;
    const auto pull = record.make_more().pull = ++last_pull_;
    begin_pulls(admission_.activate(pull, PullClass::arguments, std::move(objects)));
    return true;
  });
}

void Core::end_pull(Record& record) {
  with([&] {
    if (const auto pull = std::exchange(record.more->pull, 0)) begin_pulls(admission_.finish(pull));
  });
}

void Core::begin_pulls(const store::Admission::Change& change) {
  for (const auto& object : change.start) {
    auto* state = static_cast<ObjectState*>(owner_.token(object.id));
    if (!state || std::exchange(state->extra()->value_asked, true)) continue;
    owner_.want(object.id, owner::Want::value);
  }
}

void Core::pulled(ObjectId id, Extra& e) {
  admission_.arrived(id);
  if (const auto pull = std::exchange(e.pull, 0)) begin_pulls(admission_.finish(pull));
}

}  // namespace ringray::runtime
