// How what users throw becomes the error of a task or call.

#include <cxxabi.h>
#include <fmt/format.h>
#include <link.h>

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "ringray/base/symbols.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/unheard.hpp"

namespace ringray::runtime {

namespace {

/// A literal stays; what else a thrown pointer leads to may be gone. Gives null or its text.
const char* as_literal(const void* text) {
  struct Search {
    std::uintptr_t address;
    bool found = false;
  } search{reinterpret_cast<std::uintptr_t>(text)};
  dl_iterate_phdr(
      [](dl_phdr_info* binary, std::size_t, void* data) {
        auto& [address, found] = *static_cast<Search*>(data);
        for (unsigned i = 0; i < binary->dlpi_phnum && !found; ++i) {
          const auto& part = binary->dlpi_phdr[i];
          found = part.p_type == PT_LOAD && (part.p_flags & PF_W) == 0 &&
                  address - (binary->dlpi_addr + part.p_vaddr) < part.p_filesz;
        }
        return int{found};
      },
      &search);
  return search.found ? static_cast<const char*>(text) : nullptr;
}

std::string text_of(const char* value) {
  if (!value) return "a null pointer";
  const auto* literal = as_literal(value);
  return literal ? literal : "a char pointer (throw std::string, whose text stays)";
}
std::string text_of(std::string_view value) {
  if (value.empty()) return "an empty string_view";
  return as_literal(value.data()) ? std::string(value) : "a string_view (throw std::string, whose text stays)";
}

template <class... Ts>
std::string value_among() {
  std::string text = "an exception that is no std::exception";
  const auto is = [&]<class T>(std::type_identity<T>) {
    try {
      throw;
    } catch (const T& value) {
      if constexpr (std::is_pointer_v<T> || std::is_same_v<T, std::string_view>)
        text = text_of(value);
      else
        text = fmt::format("{}", value);
      return true;
    } catch (...) {
      return false;
    }
  };
  static_cast<void>((is(std::type_identity<Ts>{}) || ...));
  return text;
}

}  // namespace

std::string caught_value() {
  return value_among<std::string, const char*, std::string_view, int, unsigned, long, unsigned long, long long,
                     unsigned long long, double, float, bool, char>();
}

Thrown current_exception_of(std::string task) noexcept {
  Thrown thrown{Errc::task_failed, {.task = std::move(task), .rank = here_rank().value}};
  auto& [code, detail] = thrown;
  const auto nested = [&](const std::exception& e, const auto& self) -> void {
    try {
      std::rethrow_if_nested(e);
    } catch (const std::exception& inner) {
      detail.causes.push_back(type_name(typeid(inner).name()) + ": " + inner.what());
      self(inner, self);
    } catch (...) {
      detail.causes.push_back(caught_value());
    }
  };
  try {
    throw;
  } catch (const ExitActor&) {
    code = Errc::actor_died;
    detail.text = left_by_exit;
    if (auto* now = running(); now && now->actor) now->actor->request_exit();
  } catch (const Relayed& e) {
    code = e.code;
    detail = e.detail;
  } catch (const Error& e) {
    if (e.code() == Errc::task_cancelled) code = Errc::task_cancelled;
    detail.exception_type = type_name(typeid(e).name());
    const auto& inner = e.detail();
    detail.text = e.what();
    if (!inner.exception_type.empty()) {  // what another task threw: each says only its own part
      detail.text = "'" + inner.task + "' on rank " + std::to_string(inner.rank) + " failed";
      detail.causes.push_back(inner.exception_type + ": " + inner.text);
    }
    detail.causes.insert(detail.causes.end(), inner.causes.begin(), inner.causes.end());
    nested(e, nested);
  } catch (const std::exception& e) {
    detail.exception_type = type_name(typeid(e).name());
    detail.text = e.what();
    nested(e, nested);
  } catch (...) {
    if (const auto* type = abi::__cxa_current_exception_type()) detail.exception_type = type_name(type->name());
    detail.text = caught_value();
  }
  return thrown;
}

void fail_with_current_exception(Record& record) noexcept {
  auto [code, detail] = current_exception_of(record.name());
  fail_record(record, code, std::move(detail));
}

void fail_record(Record& record, Errc code, ErrorDetail detail) {
  constexpr std::size_t text_max = 4096, causes_max = 8;  // it has to fit in a message, for all results
  const auto clip = [](std::string& text) {
    if (text.size() > text_max) text = text.substr(0, text_max) + "…";
  };
  clip(detail.text);
  if (const auto count = detail.causes.size(); count > causes_max) {  // the root is the last
    const auto first = detail.causes.begin() + causes_max / 2;
    *first = "…";
    detail.causes.erase(first + 1, detail.causes.end() - (causes_max - causes_max / 2 - 1));
  }
  for (auto& cause : detail.causes) clip(cause);
  if (record.one_way()) {
    if (!record.published() || code != Errc::actor_died)  // that subscribers end is usual
      warn_failed_send(record.name(), record.target ? record.target->title() : "an actor", code, detail);
    record.make_extra().seen = true;
  }
  if (record.more)
    for (auto* result : record.more->more_results) result->set_error(code, detail);
  record.set_error(code, std::move(detail));
  share_error(record);
}

void expect_no_look(Record& record) {
  for (unsigned k = 0; k < record.kind().results; ++k) record.result(k).extra()->seen = true;
}

void share_error(Record& record) {
  const auto results = record.kind().results;
  if (results == 1 || !is_due_when_unseen(*record.extra())) return;
  const auto shared = std::make_shared<SharedError>(record.extra()->detail);
  for (unsigned k = 0; k < results; ++k) record.result(k).extra()->shared = shared;
}

}  // namespace ringray::runtime
