// Daemons that have their lock: of flock, which stays with the open file; of F_SETLK, taken anew after the last fork, or taken then only.
// EXPECT-NOT: lock-file-shared severity=error
// EXPECT-NOT: lock-file-shared severity=warning
// STDERR-NOT: lock-file-shared
#include "fixture.h"

static void become_daemon(void (*before)(int), void (*after)(int)) {
    int done[2];
    char byte;
    CHECK(pipe(done) == 0);
    pid_t launcher = fork();
    CHECK(launcher >= 0);
    if (launcher == 0) {
        file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        CHECK(file >= 0);
        before(file);
        if (fork() != 0)
            _exit(0);
        setsid();
        if (fork() != 0)
            _exit(0);
        after(file);
        settle();
        poll(NULL, 0, 1100);
        live();
    }
    EXITED(launcher, 0);
    CHECK(close(done[1]) == 0 && read(done[0], &byte, 1) == 0);
    CHECK(close(done[0]) == 0);
}

static void by_flock(int fd) {
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
}

static void by_fcntl(int fd) {
    CHECK(lockf(fd, F_LOCK, 0) == 0);
}

static void not(int fd) {
    (void)fd;
}

static void give_up(int fd) {
    CHECK(close(fd) == 0);
}

int main(void) {
    become_daemon(by_flock, not);
    become_daemon(by_fcntl, by_fcntl);
    become_daemon(not, by_fcntl);
    become_daemon(by_fcntl, give_up);
    return 0;
}
