// A process forks a worker while it serves a client, answers, and closes: the client waits for the end as long as the worker lives.
// EXPECT: socket-inherited severity=info count=2
// EXPECT: socket-inherited severity=error subject~'the connection of' sites=[role=opened,frames.module~PROGRAM] sites=[role=fork,frames.module~PROGRAM] count=2
// STDERR: socket-inherited (error): the connection of 127.0.0.1:
#include "fixture.h"

static void serve(struct address address) {
    struct served served = accept_one(address);
    char bytes[8];
    struct idle_child child = fork_idle_child(served.client, NULL, served.fd);
    CHECK(send(served.fd, "answer", 6, 0) == 6 && close(served.fd) == 0);
    CHECK(recv(served.client, bytes, 6, MSG_WAITALL) == 6);
    FAILS(EAGAIN, recv(served.client, bytes, 1, MSG_DONTWAIT));
    end_idle_child(child);
    CHECK(recv(served.client, bytes, 1, 0) == 0);
    CHECK(close(served.client) == 0 && close(served.listener) == 0);
}

int main(void) {
    char path[] = "/tmp/forkguard-test-XXXXXX";
    CHECK(mkdtemp(path) != NULL && chdir(path) == 0);
    serve(v4_loopback());
    serve(unix_path("server"));
    CHECK(unlink("server") == 0 && rmdir(path) == 0);
    return 0;
}
