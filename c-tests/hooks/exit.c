// exit, _exit, _Exit, quick_exit: codes, and which handlers run.
#include "driver.h"

static int end_of_log = -1;

static void log_exit(void) {
    if (end_of_log >= 0)
        CHECK(write(end_of_log, "e", 1) == 1);
}

static void log_quick_exit(void) {
    if (end_of_log >= 0)
        CHECK(write(end_of_log, "q", 1) == 1);
}

static void log_status(int status, void *argument) {
    if (end_of_log >= 0)
        CHECK(status == 300 && argument == &end_of_log && write(end_of_log, "s", 1) == 1);
}

static void end_by_exit(void) { exit(300); }
static void end_by_underscore(void) { _exit(300); }
static void end_by_Exit(void) { _Exit(300); }
static void end_by_quick_exit(void) { quick_exit(300); }
static void end_by_abort(void) { abort(); }

static void *exit_in_thread(void *unused) {
    (void)unused;
    exit(300);
}

static void end_in_thread(void) {
    in_thread(exit_in_thread, NULL);
}

// Ends a child in one way; `log` is what its handlers wrote.
static int ended(void (*end)(void), const char *log) {
    int ends[2];
    char seen[8] = "";
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        end_of_log = ends[1];
        CHECK(atexit(log_exit) == 0 && at_quick_exit(log_quick_exit) == 0 && on_exit(log_status, &end_of_log) == 0);
        end();
    }
    CHECK(close(ends[1]) == 0);
    int status = status_of(child);
    CHECK(read(ends[0], seen, sizeof seen) == (ssize_t)strlen(log) && memcmp(seen, log, strlen(log)) == 0);
    CHECK(close(ends[0]) == 0);
    return status;
}

SNIPPET(codes_and_handlers) {
    CHECK(ended(end_by_exit, "se") == (300 & 255) << 8);
    CHECK(ended(end_by_underscore, "") == (300 & 255) << 8);
    CHECK(ended(end_by_Exit, "") == (300 & 255) << 8);
    CHECK(ended(end_by_quick_exit, "q") == (300 & 255) << 8);
    // While handlers run, glibc lets no other thread into exit from 2.41 on: it would wait for ever.
    if (strcmp(context, "atexit handler") != 0)
        CHECK(ended(end_in_thread, "se") == (300 & 255) << 8);
    CHECK((ended(end_by_abort, "") & 127) == SIGABRT);
}
