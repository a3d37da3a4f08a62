// All ranks write one file: the same bytes as one rank writes, and an end whatever happens to a rank meanwhile.

#include "program.hpp"

namespace ultrasound {
namespace {

struct Together : ProgramFolder {
  static Config small_doll() {
    Config config = doll_config();
    config.spacing_mm = 5;
    return config;
  }
  /// Options of mpirun, variables of the ranks, arguments of the program.
  Ended launch(int ranks, const std::string& options, const std::string& variables, const std::string& arguments) {
    // A job that hangs is killed: its status is then 124.
    return run_command(
        std::string("timeout -k 5 60 " MPIRUN " --allow-run-as-root --oversubscribe --bind-to none -n ") +
        std::to_string(ranks) + " " + options + " env " + variables + " " ULTRASOUND_PROGRAM + " --config " +
        config_file(small_doll()) + " " + arguments + " 2>&1");
  }
  Ended sabotage(const std::string& order, const std::string& options = "") {
    const Ended ended = launch(3, options, "LD_PRELOAD=" SABOTEUR " SABOTAGE=" + order, "");
    EXPECT_NE(ended.output.find("sabotage: " + order), std::string::npos) << ended.output;
    return ended;
  }
  std::string result() const {
    std::ifstream file(output / "result.h5", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// The job said once what went wrong, and what was written is not there under any name.
  void expect_refusal(const Ended& ended, const std::string& words) {
    EXPECT_NE(ended.status, 124) << "it hung: " << ended.output;
    const auto line = ended.output.find("ultrasound: ");
    ASSERT_NE(line, std::string::npos) << ended.output;
    EXPECT_EQ(ended.output.find("ultrasound: ", line + 1), std::string::npos) << ended.output;
    EXPECT_NE(ended.output.substr(line, ended.output.find('\n', line) - line).find(words), std::string::npos)
        << ended.output;
    EXPECT_EQ(names_in_output(), pictures) << ended.output;
  }
  const std::set<std::string> pictures{"peak-corrected.png", "peak-uncorrected.png", "peak-water.png",
                                       "wave-corrected.png"};
};

TEST_F(Together, ManyRanksWriteTheBytesThatOneWrites) {
  const Ended one = launch(1, "", "", "");
  ASSERT_EQ(one.status, 0) << one.output;
  EXPECT_NE(one.output.find("written by rank 0 alone: the job has one rank"), std::string::npos) << one.output;
  EXPECT_EQ(one.output.find('\r'), std::string::npos) << "a line is rewritten where nobody sees it";
  EXPECT_NE(one.output.find("finding skull and brain: "), std::string::npos) << one.output;
  const std::string bytes = result();
  ASSERT_GT(bytes.size(), 100'000U);
  struct Case {
    int ranks;
    const char *arguments, *words;
  };
  for (const Case& c : {Case{2, "", "by 2 ranks together"}, Case{4, "", "by 4 ranks together"},
                        Case{2, "--ringray.arena=false --ringray.workers=2", "by 2 ranks together"},
                        Case{2, "--ringray.mpi=bootstrap", "by rank 0 alone: MPI is not there for use"}}) {
    std::filesystem::remove_all(output);
    const Ended many = launch(c.ranks, "", "", c.arguments);
    EXPECT_EQ(many.status, 0) << many.output;
    EXPECT_NE(many.output.find(c.words), std::string::npos) << many.output;
    EXPECT_TRUE(result() == bytes) << c.words << c.arguments;
  }
  const Ended device = launch(2, "", "", "--engine device");
  EXPECT_EQ(device.status, 0) << device.output;
  EXPECT_EQ(result().size(), bytes.size());  // it says by what engine
}

TEST_F(Together, RanksWithoutBlocksWriteNothingAndDisturbNobody) {
  const Ended ended = launch(3, "", "", "--blocks 2");
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_NE(ended.output.find("by 3 ranks together"), std::string::npos) << ended.output;
}

TEST_F(Together, RankZeroWritesAloneWhereAnotherDoesNotSeeTheFolder) {
  if (run_command("unshare -m mount -t tmpfs none /mnt 2>&1").status != 0)
    GTEST_SKIP() << "only root may give a rank a file system of its own";
  std::filesystem::create_directories(output);
  const std::string program = ULTRASOUND_PROGRAM " --config " + config_file(small_doll());
  const Ended ended = run_command(
      "timeout -k 5 60 " MPIRUN " --allow-run-as-root --oversubscribe --bind-to none -n 1 " + program +
      " : -n 1 unshare -m sh -c 'mount -t tmpfs none " + output.string() + " && exec " + program + "' 2>&1");
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_NE(ended.output.find("by rank 0 alone: rank 1 does not see the folder"), std::string::npos) << ended.output;
  EXPECT_GT(result().size(), 100'000U);
}

TEST_F(Together, ARankThatDiesEndsTheJob) {
  const Ended ended = sabotage("write:die:2");
  EXPECT_NE(ended.status, 0) << ended.output;
  EXPECT_NE(ended.status, 124) << "it hung: " << ended.output;
  EXPECT_EQ(result(), "");
}

TEST_F(Together, SurvivorsOfARankThatDiesEndWithOneLine) {
  for (const char* order : {"open:die:1", "write:die:2", "close:die:1"}) {
    SCOPED_TRACE(order);
    std::filesystem::remove_all(output);
    expect_refusal(sabotage(order, "--enable-recovery"), "a rank died while all ranks wrote it");
  }
}

TEST_F(Together, AnErrorOfOneRankEndsAllInOrder) {
  for (const char* order : {"write:fail:0", "write:fail:2"}) {
    SCOPED_TRACE(order);
    std::filesystem::remove_all(output);
    const Ended ended = sabotage(order);
    expect_refusal(ended, "the result file refuses simulations/");
    EXPECT_EQ(ended.status, 1) << ended.output;
  }
}

TEST_F(Together, ARankThatFailsToOpenOrCloseEndsTheOthers) {
  for (const char* order : {"open:fail:1", "close:fail:2"}) {
    SCOPED_TRACE(order);
    std::filesystem::remove_all(output);
    const Ended ended = sabotage(order);
    expect_refusal(ended, "the result file refuses to be");
    EXPECT_NE(ended.status, 0) << ended.output;
  }
}

TEST_F(Together, AFullDiskEndsTheJobBeforeAnybodyWrites) {
  const Ended ended = sabotage("space:fail:0");
  expect_refusal(ended, "No space left on device");
  EXPECT_EQ(ended.status, 1) << ended.output;
}

}  // namespace
}  // namespace ultrasound
