#include "ringray/base/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "ringray/base/config_file.hpp"
#include "ringray/base/near_name.hpp"

namespace ringray {
namespace {

using base::Limits;
using Origin = Config::Origin;

// The words of the list's limits.
constexpr Limits any() { return {}; }
constexpr Limits between(double least, double most) { return {least, most}; }

constexpr std::string_view without_keyword_guard(std::string_view name) {
  return name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

std::string upper(std::string_view name) {
  std::string text(name);
  for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// One row of the list with its type erased.
struct Option {
  std::string_view name, sentence;
  bool is_switch;  ///< may stand alone on the command line
  bool is_text;    ///< a TOML value must be a string
  bool is_plain;   ///< a TOML value must be a number, or true or false
  Result<void> (*read)(Config&, std::string_view);
  std::string (*show)(const Config&);
  std::string (*accepted)();
};

constexpr Option options[] = {
#define X(type, field, value, limits, sentence_)                                                              \
  Option{without_keyword_guard(#field),                                                                       \
         sentence_,                                                                                           \
         std::is_same_v<type, bool>,                                                                          \
         std::is_same_v<type, std::string>,                                                                   \
         std::is_arithmetic_v<type>,                                                                          \
         [](Config& config, std::string_view text) { return base::read_option(text, limits, config.field); }, \
         [](const Config& config) { return base::show_option(config.field); },                                \
         [] { return base::accepted_text(limits, type{}); }},
    RINGRAY_OPTIONS(X)
#undef X
};
static_assert(std::size(options) == Config::option_count);

const Option* find_option(std::string_view name) {
  const auto* found = std::find_if(std::begin(options), std::end(options), [&](auto& o) { return o.name == name; });
  return found == std::end(options) ? nullptr : found;
}

/// " did you mean PREFIX…?", or nothing.
std::string suggestion(std::string_view name, std::string_view prefix, Origin origin = Origin::flag) {
  std::vector<std::string_view> names;
  for (const auto& option : options) names.push_back(option.name);
  const auto near = base::near_name(name, names);
  if (near.empty()) return {};
  return fmt::format(" did you mean {}{}?", prefix, origin == Origin::environment ? upper(near) : std::string(near));
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

constexpr std::string_view flag_prefix = "--ringray.", variable_prefix = "RINGRAY_",
                           launcher_prefix = "RINGRAY_BOOTSTRAP_";

/// A value on its way into the Config, and how its source names it: "--ringray.pin", "RINGRAY_PIN", "job.toml:3: pin".
struct Setting {
  std::string where;
  std::string name;
  std::string value;
  Origin origin;
};

Result<void> set(Config& config, const Setting& setting) {
  const auto* option = find_option(setting.name);
  if (!option) {
    const auto prefix = setting.origin == Origin::environment ? variable_prefix
                        : setting.origin == Origin::flag      ? flag_prefix
                                                              : "";
    return failure(Errc::config,
                   fmt::format("{} is not an option of Ringray;{} --ringray.help lists all", printable(setting.where),
                               suggestion(setting.name, prefix, setting.origin)));
  }
  if (auto read = option->read(config, setting.value); !read)
    return failure(Errc::config, fmt::format("{}: {} ({}); accepted: {}", printable(setting.where), read.error().text,
                                             option->sentence, option->accepted()));
  config.origins[static_cast<std::size_t>(option - options)] = setting.origin;
  return {};
}

/// "-ringray.pin", "--ringray-pin" and so on, which no program means as its own; "pin". Else empty.
std::string misspelt_flag(std::string_view argument) {
  constexpr std::string_view ours = "ringray";
  const auto word = argument.substr(std::min(argument.find_first_not_of('-'), argument.size()));
  if (word.size() == argument.size() || argument.starts_with(flag_prefix)) return {};
  const auto same = [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); };
  if (word.size() < ours.size() || !std::equal(ours.begin(), ours.end(), word.begin(), same)) return {};
  auto name = std::string(word.substr(ours.size(), word.find('=') - ours.size()));
  name.erase(0, name.find_first_not_of(".-_:"));
  for (auto& c : name) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name.empty() ? "help" : name;
}

bool is_truth_word(std::string_view text) {
  bool ignored = false;
  return text != "0" && text != "1" && base::read_option(text, any(), ignored).has_value();
}

/// The settings of the command line; `kept` gets the positions of all other arguments.
Result<std::vector<Setting>> read_arguments(int argc, char** argv, std::vector<int>& kept) {
  std::vector<Setting> settings;
  for (int i = 0; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--") {
      while (i < argc) kept.push_back(i++);
    } else if (const auto name = misspelt_flag(argument); !name.empty()) {
      return failure(Errc::config, fmt::format("{} is not an option of Ringray;{} --ringray.help lists all",
                                               printable(argument), suggestion(name, flag_prefix)));
    } else if (!argument.starts_with(flag_prefix)) {
      kept.push_back(i);
    } else {
      const auto equals = argument.find('=');
      const auto flag = argument.substr(0, equals);
      Setting setting{std::string(flag), std::string(flag.substr(flag_prefix.size())), "", Origin::flag};
      const auto* option = find_option(setting.name);
      if (equals != argument.npos) {
        setting.value = argument.substr(equals + 1);
      } else if (option && option->is_switch) {
        setting.value = i + 1 < argc && is_truth_word(argv[i + 1]) ? argv[++i] : "true";
      } else if (option) {
        if (i + 1 == argc || std::string_view(argv[i + 1]).starts_with(flag_prefix))
          return failure(Errc::config, fmt::format("{}: the value is missing ({}); accepted: {}", setting.where,
                                                   option->sentence, option->accepted()));
        setting.value = argv[++i];
      }
      settings.push_back(std::move(setting));
    }
  }
  return settings;
}

std::vector<Setting> read_environment(const char* const* environment) {
  std::vector<Setting> settings;
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    if (!entry.starts_with(variable_prefix) || entry.starts_with(launcher_prefix)) continue;
    const auto equals = std::min(entry.find('='), entry.size());
    std::string name(entry.substr(variable_prefix.size(), equals - variable_prefix.size()));
    for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    settings.push_back({std::string(entry.substr(0, equals)), name,
                        std::string(entry.substr(std::min(equals + 1, entry.size()))), Origin::environment});
  }
  return settings;
}

Result<std::vector<Setting>> read_file(const std::string& path) {
  return base::read_toml_file(path).and_then([&](const auto& values) -> Result<std::vector<Setting>> {
    std::vector<Setting> settings;
    for (const auto& value : values) {
      const auto where = fmt::format("{}:{}: {}", path, value.line, value.name);
      const auto* option = find_option(value.name);
      if (option && option->name == "config")
        return failure(Errc::config, where + ": a file of options cannot name another; give it on the command line");
      if (option && option->is_text && !value.is_string)
        return failure(Errc::config, fmt::format("{}: {} is not a string ({}); accepted: text in quotes",
                                                 printable(where), printable(value.text), option->sentence));
      if (Config scratch; option && option->is_plain && value.is_string && option->read(scratch, value.text))
        return failure(Errc::config,
                       fmt::format("{}: '{}' is text in quotes ({}); write {} without them", printable(where),
                                   printable(value.text), option->sentence, printable(value.text)));
      settings.push_back({where, value.name, value.text, Origin::file});
    }
    return settings;
  });
}

/// The file that the later sources name, or empty.
std::string named_file(const std::vector<Setting>& later) {
  std::string path;
  for (const auto& setting : later)
    if (setting.name == "config") path = setting.value;
  return path;
}

}  // namespace

Result<Config> Config::parse(int& argc, char** argv, const char* const* environment) {
  std::vector<int> kept;
  auto later = read_environment(environment);
  auto flags = read_arguments(argc, argv, kept);
  if (!flags) return tl::make_unexpected(flags.error());
  later.insert(later.end(), flags->begin(), flags->end());

  Config config;
  std::vector<Setting> settings;
  if (const auto path = named_file(later); !path.empty()) {
    auto file = read_file(path);
    if (!file) return tl::make_unexpected(file.error());
    settings = std::move(*file);
  }
  settings.insert(settings.end(), later.begin(), later.end());
  for (const auto& setting : settings)
    if (auto done = set(config, setting); !done) return tl::make_unexpected(done.error());

  if (config.rank_dead_after_ms <= config.heartbeat_ms)
    return failure(Errc::config,
                   fmt::format("--ringray.rank_dead_after_ms: {} is not longer than --ringray.heartbeat_ms = {} (every "
                               "rank would count as dead between two signs of life); accepted: several times as long",
                               base::show_option(config.rank_dead_after_ms), base::show_option(config.heartbeat_ms)));

  for (std::size_t i = 0; i < kept.size(); ++i) argv[i] = argv[kept[i]];
  argc = static_cast<int>(kept.size());
  argv[argc] = nullptr;
  return config;
}

std::vector<std::string> Config::changes() const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < option_count; ++i) {
    const auto& option = options[i];
    if (origins[i] == Origin::standard) continue;
    const auto source = origins[i] == Origin::file          ? config
                        : origins[i] == Origin::environment ? std::string(variable_prefix) + upper(option.name)
                                                            : std::string(flag_prefix) + std::string(option.name);
    lines.push_back(fmt::format("{} = {} ({})", option.name, option.show(*this), source));
  }
  return lines;
}

std::string Config::help_text() {
  std::string text =
      "Options of Ringray. A later source wins: TOML file (--ringray.config=FILE), RINGRAY_NAME, "
      "--ringray.name=value.\n";
  const Config standard;
  for (const auto& option : options) {
    const auto shown = option.show(standard);
    text += fmt::format("\n  --ringray.{}=…   [{}]{}\n      {}.\n", option.name, option.accepted(),
                        shown.empty() ? "" : "   default " + shown, option.sentence);
  }
  return text;
}

std::string Config::markdown_table() {
  std::string text = "| option | environment | default | accepted | meaning |\n|---|---|---|---|---|\n";
  const Config standard;
  for (const auto& option : options) {
    const auto shown = option.show(standard);
    text += fmt::format("| `--ringray.{}` | `RINGRAY_{}` | {} | {} | {} |\n", option.name, upper(option.name),
                        shown.empty() ? "" : "`" + shown + "`", option.accepted(), option.sentence);
  }
  return text;
}

}  // namespace ringray
