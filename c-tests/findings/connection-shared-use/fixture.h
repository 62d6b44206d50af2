// Ways of using an inherited connection, each in a child of its own; the ways that are missing in the report are printed.
#pragma once
#include "../../sockets.h"

struct way {
    const char *name;
    void (*use)(int fd);
};

#define WAY(name) {#name, name}

// There are eight bytes to receive. A sibling, which may use each connection, too, lives all the time: what a leader's only child reads may be its half.
static void try_each(const struct way *ways, size_t count) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), missing = 0;
    pid_t sibling = fork();
    CHECK(sibling >= 0);
    if (sibling == 0)
        for (;;)
            pause();
    for (const struct way *way = ways; way < ways + count; way++) {
        int fd = connect_to(&address), peer = accept(listener, NULL, NULL);
        CHECK(send(peer, "answer..", 8, 0) == 8);
        step = way->name;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            way->use(fd);
            _exit(0);
        }
        EXITED(child, 0);
        if (!reported(child, "connection-shared-use") && ++missing)
            dprintf(2, "not reported: %s\n", way->name);
        CHECK(close(fd) == 0 && close(peer) == 0);
    }
    CHECK(kill(sibling, SIGKILL) == 0 && waitpid(sibling, NULL, 0) == sibling);
    CHECK(missing == 0);
}
