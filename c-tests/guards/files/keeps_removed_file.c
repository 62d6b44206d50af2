// FORKGUARD_FILES=own: an exit handler that a child has from its leader leaves the leader's file, and removes the child's own.
// ENV: FORKGUARD_FILES=own
// EXPECT-NOT: exit-handler-inherited severity=warning
// EXPECT-LAST: exit-handler-inherited resolved because~forkguard
// STDERR-NOT: exit-handler-inherited
#include "../../findings/exit-handler-inherited/fixture.h"

static char own_path[40];

static void clean_up(void) {
    CHECK(unlink(path) == 0 && rename(path, "exit_handler.renamed") == 0 && unlinkat(AT_FDCWD, path, 0) == 0);
    if (own_path[0])
        CHECK(unlink(own_path) == 0 && access(own_path, F_OK) == -1);
}

int main(void) {
    make_file();
    CHECK(atexit(clean_up) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        snprintf(own_path, sizeof own_path, "%s.own", path);
        int file = open(own_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        CHECK(file >= 0 && close(file) == 0);
        exit(0);
    }
    EXITED(child, 0);
    CHECK(access(path, F_OK) == 0 && access("exit_handler.renamed", F_OK) == -1);
    CHECK(unlink(path) == 0);
    _exit(0);
}
