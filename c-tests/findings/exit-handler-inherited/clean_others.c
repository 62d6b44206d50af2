// A handler that compares the process id, one that removes what the child made itself, and one in a child that ends by _exit.
// EXPECT: exit-handler-inherited severity=info
// EXPECT-NOT: exit-handler-inherited severity=warning
#include "fixture.h"

static void remove_of_leader(void) {
    if (getpid() == registered_in)
        unlink(path);
}

static void remove_own(void) {
    int file = open("exit_handler.own", O_CREAT | O_WRONLY, 0600);
    CHECK(file >= 0 && close(file) == 0 && unlink("exit_handler.own") == 0);
}

int main(void) {
    make_file();
    CHECK(atexit(remove_of_leader) == 0 && atexit(remove_own) == 0);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (i)
                _exit(0);
            exit(0);
        }
        EXITED(child, 0);
        CHECK(access(path, F_OK) == 0);
    }
    return 0;
}
