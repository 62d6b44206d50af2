// Timers that are descriptors.
#pragma once
#include "../../process.h"
#include <sys/timerfd.h>

// Made and armed.
__attribute__((unused)) static int armed_timer(void) {
    const struct itimerspec time = {.it_value = {.tv_sec = 5000}};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    CHECK(timer >= 0 && timerfd_settime(timer, 0, &time, NULL) == 0);
    return timer;
}
