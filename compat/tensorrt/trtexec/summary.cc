#include "summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <sstream>

#include "build.h"

namespace trtexec {

namespace {

std::string text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Of sorted values; the mean of two where there is no middle.
double median(const std::vector<double>& sorted) {
  if (sorted.empty()) return 0;
  const size_t m = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[m] : (sorted[m - 1] + sorted[m]) / 2;
}

double percentile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0;
  const auto n = static_cast<int64_t>(sorted.size());
  const auto exclude = static_cast<int64_t>((1 - p / 100) * static_cast<double>(n));
  return sorted[static_cast<size_t>(std::max<int64_t>(n - 1 - exclude, 0))];
}

void line(const char* name, std::vector<double> values, const Options& options) {
  std::sort(values.begin(), values.end());
  const double low = values.empty() ? 0 : values.front(), high = values.empty() ? 0 : values.back();
  std::string out = std::string(name) + ": min = " + text(low) + " ms, max = " + text(high) +
                    " ms, mean = " + text(mean(values)) + " ms, median = " + text(median(values)) +
                    " ms";
  for (const double p : options.percentiles) {
    out += ", percentile(" + text(p) + "%) = " + text(percentile(values, p)) + " ms";
  }
  say('I', out);
}

/// 0 for elements of half a byte.
size_t element_bytes(nvinfer1::DataType type) {
  switch (type) {
    case nvinfer1::DataType::kINT64:
      return 8;
    case nvinfer1::DataType::kFLOAT:
    case nvinfer1::DataType::kINT32:
      return 4;
    case nvinfer1::DataType::kHALF:
    case nvinfer1::DataType::kBF16:
      return 2;
    case nvinfer1::DataType::kINT4:
    case nvinfer1::DataType::kFP4:
      return 0;
    default:
      return 1;
  }
}

double element(const char* at, nvinfer1::DataType type) {
  const auto as = [&](auto value) {
    std::memcpy(&value, at, sizeof value);
    return static_cast<double>(value);
  };
  switch (type) {
    case nvinfer1::DataType::kFLOAT:
      return as(float{});
    case nvinfer1::DataType::kINT32:
      return as(int32_t{});
    case nvinfer1::DataType::kINT64:
      return as(int64_t{});
    case nvinfer1::DataType::kINT8:
      return as(int8_t{});
    case nvinfer1::DataType::kHALF: {
      uint16_t h = 0;
      std::memcpy(&h, at, 2);
      const int exponent = h >> 10 & 31, fraction = h & 1023;
      const double value = exponent == 31  ? (fraction ? NAN : INFINITY)
                           : exponent == 0 ? std::ldexp(fraction, -24)
                                           : std::ldexp(1024 + fraction, exponent - 25);
      return h >> 15 ? -value : value;
    }
    case nvinfer1::DataType::kBF16: {
      uint16_t half = 0;
      std::memcpy(&half, at, 2);
      const uint32_t bits = static_cast<uint32_t>(half) << 16;
      float value = 0;
      std::memcpy(&value, &bits, 4);
      return static_cast<double>(value);
    }
    default:
      return as(uint8_t{});
  }
}

/// Calls f(name, dimensions, values) for each output.
template <class F>
void each_output(const Lane& lane, F&& f) {
  for (const Binding& b : lane.bindings) {
    if (b.input) continue;
    size_t count = 1;
    for (const int64_t size : b.shape) count *= static_cast<size_t>(std::max<int64_t>(size, 0));
    const size_t size = element_bytes(b.type);
    std::vector<double> values(size == 0 ? 0 : std::min(count, b.host.size() / size));
    for (size_t k = 0; k < values.size(); ++k) values[k] = element(&b.host[k * size], b.type);
    f(b.name, text_of(b.shape), values);
  }
}

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + '"';
}

struct LayerSum {
  double total = 0, average = 0, median = 0;
};

LayerSum sum_of(const Layer& layer) {
  std::vector<double> times(layer.times.begin(), layer.times.end());
  std::sort(times.begin(), times.end());
  const double average = mean(times);
  return {average * static_cast<double>(times.size()), average, median(times)};
}

double total_of(const std::vector<Layer>& layers) {
  double total = 0;
  for (const Layer& layer : layers) total += sum_of(layer).total;
  return total;
}

std::string times_json(const std::vector<Trace>& traces) {
  std::string out = "[\n";
  for (const Trace& t : traces) {
    const std::pair<const char*, double> fields[] = {{"startEnqMs", t.begin},
                                                     {"endEnqMs", t.enqueued},
                                                     {"startH2dMs", t.h2d[0]},
                                                     {"endH2dMs", t.h2d[1]},
                                                     {"startComputeMs", t.compute[0]},
                                                     {"endComputeMs", t.compute[1]},
                                                     {"startD2hMs", t.d2h[0]},
                                                     {"endD2hMs", t.d2h[1]},
                                                     {"h2dMs", t.h2d_ms()},
                                                     {"computeMs", t.compute_ms()},
                                                     {"d2hMs", t.d2h_ms()},
                                                     {"latencyMs", t.latency_ms()}};
    out += out.size() > 2 ? ", { " : "  { ";
    for (const auto& [name, ms] : fields) {
      out += std::string(name == fields[0].first ? "" : ", ") + "\"" + name + "\" : " + text(ms);
    }
    out += " }\n";
  }
  return out + "]\n";
}

std::string profile_json(const std::vector<Layer>& layers) {
  const double total = total_of(layers);
  const size_t count = layers.empty() ? 0 : layers[0].times.size();
  std::string out = "[\n  { \"count\" : " + std::to_string(count) + " }\n";
  for (const Layer& layer : layers) {
    const LayerSum s = sum_of(layer);
    out += ", { \"name\" : " + quoted(layer.name) + ", \"timeMs\" : " + text(s.total) +
           ", \"averageMs\" : " + text(s.average) + ", \"medianMs\" : " + text(s.median) +
           ", \"percentage\" : " + text(total > 0 ? s.total / total * 100 : 0) + " }\n";
  }
  return out + "]\n";
}

std::string outputs_json(const Lane& lane) {
  std::string out = "[\n";
  each_output(lane, [&](const std::string& name, const std::string& dims,
                        const std::vector<double>& values) {
    out += std::string(out.size() > 2 ? ", " : "  ") + "{ \"name\" : " + quoted(name) +
           ", \"dimensions\" : " + quoted(dims) + ", \"values\" : [ ";
    for (size_t i = 0; i < values.size(); ++i) out += (i ? ", " : "") + text(values[i]);
    out += " ] }\n";
  });
  return out + "]\n";
}

}  // namespace

namespace {

/// What the figures say about the measurement itself.
void advise(const std::vector<double>& enqueue, const std::vector<double>& compute,
            const Options& options, bool on_host) {
  const auto middle = [](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return median(values);
  };
  const double busy = middle(compute);
  if (!on_host && middle(enqueue) > 0.8 * busy && !options.graph) {
    say('W',
        "* Throughput may be bound by Enqueue Time rather than GPU Compute and the GPU may be "
        "under-utilized.");
    say('W',
        "  If not already in use, --useCudaGraph (utilize CUDA graphs where possible) may "
        "increase the throughput.");
  }
  double squares = 0;
  for (const double v : compute) squares += (v - mean(compute)) * (v - mean(compute));
  const double spread =
      compute.empty() ? 0 : std::sqrt(squares / static_cast<double>(compute.size()));
  if (spread > 0.025 * mean(compute) && mean(compute) > 0) {
    say('W', "* GPU compute time is unstable, with coefficient of variance = " +
                 text(spread / mean(compute) * 100) + "%.");
  }
}

}  // namespace

void print_performance(const Measured& m, const Options& options, bool on_host) {
  std::vector<double> latency, enqueue, h2d, compute, d2h;
  for (const Trace& t : m.traces) {
    latency.push_back(t.latency_ms());
    enqueue.push_back(t.enqueued - t.begin);
    h2d.push_back(t.h2d_ms());
    compute.push_back(t.compute_ms());
    d2h.push_back(t.d2h_ms());
  }
  say('I', "Warmup completed " + std::to_string(m.warm_up_runs) + " queries over " +
               text(m.warm_up_ms) + " ms");
  say('I', "Timing trace has " + std::to_string(m.traces.size()) + " queries over " +
               text(m.wall_s) + " s");
  say('I', "");
  say('I', "=== Trace details ===");
  say('I', "Trace averages of " + std::to_string(options.avg_runs) + " runs:");
  const auto run = static_cast<size_t>(options.avg_runs);
  for (size_t i = 0; i + run <= compute.size(); i += run) {
    const auto average = [&](const std::vector<double>& of) {
      const auto from = of.begin() + static_cast<ptrdiff_t>(i);
      return text(mean({from, from + options.avg_runs}));
    };
    say('I', "Average on " + std::to_string(run) + " runs - GPU latency: " + average(compute) +
                 " ms - Host latency: " + average(latency) + " ms (enqueue " + average(enqueue) +
                 " ms)");
  }
  say('I', "");
  say('I', "=== Performance summary ===");
  const double qps = m.wall_s > 0 ? static_cast<double>(m.traces.size()) / m.wall_s : 0;
  say('I', "Throughput: " + text(qps) + " qps");
  line("Latency", latency, options);
  line("Enqueue Time", enqueue, options);
  line("H2D Latency", h2d, options);
  line("GPU Compute Time", compute, options);
  line("D2H Latency", d2h, options);
  say('I', "Total Host Walltime: " + text(m.wall_s) + " s");
  say('I', "Total GPU Compute Time: " +
               text(mean(compute) * static_cast<double>(compute.size()) / 1000) + " s");
  advise(enqueue, compute, options, on_host);
  if (on_host) {
    say('I',
        "Computed on the CPU: GPU times are those of the CPU's kernels, nothing is transferred.");
  }
  say('I', "");
}

void print_profile(const Measured& m) {
  const size_t count = m.layers.empty() ? 0 : m.layers[0].times.size();
  const double total = total_of(m.layers);
  say('I', "");
  say('I', "=== Profile (" + std::to_string(count) + " iterations ) ===");
  say('I', "   Time(ms)     Avg.(ms)   Median(ms)   Time(%)   Layer");
  char row[96];
  double average = 0, middle = 0;
  for (const Layer& layer : m.layers) {
    const LayerSum s = sum_of(layer);
    average += s.average, middle += s.median;
    const double share = total > 0 ? s.total / total * 100 : 0;
    std::snprintf(row, sizeof row, "%11.2f  %11.4f  %11.4f  %8.1f   ", s.total, s.average, s.median,
                  share);
    say('I', row + layer.name);
  }
  std::snprintf(row, sizeof row, "%11.2f  %11.4f  %11.4f  %8.1f   ", total, average, middle, 100.0);
  say('I', std::string(row) + "Total");
}

void print_outputs(const Lane& lane) {
  say('I', "Output Tensors:");
  each_output(lane, [](const std::string& name, const std::string& dims,
                       const std::vector<double>& values) {
    std::string out = name + ": (" + dims + ")";
    for (const double v : values) out += " " + text(v);
    say('I', out);
  });
}

bool write_text(const std::string& path, const std::string& contents) {
  return write_file(path, contents.data(), contents.size());
}

bool dump_raw(const Lane& lane) {
  for (const Binding& b : lane.bindings) {
    static constexpr const char* kNames[] = {"Float", "Half", "Int8",  "Int32", "Bool", "UInt8",
                                             "FP8",   "BF16", "Int64", "Int4",  "FP4",  "E8M0"};
    std::string name = b.name;
    std::replace(name.begin(), name.end(), '/', '_');
    const std::string path = name + (b.input ? ".input." : ".output.") + text_of(b.shape) + "." +
                             kNames[static_cast<size_t>(b.type)] + ".raw";
    if (!write_file(path, b.host.data(), b.host.size())) return false;
    say('I', "Wrote " + path);
  }
  return true;
}

bool export_files(const Measured& m, const Options& o) {
  bool good = true;
  if (!o.export_times.empty()) good &= write_text(o.export_times, times_json(m.traces));
  if (!o.export_profile.empty()) good &= write_text(o.export_profile, profile_json(m.layers));
  if (!o.export_output.empty() && !m.lanes.empty()) {
    good &= write_text(o.export_output, outputs_json(m.lanes[0]));
  }
  return good;
}

}  // namespace trtexec
