#pragma once
// Runs program.cpp under mpirun (two ranks) and alone, and looks at what it says and how it ends.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace ringray::test::bad_input {

namespace files = std::filesystem;
using namespace std::chrono_literals;

struct Outcome {
  int status = 0;  // of the program, or of mpirun
  std::string out, err;
  std::vector<std::string> lines;  // of err that begin with "ringray:"
};

class BadInput : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    folder = files::temp_directory_path() / ("ringray-bad-input-" + std::to_string(getpid()));
    files::create_directories(folder);
  }
  void TearDown() override { files::remove_all(folder); }

  Outcome run(const std::string& arguments, const std::string& environment = "") const {
    const auto out = folder / "out", err = folder / "err";
    const auto command = environment + " timeout -k 5 60 " + (GetParam() ? RINGRAY_MPIRUN " " : "") +
                         RINGRAY_PROGRAM " " + arguments + " >" + out.string() + " 2>" + err.string();
    Outcome outcome;
    const int status = std::system(command.c_str());
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.out = text_of(out);
    outcome.err = text_of(err);
    std::istringstream stream(outcome.err);
    for (std::string line; std::getline(stream, line);)
      if (line.starts_with("ringray:")) outcome.lines.push_back(line);
    EXPECT_FALSE(has(outcome.out, "not what it was")) << outcome.out;
    return outcome;
  }
  static std::string text_of(const files::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

  /// One line that says all of `parts`, a failing status, and the job did not run.
  void expect_one_line(const Outcome& outcome, const std::vector<std::string>& parts) const {
    EXPECT_NE(outcome.status, 0);
    EXPECT_LT(outcome.status, 124) << "it hung or was killed";
    ASSERT_EQ(outcome.lines.size(), 1) << outcome.err;
    for (const auto& part : parts) EXPECT_TRUE(has(outcome.lines[0], part)) << part << " in " << outcome.lines[0];
    EXPECT_FALSE(has(outcome.out, "ran")) << outcome.out;
  }
  void expect_report(const std::string& act, const std::vector<std::string>& expected, const std::string& options = "",
                     const std::vector<std::string>& at_the_end = {}) const;
  std::size_t files_left() const {
    std::size_t count = 0;
    for (const auto& entry : files::recursive_directory_iterator(folder))
      if (entry.path().filename() != "out" && entry.path().filename() != "err") ++count;
    return count;
  }

  files::path folder;
};
/// The parameter: whether mpirun starts it.
inline std::string name_of_parameter(const testing::TestParamInfo<bool>& info) {
  return info.param ? "TwoRanks" : "Alone";
}

/// Asks the ranks of a job that hangs until they have said all of `expected`; then ends it.
inline void BadInput::expect_report(const std::string& act, const std::vector<std::string>& expected,
                                    const std::string& options, const std::vector<std::string>& at_the_end) const {
  std::thread job([&] { run("\"" + act + "\" " + options); });
  const auto pid = [&](const std::string& who) {
    const auto text = text_of(folder / "out");
    const auto at = text.find(who + ' ');
    return at == text.npos ? 0 : std::atoi(text.c_str() + at + who.size());
  };
  std::string report;
  const auto complete = [&] {
    report = text_of(folder / "err");
    return std::all_of(expected.begin(), expected.end(), [&](const auto& part) { return has(report, part); });
  };
  for (const auto end = std::chrono::steady_clock::now() + 30s; !complete() && std::chrono::steady_clock::now() < end;
       std::this_thread::sleep_for(20ms))
    for (const auto* who : {"drives", "spins"})
      if (const int process = pid(who)) kill(process, SIGUSR2);
  EXPECT_TRUE(complete()) << report;
  // The one that is to say something: the launcher kills the other one before that has said anything.
  if (const int process = pid(at_the_end.empty() ? "drives" : "spins")) kill(process, SIGTERM);
  job.join();
  report = text_of(folder / "err");
  EXPECT_TRUE(has(report, ": it was sent SIGTERM")) << report;
  for (const auto& part : at_the_end) EXPECT_TRUE(has(report, part)) << part << " in " << report;
}

}  // namespace ringray::test::bad_input
