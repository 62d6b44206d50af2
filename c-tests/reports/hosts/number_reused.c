// The leader closes everything past all hooks and opens files at every number: each is its own, and the report goes on.
// EXPECT-EVENT: fork kind=fork count=2
#include "../../process.h"
#include <fcntl.h>

enum { NUMBERS = 600 };

int main(void) {
    fork_living_child();
    CHECK(syscall(SYS_close_range, 3U, ~0U, 0U) == 0);
    for (int number = 3; number < NUMBERS; number++)
        CHECK(fcntl(0, F_DUPFD, number) == number);
    for (int number = 3; number < NUMBERS; number++)
        CHECK(fcntl(number, F_GETFD) == 0 && close(number) == 0);
    fork_living_child();
    return 0;
}
