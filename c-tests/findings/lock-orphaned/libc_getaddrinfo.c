// A thread inside getaddrinfo: it waits for the file of host aliases, a FIFO. It holds its lock for moments only.
// EXPECT: lock-orphaned severity=info subject~worker text~getaddrinfo
// EXPECT-EVENT: fork locks=[kind=libc,name~getaddrinfo,holder_name=worker]
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
    fork_living_child();
    return 0;
}
