#include "ringray/run.hpp"

#include <unistd.h>

#include <cstdio>
#include <exception>

#include "ringray/base/log.hpp"
#include "ringray/kv.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/launch.hpp"
#include "ringray/transport/bootstrap/mpi.hpp"

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
const std::string& space() { return runtime::core().config().namespace_; }

}  // namespace

int run(int argc, char** argv, std::function<void()> driver) {
  auto config = Config::parse(argc, argv, environ);
  if (!config) return complain(config.error(), launch_failed);
  if (config->help) {
    std::fputs(Config::help_text().c_str(), stdout);
    return 0;
  }
  std::unique_ptr<transport::Bootstrap> bootstrap;
  if (runtime::launched_by_mpi()) {
    auto mpi = transport::bootstrap_by_mpi();
    if (!mpi) return complain(mpi.error(), launch_failed);
    bootstrap = std::move(*mpi);
  } else {
    bootstrap = std::make_unique<runtime::Alone>();
  }
  const bool first = bootstrap->rank() == Rank{0};
  int status = 0;
  auto leave = transport::Leave::together;
  try {
    const auto result = runtime::run_rank(*bootstrap, std::move(*config), std::move(driver));
    if (result) {
      leave = *result;
    } else {
      if (first || result.error().code != Errc::config) complain(result.error(), launch_failed);
      status = launch_failed;
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "ringray: the driver threw %s: %s\n", type_name(typeid(e).name()).c_str(), e.what());
    status = 1;
  } catch (...) {
    std::fputs("ringray: the driver threw an exception that is no std::exception\n", stderr);
    status = 1;
  }
  log::flush();
  bootstrap->finish(leave);
  return status;
}

Rank this_rank() { return runtime::core().self(); }
std::uint32_t ranks() { return runtime::core().size(); }
Resources resources() {
  auto& core = runtime::core();
  return core.with([&] {
    Resources all;
    for (const auto rank : core.membership().alive_ranks()) all += core.membership().find(rank)->total;
    return all;
  });
}
bool stop_requested() { return runtime::core().stop_requested.load(std::memory_order_relaxed); }

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
