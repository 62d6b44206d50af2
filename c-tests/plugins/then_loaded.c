// Loaded by unloaded_site.c: as many pages as first_loaded.c.
#include "../sockets.h"

int other_connects(struct address *address);
int another(int number);

int other_connects(struct address *address) {
    int fd = connect_to(address);
    CHECK(fd >= 0);
    return fd;
}

int another(int number) {
    return number * number;
}
