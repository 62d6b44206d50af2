// Standard error is a terminal, a pipe or a socket that takes a hundred bytes more and that nobody reads: no word about a child may make
// it wait, and the descriptor's flags stay as they are.
#include "../../process.h"
#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>

// Fills what is written at one end until it takes no more than the other end gives back.
static void nearly_fill(int writing, int reading) {
    char some[100] = "";
    int flags = fcntl(writing, F_GETFL);
    CHECK(flags >= 0 && fcntl(writing, F_SETFL, flags | O_NONBLOCK) == 0);
    // In single bytes: what is read then makes room, however the kernel packs them.
    while (write(writing, some, 1) == 1)
        ;
    CHECK(errno == EAGAIN && fcntl(writing, F_SETFL, flags) == 0);
    CHECK(read(reading, some, sizeof some) > 0);
}

static void be_told_there(const char *what, int writing, int reading) {
    int kept = dup(2), flags = fcntl(writing, F_GETFL);
    nearly_fill(writing, reading);
    CHECK(dup2(writing, 2) == 2);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        poll(NULL, 0, 0);
        _exit(0);
    }
    EXITED(child, 0);
    CHECK(fcntl(2, F_GETFL) == flags);
    CHECK(dup2(kept, 2) == 2 && close(kept) == 0);
    printf("%s: the child ended\n", what);
}

int main(void) {
    int terminal[2], pipes[2], sockets[2];
    // There is more to say than a hundred bytes.
    for (int count = 0; count < 30; count++)
        start_worker(stay_idle);
    CHECK(openpty(&terminal[0], &terminal[1], NULL, NULL, NULL) == 0);
    be_told_there("terminal", terminal[1], terminal[0]);
    CHECK(pipe(pipes) == 0);
    be_told_there("pipe", pipes[1], pipes[0]);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    be_told_there("socket", sockets[1], sockets[0]);
    return 0;
}
