#pragma once
// The program as people run it, in a folder of its own, on the doll's head.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "../command.hpp"
#include "phantom.hpp"

namespace ultrasound {

struct ProgramFolder : testing::Test {
  std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) /
      (std::string("ultrasound-") + testing::UnitTest::GetInstance()->current_test_info()->name());
  std::filesystem::path output = folder / "out";

  void SetUp() override {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    write_bytes(folder / "head.nii", doll_bytes(DollPart::head));
    write_bytes(folder / "mask.nii", doll_bytes(DollPart::brain_mask));
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string config_file(const Config& base) {
    Config config = base;
    config.head = folder / "head.nii";
    config.brain_mask = folder / "mask.nii";
    config.output = output;
    std::ofstream(folder / "run.toml") << to_toml(config);
    return (folder / "run.toml").string();
  }
  std::set<std::string> names_in_output() const {
    std::set<std::string> names;
    if (!std::filesystem::exists(output)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(output)) names.insert(entry.path().filename());
    return names;
  }
};

}  // namespace ultrasound
