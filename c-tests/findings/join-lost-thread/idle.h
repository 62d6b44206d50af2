// A wait that crosses no symbol: the futex of a runtime that asks the kernel itself.
#pragma once
#include "../../process.h"
#include <linux/futex.h>

// Waits until the word is not zero any more, past every hook.
__attribute__((unused)) static void wait_inline(atomic_int *word, const struct timespec *limit) {
    while (*word == 0) {
        long result;
        register const struct timespec *time __asm__("r10") = limit;
        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "a"(SYS_futex), "D"(word), "S"(FUTEX_WAIT_PRIVATE), "d"(0), "r"(time)
                         : "rcx", "r11", "memory");
        if (limit && result == -ETIMEDOUT)
            return;
    }
}

// The leader has nothing to do, for so many calls of a tenth of a second.
__attribute__((unused)) static void idle_for(int calls) {
    while (calls-- > 0)
        poll(NULL, 0, 100);
}
