// A lost thread is in the middle of getaddrinfo, which holds no lock while it waits: the child resolves names.
// EXPECT-NOT: lock-deadlock
// EXPECT-LAST-NOT: lock-orphaned hit
#include "../../process.h"
#include <netdb.h>
#include <sys/stat.h>

static void *body(void *unused) {
    worker_tid = gettid();
    getaddrinfo("alias", NULL, NULL, &(struct addrinfo *){NULL});
    return unused;
}

int main(void) {
    CHECK(mkfifo("aliases", 0600) == 0);
    CHECK(setenv("HOSTALIASES", "aliases", 1) == 0);
    start_worker_blocked_in(SYS_openat, body);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct addrinfo *found = NULL;
        CHECK(getaddrinfo("127.0.0.1", NULL, NULL, &found) == 0);
        freeaddrinfo(found);
        _exit(0);
    }
    EXITED(child, 0);
    return 0;
}
