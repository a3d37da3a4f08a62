// Sound through a human head: see README.md.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <ringray/run.hpp>

#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

#include "../command_line.hpp"
#include "device.hpp"
#include "error.hpp"
#include "figures.hpp"
#include "host.hpp"
#include "report.hpp"
#include "ringray/base/replaced_file.hpp"
#include "shared_write.hpp"

namespace ultrasound {
namespace {

/// What the command line sets; it goes before what the file says.
struct Wishes {
  std::optional<std::string> config_file, head, mask, output, engine;
  std::optional<double> spacing_mm;
  std::optional<int> blocks;
};

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw InputError(fmt::format("{}: cannot be read (the run would not be the one you want); name a TOML file", path));
  }
  return text.str();
}

Config gather_config(const Wishes& wishes) {
  Config config;
  if (wishes.config_file) read_toml(read_text(*wishes.config_file), *wishes.config_file, config);
  if (wishes.head) config.head = *wishes.head;
  if (wishes.mask) config.brain_mask = *wishes.mask;
  if (wishes.output) config.output = *wishes.output;
  if (wishes.engine) config.engine = *wishes.engine;
  if (wishes.spacing_mm) config.spacing_mm = *wishes.spacing_mm;
  if (wishes.blocks) config.blocks = *wishes.blocks;
  check_config(config);
  return config;
}

std::unique_ptr<Engine> find_engine(const std::string& name) {
  if (name == "host") return std::make_unique<Host>();
  if (name == "device") return std::make_unique<Device>();
  if (name == "loop") return std::make_unique<Loop>();
  throw InputError(
      fmt::format("unknown engine {} (there is nothing to run the blocks); use host, device or loop", name));
}

/// The folder of one target: the output itself when there is one target only.
std::filesystem::path target_folder(const Config& config, std::size_t index) {
  return config.targets.size() == 1 ? config.output : config.output / fmt::format("target-{}", index + 1);
}

/// All that save() writes.
constexpr const char* result_names[] = {"result.h5", "peak-water.png", "peak-uncorrected.png", "peak-corrected.png",
                                        "wave-corrected.png"};

/// Refuses a folder that cannot be written in, before the work begins: makes it, writes a file, and takes both away.
void check_folder(const std::filesystem::path& folder) {
  const auto refuse = [&](const std::string& why) {
    throw InputError(fmt::format("results cannot be written to '{}': {}; give another folder with --output DIR",
                                 folder.string(), why));
  };
  if (folder.empty()) refuse("the name is empty");
  std::vector<std::filesystem::path> made;  // deepest first
  std::error_code error;
  for (auto path = std::filesystem::absolute(folder); !std::filesystem::exists(path, error) && path.has_relative_path();
       path = path.parent_path()) {
    made.push_back(path);
  }
  std::filesystem::create_directories(folder, error);
  std::string problem = error ? error.message() : std::filesystem::is_directory(folder) ? "" : "it is no folder";
  if (problem.empty()) {
    const std::filesystem::path probe = folder / fmt::format(".probe-{}", ::getpid());
    const int file = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || ::write(file, "x", 1) != 1) problem = std::strerror(errno);
    if (file >= 0) {
      ::close(file);
      std::filesystem::remove(probe, error);
    }
  }
  for (const auto& path : made)
    std::filesystem::remove(path, error);  // save() makes them again when there is something
  if (!problem.empty()) refuse(problem);
  for (const char* name : result_names) {
    if (const auto file = ringray::base::replaced_file(folder / name); !file)
      refuse(fmt::format("{} there cannot be replaced, {}", name, file.error().text));
  }
}

void save(const Config& config, const Treatment& treatment, const Anatomy& anatomy, Engine& engine,
          const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const Backdrop backdrop(treatment.plan, anatomy, config.layer_cells);
  const double full_scale_pa = common_full_scale_pa(treatment);
  for (const Outcome& outcome : treatment.outcomes) {
    const char* name = scenario_names[static_cast<std::size_t>(outcome.scenario)];
    if (outcome.scenario != Scenario::reversal) {
      draw_peak(backdrop, outcome, full_scale_pa, engine).save(folder / fmt::format("peak-{}.png", name));
    }
    if (outcome.scenario == Scenario::corrected) {
      draw_movie(backdrop, outcome, engine).save(folder / fmt::format("wave-{}.png", name));
    }
  }
  const auto began = std::chrono::steady_clock::now();
  const std::string how = engine.write(folder / "result.h5", config, treatment);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(),
               megabytes = static_cast<double>(std::filesystem::file_size(folder / "result.h5")) * 1e-6;
  fmt::print("result.h5    {:.0f} MB in {:.1f} s, written {}\n", megabytes, seconds, how);
}

void treat_all(const Wishes& wishes) {
  const Config config = gather_config(wishes);
  for (std::size_t i = 0; i < config.targets.size(); ++i) check_folder(target_folder(config, i));
  const std::unique_ptr<Engine> engine = find_engine(config.engine);
  fmt::print("head         {}\n", config.head.string());
  const Anatomy anatomy = [&] {
    const StageLine line("reading the head, finding skull and brain");
    return engine->read_anatomy(config);
  }();
  std::vector<Plan> plans;  // all are checked before the first is run
  {
    const StageLine line("making the medium");
    for (const Target& target : config.targets) plans.push_back(make_plan(config, anatomy, target));
  }
  for (std::size_t i = 0; i < plans.size(); ++i) {
    fmt::print("{}", describe_plan(config, plans[i]));
    std::fflush(stdout);
    ProgressLine progress(plans[i], *engine);
    const Treatment treatment = treat(config, std::move(plans[i]), *engine, std::ref(progress));
    const std::filesystem::path folder = target_folder(config, i);
    save(config, treatment, anatomy, *engine, folder);
    fmt::print("\n{}\nresult.h5 and pictures are in {}\n", describe_outcomes(treatment), folder.string());
  }
}

/// The driver. Gives the exit status.
int run_program(int argc, char** argv) {
  Wishes wishes;
  jobs::CommandLine line(
      "ultrasound",
      "Focuses ultrasound through the skull of a head: simulates it, corrects the delays by time reversal, compares.");
  line.maybe("--config", wishes.config_file, "FILE", "TOML file; see README.md");
  line.maybe("--head", wishes.head, "FILE", "T1-weighted head, NIfTI-1 (.nii, .nii.gz)");
  line.maybe("--mask", wishes.mask, "FILE", "its brain mask, NIfTI-1");
  line.maybe("--spacing", wishes.spacing_mm, "MM", "cell size; 2 for the demo, 1 for real");
  line.maybe("--output", wishes.output, "DIR", "folder for the results");
  line.maybe("--engine", wishes.engine, "NAME",
             "what blocks are: host (actors), device (device actors) or loop (nothing but a loop)");
  line.maybe("--blocks", wishes.blocks, "N", "blocks that the grid is cut into; 0: one per worker");
  if (const auto status = line.read(argc, argv)) return *status;
  try {
    treat_all(wishes);
    return 0;
  } catch (const InputError& error) {
    jobs::complain("ultrasound", error.what());
    return 2;
  } catch (const WriteStuck& error) {
    jobs::complain("ultrasound", error.what());
    abort_stuck_job();
  } catch (const ringray::RankDiedError& error) {
    jobs::complain("ultrasound", fmt::format("{}; a simulation needs all ranks: start the job again", error.what()));
    return 1;
  } catch (const std::exception& error) {
    jobs::complain("ultrasound", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace ultrasound

int main(int argc, char** argv) {
  const int status = jobs::run(argc, argv, ultrasound::run_program);
  if (ultrasound::write_left_behind()) {
    std::fflush(nullptr);
    ::_exit(std::max(1, status));
  }
  return status;
}
