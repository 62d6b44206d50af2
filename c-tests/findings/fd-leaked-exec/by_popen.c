// A connection that a command behind a pipe gets.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1
// EXPECT: fd-leaked-exec sites=[role=opened,frames.module~PROGRAM]
#include "../../leaks.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    connect_leaking(&address);
    FILE *stream = popen("exit 0", "r");
    CHECK(stream && pclose(stream) == 0);
    return 0;
}
