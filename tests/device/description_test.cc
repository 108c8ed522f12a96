// Device descriptions are read back as they were printed.
#include <gtest/gtest.h>

#include "base/thread_team.h"
#include "device/device.h"

namespace carnot {
namespace {

TEST(Description, TextIsReadBack) {
  DeviceDescription device;
  device.isa = "avx512";
  device.features = {"bf16", "vnni"};
  device.threads = 2;
  device.vector_bytes = 64;
  device.peak_gflops = 120.5;
  const auto back = parse_device(to_string(device));
  ASSERT_TRUE(back.ok()) << to_string(back.status());
  EXPECT_EQ(*back, device);
  EXPECT_EQ(to_string(*back), to_string(device));
  EXPECT_TRUE(back->has("vnni"));
  EXPECT_FALSE(back->has("amx"));
}

TEST(Description, OfAGpu) {
  const std::string text =
      "cuda isa=sm_90a threads=1 l1=262144 l2=62914560 l3=0 vector=16 registers=255 "
      "name=nvidia-h200 sms=132 shared=232448 clock=1980 gbps=4813.0";
  const auto device = parse_device(text);
  ASSERT_TRUE(device.ok()) << to_string(device.status());
  EXPECT_EQ(to_string(*device), text);
  EXPECT_EQ(device->name, "nvidia-h200");
  EXPECT_EQ(device->sms, 132);
  EXPECT_EQ(device->shared_bytes, 232448);
  EXPECT_TRUE(device->has_own_memory());
  EXPECT_FALSE(parse_device("cpu isa=avx2")->has_own_memory());
}

TEST(Description, PartsMayBeLeftOut) {
  const auto device = parse_device("cpu isa=avx2 threads=4");
  ASSERT_TRUE(device.ok());
  EXPECT_EQ(device->isa, "avx2");
  EXPECT_EQ(device->threads, 4);
}

TEST(Description, NonsenseIsRefused) {
  for (const char* text : {"", "CPU", "cpu isa", "cpu isa=", "cpu threads=0", "cpu threads=x",
                           "cpu threads=99999999999999999999", "cpu l1=-1", "cpu what=1",
                           "cpu gflops=nan", "cpu features=a,,b"}) {
    EXPECT_FALSE(parse_device(text).ok()) << text;
  }
}

TEST(Description, OfThisMachine) {
  const DeviceDescription device = describe_cpu();
  EXPECT_EQ(device.kind, "cpu");
  EXPECT_EQ(device.threads, usable_cpus());
  EXPECT_GE(device.l1_bytes, 4096);
  EXPECT_GE(device.l2_bytes, device.l1_bytes);
  const auto back = parse_device(to_string(device));
  ASSERT_TRUE(back.ok()) << to_string(back.status());
  EXPECT_EQ(*back, device);
}

}  // namespace
}  // namespace carnot
