#include "ringray/store/stale_folders.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace ringray::store {
namespace {

/// When process `pid` started, in clock ticks since boot; 0 when there is none or it is dead and not yet waited for.
std::uint64_t start_time(std::uint64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text(std::istreambuf_iterator<char>(file), {});
  const auto name_end = text.rfind(')');  // proc(5): the name may contain anything, what follows does not
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string state, skipped;
  fields >> state;
  if (state == "Z" || state == "X") return 0;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  std::uint64_t ticks = 0;
  fields >> ticks;
  return ticks;
}

std::string prefix_of_this_host() {
  char host[HOST_NAME_MAX + 1] = "host";
  if (::gethostname(host, sizeof host) != 0) host[0] = '\0';
  host[HOST_NAME_MAX] = '\0';
  struct stat status {};
  const auto space = ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
  return fmt::format("ringray-{}-{}-", host, space);
}

}  // namespace

std::string own_folder_name() {
  const auto pid = static_cast<std::uint64_t>(::getpid());
  static std::atomic<std::uint64_t> stores{0};
  return fmt::format("{}{}-{}-{}", prefix_of_this_host(), pid, start_time(pid), ++stores);
}

void remove_stale_folders(const std::string& directory) {
  const auto prefix = prefix_of_this_host();
  std::error_code ignored;  // another rank may be removing the same folder now
  std::filesystem::directory_iterator entry(directory, ignored);
  for (; entry != std::filesystem::directory_iterator(); entry.increment(ignored)) {
    const auto name = entry->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const char* numbers = name.c_str() + prefix.size();
    unsigned long long pid = 0, start = 0, count = 0;
    int length = 0;
    if (std::sscanf(numbers, "%llu-%llu-%llu%n", &pid, &start, &count, &length) != 3 || numbers[length] != '\0')
      continue;
    if (start_time(pid) == start) continue;
    std::error_code ignored_too;
    std::filesystem::remove_all(entry->path(), ignored_too);
  }
}

}  // namespace ringray::store
