#include "ringray/base/config_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "ringray/base/near_name.hpp"

namespace ringray::base {
namespace {

constexpr std::size_t file_bytes_max = 1 << 20;  // a file of options is small; what is larger is another file

auto wrong_file(std::string text) { return failure(Errc::config, std::move(text)); }

std::string one_line(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

/// The text of a value that is not a table or an array, or nothing.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* string = node.as_string()) return string->get();
  if (const auto* number = node.as_integer()) return fmt::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::to_string(number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  return std::nullopt;
}

std::optional<std::string> table_text(const toml::table& table) {
  std::string text;
  for (const auto& [key, node] : table) {
    const auto value = scalar_text(node);
    const auto name = key.str();
    if (!value || value->find(',') != value->npos || name.find_first_of(",=") != name.npos) return std::nullopt;
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, *value);
  }
  return text;
}

}  // namespace

Result<std::vector<TomlValue>> read_toml(std::string_view text, const std::string& path) try {
  const auto document = toml::parse(text, std::string_view(path));
  std::vector<TomlValue> values;
  const auto read = [&](const toml::key& key, const toml::node& node) -> std::optional<std::string> {
    TomlValue value{std::string(key.str()), "", node.is_string(), node.source().begin.line};
    const auto* table = node.as_table();
    const auto shown = table ? table_text(*table) : scalar_text(node);
    if (!shown)
      return fmt::format(
          "{}:{}: {} is a {} (an option is one value, or a table of names with values without ','); "
          "--ringray.help lists what each accepts",
          path, value.line, one_line(value.name), table ? "nested table" : "list or date");
    value.text = *shown;
    values.push_back(std::move(value));
    return std::nullopt;
  };
  for (const auto& [key, node] : document) {
    constexpr std::string_view our_table[] = {"ringray"};
    const auto* ours = key.str() == our_table[0] ? node.as_table() : nullptr;
    if (!ours) {
      if (node.is_table() && !near_name(key.str(), our_table).empty())
        return wrong_file(fmt::format("{}:{}: [{}] is not a table of Ringray; did you mean [ringray]?", path,
                                      node.source().begin.line, one_line(key.str())));
      if (auto problem = read(key, node)) return wrong_file(*problem);
      continue;
    }
    for (const auto& [option, its] : *ours)
      if (auto problem = read(option, its)) return wrong_file(*problem);
  }
  return values;
} catch (const toml::parse_error& error) {
  return wrong_file(fmt::format("{}:{}: {}", path, error.source().begin.line, one_line(error.description())));
}

Result<std::vector<TomlValue>> read_toml_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(file_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.gcount() == 0 && errno != 0))
    return wrong_file(fmt::format("{}: cannot be read: {} (--ringray.config names a TOML file of options)", path,
                                  std::strerror(errno)));
  if (file.gcount() > static_cast<std::streamsize>(file_bytes_max))
    return wrong_file(fmt::format("{}: is larger than 1 MiB (--ringray.config names a TOML file of options)", path));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return read_toml(text, path);
}

}  // namespace ringray::base
