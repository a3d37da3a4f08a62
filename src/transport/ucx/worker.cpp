#include "ringray/transport/ucx/worker.hpp"

#include <dlfcn.h>
#include <ucs/debug/debug.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "ringray/base/check.hpp"
#include "ringray/transport/ucx/ucx.hpp"

namespace ringray::transport::ucx {
namespace {

struct ReleaseConfig {
  void operator()(ucp_config_t* config) const { ucp_config_release(config); }
};

Failure failed(const char* call, ucs_status_t status) {
  return {Errc::config,
          "UCX does not start, so ranks cannot talk (" + describe(call, status) + "); UCX_LOG_LEVEL=debug says more"};
}

struct Setting {
  const char* name;
  const char* value;
  const char* environment;
};
// ERR_HANDLING_MODE_PEER leaves shared memory for tcp over loopback (40 times the latency) without this.
constexpr Setting keep_shared_memory = {"MM_ERROR_HANDLING", "y", "UCX_MM_ERROR_HANDLING"};
// Finds a dead peer on the same host in half a second instead of 20.
constexpr Setting notice_death = {"KEEPALIVE_INTERVAL", "500ms", "UCX_KEEPALIVE_INTERVAL"};

bool allowed(std::initializer_list<const char*> names) {
  const char* transports = std::getenv("UCX_TLS");
  if (transports == nullptr) return true;
  const bool listed = std::any_of(names.begin(), names.end(),
                                  [&](const char* name) { return std::strstr(transports, name) != nullptr; });
  return listed != (transports[0] == '^');
}

// On endpoints that survive the death of their peer, bulk goes in fragments as large as the receiver's buffers, of
// which each connection has one while something arrives. With those of 64 KiB, the default, tcp over loopback has half
// its bandwidth. ucp_config_modify does not know this setting.
void enlarge_fragments() {
  if (allowed({"tcp", "all"})) ::setenv("UCX_TCP_RX_SEG_SIZE", "512k", 0);
}

// UCX warns about a setting of transports that UCX_TLS leaves out.
bool uses_shared_memory() { return allowed({"posix", "sysv", "xpmem", "shm", "sm", "mm", "all"}); }

ucs_status_t apply(ucp_config_t* config, const Setting& setting) {
  if (std::getenv(setting.environment) != nullptr) return UCS_OK;
  return ucp_config_modify(config, setting.name, setting.value);
}

/// The library that has this code.
const void* library_of(const void* code) {
  Dl_info info{};
  return dladdr(code, &info) != 0 ? info.dli_fbase : nullptr;
}

}  // namespace

void give_signals_back() {
  [[maybe_unused]] static const bool once = [] {
    if (std::getenv("UCX_HANDLE_ERRORS") != nullptr) return false;
    const auto* ucs = library_of(reinterpret_cast<const void*>(&ucs_debug_disable_signal));
    for (const int signal : {SIGILL, SIGSEGV, SIGBUS, SIGFPE}) {
      struct sigaction now;
      const bool known = ::sigaction(signal, nullptr, &now) == 0;
      ucs_debug_disable_signal(signal);
      if (known && library_of(reinterpret_cast<const void*>(now.sa_handler)) != ucs)
        RINGRAY_ASSERT(::sigaction(signal, &now, nullptr) == 0, "sigaction");
    }
    return true;
  }();
}

Errc error_of(ucs_status_t status) noexcept {
  switch (status) {
    case UCS_OK:
      return Errc::none;
    case UCS_ERR_NO_MEMORY:
      return Errc::out_of_memory;
    case UCS_ERR_MESSAGE_TRUNCATED:
    case UCS_ERR_INVALID_PARAM:
      return Errc::corrupt_data;
    default:
      return Errc::rank_died;
  }
}

std::string describe(const char* call, ucs_status_t status) {
  return std::string(call) + ": " + ucs_status_string(status);
}

Result<std::unique_ptr<Worker>> Worker::open() {
  std::unique_ptr<Worker> worker(new Worker);
  if (auto started = worker->start(); !started) return tl::make_unexpected(started.error());
  return worker;
}

Result<void> Worker::start() {
  enlarge_fragments();
  ucp_config_t* config = nullptr;
  if (auto status = ucp_config_read(nullptr, nullptr, &config); status != UCS_OK)
    return tl::make_unexpected(failed("ucp_config_read", status));
  const std::unique_ptr<ucp_config_t, ReleaseConfig> keep(config);
  reads_memory_ = allowed({"cma", "shm", "sm", "all"});
  if (uses_shared_memory()) {
    if (auto status = apply(config, keep_shared_memory); status != UCS_OK)
      return tl::make_unexpected(failed("MM_ERROR_HANDLING", status));
  }
  if (auto status = apply(config, notice_death); status != UCS_OK)
    return tl::make_unexpected(failed("KEEPALIVE_INTERVAL", status));
  ucp_params_t params{};
  params.field_mask = UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_NAME;
  params.features = UCP_FEATURE_AM | UCP_FEATURE_WAKEUP;
  params.name = "ringray";
  if (auto status = ucp_init(&params, config, &context_); status != UCS_OK)
    return tl::make_unexpected(failed("ucp_init", status));
  give_signals_back();

  ucp_worker_params_t worker_params{};
  worker_params.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE;
  worker_params.thread_mode = UCS_THREAD_MODE_SERIALIZED;
  if (auto status = ucp_worker_create(context_, &worker_params, &worker_); status != UCS_OK)
    return tl::make_unexpected(failed("ucp_worker_create", status));
  if (auto status = ucp_worker_get_efd(worker_, &descriptor_); status != UCS_OK)
    return tl::make_unexpected(failed("ucp_worker_get_efd", status));

  ucp_address_t* address = nullptr;
  std::size_t bytes = 0;
  if (auto status = ucp_worker_get_address(worker_, &address, &bytes); status != UCS_OK)
    return tl::make_unexpected(failed("ucp_worker_get_address", status));
  address_.resize(bytes);
  std::memcpy(address_.data(), address, bytes);
  ucp_worker_release_address(worker_, address);
  return {};
}

Worker::~Worker() {
  if (worker_ != nullptr) ucp_worker_destroy(worker_);
  if (context_ != nullptr) ucp_cleanup(context_);
}

}  // namespace ringray::transport::ucx
