// FORKGUARD_KEEP: a connection that is meant for the children is not touched, and that they use it is no finding.
// ENV: FORKGUARD_SOCKETS=sever
// ENV: FORKGUARD_KEEP=127.?.0.1:*, *kept.socket,@forkguard-kept-*,fd:741
// EXPECT: connection-inherited subject~::1 count=1
// EXPECT: connection-inherited count=1
// EXPECT-NOT: connection-shared-use
// EXPECT-EVENT: child cures=[action=severed,subject~::1]
// EXPECT-NO-EVENT: child cures=[action=severed,subject~'127.0.0.1']
// EXPECT-NO-EVENT: child cures=[action=severed,subject~'unix']
#include "fixture.h"

static struct connection by_port, by_path, by_name, by_number, other;

static struct address abstract(void) {
    struct address address = {.local = {.sun_family = AF_UNIX}, .size = sizeof(sa_family_t)};
    int length = snprintf(address.local.sun_path + 1, 64, "forkguard-kept-%d", getpid());
    address.size += 1 + (socklen_t)length;
    return address;
}

static void use(void) {
    is_dead(other.fd);
    const int kept[] = {by_port.fd, by_path.fd, by_name.fd, by_number.fd};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        CHECK(send(kept[i], "question", 8, 0) == 8);
}

int main(void) {
    by_port = connect_and_accept(v4_loopback());
    by_path = connect_and_accept(unix_path("kept.socket"));
    by_name = connect_and_accept(abstract());
    other = connect_and_accept(v6_loopback());
    by_number = connect_and_accept(v6_loopback());
    int low = by_number.fd;
    CHECK((by_number.fd = fcntl(low, F_DUPFD_CLOEXEC, 741)) == 741 && close(low) == 0);
    fork_working_child(use);
    goes_on(other);
    char bytes[8];
    const int peers[] = {by_port.peer, by_path.peer, by_name.peer, by_number.peer};
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        CHECK(recv(peers[i], bytes, 8, MSG_WAITALL) == 8);
    CHECK(unlink("kept.socket") == 0);
    return 0;
}
