#include "ringray/transport/bootstrap/introduction.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "ringray/base/random.hpp"

namespace ringray::transport {
namespace {

// Fields are eight-byte numbers and byte strings with their length before them.
class Writer {
 public:
  void number(std::uint64_t value) { append(&value, sizeof value); }
  template <class Bytes>
  void string(const Bytes& bytes) {
    number(bytes.size());
    append(bytes.data(), bytes.size());
  }
  std::vector<std::byte> take() && { return std::move(out_); }

 private:
  void append(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(data);
    out_.insert(out_.end(), bytes, bytes + size);
  }
  std::vector<std::byte> out_;
};

class Reader {
 public:
  explicit Reader(wire::View bytes) : rest_(bytes) {}
  bool number(std::uint64_t& value) { return take(&value, sizeof value); }
  template <class Bytes>
  bool string(Bytes& bytes) {
    std::uint64_t size = 0;
    if (!number(size) || size > rest_.size()) return false;
    bytes.resize(size);
    return take(bytes.data(), size);
  }
  bool at_end() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

 private:
  bool take(void* out, std::size_t size) {
    if (size > rest_.size()) return false;
    if (size != 0) std::memcpy(out, rest_.data(), size);
    rest_ = rest_.subspan(size);
    return true;
  }
  wire::View rest_;
};

constexpr std::uint64_t format = 0x31'79'61'72'67'6e'69'72;  // "ringray1"

bool read(Reader& in, Introduction& out) {
  std::uint64_t tag = 0, modules = 0;
  if (!in.number(tag) || tag != format || !in.number(out.key) || !in.string(out.host.boot_id) ||
      !in.number(out.host.process_namespace) || !in.string(out.host.name) || !in.number(out.process_id) ||
      !in.number(modules) || modules > in.left() / 16)
    return false;
  out.modules.resize(modules);
  for (auto& module : out.modules)
    if (!in.string(module.name) || !in.string(module.build_id)) return false;
  return in.string(out.address) && in.string(out.extra) && in.at_end();
}

}  // namespace

Host this_host() {
  Host host;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> host.boot_id;
  struct stat status;
  if (::stat("/proc/self/ns/pid", &status) == 0) host.process_namespace = status.st_ino;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0) host.name = name;
  return host;
}

std::vector<std::byte> encode(const Introduction& introduction) {
  Writer out;
  out.number(format);
  out.number(introduction.key);
  out.string(introduction.host.boot_id);
  out.number(introduction.host.process_namespace);
  out.string(introduction.host.name);
  out.number(introduction.process_id);
  out.number(introduction.modules.size());
  for (const auto& module : introduction.modules) {
    out.string(module.name);
    out.string(module.build_id);
  }
  out.string(introduction.address);
  out.string(introduction.extra);
  return std::move(out).take();
}

Result<Introduction> decode_introduction(wire::View bytes) {
  Introduction introduction;
  Reader in(bytes);
  if (!read(in, introduction)) return failure(Errc::corrupt_data, "a rank's introduction does not decode");
  return introduction;
}

Result<Company> introduce(Bootstrap& bootstrap, std::vector<std::byte> address, std::vector<std::byte> extra) {
  Introduction own;
  own.key = bootstrap.rank() == Rank(0) ? base::random_seed() : 0;
  own.host = this_host();
  own.process_id = static_cast<std::uint64_t>(::getpid());
  own.modules = loaded_modules();
  own.address = std::move(address);
  own.extra = std::move(extra);
  auto records = bootstrap.exchange(encode(own));
  if (!records) return tl::make_unexpected(records.error());

  Company company;
  company.roster.self = bootstrap.rank();
  for (std::uint32_t rank = 0; rank < records->size(); ++rank) {
    auto introduction = decode_introduction((*records)[rank]);
    if (!introduction)
      return failure(Errc::config, "rank " + std::to_string(rank) +
                                       " introduced itself in words that this rank does not understand (all ranks "
                                       "must run the same build); start one binary on all ranks");
    company.roster.addresses.push_back(introduction->address);
    company.roster.process_ids.push_back(introduction->host == own.host ? introduction->process_id : 0);
    company.ranks.push_back(std::move(*introduction));
    if (auto mismatch = build_mismatch(company.ranks.front().modules, company.ranks.back().modules))
      return failure(Errc::config, "rank 0 on " + company.ranks.front().host.name + " and rank " +
                                       std::to_string(rank) + " on " + company.ranks.back().host.name +
                                       " run different builds: " + *mismatch +
                                       " (ranks exchange objects as they lie in memory); install one build everywhere");
  }
  company.roster.key = company.ranks.front().key;
  return company;
}

}  // namespace ringray::transport
