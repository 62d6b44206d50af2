// The child waits for an output of aio(7), for which the C library has an idle thread: that is lost.
// LIBS: -lrt
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT-NO-EVENT: finding kind=lock-deadlock
// STDERR: join-lost-thread
#include "idle.h"
#include <aio.h>
#include <fcntl.h>

static void write_line(int fd, const char *line) {
    struct aiocb output = {.aio_fildes = fd, .aio_buf = (void *)line, .aio_nbytes = strlen(line)};
    const struct aiocb *all[] = {&output};
    CHECK(aio_write(&output) == 0);
    while (aio_error(&output) == EINPROGRESS)
        CHECK(aio_suspend(all, 1, NULL) == 0);
    CHECK(aio_return(&output) == (ssize_t)strlen(line));
}

int main(void) {
    // It stays for longer than this program runs.
    struct aioinit keep = {.aio_threads = 1, .aio_num = 1, .aio_idle_time = 600};
    aio_init(&keep);
    int fd = open("journal", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    write_line(fd, "of the leader\n");
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        write_line(fd, "of the child\n");
        _exit(1);
    }
    for (int round = 0; round < 200 && !reported(getpid(), "join-lost-thread"); round++)
        idle_for(1);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WIFSIGNALED(status_of(child)));
    CHECK(reported(getpid(), "join-lost-thread"));
    return 0;
}
