// The child only looks at what has arrived, and asks for the state of the connection.
// EXPECT: connection-inherited count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST-NOT: connection-inherited hit
#include "../../sockets.h"

static int fd;

static void look(void) {
    char bytes[8];
    struct iovec vector = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    int error;
    CHECK(recv(fd, bytes, 8, MSG_PEEK) == 8);
    CHECK(recvfrom(fd, bytes, 8, MSG_PEEK | MSG_DONTWAIT, NULL, NULL) == 8);
    CHECK(recvmsg(fd, &message, MSG_PEEK) == 8);
    CHECK(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 1);
    CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}) == 0);
}

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address);
    fd = connect_to(&address);
    CHECK(send(accept(listener, NULL, NULL), "answer..", 8, 0) == 8);
    fork_working_child(look);
    return 0;
}
