// The thread team: regions, barriers, callers that take turns.
#include "base/thread_team.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace carnot {
namespace {

TEST(Team, EveryThreadOnce) {
  for (const int threads : {1, 2, 4, 7}) {
    Team team(threads);
    ASSERT_EQ(team.size(), threads);
    std::vector<int> count(static_cast<size_t>(threads));
    auto body = [&](int thread) { ++count[static_cast<size_t>(thread)]; };
    for (int i = 0; i < 200; ++i) team.run(body);
    for (const int c : count) EXPECT_EQ(c, 200);
  }
}

// Each thread writes plain memory that its neighbour reads after the barrier.
TEST(Team, BarriersOrderMemory) {
  constexpr int kThreads = 4, kRounds = 300;
  Team team(kThreads);
  std::vector<int> slots(kThreads);
  std::atomic<int> wrong{0};
  auto body = [&](int thread) {
    for (int round = 1; round <= kRounds; ++round) {
      slots[static_cast<size_t>(thread)] = round;
      team.barrier(thread);
      if (slots[static_cast<size_t>((thread + 1) % kThreads)] != round) ++wrong;
      team.barrier(thread);
    }
  };
  for (int i = 0; i < 5; ++i) team.run(body);
  EXPECT_EQ(wrong, 0);
}

TEST(Team, WakesFromSleep) {
  Team team(3);
  std::atomic<int> count{0};
  auto body = [&](int thread) {
    if (thread == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    team.barrier(thread);  // the workers sleep in here
    ++count;
    if (thread == 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  };
  for (int i = 0; i < 10; ++i) {
    team.run(body);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // and here
  }
  EXPECT_EQ(count, 30);
}

TEST(Team, CallersTakeTurns) {
  Team team(2);
  int plain = 0;  // a race unless regions exclude each other
  auto body = [&](int thread) {
    if (thread == 1) ++plain;
  };
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c) {
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) team.run(body);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(plain, 300);
}

TEST(Team, TryRunWhileBusy) {
  Team team(2), other(2);
  std::atomic<int> refused{0}, nested{0};
  auto body = [&](int thread) {
    if (thread != 0) return;
    std::thread([&] {
      if (!team.try_run([](void*, int) {}, nullptr)) ++refused;
    }).join();
    auto inner = [&](int) { ++nested; };
    other.run(inner);
  };
  team.run(body);
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(nested, 2);
  EXPECT_TRUE(team.try_run([](void*, int) {}, nullptr));
}

TEST(Team, PointToPoint) {
  Team team(3);
  std::atomic<uint32_t> done{0};
  std::vector<int> order;
  auto body = [&](int thread) {
    spin_until_reached(done, static_cast<uint32_t>(2 - thread));
    order.push_back(thread);
    done.fetch_add(1, std::memory_order_release);
  };
  team.run(body);
  EXPECT_EQ(order, (std::vector<int>{2, 1, 0}));
}

TEST(Team, ComesAndGoes) {
  for (int i = 0; i < 50; ++i) Team team(3);
  EXPECT_GE(usable_cpus(), 1);
}

}  // namespace
}  // namespace carnot
