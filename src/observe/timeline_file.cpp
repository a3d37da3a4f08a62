#include "ringray/observe/timeline_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "ringray/base/replaced_file.hpp"
#include "ringray/observe/timeline_format.hpp"

namespace ringray::observe {
namespace {

/// Takes values from the front of bytes of unknown quality.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  bool take(T& value) {
    if (rest_.size() < sizeof value) return false;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return true;
  }
  bool take(std::string_view& text, std::size_t size) {
    if (rest_.size() < size) return false;
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

struct Part {
  TimelineHeader header;
  std::vector<std::string_view> names;
  std::vector<std::uint32_t> threads;  // their names
  std::string_view events;             // header.events of them, checked

  TimelineEvent event(std::size_t index) const {
    TimelineEvent event;
    std::memcpy(&event, events.data() + index * sizeof event, sizeof event);
    return event;
  }
};

std::optional<Part> decode(std::string_view bytes) {
  Part part;
  Reader reader(bytes);
  auto& header = part.header;
  if (!reader.take(header) || header.magic != timeline_magic) return std::nullopt;
  for (std::uint32_t i = 0; i < header.names; ++i) {
    std::uint32_t size = 0;
    std::string_view name;
    if (!reader.take(size) || !reader.take(name, size)) return std::nullopt;
    part.names.push_back(name);
  }
  for (std::uint32_t i = 0; i < header.threads; ++i) {
    std::uint32_t name = 0;
    if (!reader.take(name) || name >= header.names) return std::nullopt;
    part.threads.push_back(name);
  }
  if (reader.left() != std::size_t{header.events} * sizeof(TimelineEvent)) return std::nullopt;
  reader.take(part.events, reader.left());
  for (std::uint32_t i = 0; i < header.events; ++i) {
    const auto event = part.event(i);
    if (event.kind >= TimelineKind::count || event.name >= header.names || event.thread >= header.threads)
      return std::nullopt;
  }
  return part;
}

/// A JSON string. Bytes that are not printable ASCII are shown as '?': names come from users.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
  }
  return out + '"';
}

/// Nanoseconds as the microseconds that the format wants.
std::string microseconds(std::uint64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

void write_part(std::string& json, const Part& part, std::uint64_t first_start_ns) {
  const auto rank = part.header.rank;
  const auto line = [&json](const std::string& object) { (json += json.ends_with('[') ? "\n" : ",\n") += object; };
  line(fmt::format(R"({{"ph":"M","pid":{0},"name":"process_name","args":{{"name":"rank {0}"}}}})", rank));
  line(fmt::format(R"({{"ph":"M","pid":{0},"name":"process_sort_index","args":{{"sort_index":{0}}}}})", rank));
  for (std::size_t thread = 0; thread < part.threads.size(); ++thread)
    if (const auto name = part.names[part.threads[thread]]; !name.empty())
      line(fmt::format(R"({{"ph":"M","pid":{},"tid":{},"name":"thread_name","args":{{"name":{}}}}})", rank, thread,
                       quoted(name)));
  if (part.header.dropped)
    line(fmt::format(R"({{"ph":"i","s":"p","pid":{},"tid":0,"ts":0,"name":"{} events did not fit"}})", rank,
                     part.header.dropped));

  const auto shift = part.header.start_ns - first_start_ns;
  for (std::uint32_t i = 0; i < part.header.events; ++i) {
    const auto event = part.event(i);
    const auto& id = event.subject;
    const auto where = fmt::format(R"("pid":{},"tid":{},"ts":{},"name":{})", rank, event.thread,
                                   microseconds(event.begin_ns + shift), quoted(part.names[event.name]));
    const auto subject =
        id.valid() ? fmt::format(R"(,"args":{{"id":"{}.{}.{}"}})", id.owner.value, id.epoch, id.sequence) : "";
    switch (event.kind) {
      case TimelineKind::span:
        line(fmt::format(R"({{"ph":"X","dur":{},{}{}}})", microseconds(event.duration_ns), where, subject));
        break;
      case TimelineKind::instant:
        line(fmt::format(R"({{"ph":"i","s":"t",{}{}}})", where, subject));
        break;
      case TimelineKind::flow_out:
        line(fmt::format(R"({{"ph":"s","cat":"envelope","id":"{:#x}",{}}})", id.sequence, where));
        break;
      default:
        line(fmt::format(R"({{"ph":"f","bp":"e","cat":"envelope","id":"{:#x}",{}}})", id.sequence, where));
    }
  }
}

}  // namespace

Result<std::string> timeline_json(std::span<const std::string> parts) {
  std::vector<Part> decoded;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto part = decode(parts[i]);
    if (!part)
      return failure(Errc::corrupt_data, fmt::format("part {} of the timeline does not decode (it would show a wrong "
                                                     "order); all ranks must run one build",
                                                     i));
    decoded.push_back(std::move(*part));
  }
  std::uint64_t first_start_ns = ~std::uint64_t{0};
  for (const auto& part : decoded) first_start_ns = std::min(first_start_ns, part.header.start_ns);
  std::string json = R"({"displayTimeUnit":"ns","traceEvents":[)";
  for (const auto& part : decoded) write_part(json, part, first_start_ns);
  return json + "\n]}\n";
}

Result<void> write_file(const std::string& path, std::string_view text) {
  const auto refuse = [&](const char* what, const std::string& why, Errc code) {
    return failure(
        code, fmt::format("'{}' cannot be {}: {} (the file is not written); name a writable folder with room", path,
                          what, why));
  };
  const auto fail = [&](const char* what, int error) {
    return refuse(what, std::strerror(error), error == ENOSPC ? Errc::out_of_disk : Errc::config);
  };
  const auto target = base::replaced_file(path);
  if (!target) return refuse("replaced", target.error().text, Errc::config);
  const auto beside = fmt::format("{}.{}.part", *target, ::getpid());
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return fail("created", errno);
  int error = 0;
  while (!text.empty() && error == 0) {
    const auto written = ::write(file, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      error = errno;
  }
  if (error == 0 && ::fsync(file) != 0) error = errno;
  if (::close(file) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(beside.c_str(), target->c_str()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(beside.c_str());
  return fail("written", error);
}

}  // namespace ringray::observe
