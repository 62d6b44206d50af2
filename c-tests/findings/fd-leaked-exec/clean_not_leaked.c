// Sockets that are closed on exec or before it, given on purpose, or made the standard input of the program that is started.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
// EXPECT-EVENT: fork kind=fork count=3
#include "../../leaks.h"
#include <sys/ioctl.h>

static int leaking, standard;

static void close_it(void) {
    CHECK(close(leaking) == 0);
}

static void give_as_standard_input(void) {
    CHECK(dup2(standard, 0) == 0 && dup2(standard, 1) == 1);
}

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), given = connect_to(&address), granted = connect_to(&address);
    standard = connect_to(&address);
    CHECK(fcntl(given, F_SETFD, 0) == 0 && ioctl(granted, FIONCLEX) == 0);
    int neglected = connect_leaking(&address), cured = connect_leaking(&address);
    CHECK(fcntl(neglected, F_SETFD, FD_CLOEXEC) == 0 && ioctl(cured, FIOCLEX) == 0);
    fork_and_execute(NULL);
    fork_and_execute(give_as_standard_input);
    CHECK(system("exit 0") == 0);
    leaking = connect_leaking(&address);
    fork_and_execute(close_it);
    CHECK(close(listener) == 0);
    return 0;
}
