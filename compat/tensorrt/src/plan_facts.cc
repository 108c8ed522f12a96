#include "plan_facts.h"

#include <charconv>

namespace trt {

namespace {

constexpr const char* kSelectors[] = {"min", "opt", "max"};
constexpr int kProfilesMax = 4096;

std::optional<int64_t> number(std::string_view text) {
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::string join(const std::vector<int64_t>& values) {
  std::string out;
  for (const int64_t v : values) out += cat(out.empty() ? "" : ",", v);
  return out;
}

std::optional<std::vector<int64_t>> split(std::string_view text) {
  std::vector<int64_t> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const auto value = number(text.substr(0, end));
    if (!value) return std::nullopt;
    out.push_back(*value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::optional<StoredFormat> format_in(std::string_view text) {
  const auto pair = split(text);
  const bool good = pair && pair->size() == 2 && (*pair)[0] > 0 && (*pair)[0] < 13 &&
                    (*pair)[1] >= 0 && format_row(static_cast<TensorFormat>((*pair)[0]));
  if (!good) return std::nullopt;
  return StoredFormat{static_cast<TensorFormat>((*pair)[0]), (*pair)[1]};
}

carnot::Status malformed(std::string_view key) {
  return {carnot::Code::kCorruptEngine, cat("the plan's metadata '", key, "' is malformed")};
}

}  // namespace

Metadata write(const PlanFacts& facts) {
  Metadata out;
  out["trt.version"] = cat(NV_TENSORRT_MAJOR, '.', NV_TENSORRT_MINOR, '.', NV_TENSORRT_PATCH);
  out["trt.name"] = facts.name;
  out["trt.capability"] = cat(static_cast<int>(facts.capability));
  out["trt.verbosity"] = cat(static_cast<int>(facts.verbosity));
  out["trt.hardware"] = cat(static_cast<int>(facts.hardware));
  out["trt.tactic_sources"] = cat(facts.tactic_sources);
  if (facts.streams_weights) out["trt.streams_weights"] = "1";
  if (facts.batch_max > 0) out["trt.batch_max"] = cat(facts.batch_max);
  out["trt.profiles"] = cat(facts.profiles.size());
  for (const std::string& name : facts.shape_tensors) out[cat("trt.shape.", name)] = "1";
  for (const auto& [name, format] : facts.formats) {
    out[cat("trt.format.", name)] = join({static_cast<int64_t>(format.format), format.channels});
  }
  for (const auto& [name, numbers] : facts.layers) out[cat("trt.layer.", name)] = join(numbers);
  for (const auto& [name, sizes] : facts.declared) out[cat("trt.declared.", name)] = join(sizes);
  for (size_t p = 0; p < facts.profiles.size(); ++p) {
    if (facts.profiles[p].part > 0) out[cat("trt.part.", p)] = cat(facts.profiles[p].part);
    for (int s = 0; s < 3; ++s) {
      for (const auto& [name, sizes] : facts.profiles[p].dims[s]) {
        out[cat("trt.dims.", p, '.', kSelectors[s], '.', name)] = join(sizes);
      }
      for (const auto& [name, values] : facts.profiles[p].values[s]) {
        out[cat("trt.values.", p, '.', kSelectors[s], '.', name)] = join(values);
      }
    }
  }
  return out;
}

carnot::Result<PlanFacts> read(const Metadata& metadata) {
  PlanFacts out;
  int64_t profiles = 1;
  const auto read_number = [&](const char* key, auto& value, int64_t max) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) return true;
    const auto n = number(found->second);
    if (!n || *n < 0 || *n > max) return false;
    value = static_cast<std::remove_reference_t<decltype(value)>>(*n);
    return true;
  };
  if (!read_number("trt.capability", out.capability, 2)) return malformed("trt.capability");
  if (!read_number("trt.verbosity", out.verbosity, 2)) return malformed("trt.verbosity");
  if (!read_number("trt.hardware", out.hardware, 2)) return malformed("trt.hardware");
  if (!read_number("trt.tactic_sources", out.tactic_sources, UINT32_MAX)) {
    return malformed("trt.tactic_sources");
  }
  if (!read_number("trt.batch_max", out.batch_max, INT32_MAX)) return malformed("trt.batch_max");
  if (!read_number("trt.profiles", profiles, kProfilesMax)) return malformed("trt.profiles");
  out.profiles.resize(static_cast<size_t>(std::max<int64_t>(profiles, 1)));
  for (const auto& [key, value] : metadata) {
    std::string_view rest = key;
    const auto eat = [&](std::string_view word) {
      if (rest.substr(0, word.size()) != word) return false;
      rest.remove_prefix(word.size());
      return true;
    };
    if (key == "trt.name") out.name = value;
    if (key == "trt.streams_weights") out.streams_weights = true;
    if (eat("trt.shape.")) out.shape_tensors.emplace_back(rest);
    const bool is_layer = eat("trt.layer.");
    if (is_layer || eat("trt.declared.")) {
      const auto numbers = split(value);
      if (!numbers) return malformed(key);
      (is_layer ? out.layers : out.declared)[std::string(rest)] = *numbers;
      continue;
    }
    if (eat("trt.format.")) {
      const std::optional<StoredFormat> format = format_in(value);
      if (!format) return malformed(key);
      out.formats[std::string(rest)] = *format;
      continue;
    }
    if (eat("trt.part.")) {
      const auto profile = number(rest), part = number(value);
      const bool good =
          profile && part && *profile >= 0 && *profile < profiles && *part >= 0 && *part < profiles;
      if (!good) return malformed(key);
      out.profiles[static_cast<size_t>(*profile)].part = static_cast<int32_t>(*part);
      continue;
    }
    const bool values = eat("trt.values.");
    if (!values && !eat("trt.dims.")) continue;
    const size_t dot = std::min(rest.find('.'), rest.size());
    const auto index = number(rest.substr(0, dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    const auto list = split(value);
    if (!index || *index < 0 || *index >= profiles || !list) return malformed(key);
    for (int s = 0; s < 3; ++s) {
      if (!eat(cat(kSelectors[s], '.'))) continue;
      ProfileFacts& p = out.profiles[static_cast<size_t>(*index)];
      (values ? p.values[s] : p.dims[s])[std::string(rest)] = *list;
      const bool fits = std::all_of(list->begin(), list->end(),
                                    [](int64_t v) { return v >= INT32_MIN && v <= INT32_MAX; });
      if (values && fits) p.narrow[s][std::string(rest)].assign(list->begin(), list->end());
      break;
    }
  }
  return out;
}

}  // namespace trt
