#include "command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <ringray/run.hpp>

#include "ringray/base/near_name.hpp"

namespace jobs {
namespace {

/// What is wrong, in words. CLI11's own list of arguments that it does not know is in reverse order.
std::string fault_of(const CLI::App& app, const CLI::ParseError& error) {
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

}  // namespace

struct CommandLine::Parser : CLI::App {
  using CLI::App::App;
};

CommandLine::CommandLine(const char* program, const char* what_it_does)
    : program_(program), parser_(std::make_unique<Parser>(what_it_does)) {
  parser_->footer("--ringray.help lists the options of the runtime.");
}

CommandLine::~CommandLine() = default;

void CommandLine::flag(const char* name, bool& value, const char* help) { parser_->add_flag(name, value, help); }

void CommandLine::choice(const char* name, std::string& value, const std::vector<std::string>& choices,
                         const char* help) {
  parser_->add_option(name, value, help)->check(CLI::IsMember(choices))->capture_default_str();
}

template <class T>
void CommandLine::number(const char* name, T& value, T least, T most, const char* help) {
  parser_->add_option(name, value, help)->check(CLI::Range(least, most))->capture_default_str();
}
template void CommandLine::number(const char*, double&, double, double, const char*);
template void CommandLine::number(const char*, std::uint32_t&, std::uint32_t, std::uint32_t, const char*);
template void CommandLine::number(const char*, std::uint64_t&, std::uint64_t, std::uint64_t, const char*);

template <class T>
void CommandLine::maybe(const char* name, std::optional<T>& value, const char* kind, const char* help) {
  parser_->add_option(name, value, help)->option_text(kind);
}
template void CommandLine::maybe(const char*, std::optional<std::string>&, const char*, const char*);
template void CommandLine::maybe(const char*, std::optional<double>&, const char*, const char*);
template void CommandLine::maybe(const char*, std::optional<int>&, const char*, const char*);

std::optional<int> CommandLine::read(int argc, char** argv) {
  try {
    parser_->parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return parser_->exit(error);
    complain(program_, fault_of(*parser_, error) + "; --help lists the options");
    return 2;
  }
}

void complain(const char* program, std::string_view what) { fmt::print(stderr, "{}: {}\n", program, what); }

int run(int argc, char** argv, int (*program)(int argc, char** argv)) {
  int status = 0;
  const int ended = ringray::run(argc, argv, [&] { status = program(argc, argv); });
  return ended != 0 ? ended : status;
}

}  // namespace jobs
