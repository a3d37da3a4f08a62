#pragma once
// A one-way call from another rank, as its message brought it. Its actor decodes and runs it in its turn; only what has
// to wait, to move on or to fail becomes a record.

#include "ringray/runtime/record.hpp"
#include "ringray/wire/bytes.hpp"

namespace ringray::runtime {

/// One allocation with its arguments. Belongs to the actor's inbox.
class Letter final : public Mail {
 public:
  static Letter* make(const RecordType& type, Rank source, std::uint32_t caller, wire::View arguments);
  void remove() noexcept;
  /// The call as a record, with one count; null, and a line of log, when its arguments do not decode.
  Record* record(ActorRecord& target) const;
  wire::View arguments() const noexcept { return {reinterpret_cast<const std::byte*>(this + 1), bytes_}; }

  const RecordType& type;
  const Rank source;
  const std::uint32_t caller;
  bool stoppable = false;  ///< it asked for its stop token
  std::optional<Quality> published;

 private:
  Letter(const RecordType& t, Rank s, std::uint32_t c, std::uint32_t bytes)
      : type(t), source(s), caller(c), bytes_(bytes) {}
  const std::uint32_t bytes_;
};

}  // namespace ringray::runtime
