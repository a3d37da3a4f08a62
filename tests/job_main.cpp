// The main of tests that run inside of a job, as its driver.

#include <gtest/gtest.h>

#include <cstdio>
#include <ringray/run.hpp>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  setvbuf(stdout, nullptr, _IOLBF, 0);  // a hang shows where
  int failed = 0;
  const int status = ringray::run(argc, argv, [&] { failed = RUN_ALL_TESTS(); });
  return status != 0 ? status : failed;
}
