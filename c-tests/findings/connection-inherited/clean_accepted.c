// A forking server: each child talks to the client that its leader accepted.
// EXPECT-NOT: connection-inherited
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: fork kind=fork count=2
#include "../../sockets.h"

static struct address address;
static int client;

static void serve(void) {
    char bytes[8];
    CHECK(recv(client, bytes, 8, 0) == 8 && send(client, bytes, 8, 0) == 8 && shutdown(client, SHUT_RDWR) == 0);
}

static void ask(void) {
    char bytes[8];
    int fd = connect_to(&address);
    CHECK(send(fd, "question", 8, 0) == 8 && recv(fd, bytes, 8, MSG_WAITALL) == 8);
}

// The client is a process of its own.
static void *be_client(void *unused) {
    fork_working_child(ask);
    return unused;
}

int main(void) {
    address = v4_loopback();
    int listener = listen_at(&address);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, be_client, NULL) == 0);
    CHECK((client = accept(listener, NULL, NULL)) >= 0);
    fork_working_child(serve);
    CHECK(close(client) == 0 && pthread_join(thread, NULL) == 0);
    return 0;
}
