// What programs write themselves where glibc, or its headers of the kernel, are older than what they use.
#pragma once
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if !__GLIBC_PREREQ(2, 32)
#define strerrordesc_np(error) "not described"
#endif
#if !__GLIBC_PREREQ(2, 34)
#include <spawn.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#define _Fork() ((pid_t)syscall(SYS_fork))

__attribute__((unused)) static int close_range(unsigned first, unsigned last, int flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}

__attribute__((unused)) static void closefrom(int first) { close_range((unsigned)first, ~0U, 0); }

__attribute__((unused)) static int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from) {
    int error = 0;
    for (int fd = from; fd < from + 100 && error == 0; fd++)
        error = posix_spawn_file_actions_addclose(actions, fd);
    return error;
}
#endif
#if !__GLIBC_PREREQ(2, 35)
struct epoll_event;

__attribute__((unused)) static int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *timeout, const sigset_t *mask) {
    return (int)syscall(SYS_epoll_pwait2, epoll, events, most, timeout, mask, _NSIG / 8);
}
#endif
#if __GLIBC_PREREQ(2, 36)
#include <sys/pidfd.h>
#else
__attribute__((unused)) static int pidfd_open(pid_t process, unsigned flags) { return (int)syscall(SYS_pidfd_open, process, flags); }

__attribute__((unused)) static int pidfd_send_signal(int fd, int number, siginfo_t *info, unsigned flags) {
    return (int)syscall(SYS_pidfd_send_signal, fd, number, info, flags);
}
#endif
