// A daemon closes all descriptors at once, by each of the two functions for that. The file that it opens next has the number of its leader's log,
// whose stream is not closed and writes there.
// GLIBC: 2.34
// EXPECT: closed-descriptor-used severity=error state=hit subject~'other.pid' count=2
// EXPECT: closed-descriptor-used sites=[role=opened,frames.function=open_log] sites=[role=used,frames.function=write_line]
// EXPECT-LAST: closed-descriptor-used hit
// STDERR: now: what is written there is meant for
#include "fixture.h"

__attribute__((noinline)) static void write_line(void) {
    CHECK(fprintf(log_stream, "line\n") == 5 && fflush(log_stream) == 0);
}

static void open_other(void) {
    for (int fd = 0; fd < fileno(log_stream);)
        CHECK((fd = open("other.pid", O_CREAT | O_RDWR, 0600)) >= 0);
    CHECK(write(fileno(log_stream), "1\n", 2) == 2);
    write_line();
}

static void by_range(void) {
    CHECK(close_range(3, ~0U, 0) == 0);
    open_other();
}

static void from(void) {
    closefrom(3);
    open_other();
}

int main(void) {
    open_log();
    in_daemon(by_range);
    in_daemon(from);
    return 0;
}
