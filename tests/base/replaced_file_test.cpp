#include "ringray/base/replaced_file.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace ringray::base {
namespace {

namespace files = std::filesystem;

struct ReplacedFile : ::testing::Test {
  ReplacedFile() { files::create_directories(folder / "deep"); }
  ~ReplacedFile() override { files::remove_all(folder); }

  std::string at(const char* name) const { return (folder / name).string(); }
  /// The file, or "! " and why not.
  static std::string of(const std::string& path) {
    const auto target = replaced_file(path);
    return target ? *target : "! " + target.error().text;
  }
  const files::path folder = files::path(::testing::TempDir()) / ("ringray-replaced-" + std::to_string(getpid()));
};

TEST_F(ReplacedFile, IsTheNamedOneWhereverThereIsNoLink) {
  std::ofstream(at("here")) << "x";
  EXPECT_EQ(of(at("here")), at("here"));
  EXPECT_EQ(of(at("not yet")), at("not yet"));
  EXPECT_EQ(of("plain"), "plain");
}

TEST_F(ReplacedFile, IsWhereLinksLeadWhetherAnythingIsThereOrNot) {
  std::ofstream(at("deep/end")) << "x";
  files::create_symlink("deep/end", at("relative"));
  files::create_symlink(at("relative"), at("twice"));
  files::create_symlink("deep/not yet", at("dangling"));
  EXPECT_EQ(of(at("relative")), at("deep/end"));
  EXPECT_EQ(of(at("twice")), at("deep/end"));
  EXPECT_EQ(of(at("dangling")), at("deep/not yet"));
  files::create_symlink("round", at("round"));
  EXPECT_TRUE(of(at("round")).starts_with("! Too many levels")) << of(at("round"));
}

TEST_F(ReplacedFile, IsNeverWhatIsNoRegularFile) {
  EXPECT_EQ(of("/dev/null"), "! it is a device");
  files::create_symlink("/dev/full", at("full"));
  EXPECT_EQ(of(at("full")), "! it is a device");
  EXPECT_EQ(of(at("deep")), "! it is a folder");
  ASSERT_EQ(mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(of(at("pipe")), "! it is a pipe");
  const int plug = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const auto path = at("socket");
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ASSERT_EQ(bind(plug, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(of(path), "! it is a socket");
  close(plug);
}

}  // namespace
}  // namespace ringray::base
