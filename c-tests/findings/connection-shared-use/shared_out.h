// A connection that leader and child use at the same time.
#pragma once
#include "../../sockets.h"

static int peer;

static int connected_pair(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), fd = connect_to(&address);
    peer = accept(listener, NULL, NULL);
    CHECK(peer >= 0 && close(listener) == 0);
    return fd;
}

// Returns when the leader waits in recv for that descriptor.
static void await_reader(int fd) {
    char path[64], wait[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/syscall", getppid());
    snprintf(wait, sizeof wait, "%d 0x%x ", SYS_recvfrom, fd);
    while (strncmp(text, wait, strlen(wait)) != 0) {
        FILE *file = fopen(path, "re");
        CHECK(file != NULL);
        if (fgets(text, sizeof text, file) == NULL)
            *text = 0;
        CHECK(fclose(file) == 0);
        sched_yield();
    }
}
