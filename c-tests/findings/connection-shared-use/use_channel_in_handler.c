// A signal handler of the child writes into pipes that are no self-pipes: the leader's end is closed here, or the handler is the child's own.
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: fork kind=fork count=2
#include "../../sockets.h"

static int ends[2], one_way;

static void tell(int signal_number) {
    (void)signal_number;
    CHECK(write(ends[1], "w", 1) == 1);
}

static void handle(void) {
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = tell}, NULL) == 0);
}

static void get_signal(void) {
    if (one_way)
        CHECK(close(ends[0]) == 0);
    else
        handle();
    CHECK(raise(SIGUSR1) == 0);
}

int main(void) {
    CHECK(pipe(ends) == 0);
    fork_working_child(get_signal);
    handle();
    one_way = 1;
    fork_working_child(get_signal);
    return 0;
}
