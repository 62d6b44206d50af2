// A listening socket that a shell command gets.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1
// EXPECT: fd-leaked-exec sites=[role=opened,frames.module~PROGRAM]
#include "../../leaks.h"

int main(void) {
    struct address address = v4_loopback();
    listen_leaking(&address);
    CHECK(system("exit 0") == 0);
    return 0;
}
