// Where no descriptor is left to sever with, the connection stays as it is, and the report has the error (EMFILE).
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT-EVENT: child cures=[guard=sockets,action=severed,failed=24]
// EXPECT-LAST: connection-inherited hit count=1
// EXPECT-LAST: connection-shared-use hit count=1
#include "fixture.h"
#include <sys/resource.h>

static struct connection connection;
static struct rlimit limit;

// From the last moment before the fork on, in the child for good.
static void fill_table(void) {
    struct rlimit lower = {.rlim_cur = 3, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &lower) == 0);
}

static void empty_table(void) {
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void use(void) {
    char bytes[8];
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(send(connection.fd, "question", 8, 0) == 8 && recv(connection.fd, bytes, 8, MSG_WAITALL) == 8);
}

int main(void) {
    connection = connect_and_accept(v4_loopback());
    CHECK(send(connection.peer, "answer..", 8, 0) == 8);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(pthread_atfork(fill_table, empty_table, NULL) == 0);
    fork_working_child(use);
    return 0;
}
