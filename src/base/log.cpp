#include "ringray/base/log.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "ringray/base/replaced_file.hpp"

namespace ringray::log {
namespace {

/// The hybrid logical time of the rank, as physical time in hexadecimal units of 2^16 ns, ':' and the counter.
class ClockFlag final : public spdlog::custom_flag_formatter {
 public:
  explicit ClockFlag(const base::HybridClock* clock) : clock_(clock) {}
  void format(const spdlog::details::log_msg&, const std::tm&, spdlog::memory_buf_t& out) override {
    const auto time = clock_->last();
    fmt::format_to(std::back_inserter(out), "{:x}:{:04x}", time >> 16, time & 0xffff);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<ClockFlag>(clock_); }

 private:
  const base::HybridClock* clock_;
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  static_assert(static_cast<int>(LogLevel::trace) == SPDLOG_LEVEL_TRACE &&
                static_cast<int>(LogLevel::warning) == SPDLOG_LEVEL_WARN &&
                static_cast<int>(LogLevel::error) == SPDLOG_LEVEL_ERROR);
  return static_cast<spdlog::level::level_enum>(level);
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, const Options& options) {
  auto logger = std::make_shared<spdlog::logger>("ringray", std::move(sink));
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  std::string pattern = "[%H:%M:%S.%e %l";
  if (options.rank) pattern += fmt::format(" rank {}", *options.rank);
  if (options.clock && options.level <= LogLevel::debug) {
    formatter->add_flag<ClockFlag>('*', options.clock);
    pattern += " %*";
  }
  formatter->set_pattern(pattern + "] %v");
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::trace);  // enabled() decides
  logger->flush_on(options.file.empty() ? spdlog::level::trace : spdlog::level::warn);
  return logger;
}

/// Never destroyed: threads may log until the process ends.
std::shared_ptr<spdlog::logger>& logger() {
  static auto& instance =
      *new std::shared_ptr<spdlog::logger>(make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), Options{}));
  return instance;
}

}  // namespace

Result<void> start(const Options& options) try {
  spdlog::sink_ptr sink;
  if (options.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    const auto path = options.rank ? fmt::format("{}.rank{}", options.file, *options.rank) : options.file;
    for (const auto& name : {options.file, path})  // "/dev/null" would make a file /dev/null.rank0
      if (const auto target = base::replaced_file(name); !target) throw spdlog::spdlog_ex(target.error().text);
    const auto folder = std::filesystem::path(path).parent_path();
    std::error_code problem;
    if (!folder.empty() && !std::filesystem::is_directory(folder, problem))  // spdlog would make it
      throw spdlog::spdlog_ex(fmt::format("there is no folder '{}'", folder.string()));
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path, true);
  }
  logger()->flush();
  logger() = make_logger(std::move(sink), options);
  detail::level.store(options.level, std::memory_order_relaxed);
  return {};
} catch (const spdlog::spdlog_ex& error) {
  return failure(Errc::config, fmt::format("--ringray.log_file: '{}' cannot be written: {} (the log would be lost); "
                                           "accepted: a file in an existing, writable folder",
                                           options.file, error.what()));
}

void flush() { logger()->flush(); }

void detail::write(LogLevel level, fmt::string_view format, fmt::format_args arguments) noexcept try {
  fmt::memory_buffer text;
  fmt::vformat_to(std::back_inserter(text), format, arguments);
  logger()->log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
} catch (const std::exception& error) {
  std::fprintf(stderr, "ringray: a log line is lost: %s\n", error.what());
}

}  // namespace ringray::log
