// A lock of a program's own, of a futex: no hook knows who holds it.
#pragma once
#include "../../process.h"
#include <linux/futex.h>

typedef atomic_int own_lock;

// Takes it past every hook, as inlined code does.
__attribute__((unused, noinline)) static void own_lock_inline(own_lock *lock) {
    while (atomic_exchange(lock, 1) != 0) {
        long result;
        register const struct timespec *limit __asm__("r10") = NULL;
        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "a"(SYS_futex), "D"(lock), "S"(FUTEX_WAIT_PRIVATE), "d"(1), "r"(limit)
                         : "rcx", "r11", "memory");
    }
}

// Takes it as GLib and Rust's standard library do.
__attribute__((unused, noinline)) static void own_lock_slow(own_lock *lock) {
    while (atomic_exchange(lock, 1) != 0)
        syscall(SYS_futex, lock, FUTEX_WAIT_PRIVATE, 1, NULL);
}

// Waits for it to be free and takes nothing: its name says something else.
__attribute__((unused, noinline)) static void await_own_lock(own_lock *lock) {
    while (atomic_load(lock) != 0)
        syscall(SYS_futex, lock, FUTEX_WAIT_PRIVATE, 1, NULL);
}
