#include "report.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <string_view>

namespace ultrasound {
namespace {

/// Whether a person sees standard output as it comes. mpirun gives its ranks a terminal of their own whatever becomes
/// of it: what counts then is where mpirun itself writes.
bool shown_on_terminal() {
  if (isatty(STDOUT_FILENO) != 1) return false;
  if (!std::getenv("OMPI_COMM_WORLD_SIZE")) return true;
  char target[256] = {};
  const std::string link = fmt::format("/proc/{}/fd/1", getppid());
  const auto letters = readlink(link.c_str(), target, sizeof target - 1);
  const std::string_view name(target, letters > 0 ? static_cast<std::size_t>(letters) : 0);
  return name.starts_with("/dev/pts/") || name.starts_with("/dev/tty") || name == "/dev/console";
}

}  // namespace

std::string describe_plan(const Config& config, const Plan& plan) {
  const Extents& n = plan.grid.extents;
  const double wavelength_mm = config.materials[0].speed_m_s / plan.burst.frequency_hz * 1e3;
  std::string text = fmt::format(
      "target       {} at {:.0f}, {:.0f}, {:.0f} mm\n"
      "grid         {} x {} x {} = {:.1f} million cells of {:.3g} mm, {} steps of {:.3g} ns ({:.0f} us)\n"
      "transducer   {} elements on a cap of {:.0f} mm radius, {:.0f} kHz, {:.0f} cycles ({:.1f} cells per wavelength "
      "in water)\n",
      plan.target.name, plan.target.position_mm.x, plan.target.position_mm.y, plan.target.position_mm.z, n.nx, n.ny,
      n.nz, static_cast<double>(n.cells()) * 1e-6, plan.grid.spacing_mm, plan.steps, plan.step_s * 1e9,
      plan.steps * plan.step_s * 1e6, plan.elements.size(), config.transducer.radius_mm, plan.burst.frequency_hz * 1e-3,
      plan.burst.cycles, wavelength_mm / plan.grid.spacing_mm);
  if (plan.burst.frequency_hz < config.transducer.frequency_khz * 1e3) {
    text += fmt::format(
        "frequency    lowered from {:.0f} kHz to what {:.3g} mm cells carry; {:.0f} kHz needs --spacing {:.3g}\n",
        config.transducer.frequency_khz, plan.grid.spacing_mm, config.transducer.frequency_khz,
        plan.grid.spacing_mm * plan.burst.frequency_hz / (config.transducer.frequency_khz * 1e3));
  }
  return text;
}

std::string describe_outcomes(const Treatment& treatment) {
  std::string text = fmt::format("{:<38}{:>10}{:>10}{:>9}{:>11}{:>24}\n", "", "peak kPa", "at target", "dB",
                                 "off target", "-6 dB width x y z");
  double water = 0;
  for (const Outcome& outcome : treatment.outcomes) {
    if (outcome.scenario == Scenario::reversal) continue;
    const Focus& f = outcome.focus;
    if (outcome.scenario == Scenario::water) water = f.at_target_pa;
    text += fmt::format("{:<38}{:>10.1f}{:>10.1f}{:>9.1f}{:>8.1f} mm{:>24}\n",
                        scenario_titles[static_cast<std::size_t>(outcome.scenario)], f.peak_pa * 1e-3,
                        f.at_target_pa * 1e-3, 20 * std::log10(f.at_target_pa / water), f.off_target_mm,
                        fmt::format("{:.1f} {:.1f} {:.1f} mm", f.width_mm.x, f.width_mm.y, f.width_mm.z));
  }
  return text;
}

LiveLine::LiveLine() : terminal_(shown_on_terminal()) {}

LiveLine::~LiveLine() {
  if (terminal_ && shown_letters_ > 0) fmt::print("\n");
  std::fflush(stdout);
}

void LiveLine::show(const std::string& text) {
  const auto now = Clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(3000);
  if (!shown_) shown_ = terminal_ ? now - pause : now;  // what is over at once needs one line in a file
  if (now - *shown_ < pause) return;
  shown_ = now;
  if (!terminal_) {
    fmt::print("{}\n", text);
  } else {
    fmt::print("\r{:<{}}", text, shown_letters_);
    shown_letters_ = text.size();
  }
  std::fflush(stdout);
}

void LiveLine::finish(const std::string& text) {
  fmt::print("{}{:<{}}\n", terminal_ ? "\r" : "", text, terminal_ ? shown_letters_ : 0);
  std::fflush(stdout);
  shown_.reset();
  shown_letters_ = 0;
}

StageLine::StageLine(std::string stage)
    : stage_(std::move(stage)), watcher_([this](const std::stop_token& done) { watch(done); }) {}

StageLine::~StageLine() {
  failed_ = std::uncaught_exceptions() > exceptions_;
  watcher_.request_stop();
  watcher_.join();
}

void StageLine::watch(const std::stop_token& done) {
  const auto seconds = [this] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  };
  LiveLine line;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!wake.wait_for(lock, done, std::chrono::milliseconds(200), [&] { return done.stop_requested(); })) {
    line.show(fmt::format("set-up       {}, {:.0f} s", stage_, seconds()));
  }
  if (!failed_) line.finish(fmt::format("set-up       {}: {:.1f} s", stage_, seconds()));
}

ProgressLine::ProgressLine(const Plan& plan, Engine& engine)
    : engine_(engine), steps_(plan.steps), cells_(static_cast<double>(plan.grid.extents.cells())) {}

void ProgressLine::operator()(Scenario scenario, int step) {
  const auto now = Clock::now();
  if (!first_) first_ = now;
  const auto under_way = [&](int done) { return done > 0 && done < steps_; };
  const auto all_done = [&] { return std::accumulate(done_.begin(), done_.end(), 0L); };
  if (std::none_of(done_.begin(), done_.end(), under_way)) {
    if (all_done() > 0) group_start_ = last_;
    done_before_ = all_done();
  }
  last_ = now;
  done_[static_cast<std::size_t>(scenario)] = step;
  const bool last = std::none_of(done_.begin(), done_.end(), under_way);
  std::string names;
  for (std::size_t i = 0; i < done_.size(); ++i) {
    if (under_way(done_[i]) || i == static_cast<std::size_t>(scenario))
      names += (names.empty() ? "" : ", ") + std::string(scenario_names[i]);
  }
  const long done = all_done(), all = static_cast<long>(done_.size()) * steps_;
  const double seconds = std::chrono::duration<double>(now - *first_).count();
  // The first steps wait for the blocks to be made, and say little of the others.
  const bool can_tell = seconds >= 1 && done * 50 >= all;
  const auto left = seconds * static_cast<double>(all - done) / static_cast<double>(done);
  const double here = std::chrono::duration<double>(now - group_start_).count();
  if (now - asked_ >= std::chrono::seconds(1)) telemetry_ = engine_.telemetry(), asked_ = now;
  const std::string text = fmt::format("{:<28} step {:>5}/{}  {:>6.1f} Mcells/s{}{}", names, done, all,
                                       cells_ * static_cast<double>(done - done_before_) / here * 1e-6,
                                       can_tell ? fmt::format("  {:>5.0f} s to go", left) : std::string(), telemetry_);
  if (last)
    line_.finish(text);
  else
    line_.show(text);
}

}  // namespace ultrasound
