// A daemon(3) goes on with its leader's connection while the leader, which is about to end, still runs a handler of atfork.
// EXPECT-NOT: connection-shared-use
#include "../../sockets.h"

static int used[2];

static void waits_for_use(void) {
    char byte;
    close(used[1]);
    CHECK(read(used[0], &byte, 1) == 1);
}

int main(void) {
    int done[2];
    char bytes[8];
    CHECK(pipe(done) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct address address = v4_loopback();
        int listener = listen_at(&address), fd = connect_to(&address), peer = accept(listener, NULL, NULL);
        CHECK(peer >= 0 && pipe(used) == 0 && pthread_atfork(NULL, waits_for_use, NULL) == 0);
        CHECK(daemon(1, 1) == 0);
        CHECK(send(fd, "question", 8, 0) == 8 && recv(peer, bytes, 8, MSG_WAITALL) == 8);
        CHECK(write(used[1], "!", 1) == 1 && write(done[1], "!", 1) == 1);
        live();
    }
    EXITED(child, 0);
    CHECK(close(done[1]) == 0 && read(done[0], bytes, 1) == 1);
    return 0;
}
