// FORKGUARD_EXEC=clean: a program that a child executes does not keep the leader's lock.
// ENV: FORKGUARD_EXEC=clean
// EXPECT-LAST: fd-leaked-exec resolved because~forkguard
#include "../../check.h"
#include <fcntl.h>
#include <sys/file.h>

int main(void) {
    int file = open("exec.lock", O_RDWR | O_CREAT, 0600), ends[2];
    CHECK(file >= 0 && flock(file, LOCK_EX) == 0 && pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(dup2(ends[0], 0) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
        execl("/bin/cat", "cat", (char *)NULL);
        _exit(127);
    }
    // Until it is another program.
    for (char name[16] = ""; strcmp(name, "cat\n") != 0;) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/comm", child);
        int comm = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = read(comm, name, sizeof name - 1);
        name[length > 0 ? length : 0] = 0;
        close(comm);
    }
    CHECK(close(file) == 0);
    file = open("exec.lock", O_RDWR | O_CLOEXEC);
    CHECK(file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    EXITED(child, 0);
    return 0;
}
