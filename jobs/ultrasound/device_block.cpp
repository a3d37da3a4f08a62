#include "device_block.hpp"

#include <algorithm>

namespace ultrasound {

using ringray::kernels::wave_edge;
using ringray::kernels::wave_halo;
using ringray::kernels::wave_margin;

DeviceBlock::DeviceBlock(const BlockSetup& setup, const Sampling& sampling)
    : coefficients_(setup.coefficients), recorders_(setup.recorders), sampling_(sampling) {
  const Coefficients& c = coefficients_;
  const auto& layout = c.layout;
  const auto steps = static_cast<std::size_t>(sampling.steps), planes = static_cast<std::size_t>(layout.nz);
  for (auto& field : fields_) field.assign(static_cast<std::size_t>(layout.size()), 0.0F);
  peak_.assign(fields_[0].size(), 0.0F);
  for (const Recorder& recorder : recorders_)
    recorded_.push_back(layout.at(recorder.cell.x, recorder.cell.y, recorder.cell.z));
  traces_.resize(steps * recorded_.size());
  if (sampling.energy_every > 0) energies_.resize(steps / static_cast<std::size_t>(sampling.energy_every) * planes);
  if (sampling.snapshot_every > 0)
    snapshots_.resize(steps / static_cast<std::size_t>(sampling.snapshot_every) * planes *
                      static_cast<std::size_t>(layout.ny));

  // Those of one cell one after the other, in their order: see Block::inject.
  std::vector<std::pair<std::int64_t, const PointSource*>> sources;
  for (const PointSource& source : setup.sources)
    sources.emplace_back(layout.at(source.cell.x, source.cell.y, source.cell.z), &source);
  std::stable_sort(sources.begin(), sources.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [cell, source] : sources) {
    if (sources_.empty() || sources_.back().cell != cell)
      sources_.push_back({cell, static_cast<std::uint32_t>(flows_count_), 0});
    ++sources_.back().count;
    ++flows_count_;
  }
  flows_.reserve(steps * flows_count_);
  for (std::size_t step = 0; step < steps; ++step) {
    for (const auto& [cell, source] : sources) flows_.push_back(taken(*source, c, static_cast<long>(step)));
  }
}

ringray::kernels::WaveMemory DeviceBlock::memory(std::uint64_t simulation) {
  const Coefficients& c = coefficients_;
  const auto count = [](std::size_t size) { return static_cast<std::uint32_t>(size); };
  return {.simulation = simulation,
          .layout = c.layout,
          .medium = medium_of(c),
          .field = {fields_[0].data(), fields_[1].data()},
          .peak = peak_.data(),
          .rate = static_cast<float>(1 / c.step_s),
          .energy_unit = 0.5 * c.spacing_m,
          .sources = sources_.data(),
          .flows = flows_.data(),
          .sources_count = count(sources_.size()),
          .flows_count = count(flows_count_),
          .recorders = recorded_.data(),
          .traces = traces_.data(),
          .recorders_count = count(recorded_.size()),
          .energy_every = static_cast<std::uint32_t>(sampling_.energy_every),
          .energies = energies_.data(),
          .snapshot_every = static_cast<std::uint32_t>(sampling_.snapshot_every),
          .snapshot_x = sampling_.snapshot_x,
          .snapshots = snapshots_.data()};
}

ringray::kernels::WaveNeighbour DeviceBlock::as_neighbour(ringray::device::Address actor, bool margin_above) {
  return {.actor = actor,
          .margin = {wave_margin(fields_[0].data(), coefficients_.layout, margin_above),
                     wave_margin(fields_[1].data(), coefficients_.layout, margin_above)},
          .is_there = 1};
}

std::vector<float> DeviceBlock::edge(std::uint32_t step, bool upper) const {
  const float* const from = wave_edge(fields_[step % 2].data(), coefficients_.layout, upper);
  return {from, from + wave_halo * coefficients_.layout.plane};
}

void DeviceBlock::set_margin(std::uint32_t step, bool upper, const std::vector<float>& edge) {
  std::copy(edge.begin(), edge.end(), wave_margin(fields_[step % 2].data(), coefficients_.layout, upper));
}

Yield DeviceBlock::yield() const { return {{recorders_, traces_}, energies_, snapshots_}; }

PeakPart DeviceBlock::peak() const {
  const auto& layout = coefficients_.layout;
  PeakPart part(
      {static_cast<std::size_t>(layout.nz), static_cast<std::size_t>(layout.ny), static_cast<std::size_t>(layout.nx)});
  copy_peak(part.data());
  return part;
}

}  // namespace ultrasound
