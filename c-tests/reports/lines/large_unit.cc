// A thread started by code of the standard library that is inlined into main, in a unit whose debug information is large: the line is main's.
// FLAGS: -g -O1
// EXPECT: thread-lost at~large_unit.cc:22 count=1
// EXPECT-NOT: thread-lost at~/usr/include
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <regex>
#include <thread>
#include <unordered_map>
#include "../../check.h"

static volatile bool in_place;
static void work() {
    in_place = true;
    for (;;)
        syscall(SYS_pause);
}

int main() {
    auto worker = std::make_shared<std::thread>(work);
    std::regex pattern("[a-z]+");
    std::unordered_map<std::string, std::shared_ptr<std::thread>> workers{{"worker", worker}};
    EVENTUALLY(in_place && std::regex_match("worker", pattern) && !workers.empty());
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        usleep(10000);
        _exit(0);
    }
    EXITED(child, 0);
    _exit(0);
}
