// What the driver, tasks, host actors and the command line do wrong.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "bad_input.hpp"

namespace ringray::test::bad_input {

INSTANTIATE_TEST_SUITE_P(, BadInput, testing::Bool(), name_of_parameter);

TEST_P(BadInput, AnOptionThatDoesNotExistIsNamedWithTheNearestOne) {
  expect_one_line(run("nothing --ringray.workrs=2"), {"--ringray.workrs", "did you mean --ringray.workers"});
  expect_one_line(run("nothing", "RINGRAY_SPILL_DIRCTORY=/tmp"), {"RINGRAY_SPILL_DIRCTORY", "RINGRAY_SPILL_DIRECTORY"});
  expect_one_line(run("nothing --ringray.workers=many"), {"--ringray.workers", "many", "accepted"});
}

TEST_P(BadInput, AFileOfOptionsThatIsWrongIsNamedWithItsLine) {
  const auto path = (folder / "job.toml").string();
  std::ofstream(path) << "workers = 2\nworkers = \n";
  expect_one_line(run("nothing --ringray.config=" + path), {"job.toml", "2"});
  expect_one_line(run("nothing --ringray.config=" + path + ".none"), {"job.toml.none"});
}

TEST_P(BadInput, MoreObjectMemoryThanTheHostHasIsRefused) {
  expect_one_line(run("nothing --ringray.arena_bytes=100TiB"), {"arena_bytes", "more than this host has"});
}

TEST_P(BadInput, FilesThatCannotBeWrittenAreFoundBeforeTheJobRuns) {
  expect_one_line(run("nothing --ringray.log_file=/proc/none/log"), {"log_file", "/proc/none"});
  expect_one_line(run("nothing --ringray.log_file=" + folder.string() + "/none/log"), {"log_file", "no folder"});
  expect_one_line(run("nothing --ringray.timeline=/proc/none/timeline"), {"timeline", "/proc/none"});
  expect_one_line(run("nothing --ringray.timeline='" + folder.string() + "'"), {"timeline", "folder"});
  expect_one_line(run("nothing --ringray.spill_directory=/proc/none"), {"--ringray.spill_directory: '/proc/none'"});
  expect_one_line(run("nothing --ringray.spill_directory=" + folder.string() + "/none/spill"),
                  {"--ringray.spill_directory", "No such file"});
  EXPECT_EQ(files_left(), 0);
}

TEST_P(BadInput, WhatIsNoRegularFileIsNeitherReplacedNorWaitedFor) {
  const auto pipe = (folder / "pipe").string(), full = (folder / "full").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  files::create_symlink("/dev/full", full);
  expect_one_line(run("nothing --ringray.timeline=/dev/full"), {"--ringray.timeline: '/dev/full'", "it is a device"});
  expect_one_line(run("nothing --ringray.timeline=" + full), {"--ringray.timeline: '" + full, "it is a device"});
  expect_one_line(run("nothing --ringray.timeline=" + pipe), {"--ringray.timeline: '" + pipe, "it is a pipe"});
  expect_one_line(run("nothing --ringray.log_file=" + pipe), {"--ringray.log_file: '" + pipe, "it is a pipe"});
  ASSERT_EQ(mkfifo((folder / "log.rank0").c_str(), 0600), 0);
  expect_one_line(run("nothing --ringray.log_file=" + (folder / "log").string()), {"--ringray.log_file", "a pipe"});
  EXPECT_TRUE(files::is_character_file("/dev/full"));
  EXPECT_TRUE(files::is_fifo(pipe));
  for (const auto& entry : files::directory_iterator(folder))
    EXPECT_EQ(entry.path().string().find(".part"), std::string::npos) << entry.path();
}

TEST_P(BadInput, WritesBeyondTheLimitOfFilesFailInsteadOfKilling) {
  const std::string limit = "ulimit -f 40960;";  // of 512 bytes: 20 MiB, which MPI's and UCX's own files need
  const auto timeline = (folder / "timeline.json").string();
  expect_one_line(run("'many tasks' --ringray.arena_bytes=1MiB --ringray.timeline=" + timeline, limit),
                  {timeline, "cannot be written: File too large"});
  expect_one_line(run("'large object' --ringray.arena_bytes=1MiB --ringray.spill_directory=" + folder.string(), limit),
                  {"OutOfDiskError", "Cannot spill 32.0 MiB", "File too large"});
  expect_one_line(run("nothing --ringray.arena_bytes=100MiB", limit), {"File too large", "ulimit -f"});
  EXPECT_EQ(files_left(), 0);
  const auto own = run("'limit of files'", "OWN_HANDLER=1");
  EXPECT_TRUE(has(own.out, "the program's own handler\n")) << own.out << own.err;
  EXPECT_EQ(run("'handler of its own'").status, 0) << "what the driver set did not stay";
}

TEST_P(BadInput, ATimelineThatIsALinkIsWrittenWhereItLeads) {
  files::create_directory(folder / "there");
  files::create_symlink("there/timeline.json", folder / "link");
  EXPECT_EQ(run("nothing --ringray.timeline=" + (folder / "link").string()).status, 0);
  EXPECT_TRUE(files::is_symlink(folder / "link"));
  EXPECT_TRUE(has(text_of(folder / "there/timeline.json"), "traceEvents"));
  EXPECT_EQ(files_left(), 3) << "parts of ranks are left";
}

TEST_P(BadInput, WhatTheDriverThrowsIsOneLineAndTheTimelineIsWrittenAllTheSame) {
  const auto timeline = (folder / "timeline.json").string();
  expect_one_line(run("'driver throws' --ringray.timeline=" + timeline),
                  {"std::runtime_error", "the driver's own mistake"});
  EXPECT_TRUE(has(text_of(timeline), "traceEvents") || has(text_of(timeline), "\"ph\"")) << text_of(timeline);
  EXPECT_EQ(files_left(), 1) << "parts of ranks are left";
  expect_one_line(run("'driver throws a number'"), {"int", "no std::exception"});
  expect_one_line(run("'name taken'"), {"NameTakenError", "'same'"});
}

TEST_P(BadInput, OneWayCallsThatFailAreNamedOnceAndCounted) {
  const auto outcome = run("'one-way calls fail'");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  // A job of more than a second says it in several lines.
  const auto times = [&](const std::string& subject) {
    std::size_t sum = 0;
    std::istringstream lines(outcome.err);
    for (std::string line; std::getline(lines, line);) {
      const auto at = line.find(subject);
      if (at == line.npos) continue;
      const auto said = line.substr(at + subject.size());
      sum += said.ends_with(" more times") ? std::stoul(said) : 1;
    }
    return sum;
  };
  for (const auto* name : {"ears 0", GetParam() ? "ears 1" : "ears 0"}) {
    const auto actor = std::string("Listener '") + name + "'";
    for (const auto& part : {actor + " threw std::runtime_error: it cannot hear 0", actor + " was dropped"})
      EXPECT_TRUE(has(outcome.err, part)) << part << " in " << outcome.err;
    EXPECT_EQ(times(actor + " threw std::runtime_error: "), GetParam() ? 2000 : 4000) << outcome.err;
  }
  EXPECT_TRUE(has(outcome.err, "the actor is dead: it was killed")) << outcome.err;
  EXPECT_TRUE(has(outcome.err, "one-way call 'Listener::fail'")) << outcome.err;
  EXPECT_FALSE(has(outcome.err, "exit_actor")) << outcome.err;
  EXPECT_LT(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 100);
}

TEST_P(BadInput, ErrorsOfResultsThatNobodyLooksAtAreNamedOnceAndCounted) {
  const auto outcome = run("'results are dropped'");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const auto* rank : {"0", GetParam() ? "1" : "0"})
    EXPECT_TRUE(has(outcome.err, std::string("fail_with_number' threw std::runtime_error on rank ") + rank +
                                     ", and nobody looked at its result: number"))
        << outcome.err;
  EXPECT_TRUE(has(outcome.err, "more times")) << outcome.err;
  EXPECT_FALSE(has(outcome.err, "somebody looks at this")) << outcome.err;
  EXPECT_LT(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 100);
}

TEST_P(BadInput, AnErrorOfSeveralResultsIsNamedOnceIfNobodyLooksAtAny) {
  const auto outcome = run("'several results are dropped'");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const auto* rank : {"0", GetParam() ? "1" : "0"})
    EXPECT_TRUE(has(outcome.err, std::string("fail_with_two' threw std::runtime_error on rank ") + rank +
                                     ", and nobody looked at its result: two 2"))
        << outcome.err;
  std::size_t lines = 0;  // alone, the second is counted
  for (auto at = outcome.err.find("nobody looked"); at != outcome.err.npos;
       at = outcome.err.find("nobody looked", at + 1))
    ++lines;
  EXPECT_EQ(lines, 2) << outcome.err;
  EXPECT_FALSE(has(outcome.err, "two 0") || has(outcome.err, "two 1")) << outcome.err;
}

TEST_P(BadInput, AConstructorThatThrowsIsNamedIfNobodyCallsItsActor) {
  const auto outcome = run("'actors that are never called'");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const auto* rank : {"0", GetParam() ? "1" : "0"})
    EXPECT_TRUE(
        has(outcome.err, std::string("::Builder threw int on rank ") + rank + ", and nobody here called it: 42"))
        << outcome.err;
  EXPECT_FALSE(has(outcome.err, "Numbers::Builder")) << outcome.err;
}

TEST_P(BadInput, ExceptionsThatAreNoStdExceptionReachTheCallerWithTheirType) {
  const auto task = run("'task throws a number'");
  EXPECT_EQ(task.status, 0) << task.err;
  EXPECT_EQ(task.out.find("TaskError int"), 0) << task.out;
  EXPECT_FALSE(has(task.out, "nothing was thrown"));
  EXPECT_TRUE(task.lines.empty()) << task.err;
  const auto actor = run("'actor throws a number'");
  EXPECT_EQ(actor.status, 0) << actor.err;
  EXPECT_TRUE(has(actor.out, "TaskError int") && has(actor.out, "\n7\nActorDiedError")) << actor.out;
  EXPECT_FALSE(has(actor.out, "nothing was thrown"));
}

TEST_P(BadInput, WhatNoRankHasIsReportedOnceAndPendingOrAnErrorByOption) {
  const auto pending = run("'nobody has it'");
  EXPECT_EQ(pending.status, 0) << pending.err;
  EXPECT_EQ(pending.out, "it is pending\n3\n");
  const auto first = pending.err.find("telescopes");
  ASSERT_NE(first, pending.err.npos) << pending.err;
  EXPECT_EQ(pending.err.find("waits for what no rank has"), pending.err.rfind("waits for what no rank has"))
      << pending.err;
  const auto error = run("'nobody has it' --ringray.unschedulable=error");
  EXPECT_EQ(error.status, 0) << error.err;
  EXPECT_TRUE(error.out.starts_with("UnschedulableError") && has(error.out, "telescopes")) << error.out;
}

TEST_P(BadInput, ADestructorThatThrowsEndsTheRankWithItsName) {
  for (const auto* what : {"value's", "actor's"}) {
    const auto outcome = run("\"" + std::string(what) + " destructor throws\"");
    EXPECT_NE(outcome.status, 0) << what;
    ASSERT_GE(outcome.lines.size(), 1) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "std::runtime_error was thrown where nothing may be thrown")) << outcome.err;
    if (what[0] == 'a') {
      EXPECT_TRUE(has(outcome.lines[0], "(in the destructor of actor ") && has(outcome.lines[0], "Bomb): "))
          << outcome.err;
    }
    EXPECT_TRUE(has(outcome.err, "the bomb went off")) << outcome.err;
  }
  const auto disarmed = run("\"argument's destructor throws\"");
  EXPECT_EQ(disarmed.status, 0) << disarmed.err;
}

TEST_P(BadInput, WhoCallsExitIsNamed) {
  const auto task = run("'task exits'");
  EXPECT_NE(task.status, 0);
  EXPECT_TRUE(has(task.err,
                  std::string("ringray: rank ") + (GetParam() ? "1" : "0") + ": std::exit was called by task 'leaver'"))
      << task.err;
  const auto driver = run("'driver exits'");
  EXPECT_NE(driver.status, 0);
  EXPECT_TRUE(has(driver.err, "ringray: rank 0: std::exit was called by the driver")) << driver.err;
  const auto child = run("'child exits'");
  EXPECT_EQ(child.status, 0) << child.err;
  EXPECT_EQ(child.out, "7\n");
  EXPECT_FALSE(has(child.err, "std::exit")) << child.err;
}

TEST_P(BadInput, WhatOutlivesTheJobIsNamed) {
  const auto task = run("'task outlives the job' --ringray.workers=2 --ringray.stop_timeout_ms=100");
  EXPECT_NE(task.status, 0);
  EXPECT_TRUE(has(task.err, "ringray: rank 0: task 'endless' still runs ")) << task.err;
  const auto seconds = task.err.find(" still runs ");
  ASSERT_NE(seconds, task.err.npos);
  EXPECT_GE(std::stod(task.err.substr(seconds + 12)), 0.6) << task.err;  // there is a farewell of 0.5 s
  const auto actor = run("'on_stop hangs' --ringray.workers=2 --ringray.stop_timeout_ms=100");
  EXPECT_NE(actor.status, 0);
  EXPECT_TRUE(has(actor.err, "ringray: rank 0: on_stop of actor ")) << actor.err;
  EXPECT_TRUE(has(actor.err, "Stubborn still runs ")) << actor.err;
}

TEST_P(BadInput, AnOnStopThatThrowsNamesItsActor) {
  const auto outcome = run("'on_stop throws'");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(has(outcome.err, "on_stop of actor ") &&
              has(outcome.err, "BadStop 'bad 0' threw std::runtime_error: it does not stop") &&
              has(outcome.err, "BadStop 'bad 1' threw std::runtime_error: it does not stop"))
      << outcome.err;
}

TEST_P(BadInput, ThrownTextAndNumbersAreShown) {
  const auto outcome = run("'task throws anything'");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const auto* part :
       {"TaskError std::string: std::string: some text", ": a literal", "TaskError double: double: 2.5",
        "First: an exception that is no std::exception", ": a char pointer", ": a string_view"})
    EXPECT_TRUE(has(outcome.out, part)) << part << " in " << outcome.out;
  EXPECT_FALSE(has(outcome.out, "buffer")) << outcome.out;
}

TEST_P(BadInput, APlaceThatNobodyIsAtIsNamedWithTheTaskThatWaits) {
  const auto outcome = run("'nobody is there'");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "it is pending\nit is pending\n");
  for (const auto* part : {"task 'traveller' waits for what no rank has: no rank of host 'nowhere'",
                           "task 'traveller' waits for what no rank has: no rank with label color=green"})
    EXPECT_TRUE(has(outcome.err, part)) << part << " in " << outcome.err;
}

TEST_P(BadInput, NegativeAmountsAreRefused) {
  const auto outcome = run("'negative amounts'");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 6) << outcome.out;
  for (const auto* part :
       {"cpus is negative or no number", "gpus is negative or no number", "tool is negative or no number"})
    EXPECT_TRUE(has(outcome.out, part)) << part << " in " << outcome.out;
}

TEST_P(BadInput, AOneWayCallThatRunsWhenTheJobEndsIsAskedToStop) {
  const auto outcome = run("'end while a one-way call runs' --ringray.workers=2");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(has(outcome.err, "did not end") || has(outcome.err, "still runs")) << outcome.err;
}

TEST_P(BadInput, AnActorOfAnotherClassIsNoneOfThatName) {
  for (const auto* act : {"actor of another class", "actor of another class exists"})
    expect_one_line(run("'" + std::string(act) + "'"),
                    {"ConfigError", "'numbers' is of class ", "Numbers, not ", "Builder (its"});
}

TEST_P(BadInput, TheDriverFindsTheProgramsArgumentsOnly) {
  const auto outcome = run("arguments --ringray.workers=1 one --ringray.seed 3 two --ringray.pin");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.ends_with("\narguments\none\ntwo\nnull follows\n")) << outcome.out;
}

TEST_P(BadInput, AThreadOfTheProgramsOwnMaySubmitPutAndGet) {
  const auto outcome = run("thread --ringray.workers=1");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "5\n");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those report it themselves
TEST_P(BadInput, AStackOverflowNamesTheTaskAndTheOption) {
  const auto task = run("'stack overflow' --ringray.stack_bytes=64KiB");
  EXPECT_NE(task.status, 0);
  for (const auto* part : {": task 'deep' overflowed its stack of 64 KiB (", "--ringray.stack_bytes=256KiB\n"})
    EXPECT_TRUE(has(task.err, part)) << task.err;
  const auto driver = run("\"driver's stack overflow\"", "ulimit -s 1024;");
  EXPECT_NE(driver.status, 0);
  EXPECT_TRUE(has(driver.err, "the driver overflowed the stack of the main thread, ")) << driver.err;
}

TEST_P(BadInput, ACrashIsOneLineThatNamesTheTaskTheSignalAndTheRank) {
  const auto line_of = [&](const std::string& act) {
    const auto outcome = run("'" + act + "'");
    EXPECT_NE(outcome.status, 0) << act;
    const auto found =
        std::find_if(outcome.lines.begin(), outcome.lines.end(), [](const auto& line) { return has(line, "crashed"); });
    // What was there before has its turn.
    EXPECT_TRUE(!GetParam() || has(outcome.err, "*** Process received signal ***")) << outcome.err;
    return found == outcome.lines.end() ? outcome.err : *found;
  };
  const auto expect_line = [&](const std::string& act, const std::vector<std::string>& parts) {
    const auto line = line_of(act);
    for (const auto& part : parts) EXPECT_TRUE(has(line, part)) << part << " in " << line;
  };
  const std::string there = GetParam() ? "rank 1 (host " : "rank 0 (host ";
  expect_line("task crashes", {there, ", pid ", "task 'render' crashed: SIGSEGV"});
  expect_line("method crashes", {there, ", pid ", "call 'Fragile::give_up' crashed: SIGABRT"});
  expect_line("driver crashes", {"rank 0 (host ", "the driver crashed: SIGFPE", "(address 0x"});
  expect_line("thread crashes", {"rank 0 (host ", "a thread of the program's own crashed: SIGSEGV"});
}

TEST_P(BadInput, AHandlerThatTheProgramHadBeforeSeesACrashAfterItsReport) {
  const auto own = run("'task crashes'", "OWN_HANDLER=1");
  EXPECT_TRUE(has(own.out, "the program's own handler\n")) << own.out << own.err;
  ASSERT_GE(own.lines.size(), 1) << own.err;
  EXPECT_TRUE(has(own.lines[0], "task 'render' crashed")) << own.lines[0];
}
#endif

TEST_P(BadInput, ARankThatHangsSaysWhatRunsAndWhatWaitsForWhat) {
  std::vector<std::string> expected{
      " runs task 'spin', for "};  // alone, the waiting driver may run it on its own stack
  if (GetParam()) expected.push_back("get the result of task 'spin' on rank 1, in the driver");
  expect_report("hang", expected);
}

TEST_P(BadInput, ARankThatHangsSaysThatTheDriverRunsWhatItWaitsForItself) {
  if (GetParam()) GTEST_SKIP() << "the other rank runs it";
  expect_report("hang", {"  worker 0 runs task 'spin', for ", " s, in the wait of the driver\n"},
                "--ringray.workers=1");
}

TEST_P(BadInput, ARankThatHangsNamesOneWayCallsTheirActorsAndWhatWaitsBehindThem) {
  const std::string two = "--ringray.workers=2";
  expect_report("hang in a one-way call",
                {" runs call 'Clerk::spin_on' of actor 'clerk', for ", " s, 5 calls wait behind it\n"}, two);
  expect_report("hang with much behind it", {" s, 1000 or more calls wait behind it\n"}, two);
  expect_report(
      "hang in a one-way call's wait",
      {GetParam() ? " s  get the result of task 'source'" : " task 'source'",  // alone, the call may run it itself
       " call 'Clerk::wait' of actor 'clerk', 5 calls wait behind it\n"},
      two);
}

TEST_P(BadInput, ARankThatHangsNamesATaskThatWaitsForALock) { expect_report("hang at a lock", {" runs task 'locks'"}); }

TEST_P(BadInput, WhatSleepsInASystemCallIsNotWokenButNamedWhenTheRankEnds) {
  expect_report("hang asleep", {" sleeps in a system call, "}, "--ringray.workers=2", {" runs task 'sleeps'"});
}

TEST_P(BadInput, ARankThatHangsSaysWhatYields) {
  expect_report("hang politely", {std::string(" s  yields, in task 'spin_politely'") + (GetParam() ? "\n" : "")});
}

TEST_P(BadInput, ARankThatHangsSaysWhichArgumentATaskWaitsFor) {
  expect_report(
      "hang for an argument",
      {GetParam() ? "  task 'sink' waits for its argument, the result of task 'source' on rank 1\n"
                  : "  task 'sink' waits for its argument, the result of task 'source', which has begun here\n"});
}

}  // namespace ringray::test::bad_input
