// Loaded by unloaded_site.c: connects.
#include "../sockets.h"

int first_connects(struct address *address);

int first_connects(struct address *address) {
    // Its return value is looked at: no jump instead of a call.
    int fd = connect_to(address);
    CHECK(fd >= 0);
    return fd;
}
