// The C library's own threads that resolve names are lost: no hook saw them start, and the child waits for them inside the C library.
// LIBS: -lanl
// EXPECT: lock-deadlock severity=error state=hit subject~'in getaddrinfo_a()' count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit text~getaddrinfo_a count=1
// EXPECT-NOT: join-lost-thread
#include "../../process.h"
#include <netdb.h>

static void resolve(void) {
    struct gaicb request = {.ar_name = "127.0.0.1"}, *list[] = {&request};
    CHECK(getaddrinfo_a(GAI_WAIT, list, 1, NULL) == 0);
}

int main(void) {
    resolve();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        resolve();
        _exit(1);
    }
    for (int round = 0; round < 200 && !reported(getpid(), "lock-deadlock"); round++)
        poll(NULL, 0, 100);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WIFSIGNALED(status_of(child)));
    return 0;
}
