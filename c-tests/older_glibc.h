// What programs write themselves where glibc is older than 2.34 (2.32 for strerrordesc_np) and does not have it.
#pragma once
#if !__GLIBC_PREREQ(2, 32)
#define strerrordesc_np(error) "not described"
#endif
#if !__GLIBC_PREREQ(2, 34)
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define _Fork() ((pid_t)syscall(SYS_fork))

__attribute__((unused)) static int close_range(unsigned first, unsigned last, int flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}

__attribute__((unused)) static int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from) {
    int error = 0;
    for (int fd = from; fd < from + 100 && error == 0; fd++)
        error = posix_spawn_file_actions_addclose(actions, fd);
    return error;
}
#endif
