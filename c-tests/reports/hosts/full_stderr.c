// Standard error is a pipe that nobody empties: what the child would have printed is left out, and it goes on.
// EXPECT: thread-lost severity=warning count=1
// EXPECT-EVENT: child settled=poll findings.warning=1 count=1
#include "../../process.h"
#include <fcntl.h>

int main(void) {
    int ends[2], kept = dup(2);
    char page[4096] = "";
    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    while (write(ends[1], page, sizeof page) > 0)
        ;
    CHECK(errno == EAGAIN && fcntl(ends[1], F_SETFL, 0) == 0);
    start_worker(stay_idle);
    CHECK(dup2(ends[1], 2) == 2);
    fork_living_child();
    CHECK(dup2(kept, 2) == 2);
    return 0;
}
