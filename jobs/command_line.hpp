#pragma once
// How jobs read their command line: what is wrong with it is one line on standard error.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobs {

/// The options of a job, beside those of the runtime. --help lists them.
class CommandLine {
 public:
  CommandLine(const char* program, const char* what_it_does);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;

  void flag(const char* name, bool& value, const char* help);
  void choice(const char* name, std::string& value, const std::vector<std::string>& choices, const char* help);
  /// A number from `least` to `most`. What `value` is before is the default. T: double, std::uint32_t, std::uint64_t.
  template <class T>
  void number(const char* name, T& value, T least, T most, const char* help);
  /// `kind` is what --help says in place of the value. T: std::string, double, int.
  template <class T>
  void maybe(const char* name, std::optional<T>& value, const char* kind, const char* help);

  /// Sets what was named. Gives the exit status of a program that is not to run: it showed its help, or the command
  /// line is wrong (2, as for whatever else of the user's input is).
  std::optional<int> read(int argc, char** argv);

 private:
  struct Parser;
  const char* program_;
  std::unique_ptr<Parser> parser_;
};

/// One line on standard error, in one piece: mpirun puts its own words between pieces.
void complain(const char* program, std::string_view what);

/// Runs the driver `program`, which gives the exit status.
int run(int argc, char** argv, int (*program)(int argc, char** argv));

}  // namespace jobs
