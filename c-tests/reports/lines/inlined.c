// The compiler has inlined two functions of the program into main: each is a frame with its own line, the outermost last.
// FLAGS: -g -O2
// EXPECT: timer-lost at~'inlined.c:15 in arm_alarm' at~'inlined.c:19 in prepare' at~'inlined.c:24 in main' count=1
// EXPECT: timer-lost sites=[role=armed,frames.function=arm_alarm,frames.function=prepare,frames.function=main]
// STDERR: armed at inlined.c:15 in arm_alarm
#include "../../process.h"

static volatile unsigned int seconds = 5000;
static volatile unsigned int before;

// Neither call is the last thing that its function does.
__attribute__((always_inline)) static inline void arm_alarm(void) {
    unsigned int later = seconds;

    before = alarm(later);
}

__attribute__((always_inline)) static inline void prepare(void) {
    arm_alarm();
    seconds = 0;
}

int main(void) {
    prepare();
    fork_living_child();
    return 0;
}
