#include "ringray/runtime/launch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "ringray/base/check.hpp"
#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/base/replaced_file.hpp"
#include "ringray/execution/topology.hpp"
#include "ringray/observe/timeline.hpp"
#include "ringray/observe/timeline_file.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/transport/bootstrap/introduction.hpp"
#include "ringray/transport/ucx/ucx.hpp"

namespace ringray::runtime {
namespace {

constexpr std::size_t arena_bytes_min = std::size_t{1} << 20;

unsigned number(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// Ranks of this job on this host, as the launcher says.
unsigned local_ranks() {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "RINGRAY_BOOTSTRAP_LOCAL_SIZE"})
    if (const auto count = number(name, 0)) return count;
  if (const char* text = std::getenv("SLURM_STEP_TASKS_PER_NODE"))
    return std::max(1ul, std::strtoul(text, nullptr, 10));
  return 1;
}

std::uint64_t first_number_in(const char* path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : 0;
}

/// Memory that the ranks of this host may use: the least of RAM, the cgroup's limit, and what /dev/shm-like memory has.
std::uint64_t host_memory_bytes() {
  std::uint64_t bytes =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (const auto limit = first_number_in(path); limit != 0) bytes = std::min(bytes, limit);
  return bytes;
}

std::uint64_t host_id(const transport::Host& host) {
  return std::hash<std::string>{}(host.boot_id + '/' + std::to_string(host.process_namespace) + '/' + host.name);
}

scheduler::RankRecord describe(const Config& config, Rank self, unsigned workers, const transport::Host& host,
                               const store::ObjectStore& store, store::Arena::Name arena) {
  static_cast<void>(store);
  scheduler::RankRecord record;
  record.rank = self;
  record.host = host_id(host);
  record.host_name = host.name;
  record.pid = static_cast<std::uint32_t>(getpid());
  record.total.cpus = config.cpus.value_or(static_cast<double>(workers));
  record.total.gpus = config.gpus.value_or(0);
  record.total.memory_bytes = host_memory_bytes() / local_ranks();
  for (const auto& [name, amount] : config.resources) record.total.custom[name] = amount;
  for (const auto& [key, value] : config.labels) record.labels[key] = value;
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  encoder(arena);
  record.arena.assign(reinterpret_cast<const char*>(buffer.data()), buffer.size());
  return record;
}

std::string spill_directory(const Config& config) {
  if (!config.spill_directory.empty()) return config.spill_directory;
  const char* folder = std::getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

std::string part_of(const std::string& timeline, Rank rank) { return timeline + ".rank" + std::to_string(rank.value); }

// Every rank writes its part before it says goodbye; rank 0 makes one file of those that it can see.
void write_timeline_part(const std::string& timeline, Rank self) {
  observe::Timeline::stop();
  if (auto written = observe::write_file(part_of(timeline, self), observe::Timeline::serialize()); !written)
    log::error("{}", written.error().text);
}

Result<void> merge_timeline(const std::string& timeline, std::uint32_t ranks) {
  std::vector<std::string> parts;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    std::ifstream file(part_of(timeline, rank), std::ios::binary);
    if (file) parts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    unlink(part_of(timeline, rank).c_str());  // of no use to anybody else, and perhaps the disk is full
  }
  auto json = observe::timeline_json(parts);
  if (!json) return tl::make_unexpected(json.error());
  if (auto written = observe::write_file(timeline, *json); !written) return written;
  if (parts.size() < ranks)
    log::warning("the timeline has {} of {} ranks: the others wrote theirs beside it where rank 0 cannot see it",
                 parts.size(), ranks);
  return {};
}

/// What a rank has before it knows the others.
struct Ready {
  Config config;
  unsigned workers = 1;
  bool oversubscribed = false;
  std::shared_ptr<store::ObjectStore> store;
  transport::ucx::Port port;
};

base::HybridClock& log_clock() {
  static base::HybridClock clock;  // the log shows it until the process ends
  return clock;
}

/// Finds out before the job runs what would lose its timeline at the end. Gives the file that its links lead to.
Result<std::string> check_timeline(const std::string& path) {
  const auto wrong = [&](const std::string& why) {
    return failure(Errc::config, fmt::format("--ringray.timeline: '{}' cannot be written: {} (the timeline would be "
                                             "lost); name a file in a writable folder",
                                             path, why));
  };
  auto target = base::replaced_file(path);
  if (!target) return wrong(target.error().text);
  const auto beside = fmt::format("{}.{}.part", *target, ::getpid());
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return wrong(std::strerror(errno));
  ::close(file);
  ::unlink(beside.c_str());
  return target;
}

/// All that can go wrong on this rank alone.
Result<Ready> prepare(Config config, Rank self) {
  if (auto started =
          log::start({.level = config.log_level, .file = config.log_file, .rank = self.value, .clock = &log_clock()});
      !started)
    return tl::make_unexpected(started.error());
  if (!config.timeline.empty()) {
    auto target = check_timeline(config.timeline);
    if (!target) return tl::make_unexpected(target.error());
    config.timeline = *target;
  }

  const auto ranks_here = local_ranks();
  const auto processors = execution::cpuset_size();
  const auto cores = static_cast<unsigned>(std::max(1l, sysconf(_SC_NPROCESSORS_ONLN)));
  // Every rank of a host may have been given all of its processors, or a share of its own.
  const unsigned share = processors == cores ? std::max(1u, processors / ranks_here) : processors;
  const unsigned workers = config.workers != 0 ? static_cast<unsigned>(config.workers) : share;
  const bool oversubscribed = config.oversubscribed == Switch::yes ||
                              (config.oversubscribed == Switch::automatic && workers * ranks_here > cores);

  const auto memory = host_memory_bytes();
  if (config.arena_bytes.value == 0)
    config.arena_bytes.value = std::max<std::uint64_t>(arena_bytes_min, memory / 3 / ranks_here);
  if (config.arena_bytes.value > memory / ranks_here)
    return failure(
        Errc::config,
        fmt::format("--ringray.arena_bytes: {} MiB for each of {} ranks are more than this host has ({} MiB); "
                    "use fewer ranks or less object memory",
                    config.arena_bytes.value >> 20, ranks_here, memory >> 20));
  auto store = store::ObjectStore::open(
      {.bytes = config.arena_bytes.value,
       .spill_directory = spill_directory(config),
       .spill_at = config.spill_at,
       .spill_bytes_max = config.spill_bytes_max.value ? config.spill_bytes_max.value : ~0ull});
  if (!store) return tl::make_unexpected(store.error());
  auto port = transport::ucx::Port::open();
  if (!port) return tl::make_unexpected(port.error());
  return Ready{std::move(config), workers, oversubscribed, std::move(*store), std::move(*port)};
}

struct All {
  std::vector<scheduler::RankRecord> records;
  transport::Roster roster;
};

/// Every rank tells all others what it is, or what is wrong with it: so all of them give up together.
Result<All> introduce_all(transport::Bootstrap& bootstrap, const Result<Ready>& ready) {
  wire::ByteBuffer extra;
  wire::Encoder encoder(extra);
  encoder(ready ? std::string() : ready.error().text);
  if (ready)
    encoder(describe(ready->config, bootstrap.rank(), ready->workers, transport::this_host(), *ready->store,
                     ready->store->arena().name()));
  auto company = transport::introduce(bootstrap, ready ? ready->port.address() : std::vector<std::byte>(),
                                      {extra.view().begin(), extra.view().end()});
  if (!company) return tl::make_unexpected(company.error());
  All all{{}, company->roster};
  for (std::uint32_t rank = 0; rank < company->ranks.size(); ++rank) {
    try {
      wire::Decoder decoder(company->ranks[rank].extra);
      if (const auto problem = wire::decode<std::string>(decoder); !problem.empty())
        return failure(Errc::config, rank == 0 ? problem : fmt::format("rank {}: {}", rank, problem));
      all.records.push_back(wire::decode<scheduler::RankRecord>(decoder));
    } catch (const Error& e) {
      return failure(Errc::corrupt_data,
                     std::string("a rank introduced itself in a form that does not decode: ") + e.what());
    }
  }
  return all;
}

}  // namespace

namespace {
bool is_handler_of_sigxfsz(void (*handler)(int)) {
  struct sigaction now {};
  RINGRAY_ASSERT(::sigaction(SIGXFSZ, nullptr, &now) == 0, "sigaction");
  return (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == handler;
}
}  // namespace

WritesMayFail::WritesMayFail() : ours_(is_handler_of_sigxfsz(SIG_DFL)) {
  if (ours_) std::signal(SIGXFSZ, SIG_IGN);
}
WritesMayFail::~WritesMayFail() {
  if (ours_ && is_handler_of_sigxfsz(SIG_IGN)) std::signal(SIGXFSZ, SIG_DFL);  // else the job has set its own
}

void Alone::abort(int exit_code) { _exit(exit_code); }

bool launched_by_mpi() {
  return number("OMPI_COMM_WORLD_SIZE", 0) > 0 || number("PMI_SIZE", 0) > 0 || std::getenv("PMIX_RANK") != nullptr;
}

Result<Ended> run_rank(transport::Bootstrap& bootstrap, Result<Config> config, std::function<void()> driver) {
  const auto self = bootstrap.rank();
  auto ready = config.and_then([&](const Config& c) { return prepare(c, self); });
  auto records = introduce_all(bootstrap, ready);
  if (!records) return tl::make_unexpected(records.error());
  auto& [all, roster] = *records;
  const auto& settings = ready->config;

  Parts parts;
  parts.self = self;
  parts.clock = &log_clock();
  parts.seed = settings.seed != 0 ? settings.seed : roster.key;
  parts.records = std::move(all);
  if (self == Rank{0}) {
    const auto counted = [](std::uint64_t count, const char* noun) {
      return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
    };
    log::info("{}, {} and {} MiB of object memory {}here{}, seed {}", counted(bootstrap.size(), "rank"),
              counted(ready->workers, "worker"), settings.arena_bytes.value >> 20, bootstrap.size() == 1 ? "" : "each ",
              ready->oversubscribed ? ", more ranks than cores" : "", parts.seed);
    for (const auto& change : settings.changes()) log::info("{}", change);
  }
  if (settings.mpi == MpiUse::bootstrap) bootstrap.finish(transport::Leave::together);
  parts.transport = std::move(ready->port).join(roster);
  parts.store = std::move(ready->store);
  parts.workers = ready->workers;
  parts.oversubscribed = ready->oversubscribed;
  if (!settings.timeline.empty()) observe::Timeline::start(self);
  parts.config = settings;

  Ended ended;
  {
    const auto core = std::make_unique<Core>(std::move(parts));
    if (!settings.timeline.empty()) core->before_goodbye([&] { write_timeline_part(settings.timeline, self); });
    try {
      core->run(std::move(driver));
    } catch (...) {
      ended.driver_threw = std::current_exception();
    }
    if (core->lost_ranks()) ended.leave = transport::Leave::alone;
  }
  if (log::enabled(LogLevel::debug)) log::debug("metrics:\n{}", base::metrics_table(base::metrics_snapshot()));
  if (!settings.timeline.empty() && self == Rank{0})
    if (auto merged = merge_timeline(settings.timeline, bootstrap.size()); !merged) ended.lost = merged.error().text;
  log::flush();
  return ended;
}

}  // namespace ringray::runtime
