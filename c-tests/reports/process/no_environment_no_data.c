// Neither the values of environment variables nor the data that is sent and received are recorded, not even of a connection that a child uses.
// ENV: TOKEN=value-of-a-variable
// EXPECT: connection-shared-use count=1
// EXPECT-EVENT: exec count=1
// EXPECT-NO-EVENT: process text~value-of-a
// EXPECT-NO-EVENT: fork text~value-of-a
// EXPECT-NO-EVENT: child text~value-of-a
// EXPECT-NO-EVENT: exec text~value-of-a
// EXPECT-NO-EVENT: finding text~value-of-a
// EXPECT-NO-EVENT: fork text~data-of-a
// EXPECT-NO-EVENT: child text~data-of-a
// EXPECT-NO-EVENT: finding text~data-of-a
// STDERR-NOT: value-of-a
// STDERR-NOT: data-of-a
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), connection = connect_to(&address), peer = accept(listener, NULL, NULL);
    char received[64];
    CHECK(getenv("TOKEN") != NULL && peer >= 0);
    CHECK(send(connection, "data-of-a-leader", 16, 0) == 16 && recv(peer, received, 16, MSG_WAITALL) == 16);
    CHECK(send(peer, "data-of-a-server", 16, 0) == 16);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(recv(connection, received, 16, MSG_WAITALL) == 16 && send(connection, "data-of-a-child", 15, 0) == 15);
        settle();
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    EXITED(child, 0);
    return 0;
}
