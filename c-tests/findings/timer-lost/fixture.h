// A signal that shows that a timer has rung.
#pragma once
#include "../../process.h"

static atomic_bool rang;

static void ring(int signal_number) {
    (void)signal_number;
    rang = true;
}
