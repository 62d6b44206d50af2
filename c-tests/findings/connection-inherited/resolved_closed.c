// The child closes its copies of connections without a word, by each way there is.
// GLIBC: 2.34 has close_range
// EXPECT: connection-inherited state=open count=5
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: connection-inherited resolved count=5
#include "../../sockets.h"

static int by_close, by_stream, by_range, by_open, by_copy;

static void close_all(void) {
    FILE *stream = fdopen(by_stream, "r+");
    CHECK(close(by_close) == 0 && stream && fclose(stream) == 0);
    CHECK(close_range((unsigned)by_range, (unsigned)by_range, 0) == 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK(null >= 0 && dup2(null, by_open) == by_open);
    int copy = dup(by_copy);
    CHECK(close(by_copy) == 0 && close(copy) == 0);
    CHECK(write(by_open, "nothing", 7) == 7);
}

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    by_close = connect_to(&address);
    by_stream = connect_to(&address);
    by_range = connect_to(&address);
    by_open = connect_to(&address);
    by_copy = connect_to(&address);
    fork_working_child(close_all);
    return 0;
}
