#pragma once
// A command as people type it, how it ended, and what it said.

#include <sys/wait.h>

#include <cstdio>
#include <string>

struct Ended {
  int status = -1;  // -1: killed by a signal
  std::string output;
};

inline Ended run_command(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  Ended ended;
  char text[4096];
  while (pipe && fgets(text, sizeof text, pipe)) ended.output += text;
  const int status = pipe ? pclose(pipe) : -1;
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}
