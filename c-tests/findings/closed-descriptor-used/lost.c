// A daemon closes all descriptors, one by one, and writes to the log that its leader had opened: the line is lost.
// EXPECT: closed-descriptor-used severity=error state=hit subject~'is lost' count=2
// EXPECT: closed-descriptor-used sites=[role=opened,frames.function=open_log] sites=[role=used,frames.function=write_lines]
// EXPECT-LAST: closed-descriptor-used hit
// STDERR: closed-descriptor-used (error): descriptor
// STDERR: cure: open it
#include "fixture.h"

__attribute__((noinline)) static void write_lines(void) {
    FAILS(EBADF, write(log_file, "line\n", 5));
    FAILS(EBADF, write(log_file, "line\n", 5));
}

static void upwards(void) {
    close_all_upwards();
    write_lines();
}

static void downwards(void) {
    close_all_downwards();
    write_lines();
}

int main(void) {
    open_log();
    in_daemon(upwards);
    in_daemon(downwards);
    return 0;
}
