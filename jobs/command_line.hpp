#pragma once
// How jobs read their command line: what is wrong with it is one line on standard error.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <ringray/run.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ringray/base/near_name.hpp"

namespace jobs {

/// What is wrong, in words. CLI11's own list of arguments that it does not know is in reverse order.
inline std::string fault_of(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> extras = app.remaining();
  if (!dynamic_cast<const CLI::ExtrasError*>(&error) || extras.empty()) return error.what();
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  std::string listed, suggestion;
  for (const std::string& extra : extras) {
    listed += ' ' + extra;
    const auto near = ringray::base::near_name(extra.substr(0, extra.find('=')), known);
    if (suggestion.empty() && !near.empty()) suggestion = "; did you mean " + std::string(near) + "?";
  }
  return "not expected:" + listed + suggestion;
}

/// One line on standard error, in one piece: mpirun puts its own words between pieces.
inline void complain(const char* program, std::string_view what) {
  fmt::print(stderr, "{}: {}\n", program, what);
}

/// Sets what `app` names. Gives the exit status of a program that is not to run: it showed its help, or the command
/// line is wrong (2, as for whatever else of the user's input is).
inline std::optional<int> read_command_line(CLI::App& app, const char* program, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    complain(program, fault_of(app, error) + "; --help lists the options");
    return 2;
  }
}

/// Runs the driver `program`, which gives the exit status.
inline int run(int argc, char** argv, int (*program)(int argc, char** argv)) {
  int status = 0;
  const int ended = ringray::run(argc, argv, [&] { status = program(argc, argv); });
  return ended != 0 ? ended : status;
}

}  // namespace jobs
