#include "ringray/observe/timeline.hpp"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace ringray::observe {

std::atomic<bool> Timeline::recording_{false};

namespace {

constexpr std::uint32_t chunk_events = 1024;
constexpr std::uint32_t thread_chunks_max = 1024;  // a million events, 48 MiB, per thread; later ones are counted only
constexpr std::uint32_t threads_max = 0xffff;

struct Recorded {
  std::uint64_t begin_ns, duration_ns;
  ObjectId subject;
  const char* name;
  TimelineKind kind;
};

struct Chunk {
  std::array<Recorded, chunk_events> events;
  std::atomic<std::uint32_t> used{0};
  std::atomic<Chunk*> next{nullptr};
};

/// Events of one thread. One writer; any thread reads what is published by `used` and `next`.
struct Track {
  std::unique_ptr<Chunk> first = std::make_unique<Chunk>();
  Chunk* last = first.get();  // writer only
  std::uint32_t chunks = 1;   // writer only
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<const char*> name{""};

  ~Track() {
    for (auto* chunk = first->next.load(); chunk;) delete std::exchange(chunk, chunk->next.load());
  }
  void append(const Recorded& event) {
    auto used = last->used.load(std::memory_order_relaxed);
    if (used == chunk_events) {
      auto* more = chunks < thread_chunks_max ? new (std::nothrow) Chunk : nullptr;
      if (!more) {
        dropped.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      ++chunks;
      last->next.store(more, std::memory_order_release);
      last = more;
      used = 0;
    }
    last->events[used] = event;
    last->used.store(used + 1, std::memory_order_release);
  }
};

template <class T>
void put(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// All tracks of the process. Never destroyed: threads may record until the process ends.
struct TimelineState {
  std::mutex mutex;  // guards tracks and names
  std::vector<std::unique_ptr<Track>> tracks;
  std::set<std::string, std::less<>> names;
  std::atomic<std::uint64_t> generation{0};  // counts starts; a track of an older generation is gone
  std::uint64_t start_ns = 0, start_wall_ns = 0;
  Rank rank;

  static TimelineState& get() {
    static auto& instance = *new TimelineState;
    return instance;
  }

  /// The calling thread's track, or null when there are too many threads.
  Track* track() {
    struct Mine {
      Track* track = nullptr;
      std::uint64_t generation = 0;
    };
    thread_local Mine mine;
    const auto current = generation.load(std::memory_order_acquire);
    if (mine.generation != current) {
      std::lock_guard lock(mutex);
      mine.generation = current;
      mine.track = tracks.size() < threads_max ? tracks.emplace_back(std::make_unique<Track>()).get() : nullptr;
    }
    return mine.track;
  }
};

}  // namespace

void Timeline::start(Rank rank) {
  auto& state = TimelineState::get();
  std::lock_guard lock(state.mutex);
  state.tracks.clear();
  state.rank = rank;
  state.start_ns = now_ns();
  state.start_wall_ns = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  state.generation.fetch_add(1, std::memory_order_release);
  recording_.store(true, std::memory_order_release);
}

void Timeline::stop() { recording_.store(false, std::memory_order_release); }

void Timeline::record(Kind kind, const char* name, ObjectId subject, std::uint64_t begin_ns,
                      std::uint64_t duration_ns) noexcept {
  if (auto* track = TimelineState::get().track()) track->append({begin_ns, duration_ns, subject, name, kind});
}

void Timeline::name_thread(std::string_view name) {
  if (!recording()) return;
  if (auto* track = TimelineState::get().track()) track->name.store(intern(name), std::memory_order_release);
}

const char* Timeline::intern(std::string_view name) {
  auto& state = TimelineState::get();
  std::lock_guard lock(state.mutex);
  auto found = state.names.find(name);
  if (found == state.names.end()) found = state.names.emplace(name).first;
  return found->c_str();
}

std::string Timeline::serialize() {
  auto& state = TimelineState::get();
  std::lock_guard lock(state.mutex);
  TimelineHeader header;
  header.rank = state.rank.value;
  header.start_ns = state.start_wall_ns;

  std::map<const char*, std::uint32_t> numbers;  // by address: equal literals of two files are two names, harmlessly
  std::string names, threads, events;
  const auto number = [&](const char* name) {
    const auto [at, is_new] = numbers.try_emplace(name, static_cast<std::uint32_t>(numbers.size()));
    if (is_new) {
      const std::string_view text = name;
      put(names, static_cast<std::uint32_t>(text.size()));
      names += text;
    }
    return at->second;
  };
  for (std::size_t thread = 0; thread < state.tracks.size(); ++thread) {
    const auto& track = *state.tracks[thread];
    put(threads, number(track.name.load(std::memory_order_acquire)));
    header.dropped += track.dropped.load(std::memory_order_relaxed);
    for (const auto* chunk = track.first.get(); chunk; chunk = chunk->next.load(std::memory_order_acquire)) {
      const auto used = chunk->used.load(std::memory_order_acquire);
      for (std::uint32_t i = 0; i < used; ++i) {
        const auto& event = chunk->events[i];
        // A span that was open at start() began before it.
        const auto begin = event.begin_ns > state.start_ns ? event.begin_ns - state.start_ns : 0;
        put(events, TimelineEvent{begin, event.duration_ns, event.subject, number(event.name),
                                  static_cast<std::uint16_t>(thread), event.kind, 0});
        ++header.events;
      }
    }
  }
  header.names = static_cast<std::uint32_t>(numbers.size());
  header.threads = static_cast<std::uint32_t>(state.tracks.size());
  std::string bytes;
  bytes.reserve(sizeof header + names.size() + threads.size() + events.size());
  put(bytes, header);
  return bytes + names + threads + events;
}

}  // namespace ringray::observe
