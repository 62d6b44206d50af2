// A server starts a program while it answers a client: the program keeps the client's connection open, which gets no end of its answer.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the connection of' sites=[role=opened,frames.module~PROGRAM]
// EXPECT-NO-EVENT: finding severity=error
#include "../../leaks.h"

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), client = connect_to(&address), accepted = accept(listener, NULL, NULL);
    CHECK(accepted >= 0 && close(listener) == 0);
    fork_and_execute(NULL);
    CHECK(close(accepted) == 0 && close(client) == 0);
    return 0;
}
