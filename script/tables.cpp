// Keeps the generated tables of a Markdown file equal to the lists in the code.
//   tables              prints all tables
//   tables --check FILE status 1 and one line per table that differs
//   tables --write FILE replaces what stands between <!-- NAME --> and <!-- /NAME -->

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "ringray/base/config.hpp"
#include "ringray/base/errors.hpp"
#include "ringray/base/metrics.hpp"

namespace {

std::string errors_markdown() {
  std::string text = "| exception | is a | meaning |\n|---|---|---|\n";
#define X(code, type, base, sentence) text += "| `" #type "` | `" #base "` | " sentence " |\n";
  RINGRAY_ERRORS(X)
#undef X
  return text;
}

struct Table {
  std::string_view name;
  std::string (*make)();
};
constexpr Table tables[] = {{"options", ringray::Config::markdown_table},
                            {"errors", errors_markdown},
                            {"metrics", ringray::base::metrics_markdown}};

/// The part of `text` between the marks of a table.
struct Section {
  std::size_t begin, size;
};
bool find_section(const std::string& text, std::string_view name, Section& section) {
  const auto open = fmt::format("<!-- {} -->\n", name), close = fmt::format("<!-- /{} -->", name);
  const auto start = text.find(open);
  const auto end = text.find(close);
  if (start == text.npos || end == text.npos || end < start) return false;
  section = {start + open.size(), end - start - open.size()};
  return true;
}

int edit(const std::string& path, bool write) {
  std::ifstream in(path);
  if (!in) return std::cerr << "tables: cannot read " << path << "\n", 2;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  bool equal = true;
  for (const auto& table : tables) {
    Section section;
    if (!find_section(text, table.name, section))
      return std::cerr << path << ": has no <!-- " << table.name << " --> section\n", 2;
    const auto wanted = "\n" + table.make() + "\n";
    if (text.compare(section.begin, section.size, wanted) == 0) continue;
    equal = false;
    if (write)
      text.replace(section.begin, section.size, wanted);
    else
      std::cerr << path << ": the table '" << table.name << "' is not that of the code; run tables --write " << path
                << "\n";
  }
  if (equal) return 0;
  if (!write) return 1;
  std::ofstream out(path);
  out << text;
  return out.flush() ? 0 : (std::cerr << "tables: cannot write " << path << "\n", 2);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view action = argc > 1 ? argv[1] : "";
  if (argc == 1) {
    for (const auto& table : tables) std::cout << "## " << table.name << "\n\n" << table.make() << "\n";
    return 0;
  }
  if (argc == 3 && (action == "--check" || action == "--write")) return edit(argv[2], action == "--write");
  std::cerr << "usage: tables [--check FILE | --write FILE]\n";
  return 2;
}
