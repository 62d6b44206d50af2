// A socket that takes datagrams at its port keeps that port while the program has it, as a listening one does. One without a port is nobody's.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the socket at 127.0.0.1' subject~/bin/sh
// EXPECT: fd-leaked-exec sites=[role=opened,frames.module~PROGRAM]
#include "../../leaks.h"

static int datagrams_at(struct address *address) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)) == 0);
    CHECK(bind(fd, &address->any, address->size) == 0 && getsockname(fd, &address->any, &address->size) == 0);
    return fd;
}

int main(void) {
    struct address address = v4_loopback();
    datagrams_at(&address);
    datagrams_at(&address);
    CHECK(system("exec sleep 0.1") == 0);
    return 0;
}
