// A connection used through the C library's streams, whose writes cross no symbol.
// EXPECT: connection-shared-use severity=error state=hit subject~127.0.0.1 count=4
// EXPECT: connection-shared-use sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM]
// EXPECT-LAST: connection-inherited hit count=4
#include "fixture.h"

static void by_write(int fd) {
    FILE *stream = fdopen(fd, "w");
    CHECK(stream && fwrite("question", 1, 8, stream) == 8 && fflush(stream) == 0);
}

static void by_read(int fd) {
    char text[4];
    FILE *stream = fdopen(fd, "r");
    CHECK(stream && fgets(text, sizeof text, stream) && text[0] == 'a');
}

static void by_close(int fd) {
    FILE *stream = fdopen(fd, "w");
    CHECK(stream && fputs("goodbye", stream) >= 0 && fclose(stream) == 0);
}

static void by_dprintf(int fd) {
    CHECK(dprintf(fd, "%d", 7) == 1);
}

static const struct way ways[] = {WAY(by_write), WAY(by_read), WAY(by_close), WAY(by_dprintf)};

int main(void) {
    try_each(ways, sizeof ways / sizeof *ways);
    return 0;
}
