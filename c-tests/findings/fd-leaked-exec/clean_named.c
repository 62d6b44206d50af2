// Sockets whose numbers the program is told, by an argument, by a variable and in a shell's redirection; and the number of another thing.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
// EXPECT-EVENT: exec
#include "../../leaks.h"

static char number[16], command[32], variable[40];

static void start(char *const *arguments, char *const *variables) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execve("/bin/sh", arguments, variables);
        _exit(127);
    }
    EXITED(child, 0);
}

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_leaking(&address);
    snprintf(number, sizeof number, "%d", listener);
    snprintf(command, sizeof command, "exit 0 <&%d", listener);
    snprintf(variable, sizeof variable, "SERVER_STARTER_PORT=80=%d", listener);
    start((char *[]){"sh", "-c", "exit 0", number, NULL}, (char *[]){NULL});
    start((char *[]){"sh", "-c", command, NULL}, (char *[]){NULL});
    start((char *[]){"sh", "-c", "exit 0", NULL}, (char *[]){variable, NULL});
    return 0;
}
