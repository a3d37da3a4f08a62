// The program as people run it, on the doll's head: what it finds, what it leaves, what it refuses.

#include <hdf5.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>

#include "error.hpp"
#include "program.hpp"
#include "treatment.hpp"

namespace ultrasound {
namespace {

Ended run_program(const std::string& arguments, const char* streams = "2>&1") {
  return run_command(std::string(ULTRASOUND_PROGRAM) + " " + arguments + " " + streams);
}

struct Program : ProgramFolder {
  void expect_refused(const std::string& arguments, const char* words) {
    const Ended ended = run_program(arguments, "2>&1 >/dev/null");
    EXPECT_EQ(ended.status, 2) << ended.output;
    EXPECT_NE(ended.output.find(words), std::string::npos) << ended.output;
    EXPECT_EQ(std::count(ended.output.begin(), ended.output.end(), '\n'), 1) << ended.output;
    EXPECT_EQ(ended.output.find("ultrasound: "), 0) << ended.output;
    EXPECT_FALSE(std::filesystem::exists(output)) << words;
  }
};

TEST_F(Program, WritesResultsAndPicturesWhole) {
  const Ended ended = run_program("--blocks 3 --config " + config_file(doll_config()));
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_NE(ended.output.find("through the skull, delays corrected"), std::string::npos) << ended.output;
  EXPECT_EQ(names_in_output(), (std::set<std::string>{"result.h5", "peak-water.png", "peak-uncorrected.png",
                                                      "peak-corrected.png", "wave-corrected.png"}));
  const hid_t file = H5Fopen((output / "result.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  ASSERT_GE(file, 0);
  for (const char* name :
       {"medium/sound_speed", "medium/density", "medium/attenuation", "simulations/reversal/traces",
        "simulations/corrected/peak_pressure", "simulations/water/energy", "transducer/travel_head", "table/peak"}) {
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    EXPECT_GE(set, 0) << name;
    EXPECT_GT(H5Aexists(set, "units"), 0) << name;
    H5Dclose(set);
  }
  EXPECT_GT(H5Aexists(file, "config"), 0);
  H5Fclose(file);
}

TEST_F(Program, RefusesBadInputWithOneLineAndStatusTwo) {
  const std::string good = "--config " + config_file(doll_config()) + " ";
  const auto spoil = [&](const char* name, auto change) {
    std::vector<std::byte> bytes = doll_bytes(DollPart::head);
    change(bytes);
    write_bytes(folder / name, bytes);
    return good + "--head " + (folder / name).string();
  };
  using Bytes = std::vector<std::byte>;
  expect_refused(good + "--head /nowhere/head.nii", "cannot be opened");
  expect_refused(good + "--head " + folder.string(), "is a folder");
  expect_refused(spoil("short.nii", [](Bytes& b) { b.resize(b.size() / 2); }), "cut short");
  expect_refused(spoil("foreign.nii", [](Bytes& b) { put<std::int32_t>(b, 0, 7); }), "not a NIfTI-1 file");
  expect_refused(spoil("nan.nii", [](Bytes& b) { put(b, 4000, NAN); }), "not a finite number");
  expect_refused(spoil("negative.nii", [](Bytes& b) { put(b, 4000, -1.0F); }), "cannot be negative");
  expect_refused(spoil("gzip.nii.gz",
                       [](Bytes& b) {
                         b = {std::byte{0x1f}, std::byte{0x8b}, std::byte{8}, std::byte{0}, std::byte{1}};
                       }),
                 "gzip.nii.gz");
  expect_refused(spoil("shape.nii",
                       [](Bytes& b) {
                         b = nifti_bytes(std::vector<float>(1000, 1.0F), {10, 10, 10});
                       }),
                 "brain mask of 60");
  expect_refused("--config /nowhere/run.toml", "cannot be read");
  expect_refused(good + "--spacng 2 x",
                 "ultrasound: not expected: --spacng 2 x; did you mean --spacing?; --help lists the options\n");
  expect_refused(good + "--telescope", "ultrasound: not expected: --telescope; --help lists the options\n");
  expect_refused(good + "--blocks many", "--blocks = many; --help");
  expect_refused(good + "--engine steam", "unknown engine");
  expect_refused(good + "--spacing -1", "spacing_mm is -1");
  expect_refused(good + "--blocks 1000", "blocks for");
  expect_refused(good + "--output /proc/ultrasound", "results cannot be written to '/proc/ultrasound'");
  expect_refused(good + "--output " + (folder / "head.nii").string(), "Not a directory");
  expect_refused(good + "--output " + (folder / "head.nii/x").string(), "give another folder with --output DIR");
  expect_refused(good + "--head /nowhere/head.nii --output " + (folder / "a/b").string(), "cannot be opened");
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));  // what was made to try it is gone
}

TEST_F(Program, ReplacesWhereLinksLeadAndNoPipe) {
  const std::string good = "--spacing 4 --config " + config_file(doll_config());
  std::filesystem::create_directories(output);
  ASSERT_EQ(mkfifo((output / "result.h5").c_str(), 0600), 0);
  const Ended refused = run_program(good, "2>&1 >/dev/null");
  EXPECT_EQ(refused.status, 2) << refused.output;
  EXPECT_NE(refused.output.find("result.h5 there cannot be replaced, it is a pipe"), std::string::npos)
      << refused.output;
  EXPECT_TRUE(std::filesystem::is_fifo(output / "result.h5"));
  std::filesystem::remove(output / "result.h5");
  std::filesystem::create_symlink(folder / "elsewhere.h5", output / "result.h5");
  const Ended ended = run_program(good);
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_TRUE(std::filesystem::is_symlink(output / "result.h5"));
  EXPECT_GT(std::filesystem::file_size(folder / "elsewhere.h5"), 1000U);
}

TEST_F(Program, SaysWhyTheResultDoesNotFit) {
  // Blocks of 512 bytes: 5 MiB, which UCX's own files need.
  const Ended ended = run_command("ulimit -f 10240; " ULTRASOUND_PROGRAM " --ringray.arena_bytes=1MiB --engine loop " +
                                  ("--config " + config_file(doll_config())) + " 2>&1 >/dev/null");
  EXPECT_EQ(ended.status, 1) << ended.output;
  EXPECT_NE(ended.output.find(": file write failed: File too large\n"), std::string::npos) << ended.output;
  EXPECT_EQ(std::count(ended.output.begin(), ended.output.end(), '\n'), 1) << ended.output;
  EXPECT_FALSE(names_in_output().contains("result.h5"));
}

TEST_F(Program, RefusesASetUpThatCannotBe) {
  Config config = doll_config();
  config.courant = 1.1;
  expect_refused("--config " + config_file(config), "courant");
  config = doll_config();
  config.targets[0].position_mm = {26, 0, 0};
  expect_refused("--config " + config_file(config), "not in the brain");
  config = doll_config();
  config.transducer.radius_mm = 25;
  config.transducer.aperture_mm = 40;
  expect_refused("--config " + config_file(config), "inside the head");
}

TEST(Treatment, FindsTheTargetAgainThroughTheSkull) {
  const Config config = doll_config();
  const Anatomy anatomy =
      segment(decode_nifti(doll_bytes(DollPart::head)), decode_nifti(doll_bytes(DollPart::brain_mask)));
  Loop loop;
  const Treatment treatment = treat(config, make_plan(config, anatomy, config.targets[0]), loop, {});
  const Focus& water = treatment.outcomes[1].focus;
  const Focus& uncorrected = treatment.outcomes[2].focus;
  const Focus& corrected = treatment.outcomes[3].focus;
  EXPECT_LE(water.off_target_mm, 2 * config.spacing_mm);
  EXPECT_LE(corrected.off_target_mm, 2 * config.spacing_mm);
  EXPECT_GE(corrected.at_target_pa, uncorrected.at_target_pa);
  EXPECT_GT(water.at_target_pa, corrected.at_target_pa);
  for (std::size_t i = 0; i < treatment.travel_head_s.size(); ++i) {
    EXPECT_LT(treatment.travel_head_s[i], treatment.travel_water_s[i]);  // bone is faster than water
  }
}

}  // namespace
}  // namespace ultrasound
