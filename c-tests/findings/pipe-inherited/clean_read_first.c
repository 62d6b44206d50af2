// Leaders that read all of a child's output before they wait for its end, or have it read by another process, or in a handler.
// EXPECT-NOT: pipe-inherited severity=error
// STDERR-NOT: pipe-inherited
#include "fixture.h"

enum { LENGTH = 1 << 20 };
static int ends[2];

static pid_t start_writer(void) {
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        static char report[LENGTH];
        close(ends[0]);
        CHECK(write(ends[1], report, sizeof report) == sizeof report);
        _exit(0);
    }
    CHECK(close(ends[1]) == 0);
    return child;
}

static void read_to_end(void) {
    char bytes[4096];
    ssize_t got;
    long all = 0;
    while ((got = read(ends[0], bytes, sizeof bytes)) > 0)
        all += got;
    CHECK(all == LENGTH);
}

static void reads_itself(void) {
    pid_t child = start_writer();
    read_to_end();
    EXITED(child, 0);
    close(ends[0]);
}

static void sibling_reads(void) {
    pid_t writer = start_writer(), reader = fork();
    CHECK(reader >= 0);
    if (reader == 0) {
        until_blocked(writer, SYS_write, NULL);
        brief_pause();
        read_to_end();
        _exit(0);
    }
    EXITED(writer, 0);
    EXITED(reader, 0);
    close(ends[0]);
}

static void on_user_signal(int signal) {
    (void)signal;
    read_to_end();
}

static void handler_reads(void) {
    struct sigaction action = {.sa_handler = on_user_signal, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    pid_t writer = start_writer(), leader = getpid(), ringer = fork();
    CHECK(ringer >= 0);
    if (ringer == 0) {
        close(ends[0]);
        until_blocked(writer, SYS_write, NULL);
        for (int round = 0; round < 100; round++)
            brief_pause();
        CHECK(kill(leader, SIGUSR1) == 0);
        _exit(0);
    }
    EXITED(writer, 0);
    EXITED(ringer, 0);
    close(ends[0]);
}

int main(void) {
    reads_itself();
    sibling_reads();
    handler_reads();
    return 0;
}
