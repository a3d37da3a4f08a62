#pragma once
// Values to bytes and back: cereal archives on a byte buffer, for one program on both sides (same binary, same
// architecture), plus raw copies for plain types. Decoding never trusts its input: it throws CorruptDataError.

#include <algorithm>
#include <cereal/archives/binary.hpp>
#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/common.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "ringray/base/errors.hpp"
#include "ringray/wire/bytes.hpp"

namespace ringray::wire {

/// A growing run of bytes that is not zeroed; the first ones need no memory of their own. One thread.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept { take(other); }
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  std::byte* append(std::size_t bytes) {
    if (size_ + bytes > capacity_) grow(size_ + bytes);
    auto* at = data_ + size_;
    size_ += bytes;
    return at;
  }
  void append(const void* from, std::size_t bytes) {
    if (bytes != 0) std::memcpy(append(bytes), from, bytes);
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& value) { std::memcpy(append(sizeof(T)), &value, sizeof(T)); }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void patch(std::size_t offset, const T& value) { std::memcpy(data_ + offset, &value, sizeof(T)); }
  void clear() noexcept { size_ = 0; }
  void truncate(std::size_t size) noexcept { size_ = size; }
  std::size_t size() const noexcept { return size_; }
  std::byte* data() noexcept { return data_; }
  View view() const noexcept { return {data_, size_}; }

 private:
  void grow(std::size_t needed) {
    const auto capacity = std::max(capacity_ * 2, needed);
    std::unique_ptr<std::byte[]> larger(new std::byte[capacity]);
    std::memcpy(larger.get(), data_, size_);
    heap_ = std::move(larger);
    data_ = heap_.get();
    capacity_ = capacity;
  }
  void take(ByteBuffer& other) noexcept {
    const bool heap = other.heap_ != nullptr;
    heap_ = std::move(other.heap_);
    data_ = heap ? heap_.get() : room_;
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, sizeof room_);
    other.data_ = other.room_;
    if (!heap) std::memcpy(room_, other.room_, size_);
  }
  std::byte* data_ = room_;
  std::size_t size_ = 0, capacity_ = sizeof room_;
  std::unique_ptr<std::byte[]> heap_;
  std::byte room_[160];
};

/// True for types whose bytes may be copied as they are: trivially copyable, no serialize function, no pointer.
template <class T>
concept Plain = std::is_trivially_copyable_v<T> && std::is_class_v<T> && !std::is_empty_v<T> &&
                !cereal::traits::is_output_serializable<T, cereal::BinaryOutputArchive>::value;

class Encoder;
class Decoder;

/// What cereal writes to: most values need no archive, and to make one takes longer than to copy them.
class OutputArchive : public cereal::OutputArchive<OutputArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit OutputArchive(Encoder& encoder) : cereal::OutputArchive<OutputArchive, 1>(this), encoder_(encoder) {}
  Encoder& encoder() noexcept { return encoder_; }
  void write(const void* from, std::size_t bytes);
  std::uint32_t add_reference(void* state);

 private:
  Encoder& encoder_;
};

/// What cereal reads from.
class InputArchive : public cereal::InputArchive<InputArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit InputArchive(Decoder& decoder) : cereal::InputArchive<InputArchive, 1>(this), decoder_(decoder) {}
  Decoder& decoder() noexcept { return decoder_; }
  void read(void* to, std::size_t bytes);
  View take(std::size_t bytes);
  std::size_t remaining() const noexcept;
  void* reference(std::uint32_t index) const;
  const Lease* lease() const noexcept;

 private:
  Decoder& decoder_;
};

/// Writes values. References inside a value (ObjectRef, ActorHandle) are written as indices into references(), so
/// that whoever sends the bytes can register them. One thread.
class Encoder {
 public:
  explicit Encoder(ByteBuffer& buffer) noexcept : buffer_(buffer) {}
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  /// By cereal.
  template <class... Values>
  void operator()(const Values&... values) {
    if (!archive_) archive_ = std::make_unique<OutputArchive>(*this);
    (*archive_)(values...);
  }
  void write(const void* from, std::size_t bytes) { buffer_.append(from, bytes); }
  ByteBuffer& buffer() noexcept { return buffer_; }
  /// Adds the state that a reference points to; returns its index. The state must outlive the encoder's use.
  std::uint32_t add_reference(void* state) {
    references_.push_back(state);
    return static_cast<std::uint32_t>(references_.size() - 1);
  }
  std::span<void* const> references() const noexcept { return references_; }
  void truncate_references(std::size_t count) { references_.resize(count); }
  /// Adds a state of which the encoder's user takes over one count (see counted()).
  std::uint32_t add_counted(void* state) {
    counted_.push_back(state);
    return add_reference(state);
  }
  std::span<void* const> counted() const noexcept { return counted_; }

 private:
  ByteBuffer& buffer_;
  std::vector<void*> references_, counted_;
  std::unique_ptr<OutputArchive> archive_;
};

/// Reads what an Encoder wrote. `references`: the states that the indices stand for. One thread.
class Decoder {
 public:
  explicit Decoder(View bytes, std::span<void* const> references = {}, const Lease* lease = nullptr) noexcept
      : bytes_(bytes), references_(references), lease_(lease) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  /// By cereal.
  template <class... Values>
  void operator()(Values&&... values) {
    if (!archive_) archive_ = std::make_unique<InputArchive>(*this);
    (*archive_)(std::forward<Values>(values)...);
  }
  void read(void* to, std::size_t bytes) {
    const auto view = take(bytes);
    if (bytes != 0) std::memcpy(to, view.data(), bytes);
  }
  /// The next `bytes` bytes, without copying.
  View take(std::size_t bytes) {
    if (bytes > bytes_.size()) throw CorruptDataError("encoded value is truncated");
    const auto view = bytes_.first(bytes);
    bytes_ = bytes_.subspan(bytes);
    return view;
  }
  template <class T>
  requires std::is_trivially_copyable_v<T> T get() {
    T value;
    read(&value, sizeof(T));
    return value;
  }
  void check_count(std::uint64_t count) const {
    if (count > bytes_.size()) throw CorruptDataError("encoded container is longer than its bytes");
  }
  std::size_t remaining() const noexcept { return bytes_.size(); }
  View rest() const noexcept { return bytes_; }
  void* reference(std::uint32_t index) const {
    if (index >= references_.size()) throw CorruptDataError("encoded reference has no entry");
    return references_[index];
  }
  /// What keeps the bytes alive, for values that are views of them; may be null.
  const Lease* lease() const noexcept { return lease_; }

 private:
  View bytes_;
  std::span<void* const> references_;
  const Lease* lease_;
  std::unique_ptr<InputArchive> archive_;
};

inline void OutputArchive::write(const void* from, std::size_t bytes) { encoder_.write(from, bytes); }
inline std::uint32_t OutputArchive::add_reference(void* state) { return encoder_.add_reference(state); }
inline void InputArchive::read(void* to, std::size_t bytes) { decoder_.read(to, bytes); }
inline View InputArchive::take(std::size_t bytes) { return decoder_.take(bytes); }
inline std::size_t InputArchive::remaining() const noexcept { return decoder_.remaining(); }
inline void* InputArchive::reference(std::uint32_t index) const { return decoder_.reference(index); }
inline const Lease* InputArchive::lease() const noexcept { return decoder_.lease(); }

// Enumerations go through their underlying type by cereal's own functions.
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const T& value) { archive.write(&value, sizeof value); }
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, T& value) {
  if constexpr (std::is_same_v<T, bool>)
    value = archive.decoder().get<std::uint8_t>() != 0;  // foreign bytes may be no bool
  else
    archive.read(&value, sizeof value);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const cereal::BinaryData<T>& data) {
  archive.write(data.data, data.size);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, cereal::BinaryData<T>& data) {
  archive.read(data.data, data.size);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const cereal::SizeTag<T>& tag) {
  const std::uint64_t count = tag.size;
  archive.write(&count, sizeof count);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, cereal::SizeTag<T>& tag) {
  const auto count = archive.decoder().get<std::uint64_t>();
  archive.decoder().check_count(count);
  tag.size = static_cast<std::remove_reference_t<decltype(tag.size)>>(count);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}

}  // namespace ringray::wire

namespace cereal {

// Plain is asked only for our own archives: asking for others would ask itself.
template <class Archive, class T>
requires std::same_as<Archive, ringray::wire::OutputArchive> && ringray::wire::Plain<T>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const T& value) { archive.write(std::addressof(value), sizeof value); }
template <class Archive, class T>
requires std::same_as<Archive, ringray::wire::InputArchive> && ringray::wire::Plain<T>
void CEREAL_LOAD_FUNCTION_NAME(Archive& archive, T& value) { archive.read(std::addressof(value), sizeof value); }
template <class Archive, class T, class Allocator>
requires std::same_as<Archive, ringray::wire::OutputArchive> && ringray::wire::Plain<T>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const std::vector<T, Allocator>& values) {
  archive(make_size_tag(static_cast<size_type>(values.size())));
  archive.write(values.data(), values.size() * sizeof(T));
}
template <class Archive, class T, class Allocator>
requires std::same_as<Archive, ringray::wire::InputArchive> && ringray::wire::Plain<T>
void CEREAL_LOAD_FUNCTION_NAME(Archive& archive, std::vector<T, Allocator>& values) {
  size_type count = 0;
  archive(make_size_tag(count));
  if (count > archive.remaining() / sizeof(T)) throw ringray::CorruptDataError("encoded vector is truncated");
  values.resize(static_cast<std::size_t>(count));
  archive.read(values.data(), values.size() * sizeof(T));
}

}  // namespace cereal

CEREAL_REGISTER_ARCHIVE(ringray::wire::OutputArchive)
CEREAL_REGISTER_ARCHIVE(ringray::wire::InputArchive)
CEREAL_SETUP_ARCHIVE_TRAITS(ringray::wire::InputArchive, ringray::wire::OutputArchive)

namespace ringray {

/// True when values of T can go to another rank: trivially copyable without pointers, or known to cereal.
template <class T>
concept Travels =
    !std::is_pointer_v<T> && !std::is_reference_v<T> &&
    (wire::Plain<T> || std::is_empty_v<T> || cereal::traits::is_output_serializable<T, wire::OutputArchive>::value) &&
    (wire::Plain<T> || std::is_empty_v<T> || cereal::traits::is_input_serializable<T, wire::InputArchive>::value);

}  // namespace ringray

namespace ringray::wire {

/// Types that cereal would write as their bytes, too.
template <class T>
concept Bytes = Plain<T> || std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <class T>
void encode(Encoder& encoder, const T& value) {
  if constexpr (Bytes<T>)
    encoder.write(std::addressof(value), sizeof value);
  else if constexpr (!std::is_empty_v<T>)
    encoder(value);
}

/// Makes a T from its bytes. T is default constructible, or plain.
template <class T>
T decode(Decoder& decoder) {
  if constexpr (std::is_same_v<T, bool>) {
    return decoder.get<std::uint8_t>() != 0;  // foreign bytes may be no bool
  } else if constexpr (Bytes<T>) {
    alignas(T) std::byte raw[sizeof(T)];
    decoder.read(raw, sizeof raw);
    return *std::launder(reinterpret_cast<T*>(raw));
  } else if constexpr (std::is_empty_v<T> && !std::is_default_constructible_v<T>) {
    // A lambda without captures has no state: any object representation is it.
    alignas(T) std::byte raw[sizeof(T)]{};
    return *std::launder(reinterpret_cast<T*>(raw));
  } else {
    T value{};
    if constexpr (!std::is_empty_v<T>) decoder(value);
    return value;
  }
}

}  // namespace ringray::wire
