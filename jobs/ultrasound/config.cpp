#include "config.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <sstream>

#include "error.hpp"
#include "ringray/base/near_name.hpp"

namespace ultrasound {
namespace {

/// One table of the file. Every key that is asked for is known; finish() refuses the others.
class Section {
 public:
  Section(const toml::table& table, std::string file, std::string name)
      : table_(table), file_(std::move(file)), name_(std::move(name)) {}

  void read(const char* key, double& value) {
    if (const toml::node* node = find(key)) {
      if (const auto number = node->value<double>())
        value = *number;
      else
        refuse(key, "is no number");
    }
  }
  void read(const char* key, int& value) {
    if (const toml::node* node = find(key)) {
      const auto number = node->value_exact<std::int64_t>();
      if (!number || *number < -1'000'000 || *number > 1'000'000) refuse(key, "is no whole number up to a million");
      value = static_cast<int>(*number);
    }
  }
  void read(const char* key, std::string& value) {
    if (const toml::node* node = find(key)) {
      if (const auto text = node->value_exact<std::string>())
        value = *text;
      else
        refuse(key, "is no text in quotes");
    }
  }
  void read(const char* key, std::filesystem::path& value) {
    std::string text = value.string();
    read(key, text);
    value = text;
  }
  void read(const char* key, Point& value) {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::array* list = node->as_array();
    if (!list || list->size() != 3) refuse(key, "is not [x, y, z]");
    double* const parts[] = {&value.x, &value.y, &value.z};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto number = (*list)[i].value<double>();
      if (!number) refuse(key, "is not [x, y, z]");
      *parts[i] = *number;
    }
  }

  /// A table below this one; nothing when the file has none.
  template <class F>
  void section(const char* key, F read_it) {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::table* table = node->as_table();
    if (!table) refuse(key, "is no table");
    Section below(*table, file_, name_.empty() ? key : name_ + "." + key);
    read_it(below);
    below.finish();
  }
  /// A list of tables.
  template <class F>
  void list(const char* key, F read_it) {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array) refuse(key, fmt::format("is no list (write [[{}]])", key));
    for (const toml::node& item : *array) {
      const toml::table* table = item.as_table();
      if (!table) refuse(key, fmt::format("is no list of tables (write [[{}]])", key));
      Section below(*table, file_, key);
      read_it(below);
      below.finish();
    }
  }

  void finish() const {
    for (const auto& [key, node] : table_) {
      const std::string_view name = key.str();
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      const auto near = ringray::base::near_name(name, std::vector<std::string_view>(known_.begin(), known_.end()));
      throw InputError(fmt::format("{}:{}: unknown key {} (it would change nothing){}", file_, key.source().begin.line,
                                   name_.empty() ? std::string(name) : name_ + "." + std::string(name),
                                   near.empty() ? "" : fmt::format("; did you mean {}?", near)));
    }
  }

 private:
  const toml::node* find(const char* key) {
    known_.emplace_back(key);
    return table_.get(key);
  }
  [[noreturn]] void refuse(const char* key, const std::string& what) const {
    throw InputError(fmt::format("{}:{}: {} {} (the run would not be the one you want); correct it", file_,
                                 table_.get(key)->source().begin.line, name_.empty() ? key : name_ + "." + key, what));
  }

  const toml::table& table_;
  std::string file_, name_;
  std::vector<std::string> known_;
};

void require(bool holds, const char* what, double value, const char* range) {
  if (!holds) throw InputError(fmt::format("{} is {} (it must be {}); change it", what, value, range));
}

}  // namespace

void read_toml(std::string_view text, const std::string& file, Config& config) {
  toml::table table;
  try {
    table = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("{}:{}: {} (nothing after it can be read); correct the line", file,
                                 error.source().begin.line, error.description()));
  }
  Section root(table, file, "");
  root.section("input", [&](Section& s) {
    s.read("head", config.head);
    s.read("brain_mask", config.brain_mask);
  });
  root.section("run", [&](Section& s) {
    s.read("output", config.output);
    s.read("engine", config.engine);
    s.read("blocks", config.blocks);
    s.read("spacing_mm", config.spacing_mm);
    s.read("courant", config.courant);
    s.read("cells_per_wavelength", config.cells_per_wavelength);
    s.read("layer_cells", config.layer_cells);
    s.read("energy_every", config.energy_every);
    s.read("frames", config.frames);
  });
  root.section("transducer", [&](Section& s) {
    TransducerConfig& t = config.transducer;
    s.read("frequency_khz", t.frequency_khz);
    s.read("cycles", t.cycles);
    s.read("radius_mm", t.radius_mm);
    s.read("aperture_mm", t.aperture_mm);
    s.read("elements", t.elements);
    s.read("direction", t.direction);
    s.read("strength_pa_m", t.strength_pa_m);
  });
  root.section("materials", [&](Section& s) {
    for (std::size_t i = 0; i < tissue_count; ++i) {
      s.section(tissue_names[i], [&](Section& m) {
        m.read("speed_m_s", config.materials[i].speed_m_s);
        m.read("density_kg_m3", config.materials[i].density_kg_m3);
        m.read("attenuation_db_cm_mhz", config.materials[i].attenuation_db_cm_mhz);
      });
    }
  });
  std::vector<Target> targets;
  root.list("target", [&](Section& s) {
    Target& target = targets.emplace_back();
    s.read("name", target.name);
    s.read("position_mm", target.position_mm);
  });
  if (!targets.empty()) config.targets = targets;
  root.finish();
}

void check_config(const Config& config) {
  const TransducerConfig& t = config.transducer;
  require(config.spacing_mm >= 0.1 && config.spacing_mm <= 10, "spacing_mm", config.spacing_mm, "0.1 to 10");
  require(config.courant > 0 && config.courant <= 1, "courant", config.courant,
          "positive, at most 1: with longer steps the wave grows without bound");
  require(config.cells_per_wavelength >= 3 && config.cells_per_wavelength <= 100, "cells_per_wavelength",
          config.cells_per_wavelength, "3 to 100: below 3 the grid cannot carry the wave");
  require(config.layer_cells >= 0 && config.layer_cells <= 100, "layer_cells", config.layer_cells, "0 to 100");
  require(config.energy_every >= 1, "energy_every", config.energy_every, "1 or more");
  require(config.frames >= 1 && config.frames <= 32, "frames", config.frames, "1 to 32");
  require(config.blocks >= 0, "blocks", config.blocks, "1 or more, or 0 for as many as suit the engine");
  require(t.frequency_khz > 0 && t.frequency_khz <= 5000, "frequency_khz", t.frequency_khz, "positive, at most 5000");
  require(t.cycles >= 2 && t.cycles <= 100 && t.cycles == std::floor(t.cycles), "cycles", t.cycles,
          "whole, 2 to 100: other bursts leave a net volume behind");
  require(t.elements >= 1 && t.elements <= 100'000, "elements", t.elements, "1 to 100000");
  require(t.radius_mm > 0 && t.radius_mm <= 1000, "radius_mm", t.radius_mm, "positive, at most 1000");
  require(t.aperture_mm > 0 && t.aperture_mm <= 2 * t.radius_mm, "aperture_mm", t.aperture_mm,
          "positive, at most twice radius_mm");
  require(length(t.direction) > 0 && length(t.direction) < 1e6, "length of direction", length(t.direction), "positive");
  require(t.strength_pa_m > 0 && t.strength_pa_m < 1e9, "strength_pa_m", t.strength_pa_m, "positive, below 1e9");
  for (std::size_t i = 0; i < tissue_count; ++i) {
    const Material& m = config.materials[i];
    const std::string name = tissue_names[i];
    require(m.speed_m_s > 0 && m.speed_m_s < 20000, (name + ".speed_m_s").c_str(), m.speed_m_s,
            "positive, below 20000");
    require(m.density_kg_m3 > 0 && m.density_kg_m3 < 30000, (name + ".density_kg_m3").c_str(), m.density_kg_m3,
            "positive, below 30000");
    require(m.attenuation_db_cm_mhz >= 0 && m.attenuation_db_cm_mhz < 1000, (name + ".attenuation_db_cm_mhz").c_str(),
            m.attenuation_db_cm_mhz, "0 or more, below 1000");
  }
  for (const Target& target : config.targets) {
    require(length(target.position_mm) < 1000, "distance of a target from the origin in mm", length(target.position_mm),
            "below 1000");
  }
}

std::string to_toml(const Config& config) {
  const auto list = [](Point p) { return toml::array{p.x, p.y, p.z}; };
  const TransducerConfig& t = config.transducer;
  toml::table materials;
  for (std::size_t i = 0; i < tissue_count; ++i) {
    const Material& m = config.materials[i];
    materials.insert(tissue_names[i], toml::table{{"speed_m_s", m.speed_m_s},
                                                  {"density_kg_m3", m.density_kg_m3},
                                                  {"attenuation_db_cm_mhz", m.attenuation_db_cm_mhz}});
  }
  toml::array targets;
  for (const Target& target : config.targets) {
    targets.push_back(toml::table{{"name", target.name}, {"position_mm", list(target.position_mm)}});
  }
  const toml::table table{
      {"input", toml::table{{"head", config.head.string()}, {"brain_mask", config.brain_mask.string()}}},
      {"run", toml::table{{"output", config.output.string()},
                          {"engine", config.engine},
                          {"blocks", config.blocks},
                          {"spacing_mm", config.spacing_mm},
                          {"courant", config.courant},
                          {"cells_per_wavelength", config.cells_per_wavelength},
                          {"layer_cells", config.layer_cells},
                          {"energy_every", config.energy_every},
                          {"frames", config.frames}}},
      {"transducer", toml::table{{"frequency_khz", t.frequency_khz},
                                 {"cycles", t.cycles},
                                 {"radius_mm", t.radius_mm},
                                 {"aperture_mm", t.aperture_mm},
                                 {"elements", t.elements},
                                 {"direction", list(t.direction)},
                                 {"strength_pa_m", t.strength_pa_m}}},
      {"materials", materials},
      {"target", targets}};
  std::ostringstream text;
  text << table << '\n';
  return text.str();
}

}  // namespace ultrasound
