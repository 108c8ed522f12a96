// --shapes: NAME=1x3x224x224, or NAME=MIN:OPT:MAX.
#include <charconv>

#include "tools/carnot/cli.h"

namespace carnot::cli {

namespace {

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == by) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Result<Shape> parse_shape(const std::string& text) {
  Shape shape;
  if (text.empty() || text == "scalar") return shape;
  for (const std::string& part : split(text, 'x')) {
    int64_t size = 0;
    const auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), size);
    if (failed != std::errc() || end != part.data() + part.size() || part.empty() || size < 0) {
      return error(Code::kInvalidArgument, "--shapes: '", part, "' in '", text,
                   "' is not a size; write NAME=1x3x224x224");
    }
    shape.push_back(size);
  }
  return shape;
}

struct Item {
  std::string name;
  std::vector<Shape> shapes;  // one, or min, opt, max
};

Result<std::vector<Item>> parse_items(const std::string& text) {
  std::vector<Item> items;
  if (text.empty()) return items;
  for (const std::string& part : split(text, ',')) {
    // Names may hold '=' and ':'; sizes cannot.
    const size_t at = part.rfind('=');
    if (at == std::string::npos || at == 0) {
      return error(Code::kInvalidArgument, "--shapes: '", part,
                   "' has no input name; write NAME=1x3x224x224");
    }
    Item item{part.substr(0, at), {}};
    for (const std::string& shape : split(part.substr(at + 1), ':')) {
      CARNOT_ASSIGN(Shape s, parse_shape(shape));
      item.shapes.push_back(std::move(s));
    }
    if (item.shapes.size() != 1 && item.shapes.size() != 3) {
      return error(Code::kInvalidArgument, "--shapes: '", part, "' needs one shape or MIN:OPT:MAX");
    }
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

Result<ShapeFlags> parse_shapes(const std::string& text) {
  ShapeFlags flags;
  CARNOT_ASSIGN(std::vector<Item> items, parse_items(text));
  for (Item& item : items) {
    if (item.shapes.size() == 3) {
      const Shape &min = item.shapes[0], &max = item.shapes[2];
      if (min.size() != max.size() || min.size() != item.shapes[1].size()) {
        return error(Code::kInvalidArgument, "--shapes: the three shapes of '", item.name,
                     "' have different ranks");
      }
      Shape pinned;  // an axis that may not vary is a number
      for (size_t i = 0; i < min.size(); ++i) pinned.push_back(min[i] == max[i] ? min[i] : -1);
      flags.pinned.push_back({item.name, std::move(pinned)});
      flags.profiles[item.name] = {item.shapes[0], item.shapes[1], item.shapes[2]};
    } else {
      flags.pinned.push_back({item.name, item.shapes[0]});
    }
  }
  return flags;
}

Result<std::map<std::string, Shape>> parse_run_shapes(const std::string& text) {
  std::map<std::string, Shape> out;
  CARNOT_ASSIGN(std::vector<Item> items, parse_items(text));
  for (Item& item : items)
    out[item.name] = item.shapes.size() == 3 ? item.shapes[1] : item.shapes[0];
  return out;
}

}  // namespace carnot::cli
