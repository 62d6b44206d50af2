// A client's connection that is given to a program as its standard streams, as inetd does, beside its old number; and one of a server that waits
// for the command before it closes the connection.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
// EXPECT-EVENT: exec
#include "../../leaks.h"

static void serve(int accepted) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(dup2(accepted, 0) == 0 && dup2(accepted, 1) == 1);
        execl("/bin/true", "true", NULL);
        _exit(127);
    }
    EXITED(child, 0);
}

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), client = connect_to(&address), accepted = accept(listener, NULL, NULL);
    CHECK(accepted >= 0);
    serve(accepted);
    CHECK(system("true") == 0);
    CHECK(close(accepted) == 0 && close(client) == 0);
    return 0;
}
