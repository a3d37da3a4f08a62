#include "block.hpp"

#include <algorithm>
#include <utility>

namespace ultrasound {
namespace {

using ringray::kernels::wave_halo;

std::vector<float> cut_planes(const std::vector<float>& whole, std::int64_t plane, PlaneRange range) {
  return {whole.begin() + range.first * plane, whole.begin() + (range.last + 2 * wave_halo) * plane};
}

std::int64_t cell_of(const PointSource& source, const ringray::kernels::WaveLayout& layout) {
  return layout.at(source.cell.x, source.cell.y, source.cell.z);
}

}  // namespace

ringray::kernels::WaveMedium medium_of(const Coefficients& c) {
  return {c.stiffness.data(), c.decay.data(), c.buoyancy_x.data(), c.buoyancy_y.data(), c.buoyancy_z.data()};
}

float taken(const PointSource& source, const Coefficients& c, long step) {
  const auto i = static_cast<std::size_t>(cell_of(source, c.layout));
  const double flow = source.burst(static_cast<double>(step) * c.step_s - source.delay_s);
  return static_cast<float>(c.stiffness[i] * flow / (c.spacing_m * c.decay[i]));
}

void copy_inner(const ringray::kernels::WaveLayout& layout, const float* field, float* cells) {
  for (int z = 0; z < layout.nz; ++z) {
    for (int y = 0; y < layout.ny; ++y) cells = std::copy_n(field + layout.at(0, y, z), layout.nx, cells);
  }
}

PlaneRange planes_of_block(int planes, int index, int count) {
  const auto start = [&](int i) { return static_cast<int>(static_cast<long>(planes) * i / count); };
  return {start(index), start(index + 1)};
}

BlockSetup cut_block(const Coefficients& whole, PlaneRange range, std::span<const PointSource> sources,
                     std::span<const Cell> recorders) {
  BlockSetup setup;
  const auto& layout = whole.layout;
  setup.first_plane = range.first;
  setup.coefficients = {.layout = ringray::kernels::wave_layout(layout.nx, layout.ny, range.last - range.first),
                        .spacing_m = whole.spacing_m,
                        .step_s = whole.step_s,
                        .stiffness = cut_planes(whole.stiffness, layout.plane, range),
                        .decay = cut_planes(whole.decay, layout.plane, range),
                        .buoyancy_x = cut_planes(whole.buoyancy_x, layout.plane, range),
                        .buoyancy_y = cut_planes(whole.buoyancy_y, layout.plane, range),
                        .buoyancy_z = cut_planes(whole.buoyancy_z, layout.plane, range)};
  for (PointSource source : sources) {
    if (source.cell.z < range.first || source.cell.z >= range.last) continue;
    source.cell.z -= range.first;
    setup.sources.push_back(source);
  }
  for (int index = 0; index < static_cast<int>(recorders.size()); ++index) {
    Cell cell = recorders[static_cast<std::size_t>(index)];
    if (cell.z < range.first || cell.z >= range.last) continue;
    cell.z -= range.first;
    setup.recorders.push_back({index, cell});
  }
  return setup;
}

Block::Block(BlockSetup setup) : setup_(std::move(setup)) {
  const auto size = static_cast<std::size_t>(setup_.coefficients.layout.size());
  now_.assign(size, 0.0F);
  before_.assign(size, 0.0F);
  peak_.assign(size, 0.0F);
}

void Block::inject() {
  const Coefficients& c = setup_.coefficients;
  for (const PointSource& source : setup_.sources)
    before_[static_cast<std::size_t>(cell_of(source, c.layout))] -= taken(source, c, steps_);
}

void Block::advance() {
  const Coefficients& c = setup_.coefficients;
  inject();
  ringray::kernels::advance_planes({.layout = c.layout,
                                    .medium = medium_of(c),
                                    .now = now_.data(),
                                    .next = before_.data(),
                                    .peak = peak_.data(),
                                    .rate = static_cast<float>(1 / c.step_s)},
                                   0, c.layout.nz);
  std::swap(now_, before_);
  ++steps_;
  for (const Recorder& recorder : setup_.recorders) traces_.push_back(pressure(recorder.cell));
}

std::span<const float> Block::edge(bool upper) const {
  const auto& layout = setup_.coefficients.layout;
  return {ringray::kernels::wave_edge(now_.data(), layout, upper), static_cast<std::size_t>(wave_halo * layout.plane)};
}
std::span<const float> Block::lower_edge() const { return edge(false); }
std::span<const float> Block::upper_edge() const { return edge(true); }

void Block::set_margin(std::span<const float> edge, bool upper) {
  std::copy(edge.begin(), edge.end(), ringray::kernels::wave_margin(now_.data(), setup_.coefficients.layout, upper));
}
void Block::set_below(std::span<const float> edge) { set_margin(edge, false); }
void Block::set_above(std::span<const float> edge) { set_margin(edge, true); }

std::vector<double> Block::plane_energies() const {
  const Coefficients& c = setup_.coefficients;
  const ringray::kernels::WaveEnergy energy{
      .layout = c.layout, .medium = medium_of(c), .now = before_.data(), .next = now_.data()};
  std::vector<double> planes;
  for (int z = 0; z < c.layout.nz; ++z) planes.push_back(0.5 * c.spacing_m * energy_of_plane(energy, z));
  return planes;
}

float Block::pressure(Cell cell) const {
  const Coefficients& c = setup_.coefficients;
  const auto i = static_cast<std::size_t>(c.layout.at(cell.x, cell.y, cell.z));
  return ringray::kernels::wave_pressure(&now_[i], &before_[i], 0, static_cast<float>(1 / c.step_s));
}

void Block::append_slice(int x, std::vector<float>& values) const {
  const auto& layout = setup_.coefficients.layout;
  for (int z = 0; z < layout.nz; ++z) {
    for (int y = 0; y < layout.ny; ++y) values.push_back(pressure({x, y, z}));
  }
}

}  // namespace ultrasound
