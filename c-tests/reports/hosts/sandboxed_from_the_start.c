// As in a container: the program and what started it have a filter that only fails calls. All is recorded from the start.
// EXPECT: connection-inherited subject~server.socket text~sockets.h count=1
// EXPECT: handler-inherited subject~SIGUSR1
#include "../../filter.h"
#include "../../sockets.h"

static void nothing(int number) { (void)number; }

int main(int count, char **arguments) {
    if (count > 1) {
        struct address address = unix_path("server.socket");
        CHECK(signal(SIGUSR1, nothing) != SIG_ERR);
        listen_at(&address);
        connect_to(&address);
        fork_living_child();
        return 0;
    }
    const int never = SYS_acct;
    struct filter filter;
    filter_to(&filter, &never, 1, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ALLOW);
    set_filter(&filter);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl(arguments[0], arguments[0], "program", NULL);
        _exit(99);
    }
    EXITED(child, 0);
    return 0;
}
