// Netlink sockets that are used well: the leader closes its own once it has forked; the child makes its own; it only reads what the kernel tells
// everybody, or only tells the kernel; and the C library makes its own for a moment.
// EXPECT-NOT: connection-shared-use
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: connection-shared-use
#include "netlink.h"
#include <net/if.h>
#include <netdb.h>

static void asks_and_hears(void) {
    asks();
    hears();
}

static void asks_own(void) {
    close(netlink);
    open_netlink();
    asks_and_hears();
}

static void only_reads(void) { FAILS(EAGAIN, recv(netlink, &(char){0}, 1, MSG_DONTWAIT)); }

static void only_asks(void) { asks(); }

static void asks_libc(void) {
    struct addrinfo *found;
    if (getaddrinfo("127.0.0.1", "80", NULL, &found) == 0)
        freeaddrinfo(found);
    if_freenameindex(if_nameindex());
}

static void runs_in_child(void (*body)(void)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        _exit(0);
    }
    EXITED(child, 0);
}

static void of_child_alone(void) {
    open_netlink();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        asks_and_hears();
        _exit(0);
    }
    close(netlink);
    EXITED(child, 0);
}


int main(void) {
    of_child_alone();
    open_netlink();
    runs_in_child(asks_own);
    runs_in_child(only_reads);
    asks_libc();
    runs_in_child(asks_libc);
    runs_in_child(only_asks);
    return 0;
}
