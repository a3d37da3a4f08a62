// What handlers of device actors do wrong: whoever runs is named.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "bad_input.hpp"

namespace ringray::test::bad_input {

class DeviceHandler : public BadInput {
 protected:
  /// The line about a crash, or all that was said.
  std::string crash_line(const std::string& act) const {
    const auto outcome = run("'" + act + "'");
    EXPECT_NE(outcome.status, 0) << act;
    EXPECT_NE(outcome.status, 124) << act << " hung";
    const auto found = std::find_if(outcome.lines.begin(), outcome.lines.end(),
                                    [](const auto& line) { return has(line, " crashed: "); });
    return found == outcome.lines.end() ? "no line in: " + outcome.err : *found;
  }
  std::string rank() const { return GetParam() ? "ringray: rank 1" : "ringray: rank 0"; }
};
INSTANTIATE_TEST_SUITE_P(, DeviceHandler, testing::Bool(), name_of_parameter);

TEST_P(DeviceHandler, OneThatThrowsIsNamedWithWhatItShouldDo) {
  const auto outcome = run("'device handler throws'");
  EXPECT_NE(outcome.status, 0);
  EXPECT_NE(outcome.status, 124) << "it hung";
  EXPECT_TRUE(has(outcome.err, rank() +
                                   ": std::runtime_error was thrown by a handler of device actor 'Fragile' (slot 3, "
                                   "message 'Throw') of kernel 'sim', which must not throw but say "
                                   "context.fail(code): the handler's own mistake; the rank ends\n"))
      << outcome.err;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those report it themselves
TEST_P(DeviceHandler, OneThatCrashesIsNamedWithItsActorMessageAndKernel) {
  const auto line = crash_line("device handler crashes");
  for (const auto& part :
       {rank() + " (host ", std::string(", pid "),
        std::string(
            "): a handler of device actor 'Fragile' (slot 3, message 'Crash') of kernel 'sim' crashed: SIGSEGV")})
    EXPECT_TRUE(has(line, part)) << part << " in " << line;
}

TEST_P(DeviceHandler, OneThatOverflowsItsStackIsNamed) {
  const auto line = crash_line("device handler overflows its stack");
  EXPECT_TRUE(has(line,
                  "a handler of device actor 'Fragile' (slot 3, message 'Recurse') of kernel 'sim' crashed: "
                  "SIGSEGV"))
      << line;
}
#endif

TEST_P(DeviceHandler, OneThatDoesNotReturnIsInTheHangReportAndInTheLog) {
  const std::string title = "a handler of device actor 'Fragile' (slot 3, message 'Spin') of kernel 'sim' ";
  expect_report("device handler hangs", {"  " + title + "runs, for ", std::string(" rank ") + (GetParam() ? "1" : "0") +
                                                                          "] " + title + "has run for "});
}

TEST_P(DeviceHandler, OneThatOutlivesTheJobIsNamed) {
  if (GetParam()) GTEST_SKIP() << "the other rank may leave first, and mpirun then ends this one";
  const auto outcome = run("'device handler outlives the job' --ringray.stop_timeout_ms=100");
  EXPECT_NE(outcome.status, 0);
  EXPECT_NE(outcome.status, 124) << "it hung";
  EXPECT_TRUE(
      has(outcome.err,
          "ringray: rank 0: a handler of device actor 'Fragile' (slot 3, message 'Spin') of kernel 'sim' did not "
          "end with the job"))
      << outcome.err;
  EXPECT_FALSE(has(outcome.err, "has run for")) << "it has no watchdog:\n" << outcome.err;
}

TEST_P(DeviceHandler, ItsThreadHasANameAndAllCpusAlsoWhereWorkersAreBoundToOne) {
  const auto outcome = run("'threads of a kernel' --ringray.pin=true");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "ringray-k0: all cpus\nringray-k0: all cpus\nthe task: 1\n") << outcome.err;
}

}  // namespace ringray::test::bad_input
