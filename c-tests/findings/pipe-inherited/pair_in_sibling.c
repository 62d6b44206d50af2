// The same with pairs of sockets: the second child holds the leader's end of the first one's.
// EXPECT: pipe-inherited severity=error state=hit subject~'the end of file never comes' count=1
#include "fixture.h"

static pid_t start(int *channel) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char bytes[8];
        close(ends[0]);
        while (recv(ends[1], bytes, sizeof bytes, 0) > 0)
            ;
        _exit(0);
    }
    close(ends[1]);
    *channel = ends[0];
    return child;
}

static void leader_body(void) {
    int one, other;
    pid_t first = start(&one);
    start(&other);
    CHECK(close(one) == 0);
    waitpid(first, NULL, 0);
}

int main(void) {
    end_once_reported(leader_body);
    return 0;
}
