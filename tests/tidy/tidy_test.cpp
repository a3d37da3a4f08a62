// Rules of the house, checked on the source text: who includes whom, what public headers may not know, how long a
// file may be.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

fs::path source_folder;
fs::path rooms_file;

/// Rooms that a room may include: those of its USES list, and theirs.
std::map<std::string, std::set<std::string>> read_uses() {
  std::map<std::string, std::set<std::string>> uses;
  std::ifstream file(rooms_file);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string room;
    words >> room;
    for (std::string used; words >> used;) uses[room].insert(used);
    uses[room];
  }
  return uses;
}

/// How far up a room lies in the picture of the architecture.
const std::map<std::string, int> levels = {{"base", 0},    {"wire", 1},    {"transport", 2}, {"execution", 2},
                                           {"store", 3},   {"device", 3},  {"owner", 4},     {"scheduler", 4},
                                           {"control", 4}, {"observe", 4}, {"runtime", 5}};

std::vector<fs::path> files_in(const fs::path& folder, const std::set<std::string>& extensions) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && extensions.count(entry.path().extension())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Calls visit(line number, name) for every included file.
void each_include(const fs::path& path, const std::function<void(int, const std::string&)>& visit) {
  static const std::regex include(R"(^\s*#\s*include\s*["<]([^">]+)[">].*)");
  std::ifstream file(path);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    ++number;
    if (std::regex_match(line, match, include)) visit(number, match[1]);
  }
}

std::string where(const fs::path& path, int line) {
  return fs::relative(path, source_folder).string() + ":" + std::to_string(line);
}

TEST(Tidy, EveryRoomHasItsPlaceInTheArchitecture) {
  for (const auto& [room, used] : read_uses()) EXPECT_TRUE(levels.count(room)) << room;
  EXPECT_FALSE(read_uses().empty());
}

TEST(Tidy, RoomsUseOnlyWhatLiesBelowOrBesideThem) {
  const auto uses = read_uses();
  for (const auto& [room, used] : uses)
    for (const auto& other : used)
      if (levels.count(other)) {
        EXPECT_LE(levels.at(other), levels.at(room)) << room << " uses " << other;
      }
}

TEST(Tidy, RoomsDoNotUseEachOtherInACircle) {
  const auto uses = read_uses();
  std::vector<std::string> path;
  std::set<std::string> done;
  const std::function<void(const std::string&)> visit = [&](const std::string& room) {
    ASSERT_EQ(std::count(path.begin(), path.end(), room), 0) << "a circle through " << room;
    if (!done.insert(room).second || !uses.count(room)) return;
    path.push_back(room);
    for (const auto& other : uses.at(room)) visit(other);
    path.pop_back();
  };
  for (const auto& [room, used] : uses) visit(room);
}

TEST(Tidy, RoomsIncludeOnlyRoomsThatTheyUse) {
  const auto uses = read_uses();
  std::vector<std::string> wrong;
  for (const auto& [room, direct] : uses) {
    std::set<std::string> allowed = {room};
    const std::function<void(const std::string&)> allow = [&](const std::string& other) {
      if (!allowed.insert(other).second || !uses.count(other)) return;
      for (const auto& next : uses.at(other)) allow(next);
    };
    for (const auto& other : direct) allow(other);
    for (const auto& path : files_in(source_folder / "src" / room, {".hpp", ".cpp", ".cu"}))
      each_include(path, [&](int line, const std::string& name) {
        static const std::regex of_room(R"(ringray/([a-z0-9_]+)/.*)");
        std::smatch match;
        if (std::regex_match(name, match, of_room) && levels.count(match[1]) && !allowed.count(match[1]))
          wrong.push_back(where(path, line) + " includes " + name);
      });
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST(Tidy, PublicHeadersKnowNoForeignLibraryOfTheHost) {
  static const std::regex forbidden(R"((mpi|ucp/|uct/|ucs/|cuda|hdf5|H5|nccl|Kokkos).*)");
  static const std::set<std::string> opt_in = {"mpi.hpp", "hdf5.hpp", "kokkos.hpp", "cuda.hpp"};
  std::vector<std::string> wrong;
  for (const auto& path : files_in(source_folder / "include", {".hpp"})) {
    if (opt_in.count(path.filename())) continue;
    each_include(path, [&](int line, const std::string& name) {
      if (std::regex_match(name, forbidden)) wrong.push_back(where(path, line) + " includes " + name);
    });
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST(Tidy, FilesFitInTheHead) {
  constexpr int lines_max = 500;
  std::vector<std::string> wrong;
  for (const auto* folder : {"src", "include", "kernels"})
    for (const auto& path : files_in(source_folder / folder, {".hpp", ".cpp", ".cu", ".cuh", ".md"})) {
      std::ifstream file(path);
      const auto lines = std::count(std::istreambuf_iterator<char>(file), {}, '\n');
      if (lines > lines_max) wrong.push_back(where(path, static_cast<int>(lines)));
    }
  EXPECT_THAT(wrong, IsEmpty()) << "which noun is missing?";
}

TEST(Tidy, HeadersAreIncludedOnce) {
  for (const auto* folder : {"src", "include", "kernels"})
    for (const auto& path : files_in(source_folder / folder, {".hpp", ".cuh"})) {
      std::ifstream file(path);
      std::string line;
      std::getline(file, line);
      EXPECT_EQ(line, "#pragma once") << path;
    }
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 3) return 2;
  source_folder = argv[1];
  rooms_file = argv[2];
  return RUN_ALL_TESTS();
}
