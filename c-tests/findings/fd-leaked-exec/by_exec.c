// A listening socket and a connection that survive an exec in the child. (The guards would close them.)
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=2
// EXPECT: fd-leaked-exec sites=[role=opened,frames.module~PROGRAM]
// EXPECT-NO-EVENT: finding severity=error
#include "../../leaks.h"

int main(void) {
    struct address address = v4_loopback();
    listen_leaking(&address);
    connect_leaking(&address);
    fork_and_execute(NULL);
    return 0;
}
