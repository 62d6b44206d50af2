// What every C program here shares: the check, and small helpers around waiting.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "older_glibc.h"

// Where the program stands, for the message of a check that fails.
static const char *volatile context = "main";
static const char *volatile step = "";

__attribute__((noreturn, unused)) static void failed(const char *file, int line, const char *condition) {
    int error = errno;
    dprintf(2, "%s:%d: [%s] %s: failed: %s (errno %d, %s)\n", file, line, context, step, condition, error,
            strerrordesc_np(error));
    _exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : failed(__FILE__, __LINE__, #condition))
// The call returns -1 and sets errno.
#define FAILS(error_number, call) \
    do { errno = 0; CHECK((call) == -1); CHECK(errno == (error_number)); } while (0)
// The condition holds and whatever it called left errno as it was.
#define KEEPS_ERRNO(condition) \
    do { errno = 4711; CHECK(condition); CHECK(errno == 4711); } while (0)

// Something true in the end: polled, with a deadline that only a hang reaches.
#define EVENTUALLY(condition) \
    do { \
        for (int round_ = 0; !(condition); round_++) { \
            CHECK(round_ < 20000 && #condition); \
            brief_pause(); \
        } \
    } while (0)

__attribute__((unused)) static void brief_pause(void) {
    // Not through the hooks: this is no wait of the program's own.
    struct timespec millisecond = {0, 1000000};
    syscall(SYS_nanosleep, &millisecond, NULL);
}

__attribute__((unused)) static struct timespec from_now(clockid_t clock, int milliseconds) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds % 1000 * 1000000L;
    time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

// The raw wait status of a child.
__attribute__((unused)) static int status_of(pid_t child) {
    int status;
    pid_t ended;
    CHECK(child > 0);
    do ended = waitpid(child, &status, 0); while (ended == -1 && errno == EINTR);
    CHECK(ended == child);
    return status;
}

// The child ended by itself with this code.
#define EXITED(child, code) \
    do { int status_ = status_of(child); CHECK(WIFEXITED(status_)); CHECK(WEXITSTATUS(status_) == (code)); } while (0)

// Runs `body(argument)` in a forked child that must end well.
__attribute__((unused)) static void in_child(void (*body)(void *), void *argument) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body(argument);
        _exit(0);
    }
    EXITED(child, 0);
}

__attribute__((unused)) static void in_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}
