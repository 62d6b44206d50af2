// The leader's main thread has ended, and with it what /proc/self shows of descriptors: another thread forks.
// EXPECT: connection-inherited severity=info subject~127.0.0.1 count=1
// EXPECT: connection-shared-use severity=error state=hit count=1
// EXPECT-LAST: connection-inherited hit count=1
// EXPECT-EVENT: fork descriptors=[kind=socket,origin=recorded,socket.role=connected]
#include "../../sockets.h"

static int fd;

static void use(void) {
    CHECK(send(fd, "question", 8, 0) == 8);
}

static void *fork_without_main(void *main_thread) {
    CHECK(pthread_join((pthread_t)main_thread, NULL) == 0);
    fork_working_child(use);
    exit(0);
}

int main(void) {
    struct address address = v4_loopback();
    pthread_t thread;
    listen_at(&address);
    fd = connect_to(&address);
    CHECK(pthread_create(&thread, NULL, fork_without_main, (void *)pthread_self()) == 0);
    pthread_exit(NULL);
}
