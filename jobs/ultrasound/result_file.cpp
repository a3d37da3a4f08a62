#include "result_file.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "file.hpp"
#include "hdf5_handle.hpp"

namespace ultrasound {
namespace {

using Shape = std::vector<hsize_t>;

Handle text_type(std::size_t size) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "a text type");
  check_hdf5(H5Tset_size(type, std::max<std::size_t>(1, size)), "a text's size");
  return type;
}

void attribute(hid_t object, const char* name, const std::string& text) {
  const Handle type = text_type(text.size());
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, name);
  const Handle attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, name);
  check_hdf5(H5Awrite(attribute, type, text.data()), name);
}

void attribute(hid_t object, const char* name, const std::vector<double>& values) {
  const hsize_t size = values.size();
  const Handle space(size == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, nullptr), H5Sclose, name);
  const Handle attribute(H5Acreate2(object, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, name);
  check_hdf5(H5Awrite(attribute, H5T_NATIVE_DOUBLE, values.data()), name);
}

/// A dataset with its units. Its bytes get their place in the file now, without a fill value, so that ranks can write
/// their parts without agreeing on anything; without times, so that equal runs give equal files.
Handle make_dataset(hid_t group, const char* name, const char* units, const Shape& shape, hid_t type) {
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose, name);
  const Handle how(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, name);
  check_hdf5(H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY), name);
  check_hdf5(H5Pset_fill_time(how, H5D_FILL_TIME_NEVER), name);
  check_hdf5(H5Pset_obj_track_times(how, false), name);
  Handle set(H5Dcreate2(group, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT), H5Dclose, name);
  if (units) attribute(set, "units", std::string(units));
  return set;
}

template <class T>
void dataset(hid_t group, const char* name, const char* units, const Shape& shape, const T* values) {
  const Handle set = make_dataset(group, name, units, shape, hdf5_type_of<T>());
  check_hdf5(H5Dwrite(set, hdf5_type_of<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), name);
}

Handle make_group(hid_t parent, const char* name) {
  return {H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose, name};
}

std::vector<double> list(Point p) { return {p.x, p.y, p.z}; }

void write_head(hid_t file, const Config& config, const Plan& plan) {
  attribute(file, "program", std::string("ultrasound"));
  attribute(file, "config", to_toml(config));
  attribute(file, "target", plan.target.name);
  attribute(file, "target_mm", list(plan.grid.centre(plan.target_cell)));
  attribute(file, "spacing_mm", std::vector<double>{plan.grid.spacing_mm});
  attribute(file, "origin_mm", list(plan.grid.origin_mm));
  attribute(file, "step_s", std::vector<double>{plan.step_s});
  attribute(file, "frequency_hz", std::vector<double>{plan.burst.frequency_hz});
}

void make_medium(hid_t file, const Shape& shape) {
  const Handle group = make_group(file, "medium");
  make_dataset(group, "tissue", "0 water, 1 soft tissue, 2 skull, 3 brain", shape, hdf5_type_of<std::uint8_t>());
  make_dataset(group, "sound_speed", "m/s", shape, hdf5_type_of<float>());
  make_dataset(group, "density", "kg/m3", shape, hdf5_type_of<float>());
  make_dataset(group, "attenuation", "dB/cm/MHz", shape, hdf5_type_of<float>());
}

void write_transducer(hid_t file, const Treatment& treatment) {
  const Handle group = make_group(file, "transducer");
  std::vector<double> places;
  for (const Cell& cell : treatment.plan.elements) {
    for (const double part : list(treatment.plan.grid.centre(cell))) places.push_back(part);
  }
  const hsize_t elements = treatment.plan.elements.size();
  dataset(group, "elements_mm", "mm", {elements, 3}, places.data());
  dataset(group, "travel_water", "s", {elements}, treatment.travel_water_s.data());
  dataset(group, "travel_head", "s", {elements}, treatment.travel_head_s.data());
}

void write_outcome(hid_t simulations, const Outcome& outcome, const Shape& shape) {
  const Handle group = make_group(simulations, scenario_names[static_cast<std::size_t>(outcome.scenario)]);
  const SimulationResult& result = outcome.result;
  make_dataset(group, "peak_pressure", "Pa", shape, hdf5_type_of<float>());
  std::vector<float> traces;
  for (const auto& trace : result.traces) traces.insert(traces.end(), trace.begin(), trace.end());
  if (!traces.empty()) dataset(group, "traces", "Pa", {result.traces.size(), result.traces[0].size()}, traces.data());
  std::vector<int> steps;
  std::vector<double> joule;
  for (const EnergySample& sample : result.energy) {
    steps.push_back(sample.step);
    joule.push_back(sample.joule);
  }
  dataset(group, "energy", "J", {joule.size()}, joule.data());
  dataset(group, "energy_step", "1", {steps.size()}, steps.data());
  if (!outcome.delays_s.empty()) dataset(group, "delays", "s", {outcome.delays_s.size()}, outcome.delays_s.data());
}

void write_table(hid_t file, const Treatment& treatment) {
  const Handle group = make_group(file, "table");
  std::vector<double> place, off, peak, at_target, width;
  std::string names;
  constexpr std::size_t name_bytes = 16;
  for (const Outcome& outcome : treatment.outcomes) {
    if (outcome.scenario == Scenario::reversal) continue;
    std::string name = scenario_names[static_cast<std::size_t>(outcome.scenario)];
    name.resize(name_bytes);
    names += name;
    const Focus& focus = outcome.focus;
    for (const double part : list(focus.place_mm)) place.push_back(part);
    for (const double part : list(focus.width_mm)) width.push_back(part);
    off.push_back(focus.off_target_mm);
    peak.push_back(focus.peak_pa);
    at_target.push_back(focus.at_target_pa);
  }
  const hsize_t rows = off.size();
  const Handle type = text_type(name_bytes);
  const Handle set = make_dataset(group, "scenario", nullptr, {rows}, type);
  check_hdf5(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names.data()), "scenario");
  dataset(group, "focus_mm", "mm", {rows, 3}, place.data());
  dataset(group, "off_target_mm", "mm", {rows}, off.data());
  dataset(group, "peak", "Pa", {rows}, peak.data());
  dataset(group, "at_target", "Pa", {rows}, at_target.data());
  dataset(group, "width_mm", "mm", {rows, 3}, width.data());
}

}  // namespace

void create_result(const std::filesystem::path& path, const Config& config, const Treatment& treatment) {
  prepare_hdf5();
  const Extents& n = treatment.plan.grid.extents;
  const Shape shape{static_cast<hsize_t>(n.nz), static_cast<hsize_t>(n.ny), static_cast<hsize_t>(n.nx)};
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, "to be created");
  write_head(file, config, treatment.plan);
  make_medium(file, shape);
  write_transducer(file, treatment);
  {
    const Handle simulations = make_group(file, "simulations");
    for (const Outcome& outcome : treatment.outcomes) write_outcome(simulations, outcome, shape);
  }
  write_table(file, treatment);
  file.close();
  take_space(path);
}

std::vector<Slab> medium_slabs(const Plan& plan) {
  const auto* tissue = reinterpret_cast<const std::uint8_t*>(plan.tissue.data());
  return {{"medium/tissue", 0, std::span(tissue, plan.tissue.size())},
          {"medium/sound_speed", 0, std::span(plan.head.speed_m_s)},
          {"medium/density", 0, std::span(plan.head.density_kg_m3)},
          {"medium/attenuation", 0, std::span(plan.head.attenuation_db_cm_mhz)}};
}

std::string peak_dataset(Scenario scenario) {
  return fmt::format("simulations/{}/peak_pressure", scenario_names[static_cast<std::size_t>(scenario)]);
}

void write_result(const std::filesystem::path& path, const Config& config, const Treatment& treatment) {
  write_whole(path, [&](const std::filesystem::path& partial) {
    create_result(partial, config, treatment);
    write_slabs(partial, medium_slabs(treatment.plan));
    for (const Outcome& outcome : treatment.outcomes) {
      const std::vector<float> peak = outcome.result.peak_pa->all();
      const Slab slab{peak_dataset(outcome.scenario), 0, std::span(peak)};
      write_slabs(partial, {&slab, 1});
    }
  });
}

}  // namespace ultrasound
