#include "ringray/run.hpp"

#include <cxxabi.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "ringray/base/log.hpp"
#include "ringray/kv.hpp"
#include "ringray/mpi.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/launch.hpp"
#include "ringray/transport/bootstrap/mpi.hpp"
#include "ringray/transport/ucx/ucx.hpp"

namespace ringray {
namespace {

constexpr int launch_failed = 2;

int complain(const Failure& failure, int status) {
  std::fprintf(stderr, "ringray: %s\n", failure.text.c_str());
  return status;
}

control::Reply asked(const control::Request& request) {
  auto reply = runtime::core().ask(request);
  if (!reply) throw_error(reply.error().code, {.text = reply.error().text});
  return std::move(*reply);
}
const std::string& space() {
  runtime::check_inside("ringray::kv");
  return runtime::core().config().namespace_;
}

}  // namespace

namespace {

std::string thrown_line(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return "the driver threw " + type_name(typeid(e).name()) + ": " + e.what();
  } catch (...) {
    const auto* type = abi::__cxa_current_exception_type();
    return "the driver threw " + (type ? type_name(type->name()) : "something") +
           ", which is no std::exception: " + runtime::caught_value();
  }
}

/// Names what nobody caught, because it left a destructor, a noexcept function or a thread.
[[noreturn]] void name_uncaught() noexcept {
  std::string what = "std::terminate was called";
  if (const auto* type = abi::__cxa_current_exception_type()) {
    const auto who = runtime::who_runs();
    what = type_name(type->name());
    if (runtime::KernelThreadName().of_handler())
      what += " was thrown by " + who + ", which must not throw but say context.fail(code)";
    else
      what += " was thrown where nothing may be thrown (" +
              (who.empty() ? "a destructor or a noexcept function" : "in " + who) + ")";
    try {
      throw;
    } catch (const std::exception& e) {
      what += std::string(": ") + e.what();
    } catch (...) {
      what += ": " + runtime::caught_value();
    }
  }
  const auto rank = runtime::has_core() ? "rank " + std::to_string(runtime::core().self().value) + ": " : "";
  log::flush();
  std::fprintf(stderr, "ringray: %s%s; the rank ends\n", rank.c_str(), what.c_str());
  std::abort();
}

std::atomic<pid_t> watched_process{0};

/// std::exit in a task or the driver takes the whole rank with it; not in a process that it forked.
void name_who_exits() {
  if (!runtime::has_core() || getpid() != watched_process) return;
  const auto who = runtime::who_runs();
  log::flush();
  std::fprintf(stderr,
               "ringray: rank %u: std::exit was called by %s, and the rank ends with it; return or throw instead\n",
               runtime::core().self().value, who.empty() ? "a thread of the program's own" : who.c_str());
}
void watch_exit() {
  static const int watched = std::atexit(&name_who_exits);
  static_cast<void>(watched);  // without it an exit is not named
  watched_process = getpid();
}

/// Exit status of a rank; prints what rank 0 has to say.
int report(const Result<runtime::Ended>& ended, bool first) {
  if (!ended) {
    if (first || ended.error().code != Errc::config) complain(ended.error(), launch_failed);
    return launch_failed;
  }
  int status = 0;
  if (ended->driver_threw) status = complain({Errc::task_failed, thrown_line(ended->driver_threw)}, 1);
  if (!ended->lost.empty()) status = complain({Errc::config, ended->lost}, 1);
  return status;
}

}  // namespace

int run(const int& argc, char** argv, std::function<void()> driver) {
  std::vector<char*> copy(argv, argv + argc);
  copy.push_back(nullptr);
  int count = argc;
  return run(count, copy.data(), std::move(driver));
}

int run(int& argc, char** argv, std::function<void()> driver) {
  if (runtime::has_core()) {
    std::fputs("ringray: run was called inside a driver or task; a process runs one job at a time\n", stderr);
    return launch_failed;
  }
  static bool ran = false, ran_first = false;
  if (std::exchange(ran, true)) {
    if (ran_first)
      std::fputs(
          "ringray: run was called again after it returned (MPI starts once per process); do all in one driver, "
          "or use ringray::Runtime in a program with its own MPI\n",
          stderr);
    return launch_failed;
  }
  std::set_terminate(&name_uncaught);
  watch_exit();
  const runtime::WritesMayFail no_sudden_end;
  auto config = Config::parse(argc, argv, environ);
  std::unique_ptr<transport::Bootstrap> bootstrap;
  transport::ucx::give_signals_back();
  if (runtime::launched_by_mpi()) {
    auto mpi = transport::bootstrap_by_mpi();
    if (!mpi) return complain(mpi.error(), launch_failed);
    bootstrap = std::move(*mpi);
  } else {
    bootstrap = std::make_unique<runtime::Alone>();
  }
  const bool first = ran_first = bootstrap->rank() == Rank{0};
  if (config && config->help) {
    if (first) std::fputs(Config::help_text().c_str(), stdout);
    bootstrap->finish(transport::Leave::together);
    return 0;
  }
  const auto ended = runtime::run_rank(*bootstrap, std::move(config), std::move(driver));
  const int status = report(ended, first);
  bootstrap->finish(ended ? ended->leave : transport::Leave::together);
  return status;
}

// --- in somebody else's MPI program

Runtime::Runtime(MPI_Comm communicator, int* argc, char** argv) : communicator_(communicator) {
  int count = 0;
  char* none[] = {nullptr};
  auto config = argc ? Config::parse(*argc, argv, environ) : Config::parse(count, none, environ);
  if (config)
    config_ = std::make_unique<Config>(std::move(*config));
  else
    problem_ = config.error().text;
}

Runtime::~Runtime() = default;

void Runtime::run(std::function<void()> driver) {
  if (runtime::has_core())
    throw ConfigError("Runtime::run was called inside a driver or task; a process runs one job at a time");
  watch_exit();
  const runtime::WritesMayFail no_sudden_end;
  auto bootstrap = transport::bootstrap_by_mpi(communicator_);
  if (!bootstrap) throw ConfigError(bootstrap.error().text);
  const auto config = config_ ? Result<Config>(*config_) : failure(Errc::config, problem_);
  const auto ended = runtime::run_rank(**bootstrap, config, std::move(driver));
  if (!ended) throw_error(ended.error().code, {.text = ended.error().text});
  if (ended->driver_threw) std::rethrow_exception(ended->driver_threw);
  if (!ended->lost.empty()) throw ConfigError(ended->lost);
  if (ended->leave == transport::Leave::alone)
    throw RankDiedError("a rank died while the driver ran; its communicator can no longer be used");
}

Rank this_rank() {
  runtime::check_inside("this_rank");
  return runtime::core().self();
}
std::uint32_t ranks() {
  runtime::check_inside("ranks");
  return runtime::core().size();
}
Resources resources() {
  runtime::check_inside("resources");
  auto& core = runtime::core();
  return core.with([&] {
    Resources all;
    for (const auto rank : core.membership().alive_ranks()) all += core.membership().find(rank)->total;
    return all;
  });
}
bool stop_requested() { return runtime::Core::stop_requested.load(std::memory_order_relaxed); }

namespace kv {

bool put(const std::string& key, std::string value, PutOptions options) {
  return std::get<control::Flag>(asked(control::PutValue{space(), key, std::move(value), options.overwrite})).value;
}
std::optional<std::string> get(const std::string& key) {
  return std::get<control::Value>(asked(control::GetValue{space(), key})).value;
}
bool erase(const std::string& key) { return std::get<control::Flag>(asked(control::DeleteValue{space(), key})).value; }
bool exists(const std::string& key) { return std::get<control::Flag>(asked(control::HasValue{space(), key})).value; }
std::vector<std::string> keys(const std::string& prefix) {
  return std::get<control::Keys>(asked(control::ListKeys{space(), prefix})).keys;
}

}  // namespace kv
}  // namespace ringray
